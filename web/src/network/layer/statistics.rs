//! A batch normalisation: the values of a batch before and after it, and the parameters of each channel.

use leptos::prelude::*;
use nn::inspect::batch_statistics::ChannelStatistics;
use nn::inspect::histogram::Histogram;
use trainer::messages::{BATCH_IMAGES, LayerDetail};

use crate::network::inspector::Inspector;
use crate::network::lens::NumberMenu;
use crate::ui::format::format_number;
use crate::ui::histogram::HistogramView;

/// Histograms of one channel of a batch before and after the normalisation, and the statistics of all channels.
#[component]
pub(super) fn BatchNormStatistics(layer: usize) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let channels = inspector.layer(layer).map_or(0, |layer| layer.output.channels);
    let map = inspector.view.map;
    let channel = Memo::new(move |_| map.get().min(channels.saturating_sub(1)));
    let batch = Memo::new(move |_| {
        inspector.view.with_snapshot(|snapshot| {
            let batches = snapshot.map_or(&[][..], |snapshot| &snapshot.batches);
            batches.iter().find(|batch| batch.layer == layer).map(|batch| batch.channels.clone())
        })
    });
    let histogram = move |of: fn(&ChannelStatistics) -> &Histogram| {
        let of_chosen = move |batch: &Vec<ChannelStatistics>| batch.get(channel.get()).map(|c| of(c).clone());
        Signal::derive(move || batch.with(|batch| batch.as_ref().and_then(of_chosen)).unwrap_or_default())
    };
    let detail = move |of: fn(&LayerDetail) -> &Vec<f32>| {
        Memo::new(move |_| {
            inspector.with_detail(layer, |detail| detail.map(|d| of(d).clone()).unwrap_or_default())
        })
    };
    let of_batch = move |of: fn(&ChannelStatistics) -> f32| {
        Memo::new(move |_| batch.with(|batch| batch.iter().flatten().map(of).collect::<Vec<f32>>()))
    };
    let row = move |name: &'static str, values: Memo<Vec<f32>>| {
        let cell = move |channel: usize| {
            move || values.with(|values| values.get(channel).map(|value| format_number(*value)))
        };
        let cells = (0..channels).map(|channel| view! { <td>{cell(channel)}</td> }).collect_view();
        view! { <tr><th scope="row">{name}</th>{cells}</tr> }
    };
    let head = (1..=channels).map(|channel| view! { <th scope="col">{channel}</th> }).collect_view();
    let what = move || {
        if batch.with(Option::is_some) {
            format!(
                " of {channels}, over {BATCH_IMAGES} test images: this layer normalises them as one batch, as in training; layers before it read as the network does"
            )
        } else {
            format!(" of {channels}: comes with the first {BATCH_IMAGES} test images")
        }
    };
    view! {
        <figure class="part wide">
            <figcaption><b>"Batch normalisation, channel "{move || channel.get() + 1}</b>{what}</figcaption>
            <div class="knobs">
                {(channels > 1).then(|| view! {
                    <NumberMenu name="Channel" numbers=(0..channels).collect() first=1 now=channel choose=move |n| map.set(n) />
                })}
            </div>
            <div class="histograms">
                <HistogramView title="Before batch normalisation" values=histogram(|c| &c.before) />
                <HistogramView title="After batch normalisation" values=histogram(|c| &c.after) />
            </div>
        </figure>
        <div class="part scrolls" tabindex="0" role="region" aria-label="Statistics of the batch normalisation">
            <table class="statistics">
                <thead><tr><th scope="col">"Channel"</th>{head}</tr></thead>
                <tbody>
                    {row("Mean of the batch", of_batch(|c| c.mean))}
                    {row("Variance of the batch", of_batch(|c| c.variance))}
                    {row("Running mean", detail(|d| &d.running_mean))}
                    {row("Running variance", detail(|d| &d.running_variance))}
                    {row("Factor", detail(|d| &d.weights))}
                    {row("Addend", detail(|d| &d.biases))}
                </tbody>
            </table>
        </div>
    }
}
