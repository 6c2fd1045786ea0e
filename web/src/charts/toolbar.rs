//! What is chosen for both charts: which curves are drawn, how smooth, and what part of them is seen.

use leptos::prelude::*;

use crate::charts::axis::{Look, Window};
use crate::charts::plot::{Line, Plot, color, width};
use crate::client::State;
use crate::link::parts::MOST_SMOOTHED;
use crate::runs::{DASHES, Measure, Part, letter};

/// Epochs that are seen at the least, however short training was.
const SHORTEST: f64 = 0.1;

/// The choices; a handle that is copied to wherever it is needed.
#[derive(Clone, Copy)]
pub(crate) struct ChartView {
    state: State,
    /// Whether training and test curves are drawn.
    parts: Memo<[bool; 2]>,
    /// Whether the present run is drawn.
    pub(crate) present: RwSignal<bool>,
    smoothing: Memo<u32>,
    /// Whether losses are drawn by their logarithm.
    pub(crate) log: Memo<bool>,
    /// What is seen and read: the same in both charts.
    pub(crate) look: RwSignal<Look>,
    /// Where the curves end.
    pub(crate) last: Memo<f64>,
    /// Where the axis of epochs ends.
    pub(crate) end: Memo<f64>,
}

impl ChartView {
    /// To be made once, and provided as context.
    pub(crate) fn new(state: State) -> Self {
        let present = RwSignal::new(true);
        let last = Memo::new(move |_| {
            let own = if present.get() { state.record.with(|record| record.end()) } else { 0.0 };
            state.runs.with(|runs| {
                let shown = runs.iter().filter(|run| run.shown);
                shown.map(|run| run.record.end()).fold(own, f64::max)
            })
        });
        let end = Memo::new(move |_| last.get().max(SHORTEST));
        let view = Self {
            state,
            parts: Memo::new(move |_| state.scene.with(|scene| scene.curves)),
            present,
            smoothing: Memo::new(move |_| state.scene.with(|scene| scene.smoothing)),
            log: Memo::new(move |_| state.scene.with(|scene| scene.log)),
            look: RwSignal::default(),
            last,
            end,
        };
        // What was looked at closely may be gone, as after a reset.
        Effect::new(move |_| {
            let end = end.get();
            view.look.update(|look| look.window = look.window.filter(|window| window.to <= end));
        });
        view
    }

    /// The part of the epochs that is seen.
    pub(crate) fn window(&self) -> Window {
        let end = self.end.get();
        self.look.with(|look| look.seen(end))
    }

    /// The curves that are drawn.
    pub(crate) fn parts(&self) -> Vec<Part> {
        {
            let drawn = self.parts.get();
            Part::ALL.into_iter().filter(|part| drawn[*part as usize]).collect()
        }
    }

    /// A chart as it is to be drawn. The present run lies on top of the others.
    pub(crate) fn plot(&self, measure: Measure) -> Plot {
        let (parts, smoothing) = (self.parts(), f64::from(self.smoothing.get()));
        let mut lines = Vec::new();
        self.state.runs.with(|runs| {
            for run in runs.iter().filter(|run| run.shown) {
                for part in &parts {
                    // The end of the thick one carries the letter, or of the only one there is.
                    let marked = *part == Part::Test || parts.len() == 1;
                    let mark = if marked { letter(run.slot).to_string() } else { String::new() };
                    let raw = run.record.curve(measure, *part).points();
                    lines.push(Line::new(Some(run.slot), *part, mark, raw, smoothing));
                }
            }
        });
        if self.present.get() {
            self.state.record.with(|record| {
                for part in &parts {
                    let raw = record.curve(measure, *part).points();
                    lines.push(Line::new(None, *part, String::new(), raw, smoothing));
                }
            });
        }
        let close = self.look.with(|look| look.window.is_some());
        let log = measure == Measure::Loss && self.log.get();
        Plot { measure, lines, window: self.window(), close, log }
    }

    /// Looks at all epochs again.
    pub(crate) fn all_epochs(&self) {
        self.look.update(|look| look.window = None);
    }

    /// Does what a key does; says whether it does something.
    pub(crate) fn press(&self, key: &str, shift: bool) -> bool {
        let next = self.look.get_untracked().after_key(key, shift, self.end.get_untracked());
        next.inspect(|next| self.look.set(*next)).is_some()
    }
}

/// A piece of a curve, as legends have it.
#[component]
pub(crate) fn Swatch(run: Option<usize>, part: Part) -> impl IntoView {
    let dashes = run.map_or(&[][..], |slot| DASHES[slot]);
    let dashes: Vec<_> = dashes.iter().map(f64::to_string).collect();
    let style = format!("stroke:var({})", color(run, part));
    view! {
        <svg class="swatch" viewBox="0 0 26 8" aria-hidden="true">
            <line x1="0" y1="4" x2="26" y2="4" style=style stroke-dasharray=dashes.join(" ")
                stroke-width=width(run, part).to_string()></line>
        </svg>
    }
}

/// The bar above the charts.
#[component]
pub(crate) fn ChartTools() -> impl IntoView {
    let view = expect_context::<ChartView>();
    let scene = view.state.scene;
    let toggle = |part: Part| {
        let shown = move || view.parts.get()[part as usize];
        let turn = move |_| scene.update(|scene| scene.curves[part as usize] ^= true);
        view! {
            <button class="small" aria-pressed=move || shown().to_string() on:click=turn
                title="Shows or hides these curves">
                <Swatch run=None part />{part.name()}
            </button>
        }
    };
    let smoothing = move || view.smoothing.get();
    let words = move || match smoothing() {
        1 => "off".to_owned(),
        points => format!("{points} points"),
    };
    let filled =
        move || format!("--filled:{:.1}%", f64::from(100 * (smoothing() - 1)) / f64::from(MOST_SMOOTHED - 1));
    let smooth = move |ev| {
        if let Ok(points) = event_target_value(&ev).parse() {
            scene.update(|scene| scene.smoothing = points);
        }
    };
    let zoom = |key: &'static str| {
        move |_| {
            view.press(key, false);
        }
    };
    let whole = move || view.look.with(|look| look.window.is_none());
    view! {
        <div class="chart-tools">
            <div class="toggles" role="group" aria-label="Curves shown">{toggle(Part::Training)}{toggle(Part::Test)}</div>
            <label class="smoothing" title="How many points of the training curves are averaged">
                <span>"Smoothing"</span>
                <input type="range" min="1" max=MOST_SMOOTHED.to_string() step="1" style=filled aria-valuetext=words
                    prop:value=smoothing on:input=smooth />
                <span class="value" aria-hidden="true">{words}</span>
            </label>
            <div class="zoom" role="group" aria-label="Zoom">
                <span aria-hidden="true">"Zoom"</span>
                <button class="small" aria-label="Zoom out" disabled=whole on:click=zoom("-")>"−"</button>
                <button class="small" aria-label="Zoom in" on:click=zoom("+")>"+"</button>
                <button class="small" disabled=whole on:click=move |_| view.all_epochs()>"All epochs"</button>
            </div>
        </div>
    }
}
