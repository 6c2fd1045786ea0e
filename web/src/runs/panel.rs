//! Runs side by side: pinning the present one, and training two from the same seed that differ in one setting.

use leptos::prelude::*;
use trainer::messages::Command;

use crate::client::State;
use crate::runs::letter;
use crate::runs::table::RunTable;
use crate::settings::diff::words;
use crate::settings::{SETTINGS, Setting};
use crate::ui::focus::restore_focus;
use crate::ui::format::shortest;

/// The first button of what can be compared, or the one that ends a comparison.
const BUTTON: &str = ".compare button";
/// How long the two may train, in epochs.
const EPOCHS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// The panel below the curves.
#[component]
pub(crate) fn Runs() -> impl IntoView {
    let state = expect_context::<State>();
    let full = Memo::new(move |_| state.runs.with(|runs| runs.full()));
    let comparing = Memo::new(move |_| state.comparison.with(Option::is_some));
    let nothing = Memo::new(move |_| state.record.with(|record| record.progress.step == 0));
    let epochs = RwSignal::new(1.0);
    let asked = StoredValue::new(false);
    // The worker ends it, a moment after it was asked to.
    Effect::new(move |_| {
        if !comparing.get() && asked.get_value() {
            asked.set_value(false);
            restore_focus(BUTTON);
        }
    });
    view! {
        <section class="panel runs" aria-label="Runs">
            <div class="title">
                <h2>"Runs"</h2>
                <p class="source">"Pin this run, change something, reset and train again. Both stay on the charts, and pinned ones for your next visit."</p>
                <button disabled=move || full.get() || nothing.get() || comparing.get() on:click=move |_| state.pin()
                    title="Keeps the curves and settings of the present run">"Pin this run"</button>
            </div>
            <RunTable />
            <div class="compare" role="group" aria-label="Compare">
                <Show when=move || comparing.get() fallback=move || view! { <Choices epochs /> }>
                    <UnderWay asked />
                </Show>
            </div>
        </section>
    }
}

/// What can be compared with a press.
#[component]
fn Choices(epochs: RwSignal<f64>) -> impl IntoView {
    let choose = move |ev| {
        if let Ok(value) = event_target_value(&ev).parse() {
            epochs.set(value);
        }
    };
    let epoch_words =
        |value: f64| if value == 1.0 { "1 epoch".to_owned() } else { format!("{} epochs", shortest(value)) };
    view! {
        <div class="switches" role="group" aria-label="With and without">
            <h3>"With and without"</h3>
            {SETTINGS.iter().map(|setting| view! { <Chip setting epochs /> }).collect_view()}
            <label class="epochs">
                <span>"for"</span>
                <select aria-label="Length of a comparison" on:change=choose>
                    {EPOCHS.map(|value| view! {
                        <option value=shortest(value) prop:selected=move || epochs.get() == value>{epoch_words(value)}</option>
                    }).collect_view()}
                </select>
            </label>
        </div>
        <OtherSetting epochs />
        <p class="hint">
            "Two fresh networks train in turns from the same seed, one as the settings are and one with this changed. "
            "Your own network waits meanwhile, and comes back as it was. A new comparison replaces the last one, unless you keep it."
        </p>
    }
}

/// Starts a comparison; the buttons that start one give way to one that ends it.
fn compare(state: State, setting: &'static Setting, value: &str, epochs: RwSignal<f64>) {
    state.compare(setting, value, epochs.get_untracked());
    restore_focus(BUTTON);
}

/// Compares a trick with its absence.
#[component]
fn Chip(setting: &'static Setting, epochs: RwSignal<f64>) -> impl IntoView {
    let state = expect_context::<State>();
    let switched = Memo::new(move |_| state.setup.with(|setup| setting.toggled(setup)));
    let seen = Memo::new(move |_| switched.with(Option::is_some) && !hidden(state, setting));
    let title = move || {
        let to = switched.get().map(|text| words(setting, &text)).unwrap_or_default();
        format!("Trains as it is, and with {}: {to}", setting.name)
    };
    let start = move |_| {
        if let Some(value) = switched.get_untracked() {
            compare(state, setting, &value, epochs);
        }
    };
    view! {
        <Show when=move || seen.get()>
            <button class="small" aria-label=format!("With and without {}", setting.name) title=title on:click=start>
                {setting.name}
            </button>
        </Show>
    }
}

