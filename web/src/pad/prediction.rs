//! The image that the network gets of the drawing, and its prediction.

use std::time::Duration;

use data::mnist::{PIXELS, SIDE};
use data::pose::Pose;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::Tested;

use crate::pad::store::PadStore;
use crate::runs::store::RunStore;
use crate::ui::canvas::put_image;
use crate::ui::debounce::debounce;
use crate::ui::format::{NOT_FINITE, bar, percent};

/// How long a prediction must last until screen readers announce it: it changes with every point that is drawn.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(700);

/// The most likely digit, and the probabilities of all. `children` stand between them.
#[component]
pub(super) fn Prediction(children: Children) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let digit = Memo::new(move |_| pad.prediction.get().map(|(digit, _)| digit));
    view! {
        <Verdict digit />
        {children()}
        <ol class="bars" aria-label="Probabilities" translate="no">
            {(0..10usize).map(|class| view! { <ProbabilityBar class digit /> }).collect_view()}
        </ol>
    }
}

/// The network's image of the drawing, beside the prediction and, of an image of MNIST, its label.
#[component]
fn Verdict(digit: Memo<Option<usize>>) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let runs = expect_context::<RunStore>();
    let preview = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let image = pad.image.get().unwrap_or([0; PIXELS]);
        if let Some(canvas) = preview.get() {
            put_image(&canvas, &image);
        }
    });
    let placed = Memo::new(move |_| {
        pad.drawing.with(|drawing| {
            let sample = drawing.sample()?;
            let untouched = drawing.untouched().is_some();
            Some(PlacedSample { name: sample.name(), label: usize::from(sample.label), untouched })
        })
    });
    let caption = move || match placed.get() {
        Some(placed) => placed.name,
        None if pad.pose.get() != Pose::default() => "28×28, moved".to_owned(),
        None => "28×28, centred".to_owned(),
    };
    // An image of MNIST is a digit, whatever the network makes of it.
    let doubt = Memo::new(move |_| {
        let (_, probability) = pad.prediction.get().filter(|_| placed.with(Option::is_none))?;
        runs.certainty().filter(|certainty| probability < *certainty)
    });
    // Before the prediction arrives, the label is not shown either.
    let truth = move || match digit.get() {
        Some(digit) => Some(placed.get()?.verdict(digit)),
        None => pad.is_unanswered().then(|| format!("No answer: the network’s numbers are {NOT_FINITE}.")),
    };
    let announced = RwSignal::new(String::new());
    let announcement = move || match (digit.get(), placed.get()) {
        (Some(digit), Some(PlacedSample { name, label, .. })) => {
            format!("{name}, labelled {label}, reads as {digit}")
        }
        (Some(digit), None) => match doubt.get() {
            Some(certainty) => format!("Reads as {digit}. Perhaps not a digit: {}", usual(certainty)),
            None => format!("Reads as {digit}"),
        },
        (None, _) => String::new(),
    };
    debounce(ANNOUNCE_AFTER, announcement, move |text| announced.set(text));
    view! {
        <div class="verdict">
            <figure>
                <canvas node_ref=preview width=SIDE height=SIDE role="img" aria-label="The drawing as the network sees it, 28 by 28 pixels"></canvas>
                <figcaption>{caption}</figcaption>
            </figure>
            <div>
                <output aria-label="Prediction" aria-live="off" translate="no">
                    <Show when=move || digit.get().is_some() fallback=|| view! { <span class="none">"—"</span> }>
                        <b>{move || digit.get()}</b>
                        <span class="percent">{move || pad.prediction.get().map(|(_, p)| format!(" {}", percent(p, 1)))}</span>
                    </Show>
                </output>
                <p class="source">"by: "{move || runs.snapshot_label()}</p>
                <p class="truth">{truth}{move || doubt.get().map(|certainty| view! { <Doubt certainty /> })}</p>
                <p class="visually-hidden" aria-live="polite">{announced}</p>
            </div>
        </div>
    }
}

/// What is said of a drawing of which the network is less certain than this, which it is of most test images.
#[component]
fn Doubt(certainty: f32) -> impl IntoView {
    view! {
        <span title=usual(certainty)>"Perhaps not a digit: "<small>"surer of "{Tested::CERTAIN}" % of digits"</small></span>
    }
}

/// What the certainty is that most test images reach.
fn usual(certainty: f32) -> String {
    format!("the answers to {} % of the test digits get {} or more.", Tested::CERTAIN, percent(certainty, 1))
}

/// The probability of a class as a bar.
#[component]
fn ProbabilityBar(class: usize, digit: Memo<Option<usize>>) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let probability = move || pad.probabilities.with(|p| p.get(class).copied());
    view! {
        <li class:best=move || digit.get() == Some(class)>
            <span class="digit">{class}</span>
            <span class="track" aria-hidden="true">
                <span class="fill" style:background=format!("var(--class-{class})")
                    style:transform=move || bar(probability().unwrap_or(0.0))></span>
            </span>
            <span class="value">{move || probability().map(|p| if p.is_finite() { percent(p, 1) } else { "—".to_owned() })}</span>
        </li>
    }
}

/// An image of MNIST on the pad.
#[derive(Clone, PartialEq)]
struct PlacedSample {
    name: String,
    label: usize,
    /// Whether nothing was drawn on it.
    untouched: bool,
}

impl PlacedSample {
    /// The label, and whether the prediction is right.
    fn verdict(&self, digit: usize) -> String {
        match (self.untouched, digit == self.label) {
            (false, _) => format!("labelled {}, and drawn on", self.label),
            (true, true) => format!("✓ labelled {}, too", self.label),
            (true, false) => format!("✗ labelled {}", self.label),
        }
    }
}
