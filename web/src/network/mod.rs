//! The network as a picture: the maps of the image on the pad, stage by stage from input to output.

pub(crate) mod batch_norm;
mod explanation;
mod feature_maps;
mod filter;
pub(crate) mod gradient_norms;
mod grid;
mod inspector;
mod layer;
pub(crate) mod link;
mod pixel_picker;
mod readout;
mod receptive_field;
mod sliding_window;
mod stage;
pub(crate) mod stages;
pub(crate) mod view_state;

use data::mnist::SIDE;
use leptos::prelude::*;

use crate::network::feature_maps::Maps;
use crate::network::filter::FilterPanel;
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::layer::LayerPanel;
use crate::network::link::OpenPanel;
use crate::network::pixel_picker::PixelPicker;
use crate::network::readout::Readout;
use crate::network::stage::{FilterMaps, StageFigure, opener_id};
use crate::runs::store::RunStore;
use crate::ui::focus::{go_to, restore_focus};

/// The panel with the picture, and below it the panel that is open.
#[component]
pub(crate) fn NetworkPanel() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let inspector = Inspector::new();
    provide_context(inspector);
    let view = inspector.view;
    let is_filter_open = Memo::new(move |_| view.open.get() == Some(OpenPanel::Filter));
    // The open stage with its layers: when they change, its panel is built anew.
    let open_stage = Memo::new(move |_| {
        let Some(OpenPanel::Stage(name)) = view.open.get() else { return None };
        let (at, stage) =
            inspector.stages.get().into_iter().enumerate().find(|(_, stage)| stage.name == name)?;
        let layers: Vec<_> = stage.layers().filter_map(|at| inspector.layer(at)).collect();
        Some((at + 1, stage, layers))
    });
    follow_open_panel(view.open);
    view! {
        <section class="panel network" aria-label="Network picture">
            <div class="title">
                <h2>"What the network sees"</h2>
                <span class="source">{move || runs.snapshot_label()}</span>
                <button id="try-filter" class="small" aria-expanded=move || is_filter_open.get().to_string()
                    on:click=move |_| view.toggle(OpenPanel::Filter)>"Try a filter"</button>
            </div>
            <div class="stages">
                <InputFigure />
                <WeightFigures />
                <For each=move || inspector.stages.get().into_iter().enumerate() key=|s| format!("{s:?}") let:numbered>
                    <StageFigure column=numbered.0 + 1 stage=numbered.1 />
                </For>
            </div>
            <Readout />
            <p class="key" aria-hidden="true">
                <span><i class="ramp activation"></i>"activation, 0 to largest of the layer"</span>
                <span><i class="ramp weight"></i>"weight, negative to positive"</span>
            </p>
        </section>
        {move || match open_stage.get() {
            Some((column, stage, _)) => Some(view! { <LayerPanel column stage /> }.into_any()),
            None => is_filter_open.get().then(|| view! { <FilterPanel /> }.into_any()),
        }}
    }
}

/// Moves the focus to a panel that opens, and back to its button when it closes.
fn follow_open_panel(open: RwSignal<Option<OpenPanel>>) {
    Effect::new(move |before: Option<Option<OpenPanel>>| {
        let open = open.get();
        if open.is_some() && before.as_ref() != Some(&open) {
            // On small screens the panel is out of view. In the next frame it is laid out.
            request_animation_frame(|| go_to(".panel.layer h2"));
        } else if let (None, Some(Some(before))) = (&open, before) {
            restore_focus(match before {
                OpenPanel::Stage(name) => format!("#{}", opener_id(&name)),
                OpenPanel::Filter => "#try-filter".to_owned(),
            });
        }
        open
    });
}

/// The image, and below it the kernels of a first convolution, which slide over it.
#[component]
fn InputFigure() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let values = Signal::derive(move || inspector.values(0));
    let grid = Grid::new(1, SIDE, SIDE);
    view! {
        <figure class="stage" prop:style="--width:60">
            <figcaption><b>"Input"</b><span>"28×28"</span><span>"pixels"</span></figcaption>
            <PixelPicker column=0 grid>
                <Maps grid label="Input, 28 by 28 pixels" diverging=false values />
            </PixelPicker>
            <For each=move || inspector.stages_with_filters(false) key=|s| format!("{s:?}") let:stage>
                {
                    let (height, width) = stage.filters.unwrap_or_default();
                    view! {
                        <figcaption class="filters"><b>"Filters"</b><span>{format!("{height}×{width}")}</span></figcaption>
                        <FilterMaps stage columns=2 />
                    }
                }
            </For>
        </figure>
    }
}

/// The weights of a first dense layer, an image for each unit.
#[component]
fn WeightFigures() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    view! {
        <For each=move || inspector.stages_with_filters(true) key=|s| format!("{s:?}") let:stage>
            {
                let (height, width) = stage.filters.unwrap_or_default();
                view! {
                    <figure class="stage" prop:style="--width:420">
                        <figcaption>
                            <b>"Weights"</b>
                            <span>{format!("{}@{height}×{width}", stage.shape.channels)}</span>
                            <span>{format!("of {}", stage.name)}</span>
                        </figcaption>
                        <FilterMaps stage columns=6 />
                    </figure>
                }
            }
        </For>
    }
}
