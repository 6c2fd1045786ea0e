//! What is on the pad as the network sees it, and what the network makes of it.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use crate::client::State;
use crate::ui::canvas::put_image;
use crate::ui::debounce::debounce;

/// How long a prediction must last until it is read out.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(700);

/// The digit that is most likely, and how likely each is.
#[component]
pub(crate) fn Prediction() -> impl IntoView {
    let state = expect_context::<State>();
    let preview = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let image = state.image.get().unwrap_or([0; 784]);
        if let Some(canvas) = preview.get() {
            put_image(&canvas, &image);
        }
    });
    let probabilities = state.probabilities();
    let best = Memo::new(move |_| probabilities.with(|p| best(p)));
    let digit = Memo::new(move |_| best.get().map(|b| b.0));
    let placed = Memo::new(move |_| {
        state.drawing.with(|drawing| {
            let sample = drawing.seen().0?;
            let untouched = drawing.untouched().is_some();
            Some(Placed { name: sample.name(), label: usize::from(sample.label), untouched })
        })
    });
    let caption = move || placed.get().map_or("28×28, centred".to_owned(), |placed| placed.name);
    // Nothing is said of an answer that is still to come.
    let truth = move || Some(placed.get()?.verdict(digit.get()?));
    // The output changes with every point that is drawn: only what lasts is read out.
    let announced = RwSignal::new(String::new());
    let announcement = move || match (digit.get(), placed.get()) {
        (Some(digit), Some(Placed { name, label, .. })) => {
            format!("{name}, labelled {label}, reads as {digit}")
        }
        (Some(digit), None) => format!("Reads as {digit}"),
        (None, _) => String::new(),
    };
    debounce(ANNOUNCE_AFTER, announcement, move |text| announced.set(text));
    view! {
        <div class="verdict">
            <figure>
                <canvas node_ref=preview width="28" height="28" role="img" aria-label="The drawing as the network sees it, 28 by 28 pixels"></canvas>
                <figcaption>{caption}</figcaption>
            </figure>
            <div>
                <output aria-label="Prediction" aria-live="off">
                    <Show when=move || digit.get().is_some() fallback=|| view! { <span class="none">"—"</span> }>
                        <b>{move || digit.get()}</b>
                        <span class="percent">{move || best.get().map(|b| format!(" {:.1} %", 100.0 * b.1))}</span>
                    </Show>
                </output>
                <p class="source">"by: "{move || state.source()}</p>
                <p class="truth">{truth}</p>
                <p class="visually-hidden" aria-live="polite">{announced}</p>
            </div>
        </div>
        <ol class="bars" aria-label="Probabilities">
            {(0..10usize).map(|class| {
                let share = move || probabilities.with(|p| p.get(class).copied());
                view! {
                    <li class:best=move || digit.get() == Some(class)>
                        <span class="digit">{class}</span>
                        <span class="track" aria-hidden="true">
                            <span class="fill" style:background=format!("var(--class-{class})")
                                style:transform=move || format!("scaleX({:.4})", share().unwrap_or(0.0))></span>
                        </span>
                        <span class="value">{move || share().map(|s| format!("{:.1} %", 100.0 * s))}</span>
                    </li>
                }
            }).collect_view()}
        </ol>
    }
}

/// An image of MNIST that is on the pad.
#[derive(Clone, PartialEq)]
struct Placed {
    name: String,
    label: usize,
    /// Nothing was drawn on it.
    untouched: bool,
}

impl Placed {
    /// Its label, and whether that is what it was read as.
    fn verdict(&self, digit: usize) -> String {
        match (self.untouched, digit == self.label) {
            (false, _) => format!("labelled {}, and drawn on", self.label),
            (true, true) => format!("✓ labelled {}, too", self.label),
            (true, false) => format!("✗ labelled {}", self.label),
        }
    }
}

/// The most likely class and its probability; nothing for a network that has diverged.
pub(crate) fn best(probabilities: &[f32]) -> Option<(usize, f32)> {
    let finite = probabilities.iter().copied().enumerate().filter(|(_, p)| p.is_finite());
    finite.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_largest_probability_wins() {
        assert_eq!(best(&[0.1, 0.7, 0.2]), Some((1, 0.7)));
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[f32::NAN; 3]), None);
    }
}
