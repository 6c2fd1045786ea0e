//! A sweep: one setting with several values, each from several seeds, trained one after the other, and what came out.

use crate::settings::diff::words;
use crate::settings::{Kind, Setting, Setup, layers};
use crate::ui::format::{count, parse_number, shortest};

/// The most values of a sweep, and the most seeds.
pub(crate) const MAX_VALUES: usize = 8;
pub(crate) const MAX_SEEDS: u32 = 5;

/// What is swept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SweepChoice {
    /// The id of the setting.
    pub(crate) setting: &'static str,
    /// Its values as links carry them, at most [`MAX_VALUES`].
    pub(crate) values: Vec<String>,
    /// The seeds from that of the settings on, at most [`MAX_SEEDS`].
    pub(crate) seeds: u32,
}

impl Default for SweepChoice {
    fn default() -> Self {
        Self { setting: "lr", values: ["0.001", "0.003", "0.01"].map(str::to_owned).to_vec(), seeds: 3 }
    }
}

/// The settings that can be swept: those with several values. Seeds are swept with every one.
pub(crate) fn can_be_swept(setting: &Setting) -> bool {
    !matches!(setting.kind, Kind::Layers) && setting.id != "seed"
}

/// The values that a setting can have, the present one among them, in their order.
pub(crate) fn all_values(setting: &Setting, setup: &Setup) -> Vec<String> {
    let Some(now) = setting.text(setup) else { return Vec::new() };
    let mut values = setting.alternatives(setup);
    match &setting.kind {
        Kind::Switch(_) => values = ["off", "on"].map(str::to_owned).to_vec(),
        Kind::Choice(choice) => {
            let place = |value: &String| choice.options.iter().position(|(id, _)| id == value);
            values.push(now);
            values.sort_by_key(place);
        }
        _ => {
            values.push(now);
            sort_numbers(&mut values);
        }
    }
    values
}

/// Sorts the texts of numbers; other texts stay behind them.
pub(crate) fn sort_numbers(values: &mut [String]) {
    values.sort_by(|a, b| match (parse_number(a), parse_number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// Three values to begin with: the present one and its neighbours.
pub(crate) fn first_values(setting: &Setting, setup: &Setup) -> Vec<String> {
    let all = all_values(setting, setup);
    let now = setting.text(setup);
    let at = all.iter().position(|value| Some(value) == now.as_ref()).unwrap_or(0);
    let from = at.saturating_sub(1).min(all.len().saturating_sub(3));
    all.into_iter().skip(from).take(3).collect()
}

/// One network of a sweep, and what came out of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SweepRun {
    /// The place of its value.
    pub(crate) value: usize,
    pub(crate) seed: u32,
    pub(crate) setup: Setup,
    /// None until it has trained for all epochs.
    pub(crate) outcome: Option<Outcome>,
}

/// What came out of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Trained {
        /// On the test set, 0 to 1.
        accuracy: f64,
        loss: f64,
        /// Seconds of training, if they are known.
        seconds: Option<f64>,
    },
    Diverged,
}

/// A sweep under way, or one that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// The name of the setting.
    pub(crate) name: &'static str,
    /// Its values in words.
    pub(crate) values: Vec<String>,
    pub(crate) epochs: f64,
    /// All values with the first seed, then all with the next: however soon it is ended, the values can be compared.
    pub(crate) runs: Vec<SweepRun>,
}

impl Sweep {
    /// A sweep from these settings on.
    ///
    /// # Errors
    /// A sentence, if the setting does not have one of the values.
    pub(crate) fn new(choice: &SweepChoice, first: &Setup, epochs: f64) -> Result<Self, String> {
        let setting = Setting::find(choice.setting).ok_or("There is no such setting.")?;
        let seeds = 0..choice.seeds.clamp(1, MAX_SEEDS);
        let mut runs = Vec::new();
        for seed in seeds.map(|seed| first.training.seed.wrapping_add(seed)) {
            for (value, text) in choice.values.iter().take(MAX_VALUES).enumerate() {
                let mut setup = first.clone();
                setup.training.seed = seed;
                setting.set_text(&mut setup, text)?;
                layers::check(&setup.network, setup.training.batch_size).map_err(|e| e.message)?;
                runs.push(SweepRun { value, seed, setup, outcome: None });
            }
        }
        if runs.is_empty() {
            return Err("A sweep needs a value.".into());
        }
        let values = choice.values.iter().take(MAX_VALUES).map(|text| words(setting, text)).collect();
        Ok(Self { name: setting.name, values, epochs, runs })
    }

    /// That it has ended, in a sentence; none if nothing came out.
    pub(crate) fn ended_in_words(&self) -> Option<String> {
        let done = self.runs.iter().filter(|run| run.outcome.is_some()).count();
        let all = count(self.runs.len(), "network");
        (done > 0)
            .then(|| format!("The sweep of {} has ended, with the results of {done} of {all}.", self.name))
    }

    /// What came out with a value.
    pub(crate) fn summary(&self, value: usize) -> Summary {
        let outcomes = self.runs.iter().filter(|run| run.value == value).filter_map(|run| run.outcome);
        let mut summary = Summary::default();
        for outcome in outcomes {
            match outcome {
                Outcome::Diverged => summary.diverged += 1,
                Outcome::Trained { accuracy, .. } => summary.accuracies.push(accuracy),
            }
        }
        summary
    }

