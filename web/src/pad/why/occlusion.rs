//! Why the network gives its answer: how much less, or more, likely a digit is when a part of the drawing is covered.

use data::mnist::{PIXELS, SIDE};
use leptos::html;
use leptos::prelude::*;
use nn::cpu::Units;
use trainer::messages::Occlusion;

use crate::client::Client;
use crate::pad::link::Why;
use crate::pad::store::PadStore;
use crate::ui::canvas::put_pixels;
use crate::ui::colormap;
use crate::ui::format::{NOT_FINITE, percent};

/// The panel, which opens below the probabilities.
#[component]
pub(super) fn WhyThisAnswer() -> impl IntoView {
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
            <Show when=move || is_open.get()><Evidence /></Show>
        </details>
    }
}

/// The map of evidence, the digit that it is for, and what it says.
#[component]
fn Evidence() -> impl IntoView {
    let (pad, client) = (expect_context::<PadStore>(), expect_context::<Client>());
    let answer = Memo::new(move |_| pad.prediction.get().map(|(digit, _)| digit));
    let class = Memo::new(move |_| match pad.why.get() {
        Why::Digit(digit) => Some(digit),
        Why::Answer | Why::Closed => answer.get(),
    });
    // What is not drawn any more has no evidence.
    let evidence = Memo::new(move |_| {
        let class = class.get().filter(|_| pad.image.with(Option::is_some))?;
        client.snapshot.with(|snapshot| Evidence::of(snapshot.as_ref()?.occlusion.as_ref()?, class))
    });
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let image = pad.image.get().unwrap_or([0; PIXELS]);
        let Some(canvas) = canvas.get() else { return };
        let rgba = evidence.with(|evidence| {
            evidence.as_ref().map_or_else(|| vec![0; 4 * PIXELS], |evidence| evidence.picture(&image))
        });
        put_pixels(&canvas, &rgba, SIDE);
    });
    let frame = move || {
        let place = evidence.with(|evidence| evidence.as_ref().and_then(|evidence| evidence.strongest));
        let side = Occlusion::SIDE;
        place.map_or_else(String::new, |(row, column)| format!("M{column} {row}h{side}v{side}h-{side}z"))
    };
    let units = Memo::new(move |_| client.snapshot.with(|snapshot| snapshot.as_ref().map(|s| s.units)));
    let words = Memo::new(move |_| match (evidence.get(), class.get()) {
        _ if pad.image.with(Option::is_none) => {
            "Draw a digit: here you will see which parts speak for it.".to_owned()
        }
        (Some(evidence), Some(class)) => evidence.words(class),
        _ if units.get().is_some_and(|units| units != Units::All) => {
            "There is none while dropout is shown at work: show all units again.".to_owned()
        }
        _ if pad.is_unanswered() => format!("No answer: the network’s numbers are {NOT_FINITE}."),
        _ => String::new(),
    });
    let choose = move |ev| {
        pad.why.set(event_target_value(&ev).parse().map_or(Why::Answer, Why::Digit));
    };
    let is_chosen = move |digit: usize| pad.why.get() == Why::Digit(digit);
    let options = (0..data::mnist::CLASSES)
        .map(|digit| view! { <option value=digit.to_string() prop:selected=move || is_chosen(digit)>{digit}</option> })
        .collect_view();
    view! {
        <label>
            "Evidence for "
            <select on:change=choose>
                <option value="answer" prop:selected=move || pad.why.get() == Why::Answer>"the answer"</option>
                {options}
            </select>
        </label>
        <div class="evidence">
            <canvas node_ref=canvas width=SIDE height=SIDE role="img" aria-label="The drawing, coloured by what covering a part changes"></canvas>
            <svg viewBox=format!("0 0 {SIDE} {SIDE}") aria-hidden="true"><path class="halo" d=frame></path><path class="mark" d=frame></path></svg>
        </div>
        <output aria-label="Evidence" aria-live="off">{words}</output>
        <p class="hint">
            "A square of 7×7 pixels is wiped out, place by place, and the network reads the rest. Orange: without what is there, the digit would be less likely. Blue: more likely. The strongest colour is the largest change on this picture."
        </p>
    }
}

/// What covering parts of an image does to the probability of a digit.
#[derive(Clone, Debug, PartialEq)]
struct Evidence {
    /// For each pixel the mean of what covering it does: the logarithm of how many times less likely the digit is then.
    pixels: Vec<f32>,
    /// Where covering changes the digit's probability most; none if it changes it nowhere so much that it reads differently.
    strongest: Option<(usize, usize)>,
    /// The probability when nothing is covered, and when that place is.
    probabilities: (f32, f32),
}

/// Evidence of less than a twentieth is drawn pale: it is next to nothing.
const LEAST: f32 = 0.05;

