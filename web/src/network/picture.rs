//! The picture: the image on the pad, and beside it the maps of each stage, as large as the window allows.

use leptos::html;
use leptos::prelude::*;

use crate::network::feature_maps::Maps;
use crate::network::inspector::Inspector;
use crate::network::layout::Layout;
use crate::network::picture_layout::Picture;
use crate::network::pixel_picker::PixelPicker;
use crate::network::stage::{FilterMaps, StageFigure};
use crate::network::stages::{self, Stage};
use crate::network::wires::Wires;
use crate::ui::format::{count, percent};

/// All columns and the lines between them.
#[component]
pub(super) fn NetworkPicture() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let host = NodeRef::<html::Div>::new();
    let picture = Picture::new(inspector, host);
    provide_context(picture);
    let Picture { layout, is_strip, is_tabs } = picture;
    let style = move || layout.with(|layout| format!("--gap:{}px", layout.gap));
    view! {
        <div class="stages" class:row=move || layout.with(|layout| layout.is_row)
            class:strip=move || is_strip.get() class:tabs=move || is_tabs.get() node_ref=host prop:style=style>
            <InputFigure layout />
            <WeightFigures />
            <For each=move || inspector.stages.get().into_iter().enumerate() key=|s| format!("{s:?}") let:numbered>
                <StageFigure column=numbered.0 + 1 stage=numbered.1 />
            </For>
        </div>
    }
}

/// The image, and below it the kernels of a first convolution, which slide over it.
#[component]
fn InputFigure(layout: Memo<Layout>) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let picture = expect_context::<Picture>();
    let values = Signal::derive(move || picture.shown(|| inspector.values(0)));
    let grid = stages::image_grid();
    let network = inspector.view.network;
    let filtered = Memo::new(move |_| {
        let filters = picture.column(0)?.filters?;
        Some((inspector.stages_with_filters(false).into_iter().next()?, filters.grid.columns))
    });
    let foot = move || match inspector.changed(0) {
        Some(share) => format!("{} of the values changed", percent(share, 0)),
        None => format!("{} in all", network.with(|network| count(network.parameters(), "parameter"))),
    };
    view! {
        <figure class="stage" prop:style=move || picture.style(picture.column(0))>
            <figcaption>
                <b>"Input"</b>
                <span>{move || if inspector.pixel_order().is_some() { "28×28, shuffled" } else { "28×28" }}</span>
            </figcaption>
            <div class="area">
                <Wires layout />
                <PixelPicker column=0 grid>
                    <Maps grid label="Input, 28 by 28 pixels" diverging=false values />
                </PixelPicker>
                <For each=move || filtered.get() key=|filters| format!("{filters:?}") let:filters>
                    <Filters stage=filters.0 columns=filters.1 />
                </For>
            </div>
            <p class="parameters">{foot}</p>
        </figure>
    }
}

/// The filters of a first convolution, each as large as fits under the image.
#[component]
fn Filters(stage: Stage, columns: usize) -> impl IntoView {
    let picture = expect_context::<Picture>();
    let (height, width) = stage.filters.unwrap_or_default();
    let style = move || picture.column(0).and_then(|image| Some(format!("--side:{}px", image.filters?.side)));
    view! {
        <div class="filters" prop:style=style>
            <p><b>"Filters"</b>" "<span>{format!("{height}×{width}")}</span></p>
            <FilterMaps stage columns />
        </div>
    }
}

/// The weights of a first dense layer, an image for each unit.
#[component]
fn WeightFigures() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let picture = expect_context::<Picture>();
    view! {
        <For each=move || inspector.stages_with_filters(true) key=|s| format!("{s:?}") let:stage>
            {
                let (height, width) = stage.filters.unwrap_or_default();
                view! {
                    <figure class="stage" prop:style=move || picture.style(picture.weights())>
                        <figcaption>
                            <b>"Weights"</b>
                            <span>{format!("{}@{height}×{width} of {}", stage.shape.channels, stage.name)}</span>
                        </figcaption>
                        <div class="area"><FilterMaps stage columns=stages::WEIGHT_COLUMNS /></div>
                        <p class="parameters"></p>
                    </figure>
                }
            }
        </For>
    }
}
