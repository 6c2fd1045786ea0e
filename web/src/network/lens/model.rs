//! What the Lens shows of a layer with a window: the window with its place, its input, and what it computes.

use leptos::prelude::*;
use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;

use crate::network::explanation::{Explanation, argmax, resized};
use crate::network::inspector::Inspector;
use crate::network::lens::slide::Slide;
use crate::network::receptive_field::position;
use crate::network::sliding_window::SlidingWindow;
use crate::network::stages::{Stage, has_both_signs};
use crate::ui::signal::set_if_changed;

/// What the parts of the Lens share.
#[derive(Clone, Copy)]
pub(super) struct WindowLens {
    pub(super) slide: Slide,
    /// The window of the network.
    pub(super) own: SlidingWindow,
    pub(super) is_convolution: bool,
    /// Whether the output has both signs.
    pub(super) is_signed: bool,
    /// Whether other layers of the stage follow, such as its activation.
    pub(super) is_inner: bool,
    /// The number of maps of the output.
    pub(super) maps: usize,
    /// The map that is computed.
    pub(super) map: Memo<usize>,
    /// The map of the input whose numbers are written.
    pub(super) channel: Memo<usize>,
    pub(super) chosen_channel: RwSignal<usize>,
    /// The column whose values the window slides over.
    pub(super) column: usize,
    /// They, while a digit is drawn.
    pub(super) input: Memo<Option<Vec<f32>>>,
    /// The map, as the window would compute it.
    pub(super) output: Memo<Option<Vec<f32>>>,
    /// How the value at the window's place is computed.
    pub(super) explanation: Memo<Option<Explanation>>,
}

impl WindowLens {
    /// The Lens on a stage's layer; none if the layer has no window. Its input is what `column` shows.
    pub(super) fn new(
        inspector: Inspector,
        column: usize,
        stage: &Stage,
        layer: LayerSummary,
    ) -> Option<Self> {
        let own = SlidingWindow::of(&layer)?;
        let spec = layer.spec;
        let is_convolution = matches!(spec, LayerSpec::Conv2d { .. });
        let (maps, at, before) = (stage.shape.channels, stage.layer, stage.before);
        let trial = inspector.view.trial;
        let window = Memo::new(move |_| trial.get().window(own));
        // The network may have fewer maps than when the map was chosen.
        let map = Memo::new(move |_| inspector.view.map.get().min(maps - 1));
        let chosen_channel = RwSignal::new(0);
        let channel = Memo::new(move |_| {
            if is_convolution { chosen_channel.get().min(own.input.channels - 1) } else { map.get() }
        });
        let input =
            Memo::new(move |_| inspector.values(column).filter(|values| values.len() == own.input.len()));
        let output = Memo::new(move |_| {
            let window = window.get();
            input.with(|input| output(inspector, at, spec, &window, input.as_deref()?, map.get()))
        });
        let largest = Memo::new(move |_| output.with(|output| argmax(output.as_deref()?)));
        let slide = Slide::new((own, is_convolution), trial, window, largest);
        let explanation = Memo::new(move |_| {
            let ((row, column), window) = (slide.place.get(), window.get());
            if slide.positions() == 0 {
                return None;
            }
            let place = (map.get(), row, column);
            input.with(|input| {
                let input = (before, input.as_deref()?);
                inspector
                    .with_detail(at, |detail| Explanation::under(&layer, Some(window), input, detail, place))
            })
        });
        // A pixel that is inspected in the maps of the layer is looked at here, too.
        let shape = stage.shape;
        Effect::new(move |_| {
            let pixel = inspector.view.pixel.get().filter(|pixel| pixel.column == column + 1);
            let is_own = window.get_untracked() == own && !slide.playing.get_untracked();
            if let Some(pixel) = pixel.filter(|pixel| is_own && pixel.at < shape.len()) {
                let (map, row, column) = position(shape, pixel.at);
                set_if_changed(inspector.view.map, map);
                slide.move_to(row, column);
            }
        });
        Some(Self {
            slide,
            own,
            is_convolution,
            is_signed: has_both_signs(spec),
            is_inner: stage.layer != stage.shown,
            maps,
            map,
            channel,
            chosen_channel,
            column,
            input,
            output,
            explanation,
        })
    }

    /// Moves the window to the value of the input with this index.
    pub(super) fn move_over(self, at: usize, padded: Shape) {
        let (channel, y, x) = position(padded, at);
        if self.is_convolution {
            self.chosen_channel.set(channel);
        }
        let SlidingWindow { kernel_size, stride, .. } = self.slide.window.get_untracked();
        // The pixel gets into the middle of the window.
        let along = |pixel: usize| (pixel.saturating_sub(kernel_size / 2) + stride / 2) / stride;
        self.slide.move_to(along(y), along(x));
    }
}

/// A map of the output of layer `at` with this window over its input; none while the weights are unknown.
fn output(
    inspector: Inspector,
    at: usize,
    spec: LayerSpec,
    window: &SlidingWindow,
    input: &[f32],
    map: usize,
) -> Option<Vec<f32>> {
    if let LayerSpec::Conv2d { kernel_size, .. } = spec {
        return inspector.with_detail(at, |detail| {
            let detail = detail?;
            let taps = window.input.channels * kernel_size * kernel_size;
            let weights = detail.weights.get(map * taps..(map + 1) * taps)?;
            let weights = resized(weights, kernel_size, window.kernel_size);
            Some(window.correlate(input, &weights, *detail.biases.get(map)?))
        });
    }
    let mut pooled = window.pooled(input, map, matches!(spec, LayerSpec::MaxPool2d { .. }));
    // Sub-sampling has a weight and a bias for each map.
    let learned = inspector
        .with_detail(at, |detail| detail.and_then(|d| Some((*d.weights.get(map)?, *d.biases.get(map)?))));
    let (weight, bias) = learned.unwrap_or((1.0, 0.0));
    pooled.iter_mut().for_each(|value| *value = *value * weight + bias);
    Some(pooled)
}
