//! The page as a whole: its stores, the events of the worker on their way to them, and the layout.

use leptos::prelude::*;
use trainer::messages::{Command, Event, RunState, Watch};

use crate::batch::BatchPanel;
use crate::batch::store::BatchStore;
use crate::charts::ChartsPanel;
use crate::charts::view_state::ChartsView;
use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::client::problems::Topic;
use crate::controls::ControlsPanel;
use crate::controls::view_state::ControlsView;
use crate::explore::ExplorePanel;
use crate::explore::view_state::ExploreView;
use crate::header::Header;
use crate::header::announcer::Announcer;
use crate::header::download_bar::DownloadBar;
use crate::link::address::{self, LinkedStores};
use crate::link::share::{ShareButton, ShareDialog};
use crate::network::NetworkPanel;
use crate::network::batch_norm::BatchNormPanel;
use crate::network::gradient_norms::GradientNormsPanel;
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::pad::{PadPanel, example};
use crate::runs::panel::RunsPanel;
use crate::runs::store::RunStore;
use crate::runs::sweep::store::SweepStore;
use crate::runs::time::bar::TimeBar;
use crate::runs::undo::{UndoPretrained, UndoReplaced};
use crate::runs::{keep, storage};
use crate::session::notice::BroughtBack;
use crate::session::opening::Opening;
use crate::session::store::SessionStore;
use crate::settings::store::Settings;
use crate::shortcuts::{self, Dialogs, KeysButton, KeysDialog, SkipLinks};
use crate::ui::focus::keep_focus;
use crate::ui::narrow::Narrow;
use crate::ui::redraw::Redraw;
use crate::ui::toast::Toast;
use crate::ui::translation::keep_texts_live;
use crate::ui::wake_lock::keep_screen_awake;

/// The playground.
#[component]
pub(crate) fn App() -> impl IntoView {
    provide_stores();
    keep_focus();
    keep_texts_live();
    let client = expect_context::<Client>();
    keep_screen_awake(move || client.run.get() != RunState::Paused);
    let dialogs = Dialogs::default();
    shortcuts::listen(dialogs);
    view! {
        <SkipLinks />
        <Header>
            <ShareButton shown=dialogs.share />
            <KeysButton shown=dialogs.keys />
        </Header>
        <Announcer />
        <main>
            <NetworkPanel><TimeBar /><BatchPanel /></NetworkPanel>
            <PadPanel />
            <ControlsPanel />
            <div class="middle">
                <ChartsPanel />
                <RunsPanel />
                <GradientNormsPanel />
                <BatchNormPanel />
                <ExplorePanel />
            </div>
        </main>
        <footer>
            "Everything runs in this browser; nothing you draw leaves it. Data: MNIST (LeCun, Cortes, Burges). Network: LeCun et al. 1998."
        </footer>
        <KeysDialog shown=dialogs.keys />
        <ShareDialog shown=dialogs.share />
        <div class="toasts">
            <DownloadBar />
            <BroughtBack />
            <UndoReplaced />
            <UndoPretrained />
            <StoppedToast />
            <DivergedToast />
            <ProblemToasts />
        </div>
    }
}

/// Makes the stores and provides them as contexts, each with the state that the address names. Starts the worker.
fn provide_stores() {
    let (client, narrow) = (Client::new(), Narrow::new());
    let opening = Opening::read(client);
    let linked = opening.linked.clone();
    let settings = Settings::new(linked.setup, linked.presentation);
    let runs = RunStore::new(client, settings, storage::last_visit(client));
    // A checkpoint may be of other layers than the settings have now, and so may the networks of a sweep.
    let drawn = Memo::new(move |_| {
        let is_sweep = runs.comparison.with(|comparison| comparison.as_ref().is_some_and(|c| c.is_sweep()));
        let is_other = is_sweep || runs.time.checkpoint.with(Option::is_some);
        let other = client.network.get().filter(|_| is_other);
        other.unwrap_or_else(|| settings.network.get())
    });
    let sweeps = SweepStore::new(linked.runs, client, settings, runs);
    let network = NetworkView::new(linked.network, drawn, client);
    let (explore, mnist, batch) =
        (ExploreView::new(linked.explore), MnistCache::new(), BatchStore::new(narrow));
    let strokes = linked.pad.strokes.clone();
    let pad = PadStore::new(linked.pad, client);
    pad.drawing.set(opening.drawing.clone());
    if let Some(strokes) = strokes {
        pad.drawing.update(|drawing| drawing.draw(strokes));
    }
    let controls = ControlsView::new(linked.controls);
    let charts = ChartsView::new(linked.charts, runs, settings);
    let redraw = Redraw::new();
    provide_context(narrow);
    let session = StoredValue::new(None);
    client.start(move |event| {
        if let Some(session) = session.get_value() {
            if let Event::ActiveRun(active) = event {
                sweeps.on_active_run(active);
            }
            route(event, client, runs, explore, mnist, batch, session);
        }
    });

    // Effects run in the order in which they are made: this is the order of the first commands.
    keep::keep_records(runs, settings, client);
    settings.send_to(client);
    storage::store_changes(runs, client);
    explore.drop_stale_predictions(mnist);
    send_watch(client, network, explore, pad);
    controls.send_to(client);
    pad.send_to(client);
    batch.send_to(pad, client, mnist);

    provide_context(client);
    provide_context(settings);
    provide_context(runs);
    provide_context(sweeps);
    provide_context(network);
    provide_context(explore);
    provide_context(mnist);
    provide_context(pad);
    provide_context(batch);
    provide_context(controls);
    provide_context(charts);
    provide_context(redraw);
    let store = SessionStore::start(opening, LinkedStores::from_context());
    session.set_value(Some(store));
    provide_context(store);
    address::sync();
    address::show_presentation(settings, redraw);
    example::sync(pad, client, mnist);
}

