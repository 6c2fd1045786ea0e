//! The charts: curves of loss and accuracy over epochs, of the present run and of the others.

mod axis;
mod chart;
mod csv;
mod draw;
mod export;
mod frame;
pub(crate) mod link;
mod overlay;
mod plot;
mod surface;
mod toolbar;
pub(crate) mod view_state;
mod zoom;

use leptos::prelude::*;

use crate::charts::chart::Chart;
use crate::charts::toolbar::Toolbar;
use crate::runs::record::Measure;

/// The panel with the toolbar and both charts.
#[component]
pub(crate) fn ChartsPanel() -> impl IntoView {
    view! {
        <section class="panel charts" aria-label="Curves">
            <Toolbar />
            <Chart measure=Measure::Loss />
            <Chart measure=Measure::Accuracy />
        </section>
    }
}
