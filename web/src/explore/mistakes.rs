//! The tab with the mistakes: the confusion matrix, and the misread images.

use leptos::html;
use leptos::prelude::*;
use trainer::messages::Split;

use crate::client::mnist::MnistCache;
use crate::explore::confusion_matrix::{Cell, ConfusionMatrix, images_in};
use crate::explore::confusion_table::{ConfusionTable, image_count};
use crate::explore::gallery::Gallery;
use crate::explore::view_state::ExploreView;
use crate::ui::focus::scroll_into_view;

/// The images on a page: four rows beside the matrix.
const PAGE: usize = 20;

/// The matrix, and beside it the images of a cell or the most confident mistakes.
#[component]
pub(super) fn MistakesTab() -> impl IntoView {
    let mnist = expect_context::<MnistCache>();
    let cell = expect_context::<ExploreView>().cell;
    let labels = mnist.labels(Split::Test);
    let matrix = Memo::new(move |_| {
        let predictions = mnist.predictions.read();
        let matrix = labels.with(|labels| Some(ConfusionMatrix::of(labels, &predictions.as_ref()?.classes)));
        matrix.filter(|matrix| matrix.images() > 0)
    });
    let found = Memo::new(move |_| {
        let predictions = mnist.predictions.read();
        labels.with(|labels| predictions.as_ref().map(|p| images_in(labels, p, cell.get())))
    });
    let images = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let (Some(_), Some(images)) = (cell.get(), images.get_untracked()) {
            // On small screens the images are below the matrix.
            request_animation_frame(move || scroll_into_view(&images));
        }
    });
    view! {
        <div class="mistakes">
            <div>
                <ConfusionTable matrix />
                <p class="hint">
                    "A row is a digit, a column what it is read as; the stronger its colour, the larger its share of the row. Recall: how many of a digit are recognised. Precision: how often it is right when a digit is read. Press a number to see its images."
                </p>
            </div>
            <div node_ref=images><CellImages found /></div>
        </div>
    }
}

/// The images of the chosen cell, or the most confident mistakes.
#[component]
fn CellImages(
    /// The indices of the images, in their order; none before the network has made predictions.
    found: Memo<Option<Vec<u32>>>,
) -> impl IntoView {
    let view = expect_context::<ExploreView>();
    let cell = view.cell;
    let indices = Memo::new(move |_| found.get().unwrap_or_default());
    let title = Memo::new(move |_| match cell.get() {
        None => "Most confident mistakes".to_owned(),
        Some(Cell { label, class }) if label == class => format!("{label} read right"),
        Some(Cell { label, class }) => format!("{label} read as {class}"),
    });
    let order = move || {
        let count = found.with(|found| found.as_ref().map(|found| image_count(found.len() as u32)))?;
        let order = match cell.get() {
            Some(cell) if cell.is_right() => "least sure first",
            _ => "surest first",
        };
        Some(format!("{count}, {order}"))
    };
    let is_empty = move || found.with(|found| found.as_ref().is_some_and(Vec::is_empty));
    view! {
        <div class="title">
            <h3 aria-live="polite">{title}</h3>
            <span class="source">{order}</span>
            <Show when=move || cell.get().is_some()>
                <button class="small" on:click=move |_| view.choose_cell(None)>"All mistakes"</button>
            </Show>
        </div>
        <Gallery label=title split=Signal::derive(|| Split::Test) indices size=PAGE />
        <Show when=is_empty><p class="hint">"No test image is read so."</p></Show>
    }
}
