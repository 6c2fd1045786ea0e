//! The store of the session: whether a run of the last visit was brought back.

use leptos::prelude::*;
use trainer::messages::{Command, Kept, RunState};

use super::journal;
use super::keep::{ask_to_persist, keep_views};
use super::opening::{Opening, drawing};
use crate::client::Client;
use crate::client::problems::Topic;
use crate::link::address::LinkedStores;
use crate::pad::drawing::Drawing;
use crate::pad::store::PadStore;
use crate::runs::record::Record;
use crate::runs::replaced::{Cause, network_name, record_of, setup_of};
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::format::epochs;

/// The session.
#[derive(Clone, Copy)]
pub(crate) struct SessionStore {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) runs: RunStore,
    pub(super) pad: PadStore,
    pub(super) linked: LinkedStores,
    pub(super) opening: StoredValue<Opening>,
    /// What was brought back, in a sentence, until it is dismissed or trained on.
    pub(crate) brought_back: RwSignal<Option<String>>,
    /// Whether the worker was asked to bring the run of the last visit back.
    is_resuming: StoredValue<bool>,
}

impl SessionStore {
    /// Opens the worker's storage, and keeps what the page shows from now on.
    pub(crate) fn start(opening: Opening, linked: LinkedStores) -> Self {
        let store = Self {
            client: linked.client,
            settings: linked.settings,
            runs: expect_context(),
            pad: linked.pad,
            linked,
            opening: StoredValue::new(opening.clone()),
            brought_back: RwSignal::default(),
            is_resuming: StoredValue::new(false),
        };
        let Opening { session, before, .. } = opening;
        let left = journal::read_left();
        store.client.send(Command::OpenStorage { session: session.clone(), before, left });
        keep_views(session, linked, store.runs, store.is_resuming);
        ask_to_persist(store.runs);
        store.forget_when_trained();
        store
    }

    /// The worker has the run of the last visit. It is brought back, unless the address names other settings, or something is
    /// trained already: then it stays among the runs.
    pub(crate) fn on_kept(self, kept: &Kept) {
        let opening = self.opening.get_value();
        let view = &kept.page.view;
        // The address is the one that the run was left with if the page could not say goodbye.
        let says_something = opening.says_something && opening.fragment != view.address;
        let is_untouched = self.runs.record.with_untracked(|record| !record.is_trained())
            && self.client.run.get_untracked() == RunState::Paused
            && self.runs.comparison.with_untracked(Option::is_none);
        let setup = setup_of(kept);
        let fits = untrack(|| {
            self.settings.network.get() == setup.network && self.settings.training.get() == setup.training
        });
        if opening.has_crashed {
            let mut sentence = "The page stopped when it brought your last run back.".to_owned();
            if kept.step > 0 {
                sentence += " Undo tries it again.";
            }
            self.client.report(Topic::Fault, sentence);
        }
        if !is_untouched || (says_something && !fits) || opening.has_crashed {
            let mut stays = false;
            if kept.step > 0 {
                self.runs.others.update(|others| stays = others.pin_once(setup, record_of(kept)));
            }
            let is_link = stays && is_untouched && !opening.has_crashed;
            self.runs.cause.set_value(if is_link { Cause::Link } else { Cause::Restored });
            return self.client.send(Command::SetAside);
        }
        // The tab may have crashed since it was left last: the worker's view is newer then.
        if view.time > opening.left {
            if !says_something && !self.linked.follow(&view.link) {
                self.settings.setup.set(setup);
            }
            // A link may name an image for the pad, which is not there yet.
            let is_awaited = says_something && self.pad.example.with_untracked(Option::is_some);
            let is_blank = |drawing: &Drawing| drawing.is_empty() || drawing.opening().is_some();
            if !is_awaited && self.pad.drawing.with_untracked(is_blank) {
                self.pad.drawing.update(|pad| pad.restore(drawing(view)));
            }
        } else if opening.left == 0.0 {
            // Nobody has kept what the page showed.
            self.settings.setup.set(setup);
        }
        self.is_resuming.set_value(true);
        journal::write_resuming(true);
        self.runs.cause.set_value(Cause::Restored);
        self.client.send(Command::Resume);
    }

    /// A run was brought back.
    pub(crate) fn on_restored(self, kept: &Kept) {
        // First: if anything below stops the page, that is a crash.
        let is_resumed = self.take_resuming();
        let setup = setup_of(kept);
        self.runs.on_restored(kept);
        if !is_resumed {
            self.runs.is_restoring.set_value(true);
            return self.settings.setup.set(setup);
        }
        journal::write_resuming(false);
        if kept.step > 0 {
            let name = network_name(&setup);
            let sentence = format!("Your last run is back, paused: {name}, epoch {}.", epochs(kept.epoch));
            self.brought_back.set(Some(sentence));
        }
        // The settings may have been changed in the last moment before the page was left.
        untrack(|| self.settings.send(self.client));
    }

    /// The worker refused a command. If it was to bring a run back, no answer to that will come.
    pub(crate) fn on_refusal(self) {
        if self.take_resuming() {
            journal::write_resuming(false);
        }
    }

    /// Whether a run was awaited, which from now on is not.
    fn take_resuming(self) -> bool {
        self.is_resuming.try_update_value(std::mem::take).unwrap_or(false)
    }

    /// Begins with untrained weights and an empty pad, as the address would have opened the page.
    pub(crate) fn start_afresh(self) {
        self.brought_back.set(None);
        self.runs.reset();
        let address = self.opening.with_value(|opening| opening.address.clone());
        self.settings.setup.set(address.setup);
        self.pad.clear();
        self.pad.pose.set(address.pad.pose);
    }

    /// The sentence has been read by whoever trains on, and is wrong beside another network.
    fn forget_when_trained(self) {
        let is_running = Memo::new(move |_| self.client.run.get() != RunState::Paused);
        let is_trained = Memo::new(move |_| self.runs.record.with(Record::is_trained));
        Effect::new(move |was_trained: Option<bool>| {
            if is_running.get() || (was_trained == Some(true) && !is_trained.get()) {
                self.brought_back.set(None);
            }
            is_trained.get()
        });
        let network = self.settings.network;
        Effect::new(move |before: Option<()>| {
            network.track();
            if before.is_some() {
                self.brought_back.set(None);
            }
        });
    }
}
