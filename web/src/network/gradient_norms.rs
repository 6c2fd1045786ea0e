//! How large gradients and weights are, layer by layer: gradients that vanish or explode on their way down, and penalties that
//! make weights shrink.

use leptos::prelude::*;
use nn::inspect::grad_norms::{LayerNorms, error_ratio};

use crate::client::State;
use crate::network::explanation::number;
use crate::settings::layers;

/// The decades that the bars of gradients span: from a ten-millionth to 1.
const DECADES: f32 = 7.0;
/// How much of a gradient's size stays with each picture: single steps are noisy.
const KEPT: f32 = 0.9;

/// One layer.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// As measured after the last step, but with gradients averaged over about the last ten pictures.
    sizes: LayerNorms,
    /// Size of the weights when they were first seen.
    first: f32,
}

/// What is known after another picture. Without sizes, or with those of other layers, all begins anew.
fn follow(rows: &[Row], sizes: &[LayerNorms]) -> Vec<Row> {
    let same =
        rows.len() == sizes.len() && rows.iter().zip(sizes).all(|(row, now)| row.sizes.layer == now.layer);
    let follow = |(i, now): (usize, &LayerNorms)| {
        let Some(row) = rows.get(i).filter(|_| same) else { return Row { sizes: *now, first: now.weights } };
        // Sizes differ by powers of ten: their mean is the geometric one.
        let errors = match (row.sizes.errors, now.errors) {
            (before, now) if before > 0.0 && now > 0.0 => before.powf(KEPT) * now.powf(1.0 - KEPT),
            (_, now) => now,
        };
        Row { sizes: LayerNorms { errors, ..*now }, first: row.first }
    };
    sizes.iter().enumerate().map(follow).collect()
}

/// Width of a gradient's bar, 0 to 1, by its logarithm.
fn on_decades(size: f32) -> f32 {
    if size > 0.0 { (1.0 + size.log10() / DECADES).clamp(0.0, 1.0) } else { 0.0 }
}

/// What becomes of the gradient on its way down, in a sentence.
fn sentence(rows: &[Row]) -> String {
    let sizes: Vec<_> = rows.iter().map(|row| row.sizes).collect();
    if sizes.is_empty() {
        return "Train, and see how large the gradient is in every layer.".to_owned();
    }
    let Some(k) = error_ratio(&sizes) else {
        return "No gradient reaches some of the layers: they learn nothing.".to_owned();
    };
    let below = sizes.len() - 1;
    let end = k.powi(below as i32);
    let fate = match end {
        ..0.01 => "It vanishes: the first layers hardly learn.",
        100.0.. => "It explodes: the first layers jump about.",
        _ => "All layers learn.",
    };
    format!(
        "Backwards from layer to layer, the gradient is multiplied by about k = {}. In the first layer, {below} further down, \
         it is k^{below} = {} of that in the last one. {fate}",
        number(k),
        number(end)
    )
}

/// The panel.
#[component]
pub(crate) fn SizesView() -> impl IntoView {
    let state = expect_context::<State>();
    let rows = RwSignal::new(Vec::<Row>::new());
    Effect::new(move |_| {
        let next = state.snapshot.with(|snapshot| {
            let sizes = snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.norms);
            rows.with_untracked(|rows| follow(rows, sizes))
        });
        rows.set(next);
    });
    let names = Memo::new(move |_| state.network.with(|network| layers::names(&network.layers)));
    let count = Memo::new(move |_| rows.with(Vec::len));
    let most = Memo::new(move |_| {
        rows.with(|rows| rows.iter().fold(1e-9f32, |most, row| most.max(row.first).max(row.sizes.weights)))
    });
    view! {
        <section class="panel sizes" aria-label="Gradients and weights">
            <div class="title">
                <h2>"Gradients and weights"</h2>
                <p class="source">"how large they are in every layer (root mean square)"</p>
            </div>
            <Show when=move || { count.get() > 0 }>
                <table aria-label="Sizes by layer">
                    <thead><tr>
                        <th scope="col">"Layer"</th>
                        <th scope="col" colspan="2">"Gradient, by powers of ten"</th>
                        <th scope="col" colspan="2">"Weights, and a mark where they began"</th>
                    </tr></thead>
                    <tbody>
                        <For each=move || 0..count.get() key=|at| *at let:at>
                            <Line rows names most at />
                        </For>
                    </tbody>
                </table>
            </Show>
            <p class="hint">{move || rows.with(|rows| sentence(rows))}</p>
        </section>
    }
}

