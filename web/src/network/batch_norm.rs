//! Batch normalisation, layer by layer: the distribution of the values of the image before and after it.

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;

use crate::network::stages;
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::settings::fold::{Fold, FoldHeading, Folded};
use crate::settings::layers;
use crate::settings::presentation::Section;
use crate::ui::format::format_number;
use crate::ui::histogram::Bars;

/// The values before and after a layer.
type Pair = [Vec<f32>; 2];

/// The panel; nothing if the network has no batch normalisation.
#[component]
pub(crate) fn BatchNormPanel() -> impl IntoView {
    let network = expect_context::<NetworkView>().network;
    let pad = expect_context::<PadStore>();
    // The index of each batch normalisation, and the name of the layer whose output it normalises.
    let batch_norms = Memo::new(move |_| {
        network.with(|network| {
            let names = layers::names(&network.layers);
            let name = |at: usize| {
                let before = names[..at].iter().rev().find(|name| !name.is_empty());
                (at, before.cloned().unwrap_or_else(|| "Input".to_owned()))
            };
            stages::batch_norms(network).map(name).collect::<Vec<_>>()
        })
    });
    let has_some = Memo::new(move |_| batch_norms.with(|batch_norms| !batch_norms.is_empty()));
    let is_drawn = Memo::new(move |_| pad.image.with(Option::is_some));
    let fold = Fold::new(Section::BatchNorm);
    view! {
        <Show when=move || has_some.get()>
            <section class="panel sizes" aria-label="Batch normalisation, layer by layer">
                <div class="title">
                    <h2><FoldHeading fold words="Batch normalisation" /></h2>
                    <p class="source">"the values of your digit before and after it, on one scale"</p>
                </div>
                <Folded fold>
                    <Show when=move || is_drawn.get()
                        fallback=|| view! { <p class="hint">"Draw a digit: here you will see how its values lie before and after."</p> }>
                        <table aria-label="Before and after batch normalisation">
                            <thead><tr>
                                <th scope="col">"Layer"</th>
                                <th scope="col" colspan="2">"Before: mean, deviation"</th>
                                <th scope="col" colspan="2">"After"</th>
                            </tr></thead>
                            <tbody>
                                <For each=move || batch_norms.get() key=|batch_norm| batch_norm.clone() let:batch_norm>
                                    <BatchNormRow at=batch_norm.0 name=batch_norm.1 />
                                </For>
                            </tbody>
                        </table>
                        <p class="hint">
                            "Before it, layers give values of any size, often more to one side of 0. After it they lie around 0, about 1 wide, until training finds a factor and an addend that suit better."
                        </p>
                    </Show>
                </Folded>
            </section>
        </Show>
    }
}

/// The row of a batch normalisation.
#[component]
fn BatchNormRow(at: usize, name: String) -> impl IntoView {
    let (pad, view) = (expect_context::<PadStore>(), expect_context::<NetworkView>());
    let pair = Memo::new(move |_| -> Option<Pair> {
        let image = pad.pixels()?;
        let before = at.checked_sub(1).map_or(Some(image), |before| view.output(before));
        Some([before?, view.output(at)?])
    });
    let histograms =
        Memo::new(move |_| pair.with(|pair| pair.as_ref().map(on_one_scale)).unwrap_or_default());
    let words = move |which: usize| {
        move || {
            pair.with(|pair| {
                let (mean, deviation) = mean_and_deviation(&pair.as_ref()?[which])?;
                Some(format!("{}, {}", format_number(mean), format_number(deviation)))
            })
        }
    };
    let bars = |which: usize, when: &str| {
        let values = Memo::new(move |_| histograms.with(|pair| pair[which].clone()));
        view! { <td class="spread"><Bars title=format!("{name}, {when}") values /></td> }
    };
    view! {
        <tr>
            <th scope="row">{name.clone()}</th>
            {bars(0, "before")}
            <td class="number">{words(0)}</td>
            {bars(1, "after")}
            <td class="number">{words(1)}</td>
        </tr>
    }
}

/// The histograms of both on one scale, which shows what became narrower and what moved.
fn on_one_scale(pair: &Pair) -> [Histogram; 2] {
    let reach = pair.each_ref().map(|values| Histogram::of(values).reach);
    pair.each_ref().map(|values| Histogram::within(reach[0].max(reach[1]), values))
}

/// The mean and the standard deviation of values; none if there are no values.
fn mean_and_deviation(values: &[f32]) -> Option<(f32, f32)> {
    let n = values.len() as f32;
    let mean = values.iter().sum::<f32>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / n;
    (!values.is_empty()).then(|| (mean, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_histograms_have_the_scale_of_the_wider_one() {
        let [before, after] = on_one_scale(&[vec![0.0, 4.0], vec![-1.0, 1.0]]);
        assert_eq!((before.reach, after.reach), (4.0, 4.0));
        assert_eq!(after.counts.iter().sum::<u32>(), 2);
        assert_eq!(on_one_scale(&[Vec::new(), Vec::new()]), [Histogram::default(), Histogram::default()]);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_population() {
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), Some((2.0, 1.0)));
        assert_eq!(mean_and_deviation(&[]), None);
    }
}
