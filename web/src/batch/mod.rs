//! One batch: the images of a single step, how the network read each of them, and which weights the step moved.

mod changes;
mod samples;
pub(crate) mod store;

use leptos::prelude::*;

use crate::batch::changes::Changes;
use crate::batch::samples::Samples;
use crate::batch::store::BatchStore;
use crate::runs::store::RunStore;
use crate::ui::format::{count, format_number, thousands};

/// The last step, if it was a single one and nothing has been trained since; its images can be folded.
#[component]
pub(crate) fn BatchPanel() -> impl IntoView {
    let store = expect_context::<BatchStore>();
    let RunStore { progress, comparison, time, .. } = expect_context();
    let is_shown = Memo::new(move |_| {
        let step = store.report.with(|report| report.as_ref().map(|report| report.step));
        // The report of a step comes before the progress that it made.
        let is_last = step.is_some_and(|step| progress.with(|progress| progress.step <= step));
        is_last && comparison.with(Option::is_none) && time.checkpoint.with(Option::is_none)
    });
    let summary = move || {
        store.report.with(|report| {
            report.as_ref().map(|report| {
                let (step, images) = (thousands(report.step as usize), count(report.images, "image"));
                let (correct, loss) = (thousands(report.correct), format_number(report.loss));
                format!("step {step}: {correct} of {images} right, mean loss {loss}")
            })
        })
    };
    let toggled = move |ev: leptos::ev::Event| {
        store.is_open.set(event_target::<web_sys::Element>(&ev).has_attribute("open"));
    };
    view! {
        <Show when=move || is_shown.get()>
            <details class="batch" open=move || store.is_open.get() on:toggle=toggled>
                <summary><h3>"One batch"</h3><span class="source">{summary}</span></summary>
                // What is folded is not drawn.
                <Show when=move || store.is_open.get()><Samples /><Changes /></Show>
            </details>
        </Show>
    }
}
