//! The store of sweeps: what is chosen, and the sweep under way or the last one.

use data::mnist::TEST_IMAGES;
use leptos::prelude::*;
use trainer::messages::{Command, RunConfig};

use crate::client::Client;
use crate::client::problems::Topic;
use crate::runs::comparison::Comparison;
use crate::runs::link::RunsLink;
use crate::runs::record::Record;
use crate::runs::run::{Runs, letter};
use crate::runs::store::RunStore;
use crate::runs::sweep::model::{Outcome, Sweep, SweepChoice, all_values, can_be_swept};
use crate::runs::with_and_without::is_hidden;
use crate::settings::store::Settings;
use crate::settings::{SETTINGS, Setting};
use crate::ui::format::{epochs, shortest};
use crate::ui::signal::set_if_changed;

/// The sweeps.
#[derive(Clone, Copy)]
pub(crate) struct SweepStore {
    client: Client,
    settings: Settings,
    runs: RunStore,
    /// The choice that links carry.
    pub(crate) choice: RwSignal<SweepChoice>,
    /// The ids and names of the settings that can be swept now.
    pub(crate) possible: Memo<Vec<(&'static str, &'static str)>>,
    /// What the next sweep is: the choice or, where its setting cannot be swept now, another setting without values.
    pub(crate) next: Memo<SweepChoice>,
    /// Whether the choice is unfolded.
    pub(crate) is_open: RwSignal<bool>,
    /// The sweep under way.
    sweep: RwSignal<Option<Sweep>>,
    /// The last sweep of which something came out.
    pub(crate) results: RwSignal<Option<Sweep>>,
    /// What came out of the last sweep, in a sentence, once it has ended.
    pub(crate) ended: RwSignal<String>,
    /// The slot in which the networks of the sweep under way train, one after the other.
    slot: RwSignal<Option<usize>>,
    /// Which of them trains.
    active: RwSignal<Option<usize>>,
}

impl SweepStore {
    /// A store with the choice of a link.
    pub(crate) fn new(link: RunsLink, client: Client, settings: Settings, runs: RunStore) -> Self {
        let is_open = RwSignal::new(link != RunsLink::default());
        let choice = RwSignal::new(link.sweep);
        let possible = Memo::new(move |_| {
            let setup = settings.setup.get();
            let can =
                |s: &&Setting| can_be_swept(s) && !is_hidden(settings, s) && all_values(s, &setup).len() > 1;
            SETTINGS.iter().filter(can).map(|setting| (setting.id, setting.name)).collect::<Vec<_>>()
        });
        let next = Memo::new(move |_| {
            let choice = choice.get();
            possible.with(|possible| match possible.first() {
                Some((first, _)) if possible.iter().all(|(id, _)| *id != choice.setting) => {
                    SweepChoice { setting: first, values: Vec::new(), ..choice }
                }
                Some(_) => choice,
                None => SweepChoice { values: Vec::new(), ..choice },
            })
        });
        let store = Self {
            client,
            settings,
            runs,
            choice,
            possible,
            next,
            is_open,
            sweep: RwSignal::default(),
            results: RwSignal::default(),
            ended: RwSignal::default(),
            slot: RwSignal::default(),
            active: RwSignal::default(),
        };
        // It ends with its last network, by hand, or because the worker has refused it.
        let is_over = Memo::new(move |_| runs.comparison.with(Option::is_none));
        Effect::new(move |_| {
            if is_over.get()
                && let Some(slot) = store.slot.get_untracked()
            {
                store.slot.set(None);
                store.active.set(None);
                runs.others.update(|others| others.remove(slot));
                let sweep = store.sweep.try_update(Option::take).flatten();
                store.ended.set(sweep.and_then(|sweep| sweep.ended_in_words()).unwrap_or_default());
            }
        });
        store
    }

