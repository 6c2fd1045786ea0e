//! The inspector: the values of the network picture, and the computation of the pixel that is inspected.

use std::fmt::Write;
use std::time::Duration;

use data::mnist::{PIXELS, SIDE};
use leptos::prelude::*;
use nn::cpu::Units;
use nn::inspect::changed_share::changed_share;
use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;
use trainer::messages::{LayerDetail, RunState, Source};

use crate::client::Client;
use crate::network::explanation::{Explanation, argmax, pointwise_in_words};
use crate::network::grid::Grid;
use crate::network::layer::softmax_terms::softmax_in_words;
use crate::network::lens::trial::Trial;
use crate::network::link::{self, OpenPanel};
use crate::network::pixel_name::PixelRef;
use crate::network::receptive_field::{ReceptiveField, position, trace};
use crate::network::stages::{self, Stage};
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::runs::store::RunStore;
use crate::settings::layers::OUTPUT;
use crate::settings::store::Settings;
use crate::ui::debounce::{debounce, debounce_changes};
use crate::ui::format::format_number;
use crate::ui::signal::set_if_changed;

/// The inputs of a dense unit that are marked: those with the largest products.
const MAX_MARKED: usize = 12;
/// How long a pixel must be inspected until screen readers announce it.
pub(super) const ANNOUNCE_AFTER: Duration = Duration::from_millis(500);
/// How long an announcement is there to be read: training changes the values that it tells.
const ANNOUNCED_FOR: Duration = Duration::from_secs(5);

/// The network and the activations of the image, column by column: 0 is the input, 1 the first stage.
#[derive(Clone, Copy)]
pub(crate) struct Inspector {
    client: Client,
    settings: Settings,
    runs: RunStore,
    pad: PadStore,
    pub(crate) view: NetworkView,
    pub(crate) stages: Memo<Vec<Stage>>,
    layers: Memo<Vec<LayerSummary>>,
    /// How the inspected pixel is computed from the column before.
    pub(crate) explanation: Memo<Option<Explanation>>,
    /// The receptive fields of the inspected pixel in the input of each layer up to its own.
    fields: Memo<Vec<ReceptiveField>>,
    /// The inspected pixel and its value, for screen readers; empty once it was told.
    pub(crate) announced: RwSignal<String>,
}

impl Inspector {
    /// Makes the inspector of the page, to be provided as context.
    pub(crate) fn new() -> Self {
        let (settings, view) = (expect_context::<Settings>(), expect_context::<NetworkView>());
        let network = view.network;
        let stages = Memo::new(move |_| stages::of(&network.get()));
        let layers = Memo::new(move |_| network.get().summary().unwrap_or_default());
        let inspector = Self {
            client: expect_context(),
            settings,
            runs: expect_context(),
            pad: expect_context(),
            view,
            stages,
            layers,
            explanation: Memo::new(|_| None),
            fields: Memo::new(move |_| receptive_fields(view, stages, layers)),
            announced: RwSignal::default(),
        };
        let inspector = Self { explanation: Memo::new(move |_| inspector.explain()), ..inspector };
        inspector.forget_missing_stages();
        debounce(
            ANNOUNCE_AFTER,
            move || view.pixel.track(),
            move |()| inspector.announced.set(untrack(move || inspector.pixel_with_value())),
        );
        let announced = inspector.announced;
        debounce_changes(
            ANNOUNCED_FOR,
            move || announced.track(),
            move |()| set_if_changed(announced, String::new()),
        );
        inspector
    }

    /// Forgets the inspected pixel when the stages change, and what is open or shown as far as a new network does not have it.
    fn forget_missing_stages(self) {
        Effect::new(move |before: Option<Vec<Stage>>| {
            let (network, now) = (self.view.network.get(), self.stages.get());
            if before.as_ref().is_some_and(|before| *before != now) {
                self.view.forget_pixel();
            }
            if before.is_some() {
                let mut open = untrack(|| self.view.linked());
                link::resolve(&mut open, &network);
                self.view.open_as(open);
            }
            now
        });
    }

