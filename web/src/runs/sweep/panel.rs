//! The choice of a sweep: a setting, several of its values, and how many seeds.

use leptos::prelude::*;

use crate::runs::sweep::model::{
    MAX_SEEDS, MAX_VALUES, all_values, can_be_swept, first_values, sort_numbers,
};
use crate::runs::sweep::store::SweepStore;
use crate::runs::with_and_without::{COMPARISON_BUTTON, is_hidden};
use crate::settings::diff::words;
use crate::settings::store::Settings;
use crate::settings::{Kind, SETTINGS, Setting};
use crate::ui::focus::restore_focus;
use crate::ui::format::count;

/// The menus and buttons.
#[component]
pub(crate) fn SweepChoices() -> impl IntoView {
    let sweeps = expect_context::<SweepStore>();
    let settings = expect_context::<Settings>();
    let (setup, choice) = (settings.setup, sweeps.choice);
    let possible = Memo::new(move |_| {
        let setup = setup.get();
        let can =
            |s: &&Setting| can_be_swept(s) && !is_hidden(settings, s) && all_values(s, &setup).len() > 1;
        SETTINGS.iter().filter(can).map(|setting| (setting.id, setting.name)).collect::<Vec<_>>()
    });
    let id = Memo::new(move |_| choice.with(|choice| choice.setting));
    let setting = move || Setting::find(id.get());
    // Those of a link, too, which may be others than the menus have.
    let values = Memo::new(move |_| {
        let Some(setting) = setting() else { return Vec::new() };
        let mut values = setup.with(|setup| all_values(setting, setup));
        let linked = choice.with(|choice| choice.values.clone());
        values.extend(linked.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
        if matches!(setting.kind, Kind::Number(..)) {
            sort_numbers(&mut values);
        }
        values
    });
    let networks = move || choice.with(|choice| choice.values.len() * choice.seeds as usize);
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
    view! {
        <div class="other sweep" role="group" aria-label="Sweep">
            <h3>"Or a sweep of"</h3>
            <select aria-label="Setting to sweep" on:change=choose>
                {move || possible.get().into_iter().map(|(option, name)| view! {
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
    }
}

/// The button that takes a value into the sweep.
#[component]
fn ValueToggle(value: String) -> impl IntoView {
    let choice = expect_context::<SweepStore>().choice;
    let value = StoredValue::new(value);
    let is_chosen = move || choice.with(|choice| value.with_value(|value| choice.values.contains(value)));
    let is_full = move || choice.with(|choice| choice.values.len() >= MAX_VALUES) && !is_chosen();
    let text = choice.with_untracked(|choice| {
        Setting::find(choice.setting).map(|setting| value.with_value(|value| words(setting, value)))
    });
    let toggle = move |_| {
        choice.update(|choice| {
            let value = value.get_value();
            match choice.values.iter().position(|chosen| *chosen == value) {
                Some(at) => _ = choice.values.remove(at),
                None => {
                    choice.values.push(value);
                    if Setting::find(choice.setting).is_some_and(|s| matches!(s.kind, Kind::Number(..))) {
                        sort_numbers(&mut choice.values);
                    }
                }
            }
        });
    };
    view! {
        <button class="small" aria-pressed=move || is_chosen().to_string() disabled=is_full on:click=toggle>{text}</button>
    }
}
