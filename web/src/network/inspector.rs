//! What the picture of the network is drawn from, and the pixel of it that is pointed at.

use std::fmt::Write;
use std::time::Duration;

use leptos::prelude::*;
use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;
use trainer::messages::{LayerDetail, RunState, Source};

use crate::client::{State, Touch};
use crate::link::parts::Open;
use crate::network::explanation::{self, Made, number};
use crate::network::grid::Grid;
use crate::network::receptive_field::{self, Field};
use crate::network::stages::{self, Stage};
use crate::ui::debounce::debounce;

/// Inputs of a dense unit that are marked: those that weigh most.
const STRONGEST: usize = 12;
/// How long the same pixel must be pointed at until it is read out.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(500);

/// The network and the image on its way through it, column by column: 0 is the input, 1 the first stage.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) state: State,
    pub(crate) stages: Memo<Vec<Stage>>,
    layers: Memo<Vec<LayerSummary>>,
    /// How the pixel that is pointed at came about.
    pub(crate) made: Memo<Option<Made>>,
    /// What it depends on, in the input of each layer up to its own.
    fields: Memo<Vec<Field>>,
    /// Of the ten digits; empty while nothing is drawn.
    probabilities: Memo<Vec<f32>>,
    /// Its value, to be read out.
    pub(crate) announced: RwSignal<String>,
}

impl Look {
    /// To be made once, and provided as context.
    pub(crate) fn new(state: State) -> Self {
        let network = state.network;
        let stages = Memo::new(move |_| stages::of(&network.get()));
        let layers = Memo::new(move |_| network.get().summary().unwrap_or_default());
        let look = Self {
            state,
            stages,
            layers,
            made: Memo::new(|_| None),
            fields: Memo::new(move |_| {
                let Some((touch, stage)) = state.touch.get().and_then(|t| Some((t, stage_of(stages, t)?)))
                else {
                    return Vec::new();
                };
                layers.with(|layers| match layers.get(stage.layer) {
                    Some(layer) if touch.at < layer.output.len() => {
                        receptive_field::trace(layers, stage.layer, touch.at)
                    }
                    _ => Vec::new(),
                })
            }),
            probabilities: state.probabilities(),
            announced: RwSignal::default(),
        };
        let look = Self { made: Memo::new(move |_| look.make()), ..look };
        // What was pointed at in another network means nothing in this one; what was open may be there still.
        Effect::new(move |before: Option<Vec<Stage>>| {
            let now = stages.get();
            if before.is_some_and(|before| before != now) {
                state.touch.set(None);
                let open = state.open.get_untracked();
                let is_gone = |name: &String| now.iter().all(|stage| stage.name != *name);
                if matches!(&open, Some(Open::Stage(name)) if is_gone(name)) {
                    state.close();
                }
            }
            now
        });
        debounce(
            ANNOUNCE_AFTER,
            move || state.touch.track(),
            move |()| look.announced.set(untrack(move || look.place_and_value())),
        );
        look
    }

    /// The stage in a column; none for the input.
    pub(crate) fn stage(&self, column: usize) -> Option<Stage> {
        stage_of(self.stages, Touch { column, at: 0 })
    }

    /// Opens the stage in a column, with the map that is pointed at.
    pub(crate) fn open(&self, column: usize) {
        let Some(stage) = untrack(|| self.stage(column)) else { return };
        let touched = self.state.touch.get_untracked().filter(|touch| touch.column == column);
        let map = touched.map_or(0, |touch| receptive_field::place(stage.shape, touch.at).0);
        self.state.scene.update(|scene| {
            (scene.open, scene.map) = (Some(Open::Stage(stage.name)), map);
        });
    }

    /// A layer.
    pub(crate) fn layer(&self, layer: usize) -> Option<LayerSummary> {
        self.layers.with(|layers| layers.get(layer).cloned())
    }

    /// Name of a column.
    pub(crate) fn name(&self, column: usize) -> String {
        self.stage(column).map_or("Input".into(), |stage| stage.name)
    }

    /// Shape of a column's maps.
    pub(crate) fn shape(&self, column: usize) -> Shape {
        self.stage(column).map_or(Shape::maps(1, 28, 28), |stage| stage.shape)
    }

    /// Output of a layer; nothing while nothing is drawn.
    pub(crate) fn output(&self, layer: usize) -> Option<Vec<f32>> {
        self.state.output(layer)
    }

    /// What is shown in a column.
    pub(crate) fn values(&self, column: usize) -> Option<Vec<f32>> {
        match self.stage(column) {
            Some(stage) => self.output(stage.shown),
            None => self.state.pixels(),
        }
    }

