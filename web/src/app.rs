//! The page as a whole.

use leptos::prelude::*;

use trainer::messages::Command;

use crate::chart::{Chart, Series};
use crate::controls::Controls;
use crate::explore::Explore;
use crate::header::{DownloadBar, Header};
use crate::network_view::NetworkView;
use crate::pad::Pad;
use crate::share;
use crate::shortcuts::{self, Keys};
use crate::state::State;

/// The playground.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = State::start();
    provide_context(state);
    share::keep(state);
    shortcuts::listen(state);
    let (progress, tested) = (state.progress, state.tested);
    let epoch = Signal::derive(move || progress.get().epoch);
    let loss = vec![
        Series { name: "training", color: "--train", smooth: true, curve: state.loss_curve },
        Series { name: "test", color: "--test", smooth: false, curve: state.test_loss_curve },
    ];
    let accuracy = vec![
        Series { name: "training", color: "--train", smooth: true, curve: state.train_accuracy_curve },
        Series { name: "test", color: "--test", smooth: false, curve: state.accuracy_curve },
    ];
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    let loss_words = Signal::derive(move || match (state.loss.get(), tested.get()) {
        (None, _) => "no points yet".to_owned(),
        (Some(train), None) => format!("training {train:.3}"),
        (Some(train), Some(test)) => format!("training {train:.3}, test {:.3}", test.loss),
    });
    let accuracy_words = Signal::derive(move || {
        tested
            .get()
            .map_or("not measured yet".to_owned(), |t| format!("test {}", percent(f64::from(t.accuracy))))
    });
    view! {
        <Header />
        <main>
            <Controls />
            <div class="middle">
                <NetworkView />
                <section class="panel charts" aria-label="Curves">
                    <Chart title="Loss" series=loss epoch range=(0.0, 0.5) words=loss_words
                        format=|v, step| format!("{v:.*}", if step < 0.1 { 2 } else { 1 }) />
                    <Chart title="Accuracy" series=accuracy epoch range=(0.9, 1.0) words=accuracy_words
                        format=|v, step| format!("{:.*} %", usize::from(step < 0.01), 100.0 * v) />
                </section>
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
