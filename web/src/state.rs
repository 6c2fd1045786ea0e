//! All that the page knows, as signals: filled by the worker's events and the page's controls, read by the views.

use leptos::prelude::*;
use nn::preset::Preset;
use nn::spec::TrainingSpec;
use trainer::messages::{Command, Diverged, Download, Event, Progress, RunState, Snapshot, Source, Tested};
use wasm_bindgen::prelude::*;

use crate::bridge::Bridge;
use crate::chart::Curve;
use crate::header::thousands;
use crate::stages;

/// A panel below the picture of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// All of one stage.
    Stage(usize),
    /// A filter to be tried.
    Filter,
}

/// A pixel of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// 0 is the input, 1 the first stage.
    pub(crate) column: usize,
    /// Index into the values of the column.
    pub(crate) at: usize,
}

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
    pub(crate) test_loss_curve: RwSignal<Curve>,
    pub(crate) train_accuracy_curve: RwSignal<Curve>,
    pub(crate) accuracy_curve: RwSignal<Curve>,
    pub(crate) problem: RwSignal<Option<String>>,
    /// Why training stopped by itself, until it goes on.
    pub(crate) diverged: RwSignal<Option<Diverged>>,
    /// Rises when the window's size or theme changes: what is drawn by hand is drawn anew.
    pub(crate) look: RwSignal<u32>,
    pub(crate) preset: RwSignal<Preset>,
    pub(crate) training: RwSignal<TrainingSpec>,
    /// The drawing as the network sees it: 28x28 bytes.
    pub(crate) image: RwSignal<Option<[u8; 784]>>,
    /// What is open below the picture of the network.
    pub(crate) open: RwSignal<Option<Open>>,
    /// The pixel that is pointed at.
    pub(crate) touch: RwSignal<Option<Touch>>,
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
            test_loss_curve: RwSignal::default(),
            train_accuracy_curve: RwSignal::default(),
            accuracy_curve: RwSignal::default(),
            problem: RwSignal::default(),
            diverged: RwSignal::default(),
            look: RwSignal::default(),
            preset: RwSignal::new(Preset::LeNet5),
            training: RwSignal::default(),
            image: RwSignal::default(),
            open: RwSignal::default(),
            touch: RwSignal::default(),
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
        let closely = Memo::new(move |_| state.looked_at_closely());
        Effect::new(move |_| {
            let stages = stages::of(&state.preset.get().network());
            state.send(Command::Watch(stages::watch(&stages, &closely.get())));
        });
        Effect::new(move |_| {
            if let Some(image) = state.image.get() {
                state.send(Command::Show { image: image.to_vec() });
            }
        });
        window_event_listener(leptos::ev::resize, move |_| state.look.update(|n| *n += 1));
        if let Ok(Some(dark)) = window().match_media("(prefers-color-scheme: dark)") {
            let changed = Closure::<dyn FnMut()>::new(move || state.look.update(|n| *n += 1));
            let _ = dark.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
            changed.forget();
        }
        state
    }

    /// Trains when paused, pauses when training.
    pub(crate) fn toggle(&self) {
        let paused = self.run.get_untracked() == RunState::Paused;
        self.send(if paused { Command::Train } else { Command::Pause });
    }

    /// Whose weights the pictures and the prediction are of, in words.
    pub(crate) fn source(&self) -> String {
        self.snapshot.with(|snapshot| match snapshot.as_ref().map(|s| s.source) {
            Some(Source::Session { step: 0 }) => "your network, untrained".to_owned(),
            Some(Source::Session { step }) => format!("your network, step {}", thousands(step as usize)),
            Some(Source::Pretrained) => "pretrained checkpoint".to_owned(),
            None => "loading…".to_owned(),
        })
    }

    /// The ten probabilities of the drawing; empty while there is none.
    pub(crate) fn probabilities(&self) -> Memo<Vec<f32>> {
        let (image, snapshot) = (self.image, self.snapshot);
        Memo::new(move |_| {
            let probabilities =
                snapshot.with(|s| s.as_ref().map(|s| s.probabilities.clone())).unwrap_or_default();
            if image.with(Option::is_some) && probabilities.len() == 10 { probabilities } else { Vec::new() }
        })
    }

    /// The stages that are open or pointed at.
    fn looked_at_closely(&self) -> Vec<usize> {
        let open = match self.open.get() {
            Some(Open::Stage(stage)) => Some(stage),
            Some(Open::Filter) | None => None,
        };
        let touched = self.touch.get().and_then(|touch| touch.column.checked_sub(1));
        open.into_iter().chain(touched.filter(|touched| Some(*touched) != open)).collect()
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
            Event::State(run) => {
                self.run.set(run);
                if run != RunState::Paused {
                    self.diverged.set(None);
                }
            }
            Event::Progress(progress) => {
                if progress.epoch < self.progress.with_untracked(|before| before.epoch) || progress.step == 0
                {
                    self.loss.set(None);
                    self.tested.set(None);
                    self.diverged.set(None);
                    for curve in [
                        self.loss_curve,
                        self.test_loss_curve,
                        self.train_accuracy_curve,
                        self.accuracy_curve,
                    ] {
                        curve.update(|curve| curve.cut(progress.epoch));
                    }
                }
                if let Some(loss) = progress.train_loss {
                    self.loss.set(Some(loss));
                    self.loss_curve.update(|curve| curve.push(progress.epoch, f64::from(loss)));
                }
                if let Some(accuracy) = progress.train_accuracy {
                    self.train_accuracy_curve.update(|curve| curve.push(progress.epoch, f64::from(accuracy)));
                }
                self.progress.set(progress);
            }
            Event::Tested(tested) => {
                self.accuracy_curve.update(|curve| curve.push(tested.epoch, f64::from(tested.accuracy)));
                self.test_loss_curve.update(|curve| curve.push(tested.epoch, f64::from(tested.loss)));
                self.tested.set(Some(tested));
            }
            Event::Snapshot(snapshot) => self.snapshot.set(Some(snapshot)),
            Event::Diverged(diverged) => self.diverged.set(Some(diverged)),
            Event::Failed(sentence) => self.problem.set(Some(sentence)),
        }
    }
}
