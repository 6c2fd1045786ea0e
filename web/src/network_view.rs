//! The network as a picture: every map of the image that is shown, from input to output.

use leptos::html;
use leptos::prelude::*;
use trainer::messages::{Snapshot, Source};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::colors;
use crate::stages::{self, Stage};
use crate::state::State;

/// How the maps of a stage lie on its canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    /// Maps side by side.
    columns: usize,
    /// Maps in all.
    maps: usize,
    height: usize,
    width: usize,
    /// Empty pixels between two maps.
    gap: usize,
}

impl Grid {
    fn new(maps: usize, height: usize, width: usize) -> Self {
        let columns = if height * width == 1 {
            maps.div_ceil(15)
        } else {
            (1..=maps).find(|c| c * c * 2 >= maps).unwrap_or(1).max(if maps > 8 { 4 } else { 1 }).min(maps)
        };
        Self { columns, maps, height, width, gap: usize::from(height * width > 1) }
    }

    const fn size(&self) -> (usize, usize) {
        let rows = self.maps.div_ceil(self.columns);
        (self.columns * (self.width + self.gap) - self.gap, rows * (self.height + self.gap) - self.gap)
    }

    /// The picture as RGBA bytes; what lies between maps is transparent.
    fn paint(&self, values: &[f32], color: impl Fn(f32) -> [u8; 3]) -> Vec<u8> {
        let (width, height) = self.size();
        let mut rgba = vec![0; width * height * 4];
        for (at, value) in values.iter().enumerate().take(self.maps * self.height * self.width) {
            let (map, y, x) =
                (at / (self.height * self.width), at / self.width % self.height, at % self.width);
            let row = map / self.columns * (self.height + self.gap) + y;
            let column = map % self.columns * (self.width + self.gap) + x;
            let [r, g, b] = color(*value);
            rgba[(row * width + column) * 4..][..4].copy_from_slice(&[r, g, b, 255]);
        }
        rgba
    }
}

/// A canvas of maps. `values` gives nothing while there is nothing to show.
#[component]
fn Maps(
    grid: Grid,
    /// Size of one value on screen, in CSS pixels.
    pixel: usize,
    /// What is seen, for those who do not see it.
    #[prop(into)]
    label: String,
    /// Whether values diverge around zero (weights) or rise from it (activations).
    diverging: bool,
    values: Signal<Option<Vec<f32>>>,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let (width, height) = grid.size();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        values.with(|values| {
            let empty = vec![0.0; grid.maps * grid.height * grid.width];
            let values = values.as_ref().unwrap_or(&empty);
            let largest = values.iter().fold(1e-9f32, |m, v| m.max(v.abs()));
            let rgba = if diverging {
                grid.paint(values, |v| colors::weight(v / largest))
            } else {
                grid.paint(values, |v| colors::activation(v / largest))
            };
            put(&canvas, &rgba, width);
        });
    });
    view! {
        <canvas node_ref=canvas class="maps" role="img" aria-label=label width=width.to_string()
            height=height.to_string() style=format!("width:{}px", width * pixel)></canvas>
    }
}