    /// Opens the stage in a column, with the map and the window of the inspected pixel.
    pub(crate) fn open(&self, column: usize) {
        let Some(stage) = untrack(|| self.stage(column)) else { return };
        let pixel = self.view.pixel.get_untracked().filter(|pixel| pixel.column == column);
        let place = pixel.map(|pixel| position(stage.shape, pixel.at));
        let map = place.map_or(0, |(map, ..)| map);
        let place = place.filter(|_| !stage.shape.is_vector());
        let trial = place.map_or(Trial::default(), |(_, row, column)| Trial::at(row, column));
        self.view.show(Some(OpenPanel::Stage(stage.name)), map, trial);
    }

    /// Inspects the brightest pixel of a column, unless one of the column is inspected already: that is where the keyboard begins.
    pub(crate) fn focus_brightest(&self, column: usize) {
        if self.view.pixel.get_untracked().is_none_or(|pixel| pixel.column != column) {
            let at = untrack(|| self.values(column)).and_then(|values| argmax(&values));
            self.view.pixel.set(Some(PixelRef { column, at: at.unwrap_or(0) }));
        }
    }
}

/// The columns and their values.
impl Inspector {
    /// The stage in a column; none for the input.
    pub(crate) fn stage(&self, column: usize) -> Option<Stage> {
        stage_in(self.stages, column)
    }

    /// The stages whose filters are drawn as pictures: dense ones or convolutions.
    pub(crate) fn stages_with_filters(&self, dense: bool) -> Vec<Stage> {
        let mut stages = self.stages.get();
        stages.retain(|stage| stage.filters.is_some() && stage.shape.is_vector() == dense);
        stages
    }

    /// A layer of the network.
    pub(crate) fn layer(&self, layer: usize) -> Option<LayerSummary> {
        self.layers.with(|layers| layers.get(layer).cloned())
    }

    /// Whether masks of dropout can be shown.
    pub(crate) fn has_masks(&self) -> bool {
        self.view.network.with(stages::has_masks)
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> String {
        self.stage(column).map_or("Input".into(), |stage| stage.name)
    }

    /// The shape of a column's maps.
    fn shape(&self, column: usize) -> Shape {
        self.stage(column).map_or(Shape::maps(1, SIDE, SIDE), |stage| stage.shape)
    }

    /// The output of a layer; none while nothing is drawn.
    pub(crate) fn output(&self, layer: usize) -> Option<Vec<f32>> {
        self.pad.image.with(Option::is_some).then(|| self.view.output(layer))?
    }

    /// The values that a column shows.
    pub(crate) fn values(&self, column: usize) -> Option<Vec<f32>> {
        match self.stage(column) {
            Some(stage) => self.output(stage.shown),
            None => {
                let pixels = self.pad.pixels()?;
                Some(match self.pixel_order() {
                    Some(order) => order.iter().map(|at| pixels[*at as usize]).collect(),
                    None => pixels,
                })
            }
        }
    }

    /// For each pixel of the input its place in the drawing, if the network gets its pixels in another order.
    pub(crate) fn pixel_order(&self) -> Option<Vec<u32>> {
        self.layer(0)?.spec.pixel_order(PIXELS)
    }

    /// How much of what a column shows is different since the digit was moved or turned, 0 to 1; none if it was not.
    pub(crate) fn changed(&self, column: usize) -> Option<f32> {
        let reference = self.pad.reference()?;
        match self.stage(column) {
            Some(stage) => self.view.changed(stage.shown),
            None => {
                let reference: Vec<f32> = reference.iter().map(|&byte| f32::from(byte) / 255.0).collect();
                self.pad.pixels().map(|pixels| changed_share(&pixels, &reference))
            }
        }
    }

    /// Reads the parameters of a layer; none unless the layer is inspected and has some.
    pub(crate) fn with_detail<T>(&self, layer: usize, read: impl FnOnce(Option<&LayerDetail>) -> T) -> T {
        self.view.with_snapshot(|snapshot| {
            let details = snapshot.map_or(&[][..], |snapshot| &snapshot.details);
            read(details.iter().find(|detail| detail.layer == layer))
        })
    }
}

/// The inspected pixel.
impl Inspector {
    fn explain(&self) -> Option<Explanation> {
        let pixel = self.view.pixel.get()?;
        let stage = self.stage(pixel.column)?;
        let input = self.values(pixel.column - 1)?;
        let layer = self.layer(stage.layer)?;
        self.with_detail(stage.layer, |detail| {
            Explanation::of(&layer, (stage.before, &input), detail, pixel.at)
        })
    }

