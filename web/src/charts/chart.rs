//! Live curves over epochs, with what is read off them, and the files they can be saved as.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{
    CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement, PointerEvent, ResizeObserver,
};

use crate::charts::axis::Window;
use crate::charts::csv;
use crate::charts::plot::{Frame, Plot};
use crate::charts::toolbar::{ChartView, Swatch};
use crate::client::State;
use crate::runs::curve;
use crate::runs::table::differences_in_words;
use crate::runs::{Measure, Part, letter};
use crate::ui::download;
use crate::ui::redraw::Redraw;

/// A drag that is shorter is a click.
const SHORTEST_DRAG: f64 = 6.0;
/// Saved pictures have so many pixels for each of the page: they are sharp on slides.
const SAVED_SCALE: f64 = 2.0;
/// Height of the title and of each line of the legend in a saved picture.
const TITLE: f64 = 30.0;
const LEGEND_LINE: f64 = 20.0;

/// Curves of one measure, with title and the latest values in words.
#[component]
pub(crate) fn Chart(measure: Measure) -> impl IntoView {
    let state = expect_context::<State>();
    let view = expect_context::<ChartView>();
    let redraw = expect_context::<Redraw>();
    let canvas = NodeRef::<html::Canvas>::new();
    let plot = Memo::new(move |_| view.plot(measure));
    let size = RwSignal::new(0u32);
    watch_size(canvas, size);
    Effect::new(move |_| {
        redraw.track();
        size.track();
        let read = view.look.with(|look| look.cursor);
        if let Some(canvas) = canvas.get() {
            let _ = plot.with(|plot| draw(&canvas, plot, read));
        }
    });
    let title = measure.title();
    let words = move || latest(state, measure);
    let save_csv = move |_| {
        let name = format!("{}.csv", title.to_lowercase());
        let _ = download::text(&name, "text/csv;charset=utf-8", &table(state, view, measure));
    };
    let save_png = move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            let drawn = plot.with_untracked(|plot| picture(&canvas, plot, &legend(state, view)));
            let _ =
                drawn.and_then(|picture| download::png(format!("{}.png", title.to_lowercase()), &picture));
        }
    };
    view! {
        <figure class="chart">
            <figcaption>
                <h2>{title}</h2>
                {(measure == Measure::Loss).then(|| view! {
                    <label class="switch log">
                        <span>"Log scale"</span>
                        <input type="checkbox" role="switch" prop:checked=move || view.log.get()
                            on:change=move |ev| {
                                let log = event_target_checked(&ev);
                                state.scene.update(|scene| scene.log = log);
                            } />
                    </label>
                })}
                <span class="saves">
                    <button class="small" on:click=save_csv aria-label=format!("CSV of {title}")
                        title="Saves the curves as a table">"CSV"</button>
                    <button class="small" on:click=save_png aria-label=format!("PNG of {title}")
                        title="Saves the chart as a picture">"PNG"</button>
                </span>
            </figcaption>
            <div class="plot">
                <canvas node_ref=canvas role="img" aria-label=move || format!("{title} over epochs: {}", words())></canvas>
                <Glass measure plot />
            </div>
        </figure>
    }
}

/// Counts changes of the canvas's size, whatever they come from.
fn watch_size(canvas: NodeRef<html::Canvas>, size: RwSignal<u32>) {
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let changed = Closure::<dyn FnMut()>::new(move || size.update(|n| *n += 1));
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&canvas);
            changed.forget();
        }
    });
}

/// A line of the read-out: a run, and its values in training and test.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    slot: Option<usize>,
    values: [Option<String>; 2],
}

/// What the curves are at an epoch.
fn readings(plot: &Plot, epoch: f64) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for line in plot.lines.iter().rev() {
        let value =
            curve::nearest(&line.points, epoch, plot.reach()).map(|point| plot.measure.value(point.1));
        match readings.iter_mut().find(|reading| reading.slot == line.slot) {
            Some(reading) => reading.values[line.part as usize] = value,
            None => {
                let mut values = [None, None];
                values[line.part as usize] = value;
                readings.push(Reading { slot: line.slot, values });
            }
        }
    }
    readings.retain(|reading| reading.values.iter().any(Option::is_some));
    readings.sort_by_key(|reading| reading.slot);
    readings
}

