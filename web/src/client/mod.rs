//! All that the page knows, as signals: filled by the worker's events and the page's controls, read by the views.

pub(crate) mod bridge;

use leptos::prelude::*;
use nn::spec::{NetworkSpec, TrainingSpec};
use trainer::messages::{
    Command, DeviceChoice, DeviceReport, Diverged, Download, Event, Progress, RunState, Snapshot, Source,
    Tested, Watch,
};

use crate::client::bridge::Bridge;
use crate::link::address;
use crate::link::parts::{Open, Scene};
use crate::link::{self, Linked};
use crate::mnist::Mnist;
use crate::network::stages;
use crate::pad::drawing::Drawing;
use crate::runs::comparison::{self, Comparison};
use crate::runs::storage;
use crate::runs::undo_reset::Undo;
use crate::runs::{Record, Runs, letter};
use crate::settings::presentation::Presentation;
use crate::settings::{Setting, Setup, layers};
use crate::ui::format::thousands;

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
    /// How the present run goes.
    pub(crate) record: RwSignal<Record>,
    /// Other runs, pinned or compared.
    pub(crate) runs: RwSignal<Runs>,
    /// The comparison under way.
    pub(crate) comparison: RwSignal<Option<Comparison>>,
    /// Where training is; while something is compared, the first of the two.
    pub(crate) progress: Memo<Progress>,
    /// The last training loss that was told.
    pub(crate) loss: Memo<Option<f32>>,
    pub(crate) tested: Memo<Option<Tested>>,
    pub(crate) snapshot: RwSignal<Option<Snapshot>>,
    pub(crate) problem: RwSignal<Option<String>>,
    /// The run that was reset last.
    pub(crate) undo: RwSignal<Option<Undo>>,
    /// Why training stopped by itself, until it goes on.
    pub(crate) diverged: RwSignal<Option<Diverged>>,
    pub(crate) device: RwSignal<DeviceReport>,
    pub(crate) device_choice: RwSignal<DeviceChoice>,
    /// What is chosen; its layers may not fit while they are edited.
    pub(crate) setup: RwSignal<Setup>,
    /// The network that is trained and drawn: the chosen one, as it last fitted.
    pub(crate) network: Memo<NetworkSpec>,
    /// How it is trained.
    pub(crate) training: Memo<TrainingSpec>,
    pub(crate) presentation: RwSignal<Presentation>,
    /// What the control at hand is called, and what it does.
    pub(crate) help: RwSignal<Option<(&'static str, &'static str)>>,
    /// Whether the dialog with the keys is open.
    pub(crate) keys_shown: RwSignal<bool>,
    /// What is on the pad.
    pub(crate) drawing: RwSignal<Drawing>,
    /// The drawing as the network sees it: 28x28 bytes.
    pub(crate) image: RwSignal<Option<[u8; 784]>>,
    /// What is looked at.
    pub(crate) scene: RwSignal<Scene>,
    /// What is open below the picture of the network.
    pub(crate) open: Memo<Option<Open>>,
    /// The pixel that is pointed at.
    pub(crate) touch: RwSignal<Option<Touch>>,
    /// The test image that was an example last.
    pub(crate) last_example: StoredValue<Option<u32>>,
    /// MNIST's images, and how the network reads them.
    pub(crate) mnist: Mnist,
    bridge: StoredValue<Option<Bridge>, LocalStorage>,
}

impl State {
    /// Starts the worker and listens to it.
    pub(crate) fn start() -> Self {
        let linked = link::read(&address::fragment());
        let Linked { setup, presentation, scene } = linked.clone().unwrap_or_default();
        let (setup, scene) = (RwSignal::new(setup), RwSignal::new(scene));
        let network = Memo::new(move |last: Option<&NetworkSpec>| {
            setup.with(|setup| match last {
                Some(last) if layers::check(&setup.network).is_err() => last.clone(),
                _ => setup.network.clone(),
            })
        });
        let (record, runs) = (RwSignal::new(Record::default()), RwSignal::new(storage::last_visit()));
        let compared = RwSignal::new(None);
        let state = Self {
            download: RwSignal::default(),
            run: RwSignal::default(),
            record,
            runs,
            comparison: compared,
            progress: Memo::new(move |_| {
                comparison::of_shown(record, runs, compared, |record| record.progress)
            }),
            loss: Memo::new(move |_| comparison::of_shown(record, runs, compared, |record| record.last_loss)),
            tested: Memo::new(move |_| comparison::of_shown(record, runs, compared, |record| record.tested)),
            snapshot: RwSignal::default(),
            problem: RwSignal::default(),
            undo: RwSignal::default(),
            diverged: RwSignal::default(),
            device: RwSignal::default(),
            device_choice: RwSignal::default(),
            setup,
            network,
            training: Memo::new(move |_| setup.with(|setup| setup.training.clone())),
            presentation: RwSignal::new(presentation),
            help: RwSignal::default(),
            keys_shown: RwSignal::default(),
            drawing: RwSignal::default(),
            image: RwSignal::default(),
            scene,
            open: Memo::new(move |_| scene.with(|scene| scene.open.clone())),
            touch: RwSignal::default(),
            last_example: StoredValue::new(None),
            mnist: Mnist::new(scene),
            bridge: StoredValue::new_local(None),
        };
        match Bridge::start(move |event| state.hear(event), move |sentence| state.problem.set(Some(sentence)))
        {
            Ok(bridge) => state.bridge.set_value(Some(bridge)),
            Err(_) => {
                state.problem.set(Some("This browser cannot start the trainer: a newer one can.".into()))
            }
        }
        if let Err(sentence) = linked {
            state.refuse_link(&sentence);
        }
        Effect::new(move |_| {
            state.send(Command::Configure { network: network.get(), training: state.training.get() });
        });
        state.forget_undo();
        storage::keep(state);
        // Back to where all was well, or to the start: it is no longer diverged.
        let is_diverged = Memo::new(move |_| record.with(|record| record.diverged.is_some()));
        Effect::new(move |_| {
            if !is_diverged.get() {
                state.diverged.set(None);
            }
        });
        let closely = Memo::new(move |_| state.looked_at_closely());
        // Predictions go stale: drop them when the panel closes.
        Effect::new(move |_| {
            if state.mnist.open.get().is_none() {
                state.mnist.answers.set(None);
            }
        });
        let answers = Memo::new(move |_| state.mnist.open.get().is_some());
        Effect::new(move |_| {
            let watch = network.with(|network| stages::watch(network, &closely.get()));
            state.send(Command::Watch(Watch { predictions: answers.get(), ..watch }));
        });
        Effect::new(move |_| state.send(Command::UseDevice(state.device_choice.get())));
        Effect::new(move |_| {
            if let Some(image) = state.image.get() {
                state.send(Command::Show { image: image.to_vec() });
            }
        });
        state
    }