    /// The column and the position of the inspected pixel in words.
    pub(crate) fn pixel_name(&self) -> Option<String> {
        let PixelRef { column, at } = self.view.pixel.get()?;
        let (name, shape) = (self.name(column), self.shape(column));
        let (channel, row, x) = position(shape, at);
        Some(match (column, shape.is_vector()) {
            (0, _) => format!("{name}, row {}, column {}", row + 1, x + 1),
            (_, true) if name == OUTPUT => format!("{name}, digit {at}"),
            (_, true) => format!("{name}, unit {}", at + 1),
            _ => format!("{name}, map {}, row {}, column {}", channel + 1, row + 1, x + 1),
        })
    }

    /// The value of the inspected pixel as the picture shows it.
    pub(crate) fn pixel_value(&self) -> Option<f32> {
        let PixelRef { column, at } = self.view.pixel.get()?;
        match self.stage(column) {
            Some(stage) if stage.name == OUTPUT => self.pad.probabilities.with(|p| p.get(at).copied()),
            _ => self.values(column)?.get(at).copied(),
        }
    }

    fn pixel_with_value(&self) -> String {
        let pixel = self.pixel_name().zip(self.pixel_value());
        pixel.map_or_else(String::new, |(name, value)| format!("{name}: {}", format_number(value)))
    }

    /// The arithmetic of the inspected pixel, a line for each layer of its stage.
    pub(crate) fn arithmetic(&self) -> Vec<String> {
        let Some(PixelRef { column, at }) = self.view.pixel.get() else { return Vec::new() };
        let Some(stage) = self.stage(column) else {
            // While the network changes, the pixel may be one of a column that is gone.
            let at = self.pixel_order().and_then(|order| order.get(at).map(|at| *at as usize)).unwrap_or(at);
            let byte = self.pad.image.get().and_then(|image| image.get(at).copied());
            return byte.map(|b| format!("a pixel of the drawing: {b} of 255")).into_iter().collect();
        };
        let mut lines: Vec<String> =
            self.explanation.with(|e| e.as_ref().map(Explanation::words)).into_iter().collect();
        lines.extend(self.arithmetic_after(&stage, at));
        lines
    }

    /// The arithmetic of the layers of a stage that follow its first one, for the value with this index, a line each.
    pub(crate) fn arithmetic_after(&self, stage: &Stage, at: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let channel = position(stage.shape, at).0;
        for layer in stage.layer + 1..=stage.shown {
            let values = self.output(layer - 1).zip(self.output(layer));
            let pair = values.and_then(|(x, y)| Some((*x.get(at)?, *y.get(at)?)));
            if let (Some((x, y)), Some(layer_of)) = (pair, self.layer(layer)) {
                lines.extend(
                    self.with_detail(layer, |detail| {
                        pointwise_in_words(layer_of.spec, x, y, detail, channel)
                    }),
                );
            }
        }
        if stage.name == OUTPUT {
            lines.extend(self.output(stage.shown).and_then(|logits| softmax_in_words(&logits, at)));
        }
        lines
    }
}

/// Marks on the maps, as SVG paths.
impl Inspector {
    /// Boxes around the inspected pixel, or around the pixels of another column on which it depends.
    pub(crate) fn marks(&self, column: usize, grid: Grid) -> String {
        let mut path = String::new();
        let Some(inspected) = self.view.pixel.get().filter(|pixel| pixel.column >= column) else {
            return path;
        };
        let mut frame = |[x, y, width, height]: [usize; 4]| {
            let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
        };
        let mut pixel = |at: usize| {
            let (x, y) = grid.pixel(at);
            frame([x, y, 1, 1]);
        };
        if inspected.column == column {
            pixel(inspected.at);
            return path;
        }
        let next = self.stage(column + 1).and_then(|stage| self.layer(stage.layer));
        let is_dense = next.is_some_and(|layer| matches!(layer.spec, LayerSpec::Linear { .. }));
        if inspected.column == column + 1 && is_dense {
            // A dense unit depends on all inputs, but on some more than on others.
            self.explanation.with(|explanation| {
                explanation.iter().flat_map(|e| e.largest_terms(MAX_MARKED)).for_each(pixel);
            });
            return path;
        }
        let input_of = self.stage(column).map_or(0, |stage| stage.layer + 1);
        self.fields.with(|fields| {
            let Some(field) = fields.get(input_of) else { return };
            let ReceptiveField { channels, rows, columns } = field;
            if channels.len() * rows.len() * columns.len() == grid.len() {
                let (width, height) = grid.size();
                frame([0, 0, width, height]);
            } else {
                channels.clone().for_each(|channel| frame(grid.frame(channel, rows, columns)));
            }
        });
        path
    }

