//! The bar at the top: start and stop, and where training is.

pub(crate) mod announcer;

use leptos::prelude::*;
use trainer::messages::{Command, RunState};

use crate::client::State;
use crate::link::address::CopyLink;
use crate::link::parts::Tab;
use crate::shortcuts::KeysButton;
use crate::ui::focus::{SETTINGS, go_to};
use crate::ui::format::thousands;

/// Title, buttons and read-outs.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let state = expect_context::<State>();
    let running = move || state.run.get() != RunState::Paused;
    let epoch = move || format!("{:.2}", state.progress.get().epoch);
    let speed = move || {
        state
            .progress
            .get()
            .images_per_second
            .map_or("—".into(), |s| format!("{} img/s", thousands(s as usize)))
    };
    let loss = move || state.loss.get().map_or("—".into(), |l| format!("{l:.4}"));
    let accuracy =
        move || state.tested.get().map_or("—".into(), |t| format!("{:.2} %", 100.0 * t.accuracy));
    let step = move || state.progress.get().step.to_string();
    view! {
        <header class="bar">
            <h1>"LeNet Playground"</h1>
            <div class="buttons" role="group" aria-label="Training">
                <button class="primary" on:click=move |_| state.toggle() title="Space trains and pauses">
                    <span class="icon" aria-hidden="true">{move || if running() { "❚❚" } else { "▶" }}</span>
                    {move || if running() { "Pause" } else { "Train" }}
                </button>
                <button on:click=move |_| state.send(Command::Step) title="Train on one batch">"Step"</button>
                <button on:click=move |_| state.reset() title="Back to untrained weights (R); can be undone">"Reset"</button>
            </div>
            <dl class="readouts">
                <div><dt>"Epoch"</dt><dd><output aria-label="Epoch" aria-live="off" data-step=step>{epoch}</output></dd></div>
                <div><dt>"Training loss"</dt><dd><output aria-label="Training loss" aria-live="off">{loss}</output></dd></div>
                <div class="accent">
                    <dt>
                        <button class="ask" aria-label="Test accuracy: see the mistakes" title="See the mistakes (M)"
                            on:click=move |_| state.mnist.toggle(Tab::Mistakes)>"Test accuracy"</button>
                    </dt>
                   <dd><output aria-label="Test accuracy" aria-live="off">{accuracy}</output></dd>
                </div>
                <div><dt>"Throughput"</dt><dd><output aria-label="Throughput" aria-live="off">{speed}</output></dd></div>
            </dl>
            <div class="buttons tools">
                <Show when=move || !state.hides("settings")>
                    <button class="to-settings" on:click=move |_| go_to(SETTINGS) title="To the settings (S)">"Settings"</button>
                </Show>
                <CopyLink />
                <KeysButton />
            </div>
        </header>
    }
}

/// How much of MNIST is here; nothing once it all is. It floats: its coming and going must not move the page under
/// a pen that is drawing.
#[component]
pub(crate) fn DownloadBar() -> impl IntoView {
    let state = expect_context::<State>();
    let words = move || {
        let download = state.download.get();
        if state.run.get() == RunState::WaitingForData {
            format!("Waiting for the next images. MNIST: {} of 60,000", thousands(download.train_images))
        } else {
            format!("MNIST: {} of 60,000 images", thousands(download.train_images))
        }
    };
    let problem = move || state.download.get().problem;
    view! {
        <Show when=move || !state.download.get().complete>
            <div class="toast">
                <Show when=move || problem().is_none()>
                    <progress
                        aria-label="MNIST download"
                        max=move || state.download.get().total_bytes.max(1).to_string()
                        value=move || state.download.get().bytes.to_string()
                    ></progress>
                    <span>{words}</span>
                </Show>
                <Show when=move || problem().is_some()>
                    <span role="alert">{problem}</span>
                    <button on:click=move |_| state.send(Command::RetryDownload)>"Retry"</button>
                </Show>
            </div>
        </Show>
    }
}
