//! The page as a whole.

use leptos::prelude::*;

use trainer::messages::Command;

use crate::charts::chart::Chart;
use crate::charts::toolbar::{ChartTools, ChartView};
use crate::client::State;
use crate::controls::Controls;
use crate::explore::Explore;
use crate::header::announcer::Spoken;
use crate::header::{DownloadBar, Header};
use crate::link::address;
use crate::network::NetworkView;
use crate::network::batch_norm::NormsView;
use crate::network::gradient_norms::SizesView;
use crate::pad::Pad;
use crate::pad::example;
use crate::runs::Measure;
use crate::runs::panel::Runs;
use crate::runs::undo_reset::UndoReset;
use crate::shortcuts::{self, Keys};
use crate::ui::redraw::Redraw;

/// The playground.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = State::start();
    provide_context(state);
    provide_context(Redraw::new());
    address::keep(state);
    example::keep(state);
    shortcuts::listen(state);
    provide_context(ChartView::new(state));
    view! {
        <Header />
        <Spoken />
        <main>
            <Controls />
            <div class="middle">
                <NetworkView />
                <section class="panel charts" aria-label="Curves">
                    <ChartTools />
                    <Chart measure=Measure::Loss />
                    <Chart measure=Measure::Accuracy />
                </section>
                <Runs />
                <SizesView />
                <NormsView />
                <Explore />
            </div>
            <Pad />
        </main>
        <footer>
            "Everything runs in this browser; nothing you draw leaves it. Data: MNIST (LeCun, Cortes, Burges). Network: LeCun et al. 1998."
        </footer>
        <Keys />
        <div class="toasts">
            <DownloadBar />
            <UndoReset />
            <Show when=move || state.diverged.get().is_some()>
                <div class="toast">
                    <span role="alert">{move || state.diverged.get().map(|d| d.sentence)}</span>
                    <button on:click=move |_| state.send(Command::Restore)>
                        {move || state.diverged.get().map(|d| format!("Back to step {}", d.healthy_step))}
                    </button>
                </div>
            </Show>
            <Show when=move || state.problem.get().is_some()>
                <div class="toast problem">
                    <span role="alert">{move || state.problem.get()}</span>
                    <button on:click=move |_| state.problem.set(None)>"Dismiss"</button>
                </div>
            </Show>
        </div>
    }
}