/// One layer in the table.
#[component]
fn Line(rows: RwSignal<Vec<Row>>, names: Memo<Vec<String>>, most: Memo<f32>, at: usize) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.get(at).cloned()));
    let of = move |read: fn(&Row) -> f32| row.with(|row| row.as_ref().map_or(0.0, read));
    let name = move || {
        let layer = row.with(|row| row.as_ref().map_or(0, |row| row.sizes.layer));
        names.with(|names| names.get(layer).cloned()).unwrap_or_default()
    };
    let (errors, weights, first) = (
        move || of(|row| row.sizes.errors),
        move || of(|row| row.sizes.weights),
        move || of(|row| row.first),
    );
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="gauge"><div class="track"><span class="fill gradient"
                style=move || format!("transform:scaleX({:.4})", on_decades(errors()))></span></div></td>
            <td class="number">{move || number(errors())}</td>
            <td class="gauge"><div class="track">
                <span class="fill weights" style=move || format!("transform:scaleX({:.4})", weights() / most.get())></span>
                <i style=move || format!("left:{:.2}%", 100.0 * first() / most.get())></i>
            </div></td>
            <td class="number">{move || number(weights())}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(errors: &[f32], weights: f32) -> Vec<LayerNorms> {
        let layer =
            |(layer, errors): (usize, &f32)| LayerNorms { layer, weights, gradients: 0.1, errors: *errors };
        errors.iter().enumerate().map(layer).collect()
    }

    #[test]
    fn gradients_are_averaged_and_the_first_weights_are_remembered() {
        let rows = follow(&[], &sizes(&[0.01, 0.1], 0.5));
        let next = follow(&rows, &sizes(&[0.01, 0.001], 0.25));
        assert!((next[0].sizes.errors - 0.01).abs() < 1e-6);
        assert!((next[1].sizes.errors - 0.1f32.powf(0.9) * 0.001f32.powf(0.1)).abs() < 1e-5);
        assert_eq!(
            next.iter().map(|row| (row.first, row.sizes.weights)).collect::<Vec<_>>(),
            [(0.5, 0.25); 2]
        );
        assert_eq!(follow(&next, &sizes(&[1.0], 0.125))[0].first, 0.125, "other layers");
        assert!(follow(&next, &[]).is_empty(), "a reset");
        assert_eq!(follow(&rows, &sizes(&[0.0, 0.1], 0.5))[0].sizes.errors, 0.0);
    }

    #[test]
    fn decades_are_evenly_wide() {
        assert_eq!([1.0, 9.0, 1e-7, 1e-9, 0.0].map(on_decades), [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert!((on_decades(0.1) - 6.0 / 7.0).abs() < 1e-6);
    }

    #[test]
    fn the_sentence_tells_what_becomes_of_the_gradient() {
        let told = |errors: &[f32]| sentence(&follow(&[], &sizes(errors, 1.0)));
        let vanishes = told(&[1e-5, 1e-4, 1e-3, 1e-2]);
        assert!(vanishes.contains("k = 0.10.") && vanishes.contains("k^3 = 0.001 of"), "{vanishes}");
        assert!(vanishes.ends_with("It vanishes: the first layers hardly learn."));
        assert!(told(&[0.01, 0.02]).ends_with("All layers learn."));
        assert!(told(&[9.0, 0.5, 0.01]).contains("explodes"));
        assert!(told(&[0.0, 0.1]).starts_with("No gradient"));
        assert!(told(&[]).starts_with("Train"));
    }
}