    /// The range of all accuracies, and of all means with their spread; none before the first.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let all = (0..self.values.len()).flat_map(|value| {
            let summary = self.summary(value);
            let around = summary.mean().zip(summary.spread());
            let around = around.map_or(Vec::new(), |(mean, spread)| vec![mean - spread, mean + spread]);
            summary.accuracies.into_iter().chain(around)
        });
        all.fold(None, |range, accuracy| {
            let (low, high) = range.unwrap_or((accuracy, accuracy));
            Some((accuracy.min(low), accuracy.max(high)))
        })
    }

    /// The outcomes as CSV, a line for each network that has one.
    pub(crate) fn csv(&self) -> String {
        let mut text =
            format!("{},seed,epochs,test accuracy,test loss,training seconds\n", self.name.to_lowercase());
        for run in &self.runs {
            let figures = match run.outcome {
                None => continue,
                Some(Outcome::Diverged) => "diverged,,".to_owned(),
                Some(Outcome::Trained { accuracy, loss, seconds }) => {
                    let seconds = seconds.map(shortest).unwrap_or_default();
                    format!("{},{},{seconds}", shortest(accuracy), shortest(loss))
                }
            };
            let value = self.values[run.value].replace(',', "");
            text.push_str(&format!("{value},{},{},{figures}\n", run.seed, shortest(self.epochs)));
        }
        text
    }
}

/// What came out with a value, over the seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) accuracies: Vec<f64>,
    /// The number of networks that diverged.
    pub(crate) diverged: usize,
}

impl Summary {
    /// The mean; none without an accuracy.
    pub(crate) fn mean(&self) -> Option<f64> {
        let count = self.accuracies.len();
        (count > 0).then(|| self.accuracies.iter().sum::<f64>() / count as f64)
    }

    /// The standard deviation of the seeds (that of a sample: n - 1 below); none of fewer than two.
    pub(crate) fn spread(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.accuracies.len() > 1)?;
        let squares: f64 = self.accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        Some((squares / (self.accuracies.len() - 1) as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep() -> Sweep {
        let choice = SweepChoice { setting: "lr", values: vec!["0.001".into(), "0.01".into()], seeds: 2 };
        Sweep::new(&choice, &Setup::default(), 0.5).unwrap()
    }

    fn trained(accuracy: f64) -> Option<Outcome> {
        Some(Outcome::Trained { accuracy, loss: 0.5, seconds: Some(2.0) })
    }

    #[test]
    fn all_values_have_the_first_seed_before_the_next() {
        let runs: Vec<_> =
            sweep().runs.iter().map(|run| (run.value, run.seed, run.setup.training.learning_rate)).collect();
        assert_eq!(runs, [(0, 1, 0.001), (1, 1, 0.01), (0, 2, 0.001), (1, 2, 0.01)]);
        let wrong = SweepChoice { values: vec!["fast".into()], ..SweepChoice::default() };
        assert!(Sweep::new(&wrong, &Setup::default(), 1.0).is_err_and(|sentence| sentence.ends_with('.')));
        let none = SweepChoice { values: Vec::new(), ..SweepChoice::default() };
        assert!(Sweep::new(&none, &Setup::default(), 1.0).is_err());
    }

    #[test]
    fn mean_and_spread_are_those_of_the_seeds() {
        let mut sweep = sweep();
        assert_eq!((sweep.summary(0).mean(), sweep.range(), sweep.ended_in_words()), (None, None, None));
        for (run, accuracy) in sweep.runs.iter_mut().zip([0.5, 0.75, 0.75]) {
            run.outcome = trained(accuracy);
        }
        assert_eq!(
            sweep.ended_in_words().as_deref(),
            Some("The sweep of Learning rate has ended, with the results of 3 of 4 networks.")
        );
        sweep.runs[3].outcome = Some(Outcome::Diverged);
        let first = sweep.summary(0);
        assert_eq!(first.mean(), Some(0.625));
        assert!((first.spread().unwrap() - 0.03125f64.sqrt()).abs() < 1e-12);
        let second = sweep.summary(1);
        assert_eq!((second.mean(), second.spread(), second.diverged), (Some(0.75), None, 1));
        let (low, high) = sweep.range().unwrap();
        let spread = 0.03125f64.sqrt();
        assert!((low - (0.625 - spread)).abs() < 1e-12 && (high - (0.625 + spread)).abs() < 1e-12);
        assert_eq!(
            sweep.csv(),
            "learning rate,seed,epochs,test accuracy,test loss,training seconds\n\
             0.001,1,0.5,0.5,0.5,2\n0.01,1,0.5,0.75,0.5,2\n0.001,2,0.5,0.75,0.5,2\n0.01,2,0.5,diverged,,\n"
        );
    }

    #[test]
    fn a_setting_begins_with_its_present_value_and_its_neighbours() {
        let setup = Setup::default();
        let of = |id: &str| first_values(Setting::find(id).unwrap(), &setup);
        assert_eq!(of("lr"), ["0.002", "0.003", "0.004"]);
        assert_eq!(of("batch"), ["32", "64", "128"]);
        assert_eq!(of("dropout"), ["off", "on"]);
        assert_eq!(of("activation"), ["relu", "leaky", "elu"]);
        assert!(of("momentum").is_empty());
    }
}
