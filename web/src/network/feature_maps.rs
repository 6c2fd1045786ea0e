//! Maps as pictures.

use leptos::html;
use leptos::prelude::*;

use crate::network::grid::Grid;
use crate::ui::canvas::put_pixels;
use crate::ui::colormap;

/// A canvas of maps. While there are no `values`, the maps are pale and dashed.
#[component]
pub(crate) fn Maps(
    grid: Grid,
    /// A description for screen readers.
    #[prop(into)]
    label: String,
    /// Whether values diverge around zero (weights) or rise from it (activations).
    diverging: bool,
    /// NaN is grey.
    values: Signal<Option<Vec<f32>>>,
    /// The size of a value that gets the last colour; by default the largest one here.
    #[prop(optional)]
    largest: Option<Signal<f32>>,
    /// CSS pixels for each value. By default the stylesheet sets the width.
    #[prop(default = None, into)]
    scale: Option<usize>,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let (width, height) = grid.size();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let rgba = values.with(|values| {
            canvas.set_class_name(if values.is_none() { "maps empty" } else { "maps" });
            let Some(values) = values else {
                return grid.paint(&vec![0.0; grid.len()], |_, _| [128, 128, 128, 40]);
            };
            let largest =
                largest.map_or_else(|| largest_of(values), |largest| largest.get().max(f32::MIN_POSITIVE));
            grid.paint(values, |_, v| {
                let color = if diverging { colormap::weight } else { colormap::activation };
                let [r, g, b] = color(v / largest);
                if v.is_nan() { [128, 128, 128, 60] } else { [r, g, b, 255] }
            })
        });
        put_pixels(&canvas, &rgba, width);
    });
    let style = match scale {
        Some(scale) => format!("--pixels:{width};width:{}px", width * scale),
        None => format!("--pixels:{width}"),
    };
    view! {
        <canvas node_ref=canvas class="maps" role="img" aria-label=label width=width.to_string()
            height=height.to_string() prop:style=style></canvas>
    }
}

/// The size of the largest value that is a number.
pub(crate) fn largest_of(values: &[f32]) -> f32 {
    values.iter().filter(|v| v.is_finite()).fold(1e-9f32, |largest, v| largest.max(v.abs()))
}

/// Maps with frames, as an SVG path in pixels of the grid.
#[component]
pub(crate) fn FramedMaps(
    grid: Grid,
    /// CSS pixels for each value. By default the stylesheet sets the width.
    #[prop(default = None, into)]
    scale: Option<usize>,
    /// A description for screen readers.
    #[prop(into)]
    label: String,
    diverging: bool,
    values: Signal<Option<Vec<f32>>>,
    #[prop(optional)] largest: Option<Signal<f32>>,
    #[prop(into)] path: Signal<String>,
) -> impl IntoView {
    let (width, height) = grid.size();
    view! {
        <div class="framed">
            <Maps grid scale label diverging values largest=largest.unwrap_or_else(|| Signal::derive(move || values.with(|v| largest_of(v.as_deref().unwrap_or_default())))) />
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                <path class="halo" d=path></path>
                <path class="mark" d=path></path>
            </svg>
        </div>
    }
}
