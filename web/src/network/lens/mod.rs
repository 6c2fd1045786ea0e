//! The Lens: how a layer computes one of its values, large, in the place of the picture.

mod cells;
mod controls;
mod dense;
mod model;
mod movable;
mod slide;
pub(crate) mod trial;
mod window;

use leptos::prelude::*;
use nn::spec::LayerSpec;
use nn::summary::LayerSummary;

pub(super) use crate::network::lens::controls::NumberMenu;
use crate::network::lens::dense::DenseView;
use crate::network::lens::window::WindowView;
use crate::network::stages::Stage;

/// The Lens on the layer of a stage in a column.
#[component]
pub(crate) fn Lens(column: usize, stage: Stage, layer: LayerSummary) -> impl IntoView {
    if matches!(layer.spec, LayerSpec::Linear { .. }) {
        view! { <DenseView column stage layer /> }.into_any()
    } else {
        view! { <WindowView column stage layer /> }.into_any()
    }
}
