//! The page as a whole.

use leptos::prelude::*;

use trainer::messages::Command;

use crate::chart::Chart;
use crate::chart_tools::{ChartTools, ChartView};
use crate::compare_view::Runs;
use crate::controls::Controls;
use crate::example;
use crate::explore::Explore;
use crate::header::{DownloadBar, Header};
use crate::network_view::NetworkView;
use crate::norms_view::NormsView;
use crate::pad::Pad;
use crate::reset::UndoReset;
use crate::runs::Measure;
use crate::share;
use crate::shortcuts::{self, Keys};
use crate::sizes_view::SizesView;
use crate::spoken::Spoken;
use crate::state::State;

/// The playground.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = State::start();
    provide_context(state);
    share::keep(state);
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
                        {move || state.diverged.get().map(|d| format!("Back to step {}", d.good_step))}
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
