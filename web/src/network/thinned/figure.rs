//! Thinned networks in the panel of a layer with dropout: their answers, and what the factor of the kept units is for.

use data::mnist::CLASSES;
use leptos::prelude::*;
use trainer::messages::{MASKS, MaskAnswers};

use crate::network::inspector::{ANNOUNCE_AFTER, Inspector};
use crate::network::thinned::answers::Answers;
use crate::network::thinned::units_choice::UnitsChoice;
use crate::ui::debounce::debounce_changes;
use crate::ui::format::{format_number, percent};

/// The masks of a stage's dropout with rate `p`, and what the networks that they leave answer.
#[component]
pub(in crate::network) fn ThinnedNetworks(p: f32) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let choice = inspector.view.units;
    let masks = Memo::new(move |_| inspector.view.with_snapshot(|snapshot| snapshot?.masks.clone()));
    let answers = Memo::new(move |_| masks.with(|masks| masks.as_deref().map(Answers::of)));
    let is_drawn = Memo::new(move |_| answers.with(Option::is_some));
    let pressed = move |of: UnitsChoice| (choice.get() == of).to_string();
    let mask = move |mask: u32| {
        let of = UnitsChoice::Mask(mask);
        let class = Memo::new(move |_| answers.with(|a| a.as_ref()?.classes.get(mask as usize).copied()?));
        let answer = move || class.get().map_or_else(|| "–".to_owned(), |class| class.to_string());
        view! {
            <li><button aria-pressed=move || pressed(of) on:click=move |_| choice.set(of)
                prop:style=move || class.get().map(|class| format!("--class:var(--class-{class})"))>
                <span class="visually-hidden">"Mask "</span><small>{mask + 1}</small>
                <span class="visually-hidden">": reads "</span><b>{answer}</b>
            </button></li>
        }
    };
    let shown = Memo::new(move |_| inspector.view.with_snapshot(|snapshot| snapshot.map(|s| s.units)));
    debounce_changes(
        ANNOUNCE_AFTER,
        move || shown.get(),
        move |_| inspector.announced.set(untrack(|| inspector.units_in_words())),
    );
    let factor = StoredValue::new(rounded(1.0 / (1.0 - p)));
    let kept = rounded(1.0 - p);
    view! {
        <figure class="part wide thinned">
            <figcaption>
                <b>"Dropout, p = "{rounded(p)}</b>": in training each image is read with about "{percent(p, 0)}" of these units struck out at random (a mask, crossed out while the network trains). What is left is a thinned network. Here are "{MASKS}" that stay, and each reads your digit."
            </figcaption>
            <div class="knobs">
                <button aria-pressed=move || pressed(UnitsChoice::All) on:click=move |_| choice.set(UnitsChoice::All)>"All units"</button>
                <button on:click=move |_| choice.update(|choice| *choice = choice.next_mask())>"Another mask"</button>
                <button aria-pressed=move || pressed(UnitsChoice::AllScaled) on:click=move |_| choice.set(UnitsChoice::AllScaled)>
                    "All units, scaled up"
                </button>
                <output aria-label="Units" aria-live="off">{move || inspector.units_in_words()}</output>
            </div>
            <Show when=move || is_drawn.get() fallback=|| view! { <p class="hint">"Draw a digit: the thinned networks will read it."</p> }>
                <ol class="votes" aria-label="Thinned networks">{(0..MASKS).map(mask).collect_view()}</ol>
                <div class="scrolls" tabindex="0" role="region" aria-label="Answers with and without dropout">
                    <AnswersTable masks answers />
                </div>
            </Show>
            <p class="hint">
                "In training the kept units are scaled up by "{factor.get_value()}", so that the next layer gets as much on average as from all of them. The paper of dropout does it the other way round: it leaves the kept units as they are, and multiplies the weights by "
                {kept}" when the network reads. The last row has both all units and the factor: too much for the layers behind them."
            </p>
        </figure>
    }
}

/// The answers as probabilities, votes and logits, digit by digit.
#[component]
fn AnswersTable(masks: Memo<Option<Box<MaskAnswers>>>, answers: Memo<Option<Answers>>) -> impl IntoView {
    let row = move |name: String, text: Signal<Vec<String>>| {
        let cell =
            move |digit: usize| view! { <td>{move || text.with(|text| text.get(digit).cloned())}</td> };
        view! { <tr><th scope="row">{name}</th>{(0..CLASSES).map(cell).collect_view()}</tr> }
    };
    let from_answers = move |read: fn(&Answers) -> Vec<String>| {
        Signal::derive(move || answers.with(|a| a.as_ref().map(read)).unwrap_or_default())
    };
    let from_logits = move |read: fn(&MaskAnswers) -> Vec<String>| {
        Signal::derive(move || masks.with(|m| m.as_deref().map(read)).unwrap_or_default())
    };
    let head = (0..CLASSES).map(|digit| view! { <th scope="col">{digit}</th> }).collect_view();
    view! {
        <table class="statistics answers" aria-label="Answers">
            <thead><tr><th scope="col">"Digit"</th>{head}</tr></thead>
            <tbody>
                {row("All units".to_owned(), from_answers(|a| percents(&a.all)))}
                {row(format!("Mean of {MASKS} masks"), from_answers(|a| percents(&a.mean)))}
                {row(format!("Votes of {MASKS} masks"), from_answers(|a| a.votes.iter().map(usize::to_string).collect()))}
                {row("Logits of all units".to_owned(), from_logits(|m| numbers(&m.all)))}
                {row("Mean logits of the masks".to_owned(), from_answers(|a| numbers(&a.mean_logits)))}
                {row("Logits of all, scaled up".to_owned(), from_logits(|m| numbers(&m.all_scaled)))}
            </tbody>
        </table>
    }
}

/// A number with at most two decimals.
fn rounded(number: f32) -> String {
    ((100.0 * number).round() / 100.0).to_string()
}

fn percents(shares: &[f32]) -> Vec<String> {
    shares.iter().map(|share| percent(*share, 1)).collect()
}

fn numbers(values: &[f32]) -> Vec<String> {
    values.iter().map(|value| format_number(*value)).collect()
}
