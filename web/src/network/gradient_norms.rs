//! The norms of gradients and weights, layer by layer. They show gradients that vanish or explode on the way to the first layer, and
//! weights that shrink under a penalty.

use leptos::prelude::*;
use nn::inspect::grad_norms::{LayerNorms, error_ratio};
use trainer::messages::Source;

use crate::network::view_state::NetworkView;
use crate::runs::store::RunStore;
use crate::settings::fold::{Fold, FoldHeading, Folded};
use crate::settings::layers;
use crate::settings::presentation::Section;
use crate::ui::format::{NOT_FINITE, bar, format_number, listed};

/// The decades that a bar of a gradient spans, up to 1.
const DECADES: f32 = 7.0;
/// The decay of the moving average of gradients, which is needed as single steps are noisy.
const DECAY: f32 = 0.9;

/// The norms of one layer.
#[derive(Clone, Debug, PartialEq)]
struct Norms {
    /// The norms after the last step, but with the gradient's as a moving average over about the last ten steps that
    /// were shown.
    last: LayerNorms,
    /// The norm of the weights in the first snapshot.
    first_weights: f32,
}

/// The norms after another snapshot. If it has no norms or those of other layers, the averages begin anew.
fn follow(norms: &[Norms], snapshot: &[LayerNorms]) -> Vec<Norms> {
    let same = norms.len() == snapshot.len()
        && norms.iter().zip(snapshot).all(|(norms, now)| norms.last.layer == now.layer);
    let follow = |(i, now): (usize, &LayerNorms)| {
        let Some(norms) = norms.get(i).filter(|_| same) else {
            return Norms { last: *now, first_weights: now.weights };
        };
        // Norms of gradients differ by powers of ten, so that the average is the geometric one.
        let errors = match (norms.last.errors, now.errors) {
            // An average with what is not finite would never be finite again.
            (before, now) if before > 0.0 && before.is_finite() && now > 0.0 => {
                before.powf(DECAY) * now.powf(1.0 - DECAY)
            }
            (_, now) => now,
        };
        Norms { last: LayerNorms { errors, ..*now }, first_weights: norms.first_weights }
    };
    snapshot.iter().enumerate().map(follow).collect()
}

/// The width of a gradient's bar, 0 to 1, on a logarithmic scale.
fn bar_width(norm: f32) -> f32 {
    if norm > 0.0 { (1.0 + norm.log10() / DECADES).clamp(0.0, 1.0) } else { 0.0 }
}

/// A layer whose gradient is this many times smaller, or larger, than that of the last layer hardly learns, or jumps about.
const FAR: f32 = 200.0;

/// How the gradient changes on the way from the last layer to the first, in words. `names` are those of the network's layers.
fn sentence(norms: &[Norms], names: &[String]) -> String {
    let sizes: Vec<_> = norms.iter().map(|norms| norms.last).collect();
    let Some(last) = sizes.last() else {
        return "Train, and see how large the gradient is in every layer.".to_owned();
    };
    // The layers of which something holds, in words, and whether they are the first ones.
    let such = |holds: &dyn Fn(f32) -> bool| {
        let at: Vec<usize> = (0..sizes.len()).filter(|at| holds(sizes[*at].errors)).collect();
        let named = at.iter().filter_map(|at| names.get(sizes[*at].layer).map(String::as_str));
        (
            listed(&named.collect::<Vec<_>>(), "and"),
            at.len(),
            at.last().is_some_and(|end| end + 1 == at.len()),
        )
    };
    let (dead, count, _) = such(&|error| error == 0.0);
    if count > 0 {
        let (they, learn) = if count == 1 { ("it", "learns") } else { ("they", "learn") };
        return format!("No gradient reaches {dead}: {they} {learn} nothing.");
    }
    if sizes.len() == 1 {
        return "One layer has weights: there is none before it in which the gradient could vanish."
            .to_owned();
    }
    let Some(k) = error_ratio(&sizes) else {
        return format!("The gradient is {NOT_FINITE}: training has diverged.");
    };
    let (weak, weak_count, weak_first) = such(&|error| error < last.errors / FAR);
    let (strong, strong_count, strong_first) = such(&|error| error > last.errors * FAR);
    let verb = |count: usize, one: &'static str, many: &'static str| if count == 1 { one } else { many };
    let verdict = match (weak_count, strong_count) {
        (0, 0) => "All layers learn.".to_owned(),
        (0, count) => {
            let begin = if strong_first { "It explodes: " } else { "" };
            format!("{begin}{strong} {} about.", verb(count, "jumps", "jump"))
        }
        (count, _) => {
            let begin = if weak_first { "It vanishes: " } else { "" };
            format!("{begin}{weak} hardly {}.", verb(count, "learns", "learn"))
        }
    };
    let steps = sizes.len() - 1;
    format!(
        "Backwards from layer to layer, the gradient is multiplied by about k = {}, and on the way to the first layer by \
         k^{steps} = {}. {verdict}",
        format_number(k),
        format_number(k.powi(steps as i32))
    )
}

