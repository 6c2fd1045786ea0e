//! The layer over a chart on which pointer and keys read the curves and choose what is visible.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::Split;
use web_sys::PointerEvent;

use crate::charts::frame::Frame;
use crate::charts::plot::Plot;
use crate::charts::view_state::ChartsView;
use crate::charts::zoom::XRange;
use crate::runs::curve;
use crate::runs::record::Measure;
use crate::runs::run::letter;
use crate::runs::swatch::Swatch;

/// A shorter drag, in pixels, is a click.
const MIN_DRAG: f64 = 6.0;

/// The values of a run at the cursor.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    /// The slot of the run; none for the present run.
    slot: Option<usize>,
    /// The values on the training set and on the test set, indexed by [`Split`].
    values: [Option<String>; 2],
}

/// The values of all curves at a position, run by run.
fn readings(plot: &Plot, position: f64) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for line in plot.lines.iter().rev() {
        let value =
            curve::nearest(&line.points, position, plot.reach()).map(|point| plot.measure.value(point.1));
        match readings.iter_mut().find(|reading| reading.slot == line.slot) {
            Some(reading) => reading.values[line.split as usize] = value,
            None => {
                let mut values = [None, None];
                values[line.split as usize] = value;
                readings.push(Reading { slot: line.slot, values });
            }
        }
    }
    readings.retain(|reading| reading.values.iter().any(Option::is_some));
    readings.sort_by_key(|reading| reading.slot);
    readings
}

/// The readings in words, for screen readers.
fn readings_in_words(readings: &[Reading], position: String) -> String {
    let mut text = position;
    for Reading { slot, values } in readings {
        let run = slot.map_or("present run".to_owned(), |slot| format!("run {}", letter(slot)));
        let splits = Split::ALL.iter().zip(values);
        let values: Vec<_> = splits
            .filter_map(|(split, value)| Some(format!("{} {}", split.name(), value.as_ref()?)))
            .collect();
        text += &format!("; {run}: {}", values.join(", "));
    }
    text
}

/// The state of an overlay.
#[derive(Clone, Copy)]
struct Overlay {
    charts: ChartsView,
    element: NodeRef<html::Div>,
    /// The positions at which a drag began and where it is now, in CSS pixels.
    drag: RwSignal<Option<(f64, f64)>>,
}

impl Overlay {
    fn frame(self) -> Option<Frame> {
        self.element.get_untracked().map(|element| Frame::of(&element))
    }

    /// The position of a pointer.
    fn x_of(self, ev: &PointerEvent) -> Option<f64> {
        let element = self.element.get_untracked()?;
        let rect = element.get_bounding_client_rect();
        // Large type scales the page, and with it the pixels of the rectangle.
        let share = (f64::from(ev.client_x()) - rect.left()) / rect.width();
        Some(share * f64::from(element.client_width()))
    }

    fn position_at(self, x: f64) -> Option<f64> {
        self.frame().map(|frame| frame.position_at(x, untrack(|| self.charts.range())))
    }

    /// A press of a mouse or pen begins a drag. A finger only reads: buttons zoom for it.
    fn on_pointer_down(self, ev: &PointerEvent) {
        if ev.pointer_type() != "touch" && ev.button() == 0 {
            self.drag.set(self.x_of(ev).map(|x| (x, x)));
            if let Some(element) = self.element.get_untracked() {
                let _ = element.set_pointer_capture(ev.pointer_id());
            }
        }
    }

    /// The cursor and the end of a drag follow the pointer.
    fn on_pointer_move(self, ev: &PointerEvent) {
        let Some(x) = self.x_of(ev) else { return };
        let position = self.position_at(x);
        self.charts.zoom.update(|zoom| zoom.cursor = position);
        if self.drag.with_untracked(Option::is_some) {
            self.drag.update(|drag| *drag = drag.map(|(from, _)| (from, x)));
        }
    }

    /// The end of a drag zooms to what is under it.
    fn on_pointer_up(self) {
        let Some((from, to)) = self.drag.get_untracked() else { return };
        self.drag.set(None);
        let is_drag = (to - from).abs() >= MIN_DRAG;
        if let (true, Some(a), Some(b)) = (is_drag, self.position_at(from), self.position_at(to)) {
            let end = self.charts.end.get_untracked();
            self.charts.zoom.update(|zoom| zoom.range = XRange::between(a, b, end));
        }
    }

    fn on_key(self, ev: &KeyboardEvent) {
        let has_modifier = ev.ctrl_key() || ev.meta_key() || ev.alt_key();
        if !has_modifier && self.charts.press(&ev.key(), ev.shift_key()) {
            ev.prevent_default();
        }
    }

    /// Focus puts the cursor at the end of the visible curves.
    fn on_focus(self) {
        let end = untrack(|| self.charts.range()).to.min(self.charts.last.get_untracked());
        self.charts.zoom.update(|zoom| zoom.cursor = zoom.cursor.or(Some(end)));
    }

    fn on_leave(self) {
        self.charts.zoom.update(|zoom| zoom.cursor = None);
    }

