//! Histograms as pictures.

use std::fmt::Write;

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;

use crate::ui::format::format_number;

/// A histogram with its title and its range.
#[component]
pub(crate) fn HistogramView(title: &'static str, values: Signal<Histogram>) -> impl IntoView {
    let values = Memo::new(move |_| values.get());
    let reach = reach_of(values);
    view! {
        <figure class="histogram">
            <figcaption><b>{title}</b></figcaption>
            <Bars title values />
            <p class="ends" aria-hidden="true">
                <Show when=move || reach.get().is_some() fallback=|| "none yet">
                    <span>{move || reach.get().map(|r| format_number(-r))}</span><span>"0"</span><span>{move || reach.get().map(format_number)}</span>
                </Show>
            </p>
        </figure>
    }
}

/// The bars of a histogram, around zero.
#[component]
pub(crate) fn Bars(#[prop(into)] title: String, values: Memo<Histogram>) -> impl IntoView {
    let path = Memo::new(move |_| values.with(bars));
    let reach = reach_of(values);
    let label = move || match reach.get() {
        Some(reach) => format!("{title}, from {} to {}", format_number(-reach), format_number(reach)),
        None => format!("{title}: none yet"),
    };
    view! {
        <svg class="bins" viewBox=format!("0 0 {} 40", Histogram::BINS) preserveAspectRatio="none" role="img" aria-label=label>
            <path d=path></path>
        </svg>
    }
}

/// The largest value of the range; none if the histogram is empty.
fn reach_of(values: Memo<Histogram>) -> Memo<Option<f32>> {
    Memo::new(move |_| values.with(|h| (!h.counts.is_empty()).then_some(h.reach)))
}

/// The bars as an SVG path in a picture of height 40. Heights are square roots of the counts, so that a few large weights stay
/// visible beside many small ones.
fn bars(histogram: &Histogram) -> String {
    let max = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let mut path = String::new();
    for (bin, count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = 40.0 * (*count as f32 / max).sqrt();
        let _ = write!(path, "M{bin}.1 40v-{height:.1}h.8v{height:.1}z");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_with_values_has_a_bar() {
        let path = bars(&Histogram { reach: 1.0, counts: vec![0, 4, 1] });
        assert_eq!(path, "M1.1 40v-40.0h.8v40.0zM2.1 40v-20.0h.8v20.0z");
        assert_eq!(bars(&Histogram::default()), "");
    }
}
