//! All that the page knows, as signals: filled by the worker's events and the page's controls, read by the views.

use leptos::prelude::*;
use nn::spec::{Preset, TrainingSpec};
use trainer::messages::{Command, Download, Event, Progress, RunState, Snapshot, Tested};

use crate::bridge::Bridge;
use crate::chart::Curve;
use crate::stages;

/// The page's state; a handle that is copied to wherever it is needed.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) download: RwSignal<Download>,
    pub(crate) run: RwSignal<RunState>,
    pub(crate) progress: RwSignal<Progress>,
    /// The last training loss that was told.
    pub(crate) loss: RwSignal<Option<f32>>,
    pub(crate) tested: RwSignal<Option<Tested>>,
    pub(crate) snapshot: RwSignal<Option<Snapshot>>,
    pub(crate) loss_curve: RwSignal<Curve>,
    pub(crate) accuracy_curve: RwSignal<Curve>,
    pub(crate) problem: RwSignal<Option<String>>,
    pub(crate) preset: RwSignal<Preset>,
    pub(crate) training: RwSignal<TrainingSpec>,
    /// The drawing as the network sees it: 28x28 bytes.
    pub(crate) image: RwSignal<Option<[u8; 784]>>,
    bridge: StoredValue<Option<Bridge>, LocalStorage>,
}

impl State {
    /// Starts the worker and listens to it.
    pub(crate) fn start() -> Self {
        let state = Self {
            download: RwSignal::default(),
            run: RwSignal::default(),
            progress: RwSignal::default(),
            loss: RwSignal::default(),
            tested: RwSignal::default(),
            snapshot: RwSignal::default(),
            loss_curve: RwSignal::default(),
            accuracy_curve: RwSignal::default(),
            problem: RwSignal::default(),
            preset: RwSignal::new(Preset::LeNet5),
            training: RwSignal::default(),
            image: RwSignal::default(),
            bridge: StoredValue::new_local(None),
        };
        match Bridge::start(move |event| state.hear(event), move |sentence| state.problem.set(Some(sentence)))
        {
            Ok(bridge) => state.bridge.set_value(Some(bridge)),
            Err(_) => {
                state.problem.set(Some("This browser cannot start the trainer: a newer one can.".into()))
            }
        }
        Effect::new(move |_| {
            state.send(Command::Configure {
                network: state.preset.get().network(),
                training: state.training.get(),
            });
        });
        Effect::new(move |_| {
            state.send(Command::Watch(stages::watch(&stages::of(&state.preset.get().network()))))
        });
        Effect::new(move |_| {
            if let Some(image) = state.image.get() {
                state.send(Command::Show { image: image.to_vec() });
            }
        });
        state
    }

    /// Tells the worker.
    pub(crate) fn send(&self, command: Command) {
        self.bridge.with_value(|bridge| {
            if let Some(bridge) = bridge {
                bridge.send(command);
            }
        });
    }

    fn hear(&self, event: Event) {
        match event {
            Event::Download(download) => self.download.set(download),
            Event::State(run) => self.run.set(run),
            Event::Progress(progress) => {
                if progress.step == 0 {
                    self.loss.set(None);
                    self.tested.set(None);
                    self.loss_curve.set(Curve::default());
                    self.accuracy_curve.set(Curve::default());
                }
                if let Some(loss) = progress.train_loss {
                    self.loss.set(Some(loss));
                    self.loss_curve.update(|curve| curve.push(progress.epoch, f64::from(loss)));
                }
                self.progress.set(progress);
            }
            Event::Tested(tested) => {
                self.accuracy_curve.update(|curve| curve.push(tested.epoch, f64::from(tested.accuracy)));
                self.tested.set(Some(tested));
            }
            Event::Snapshot(snapshot) => self.snapshot.set(Some(snapshot)),
            Event::Failed(sentence) => self.problem.set(Some(sentence)),
        }
    }
}