    /// Looks at what a layer holds, if it is looked at closely and holds something.
    pub(crate) fn with_detail<T>(&self, layer: usize, look: impl FnOnce(Option<&LayerDetail>) -> T) -> T {
        self.state.snapshot.with(|snapshot| {
            let details = snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.details);
            look(details.iter().find(|detail| detail.layer == layer))
        })
    }

    fn make(&self) -> Option<Made> {
        let touch = self.state.touch.get()?;
        let stage = self.stage(touch.column)?;
        let input = self.values(touch.column - 1)?;
        let layer = self.layer(stage.layer)?;
        self.with_detail(stage.layer, |detail| Made::of(&layer, (stage.before, &input), detail, touch.at))
    }

    /// Where the pixel is that is pointed at, in words.
    pub(crate) fn place(&self) -> Option<String> {
        let Touch { column, at } = self.state.touch.get()?;
        let (name, shape) = (self.name(column), self.shape(column));
        let (channel, row, x) = receptive_field::place(shape, at);
        Some(match (column, shape.is_vector()) {
            (0, _) => format!("{name}, row {}, column {}", row + 1, x + 1),
            (_, true) if name == "Output" => format!("{name}, digit {at}"),
            (_, true) => format!("{name}, unit {}", at + 1),
            _ => format!("{name}, map {}, row {}, column {}", channel + 1, row + 1, x + 1),
        })
    }

    /// Its value as the picture shows it.
    pub(crate) fn value(&self) -> Option<f32> {
        let Touch { column, at } = self.state.touch.get()?;
        match self.stage(column) {
            Some(stage) if stage.name == "Output" => self.probabilities.with(|p| p.get(at).copied()),
            _ => self.values(column)?.get(at).copied(),
        }
    }

    fn place_and_value(&self) -> String {
        self.place().zip(self.value()).map_or_else(String::new, |(p, v)| format!("{p}: {}", number(v)))
    }

    /// All the arithmetic that made it, a line for each layer of its stage.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Some(Touch { column, at }) = self.state.touch.get() else { return Vec::new() };
        let Some(stage) = self.stage(column) else {
            let byte = self.state.image.get().map(|image| image[at]);
            return byte.map(|b| format!("a pixel of the drawing: {b} of 255")).into_iter().collect();
        };
        let mut lines: Vec<String> = self.made.with(|m| m.as_ref().map(Made::words)).into_iter().collect();
        let channel = receptive_field::place(stage.shape, at).0;
        for layer in stage.layer + 1..=stage.shown {
            let values = self.output(layer - 1).zip(self.output(layer));
            let pair = values.and_then(|(x, y)| Some((*x.get(at)?, *y.get(at)?)));
            if let (Some((x, y)), Some(spec)) = (pair, self.layer(layer)) {
                lines.extend(self.with_detail(layer, |d| explanation::then(spec.spec, x, y, d, channel)));
            }
        }
        if stage.name == "Output" {
            lines.extend(self.output(stage.shown).and_then(|logits| explanation::softmax(&logits, at)));
        }
        lines
    }

    /// SVG path around what is lit up in a column: the pixel that is pointed at, or what it depends on.
    pub(crate) fn marks(&self, column: usize, grid: Grid) -> String {
        let mut path = String::new();
        let Some(touch) = self.state.touch.get().filter(|touch| touch.column >= column) else { return path };
        let mut frame = |[x, y, width, height]: [usize; 4]| {
            let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
        };
        let mut pixel = |at: usize| {
            let (x, y) = grid.pixel(at);
            frame([x, y, 1, 1]);
        };
        if touch.column == column {
            pixel(touch.at);
            return path;
        }
        let dense = self.stage(column + 1).and_then(|stage| self.layer(stage.layer));
        let dense = dense.is_some_and(|layer| matches!(layer.spec, LayerSpec::Linear { .. }));
        if touch.column == column + 1 && dense {
            // All inputs count, but some more than others.
            self.made.with(|made| {
                made.iter().flat_map(|made| made.strongest(STRONGEST)).for_each(pixel);
            });
            return path;
        }
        let input_of = self.stage(column).map_or(0, |stage| stage.layer + 1);
        self.fields.with(|fields| {
            let Some(field) = fields.get(input_of) else { return };
            let Field { channels, rows, columns } = field;
            if channels.len() * rows.len() * columns.len() == grid.len() {
                let (width, height) = grid.size();
                frame([0, 0, width, height]);
            } else {
                channels.clone().for_each(|channel| frame(grid.frame(channel, rows, columns)));
            }
        });
        path
    }

    /// SVG path of crosses over the units that dropout strikes out in the training step that comes next; nothing
    /// while nothing is trained.
    pub(crate) fn struck_out(&self, column: usize, grid: Grid) -> String {
        let mut path = String::new();
        if self.state.run.get() != RunState::Training {
            return path;
        }
        let source = self.state.snapshot.with(|snapshot| snapshot.as_ref().map(|s| s.source));
        let (Some(stage), Some(Source::Session { step })) = (self.stage(column), source) else { return path };
        let seed = self.state.training.with(|training| training.seed);
        for layer in stage.layers() {
            if let Some(LayerSpec::Dropout { p }) = self.layer(layer).map(|layer| layer.spec) {
                let struck = nn::random::dropped_units(seed, step as u32, layer as u32, p, grid.len());
                for at in (0..struck.len()).filter(|at| struck[*at]) {
                    let (x, y) = grid.pixel(at);
                    let _ = write!(path, "M{x}.2 {y}.2l.6.6m0-.6l-.6.6");
                }
            }
        }
        path
    }

    /// Points at the brightest pixel of a column, unless one of it is pointed at already: where the keyboard begins.
    pub(crate) fn begin(&self, column: usize) {
        if self.state.touch.get_untracked().is_none_or(|touch| touch.column != column) {
            let at = untrack(|| self.values(column)).and_then(|values| explanation::largest(&values));
            self.state.touch.set(Some(Touch { column, at: at.unwrap_or(0) }));
        }
    }
}

fn stage_of(stages: Memo<Vec<Stage>>, touch: Touch) -> Option<Stage> {
    let at = touch.column.checked_sub(1)?;
    stages.with(|stages| stages.get(at).cloned())
}
