//! The panel below the probabilities: the map of evidence for a digit, by occlusion or by the gradient, and what it says.

use std::time::Duration;

use data::mnist::{PIXELS, SIDE};
use leptos::html;
use leptos::prelude::*;
use nn::cpu::Units;
use trainer::messages::Snapshot;

use crate::client::Client;
use crate::pad::link::{Method, Why};
use crate::pad::store::PadStore;
use crate::pad::why::evidence::Evidence;
use crate::pad::why::occlusion::OcclusionMap;
use crate::pad::why::saliency;
use crate::ui::canvas::put_pixels;
use crate::ui::debounce::debounce;
use crate::ui::format::NOT_FINITE;

/// How long the drawing, the digit and the method must last until screen readers announce the evidence. In training it changes many
/// times a second, and is announced when one of these changes.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(700);

/// The panel, which opens below the probabilities.
#[component]
pub(crate) fn WhyThisAnswer() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let why = pad.why;
    let is_open = Memo::new(move |_| why.get() != Why::Closed);
    // The event comes later, when the panel may be gone.
    let toggled = move |ev: leptos::ev::Event| {
        let now = event_target::<web_sys::Element>(&ev).has_attribute("open");
        if now != is_open.get_untracked() {
            why.set(if now { Why::Answer } else { Why::Closed });
        }
    };
    view! {
        <details class="why" open=move || is_open.get() on:toggle=toggled>
            <summary>"Why this answer?"</summary>
            <Show when=move || is_open.get()><Panel /></Show>
        </details>
    }
}

/// The map of evidence, the digit that it is for, and what it says.
#[component]
fn Panel() -> impl IntoView {
    let (pad, client) = (expect_context::<PadStore>(), expect_context::<Client>());
    let answer = Memo::new(move |_| pad.prediction.get().map(|(digit, _)| digit));
    let class = Memo::new(move |_| match pad.why.get() {
        Why::Digit(digit) => Some(digit),
        Why::Answer | Why::Closed => answer.get(),
    });
    // What is not drawn any more has no evidence.
    let evidence = Memo::new(move |_| {
        let (class, method) = (class.get().filter(|_| pad.image.with(Option::is_some))?, pad.method.get());
        client.snapshot.with(|snapshot| found(snapshot.as_ref()?, method, class))
    });
    let units = Memo::new(move |_| client.snapshot.with(|snapshot| snapshot.as_ref().map(|s| s.units)));
    let words = Memo::new(move |_| match evidence.get() {
        _ if pad.image.with(Option::is_none) => {
            "Draw a digit: here you will see which parts speak for it.".to_owned()
        }
        Some(evidence) => evidence.words,
        _ if pad.method.get() == Method::Occlusion
            && units.get().is_some_and(|units| units != Units::All) =>
        {
            "There is none while dropout is shown at work: show all units again.".to_owned()
        }
        _ if pad.is_unanswered() => format!("No answer: the network’s numbers are {NOT_FINITE}."),
        _ => String::new(),
    });
    let announced = RwSignal::new(String::new());
    let has_words = Memo::new(move |_| words.with(|words| !words.is_empty()));
    let choice = move || (pad.why.get(), pad.method.get(), pad.image.get(), has_words.get());
    debounce(ANNOUNCE_AFTER, choice, move |_| {
        if let Some(words) = words.try_get_untracked() {
            announced.set(words);
        }
    });
    // What is not true any more is not read out when it is come upon, either.
    let announcement = Memo::new(move |_| {
        announced.with(|announced| {
            words.with(|words| if announced == words { words.clone() } else { String::new() })
        })
    });
    view! {
        <Choices />
        <Picture evidence />
        <output aria-label="Evidence" aria-live="off">{words}</output>
        <p class="visually-hidden" aria-live="polite">{announcement}</p>
        <p class="hint">
            {move || match pad.method.get() {
                Method::Occlusion => "A square of 7×7 pixels is wiped out, place by place, and the network reads the rest. Orange: without what is there, the digit would be less likely. Blue: more likely. The strongest colour is the largest change on this picture.",
                Method::Gradient => "The gradient of the digit’s logit, its score before softmax, with respect to each pixel. Orange: made lighter, the pixel would raise the logit, made darker lower it. Blue: the other way round. The strongest colour is the largest gradient on this picture. It holds for small changes; occlusion makes large ones.",
            }}
        </p>
    }
}

/// The evidence that a snapshot has for a digit by this method; none if it has none yet, or a number is not finite.
fn found(snapshot: &Snapshot, method: Method, class: usize) -> Option<Evidence> {
    match method {
        Method::Occlusion => Some(OcclusionMap::of(snapshot.occlusion.as_ref()?, class)?.evidence(class)),
        Method::Gradient => {
            let map = snapshot.saliency.as_ref().filter(|map| usize::from(map.class) == class)?;
            Some(saliency::evidence(map, snapshot.units))
        }
    }
}

/// The digit and the method.
#[component]
fn Choices() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let choose = move |ev| {
        pad.why.set(event_target_value(&ev).parse().map_or(Why::Answer, Why::Digit));
    };
    let is_chosen = move |digit: usize| pad.why.get() == Why::Digit(digit);
    let options = (0..data::mnist::CLASSES)
        .map(|digit| view! { <option value=digit.to_string() prop:selected=move || is_chosen(digit)>{digit}</option> })
        .collect_view();
    let choose_method = move |ev| {
        pad.method.set(Method::read(&event_target_value(&ev)).unwrap_or_default());
    };
    let methods = Method::ALL
        .map(|method| view! { <option value=method.name() prop:selected=move || pad.method.get() == method>{method.name()}</option> });
    view! {
        <label>
            "Evidence for "
            <select on:change=choose>
                <option value="answer" prop:selected=move || pad.why.get() == Why::Answer>"the answer"</option>
                {options}
            </select>
        </label>
        <label>"found by " <select aria-label="Evidence found by" on:change=choose_method>{methods}</select></label>
    }
}

/// The drawing in the colours of the evidence, with its frames and what the colours mean.
#[component]
fn Picture(evidence: Memo<Option<Evidence>>) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let image = pad.image.get().unwrap_or([0; PIXELS]);
        let Some(canvas) = canvas.get() else { return };
        let rgba = evidence.with(|evidence| {
            evidence.as_ref().map_or_else(|| vec![0; 4 * PIXELS], |evidence| evidence.picture(&image))
        });
        put_pixels(&canvas, &rgba, SIDE);
    });
    let frame = move |at: usize| {
        evidence.with(|evidence| {
            evidence.as_ref().map_or_else(String::new, |evidence| evidence.frames[at].clone())
        })
    };
    let label = move || match pad.method.get() {
        Method::Occlusion => "The drawing, coloured by what covering a part changes",
        Method::Gradient => "The drawing, coloured by the gradient of the logit",
    };
    let ends = move |at: usize| match pad.method.get() {
        Method::Occlusion => ["against it", "for it"][at],
        Method::Gradient => ["lowers it", "raises it"][at],
    };
    view! {
        <div class="evidence">
            <canvas node_ref=canvas width=SIDE height=SIDE role="img" aria-label=label></canvas>
            <svg viewBox=format!("0 0 {SIDE} {SIDE}") aria-hidden="true">
                <path class="halo" d=move || frame(0)></path><path class="mark" d=move || frame(0)></path>
                <path class="halo" d=move || frame(1)></path><path class="dashed" d=move || frame(1)></path>
            </svg>
        </div>
        <p class="key" aria-hidden="true"><span>{move || ends(0)}</span><i class="ramp weight"></i><span>{move || ends(1)}</span></p>
    }
}
