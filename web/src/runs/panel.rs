//! The panel with the runs: the table, and comparisons of two runs from the same seed that differ in one setting.

use leptos::prelude::*;
use trainer::messages::Command;

use crate::client::Client;
use crate::runs::record::Record;
use crate::runs::run::letter;
use crate::runs::store::RunStore;
use crate::runs::table::RunTable;
use crate::settings::diff::words;
use crate::settings::store::Settings;
use crate::settings::{SETTINGS, Setting};
use crate::ui::focus::restore_focus;
use crate::ui::format::shortest;

/// The first button that starts a comparison, or the one that ends it.
const BUTTON: &str = ".compare button";
/// The lengths of a comparison to choose from, in epochs.
const EPOCHS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// The panel below the curves.
#[component]
pub(crate) fn RunsPanel() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let is_full = Memo::new(move |_| runs.others.with(|others| others.is_full()));
    let is_comparing = Memo::new(move |_| runs.comparison.with(Option::is_some));
    let is_trained = Memo::new(move |_| runs.record.with(Record::is_trained));
    let epochs = RwSignal::new(1.0);
    let is_ended_by_hand = StoredValue::new(false);
    // The worker ends the comparison a moment after the button was pressed.
    Effect::new(move |_| {
        if !is_comparing.get() && is_ended_by_hand.get_value() {
            is_ended_by_hand.set_value(false);
            restore_focus(BUTTON);
        }
    });
    view! {
        <section class="panel runs" aria-label="Runs">
            <div class="title">
                <h2>"Runs"</h2>
                <p class="source">"Pin this run, change something, reset and train again. Both stay on the charts, and pinned ones for your next visit."</p>
                <button disabled=move || is_full.get() || !is_trained.get() || is_comparing.get() on:click=move |_| runs.pin()
                    title="Keeps the curves and settings of the present run">"Pin this run"</button>
            </div>
            <RunTable />
            <div class="compare" role="group" aria-label="Compare">
                <Show when=move || is_comparing.get() fallback=move || view! { <ComparisonChoices epochs /> }>
                    <ComparisonProgress is_ended_by_hand />
                </Show>
            </div>
        </section>
    }
}

/// The comparisons that can be started.
#[component]
fn ComparisonChoices(epochs: RwSignal<f64>) -> impl IntoView {
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
            {SETTINGS.iter().map(|setting| view! { <TrickButton setting epochs /> }).collect_view()}
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

/// Starts a comparison. The buttons that start one disappear, so the focus moves to the one that ends it.
fn compare(runs: RunStore, setting: &'static Setting, value: &str, epochs: RwSignal<f64>) {
    runs.compare(setting, value, epochs.get_untracked());
    restore_focus(BUTTON);
}

/// The button that compares the network with and without a trick.
#[component]
fn TrickButton(setting: &'static Setting, epochs: RwSignal<f64>) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let settings = expect_context::<Settings>();
    let toggled = Memo::new(move |_| settings.setup.with(|setup| setting.toggled(setup)));
    let visible = Memo::new(move |_| toggled.with(Option::is_some) && !is_hidden(settings, setting));
    let title = move || {
        let to = toggled.get().map(|text| words(setting, &text)).unwrap_or_default();
        format!("Trains as it is, and with {}: {to}", setting.name)
    };
    let start = move |_| {
        if let Some(value) = toggled.get_untracked() {
            compare(runs, setting, &value, epochs);
        }
    };
    view! {
        <Show when=move || visible.get()>
            <button class="small" aria-label=format!("With and without {}", setting.name) title=title on:click=start>
                {setting.name}
            </button>
        </Show>
    }
}

/// Whether the link hides a setting. Then it cannot be compared either.
fn is_hidden(settings: Settings, setting: &Setting) -> bool {
    ["settings", setting.group.id(), setting.id].into_iter().any(|id| settings.hides(id))
}

/// The menus that choose a setting and another value to compare with.
#[component]
fn OtherSetting(epochs: RwSignal<f64>) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let settings = expect_context::<Settings>();
    let setup = settings.setup;
    let id = RwSignal::new("lr".to_owned());
    let wanted = RwSignal::new(None::<String>);
    // The settings that can have another value now.
    let possible = Memo::new(move |_| {
        let setup = setup.get();
        let all = SETTINGS.iter().filter(|s| !is_hidden(settings, s) && !s.alternatives(&setup).is_empty());
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
        let others = setup.with(|setup| found().map(|setting| setting.alternatives(setup)));
        others.unwrap_or_default()
    });
    let value = Memo::new(move |_| {
        let wanted = wanted.get();
        values.with(|values| {
            values.iter().find(|value| Some(*value) == wanted.as_ref()).or(values.first()).cloned()
        })
    });
    let now =
        move || setup.with(|setup| found().and_then(|s| Some(words(s, &s.text(setup)?)))).unwrap_or_default();
    let start = move |_| {
        if let (Some(setting), Some(value)) = (untrack(found), value.get_untracked()) {
            compare(runs, setting, &value, epochs);
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

/// The progress of the comparison, and the button that ends it.
#[component]
fn ComparisonProgress(
    /// Set when the comparison is ended by the button.
    is_ended_by_hand: StoredValue<bool>,
) -> impl IntoView {
    let client = expect_context::<Client>();
    let runs = expect_context::<RunStore>();
    let done = Memo::new(move |_| {
        let comparison = runs.comparison.get()?;
        let epochs = runs.others.with(|others| {
            comparison.slots.map(|slot| others.get(slot).map_or(0.0, |run| run.record.progress.epoch))
        });
        Some((comparison, epochs))
    });
    let sentence = move || {
        done.get().map(|(comparison, [first, second])| {
            let [a, b] = comparison.slots.map(letter);
            let of = shortest(comparison.epochs);
            format!("Comparing {}: {a} is at epoch {first:.2}, {b} at {second:.2} of {of}. The picture and the answers are those of {a}.", comparison.setting)
        })
    };
    let end = move |_| {
        client.send(Command::EndComparison);
        is_ended_by_hand.set_value(true);
    };
    let share = move || {
        done.get().map(|(comparison, [a, b])| (a + b) / (2.0 * comparison.epochs)).unwrap_or_default()
    };
    view! {
        <div class="under-way">
            <progress aria-label="Progress of the comparison" max="1" value=move || format!("{:.3}", share())></progress>
            <span>{sentence}</span>
            <button on:click=end>"End comparison"</button>
        </div>
    }
}
