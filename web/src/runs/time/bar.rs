//! The bar below the picture: a slider over the checkpoints of the present run, and a replay of them.

use leptos::prelude::*;

use crate::runs::store::RunStore;
use crate::runs::time::store::in_words;
use crate::ui::focus::{CHECKPOINT, restore_focus};
use crate::ui::format::thousands;

/// The slider; nothing as long as there are no checkpoints, and during a comparison.
#[component]
pub(crate) fn TimeBar() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let time = runs.time;
    let is_there =
        Memo::new(move |_| time.list.with(|list| !list.is_empty()) && runs.comparison.with(Option::is_none));
    view! { <Show when=move || is_there.get()><Bar /></Show> }
}

#[component]
fn Bar() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let time = runs.time;
    let last = Memo::new(move |_| time.list.with(Vec::len));
    let place = Memo::new(move |_| time.place());
    let at = Memo::new(move |_| time.list.with(|list| list.get(place.get()).copied()));
    let is_past = move || at.with(Option::is_some);
    let filled = move || format!("--filled:{:.1}%", 100.0 * place.get() as f64 / last.get().max(1) as f64);
    let change = move |ev| {
        time.is_replaying.set(false);
        if let Ok(place) = event_target_value(&ev).parse() {
            time.go_to(place);
        }
    };
    let go_on = move |_| {
        if let Some(checkpoint) = at.get_untracked() {
            time.is_replaying.set(false);
            runs.continue_from(checkpoint.step);
            restore_focus(CHECKPOINT);
        }
    };
    // The buttons go with what is past.
    let go_back = move |_| {
        time.go_to_now();
        restore_focus(CHECKPOINT);
    };
    view! {
        <div class="time" class:past=is_past role="group" aria-label="Time">
            <button class="small" on:click=move |_| time.toggle_replay()
                title="Shows one checkpoint after the other, from the untrained network to the present one">
                <span class="icon" aria-hidden="true">{move || if time.is_replaying.get() { "❚❚" } else { "▶" }}</span>
                {move || if time.is_replaying.get() { "Stop" } else { "Replay" }}
            </button>
            <input type="range" id="checkpoint" aria-label="Checkpoint" min="0" step="1" prop:max=move || last.get().to_string()
                prop:value=move || { last.track(); place.get().to_string() } prop:style=filled
                aria-valuetext=move || in_words(at.get()) on:input=change
                title="Winds the page back to what the network was at an evaluation" />
            <span class="moment" aria-hidden="true">
                {move || at.get().map_or("now".to_owned(), |checkpoint| format!("step {}", thousands(checkpoint.step as usize)))}
            </span>
            <button class="small" on:click=go_on title="Begins a new run from this checkpoint; the present one can be brought back">
                "Train on from here"
            </button>
            <button class="small" on:click=go_back>"Back to now"</button>
        </div>
    }
}
