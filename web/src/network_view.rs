//! The network as a picture: every map of the image that is shown, from input to output.

use leptos::html;
use leptos::prelude::*;
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
            maps.div_ceil(20)
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
    fn paint(&self, values: &[f32], color: impl Fn(f32) -> [u8; 4]) -> Vec<u8> {
        let (width, height) = self.size();
        let mut rgba = vec![0; width * height * 4];
        for (at, value) in values.iter().enumerate().take(self.maps * self.height * self.width) {
            let (map, y, x) =
                (at / (self.height * self.width), at / self.width % self.height, at % self.width);
            let row = map / self.columns * (self.height + self.gap) + y;
            let column = map % self.columns * (self.width + self.gap) + x;
            rgba[(row * width + column) * 4..][..4].copy_from_slice(&color(*value));
        }
        rgba
    }
}

/// A canvas of maps. `values` gives nothing while there is nothing to show: then the maps are pale and dashed.
#[component]
fn Maps(
    grid: Grid,
    /// What is seen, for those who do not see it.
    #[prop(into)]
    label: String,
    /// Whether values diverge around zero (weights) or rise from it (activations).
    diverging: bool,
    values: Signal<Option<Vec<f32>>>,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let (width, height) = grid.size();
    let empty = Memo::new(move |_| values.with(Option::is_none));
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let rgba = values.with(|values| {
            let Some(values) = values else {
                return grid.paint(&vec![0.0; grid.maps * grid.height * grid.width], |_| [128, 128, 128, 40]);
            };
            let largest = values.iter().fold(1e-9f32, |m, v| m.max(v.abs()));
            let opaque = |[r, g, b]: [u8; 3]| [r, g, b, 255];
            if diverging {
                grid.paint(values, |v| opaque(colors::weight(v / largest)))
            } else {
                grid.paint(values, |v| opaque(colors::activation(v / largest)))
            }
        });
        put(&canvas, &rgba, width);
    });
    view! {
        <canvas node_ref=canvas class="maps" class:empty=empty role="img" aria-label=label width=width.to_string()
            height=height.to_string() style=format!("--pixels:{width}")></canvas>
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

/// CSS pixels that one value of a map of this height asks for; a stage gets its share of the room by it.
const fn ideal_pixel(height: usize) -> usize {
    match height {
        8.. => 3,
        2..8 => 4,
        _ => 8,
    }
}

/// A figure as wide as `width` CSS pixels ask for among the others.
fn figure(width: usize, name: String, shape: String, kind: String, maps: impl IntoView) -> impl IntoView {
    view! {
        <figure class="stage" style=format!("--width:{width}")>
            <figcaption><b>{name}</b><span>{shape}</span><span>{kind}</span></figcaption>
            {maps}
        </figure>
    }
}

/// Names, shapes and maps of all stages.
#[component]
pub(crate) fn NetworkView() -> impl IntoView {
    let state = expect_context::<State>();
    let stages = Memo::new(move |_| stages::of(&state.network.get()));
    let input = Signal::derive(move || state.image.get().map(|i| i.iter().map(|&b| f32::from(b)).collect()));
    let filtered = move |dense: bool| {
        let mut stages = stages.get();
        stages.retain(|s| s.filters.is_some() && s.shape.is_vector() == dense);
        stages
    };
    let input_view = view! {
        <Maps grid=Grid::new(1, 28, 28) label="Input, 28 by 28 pixels" diverging=false values=input />
        // Kernels are small: they lie under the input, which they slide over.
        <For each=move || filtered(false) key=|s| format!("{s:?}") let:stage>
            {
                let (height, width) = stage.filters.unwrap_or_default();
                view! {
                    <figcaption class="filters"><b>"Filters"</b><span>{format!("{height}×{width}")}</span></figcaption>
                    <Filters stage columns=2 />
                }
            }
        </For>
    };
    view! {
        <section class="panel network" aria-label="Network picture">
            <div class="title"><h2>"What the network sees"</h2><span class="source">{move || state.source()}</span></div>
            <div class="stages">
                {figure(56, "Input".into(), "28×28".into(), "pixels".into(), input_view)}
                <For each=move || filtered(true) key=|s| format!("{s:?}") let:stage>
                    {
                        let (height, width) = stage.filters.unwrap_or_default();
                        let shape = format!("{}@{height}×{width}", stage.shape.channels);
                        figure(420, "Weights".into(), shape, format!("of {}", stage.name), view! { <Filters stage columns=6 /> })
                    }
                </For>
                <For each=move || stages.get() key=|s| format!("{s:?}") let:stage>
                    <StageView stage />
                </For>
            </div>
            <p class="key" aria-hidden="true">
                <span><i class="ramp activation"></i>"activation, 0 to largest of the layer"</span>
                <span><i class="ramp weight"></i>"weight, negative to positive"</span>
            </p>
        </section>
    }
}

/// The filters of the first layer.
#[component]
fn Filters(stage: Stage, columns: usize) -> impl IntoView {
    let state = expect_context::<State>();
    let (height, width) = stage.filters.unwrap_or((1, 1));
    let layer = stage.layer;
    let values = Signal::derive(move || {
        state.snapshot.with(|snapshot| {
            snapshot.as_ref()?.weights.iter().find(|w| w.layer == layer).map(|w| w.values.clone())
        })
    });
    view! {
        <Maps grid=Grid { columns, ..Grid::new(stage.shape.channels, height, width) }
            label=format!("The {} filters of {}", stage.shape.channels, stage.name) diverging=true values />
    }
}

/// One stage and its maps; nothing in them while nothing is drawn.
#[component]
fn StageView(stage: Stage) -> impl IntoView {
    let state = expect_context::<State>();
    let shape = stage.shape;
    let text = shape.to_string().replace('x', "×");
    let label = format!("{}: {}, {}", stage.name, stage.kind, shape);
    if stage.name == "Output" {
        return figure(64, stage.name, text, stage.kind, view! { <Output label /> }).into_any();
    }
    let values = Signal::derive(move || {
        state.image.with(Option::is_some).then_some(())?;
        state.snapshot.with(|snapshot| {
            snapshot.as_ref()?.activations.iter().find(|a| a.layer == stage.shown).map(|a| a.values.clone())
        })
    });
    let grid = Grid::new(shape.channels, shape.height, shape.width);
    let width = (grid.size().0 * ideal_pixel(shape.height)).max(40);
    figure(width, stage.name, text, stage.kind, view! { <Maps grid label diverging=false values /> })
        .into_any()
}

/// The ten probabilities as bars in the colours of their classes.
#[component]
fn Output(label: String) -> impl IntoView {
    let state = expect_context::<State>();
    let probabilities = state.probabilities();
    view! {
        <div class="output" role="img" aria-label=label>
            {(0..10usize).map(|digit| {
                let share = move || probabilities.with(|p| p.get(digit).copied().unwrap_or(0.0));
                view! {
                    <span>{digit}</span>
                    <span class="track">
                        <span class="fill" style:background=format!("var(--class-{digit})")
                            style:transform=move || format!("scaleX({:.3})", share())></span>
                    </span>
                }
            }).collect_view()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lie_in_a_grid() {
        assert_eq!(Grid::new(6, 28, 28).size(), (57, 86));
        assert_eq!(Grid::new(16, 10, 10).size(), (43, 43));
        assert_eq!(Grid::new(120, 1, 1).size(), (6, 20));
        assert_eq!(Grid::new(10, 1, 1).size(), (1, 10));
    }

    #[test]
    fn values_land_where_they_belong() {
        let grid = Grid { columns: 2, maps: 4, height: 2, width: 2, gap: 1 };
        let mut values = vec![0.0; 16];
        values[4 * 3 + 1] = 1.0; // fourth map, first row, second column
        let rgba = grid.paint(&values, |v| [(v * 255.0) as u8; 4]);
        assert_eq!(grid.size(), (5, 5));
        assert_eq!(rgba[(3 * 5 + 4) * 4], 255);
        assert_eq!(rgba.iter().step_by(4).filter(|&&v| v == 255).count(), 1);
    }
}
