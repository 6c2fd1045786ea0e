//! Charts saved as files: the curves as CSV, and the chart as a picture.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

use crate::charts::csv::{self, CsvRun};
use crate::charts::draw::{Painter, context_of, set_line_style};
use crate::charts::plot::Plot;
use crate::charts::surface::Surface;
use crate::charts::view_state::ChartsView;
use crate::runs::record::Measure;
use crate::runs::run::{Run, letter};
use crate::runs::store::RunStore;
use crate::runs::table::differences_in_words;
use crate::settings::Setup;
use crate::ui::download;

/// Pixels of a saved picture for each pixel of the page: pictures are sharp on slides.
const SCALE: f64 = 2.0;
/// The height of the title of a picture.
const TITLE_HEIGHT: f64 = 30.0;
/// The height of a line of its legend.
const LEGEND_HEIGHT: f64 = 20.0;

/// Downloads the curves of a chart as CSV. `now` are the present settings.
pub(super) fn save_csv(runs: RunStore, charts: ChartsView, now: &Setup, measure: Measure) {
    let name = format!("{}.csv", measure.title().to_lowercase());
    let _ = download::text(&name, "text/csv;charset=utf-8", &table(runs, charts, now, measure));
}

/// Downloads a chart as PNG. `canvas` is the one on the page.
pub(super) fn save_png(canvas: &HtmlCanvasElement, plot: &Plot, legend: &[(Option<usize>, String)]) {
    let name = format!("{}.png", plot.measure.title().to_lowercase());
    let _ = picture(canvas, plot, legend).and_then(|picture| download::png(name, &picture));
}

/// The runs that are drawn: their slots, names, and where their settings differ from the present ones.
pub(super) fn legend(runs: RunStore, charts: ChartsView, now: &Setup) -> Vec<(Option<usize>, String)> {
    let x_axis = charts.x_axis.get_untracked();
    let present = runs.shown.get_untracked().then(|| (None, "present run".to_owned()));
    let others = runs.others.with_untracked(|others| {
        let words = |run: &Run| {
            let differs = differences_in_words(&run.setup, now);
            let differs = if differs.is_empty() { "same settings".to_owned() } else { differs };
            (Some(run.slot), format!("{}: {differs}", letter(run.slot)))
        };
        others.shown().filter(|run| x_axis.draws(&run.setup)).map(words).collect::<Vec<_>>()
    });
    present.into_iter().chain(others).collect()
}

/// The curves that are drawn as CSV.
fn table(runs: RunStore, charts: ChartsView, now: &Setup, measure: Measure) -> String {
    let (splits, x_axis) = (untrack(|| charts.splits()), charts.x_axis.get_untracked());
    runs.record.with_untracked(|record| {
        runs.others.with_untracked(|others| {
            let present = runs.shown.get_untracked().then(|| CsvRun {
                name: "present".into(),
                settings: String::new(),
                record,
            });
            let others = others.shown().filter(|run| x_axis.draws(&run.setup)).map(|run| CsvRun {
                name: letter(run.slot).to_string(),
                settings: differences_in_words(&run.setup, now),
                record: &run.record,
            });
            csv::write(x_axis, measure, &splits, &present.into_iter().chain(others).collect::<Vec<_>>())
        })
    })
}

/// The chart on a canvas of its own, with title and legend.
fn picture(
    shown: &HtmlCanvasElement,
    plot: &Plot,
    legend: &[(Option<usize>, String)],
) -> Result<HtmlCanvasElement, JsValue> {
    let surface = Surface::of(shown)?;
    let frame = surface.frame;
    let head = TITLE_HEIGHT + LEGEND_HEIGHT * legend.len() as f64;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    canvas.set_width((frame.width * SCALE) as u32);
    canvas.set_height(((frame.height + head) * SCALE) as u32);
    let context = context_of(&canvas)?;
    context.scale(SCALE, SCALE)?;
    context.set_fill_style_str(&surface.color("--panel"));
    context.fill_rect(0.0, 0.0, frame.width, frame.height + head);
    context.set_fill_style_str(&surface.color("--text"));
    context.set_text_baseline("middle");
    context.set_font("600 15px system-ui, sans-serif");
    context.fill_text(plot.measure.title(), 14.0, TITLE_HEIGHT / 2.0 + 2.0)?;
    context.set_font("12px system-ui, sans-serif");
    for (i, (slot, name)) in legend.iter().enumerate() {
        let (mut x, y) = (14.0, TITLE_HEIGHT + LEGEND_HEIGHT * (i as f64 + 0.5));
        for line in plot.lines.iter().filter(|line| line.slot == *slot) {
            context.set_stroke_style_str(&surface.color(&line.color()));
            set_line_style(&context, line)?;
            context.begin_path();
            context.move_to(x, y);
            context.line_to(x + 26.0, y);
            context.stroke();
            context.fill_text(line.split.name(), x + 32.0, y)?;
            x += 92.0;
        }
        context.fill_text(name, x, y)?;
    }
    context.set_line_dash(&js_sys::Array::new())?;
    context.translate(0.0, head)?;
    Painter::new(plot, &context, &surface).draw(None)?;
    Ok(canvas)
}