/// The same for those who hear it.
fn spoken(readings: &[Reading], epoch: f64) -> String {
    let mut text = format!("epoch {epoch:.2}");
    for Reading { slot, values } in readings {
        let run = slot.map_or("present run".to_owned(), |slot| format!("run {}", letter(slot)));
        let parts = Part::ALL.iter().zip(values);
        let values: Vec<_> =
            parts.filter_map(|(part, value)| Some(format!("{} {}", part.name(), value.as_ref()?))).collect();
        text += &format!("; {run}: {}", values.join(", "));
    }
    text
}

/// What lies over a chart: pointer and keys read the curves there, and choose the part that is seen.
#[component]
fn Glass(measure: Measure, plot: Memo<Plot>) -> impl IntoView {
    let view = expect_context::<ChartView>();
    let glass = NodeRef::<html::Div>::new();
    // Where a drag began and where it is, in CSS pixels.
    let drag = RwSignal::new(None::<(f64, f64)>);
    let frame = move || glass.get_untracked().map(|glass| frame_of(&glass));
    let x_of = move |ev: &PointerEvent| {
        let glass = glass.get_untracked()?;
        let rect = glass.get_bounding_client_rect();
        // Large type scales the page: the rectangle is in other pixels then.
        Some((f64::from(ev.client_x()) - rect.left()) / rect.width() * f64::from(glass.client_width()))
    };
    let epoch_at = move |x: f64| frame().map(|frame| frame.epoch_at(x, untrack(|| view.window())));
    let begin = move |ev: PointerEvent| {
        // A finger reads; it zooms by the buttons.
        if ev.pointer_type() != "touch" && ev.button() == 0 {
            drag.set(x_of(&ev).map(|x| (x, x)));
            if let Some(glass) = glass.get_untracked() {
                let _ = glass.set_pointer_capture(ev.pointer_id());
            }
        }
    };
    let point = move |ev: PointerEvent| {
        let Some(x) = x_of(&ev) else { return };
        let epoch = epoch_at(x);
        view.look.update(|look| look.cursor = epoch);
        if drag.with_untracked(Option::is_some) {
            drag.update(|drag| *drag = drag.map(|(from, _)| (from, x)));
        }
    };
    let end = move |_| {
        let Some((from, to)) = drag.get_untracked() else { return };
        drag.set(None);
        if let (true, Some(a), Some(b)) = ((to - from).abs() >= SHORTEST_DRAG, epoch_at(from), epoch_at(to)) {
            let all = view.end.get_untracked();
            view.look.update(|look| look.window = Window::between(a, b, all));
        }
    };
    let leave = move || view.look.update(|look| look.cursor = None);
    let key = move |ev: KeyboardEvent| {
        let free = !(ev.ctrl_key() || ev.meta_key() || ev.alt_key());
        if free && view.press(&ev.key(), ev.shift_key()) {
            ev.prevent_default();
        }
    };
    let focus = move |_| {
        let end = untrack(|| view.window()).to.min(view.last.get_untracked());
        view.look.update(|look| look.cursor = look.cursor.or(Some(end)));
    };
    let read = Memo::new(move |_| {
        let epoch = view.look.with(|look| look.cursor)?;
        Some((epoch, plot.with(|plot| readings(plot, epoch))))
    });
    let text =
        move || read.get().map_or("nothing is read".to_owned(), |(epoch, readings)| spoken(&readings, epoch));
    let at = move || read.get().map_or(view.window().to, |(epoch, _)| epoch);
    let selection = move || {
        let (from, to) = drag.get()?;
        Some(format!("left:{}px;width:{}px", from.min(to), (to - from).abs()))
    };
    // Beside the line, where there is more room, and always within the chart.
    let side = move || {
        let (Some((epoch, _)), Some(frame)) = (read.get(), frame()) else { return String::new() };
        let x = frame.x_of(epoch, view.window());
        if x < frame.width / 2.0 {
            format!("left:min({}px, 100% - var(--reading))", x + 12.0)
        } else {
            format!("right:min({}px, 100% - var(--reading))", frame.width - x + 12.0)
        }
    };
    // Where there are no curves, there is nothing to tell.
    let tells =
        Memo::new(move |_| read.with(|read| read.as_ref().is_some_and(|(_, readings)| !readings.is_empty())));
    let name = format!("Read-out of {}", measure.title());
    view! {
        <div node_ref=glass class="glass" tabindex="0" role="slider" aria-label=name
            aria-valuemin=move || format!("{:.2}", view.window().from) aria-valuemax=move || format!("{:.2}", view.window().to)
            aria-valuenow=move || format!("{:.2}", at()) aria-valuetext=text
            title="Drag to zoom, double-click for all epochs. Keys: arrows, + − 0, Shift and arrows"
            on:pointerdown=begin on:pointermove=point on:pointerup=end on:pointercancel=move |_| drag.set(None)
            on:pointerleave=move |_| leave() on:blur=move |_| leave() on:focus=focus on:keydown=key
            on:dblclick=move |_| view.all_epochs()></div>
        {move || selection().map(|style| view! { <div class="selection" style=style></div> })}
        <Show when=move || tells.get()>
            <div class="reading" style=side aria-hidden="true"><ReadingTable read /></div>
        </Show>
    }
}

