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
    /// Whether each value is drawn in full colour; all are by default.
    #[prop(optional)]
    bright: Option<Signal<Vec<bool>>>,
    /// CSS pixels for each value. By default the stylesheet sets the width.
    #[prop(optional)]
    scale: Option<usize>,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let (width, height) = grid.size();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let bright = bright.map(|bright| bright.get());
        let lit = |at: usize| bright.as_ref().is_none_or(|bright| bright.get(at) == Some(&true));
        let rgba = values.with(|values| {
            canvas.set_class_name(if values.is_none() { "maps empty" } else { "maps" });
            let Some(values) = values else {
                return grid.paint(&vec![0.0; grid.len()], |_, _| [128, 128, 128, 40]);
            };
            let largest = values.iter().fold(1e-9f32, |m, v| m.max(v.abs()));
            grid.paint(values, |at, v| {
                let color = if diverging { colormap::weight } else { colormap::activation };
                let [r, g, b] = color(v / largest);
                match (v.is_nan(), lit(at)) {
                    (true, _) => [128, 128, 128, 60],
                    (false, true) => [r, g, b, 255],
                    (false, false) => [r, g, b, 90],
                }
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
