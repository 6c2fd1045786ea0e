//! The bar above the charts: which curves are drawn, how smooth, and which part of them is visible.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::charts::link::MAX_SMOOTHING;
use crate::charts::view_state::ChartsView;
use crate::runs::swatch::Swatch;

/// The bar.
#[component]
pub(super) fn Toolbar() -> impl IntoView {
    let charts = expect_context::<ChartsView>();
    let zoom = |key: &'static str| {
        move |_| {
            charts.press(key, false);
        }
    };
    let all_visible = move || charts.zoom.with(|zoom| zoom.range.is_none());
    view! {
        <div class="chart-tools">
            <div class="toggles" role="group" aria-label="Curves shown">
                {Split::ALL.map(|split| view! { <CurveToggle split /> }).collect_view()}
            </div>
            <Smoothing />
            <div class="zoom" role="group" aria-label="Zoom">
                <span aria-hidden="true">"Zoom"</span>
                <button class="small" aria-label="Zoom out" disabled=all_visible on:click=zoom("-")>"−"</button>
                <button class="small" aria-label="Zoom in" on:click=zoom("+")>"+"</button>
                <button class="small" disabled=all_visible on:click=move |_| charts.show_all()>{move || charts.x_axis.get().all()}</button>
            </div>
        </div>
    }
}

/// The button that shows or hides the curves of a set.
#[component]
fn CurveToggle(split: Split) -> impl IntoView {
    let curves = expect_context::<ChartsView>().curves;
    let shown = move || curves.get()[split as usize];
    let toggle = move |_| curves.update(|curves| curves[split as usize] ^= true);
    view! {
        <button class="small" aria-pressed=move || shown().to_string() on:click=toggle
            title="Shows or hides these curves">
            <Swatch run=None split />{split.name()}
        </button>
    }
}

/// The slider that smooths training curves.
#[component]
fn Smoothing() -> impl IntoView {
    let smoothing = expect_context::<ChartsView>().smoothing;
    let words = move || match smoothing.get() {
        1 => "off".to_owned(),
        points => format!("{points} points"),
    };
    let filled = move || {
        format!("--filled:{:.1}%", f64::from(100 * (smoothing.get() - 1)) / f64::from(MAX_SMOOTHING - 1))
    };
    let smooth = move |ev| {
        if let Ok(points) = event_target_value(&ev).parse() {
            smoothing.set(points);
        }
    };
    view! {
        <label class="smoothing" title="How many points of the training curves are averaged">
            <span>"Smoothing"</span>
            <input type="range" min="1" max=MAX_SMOOTHING.to_string() step="1" prop:style=filled aria-valuetext=words
                prop:value=move || smoothing.get() on:input=smooth />
            <span class="value" aria-hidden="true">{words}</span>
        </label>
    }
}