    /// The style of the table with the readings: on the side of the cursor with more room, and always within the chart.
    fn table_style(self, cursor: Option<f64>) -> String {
        let (Some(position), Some(frame)) = (cursor, self.frame()) else { return String::new() };
        let x = frame.x_of(position, self.charts.range());
        if x < frame.width / 2.0 {
            format!("left:min({}px, 100% - var(--reading))", x + 12.0)
        } else {
            format!("right:min({}px, 100% - var(--reading))", frame.width - x + 12.0)
        }
    }
}

/// The overlay of a chart.
#[component]
pub(super) fn ChartOverlay(measure: Measure, plot: Memo<Plot>) -> impl IntoView {
    let charts = expect_context::<ChartsView>();
    let overlay = Overlay { charts, element: NodeRef::new(), drag: RwSignal::new(None) };
    let read = Memo::new(move |_| {
        let position = charts.zoom.with(|zoom| zoom.cursor)?;
        Some((position, plot.with(|plot| readings(plot, position))))
    });
    let cursor = move || read.with(|read| read.as_ref().map(|(position, _)| *position));
    let number = move |position| charts.x_axis.get().number(position);
    let words_of = move |position| charts.x_axis.get().words(position);
    let words = move || {
        read.get().map_or("nothing is read".to_owned(), |(position, readings)| {
            readings_in_words(&readings, words_of(position))
        })
    };
    let now = move || cursor().unwrap_or_else(|| charts.range().to);
    let selection = move || {
        let (from, to) = overlay.drag.get()?;
        Some(format!("left:{}px;width:{}px", from.min(to), (to - from).abs()))
    };
    // Without curves there is nothing to show.
    let has_readings =
        Memo::new(move |_| read.with(|read| read.as_ref().is_some_and(|(_, readings)| !readings.is_empty())));
    let name = format!("Read-out of {}", measure.title());
    view! {
        <div node_ref=overlay.element class="glass" tabindex="0" role="slider" aria-label=name
            aria-valuemin=move || number(charts.range().from) aria-valuemax=move || number(charts.range().to)
            aria-valuenow=move || number(now()) aria-valuetext=words
            title="Drag to zoom, double-click for the whole axis. Keys: arrows, + − 0, Shift and arrows"
            on:pointerdown=move |ev| overlay.on_pointer_down(&ev) on:pointermove=move |ev| overlay.on_pointer_move(&ev)
            on:pointerup=move |_| overlay.on_pointer_up() on:pointercancel=move |_| overlay.drag.set(None)
            on:pointerleave=move |_| overlay.on_leave() on:blur=move |_| overlay.on_leave()
            on:focus=move |_| overlay.on_focus() on:keydown=move |ev| overlay.on_key(&ev)
            on:dblclick=move |_| charts.show_all()></div>
        {move || selection().map(|style| view! { <div class="selection" prop:style=style></div> })}
        <Show when=move || has_readings.get()>
            <div class="reading" prop:style=move || overlay.table_style(cursor()) aria-hidden="true"><ReadingTable read /></div>
        </Show>
    }
}

/// The readings as a table.
#[component]
fn ReadingTable(read: Memo<Option<(f64, Vec<Reading>)>>) -> impl IntoView {
    let x_axis = expect_context::<ChartsView>().x_axis;
    let row = |Reading { slot, values }: Reading| {
        let [training, test] = values.map(|value| value.unwrap_or_else(|| "—".into()));
        view! {
            <tr>
                <th><Swatch run=slot split=Split::Test />{slot.map_or("Present".to_owned(), |slot| letter(slot).to_string())}</th>
                <td>{training}</td><td>{test}</td>
            </tr>
        }
    };
    view! {
        <table>
            <thead><tr><th>{move || read.get().map(|(position, _)| x_axis.get().heading(position))}</th><td>"training"</td><td>"test"</td></tr></thead>
            <tbody>{move || read.get().map(|(_, readings)| readings.into_iter().map(row).collect_view())}</tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::axis::Scale;
    use crate::charts::plot::PlotLine;
    use crate::charts::x_axis::XAxis;

    #[test]
    fn all_curves_are_read_at_an_epoch_run_by_run() {
        let line = |slot, split, points: &[(f64, f64)]| {
            PlotLine::new(slot, split, String::new(), points.to_vec(), |raw| raw.to_vec())
        };
        let lines = vec![
            line(Some(1), Split::Train, &[(0.5, 0.5), (1.0, 0.25)]),
            line(Some(1), Split::Test, &[(1.0, 0.125)]),
            line(None, Split::Train, &[(0.9, 2.0), (2.0, 1.0)]),
            line(None, Split::Test, &[]),
        ];
        let range = XRange::all(2.0);
        let (x_axis, scale) = (XAxis::Epochs, Scale::Linear);
        let plot = Plot { measure: Measure::Loss, lines, x_axis, range, zoomed: false, scale, moment: None };
        let words = |epoch| readings_in_words(&readings(&plot, epoch), plot.x_axis.words(epoch));
        assert_eq!(
            words(1.0),
            "epoch 1.00; present run: training 2.0000; run B: training 0.2500, test 0.1250"
        );
        assert_eq!(words(2.0), "epoch 2.00; present run: training 1.0000");
        assert!(readings(&plot, 0.1).is_empty());
    }
}
