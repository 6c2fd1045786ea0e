//! The page as a whole.

use leptos::prelude::*;

use crate::chart::Chart;
use crate::controls::Controls;
use crate::header::{DownloadBar, Header};
use crate::network_view::NetworkView;
use crate::pad::Pad;
use crate::state::State;

/// The playground.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = State::start();
    provide_context(state);
    view! {
        <Header />
        <DownloadBar />
        <Show when=move || state.problem.get().is_some()>
            <div class="problem">
                <span role="alert">{move || state.problem.get()}</span>
                <button on:click=move |_| state.problem.set(None)>"Dismiss"</button>
            </div>
        </Show>
        <main>
            <Controls />
            <div class="middle">
                <NetworkView />
                <section class="panel charts" aria-label="Curves">
                    <Chart title="Training loss" curve=state.loss_curve color="--loss" range=(0.0, 1.0)
                        format=|v| format!("{v:.2}") />
                    <Chart title="Test accuracy" curve=state.accuracy_curve color="--accuracy" range=(0.9, 1.0)
                        format=|v| format!("{:.0} %", 100.0 * v) />
                </section>
            </div>
            <Pad />
        </main>
        <footer>
            "Everything runs in this browser; nothing you draw leaves it. Data: MNIST (LeCun, Cortes, Burges). Network: LeCun et al. 1998."
        </footer>
    }
}
