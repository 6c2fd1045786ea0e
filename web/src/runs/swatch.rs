//! The line of a run: its colour, width and dash pattern in charts, tables and legends.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::runs::run::SLOTS;

/// Dash patterns of the slots, in pixels.
const DASHES: [&[f64]; SLOTS] = [
    &[8.0, 3.0],
    &[2.0, 2.5],
    &[10.0, 3.0, 2.0, 3.0],
    &[4.0, 4.0],
    &[14.0, 4.0],
    &[7.0, 2.5, 2.0, 2.5, 2.0, 2.5],
];

/// Lengths of the dashes and gaps of a run's curves; empty for the solid ones of the present run.
pub(crate) fn dashes(slot: Option<usize>) -> &'static [f64] {
    slot.map_or(&[], |slot| DASHES[slot])
}

/// The custom CSS property with the colour of a curve.
pub(crate) fn color(slot: Option<usize>, split: Split) -> String {
    match (slot, split) {
        (Some(slot), _) => format!("--run-{slot}"),
        (None, Split::Train) => "--train".to_owned(),
        (None, Split::Test) => "--test".to_owned(),
    }
}

/// The width of a curve, in pixels.
pub(crate) const fn width(slot: Option<usize>, split: Split) -> f64 {
    match (slot, split) {
        (Some(_), Split::Train) => 1.25,
        (Some(_), Split::Test) => 2.25,
        (None, _) => 2.0,
    }
}

/// A piece of a run's curve, for tables and legends.
#[component]
pub(crate) fn Swatch(
    /// The slot of the run; none for the present run.
    run: Option<usize>,
    split: Split,
) -> impl IntoView {
    let dashes: Vec<_> = dashes(run).iter().map(f64::to_string).collect();
    let style = format!("stroke:var({})", color(run, split));
    view! {
        <svg class="swatch" viewBox="0 0 26 8" aria-hidden="true">
            <line x1="0" y1="4" x2="26" y2="4" prop:style=style stroke-dasharray=dashes.join(" ")
                stroke-width=width(run, split).to_string()></line>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_different_dashes() {
        for (i, dash) in DASHES.iter().enumerate() {
            assert!(DASHES[..i].iter().all(|other| other != dash));
        }
    }
}
