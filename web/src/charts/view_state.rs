//! The state of the charts: which curves are drawn and how, and which part of them is visible.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::charts::axis::Scale;
use crate::charts::link::ChartsLink;
use crate::charts::plot::{Plot, PlotLine};
use crate::charts::x_axis::XAxis;
use crate::charts::zoom::{XRange, Zoom};
use crate::runs::curve::{centred, smoothed};
use crate::runs::record::Measure;
use crate::runs::run::letter;
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::signal::set_if_changed;

/// The state of both charts.
#[derive(Clone, Copy)]
pub(crate) struct ChartsView {
    runs: RunStore,
    /// What lies along the x axis.
    pub(crate) x_axis: Memo<XAxis>,
    /// Whether the curves of the training set and of the test set are drawn, indexed by [`Split`].
    pub(crate) curves: RwSignal<[bool; 2]>,
    /// Whether the axis of losses is logarithmic.
    pub(crate) log: RwSignal<bool>,
    /// Whether the axis of accuracies is one of errors, logarithmic.
    pub(crate) errors: RwSignal<bool>,
    /// The number of points over which training curves are averaged.
    pub(crate) smoothing: RwSignal<u32>,
    /// The visible positions and the cursor, the same in both charts.
    pub(crate) zoom: RwSignal<Zoom>,
    /// The position at which the last curve ends.
    pub(crate) last: Memo<f64>,
    /// The position at which the axis ends.
    pub(crate) end: Memo<f64>,
}

impl ChartsView {
    /// Shows the curves that the link names.
    pub(crate) fn new(link: ChartsLink, runs: RunStore, settings: Settings) -> Self {
        let x_axis = Memo::new(move |_| {
            let present = settings.trained();
            runs.others.with(|others| XAxis::of(&present, others.shown().map(|run| &run.setup)))
        });
        let last = Memo::new(move |_| {
            let axis = x_axis.get();
            let present = if runs.shown.get() { runs.record.with(|record| axis.end_of(record)) } else { 0.0 };
            runs.others.with(|others| {
                let drawn = others.shown().filter(|run| axis.draws(&run.setup));
                drawn.map(|run| axis.end_of(&run.record)).fold(present, f64::max)
            })
        });
        let end = Memo::new(move |_| last.get().max(x_axis.get().min_end()));
        let zoom = RwSignal::new(Zoom::default());
        // Positions on another axis mean something else.
        Effect::new(move |before: Option<XAxis>| {
            let axis = x_axis.get();
            if before.is_some_and(|before| before != axis) {
                zoom.set(Zoom::default());
            }
            axis
        });
        // After a reset, what was visible may be gone.
        Effect::new(move |_| {
            let end = end.get();
            zoom.update(|zoom| zoom.range = zoom.range.filter(|range| range.to <= end));
        });
        let ChartsLink { curves, log, errors, smoothing } = link;
        Self {
            runs,
            x_axis,
            curves: RwSignal::new(curves),
            log: RwSignal::new(log),
            errors: RwSignal::new(errors),
            smoothing: RwSignal::new(smoothing),
            zoom,
            last,
            end,
        }
    }

    /// The state that links carry.
    pub(crate) fn linked(&self) -> ChartsLink {
        ChartsLink {
            curves: self.curves.get(),
            log: self.log.get(),
            errors: self.errors.get(),
            smoothing: self.smoothing.get(),
        }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, link: ChartsLink) {
        set_if_changed(self.curves, link.curves);
        set_if_changed(self.log, link.log);
        set_if_changed(self.errors, link.errors);
        set_if_changed(self.smoothing, link.smoothing);
    }

    /// The visible positions.
    pub(crate) fn range(&self) -> XRange {
        let end = self.end.get();
        self.zoom.with(|zoom| zoom.visible(end))
    }

    /// The sets whose curves are drawn.
    pub(crate) fn splits(&self) -> Vec<Split> {
        let drawn = self.curves.get();
        Split::ALL.into_iter().filter(|split| drawn[*split as usize]).collect()
    }

    /// The content of a chart. The present run is drawn over the others.
    pub(crate) fn plot(&self, measure: Measure) -> Plot {
        let (splits, x_axis) = (self.splits(), self.x_axis.get());
        let smoothing = f64::from(self.smoothing.get());
        // Of a range test, the place of a slope matters.
        let smooth = |raw: &[(f64, f64)]| match x_axis {
            XAxis::Epochs => smoothed(raw, smoothing),
            XAxis::Rates { .. } => centred(raw, smoothing),
        };
        let mut lines = Vec::new();
        self.runs.others.with(|others| {
            for run in others.shown().filter(|run| x_axis.draws(&run.setup)) {
                for split in &splits {
                    // The letter stands at the end of the test curve, or of the only one.
                    let has_letter = *split == Split::Test || splits.len() == 1;
                    let letter = if has_letter { letter(run.slot).to_string() } else { String::new() };
                    let raw = x_axis.points(&run.record, measure, *split);
                    lines.push(PlotLine::new(Some(run.slot), *split, letter, raw, smooth));
                }
            }
        });
        if self.runs.shown.get() {
            self.runs.record.with(|record| {
                for split in &splits {
                    let raw = x_axis.points(record, measure, *split);
                    lines.push(PlotLine::new(None, *split, String::new(), raw, smooth));
                }
            });
        }
        let zoomed = self.zoom.with(|zoom| zoom.range.is_some());
        let scale = match measure {
            Measure::Loss if self.log.get() => Scale::Log,
            Measure::Accuracy if self.errors.get() => Scale::Error,
            Measure::Loss | Measure::Accuracy => Scale::Linear,
        };
        let moment =
            self.runs.time.checkpoint.get().and_then(|checkpoint| {
                self.runs.record.with(|record| x_axis.position(record, checkpoint.epoch))
            });
        Plot { measure, lines, x_axis, range: self.range(), zoomed, scale, moment }
    }

    /// Makes the whole axis visible.
    pub(crate) fn show_all(&self) {
        self.zoom.update(|zoom| zoom.range = None);
    }

    /// Zooms, pans or moves the cursor by a key; returns whether the key does that.
    pub(crate) fn press(&self, key: &str, shift: bool) -> bool {
        let next = self.zoom.get_untracked().after_key(key, shift, self.end.get_untracked());
        next.inspect(|next| self.zoom.set(*next)).is_some()
    }
}