/// What is read, as a little table.
#[component]
fn ReadingTable(read: Memo<Option<(f64, Vec<Reading>)>>) -> impl IntoView {
    let row = |Reading { slot, values }: Reading| {
        let [training, test] = values.map(|value| value.unwrap_or_else(|| "—".into()));
        view! {
            <tr>
                <th><Swatch run=slot part=Part::Test />{slot.map_or("Present".to_owned(), |slot| letter(slot).to_string())}</th>
                <td>{training}</td><td>{test}</td>
            </tr>
        }
    };
    view! {
        <table>
            <thead><tr><th>{move || read.get().map(|(epoch, _)| format!("epoch {epoch:.2}"))}</th><td>"training"</td><td>"test"</td></tr></thead>
            <tbody>{move || read.get().map(|(_, readings)| readings.into_iter().map(row).collect_view())}</tbody>
        </table>
    }
}

/// The present run's latest values, and those of the others, in words.
fn latest(state: State, measure: Measure) -> String {
    let last = |part| {
        move |record: &crate::runs::Record| {
            record.curve(measure, part).last().map(|point| measure.value(point.1))
        }
    };
    let mut words: Vec<String> = state.record.with(|record| {
        let parts = Part::ALL.into_iter();
        parts.filter_map(|part| Some(format!("{} {}", part.name(), last(part)(record)?))).collect()
    });
    if words.is_empty() {
        words.push("no points yet".to_owned());
    }
    state.runs.with(|runs| {
        let shown = runs.iter().filter(|run| run.shown);
        words.extend(shown.filter_map(|run| {
            Some(format!("run {} test {}", letter(run.slot), last(Part::Test)(&run.record)?))
        }));
    });
    words.join(", ")
}

/// The runs that are drawn: their slots, names, and what is special about their settings.
fn legend(state: State, view: ChartView) -> Vec<(Option<usize>, String)> {
    let present = view.present.get_untracked().then(|| (None, "present run".to_owned()));
    let others = state.runs.with_untracked(|runs| {
        let shown = runs.iter().filter(|run| run.shown);
        let words = |run: &crate::runs::Run| {
            let differs = differences_in_words(&run.setup, &untrack(|| state.trained()));
            let differs = if differs.is_empty() { "same settings".to_owned() } else { differs };
            (Some(run.slot), format!("{}: {differs}", letter(run.slot)))
        };
        shown.map(words).collect::<Vec<_>>()
    });
    present.into_iter().chain(others).collect()
}

/// The curves that are drawn as CSV.
fn table(state: State, view: ChartView, measure: Measure) -> String {
    let now = untrack(|| state.trained());
    let parts = untrack(|| view.parts());
    state.record.with_untracked(|record| {
        state.runs.with_untracked(|runs| {
            let present = view.present.get_untracked().then(|| csv::Row {
                name: "present".into(),
                settings: String::new(),
                record,
            });
            let others = runs.iter().filter(|run| run.shown).map(|run| csv::Row {
                name: letter(run.slot).to_string(),
                settings: differences_in_words(&run.setup, &now),
                record: &run.record,
            });
            csv::write(measure, &parts, &present.into_iter().chain(others).collect::<Vec<_>>())
        })
    })
}

/// Size of an element in CSS pixels of its own.
fn frame_of(element: &web_sys::Element) -> Frame {
    Frame { width: element.client_width().into(), height: element.client_height().into() }
}

