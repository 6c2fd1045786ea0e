//! A column of the picture: the name of a stage, which opens it, and its maps.

use leptos::prelude::*;

use crate::network::feature_maps::Maps;
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::link::OpenPanel;
use crate::network::pixel_picker::PixelPicker;
use crate::network::stages::Stage;
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::settings::layers::OUTPUT;
use crate::ui::format::{bar, count};

/// The smallest width, in CSS pixels, for the words above maps and above a vector.
const MIN_WIDTH: [usize; 2] = [88, 63];
/// The same for the output.
const OUTPUT_WIDTH: usize = 70;

/// The width, in CSS pixels, that a picture of maps asks for: `columns` values wide, of maps of this height. The stages share the
/// room in proportion to it. At 1440 pixels of page, each value of LeNet's maps gets whole pixels or a little more.
const fn ideal_width(columns: usize, height: usize) -> usize {
    match height {
        16.. => columns * 9 / 4,
        8..16 => columns * 2,
        2..8 => columns * 4,
        _ => columns * 8,
    }
}

/// The id of the button that opens a stage.
pub(super) fn opener_id(stage: &str) -> String {
    format!("open-{stage}")
}

/// A stage with its maps, which are empty while nothing is drawn.
#[component]
pub(super) fn StageFigure(column: usize, stage: Stage) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let view = inspector.view;
    let shape = stage.shape;
    let label = format!("{}: {}, {}", stage.name, stage.kind, shape);
    let is_output = stage.name == OUTPUT;
    let grid = if is_output {
        Grid { gap: 0, ..Grid::with_columns(1, shape.channels, 1, 1) }
    } else {
        Grid::new(shape.channels, shape.height, shape.width)
    };
    let min_width = if is_output { OUTPUT_WIDTH } else { MIN_WIDTH[usize::from(shape.is_vector())] };
    let width = ideal_width(grid.size().0, shape.height).max(min_width);
    let open = OpenPanel::Stage(stage.name.clone());
    let is_open = Memo::new(move |_| view.open.get().as_ref() == Some(&open));
    let toggle = move |_| if is_open.get_untracked() { view.close() } else { inspector.open(column) };
    let maps = if is_output {
        view! { <OutputBars label /> }.into_any()
    } else {
        let values = Signal::derive(move || inspector.values(column));
        view! { <Maps grid label diverging=false values /> }.into_any()
    };
    view! {
        <figure class="stage" class:opened=move || is_open.get() class:vector=shape.is_vector() prop:style=format!("--width:{width}")>
            <figcaption>
                <button class="opener" id=opener_id(&stage.name) aria-expanded=move || is_open.get().to_string() on:click=toggle>
                    <b>{stage.name.clone()}</b>
                    {facts(&stage).into_iter().map(|fact| view! { <span>{fact}</span> }).collect_view()}
                    <span class="parameters">{parameters(&stage)}</span>
                </button>
            </figcaption>
            <PixelPicker column grid>{maps}</PixelPicker>
        </figure>
    }
}

/// The shape and the kind of a stage. A vector's column is narrow and its parameters are many, which needs two lines: its facts
/// share one.
fn facts(stage: &Stage) -> Vec<String> {
    let shape = stage.shape.to_string().replace('x', "×");
    if stage.shape.is_vector() {
        vec![format!("{shape} {}", stage.kind)]
    } else {
        vec![shape, stage.kind.clone()]
    }
}

fn parameters(stage: &Stage) -> String {
    match stage.parameters {
        0 => "no params".to_owned(),
        n => count(n, "param"),
    }
}

/// The filters of a first layer.
#[component]
pub(super) fn FilterMaps(stage: Stage, columns: usize) -> impl IntoView {
    let view = expect_context::<NetworkView>();
    let (height, width) = stage.filters.unwrap_or((1, 1));
    let layer = stage.layer;
    let values = Signal::derive(move || {
        view.with_snapshot(|snapshot| {
            snapshot?.weights.iter().find(|w| w.layer == layer).map(|w| w.values.clone())
        })
    });
    view! {
        <Maps grid=Grid::with_columns(columns, stage.shape.channels, height, width)
            label=format!("The {} filters of {}", stage.shape.channels, stage.name) diverging=true values />
    }
}

/// The ten probabilities as bars in the colours of their classes.
#[component]
fn OutputBars(label: String) -> impl IntoView {
    let probabilities = expect_context::<PadStore>().probabilities;
    view! {
        <div class="output" role="img" aria-label=label>
            {(0..10usize).map(|digit| {
                let probability = move || probabilities.with(|p| p.get(digit).copied().unwrap_or(0.0));
                view! {
                    <span>{digit}</span>
                    <span class="track">
                        <span class="fill" style:background=format!("var(--class-{digit})")
                            style:transform=move || bar(probability())></span>
                    </span>
                }
            }).collect_view()}
        </div>
    }
}
