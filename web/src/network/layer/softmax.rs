//! Softmax as a table: ten logits, their exponentials, and each one's share of the sum.

use leptos::prelude::*;

use crate::network::inspector::Inspector;
use crate::network::layer::softmax_terms::SoftmaxTerms;
use crate::ui::format::{format_number, percent};

/// A row for each digit.
#[component]
pub(super) fn SoftmaxTable(
    /// The layer whose outputs are the logits.
    layer: usize,
) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let terms = Memo::new(move |_| inspector.output(layer).as_deref().and_then(SoftmaxTerms::of));
    let of = move |read: &dyn Fn(&SoftmaxTerms) -> f32| terms.with(|terms| terms.as_ref().map(read));
    let exponential = move |digit| terms.with(|terms| Some(terms.as_ref()?.exponential(digit)));
    let row = move |digit: usize| {
        let probability = move || of(&|terms| terms.probability(digit));
        view! {
            <tr>
                <th scope="row">{digit}</th>
                <td>{move || of(&|terms| terms.logits[digit]).map(format_number)}</td>
                <td>{move || exponential(digit)}</td>
                <td>{move || probability().map(probability_text)}</td>
                <td class="gauge"><div class="track"><span class="fill" style:background=format!("var(--class-{digit})")
                    style:transform=move || format!("scaleX({:.4})", probability().unwrap_or(0.0))></span></div></td>
            </tr>
        }
    };
    let sum = move || of(&|terms| terms.sum).map(|sum| format!("{sum:.3}"));
    view! {
        <figure class="part wide">
            <figcaption>
                <b>"Softmax"</b>" every number z becomes e to the power of its distance to the largest; its share of the sum is the probability"
            </figcaption>
            <table class="softmax" aria-label="Softmax">
                <thead><tr>
                    <th scope="col">"Digit"</th><th scope="col">"z"</th><th scope="col">"e^(z − largest)"</th><th scope="col">"Share"</th><td></td>
                </tr></thead>
                <tbody>{(0..data::mnist::CLASSES).map(row).collect_view()}</tbody>
                <tfoot><tr><th scope="row">"Sum"</th><td></td><td>{sum}</td><td>{move || sum().map(|_| "100 %")}</td><td></td></tr></tfoot>
            </table>
        </figure>
    }
}

/// A probability in per cent. A small one is not rounded to 0.
fn probability_text(probability: f32) -> String {
    if 0.0 < probability && probability < 0.0001 { "< 0.01 %".to_owned() } else { percent(probability, 2) }
}

#[cfg(test)]
mod tests {
    use super::probability_text;

    #[test]
    fn small_probabilities_are_not_rounded_to_zero() {
        assert_eq!(
            [0.0, 1e-9, 0.0001, 0.5, 1.0].map(probability_text),
            ["0.00 %", "< 0.01 %", "0.01 %", "50.00 %", "100.00 %"]
        );
    }
}
