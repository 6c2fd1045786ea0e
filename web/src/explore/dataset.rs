//! The tab with all images of MNIST.

use leptos::ev::Event;
use leptos::prelude::*;
use trainer::messages::{Predictions, Split};

use crate::client::mnist::MnistCache;
use crate::explore::confusion_matrix::{CLASSES, browse, counts};
use crate::explore::confusion_table::image_count;
use crate::explore::gallery::Gallery;
use crate::explore::view_state::ExploreView;
use crate::ui::format::thousands;

/// The images on a page: five rows of ten.
const PAGE: usize = 50;

/// The images of a set, all or only those of a digit or the misread ones.
#[component]
pub(super) fn DatasetTab() -> impl IntoView {
    let mnist = expect_context::<MnistCache>();
    let ExploreView { split, digit, misread, .. } = expect_context();
    let only_misread = Memo::new(move |_| misread.get() && split.get() == Split::Test);
    let indices = Memo::new(move |_| {
        mnist.labels(split.get()).with(|labels| {
            if !only_misread.get() {
                return browse(labels, digit.get(), None);
            }
            let browse = |predictions: &Predictions| browse(labels, digit.get(), Some(predictions));
            mnist.predictions.with(|predictions| predictions.as_ref().map(browse).unwrap_or_default())
        })
    });
    let title = Signal::derive(move || {
        let which = if only_misread.get() { "Misread" } else { "All" };
        let digit = digit.get().map_or(String::new(), |digit| format!(" labelled {digit}"));
        format!("{which} {} images{digit}", split.get().name())
    });
    let sought = RwSignal::new(None::<u32>);
    view! {
        <Filters indices sought />
        <div class="title">
            <h3>{title}</h3>
            <span class="source">{move || image_count(indices.with(Vec::len) as u32)}</span>
        </div>
        <Gallery label=title split=split.into() indices size=PAGE sought />
    }
}

/// The menus and fields that choose the images.
#[component]
fn Filters(
    /// The indices of the images that are chosen.
    indices: Memo<Vec<u32>>,
    /// The index of the image that is looked for.
    sought: RwSignal<Option<u32>>,
) -> impl IntoView {
    let mnist = expect_context::<MnistCache>();
    let ExploreView { split, digit, misread, page, .. } = expect_context();
    let labels = move || mnist.labels(split.get());
    let counts = Memo::new(move |_| labels().with(|labels| counts(labels)));
    let last = move || labels().with(Vec::len).saturating_sub(1).to_string();
    let begin = move || {
        sought.set(None);
        page.set(0);
    };
    let choose_split = move |ev| {
        split.set(if event_target_value(&ev) == "train" { Split::Train } else { Split::Test });
        begin();
    };
    let choose_digit = move |ev| {
        digit.set(event_target_value(&ev).parse().ok());
        begin();
    };
    let choose_misread = move |ev| {
        misread.set(event_target_checked(&ev));
        begin();
    };
    // An image that is not among the chosen ones is followed by one that is.
    let seek = move |ev: Event| {
        let Ok(index) = event_target_value(&ev).trim().parse::<u32>() else { return };
        // The event may come after the panel was closed, with the list gone.
        indices.try_with_untracked(|all| {
            let at = all.partition_point(|other| *other < index).min(all.len().saturating_sub(1));
            sought.set(all.get(at).copied());
            page.set(at / PAGE);
        });
    };
    view! {
        <div class="knobs" role="group" aria-label="Which images">
            <label>"Set"
                <select on:change=choose_split>
                    <option value="test">"test: to measure on"</option>
                    <option value="train" prop:selected=move || split.get() == Split::Train>"training: to learn from"</option>
                </select>
            </label>
            <label>"Digit"
                <select on:change=choose_digit>
                    <option value="">"all"</option>
                    {(0..CLASSES).map(|class| view! {
                        <option value=class.to_string() prop:selected=move || digit.get() == Some(class as u8)>
                            {move || format!("{class} ({})", thousands(counts.get()[class] as usize))}
                        </option>
                    }).collect_view()}
                </select>
            </label>
            <label>"Go to number"
                <input type="number" min="0" max=last step="1" on:change=seek />
            </label>
            <Show when=move || split.get() == Split::Test>
                <label class="switch">
                    <span>"Only misread"</span>
                    <input type="checkbox" role="switch" prop:checked=move || misread.get() on:change=choose_misread />
                </label>
            </Show>
        </div>
    }
}
