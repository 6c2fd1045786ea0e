//! Softmax step by step: ten numbers, their exponentials, and each one's share of the sum.

use leptos::prelude::*;

use crate::network::explanation::{Softmax, number};
use crate::network::inspector::Look;

/// A line for each digit.
#[component]
pub(crate) fn SoftmaxView(
    /// The layer that gives the numbers.
    layer: usize,
) -> impl IntoView {
    let look = expect_context::<Look>();
    let softmax = Memo::new(move |_| look.output(layer).as_deref().and_then(Softmax::of));
    let of = move |read: &dyn Fn(&Softmax) -> f32| softmax.with(|softmax| softmax.as_ref().map(read));
    let exponential = move |digit| softmax.with(|softmax| Some(softmax.as_ref()?.exponential(digit)));
    let row = move |digit: usize| {
        let share = move || of(&|softmax| softmax.share(digit)).unwrap_or(0.0);
        view! {
            <tr>
                <th scope="row">{digit}</th>
                <td>{move || of(&|softmax| softmax.logits[digit]).map(number)}</td>
                <td>{move || exponential(digit)}</td>
                <td>{move || of(&|softmax| softmax.share(digit)).map(percent)}</td>
                <td class="gauge"><div class="track"><span class="fill" style:background=format!("var(--class-{digit})")
                    style:transform=move || format!("scaleX({:.4})", share())></span></div></td>
            </tr>
        }
    };
    let sum = move || of(&|softmax| softmax.sum).map(|sum| format!("{sum:.3}"));
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

/// A share in per cent. What is not nothing is not said to be.
fn percent(share: f32) -> String {
    if 0.0 < share && share < 0.0001 { "< 0.01 %".to_owned() } else { format!("{:.2} %", 100.0 * share) }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn what_is_not_nothing_is_not_said_to_be() {
        assert_eq!(
            [0.0, 1e-9, 0.0001, 0.5, 1.0].map(percent),
            ["0.00 %", "< 0.01 %", "0.01 %", "50.00 %", "100.00 %"]
        );
    }
}
