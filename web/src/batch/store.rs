//! The store of the single step: its report, and whether its images are shown.

use data::mnist::PIXELS;
use leptos::prelude::*;
use trainer::messages::{Split, StepReport, StepSample};

use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::pad::store::PadStore;
use crate::ui::narrow::Narrow;

/// The single step.
#[derive(Clone, Copy)]
pub(crate) struct BatchStore {
    /// The report of the last one.
    pub(crate) report: RwSignal<Option<StepReport>>,
    /// Whether its images are shown.
    pub(crate) is_open: RwSignal<bool>,
    /// The training image that was pressed, until it is on the pad.
    wanted: RwSignal<Option<u32>>,
}

impl BatchStore {
    /// A store without a step. A phone has no room for its images unless somebody asks for them.
    pub(crate) fn new(narrow: Narrow) -> Self {
        Self {
            report: RwSignal::default(),
            is_open: RwSignal::new(untrack(|| !narrow.get())),
            wanted: RwSignal::default(),
        }
    }

    /// The run is at this step now: a report of a later one is of weights that are gone.
    pub(crate) fn on_progress(&self, step: u64) {
        let is_gone = |report: &Option<StepReport>| report.as_ref().is_some_and(|report| report.step > step);
        if self.report.with_untracked(is_gone) {
            self.report.set(None);
        }
    }

    /// An image of the step and its pixels.
    pub(crate) fn sample(&self, at: usize) -> Option<(StepSample, [u8; PIXELS])> {
        self.report.with(|report| {
            let report = report.as_ref()?;
            let pixels = report.pixels.get(at * PIXELS..)?.first_chunk()?;
            Some((*report.samples.get(at)?, *pixels))
        })
    }

    /// Puts a training image on the pad, as it is in the set.
    pub(crate) fn put_on_pad(&self, index: u32) {
        self.wanted.set(Some(index));
    }

    /// Puts the image that was pressed on the pad once the worker has sent it.
    pub(crate) fn send_to(self, pad: PadStore, client: Client, mnist: MnistCache) {
        Effect::new(move |_| {
            let wanted = self.wanted.get();
            if let Some(sample) = wanted.and_then(|index| mnist.sample_or_ask(client, Split::Train, index)) {
                self.wanted.set(None);
                pad.drawing.update(|drawing| drawing.place(sample));
            }
        });
    }
}
