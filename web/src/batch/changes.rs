//! How far a step moved the weights of each layer, and which of them moved most.

use leptos::prelude::*;
use nn::inspect::weight_changes::WeightChange;
use nn::spec::{LayerSpec, NetworkSpec};
use nn::summary::LayerSummary;

use crate::batch::store::BatchStore;
use crate::client::Client;
use crate::network::stages;
use crate::network::view_state::NetworkView;
use crate::ui::format::{bar, count, format_number, percent, three_digits};

/// The change of a layer's weights in words.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    /// The name of the layer, `C1`.
    name: String,
    /// By how much its weights moved, as a share of their size; none if they were zero.
    share: Option<f32>,
    /// The length of its bar, 0 to 1.
    bar: f32,
    /// The map or unit whose weight moved most.
    out: usize,
    /// Which weight that is, and how it moved.
    most: [String; 2],
}

/// Where weight number `at` of a layer is: the map or unit that it belongs to, from 0, and the place in words.
fn place(layer: &LayerSummary, at: usize) -> Option<(usize, String)> {
    match layer.spec {
        LayerSpec::Conv2d { kernel_size, .. } => {
            let (plane, inputs) = (kernel_size * kernel_size, layer.input.channels);
            let (out, input) = (at / plane / inputs, at / plane % inputs);
            let (row, column) = (at % plane / kernel_size + 1, at % kernel_size + 1);
            let from = if inputs > 1 { format!(" on map {}", input + 1) } else { String::new() };
            Some((out, format!("filter {}{from}, row {row}, column {column}", out + 1)))
        }
        LayerSpec::Linear { .. } => {
            let (out, input) = (at / layer.input.len(), at % layer.input.len());
            Some((out, format!("unit {}, weight of input {}", out + 1, input + 1)))
        }
        _ => None,
    }
}

/// The changes of a network's layers.
fn in_words(network: &NetworkSpec, changes: &[WeightChange]) -> Vec<Change> {
    let layers = network.summary().unwrap_or_default();
    let stages = stages::of(network);
    let share = |change: &WeightChange| (change.weights > 0.0).then(|| change.change / change.weights);
    let most = changes.iter().filter_map(share).fold(0.0, f32::max);
    let words = changes.iter().filter_map(|change| {
        let (out, place) = place(layers.get(change.layer)?, change.at)?;
        let share = share(change);
        Some(Change {
            name: stages.iter().find(|stage| stage.layer == change.layer)?.name.clone(),
            share,
            bar: share.map_or(0.0, |share| if most > 0.0 { share / most } else { 0.0 }),
            out,
            most: most_in_words(change, place),
        })
    });
    words.collect()
}

/// The weight that moved most, and by how much. Among equals there is none.
fn most_in_words(change: &WeightChange, place: String) -> [String; 2] {
    let by = change.after - change.before;
    let far = three_digits(by.abs());
    if by == 0.0 {
        return ["no weight".to_owned(), String::new()];
    }
    if change.as_far > 1 {
        return [count(change.as_far, "weight"), format!("by {far} each")];
    }
    let sign = if by < 0.0 { '−' } else { '+' };
    [place, format!("{} {sign} {far}", format_number(change.before))]
}

/// A button for each layer with weights, which opens it.
#[component]
pub(super) fn Changes() -> impl IntoView {
    let report = expect_context::<BatchStore>().report;
    let client = expect_context::<Client>();
    let changes = Memo::new(move |_| {
        client.network.with(|network| {
            report.with(|report| match (network, report) {
                (Some(network), Some(report)) => in_words(network, &report.changes),
                _ => Vec::new(),
            })
        })
    });
    let layers = Memo::new(move |_| changes.with(Vec::len));
    view! {
        <p class="moved" id="moved">"How far the step moved the weights of each layer, as a share of their size, and the one that moved most"</p>
        <ul class="changes" aria-labelledby="moved">
            <For each=move || 0..layers.get() key=|at| *at let:at>
                <Layer change=Memo::new(move |_| changes.with(|changes| changes.get(at).cloned())) />
            </For>
        </ul>
    }
}

#[component]
fn Layer(change: Memo<Option<Change>>) -> impl IntoView {
    let view = expect_context::<NetworkView>();
    let share =
        move || change.with(|c| c.as_ref().map(|c| c.share.map_or("—".to_owned(), |s| percent(s, 1))));
    let open = move |_| {
        if let Some(Change { name, out, .. }) = change.get_untracked() {
            view.open_stage(name, out);
        }
    };
    view! {
        <li>
            <button class="small" on:click=open title="Opens the layer">
                <b><span class="visually-hidden">"Weights of "</span>{move || change.with(|c| c.as_ref().map(|c| c.name.clone()))}</b>
                <span class="visually-hidden">" moved by "</span>
                <span class="share">{share}</span>
                <span class="track"><span class="fill" style:transform=move || bar(change.with(|c| c.as_ref().map_or(0.0, |c| c.bar)))></span></span>
                <small>
                    <span class="visually-hidden">" most of all "</span>
                    {move || change.get().map(|c| c.most[0].clone())}<br />
                    {move || change.get().map(|c| c.most[1].clone())}
                </small>
            </button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn each_weight_has_its_place() {
        let layers = Preset::LeNet5.network().summary().unwrap();
        let full = |layer: usize, at: usize| place(&layers[layer], at);
        assert_eq!(full(0, 0), Some((0, "filter 1, row 1, column 1".into())));
        assert_eq!(full(0, 25 * 5 + 7), Some((5, "filter 6, row 2, column 3".into())));
        // C3: 16 filters of 6 maps.
        assert_eq!(full(3, (2 * 6 + 4) * 25 + 24), Some((2, "filter 3 on map 5, row 5, column 5".into())));
        let dense = layers.iter().position(|layer| matches!(layer.spec, LayerSpec::Linear { .. })).unwrap();
        assert_eq!(full(dense, 400 * 3 + 12), Some((3, "unit 4, weight of input 13".into())));
        assert_eq!(full(1, 0), None, "an activation has no weights");
    }

    #[test]
    fn the_weight_that_moved_most_is_named_unless_others_moved_as_far() {
        let change =
            WeightChange { layer: 0, weights: 0.5, change: 0.1, at: 7, before: 0.5, after: 0.375, as_far: 1 };
        let place = || "filter 1, row 2, column 3".to_owned();
        assert_eq!(most_in_words(&change, place()), ["filter 1, row 2, column 3", "0.50 − 0.125"]);
        let equals = WeightChange { as_far: 1_500, ..change };
        assert_eq!(most_in_words(&equals, place()), ["1,500 weights", "by 0.125 each"]);
        let still = WeightChange { after: 0.5, ..change };
        assert_eq!(most_in_words(&still, place())[0], "no weight");
    }

    #[test]
    fn changes_are_shares_of_the_weights() {
        let change = |layer, weights, change| WeightChange {
            layer,
            weights,
            change,
            at: 7,
            before: 0.5,
            after: -0.25,
            as_far: 1,
        };
        let network = Preset::LeNet5.network();
        let words = in_words(&network, &[change(0, 0.5, 0.05), change(3, 0.25, 0.05), change(7, 0.0, 0.1)]);
        let names: Vec<_> = words.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["C1", "C3", "F5"]);
        assert_eq!(words.iter().map(|change| change.share).collect::<Vec<_>>(), [Some(0.1), Some(0.2), None]);
        assert_eq!(words.iter().map(|change| change.bar).collect::<Vec<_>>(), [0.5, 1.0, 0.0]);
        assert_eq!(words[0].most[1], "0.50 − 0.750");
    }
}
