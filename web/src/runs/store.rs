//! The store of the runs: the present one, others beside it, and the comparison under way.

use leptos::prelude::*;
use nn::cpu::Units;
use nn::spec::NetworkSpec;
use trainer::messages::{
    CheckpointSummary, Command, Diverged, Kept, Progress, RunConfig, RunState, Source, Tested,
};

use crate::client::Client;
use crate::client::problems::Topic;
use crate::runs::comparison::{Comparison, Length};
use crate::runs::record::Record;
use crate::runs::replaced::{Cause, Replaced, record_of};
use crate::runs::run::{Runs, letter};
use crate::runs::time::store::Time;
use crate::settings::store::Settings;
use crate::settings::{Setting, Setup, codec, layers};
use crate::ui::format::{percent, thousands};

/// The runs.
#[derive(Clone, Copy)]
pub(crate) struct RunStore {
    client: Client,
    settings: Settings,
    /// The record of the present run.
    pub(crate) record: RwSignal<Record>,
    /// The network whose figures the record has last; none before the first ones.
    network: StoredValue<Option<NetworkSpec>>,
    /// Whether the curves of the present run are drawn.
    pub(crate) shown: RwSignal<bool>,
    /// The runs beside the present one, pinned or compared.
    pub(crate) others: RwSignal<Runs>,
    /// The comparison under way.
    pub(crate) comparison: RwSignal<Option<Comparison>>,
    /// How long the next comparison is.
    pub(crate) length: RwSignal<Length>,
    /// The run that can be restored.
    pub(crate) replaced: RwSignal<Option<Replaced>>,
    /// Whether the settings change because a run was restored that has them.
    pub(crate) is_restoring: StoredValue<bool>,
    /// What the next run that is replaced is replaced by.
    pub(crate) cause: StoredValue<Cause>,
    /// Whether training began where the pretrained network had read the pad.
    pub(crate) took_over: RwSignal<bool>,
    /// Why training stopped by itself, until it goes on.
    pub(crate) diverged: RwSignal<Option<Diverged>>,
    /// Why training stopped by its own rule, in a sentence, until it goes on.
    pub(crate) stopped: RwSignal<Option<String>>,
    /// Which moment of the present run is shown.
    pub(crate) time: Time,
    /// The progress of the run that is drawn, at the moment that is shown: of the present one or, during a comparison, the first of
    /// the two.
    pub(crate) progress: Memo<Progress>,
    /// The last training loss before that moment.
    pub(crate) loss: Memo<Option<f32>>,
    /// The last measurement before that moment.
    pub(crate) tested: Memo<Option<Tested>>,
}

impl RunStore {
    /// A store with an untrained present run and these runs beside it.
    pub(crate) fn new(client: Client, settings: Settings, others: Runs) -> Self {
        let (record, others) = (RwSignal::new(Record::default()), RwSignal::new(others));
        let comparison = RwSignal::new(None::<Comparison>);
        let time = Time::new(client);
        let store = Self {
            client,
            settings,
            record,
            network: StoredValue::default(),
            shown: RwSignal::new(true),
            others,
            comparison,
            length: RwSignal::new(Length::FIRST),
            replaced: RwSignal::default(),
            is_restoring: StoredValue::default(),
            cause: StoredValue::default(),
            took_over: RwSignal::default(),
            diverged: RwSignal::default(),
            stopped: RwSignal::default(),
            time,
            progress: Memo::new(move |_| match time.checkpoint.get() {
                Some(CheckpointSummary { step, epoch, learning_rate, .. }) => {
                    let cores = record.with(|record| record.progress.cores);
                    Progress { step, epoch, learning_rate, cores, ..Progress::default() }
                }
                None => of_drawn(record, others, comparison, |record| record.progress),
            }),
            loss: Memo::new(move |_| match time.checkpoint.get() {
                Some(checkpoint) => record.with(|record| record.training_loss_at(checkpoint.epoch)),
                None => of_drawn(record, others, comparison, |record| record.last_loss),
            }),
            tested: Memo::new(move |_| match time.checkpoint.get() {
                Some(checkpoint) => checkpoint.tested,
                None => of_drawn(record, others, comparison, |record| record.tested),
            }),
        };
        store.forget_divergence();
        store
    }

    /// Pins the present run.
    pub(crate) fn pin(self) {
        let (setup, record) = (untrack(|| self.settings.trained()), self.record.get_untracked());
        self.others.update(|others| others.pin(setup, record));
    }

    /// Resets to untrained weights; during a comparison, returns to the run before it.
    pub(crate) fn reset(self) {
        self.keep_record(&untrack(|| self.settings.trained()));
        self.cause.set_value(Cause::Reset);
        self.client.send(Command::Reset);
    }

