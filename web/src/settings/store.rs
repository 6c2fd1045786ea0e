//! The settings as signals, and the command that sends them to the worker.

use leptos::prelude::*;
use nn::spec::{NetworkSpec, TrainingSpec};
use trainer::messages::Command;

use super::layers;
use super::presentation::{Presentation, Section};
use super::setting::Setting;
use super::setup::Setup;
use crate::client::Client;
use crate::client::problems::Topic;

/// The settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// The settings as they are chosen. While the layers are edited, they may not fit together.
    pub(crate) setup: RwSignal<Setup>,
    /// The network that is trained and drawn: the layers as they last fitted together.
    pub(crate) network: Memo<NetworkSpec>,
    /// How the network is trained: as chosen, with the batch size that last fitted the memory.
    pub(crate) training: Memo<TrainingSpec>,
    /// How the page is shown.
    pub(crate) presentation: RwSignal<Presentation>,
    /// The sections in which the page names something, which are open on a phone until somebody folds or opens one.
    pub(super) named: RwSignal<[bool; Section::ALL.len()]>,
}

impl Settings {
    pub(crate) fn new(setup: Setup, presentation: Presentation) -> Self {
        let setup = RwSignal::new(setup);
        let network = Memo::new(move |last: Option<&NetworkSpec>| {
            setup.with(|setup| match last {
                Some(last) if layers::check(&setup.network, setup.training.batch_size).is_err() => {
                    last.clone()
                }
                _ => setup.network.clone(),
            })
        });
        let training = Memo::new(move |last: Option<&TrainingSpec>| {
            let mut training = setup.with(|setup| setup.training.clone());
            // A batch for which there is no memory.
            if let Some(last) = last
                && network.with(|network| layers::check(network, training.batch_size).is_err())
            {
                training.batch_size = last.batch_size;
            }
            training
        });
        let (presentation, named) = (RwSignal::new(presentation), RwSignal::default());
        Self { setup, network, training, presentation, named }
    }

    /// Sends the network and its training to the worker, now and after every change.
    pub(crate) fn send_to(self, client: Client) {
        // The table of layers names what is wrong with layers; only this names what is wrong with the batch.
        Effect::new(move |_| {
            let chosen = self.setup.with(|setup| setup.training.batch_size);
            if self.training.with(|training| training.batch_size != chosen)
                && let Err(error) = self.network.with(|network| layers::check(network, chosen))
            {
                client.report(Topic::Refusal, error.message);
            }
        });
        Effect::new(move |_| self.send(client));
    }

    /// Sends the network and its training to the worker.
    pub(crate) fn send(self, client: Client) {
        client.send(Command::Configure { network: self.network.get(), training: self.training.get() });
    }

    /// The settings that are trained: those chosen, with layers and batch size as they last fitted.
    pub(crate) fn trained(&self) -> Setup {
        Setup { network: self.network.get(), training: self.training.get(), ..self.setup.get() }
    }

    /// Sets a setting to the value in `text`; returns whether it has such a value.
    pub(crate) fn change(&self, setting: &Setting, text: &str) -> bool {
        self.setup.try_update(|setup| setting.set_text(setup, text).is_ok()).unwrap_or(false)
    }

    /// Whether the link hides the setting or the group of settings with this id.
    pub(crate) fn hides(&self, id: &str) -> bool {
        self.presentation.with(|presentation| presentation.hide.contains(&id))
    }
}
