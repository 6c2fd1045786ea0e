//! Maps as pictures, and the layer above them by which their pixels can be pointed at.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use web_sys::PointerEvent;

use crate::client::Touch;
use crate::network::grid::Grid;
use crate::network::inspector::Look;
use crate::ui::canvas::put_pixels;
use crate::ui::colormap;

/// A canvas of maps. `values` gives nothing while there is nothing to show: then the maps are pale and dashed.
#[component]
pub(crate) fn Maps(
    grid: Grid,
    /// What is seen, for those who do not see it.
    #[prop(into)]
    label: String,
    /// Whether values diverge around zero (weights) or rise from it (activations).
    diverging: bool,
    /// What is no number is grey.
    values: Signal<Option<Vec<f32>>>,
    /// Only these values are bright, where it is said which.
    #[prop(optional)]
    bright: Option<Signal<Vec<bool>>>,
    /// CSS pixels for each value; without, the stylesheet says how wide it is.
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
            height=height.to_string() style=style></canvas>
    }
}

/// Makes every pixel of the maps inside something to point at, with pointer or arrow keys, and lights up what the pixel
/// depends on that is pointed at elsewhere. A click or Enter opens the stage.
#[component]
pub(crate) fn Touchable(
    /// Of the picture: 0 is the input.
    column: usize,
    grid: Grid,
    /// Whether dropout still lies ahead of these values: then it strikes none of them out.
    #[prop(optional)]
    inner: bool,
    children: Children,
) -> impl IntoView {
    let look = expect_context::<Look>();
    let state = look.state;
    let host = NodeRef::<html::Div>::new();
    let finger = StoredValue::new(false);
    let point = move |ev: PointerEvent| {
        finger.set_value(ev.pointer_type() == "touch");
        let Some(rect) = host.get_untracked().map(|host| host.get_bounding_client_rect()) else { return };
        let (width, height) = grid.size();
        let along = |at: i32, from: f64, size: f64, pixels: usize| {
            ((f64::from(at) - from) / size * pixels as f64).clamp(0.0, pixels as f64 - 1.0) as usize
        };
        let x = along(ev.client_x(), rect.left(), rect.width(), width);
        let y = along(ev.client_y(), rect.top(), rect.height(), height);
        let touch = grid.value_at(x, y).map(|at| Touch { column, at });
        if touch.is_some() && state.touch.get_untracked() != touch {
            state.touch.set(touch);
        }
    };
    let key = move |ev: KeyboardEvent| {
        let (dx, dy) = match ev.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            "Enter" => return look.open(column),
            _ => return,
        };
        ev.prevent_default();
        look.begin(column);
        if let Some(touch) = state.touch.get_untracked() {
            state.touch.set(Some(Touch { column, at: grid.beside(touch.at, dx, dy) }));
        }
    };
    let (width, height) = grid.size();
    let marks = Memo::new(move |_| look.marks(column, grid));
    let struck = Memo::new(move |_| if inner { String::new() } else { look.struck_out(column, grid) });
    let name = look.name(column);
    let opens = if column > 0 { ", Enter opens the layer" } else { "" };
    view! {
        <div node_ref=host class="touchable" tabindex="0" role="application" style=format!("--pixels:{width}")
            aria-label=format!("Pixels of {name}: arrow keys walk{opens}")
            // A finger that opened the layer could point at nothing without that.
            on:click=move |_| if !finger.get_value() { look.open(column) }
            on:pointerdown=point on:pointermove=point on:keydown=key on:focus=move |_| look.begin(column)>
            {children()}
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                <path class="struck" d=struck></path>
                <path class="halo" d=marks></path>
                <path class="mark" d=marks></path>
            </svg>
        </div>
    }
}
