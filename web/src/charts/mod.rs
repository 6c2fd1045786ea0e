//! The charts: curves of loss and accuracy over epochs or, of a range test, over learning rates, of the present run and of the others.

mod axis;
mod chart;
mod csv;
mod draw;
mod export;
mod frame;
pub(crate) mod link;
mod overlay;
mod plot;
mod range_test;
mod surface;
mod toolbar;
pub(crate) mod view_state;
mod x_axis;
mod zoom;

use leptos::prelude::*;

use crate::charts::chart::Chart;
use crate::charts::link::ChartsLink;
use crate::charts::plot::Plot;
use crate::charts::toolbar::Toolbar;
use crate::charts::view_state::ChartsView;
use crate::runs::record::Measure;
use crate::settings::fold::{Fold, FoldHeading, Folded};
use crate::settings::presentation::Section;

/// The panel with the toolbar and both charts.
#[component]
pub(crate) fn ChartsPanel() -> impl IntoView {
    let charts = expect_context::<ChartsView>();
    let [loss, accuracy] =
        [Measure::Loss, Measure::Accuracy].map(|measure| Memo::new(move |_| charts.plot(measure)));
    let steepest = Memo::new(move |_| loss.with(Plot::steepest_in_words));
    let fold = Fold::unless(Section::Curves, move || charts.linked() != ChartsLink::default());
    view! {
        <section class="panel charts" aria-label="Curves">
            {move || fold.is_foldable().then(|| view! { <h2><FoldHeading fold words="Curves" /></h2> })}
            <Folded fold>
                <Toolbar />
                <Chart measure=Measure::Loss plot=loss />
                <Chart measure=Measure::Accuracy plot=accuracy />
                {move || steepest.get().map(|words| view! { <p class="steepest" translate="no">{words}</p> })}
            </Folded>
        </section>
    }
}