/// Whether a link hides a setting: then it is not to be changed here either.
fn hidden(state: State, setting: &Setting) -> bool {
    ["settings", setting.group.id(), setting.id].into_iter().any(|id| state.hides(id))
}

/// Compares any setting with another value.
#[component]
fn OtherSetting(epochs: RwSignal<f64>) -> impl IntoView {
    let state = expect_context::<State>();
    let id = RwSignal::new("lr".to_owned());
    let wanted = RwSignal::new(None::<String>);
    // Those that have other values here.
    let possible = Memo::new(move |_| {
        let setup = state.setup.get();
        let all = SETTINGS.iter().filter(|s| !hidden(state, s) && !s.alternatives(&setup).is_empty());
        all.map(|setting| (setting.id, setting.name)).collect::<Vec<_>>()
    });
    let setting = Memo::new(move |_| {
        let chosen = id.get();
        possible.with(|all| {
            all.iter().map(|(id, _)| *id).find(|id| *id == chosen).or(all.first().map(|(id, _)| *id))
        })
    });
    let found = move || setting.get().and_then(Setting::find);
    let values = Memo::new(move |_| {
        let others = state.setup.with(|setup| found().map(|setting| setting.alternatives(setup)));
        others.unwrap_or_default()
    });
    let value = Memo::new(move |_| {
        let wanted = wanted.get();
        values.with(|values| {
            values.iter().find(|value| Some(*value) == wanted.as_ref()).or(values.first()).cloned()
        })
    });
    let now = move || {
        state.setup.with(|setup| found().and_then(|s| Some(words(s, &s.text(setup)?)))).unwrap_or_default()
    };
    let start = move |_| {
        if let (Some(setting), Some(value)) = (untrack(found), value.get_untracked()) {
            compare(state, setting, &value, epochs);
        }
    };
    view! {
        <div class="other" role="group" aria-label="Another value">
            <h3>"Or another value"</h3>
            <select aria-label="Setting to compare" on:change=move |ev| id.set(event_target_value(&ev))>
                {move || possible.get().into_iter().map(|(id, name)| view! {
                    <option value=id prop:selected=move || setting.get() == Some(id)>{name}</option>
                }).collect_view()}
            </select>
            <span class="now">{now}</span>
            <span>"and"</span>
            <select aria-label="Value to compare with" on:change=move |ev| wanted.set(Some(event_target_value(&ev)))>
                {move || values.get().into_iter().map(|text| {
                    let name = found().map(|setting| words(setting, &text));
                    let option = text.clone();
                    view! { <option value=text prop:selected=move || value.get().as_ref() == Some(&option)>{name}</option> }
                }).collect_view()}
            </select>
            <button on:click=start disabled=move || value.get().is_none()>"Compare"</button>
        </div>
    }
}

/// How far the comparison is.
#[component]
fn UnderWay(
    /// Set when it is ended by hand.
    asked: StoredValue<bool>,
) -> impl IntoView {
    let state = expect_context::<State>();
    let done = Memo::new(move |_| {
        let comparison = state.comparison.get()?;
        let epochs = state.runs.with(|runs| {
            comparison.slots.map(|slot| runs.get(slot).map_or(0.0, |run| run.record.progress.epoch))
        });
        Some((comparison, epochs))
    });
    let words = move || {
        done.get().map(|(comparison, [first, second])| {
            let [a, b] = comparison.slots.map(letter);
            let of = shortest(comparison.epochs);
            format!("Comparing {}: {a} is at epoch {first:.2}, {b} at {second:.2} of {of}. The picture and the answers are those of {a}.", comparison.about)
        })
    };
    let end = move |_| {
        state.send(Command::EndComparison);
        asked.set_value(true);
    };
    let share = move || {
        done.get().map(|(comparison, [a, b])| (a + b) / (2.0 * comparison.epochs)).unwrap_or_default()
    };
    view! {
        <div class="under-way">
            <progress aria-label="Progress of the comparison" max="1" value=move || format!("{:.3}", share())></progress>
            <span>{words}</span>
            <button on:click=end>"End comparison"</button>
        </div>
    }
}