/// What a canvas is drawn with.
fn tools(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    Ok(canvas.get_context("2d")?.ok_or("no canvas")?.unchecked_into())
}

fn style_of(canvas: &HtmlCanvasElement) -> Result<CssStyleDeclaration, JsValue> {
    Ok(window().get_computed_style(canvas)?.ok_or("no style")?)
}

/// Draws on the page, with one pixel of the canvas for each of the screen.
fn draw(canvas: &HtmlCanvasElement, plot: &Plot, read: Option<f64>) -> Result<(), JsValue> {
    let frame = frame_of(canvas);
    // Larger than the element's own size where the page is scaled, by large type or by the browser.
    let rect = canvas.get_bounding_client_rect();
    let ratio = window().device_pixel_ratio();
    let (width, height) = ((rect.width() * ratio).round(), (rect.height() * ratio).round());
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    if width == 0.0 || height == 0.0 {
        return Ok(());
    }
    let context = tools(canvas)?;
    context.scale(width / frame.width, height / frame.height)?;
    plot.draw(&context, frame, &style_of(canvas)?, read)
}

/// The chart as a picture of its own, with title and legend.
fn picture(
    shown: &HtmlCanvasElement,
    plot: &Plot,
    legend: &[(Option<usize>, String)],
) -> Result<HtmlCanvasElement, JsValue> {
    let (frame, style) = (frame_of(shown), style_of(shown)?);
    let property = |name: &str| style.get_property_value(name).unwrap_or_default();
    let head = TITLE + LEGEND_LINE * legend.len() as f64;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    canvas.set_width((frame.width * SAVED_SCALE) as u32);
    canvas.set_height(((frame.height + head) * SAVED_SCALE) as u32);
    let context = tools(&canvas)?;
    context.scale(SAVED_SCALE, SAVED_SCALE)?;
    context.set_fill_style_str(&property("--panel"));
    context.fill_rect(0.0, 0.0, frame.width, frame.height + head);
    context.set_fill_style_str(&property("--text"));
    context.set_text_baseline("middle");
    context.set_font("600 15px system-ui, sans-serif");
    context.fill_text(plot.measure.title(), 14.0, TITLE / 2.0 + 2.0)?;
    context.set_font("12px system-ui, sans-serif");
    for (i, (slot, name)) in legend.iter().enumerate() {
        let (mut x, y) = (14.0, TITLE + LEGEND_LINE * (i as f64 + 0.5));
        for line in plot.lines.iter().filter(|line| line.slot == *slot) {
            context.set_stroke_style_str(&property(&line.color()));
            context.set_line_width(line.width());
            let dashes: js_sys::Array = line.dashes().iter().map(|dash| JsValue::from_f64(*dash)).collect();
            context.set_line_dash(&dashes)?;
            context.begin_path();
            context.move_to(x, y);
            context.line_to(x + 26.0, y);
            context.stroke();
            context.fill_text(line.part.name(), x + 32.0, y)?;
            x += 92.0;
        }
        context.fill_text(name, x, y)?;
    }
    context.set_line_dash(&js_sys::Array::new())?;
    context.translate(0.0, head)?;
    plot.draw(&context, frame, &style, None)?;
    Ok(canvas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::plot::Line;

    #[test]
    fn all_curves_are_read_at_an_epoch_run_by_run() {
        let line = |slot, part, points: &[(f64, f64)]| Line::new(slot, part, String::new(), points, 1.0);
        let lines = vec![
            line(Some(1), Part::Training, &[(0.5, 0.5), (1.0, 0.25)]),
            line(Some(1), Part::Test, &[(1.0, 0.125)]),
            line(None, Part::Training, &[(0.9, 2.0), (2.0, 1.0)]),
            line(None, Part::Test, &[]),
        ];
        let plot = Plot { measure: Measure::Loss, lines, window: Window::all(2.0), close: false, log: false };
        let read = readings(&plot, 1.0);
        assert_eq!(
            spoken(&read, 1.0),
            "epoch 1.00; present run: training 2.0000; run B: training 0.2500, test 0.1250"
        );
        assert_eq!(spoken(&readings(&plot, 2.0), 2.0), "epoch 2.00; present run: training 1.0000");
        assert!(readings(&plot, 0.1).is_empty());
    }
}