/// Puts RGBA bytes on a canvas of that size.
pub(crate) fn put(canvas: &HtmlCanvasElement, rgba: &[u8], width: usize) {
    let Some(context) = canvas.get_context("2d").ok().flatten() else { return };
    let context: CanvasRenderingContext2d = context.unchecked_into();
    if let Ok(image) = ImageData::new_with_u8_clamped_array(Clamped(rgba), width as u32) {
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

/// Names, shapes and maps of all stages.
#[component]
pub(crate) fn NetworkView() -> impl IntoView {
    let state = expect_context::<State>();
    let stages = Memo::new(move |_| stages::of(&state.preset.get().network()));
    let input = Signal::derive(move || state.image.get().map(|i| i.iter().map(|&b| f32::from(b)).collect()));
    let source = move || match state.snapshot.get() {
        Some(Snapshot { source: Source::Session { step: 0 }, .. }) => "untrained weights".to_owned(),
        Some(Snapshot { source: Source::Session { step }, .. }) => format!("your network after step {step}"),
        Some(Snapshot { source: Source::Pretrained, .. }) => "a network we trained before".to_owned(),
        None => "loading".to_owned(),
    };
    view! {
        <section class="panel network" role="region" aria-label="Network picture">
            <div class="title"><h2>"What the network sees"</h2><span class="source">{source}</span></div>
            <div class="stages">
                <figure class="stage">
                    <figcaption><b>"Input"</b><span>"28×28"</span></figcaption>
                    <Maps grid=Grid::new(1, 28, 28) pixel=3 label="Input, 28 by 28 pixels" diverging=false values=input />
                    <For each=move || stages.get().into_iter().filter(|s| s.kernel.is_some()) key=|s| format!("{s:?}") let:stage>
                        <Filters stage />
                    </For>
                </figure>
                <For each=move || stages.get() key=|s| format!("{s:?}") let:stage>
                    <StageView stage />
                </For>
            </div>
        </section>
    }
}

/// The kernels of the first convolution.
#[component]
fn Filters(stage: Stage) -> impl IntoView {
    let state = expect_context::<State>();
    let kernel = stage.kernel.unwrap_or(1);
    let layer = stage.layer;
    let values = Signal::derive(move || {
        let snapshot = state.snapshot.get()?;
        snapshot.weights.into_iter().find(|w| w.layer == layer).map(|w| w.values)
    });
    view! {
        <figcaption class="filters"><b>{format!("{} filters", stage.name)}</b><span>{format!("{kernel}×{kernel}")}</span></figcaption>
        <Maps grid=Grid { columns: 2, ..Grid::new(stage.shape.channels, kernel, kernel) } pixel=7
            label=format!("The {} filters of {}", stage.shape.channels, stage.name) diverging=true values />
    }
}

/// One stage and its maps.
#[component]
fn StageView(stage: Stage) -> impl IntoView {
    let state = expect_context::<State>();
    let shown = stage.shown;
    let output = stage.name == "Output";
    let values = Signal::derive(move || {
        let snapshot = state.snapshot.get()?;
        if output {
            return (!snapshot.probabilities.is_empty()).then_some(snapshot.probabilities);
        }
        snapshot.activations.into_iter().find(|a| a.layer == shown).map(|a| a.values)
    });
    let shape = stage.shape;
    let grid = Grid::new(shape.channels, shape.height, shape.width);
    let pixel = match shape.height {
        20.. => 3,
        12..20 => 4,
        8..12 => 5,
        3..8 => 7,
        _ => {
            if output {
                16
            } else {
                10
            }
        }
    };
    view! {
        <figure class="stage" title=stage.kind.clone()>
            <figcaption><b>{stage.name.clone()}</b><span>{shape.to_string().replace('x', "×")}</span></figcaption>
            <Maps grid pixel label=format!("{}: {}, {}", stage.name, stage.kind, shape) diverging=false values />
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lie_in_a_grid() {
        assert_eq!(Grid::new(6, 28, 28).size(), (57, 86));
        assert_eq!(Grid::new(16, 10, 10).size(), (43, 43));
        assert_eq!(Grid::new(120, 1, 1).size(), (8, 15));
        assert_eq!(Grid::new(10, 1, 1).size(), (1, 10));
    }

    #[test]
    fn values_land_where_they_belong() {
        let grid = Grid { columns: 2, maps: 4, height: 2, width: 2, gap: 1 };
        let mut values = vec![0.0; 16];
        values[4 * 3 + 1] = 1.0; // fourth map, first row, second column
        let rgba = grid.paint(&values, |v| [(v * 255.0) as u8; 3]);
        assert_eq!(grid.size(), (5, 5));
        assert_eq!(rgba[(3 * 5 + 4) * 4], 255);
        assert_eq!(rgba.iter().step_by(4).filter(|&&v| v == 255).count(), 1);
    }
}
