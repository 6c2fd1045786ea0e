//! The choice of a sweep: a setting, several of its values, and how many seeds.

use leptos::prelude::*;

use crate::runs::store::RunStore;
use crate::runs::sweep::model::{MAX_SEEDS, MAX_VALUES, all_values, first_values, sort_numbers};
use crate::runs::sweep::store::SweepStore;
use crate::runs::with_and_without::COMPARISON_BUTTON;
use crate::settings::diff::words;
use crate::settings::store::Settings;
use crate::settings::{Kind, Setting};
use crate::ui::focus::restore_focus;
use crate::ui::format::count;
use crate::ui::signal::set_if_changed;

/// The menus and buttons.
#[component]
pub(crate) fn SweepChoices() -> impl IntoView {
    let sweeps = expect_context::<SweepStore>();
    let settings = expect_context::<Settings>();
    let (setup, choice, next) = (settings.setup, sweeps.choice, sweeps.next);
    let length = expect_context::<RunStore>().length;
    let id = Memo::new(move |_| next.with(|next| next.setting));
    let setting = move || Setting::find(id.get());
    // Those of a link, too, which may be others than the menus have.
    let values = Memo::new(move |_| {
        let Some(setting) = setting() else { return Vec::new() };
        let mut values = setup.with(|setup| all_values(setting, setup));
        let linked = next.with(|next| next.values.clone());
        values.extend(linked.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
        if matches!(setting.kind, Kind::Number(..)) {
            sort_numbers(&mut values);
        }
        values
    });
    let networks = move || next.with(|next| next.values.len() * next.seeds as usize);
    let choose = move |ev| {
        if let Some(setting) = Setting::find(&event_target_value(&ev)) {
            let values = setup.with_untracked(|setup| first_values(setting, setup));
            choice.update(|choice| (choice.setting, choice.values) = (setting.id, values));
        }
    };
    let choose_seeds = move |ev| {
        if let Ok(seeds) = event_target_value(&ev).parse::<u32>() {
            choice.update(|choice| choice.seeds = seeds.clamp(1, MAX_SEEDS));
        }
    };
    let start = move |_| {
        sweeps.start();
        restore_focus(COMPARISON_BUTTON);
    };
    let toggled = move |ev: leptos::ev::Event| {
        set_if_changed(sweeps.is_open, event_target::<web_sys::Element>(&ev).has_attribute("open"));
    };
    view! {
        <details class="sweep" open=move || sweeps.is_open.get() on:toggle=toggled>
            <summary>"Sweep: several values and seeds"</summary>
            <div class="other" role="group" aria-label="Sweep">
                <select aria-label="Setting to sweep" on:change=choose>
                    {move || sweeps.possible.get().into_iter().map(|(option, name)| view! {
                        <option value=option prop:selected=move || id.get() == option>{name}</option>
                    }).collect_view()}
                </select>
                <span class="values" role="group" aria-label="Values of the sweep">
                    <For each=move || { let id = id.get(); values.get().into_iter().map(|value| (id, value)).collect::<Vec<_>>() }
                        key=Clone::clone let((_, value))>
                        <ValueToggle value />
                    </For>
                </span>
                <label class="length">
                    <span>"from"</span>
                    <select aria-label="Seeds of the sweep" on:change=choose_seeds>
                        {(1..=MAX_SEEDS).map(|seeds| view! {
                            <option value=seeds.to_string() prop:selected=move || choice.with(|choice| choice.seeds) == seeds>
                                {count(seeds as usize, "seed")}
                            </option>
                        }).collect_view()}
                    </select>
                </label>
                <button on:click=start disabled=move || networks() == 0>
                    {move || format!("Train {}", count(networks(), "network"))}
                </button>
            </div>
            <p class="hint">
                {move || setup.with(|setup| length.get().in_a_sentence("Each network trains", setup))}
                " They train one after the other, each value from each seed, and your own network waits meanwhile."
            </p>
        </details>
    }
}

/// The button that takes a value into the sweep.
#[component]
fn ValueToggle(value: String) -> impl IntoView {
    let SweepStore { choice, next, .. } = expect_context();
    let value = StoredValue::new(value);
    let is_chosen = move || next.with(|next| value.with_value(|value| next.values.contains(value)));
    let is_full = move || next.with(|next| next.values.len() >= MAX_VALUES) && !is_chosen();
    let text = next.with_untracked(|next| {
        Setting::find(next.setting).map(|setting| value.with_value(|value| words(setting, value)))
    });
    let toggle = move |_| {
        let (mut next, value) = (next.get_untracked(), value.get_value());
        match next.values.iter().position(|chosen| *chosen == value) {
            Some(at) => _ = next.values.remove(at),
            None => {
                next.values.push(value);
                if Setting::find(next.setting).is_some_and(|s| matches!(s.kind, Kind::Number(..))) {
                    sort_numbers(&mut next.values);
                }
            }
        }
        choice.set(next);
    };
    view! {
        <button class="small" aria-pressed=move || is_chosen().to_string() disabled=is_full on:click=toggle>{text}</button>
    }
}