    /// Restores the run that was replaced last.
    pub(crate) fn undo(self) {
        self.keep_record(&untrack(|| self.settings.trained()));
        self.cause.set_value(Cause::Restored);
        self.client.send(Command::Undo);
    }

    /// Trains a new run from the checkpoint of this step on. The present run stays among the runs, if there is room.
    pub(crate) fn continue_from(self, step: u64) {
        let setup = untrack(|| self.settings.trained());
        self.keep_record(&setup);
        let record = self.record.get_untracked();
        self.others.update(|others| {
            others.pin_once(setup, record);
        });
        self.cause.set_value(Cause::Continued);
        self.client.send(Command::ContinueFrom(step));
        self.client.set_training(true);
    }

    /// Gives the worker the record of the present run, which has these settings, to be kept with the run.
    pub(crate) fn keep_record(self, setup: &Setup) {
        let record = self.record.with_untracked(Record::to_json);
        self.client.send(Command::KeepRecord { setup: codec::write(setup), record });
    }

    /// Trains two runs from the same seed side by side: one with the present settings, on fewer images if the length says so, and one
    /// with `setting` changed to `value`.
    pub(crate) fn compare(self, setting: &Setting, value: &str) {
        let length = self.length.get_untracked();
        if self.client.say_stopped() {
            return;
        }
        if !self.others.with_untracked(Runs::can_compare) {
            let sentence = "A comparison needs places for two runs: remove pinned ones until four are left.";
            return self.client.report(Topic::Refusal, sentence.into());
        }
        let (first, epochs) = length.apply(untrack(|| self.settings.trained()));
        let mut second = first.clone();
        let changed = setting.set_text(&mut second, value);
        if let Err(sentence) = changed.and_then(|()| {
            layers::check(&second.network, second.training.batch_size).map(drop).map_err(|e| e.message)
        }) {
            return self.client.report(Topic::Refusal, sentence);
        }
        let setups = [first, second];
        let config =
            |setup: &Setup| RunConfig { network: setup.network.clone(), training: setup.training.clone() };
        let runs = setups.each_ref().map(config).to_vec();
        let mut slots = [0; 2];
        self.others.update(|others| slots = others.compare(setups));
        let setting = setting.name.to_owned();
        self.comparison.set(Some(Comparison { slots: slots.to_vec(), epochs, setting, active: None }));
        self.client.send(Command::Compare { runs, epochs });
    }

    /// The name of the model with the weights of `source`. During a comparison, the first of the two runs is drawn and predicts.
    pub(crate) fn model_label(self, source: Option<Source>) -> String {
        let run = self.comparison.with(|comparison| Some(letter(*comparison.as_ref()?.slots.first()?)));
        let network = run.map_or("your network".to_owned(), |run| format!("run {run}"));
        match source {
            Some(Source::Session { step: 0 }) => format!("{network}, untrained"),
            Some(Source::Session { step }) => format!("{network}, step {}", thousands(step as usize)),
            Some(Source::Pretrained) => match self.client.pretrained_tested.get() {
                Some(tested) => format!("pretrained network ({})", percent(tested.accuracy, 1)),
                None => "pretrained network".to_owned(),
            },
            None => "loading…".to_owned(),
        }
    }

    /// The certainty that most test images reach ([`Tested::certainty`]) with the network that read the image on the pad; none
    /// while it trains or is thinned, and where no evaluation is of the network as it is now.
    pub(crate) fn certainty(self) -> Option<f32> {
        let (source, units) =
            self.client.snapshot.with(|snapshot| snapshot.as_ref().map(|s| (s.source, s.units)))?;
        let tested = match source {
            _ if units != Units::All => None,
            Source::Pretrained => self.client.pretrained_tested.get(),
            Source::Session { .. } if self.client.run.get() != RunState::Paused => None,
            Source::Session { step } => self.tested.get().filter(|tested| tested.step == step),
        };
        tested?.certainty
    }

    /// The name of the model that read the image on the pad.
    pub(crate) fn snapshot_label(self) -> String {
        let snapshot = self.client.snapshot;
        let of =
            snapshot.with(|snapshot| snapshot.as_ref().map(|snapshot| (snapshot.source, snapshot.units)));
        let label = self.model_label(of.map(|(source, _)| source));
        match of {
            Some((_, Units::Kept { sample, .. })) => format!("{label}, thinned by mask {}", sample + 1),
            Some((_, Units::AllScaled)) => format!("{label}, units scaled up"),
            _ => label,
        }
    }
}