    /// Crosses over the units that dropout drops: those of the mask that is shown, or in training those of the next step.
    pub(crate) fn dropped_units(&self, column: usize, grid: Grid) -> String {
        let mut path = String::new();
        let Some((stage, mask)) = self.stage(column).zip(self.mask()) else { return path };
        for at in self.dropped_by(&stage, mask) {
            let (x, y) = grid.pixel(at);
            let _ = write!(path, "M{x}.2 {y}.2l.6.6m0-.6l-.6.6");
        }
        path
    }

    /// The mask of dropout that is shown: its seed, and step and sample; none if all units are.
    fn mask(&self) -> Option<(u32, (u32, u32))> {
        let (source, units) = self.view.with_snapshot(|snapshot| snapshot.map(|s| (s.source, s.units)))?;
        match (units, source) {
            (Units::Kept { seed, sample }, _) => Some((seed, (0, sample))),
            // The networks of a sweep have seeds of their own.
            (Units::All, Source::Session { step })
                if self.client.run.get() == RunState::Training
                    && self.runs.comparison.with(|c| c.as_ref().is_none_or(|c| !c.is_sweep())) =>
            {
                Some((self.settings.training.with(|training| training.seed), (step as u32, 0)))
            }
            _ => None,
        }
    }

    /// The units of a stage that a mask drops.
    fn dropped_by(&self, stage: &Stage, (seed, sample): (u32, (u32, u32))) -> Vec<usize> {
        let units = stage.shape.len();
        let dropped = |layer: usize| match self.layer(layer)?.spec {
            LayerSpec::Dropout { p } => Some(nn::random::dropped_units(seed, sample, layer as u32, p, units)),
            _ => None,
        };
        let masks: Vec<Vec<bool>> = stage.layers().filter_map(dropped).collect();
        (0..units).filter(|at| masks.iter().any(|mask| mask[*at])).collect()
    }

    /// Which units the shown answer is of, in words.
    pub(crate) fn units_in_words(&self) -> String {
        let units = self.view.with_snapshot(|snapshot| snapshot.map(|snapshot| snapshot.units));
        match units {
            None | Some(Units::All) => "all units, as the network reads".to_owned(),
            Some(Units::AllScaled) => {
                "all units, each multiplied as the kept ones are in training".to_owned()
            }
            Some(Units::Kept { seed, sample }) => {
                let stages = self.stages.get();
                let of = |stage: &Stage| {
                    let dropped = self.dropped_by(stage, (seed, (0, sample))).len();
                    (dropped > 0).then(|| format!("{dropped} of {} in {}", stage.shape.len(), stage.name))
                };
                let off: Vec<String> = stages.iter().filter_map(of).collect();
                let off = if off.is_empty() { "no unit".to_owned() } else { off.join(", ") };
                format!("mask {}: struck out are {off}", sample + 1)
            }
        }
    }
}

fn stage_in(stages: Memo<Vec<Stage>>, column: usize) -> Option<Stage> {
    let at = column.checked_sub(1)?;
    stages.with(|stages| stages.get(at).cloned())
}

/// The receptive fields of the inspected pixel; none if it lies in the input or outside of its column.
fn receptive_fields(
    view: NetworkView,
    stages: Memo<Vec<Stage>>,
    layers: Memo<Vec<LayerSummary>>,
) -> Vec<ReceptiveField> {
    let Some(pixel) = view.pixel.get() else { return Vec::new() };
    let Some(stage) = stage_in(stages, pixel.column) else { return Vec::new() };
    layers.with(|layers| match layers.get(stage.layer) {
        Some(layer) if pixel.at < layer.output.len() => trace(layers, stage.layer, pixel.at),
        _ => Vec::new(),
    })
}