/// The panel.
#[component]
pub(crate) fn GradientNormsPanel() -> impl IntoView {
    let view = expect_context::<NetworkView>();
    let time = expect_context::<RunStore>().time;
    // Of the network as it is now.
    let present = RwSignal::new(Vec::<Norms>::new());
    let past = StoredValue::new(None);
    Effect::new(move |last: Option<Option<Source>>| {
        let checkpoint = time.checkpoint.get();
        if let (Some(last), Some(checkpoint)) = (last, checkpoint) {
            past.set_value(Some(Source::Session { step: checkpoint.step }));
            return last;
        }
        let (source, next) = view.with_snapshot(|snapshot| {
            let source = snapshot.map(|snapshot| snapshot.source);
            // Another image on the pad gives another snapshot of the same step, which must not count twice.
            // That of a checkpoint stays until the first one of the present network comes.
            let is_past = source.is_some() && source == past.get_value();
            let is_new = source.is_none() || (last != Some(source) && !is_past);
            let of = snapshot.map_or(&[][..], |snapshot| &snapshot.norms);
            (source, is_new.then(|| present.with_untracked(|norms| follow(norms, of))))
        });
        if let Some(next) = next {
            present.set(next);
            past.set_value(None);
        }
        source
    });
    // A checkpoint has the gradients of one step.
    let norms = Memo::new(move |_| {
        if time.checkpoint.with(Option::is_none) {
            return present.get();
        }
        let first = |at: usize, now: &LayerNorms| {
            let same = |norms: &&Norms| norms.last.layer == now.layer;
            present.with(|norms| norms.get(at).filter(same).map_or(now.weights, |norms| norms.first_weights))
        };
        view.with_snapshot(|snapshot| {
            let of = snapshot.map_or(&[][..], |snapshot| &snapshot.norms);
            let norms = |(at, now): (usize, &LayerNorms)| Norms { last: *now, first_weights: first(at, now) };
            of.iter().enumerate().map(norms).collect()
        })
    });
    let names = Memo::new(move |_| view.network.with(|network| layers::names(&network.layers)));
    let count = Memo::new(move |_| norms.with(Vec::len));
    let max_weights = Memo::new(move |_| {
        let max = |max: f32, norms: &Norms| max.max(norms.first_weights).max(norms.last.weights);
        norms.with(|norms| norms.iter().fold(1e-9, max))
    });
    let fold = Fold::new(Section::Gradients);
    view! {
        <section class="panel sizes" aria-label="Gradients and weights">
            <div class="title">
                <h2><FoldHeading fold words="Gradients and weights" /></h2>
                <p class="source">"how large they are in every layer (root mean square)"</p>
            </div>
            <Folded fold>
                <Show when=move || { count.get() > 0 }>
                    <table aria-label="Sizes by layer">
                        <thead><tr>
                            <th scope="col">"Layer"</th>
                            <th scope="col" colspan="2">"Gradient, by powers of ten"</th>
                            <th scope="col" colspan="2">"Weights, and a mark where they began"</th>
                        </tr></thead>
                        <tbody>
                            <For each=move || 0..count.get() key=|at| *at let:at>
                                <NormsRow norms names max_weights at />
                            </For>
                        </tbody>
                    </table>
                </Show>
                <p class="hint">{move || norms.with(|norms| names.with(|names| sentence(norms, names)))}</p>
            </Folded>
        </section>
    }
}