/// Reports of the worker.
impl RunStore {
    /// Training began or stopped.
    pub(crate) fn on_run_state(self, run: RunState) {
        if run == RunState::Paused {
            return;
        }
        self.diverged.set(None);
        self.stopped.set(None);
        let source =
            self.client.snapshot.with_untracked(|snapshot| snapshot.as_ref().map(|snapshot| snapshot.source));
        let is_new = self.cause.get_value() != Cause::Continued;
        if source == Some(Source::Pretrained) && is_new && self.comparison.with_untracked(Option::is_none) {
            self.took_over.set(true);
        }
    }

    /// A run was brought back. Its progress follows.
    pub(crate) fn on_restored(self, kept: &Kept) {
        self.took_over.set(false);
        self.stopped.set(None);
        self.record.set(record_of(kept));
        self.network.set_value(Some(kept.config.network.clone()));
    }

    /// Another run can be restored, or none.
    pub(crate) fn on_replaced(self, kept: Option<&Kept>) {
        let step = self.record.with_untracked(|record| record.progress.step);
        let cause = self.cause.get_value();
        self.replaced.set(kept.map(|kept| Replaced::new(kept, cause, step)));
    }

    /// From now on, reports are about one of the two runs of a comparison, or about the present run.
    pub(crate) fn on_active_run(self, active: Option<usize>) {
        match active {
            Some(_) => self.comparison.update(|comparison| {
                if let Some(comparison) = comparison {
                    comparison.active = active;
                }
            }),
            None => self.comparison.set(None),
        }
    }

    /// The active run took steps, was reset or was restored.
    pub(crate) fn on_progress(self, progress: Progress) {
        match self.active_slot() {
            None => self.update_active(|record| record.on_progress(progress)),
            Some(_) => self.update_active(|record| record.on_compared_progress(progress)),
        }
    }

    /// Later reports are about this network. Another one than before begins a run of its own; where only tricks differ, the run goes on,
    /// but the figures are stale if it computes something else.
    pub(crate) fn on_network(self, network: &NetworkSpec) {
        // It is one that the present run had, or that of a run beside it.
        if self.time.checkpoint.with_untracked(Option::is_some) || self.active_slot().is_some() {
            return;
        }
        let before = self.network.get_value();
        self.network.set_value(Some(network.clone()));
        match before {
            Some(before) if !before.is_same_but_for_tricks(network) => self.record.update(Record::begin_anew),
            Some(before) if !before.computes_the_same(network) => self.record.update(Record::on_other_tricks),
            _ => {}
        }
    }

    /// The active run was measured on the test set.
    pub(crate) fn on_tested(self, tested: Tested) {
        self.update_active(|record| record.on_tested(tested));
    }

    /// The active run diverged. A run of a comparison ends with that; the present run can be restored.
    pub(crate) fn on_diverged(self, diverged: Diverged) {
        self.update_active(|record| record.diverged = Some(diverged.step));
        if self.active_slot().is_none() {
            self.diverged.set(Some(diverged));
        }
    }

    /// The worker refused a command. If that was a comparison, it never began.
    pub(crate) fn on_refusal(self) {
        if self.comparison.with_untracked(Option::is_some) && self.active_slot().is_none() {
            self.comparison.set(None);
        }
    }

    /// The slot of the run that reports are about; none for the present run.
    fn active_slot(self) -> Option<usize> {
        self.comparison.with_untracked(|comparison| comparison.as_ref()?.active_slot())
    }

    /// Updates the record of the run that reports are about.
    fn update_active(self, update: impl FnOnce(&mut Record)) {
        match self.active_slot() {
            None => self.record.update(update),
            Some(slot) => self.others.update(|others| {
                if let Some(run) = others.get_mut(slot) {
                    update(&mut run.record);
                }
            }),
        }
    }

    /// Forgets why training stopped once the present run is restored or reset.
    fn forget_divergence(self) {
        let Self { diverged, stopped, record, .. } = self;
        let is_trained = Memo::new(move |_| record.with(Record::is_trained));
        Effect::new(move |_| {
            if !is_trained.get() {
                stopped.set(None);
            }
        });
        let is_diverged = Memo::new(move |_| record.with(|record| record.diverged.is_some()));
        Effect::new(move |_| {
            if !is_diverged.get() {
                diverged.set(None);
            }
        });
    }
}

/// A value of the run that is drawn: the present one or, during a comparison, the first of the two.
fn of_drawn<T>(
    record: RwSignal<Record>,
    others: RwSignal<Runs>,
    comparison: RwSignal<Option<Comparison>>,
    value: fn(&Record) -> T,
) -> T {
    let slot = comparison.with(|comparison| comparison.as_ref()?.slots.first().copied());
    let compared = slot.and_then(|slot| others.with(|others| others.get(slot).map(|run| value(&run.record))));
    compared.unwrap_or_else(|| record.with(value))
}
