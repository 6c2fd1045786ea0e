//! A batch normalisation: the values before and after it, and the parameters of each channel.

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;
use trainer::messages::LayerDetail;

use crate::network::inspector::Inspector;
use crate::ui::format::format_number;
use crate::ui::histogram::HistogramView;

/// Histograms before and after the normalisation, and its statistics.
#[component]
pub(super) fn BatchNormStatistics(layer: usize) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let histogram = move |layer: usize| {
        Signal::derive(move || Histogram::of(&inspector.output(layer).unwrap_or_default()))
    };
    let channels = inspector.layer(layer).map_or(0, |layer| layer.output.channels);
    let row = move |name: &'static str, of: fn(&LayerDetail) -> &Vec<f32>| {
        let values = Memo::new(move |_| {
            inspector.with_detail(layer, |detail| detail.map(|d| of(d).clone()).unwrap_or_default())
        });
        let cell = move |channel: usize| {
            move || values.with(|values| values.get(channel).map(|value| format_number(*value)))
        };
        let cells = (0..channels).map(|channel| view! { <td>{cell(channel)}</td> }).collect_view();
        view! { <tr><th scope="row">{name}</th>{cells}</tr> }
    };
    let head = (1..=channels).map(|channel| view! { <th scope="col">{channel}</th> }).collect_view();
    view! {
        <div class="part histograms">
            <HistogramView title="Before batch normalisation" values=histogram(layer - 1) />
            <HistogramView title="After batch normalisation" values=histogram(layer) />
        </div>
        <div class="part scrolls" tabindex="0" role="region" aria-label="Statistics of the batch normalisation">
            <table class="statistics">
                <thead><tr><th scope="col">"Channel"</th>{head}</tr></thead>
                <tbody>
                    {row("Running mean", |d| &d.running_mean)}
                    {row("Running variance", |d| &d.running_variance)}
                    {row("Factor", |d| &d.weights)}
                    {row("Addend", |d| &d.biases)}
                </tbody>
            </table>
        </div>
    }
}
