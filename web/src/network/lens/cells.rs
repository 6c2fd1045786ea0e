//! Numbers in coloured cells: the values under a window, and its weights.

use leptos::prelude::*;

use crate::ui::colormap;
use crate::ui::format::format_short;

/// The most rows whose numbers can be read.
pub(super) const MAX_ROWS: usize = 7;

/// A square of numbers in the colours of the maps, row by row.
#[component]
pub(super) fn NumberCells(
    /// Rows, and columns.
    rows: usize,
    label: &'static str,
    /// Whether values diverge around zero (weights) or rise from it (activations).
    diverging: bool,
    values: Memo<Option<Vec<f32>>>,
    /// The size of a value that gets the last colour.
    largest: Signal<f32>,
    /// The index of the cell that is framed.
    #[prop(optional, into)]
    framed: Signal<Option<usize>>,
) -> impl IntoView {
    let value = move |at: usize| values.with(|values| values.as_ref()?.get(at).copied());
    let style = move |at: usize| {
        let share = value(at).map(|value| value / largest.get().max(f32::MIN_POSITIVE));
        let color = if diverging { colormap::weight } else { colormap::activation };
        share.map(|share| {
            let [r, g, b] = color(share);
            let ink = if colormap::is_light([r, g, b]) { "#000" } else { "#fff" };
            format!("background:rgb({r} {g} {b});color:{ink}")
        })
    };
    let cell = move |at: usize| {
        view! {
            <span class:framed=move || framed.get() == Some(at) prop:style=move || style(at).unwrap_or_default()>
                {move || value(at).map(format_short)}
            </span>
        }
    };
    view! {
        <div class="taps" role="group" aria-label=label prop:style=format!("--rows:{rows}")>
            {(0..rows * rows).map(cell).collect_view()}
        </div>
    }
}