    /// The state that links carry.
    pub(crate) fn linked(self) -> RunsLink {
        RunsLink { sweep: self.choice.get() }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(self, link: RunsLink) {
        if link != RunsLink::default() {
            self.is_open.set(true);
        }
        set_if_changed(self.choice, link.sweep);
    }

    /// The network that trains, counted from 0, and the epoch that it is at; none while no sweep is under way.
    pub(crate) fn progress(self) -> Option<(usize, f64)> {
        let slot = self.slot.get()?;
        let epoch = self.runs.others.with(|others| others.get(slot).map(|run| run.record.progress.epoch));
        Some((self.active.get().unwrap_or(0), epoch.unwrap_or(0.0)))
    }

    /// The share of all epochs that is done.
    pub(crate) fn share(self) -> Option<f64> {
        let (at, epoch) = self.progress()?;
        self.sweep.with(|sweep| {
            let sweep = sweep.as_ref()?;
            Some((at as f64 + epoch / sweep.epochs) / sweep.runs.len() as f64)
        })
    }

    /// Where it is, in words.
    pub(crate) fn in_words(self) -> Option<String> {
        let (at, epoch) = self.progress()?;
        let slot = self.slot.get()?;
        self.sweep.with(|sweep| {
            let sweep = sweep.as_ref()?;
            let run = sweep.runs.get(at)?;
            Some(format!(
                "Sweep of {}: network {} of {} ({}, seed {}) is at epoch {} of {}. It is run {}, and the picture and the answers are its own.",
                sweep.name,
                at + 1,
                sweep.runs.len(),
                sweep.values.get(run.value)?,
                run.seed,
                epochs(epoch),
                shortest(sweep.epochs),
                letter(slot),
            ))
        })
    }

    /// Begins the sweep that is chosen, with the length of comparisons.
    pub(crate) fn start(self) {
        let runs = self.runs;
        if self.client.say_stopped() {
            return;
        }
        if !runs.others.with_untracked(Runs::can_compare) {
            let sentence = "A sweep needs a place among the runs: remove pinned ones until four are left.";
            return self.client.report(Topic::Refusal, sentence.into());
        }
        if self.client.download.with_untracked(|download| download.test_images < TEST_IMAGES) {
            let sentence = "A sweep measures its networks on the test images, which are still to come.";
            return self.client.report(Topic::Refusal, sentence.into());
        }
        let (first, epochs) = runs.length.get_untracked().apply(untrack(|| self.settings.trained()));
        let sweep = match self.next.with_untracked(|next| Sweep::new(next, &first, epochs)) {
            Ok(sweep) => sweep,
            Err(sentence) => return self.client.report(Topic::Refusal, sentence),
        };
        let configs = sweep.runs.iter().map(|run| RunConfig {
            network: run.setup.network.clone(),
            training: run.setup.training.clone(),
        });
        let command = Command::Sweep { runs: configs.collect(), epochs };
        let mut slot = 0;
        runs.others.update(|others| slot = others.sweep(sweep.runs[0].setup.clone()));
        let slots = vec![slot; sweep.runs.len()];
        runs.comparison.set(Some(Comparison { slots, epochs, setting: sweep.name.to_owned(), active: None }));
        self.slot.set(Some(slot));
        self.active.set(Some(0));
        self.sweep.set(Some(sweep));
        self.ended.set(String::new());
        self.is_open.set(true);
        self.client.send(command);
    }

    /// From now on, reports are about another run. To be called before the store of the runs knows it.
    pub(crate) fn on_active_run(self, active: Option<usize>) {
        let (Some(slot), before) = (self.slot.get_untracked(), self.active.get_untracked()) else { return };
        if before == active {
            return;
        }
        let record = self.runs.others.with_untracked(|others| others.get(slot).map(|run| run.record.clone()));
        let mut next = None;
        self.sweep.update(|sweep| {
            let Some(sweep) = sweep else { return };
            let outcome = record.and_then(|record| outcome_of(&record, sweep.epochs));
            if let Some(run) = before.and_then(|before| sweep.runs.get_mut(before)) {
                run.outcome = outcome;
            }
            if outcome.is_some() {
                self.results.set(Some(sweep.clone()));
            }
            next = active.and_then(|active| sweep.runs.get(active)).map(|run| run.setup.clone());
        });
        self.active.set(active);
        if let Some(setup) = next {
            self.runs.others.update(|others| {
                if let Some(run) = others.get_mut(slot) {
                    (run.setup, run.record) = (setup, Record::default());
                }
            });
        }
    }
}

/// What came out of a run of so many epochs; none if it was ended before.
fn outcome_of(record: &Record, epochs: f64) -> Option<Outcome> {
    if record.diverged.is_some() {
        return Some(Outcome::Diverged);
    }
    let tested = record.tested.filter(|tested| tested.epoch >= epochs - 1e-9)?;
    Some(Outcome::Trained {
        accuracy: tested.accuracy.into(),
        loss: tested.loss.into(),
        seconds: record.progress.train_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::messages::{Progress, Tested};

    #[test]
    fn a_run_that_was_ended_has_no_outcome() {
        let mut record = Record::default();
        record.on_progress(Progress { step: 9, epoch: 1.0, train_seconds: Some(3.0), ..Progress::default() });
        assert_eq!(outcome_of(&record, 1.0), None, "it is not measured yet");
        record.on_tested(Tested { step: 5, epoch: 0.5, loss: 0.5, accuracy: 0.75, certainty: None });
        assert_eq!(outcome_of(&record, 1.0), None);
        record.on_tested(Tested { step: 9, epoch: 1.0, loss: 0.25, accuracy: 0.875, certainty: None });
        let outcome = Outcome::Trained { accuracy: 0.875, loss: 0.25, seconds: Some(3.0) };
        assert_eq!(outcome_of(&record, 1.0), Some(outcome));
        record.diverged = Some(9);
        assert_eq!(outcome_of(&record, 1.0), Some(Outcome::Diverged));
    }
}