/// The row of a layer.
#[component]
fn NormsRow(
    norms: Memo<Vec<Norms>>,
    names: Memo<Vec<String>>,
    /// The largest norm of weights in the table.
    max_weights: Memo<f32>,
    at: usize,
) -> impl IntoView {
    let norms = Memo::new(move |_| norms.with(|norms| norms.get(at).cloned()));
    let of = move |read: fn(&Norms) -> f32| norms.with(|norms| norms.as_ref().map_or(0.0, read));
    let name = move || {
        let layer = norms.with(|norms| norms.as_ref().map_or(0, |norms| norms.last.layer));
        names.with(|names| names.get(layer).cloned()).unwrap_or_default()
    };
    let (errors, weights, first_weights) = (
        move || of(|norms| norms.last.errors),
        move || of(|norms| norms.last.weights),
        move || of(|norms| norms.first_weights),
    );
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="gauge"><div class="track"><span class="fill gradient"
                style:transform=move || bar(bar_width(errors()))></span></div></td>
            <td class="number">{move || format_number(errors())}</td>
            <td class="gauge"><div class="track">
                <span class="fill weights" style:transform=move || bar(weights() / max_weights.get())></span>
                <i prop:style=move || format!("left:{:.2}%", 100.0 * first_weights() / max_weights.get())></i>
            </div></td>
            <td class="number">{move || format_number(weights())}</td>
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
        let norms = follow(&[], &sizes(&[0.01, 0.1], 0.5));
        let next = follow(&norms, &sizes(&[0.01, 0.001], 0.25));
        assert!((next[0].last.errors - 0.01).abs() < 1e-6);
        assert!((next[1].last.errors - 0.1f32.powf(0.9) * 0.001f32.powf(0.1)).abs() < 1e-5);
        assert_eq!(
            next.iter().map(|norms| (norms.first_weights, norms.last.weights)).collect::<Vec<_>>(),
            [(0.5, 0.25); 2]
        );
        assert_eq!(follow(&next, &sizes(&[1.0], 0.125))[0].first_weights, 0.125, "other layers");
        assert!(follow(&next, &[]).is_empty(), "a reset");
        assert_eq!(follow(&norms, &sizes(&[0.0, 0.1], 0.5))[0].last.errors, 0.0);
    }

    #[test]
    fn decades_have_the_same_width() {
        assert_eq!([1.0, 9.0, 1e-7, 1e-9, 0.0].map(bar_width), [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert!((bar_width(0.1) - 6.0 / 7.0).abs() < 1e-6);
    }

    #[test]
    fn the_sentence_judges_every_layer() {
        let names = ["C1", "C3", "F5", "F6", "Output"].map(str::to_owned);
        let told = |errors: &[f32]| sentence(&follow(&[], &sizes(errors, 1.0)), &names);
        let vanishes = told(&[1e-5, 1e-4, 1e-3, 1e-2]);
        assert!(vanishes.contains("k = 0.10,") && vanishes.contains("k^3 = 0.001. "), "{vanishes}");
        assert!(vanishes.ends_with("It vanishes: C1 hardly learns."), "{vanishes}");
        assert!(told(&[1e-6, 1e-5, 1e-3, 1e-2]).ends_with("It vanishes: C1 and C3 hardly learn."));
        assert!(told(&[0.01, 0.02]).ends_with("All layers learn."));
        assert!(told(&[9.0, 0.5, 0.01]).ends_with("It explodes: C1 jumps about."));
        // As large in the first layer as in the last, and next to nothing between them.
        let stuck = told(&[0.03, 1e-8, 1e-7, 1e-7, 0.03]);
        assert!(stuck.ends_with(". C3, F5 and F6 hardly learn."), "{stuck}");
        assert!(told(&[0.01, 9.0, 0.01]).ends_with(". C3 jumps about."));
        assert_eq!(told(&[0.0, 0.1]), "No gradient reaches C1: it learns nothing.");
        assert_eq!(told(&[0.0, 0.0, 0.0]), "No gradient reaches C1, C3 and F5: they learn nothing.");
        assert!(told(&[0.1]).starts_with("One layer has weights"));
        assert!(told(&[]).starts_with("Train"));
    }
}
