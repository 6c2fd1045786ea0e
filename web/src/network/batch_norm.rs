//! What batch normalisation does, layer by layer: how the values of the image that is shown lie before and after it.

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;

use crate::client::State;
use crate::network::explanation::number;
use crate::network::stages;
use crate::settings::layers;
use crate::ui::histogram::Bars;

/// The values before and after a layer.
type Pair = [Vec<f32>; 2];

/// The panel; nothing while nothing is normalised.
#[component]
pub(crate) fn NormsView() -> impl IntoView {
    let state = expect_context::<State>();
    // Where the layers are, and the names of those that they belong to.
    let norms = Memo::new(move |_| {
        state.network.with(|network| {
            let names = layers::names(&network.layers);
            let name = |at: usize| {
                let before = names[..at].iter().rev().find(|name| !name.is_empty());
                (at, before.cloned().unwrap_or_else(|| "Input".to_owned()))
            };
            stages::norms(network).map(name).collect::<Vec<_>>()
        })
    });
    let some = Memo::new(move |_| norms.with(|norms| !norms.is_empty()));
    let drawn = Memo::new(move |_| state.image.with(Option::is_some));
    view! {
        <Show when=move || some.get()>
            <section class="panel sizes" aria-label="Batch normalisation, layer by layer">
                <div class="title">
                    <h2>"Batch normalisation"</h2>
                    <p class="source">"the values of your digit before and after it, on one scale"</p>
                </div>
                <Show when=move || drawn.get()
                    fallback=|| view! { <p class="hint">"Draw a digit: here you will see how its values lie before and after."</p> }>
                    <table aria-label="Before and after batch normalisation">
                        <thead><tr>
                            <th scope="col">"Layer"</th>
                            <th scope="col" colspan="2">"Before: mean, deviation"</th>
                            <th scope="col" colspan="2">"After"</th>
                        </tr></thead>
                        <tbody>
                            <For each=move || norms.get() key=|norm| norm.clone() let:norm>
                                <Line at=norm.0 name=norm.1 />
                            </For>
                        </tbody>
                    </table>
                    <p class="hint">
                        "Before it, layers give values of any size, often more to one side of 0. After it they lie around 0, about 1 wide, until training finds a factor and an addend that suit better."
                    </p>
                </Show>
            </section>
        </Show>
    }
}

/// One layer in the table.
#[component]
fn Line(at: usize, name: String) -> impl IntoView {
    let state = expect_context::<State>();
    let pair = Memo::new(move |_| -> Option<Pair> {
        let before = match at.checked_sub(1) {
            Some(before) => state.output(before),
            None => state.pixels(),
        };
        Some([before?, state.output(at)?])
    });
    let histograms =
        Memo::new(move |_| pair.with(|pair| pair.as_ref().map(on_one_scale)).unwrap_or_default());
    let words = move |which: usize| {
        move || {
            pair.with(|pair| {
                let (mean, deviation) = mean_and_deviation(&pair.as_ref()?[which])?;
                Some(format!("{}, {}", number(mean), number(deviation)))
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

/// Histograms that reach equally far: then it is seen what became narrower, and what moved.
fn on_one_scale(pair: &Pair) -> [Histogram; 2] {
    let reach = pair.each_ref().map(|values| Histogram::of(values).reach);
    pair.each_ref().map(|values| Histogram::within(reach[0].max(reach[1]), values))
}

/// Of these values, if there are any.
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
    fn both_are_drawn_on_the_scale_of_the_wider() {
        let [before, after] = on_one_scale(&[vec![0.0, 4.0], vec![-1.0, 1.0]]);
        assert_eq!((before.reach, after.reach), (4.0, 4.0));
        assert_eq!(after.counts.iter().sum::<u32>(), 2);
        assert_eq!(on_one_scale(&[Vec::new(), Vec::new()]), [Histogram::default(), Histogram::default()]);
    }

    #[test]
    fn mean_and_deviation_are_those_of_all_values() {
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), Some((2.0, 1.0)));
        assert_eq!(mean_and_deviation(&[]), None);
    }
}