impl Evidence {
    /// The evidence for a class; none if a number is not finite.
    fn of(occlusion: &Occlusion, class: usize) -> Option<Self> {
        let whole = log_probability(&occlusion.whole, class)?;
        let covered: Option<Vec<f32>> =
            occlusion.covered.iter().map(|logits| log_probability(logits, class)).collect();
        let covered = covered?;
        let (mut sums, mut counts) = (vec![0.0; PIXELS], vec![0.0; PIXELS]);
        let mut strongest: Option<(f32, (usize, usize))> = None;
        for ((row, column), covered) in Occlusion::places().zip(covered) {
            for y in row..row + Occlusion::SIDE {
                for at in y * SIDE + column..y * SIDE + column + Occlusion::SIDE {
                    sums[at] += whole - covered;
                    counts[at] += 1.0;
                }
            }
            let change = |log: f32| (log.exp() - whole.exp()).abs();
            if change(covered) > strongest.map_or(0.0, |(log, _)| change(log)) {
                strongest = Some((covered, (row, column)));
            }
        }
        let pixels = sums.iter().zip(&counts).map(|(sum, count)| sum / f32::max(*count, 1.0)).collect();
        let probabilities = (whole.exp(), strongest.map_or(whole, |(log, _)| log).exp());
        let strongest = strongest.map(|(_, place)| place).filter(|_| {
            let (whole, covered) = probabilities;
            percent(whole, 1) != percent(covered, 1)
        });
        Some(Self { pixels, strongest, probabilities })
    }

    /// The colours of the evidence, darker where there is ink.
    fn picture(&self, image: &[u8; PIXELS]) -> Vec<u8> {
        let largest = self.pixels.iter().fold(LEAST, |largest, value| largest.max(value.abs()));
        let pixel = |(value, ink): (&f32, &u8)| {
            let [r, g, b] = colormap::weight(value / largest)
                .map(|level| (f32::from(level) * (1.0 - 0.45 * f32::from(*ink) / 255.0)) as u8);
            [r, g, b, 255]
        };
        self.pixels.iter().zip(image).flat_map(pixel).collect()
    }

    fn words(&self, class: usize) -> String {
        let (whole, covered) = self.probabilities;
        let verb = if covered < whole { "falls" } else { "rises" };
        let [whole, covered] = [whole, covered].map(|probability| percent(probability, 1));
        match self.strongest {
            Some((row, column)) => format!(
                "Without what is in the frame (rows {} to {}, columns {} to {}), {class} {verb} from {whole} to {covered}.",
                row + 1,
                row + Occlusion::SIDE,
                column + 1,
                column + Occlusion::SIDE
            ),
            None => format!("Whichever part is covered, {class} stays at {whole}."),
        }
    }
}

/// The logarithm of a class's softmax; none if a logit is not a finite number.
fn log_probability(logits: &[f32], class: usize) -> Option<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let log = logits.get(class)? - largest - sum.ln();
    log.is_finite().then_some(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of ten classes, of which the first has this one.
    fn logits(first: f32) -> Vec<f32> {
        (0..10).map(|class| if class == 0 { first } else { 0.0 }).collect()
    }

    #[test]
    fn evidence_lies_where_covering_makes_the_digit_less_likely() {
        let places: Vec<(usize, usize)> = Occlusion::places().collect();
        let covered = places.iter().map(|place| logits(if *place == (9, 12) { 1.0 } else { 4.0 })).collect();
        let evidence = Evidence::of(&Occlusion { whole: logits(4.0), covered }, 0).unwrap();
        assert_eq!(evidence.strongest, Some((9, 12)));
        let [whole, least] = [4.0, 1.0f32].map(|logit| logit.exp() / (logit.exp() + 9.0));
        assert!(
            (evidence.probabilities.0 - whole).abs() < 1e-5
                && (evidence.probabilities.1 - least).abs() < 1e-5
        );
        let at = |row: usize, column: usize| evidence.pixels[row * SIDE + column];
        assert!(at(12, 15) > 0.1 && at(0, 0) == 0.0 && at(8, 15) == 0.0 && at(9, 19) == 0.0);
        assert_eq!(
            evidence.words(0),
            "Without what is in the frame (rows 10 to 16, columns 13 to 19), 0 falls from 85.8 % to 23.2 %."
        );
        // For the others it is evidence against them.
        let other =
            Evidence::of(&Occlusion { whole: logits(4.0), covered: vec![logits(1.0); 64] }, 3).unwrap();
        assert!(other.pixels.iter().all(|value| *value < 0.0), "each pixel is covered by some place");
        assert_eq!(
            other.words(3),
            "Without what is in the frame (rows 1 to 7, columns 1 to 7), 3 rises from 1.6 % to 8.5 %."
        );
        let same =
            Evidence::of(&Occlusion { whole: logits(4.0), covered: vec![logits(4.0); 64] }, 3).unwrap();
        assert_eq!(
            (same.strongest, same.words(3)),
            (None, "Whichever part is covered, 3 stays at 1.6 %.".to_owned())
        );
    }

    #[test]
    fn the_frame_is_where_the_probability_changes_most_not_its_logarithm() {
        // A place that makes an unlikely digit all but impossible, and one that makes it likely.
        let logit = |at| match at {
            5 => logits(-16.0),
            40 => logits(1.0),
            _ => logits(-5.0),
        };
        let evidence =
            Evidence::of(&Occlusion { whole: logits(-5.0), covered: (0..64).map(logit).collect() }, 0);
        let evidence = evidence.unwrap();
        assert_eq!(evidence.strongest, Occlusion::places().nth(40));
        assert!(evidence.words(0).ends_with("0 rises from 0.1 % to 23.2 %."), "{}", evidence.words(0));
    }

    #[test]
    fn a_diverged_network_has_no_evidence() {
        let occlusion = Occlusion { whole: logits(f32::NAN), covered: vec![logits(1.0); 64] };
        assert_eq!(Evidence::of(&occlusion, 0), None);
        assert_eq!(Evidence::of(&Occlusion::default(), 0), None);
    }
}