/// Passes an event of the worker on to the store that it concerns.
fn route(
    event: Event,
    client: Client,
    runs: RunStore,
    explore: ExploreView,
    mnist: MnistCache,
    batch: BatchStore,
    session: SessionStore,
) {
    match event {
        Event::Download(download) => client.download.set(download),
        Event::State(run) => {
            client.on_run_state(run);
            runs.on_run_state(run);
        }
        Event::ActiveRun(active) => runs.on_active_run(active),
        Event::Progress(progress) => {
            if runs.comparison.with_untracked(Option::is_none) {
                batch.on_progress(progress.step);
            }
            runs.on_progress(progress);
        }
        Event::Network(network) => {
            runs.on_network(&network);
            client.network.set(Some(network));
            client.snapshot.set(None);
            mnist.predictions.set(None);
            batch.report.set(None);
        }
        Event::Tested(tested) => runs.on_tested(tested),
        Event::PretrainedTested(tested) => client.pretrained_tested.set(Some(tested)),
        Event::Snapshot(snapshot) => {
            client.snapshot.set(Some(snapshot));
            client.tell_when_painted();
        }
        Event::Diverged(diverged) => {
            client.on_refusal();
            runs.on_diverged(diverged);
        }
        Event::Device(report) => client.device.set(report),
        Event::Failed(sentence) => {
            runs.on_refusal();
            client.on_refusal();
            session.on_refusal();
            client.report(Topic::Refusal, sentence);
        }
        // Predictions that were requested before the panel closed are stale.
        Event::Predictions(predictions) => {
            if untrack(|| explore.is_open()) {
                mnist.predictions.set(Some(predictions));
            }
        }
        Event::Labels { split, labels } => mnist.labels(split).set(labels),
        Event::Images(images) => mnist.on_images(images),
        Event::Kept(kept) => session.on_kept(&kept),
        Event::Restored(kept) => {
            batch.report.set(None);
            session.on_restored(&kept);
        }
        Event::Replaced(kept) => runs.on_replaced(kept.as_deref()),
        Event::NotKept(sentence) | Event::Note(sentence) => client.report(Topic::Fault, sentence),
        Event::Checkpoints(list) => runs.time.on_checkpoints(list),
        Event::Shown { step, is_answer } => runs.time.on_shown(step, is_answer),
        Event::Stopped(sentence) => runs.stopped.set(Some(sentence)),
        Event::StepTaken(report) => batch.report.set(Some(*report)),
    }
}

/// Sends the worker what the page shows, now and after every change.
fn send_watch(client: Client, network: NetworkView, explore: ExploreView, pad: PadStore) {
    let predictions = Memo::new(move |_| explore.is_open());
    let evidence = Memo::new(move |_| pad.watched_evidence());
    Effect::new(move |_| {
        let watch = network.watch();
        let (occlusion, saliency) = evidence.get();
        let predictions = predictions.get();
        client.send(Command::Watch(Watch { predictions, occlusion, saliency, step: true, ..watch }));
    });
}

/// Says that training stopped where it is set to.
#[component]
fn StoppedToast() -> impl IntoView {
    let sentence = expect_context::<RunStore>().stopped;
    view! {
        <Toast sentence>
            <button on:click=move |_| sentence.set(None)>"Dismiss"</button>
        </Toast>
    }
}

/// Says that training diverged, and offers the last healthy checkpoint.
#[component]
fn DivergedToast() -> impl IntoView {
    let client = expect_context::<Client>();
    let diverged = expect_context::<RunStore>().diverged;
    view! {
        <Toast role="alert" sentence=Signal::derive(move || diverged.get().map(|d| d.sentence))>
            <button on:click=move |_| client.send(Command::Restore)>
                {move || diverged.get().map(|d| format!("Back to step {}", d.healthy_step))}
            </button>
        </Toast>
    }
}

/// Says what failed.
#[component]
fn ProblemToast(sentence: String) -> impl IntoView {
    let problems = expect_context::<Client>().problems;
    let text = StoredValue::new(sentence.clone());
    let dismiss = move |_| problems.update(|problems| text.with_value(|text| problems.remove(text)));
    view! {
        <Toast role="alert" sentence=Signal::stored(Some(sentence))>
            <button on:click=dismiss>"Dismiss"</button>
        </Toast>
    }
}

/// Says what failed, each sentence until it is dismissed.
#[component]
fn ProblemToasts() -> impl IntoView {
    let problems = expect_context::<Client>().problems;
    let sentences =
        move || problems.with(|problems| problems.sentences().map(str::to_owned).collect::<Vec<_>>());
    view! {
        <For each=sentences key=String::clone let:sentence>
            <ProblemToast sentence />
        </For>
    }
}
