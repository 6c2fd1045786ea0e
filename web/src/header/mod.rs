//! The bar at the top: the buttons that train, and the figures of the run.

pub(crate) mod announcer;
pub(crate) mod download_bar;

use leptos::prelude::*;
use trainer::messages::{Command, RunState};

use crate::client::Client;
use crate::controls::view_state::ControlsView;
use crate::explore::link::Tab;
use crate::explore::view_state::ExploreView;
use crate::pad::store::PadStore;
use crate::runs::record::Measure;
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::format::{epochs, percent, rate};
use crate::ui::narrow::Narrow;
use crate::ui::sections;

/// The title, the buttons and the figures. `children` stand at the end of the buttons on the right.
#[component]
pub(crate) fn Header(children: Children) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let controls = expect_context::<ControlsView>();
    let narrow = expect_context::<Narrow>();
    let is_large = Memo::new(move |_| settings.presentation.with(|p| p.large));
    view! {
        <header class="bar">
            <h1>"LeNet Playground"</h1>
            <div class="reach">
                <TrainingButtons />
                <Show when=move || narrow.get()><AnswerAndPicture /></Show>
            </div>
            <Readouts />
            <div class="buttons tools">
                <Show when=move || !settings.hides("settings")>
                    <button id="to-settings" aria-expanded=move || is_large.get().then(|| controls.is_drawn.get().to_string())
                        on:click=move |_| controls.toggle(settings) title="To the settings (S)">"Settings"</button>
                </Show>
                {children()}
            </div>
        </header>
    }
}

/// The buttons that train, pause and reset.
#[component]
fn TrainingButtons() -> impl IntoView {
    let client = expect_context::<Client>();
    let runs = expect_context::<RunStore>();
    let running = move || client.is_running.get();
    view! {
        <div class="buttons" role="group" aria-label="Training">
            <button class="primary" on:click=move |_| client.toggle_training() title="Space trains and pauses">
                <span class="icon" aria-hidden="true">{move || if running() { "❚❚" } else { "▶" }}</span>
                {move || if running() { "Pause" } else { "Train" }}
            </button>
            <button on:click=move |_| client.send(Command::Step) title="Train on one batch">"Step"</button>
            <button on:click=move |_| runs.reset() title="Back to untrained weights (R); can be undone">"Reset"</button>
        </div>
    }
}

/// What the network answers, which leads to the pad, and a button that leads to the picture: on a phone they are in reach of the thumb,
/// beside the buttons that train.
#[component]
fn AnswerAndPicture() -> impl IntoView {
    let prediction = expect_context::<PadStore>().prediction;
    let answer = move || match prediction.get() {
        Some((digit, probability)) => view! {
            <b>{digit}</b>" "<span class="percent">{percent(probability, 1)}</span>
            <span class="visually-hidden">" is the answer: to the drawing pad"</span>
        }
        .into_any(),
        None => "Draw".into_any(),
    };
    view! {
        <button class="answer" translate="no" on:click=move |_| sections::go_to(".panel.pad")>{answer}</button>
        <button title="To the network picture" on:click=move |_| sections::go_to(".picture")>"Picture"</button>
    }
}

/// The figures of the run that is drawn, as they are now. What is not known now is a dash.
#[component]
fn Readouts() -> impl IntoView {
    let client = expect_context::<Client>();
    let RunStore { progress, loss, tested, comparison, .. } = expect_context();
    let explore = expect_context::<ExploreView>();
    let none = || "—".to_owned();
    let epoch = move || epochs(progress.get().epoch);
    let step = move || progress.get().step.to_string();
    let loss = move || loss.get().map_or_else(none, |loss| Measure::Loss.value(loss.into()));
    // Until the first step, the drawing is read by the pretrained network, if that has the same layers.
    let is_pretrained = Memo::new(move |_| {
        client.is_pretrained() && progress.get().step == 0 && comparison.with(Option::is_none)
    });
    let accuracy = move || {
        let pretrained = client.pretrained_tested.get().filter(|_| is_pretrained.get());
        let shown = pretrained.or(tested.get());
        shown.map_or_else(none, |tested| Measure::Accuracy.value(tested.accuracy.into()))
    };
    let throughput = move || match (client.run.get(), client.device.with(|device| device.measuring)) {
        (RunState::Paused | RunState::WaitingForData, _) => none(),
        (RunState::Training, true) => "measuring…".to_owned(),
        (RunState::Training, false) => {
            progress.get().images_per_second.map_or_else(none, |speed| format!("{} img/s", rate(speed)))
        }
    };
    view! {
        <dl class="readouts">
            <div><dt>"Epoch"</dt><dd translate="no"><output aria-label="Epoch" aria-live="off" data-step=step>{epoch}</output></dd></div>
            <div class="minor"><dt>"Training loss"</dt><dd translate="no"><output aria-label="Training loss" aria-live="off">{loss}</output></dd></div>
            <div class="accent">
                <dt>
                    <button class="ask" aria-label="Test accuracy: see the mistakes" title="See the mistakes (M)"
                        on:click=move |_| explore.toggle(Tab::Mistakes)>"Test accuracy"</button>
                    <Show when=move || is_pretrained.get()>
                        <span title="Train starts a new, untrained network. Reset brings this one back.">" (pretrained)"</span>
                    </Show>
                </dt>
                <dd translate="no"><output aria-label="Test accuracy" aria-live="off">{accuracy}</output></dd>
            </div>
            <div class="minor"><dt>"Throughput"</dt><dd translate="no"><output aria-label="Throughput" aria-live="off">{throughput}</output></dd></div>
        </dl>
    }
}
