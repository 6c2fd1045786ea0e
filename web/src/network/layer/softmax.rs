//! Softmax as a table: ten logits, their exponentials, and each one's share of the sum.

use leptos::prelude::*;

use crate::network::inspector::Inspector;
use crate::network::layer::softmax_terms::SoftmaxTerms;
use crate::ui::format::{bar, format_number, percent};

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
                <td>{move || of(&|terms| terms.logit(digit)).map(format_number)}</td>
                <td>{move || exponential(digit)}</td>
                <td>{move || probability().map(|p| percent(p, 2))}</td>
                <td class="gauge"><div class="track"><span class="fill" style:background=format!("var(--class-{digit})")
                    style:transform=move || bar(probability().unwrap_or(0.0))></span></div></td>
            </tr>
        }
    };
    let sum = move || terms.with(|terms| terms.as_ref().map(SoftmaxTerms::sum_text));
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
