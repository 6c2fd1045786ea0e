//! A column of the picture: the name of a stage, which opens it, and its maps.

use leptos::prelude::*;
use nn::spec::Shape;

use crate::network::feature_maps::Maps;
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::link::OpenPanel;
use crate::network::picture_layout::Picture;
use crate::network::pixel_picker::PixelPicker;
use crate::network::stages::Stage;
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::settings::layers::OUTPUT;
use crate::ui::format::{bar, count, percent, thousands};

/// The height of the bar of the layer with the most parameters, in CSS pixels.
const MAX_BAR: f64 = 34.0;

/// The id of the button that opens a stage.
pub(super) fn opener_id(stage: &str) -> String {
    format!("open-{stage}")
}

/// A stage with its maps, which are empty while nothing is drawn.
#[component]
pub(super) fn StageFigure(column: usize, stage: Stage) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let view = inspector.view;
    let picture = expect_context::<Picture>();
    let shape = stage.shape;
    let label = format!("{}: {}, {}", stage.name, stage.kind, shape);
    let is_output = stage.name == OUTPUT;
    let grid = stage.grid();
    let open = OpenPanel::Stage(stage.name.clone());
    let is_open = Memo::new(move |_| view.open.get().as_ref() == Some(&open));
    let toggle = move |_| if is_open.get_untracked() { view.close() } else { inspector.open(column) };
    let changed = move || {
        let share = inspector.changed(column);
        share.map(|share| format!(", {} of its values changed", percent(share, 0)))
    };
    let maps = if is_output {
        view! { <OutputBars label /> }.into_any()
    } else {
        let values = Signal::derive(move || picture.shown(|| inspector.values(column)));
        view! { <Maps grid label diverging=false values /> }.into_any()
    };
    view! {
        <figure class="stage" class:opened=move || is_open.get() class:vector=shape.is_vector() prop:style=move || picture.style(picture.column(column))>
            <figcaption>
                <button class="opener" id=opener_id(&stage.name) aria-expanded=move || is_open.get().to_string() on:click=toggle>
                    <b>{stage.name.clone()}</b>
                    <span class="shape">{shape_in_words(stage.shape)}</span>
                    <span>{stage.kind.clone()}</span>
                    <span class="visually-hidden">{parameters_in_words(stage.parameters)}{changed}</span>
                </button>
            </figcaption>
            <div class="area"><PixelPicker column grid>{maps}</PixelPicker></div>
            <Foot column parameters=stage.parameters />
        </figure>
    }
}

/// A shape, as in 6@28×28. Where it is too long for a line, it breaks behind the @.
fn shape_in_words(shape: Shape) -> impl IntoView {
    let words = shape.to_string().replace('x', "×");
    let (maps, plane) = match words.split_once('@') {
        Some((maps, plane)) => (format!("{maps}@"), plane.to_owned()),
        None => (String::new(), words),
    };
    view! { {maps}<wbr />{plane} }
}

fn parameters_in_words(parameters: usize) -> String {
    if parameters == 0 { "no parameters".to_owned() } else { count(parameters, "parameter") }
}

/// The number of parameters of a stage, with a bar to the scale of the whole network; while the digit is moved or turned, how
/// many of its values changed.
#[component]
fn Foot(column: usize, parameters: usize) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let most = move || inspector.stages.with(|stages| stages.iter().map(|stage| stage.parameters).max());
    let changed = Memo::new(move |_| inspector.changed(column));
    let height = move || {
        let share =
            changed.get().map_or_else(|| parameters as f64 / most().unwrap_or(1).max(1) as f64, f64::from);
        // One pixel is the least that is seen.
        if share > 0.0 { (MAX_BAR * share).max(1.0) } else { 0.0 }
    };
    let words = move || changed.get().map_or_else(|| thousands(parameters), |share| percent(share, 0));
    view! {
        <p class="parameters" class:changed=move || changed.get().is_some() aria-hidden="true">
            <i prop:style=move || format!("height:{:.1}px", height())></i>
            {words}
        </p>
    }
}

/// The filters of a first layer.
#[component]
pub(super) fn FilterMaps(stage: Stage, columns: usize) -> impl IntoView {
    let view = expect_context::<NetworkView>();
    let picture = expect_context::<Picture>();
    let grid = stage.filter_grid(columns).unwrap_or(Grid::with_columns(columns, 1, 1, 1));
    let layer = stage.layer;
    let weights = move || {
        view.with_snapshot(|snapshot| {
            snapshot?.weights.iter().find(|w| w.layer == layer).map(|w| w.values.clone())
        })
    };
    let values = Signal::derive(move || picture.shown(weights));
    view! {
        <Maps grid
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
