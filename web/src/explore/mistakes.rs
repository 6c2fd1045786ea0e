//! What the network gets wrong: who is taken for whom, and the images.

use leptos::html;
use leptos::prelude::*;
use trainer::messages::Split;

use crate::client::State;
use crate::explore::confusion_matrix::{self, Cell, Confusion};
use crate::explore::confusion_table::{ConfusionView, images};
use crate::explore::gallery::Gallery;
use crate::ui::focus::scroll_into_view;

/// Images on a page: four rows beside the matrix.
const PAGE: usize = 20;

/// The matrix, and beside it the images of a cell or the most confident mistakes.
#[component]
pub(crate) fn MistakesView() -> impl IntoView {
    let State { mnist, scene, .. } = expect_context();
    let labels = mnist.labels(Split::Test);
    let matrix = Memo::new(move |_| {
        let answers = mnist.answers.read();
        let matrix = labels.with(|labels| Some(Confusion::of(labels, &answers.as_ref()?.classes)));
        matrix.filter(|matrix| matrix.images() > 0)
    });
    let chosen = Memo::new(move |_| scene.with(|scene| scene.cell));
    let choose = move |cell| scene.update(|scene| (scene.cell, scene.page) = (cell, 0));
    let beside = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let (Some(_), Some(beside)) = (chosen.get(), beside.get_untracked()) {
            // On small screens it lies below the matrix.
            request_animation_frame(move || scroll_into_view(&beside));
        }
    });
    let found = Memo::new(move |_| {
        let answers = mnist.answers.read();
        labels.with(|labels| answers.as_ref().map(|a| confusion_matrix::images(labels, a, chosen.get())))
    });
    let indices = Memo::new(move |_| found.get().unwrap_or_default());
    let title = Memo::new(move |_| match chosen.get() {
        None => "Most confident mistakes".to_owned(),
        Some(Cell { label, class }) if label == class => format!("{label} read right"),
        Some(Cell { label, class }) => format!("{label} read as {class}"),
    });
    let order = move || {
        let found = found.with(|found| found.as_ref().map(|found| images(found.len() as u32)))?;
        let order = match chosen.get() {
            Some(cell) if cell.is_right() => "least sure first",
            _ => "surest first",
        };
        Some(format!("{found}, {order}"))
    };
    let empty = move || found.with(|found| found.as_ref().is_some_and(Vec::is_empty));
    view! {
        <div class="mistakes">
            <div>
                <ConfusionView matrix chosen choose />
                <p class="hint">
                    "A row is a digit, a column what it is read as; the stronger its colour, the larger its share of the row. Recall: how many of a digit are recognised. Precision: how often it is right when a digit is read. Press a number to see its images."
                </p>
            </div>
            <div node_ref=beside>
                <div class="title">
                    <h3 aria-live="polite">{title}</h3>
                    <span class="source">{order}</span>
                    <Show when=move || chosen.get().is_some()>
                        <button class="small" on:click=move |_| choose(None)>"All mistakes"</button>
                    </Show>
                </div>
                <Gallery label=title split=Signal::derive(|| Split::Test) indices size=PAGE />
                <Show when=empty><p class="hint">"No test image is read so."</p></Show>
            </div>
        </div>
    }
}