    /// Changes a setting as a control or a key asks; says whether it has such a value.
    pub(crate) fn change(&self, setting: &Setting, text: &str) -> bool {
        self.setup.try_update(|setup| setting.set_text(setup, text).is_ok()).unwrap_or(false)
    }

    /// Whether a setting, or a group of them, is not to be seen.
    pub(crate) fn hides(&self, id: &str) -> bool {
        self.presentation.with(|presentation| presentation.hide.contains(&id))
    }

    /// Opens something below the picture of the network, or closes it if it is open.
    pub(crate) fn toggle_open(&self, open: Open) {
        let open = (self.open.get_untracked().as_ref() != Some(&open)).then_some(open);
        self.scene.update(|scene| (scene.open, scene.map) = (open, 0));
    }

    /// Closes what is open below the picture of the network.
    pub(crate) fn close(&self) {
        self.scene.update(|scene| (scene.open, scene.map) = (None, 0));
    }

    /// The page's state as the fragment of a link.
    pub(crate) fn link(&self) -> String {
        let setup = Setup { network: self.network.get(), ..self.setup.get() };
        link::write(&Linked { setup, presentation: self.presentation.get(), scene: self.scene.get() })
    }

    /// Takes over the state of a link, or says why not.
    pub(crate) fn follow(&self, fragment: &str) {
        match link::read(fragment) {
            Ok(Linked { setup, presentation, scene }) => {
                self.setup.set(setup);
                self.presentation.set(presentation);
                self.scene.set(scene);
            }
            Err(sentence) => self.refuse_link(&sentence),
        }
    }

    fn refuse_link(&self, sentence: &str) {
        self.problem.set(Some(format!("The link is not understood: {sentence}")));
    }

    /// Trains when paused, pauses when training.
    pub(crate) fn toggle(&self) {
        let paused = self.run.get_untracked() == RunState::Paused;
        self.send(if paused { Command::Train } else { Command::Pause });
    }

    /// Whose weights the pictures and the prediction are of, in words.
    pub(crate) fn source(&self) -> String {
        self.whose(self.snapshot.with(|snapshot| snapshot.as_ref().map(|snapshot| snapshot.source)))
    }

    /// Whose weights these are, in words; while two runs are compared, it is the first that is pictured and that answers.
    pub(crate) fn whose(&self, source: Option<Source>) -> String {
        let run = self.comparison.with(|comparison| Some(letter(comparison.as_ref()?.slots[0])));
        let network = run.map_or("your network".to_owned(), |run| format!("run {run}"));
        match source {
            Some(Source::Session { step: 0 }) => format!("{network}, untrained"),
            Some(Source::Session { step }) => format!("{network}, step {}", thousands(step as usize)),
            Some(Source::Pretrained) => "pretrained checkpoint".to_owned(),
            None => "loading…".to_owned(),
        }
    }

    /// The drawing as the network is fed it; nothing while there is none.
    pub(crate) fn pixels(&self) -> Option<Vec<f32>> {
        self.image.get().map(|image| image.iter().map(|&b| f32::from(b) / 255.0).collect())
    }

    /// Output of a layer for the drawing; nothing while nothing is drawn.
    pub(crate) fn output(&self, layer: usize) -> Option<Vec<f32>> {
        self.image.with(Option::is_some).then_some(())?;
        self.snapshot.with(|snapshot| {
            let activations = &snapshot.as_ref()?.activations;
            activations.iter().find(|a| a.layer == layer).map(|a| a.values.clone())
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
            Some(Open::Stage(name)) => {
                stages::of(&self.network.get()).iter().position(|stage| stage.name == name)
            }
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
            Event::ActiveRun(turn) => self.turn(turn),
            Event::Progress(progress) => {
                self.came_back(&progress);
                self.record_of_turn(|record| record.progress(progress));
            }
            Event::Tested(tested) => self.record_of_turn(|record| record.tested(tested)),
            Event::Snapshot(snapshot) => self.snapshot.set(Some(snapshot)),
            Event::Diverged(diverged) => {
                self.record_of_turn(|record| record.diverged = Some(diverged.step));
                // A run of a comparison that diverged is over; nobody is asked what to do about it.
                if !self.is_turn_of_comparison() {
                    self.diverged.set(Some(diverged));
                }
            }
            Event::Device(report) => self.device.set(report),
            Event::Failed(sentence) => {
                self.comparison_refused();
                self.problem.set(Some(sentence));
            }
            Event::Predictions(_) | Event::Labels { .. } | Event::Images(_) => self.mnist.hear(event),
        }
    }
}
