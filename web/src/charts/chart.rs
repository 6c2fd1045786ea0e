//! A chart: its title and buttons, the canvas, and the overlay that reads and zooms it.

use leptos::html;
use leptos::prelude::*;
use trainer::messages::{RunState, Split};
use wasm_bindgen::prelude::*;
use web_sys::ResizeObserver;

use crate::charts::draw::draw;
use crate::charts::export::{legend, save_csv, save_png};
use crate::charts::overlay::ChartOverlay;
use crate::charts::plot::Plot;
use crate::charts::surface::Surface;
use crate::charts::view_state::ChartsView;
use crate::client::Client;
use crate::runs::record::{Measure, Record};
use crate::runs::run::letter;
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::in_sight::in_sight;
use crate::ui::redraw::Redraw;

/// While it is not on the screen, a chart of a training is drawn for one change of so many.
const DRAWN_UNSEEN: usize = 8;

/// The curves of a measure.
#[component]
pub(super) fn Chart(measure: Measure, plot: Memo<Plot>) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let charts = expect_context::<ChartsView>();
    let (client, redraw) = (expect_context::<Client>(), expect_context::<Redraw>());
    let canvas = NodeRef::<html::Canvas>::new();
    let (size, is_seen) = (watch_size(canvas), in_sight(canvas));
    let surface = RwSignal::new_local(None);
    Effect::new(move |_| {
        redraw.track();
        size.track();
        surface.set(canvas.get().and_then(|canvas| Surface::of(&canvas).ok()));
    });
    Effect::new(move |skipped: Option<usize>| {
        let cursor = charts.zoom.with(|zoom| zoom.cursor);
        plot.track();
        let is_current = is_seen.get() || client.run.get() == RunState::Paused;
        let skipped = skipped.map_or(0, |skipped| skipped + 1);
        if !is_current && !skipped.is_multiple_of(DRAWN_UNSEEN) {
            return skipped;
        }
        if let Some(canvas) = canvas.get() {
            surface.with(|surface| {
                let surface = surface.as_ref()?;
                plot.with_untracked(|plot| draw(&canvas, surface, plot, cursor)).ok()
            });
        }
        skipped
    });
    let title = measure.title();
    let label = move || {
        let over = charts.x_axis.get().over();
        let steepest =
            plot.with(Plot::steepest_in_words).map_or_else(String::new, |words| format!(". {words}"));
        format!("{title} over {over}: {}{steepest}", last_values(runs, charts, measure))
    };
    view! {
        <figure class="chart">
            <figcaption>
                <h2>{title}</h2>
                {match measure {
                    Measure::Loss => view! { <ScaleSwitch name="Log scale" is_on=charts.log /> },
                    Measure::Accuracy => view! { <ScaleSwitch name="Error scale" is_on=charts.errors /> },
                }}
                <SaveButtons measure plot canvas />
            </figcaption>
            <div class="plot">
                <canvas node_ref=canvas role="img" aria-label=label></canvas>
                <ChartOverlay measure plot />
            </div>
        </figure>
    }
}

/// The switch between a linear and a logarithmic axis, of losses or of errors.
#[component]
fn ScaleSwitch(name: &'static str, is_on: RwSignal<bool>) -> impl IntoView {
    view! {
        <label class="switch log">
            <span>{name}</span>
            <input type="checkbox" role="switch" prop:checked=move || is_on.get()
                on:change=move |ev| is_on.set(event_target_checked(&ev)) />
        </label>
    }
}

/// The buttons that save the chart as a file.
#[component]
fn SaveButtons(measure: Measure, plot: Memo<Plot>, canvas: NodeRef<html::Canvas>) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let charts = expect_context::<ChartsView>();
    let settings = expect_context::<Settings>();
    let title = measure.title();
    let csv = move |_| save_csv(runs, charts, &untrack(|| settings.trained()), measure);
    let png = move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            let legend = legend(runs, charts, &untrack(|| settings.trained()));
            plot.with_untracked(|plot| save_png(&canvas, plot, &legend));
        }
    };
    view! {
        <span class="saves">
            <button class="small" on:click=csv aria-label=format!("CSV of {title}")
                title="Saves the curves as a table">"CSV"</button>
            <button class="small" on:click=png aria-label=format!("PNG of {title}")
                title="Saves the chart as a picture">"PNG"</button>
        </span>
    }
}

/// A signal that notifies whenever the size of the canvas changes, whatever the cause.
fn watch_size(canvas: NodeRef<html::Canvas>) -> Trigger {
    let size = Trigger::new();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let changed = Closure::<dyn FnMut()>::new(move || size.notify());
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&canvas);
            changed.forget();
        }
    });
    size
}

/// The last values of the present run, and the last test values of the others, in words.
fn last_values(runs: RunStore, charts: ChartsView, measure: Measure) -> String {
    let x_axis = charts.x_axis.get();
    let last = |record: &Record, split| {
        record
            .curve(measure, split)
            .last()
            .map(|(_, value)| format!("{} {}", split.name(), measure.value(value)))
    };
    let mut words: Vec<String> =
        runs.record.with(|record| Split::ALL.into_iter().filter_map(|split| last(record, split)).collect());
    if words.is_empty() {
        words.push("no points yet".to_owned());
    }
    runs.others.with(|others| {
        let tested = others
            .shown()
            .filter(|run| x_axis.draws(&run.setup))
            .filter_map(|run| Some(format!("run {} {}", letter(run.slot), last(&run.record, Split::Test)?)));
        words.extend(tested);
    });
    words.join(", ")
}
