//! The panel with the runs: the table, and comparisons of two runs from the same seed that differ in one setting.

use leptos::prelude::*;
use trainer::messages::Command;

use crate::client::Client;
use crate::runs::comparison::Length;
use crate::runs::link::RunsLink;
use crate::runs::record::Record;
use crate::runs::run::letter;
use crate::runs::store::RunStore;
use crate::runs::sweep::panel::SweepChoices;
use crate::runs::sweep::results::SweepResults;
use crate::runs::sweep::store::SweepStore;
use crate::runs::table::RunTable;
use crate::runs::with_and_without::{COMPARISON_BUTTON, WithAndWithout, compare, is_hidden};
use crate::settings::diff::words;
use crate::settings::fold::{Fold, FoldHeading, Folded};
use crate::settings::presentation::Section;
use crate::settings::store::Settings;
use crate::settings::{SETTINGS, Setting};
use crate::ui::focus::restore_focus;
use crate::ui::format::{self, shortest};

/// The panel below the curves.
#[component]
pub(crate) fn RunsPanel() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let is_full = Memo::new(move |_| runs.others.with(|others| others.is_full()));
    let is_comparing = Memo::new(move |_| runs.comparison.with(Option::is_some));
    let is_trained = Memo::new(move |_| runs.record.with(Record::is_trained));
    let is_ended_by_hand = StoredValue::new(false);
    // The worker ends the comparison a moment after the button was pressed.
    Effect::new(move |_| {
        if !is_comparing.get() && is_ended_by_hand.get_value() {
            is_ended_by_hand.set_value(false);
            restore_focus(COMPARISON_BUTTON);
        }
    });
    let sweeps = expect_context::<SweepStore>();
    let fold = Fold::unless(Section::Runs, move || sweeps.linked() != RunsLink::default());
    view! {
        <section class="panel runs" aria-label="Runs">
            <div class="title">
                <h2><FoldHeading fold words="Runs" /></h2>
                <p class="source">"Pin this run, change something, reset and train again. Both stay on the charts, and pinned ones for your next visit."</p>
                <button disabled=move || is_full.get() || !is_trained.get() || is_comparing.get() on:click=move |_| runs.pin()
                    title="Keeps the curves and settings of the present run">"Pin this run"</button>
            </div>
            <Folded fold>
                <RunTable />
                <div class="compare" role="group" aria-label="Compare">
                    <Show when=move || is_comparing.get() fallback=move || view! { <ComparisonChoices /> }>
                        <ComparisonProgress is_ended_by_hand />
                    </Show>
                </div>
                <SweepResults />
            </Folded>
        </section>
    }
}

/// The comparisons that can be started.
#[component]
fn ComparisonChoices() -> impl IntoView {
    let setup = expect_context::<Settings>().setup;
    let length = expect_context::<RunStore>().length;
    let choose = move |ev| {
        let chosen = event_target_value(&ev).parse().ok().and_then(|at: usize| Length::ALL.get(at).copied());
        length.set(chosen.unwrap_or(Length::FIRST));
    };
    let title = move || {
        let few = Some(length.get()).filter(|length| length.is_few()).unwrap_or(Length::WHERE_IT_MATTERS);
        setup.with(|setup| few.in_a_sentence("Both networks train", setup))
    };
    let matters = move || length.get().is_few();
    let toggle = move |_| {
        let next = if length.get_untracked().is_few() { Length::FIRST } else { Length::WHERE_IT_MATTERS };
        length.set(next);
    };
    view! {
        <div class="switches" role="group" aria-label="With and without">
            <h3>"With and without"</h3>
            {SETTINGS.iter().map(|setting| view! { <WithAndWithout setting /> }).collect_view()}
            <label class="length">
                <span>"for"</span>
                <select aria-label="Length of a comparison" on:change=choose>
                    {Length::ALL.into_iter().enumerate().map(|(at, choice)| view! {
                        <option value=at.to_string() prop:selected=move || length.get() == choice>
                            {move || setup.with(|setup| choice.words(setup))}
                        </option>
                    }).collect_view()}
                </select>
            </label>
            <button class="small" aria-pressed=move || matters().to_string() on:click=toggle title=title>
                "Where it matters"</button>
        </div>
        <OtherSetting />
        <p class="hint">
            {move || setup.with(|setup| length.get().in_a_sentence("Both networks train", setup))}
            " Two fresh networks train in turns from the same seed, one as the settings are and one with this changed. "
            "Your own network waits meanwhile, and comes back as it was. A new comparison replaces the last one, unless you keep it. "
            "Dropout, penalties and distortions pay where images are few and seen often: with all 60,000 seen once, they rather cost accuracy."
        </p>
        <SweepChoices />
    }
}

/// The menus that choose a setting and another value to compare with.
#[component]
fn OtherSetting() -> impl IntoView {
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
            compare(runs, setting, &value);
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
    let sweeps = expect_context::<SweepStore>();
    let done = Memo::new(move |_| {
        let comparison = runs.comparison.get().filter(|comparison| !comparison.is_sweep())?;
        let epochs = runs.others.with(|others| {
            let epoch = |slot: &usize| others.get(*slot).map_or(0.0, |run| run.record.progress.epoch);
            comparison.slots.iter().take(2).map(epoch).collect::<Vec<_>>()
        });
        let [a, b] = comparison.slots[..] else { return None };
        let [first, second] = epochs[..] else { return None };
        Some((comparison, [a, b], [first, second]))
    });
    let sentence = move || {
        let words = done.get().map(|(comparison, slots, epochs)| {
            let [a, b] = slots.map(letter);
            let [first, second] = epochs.map(format::epochs);
            let of = shortest(comparison.epochs);
            format!("Comparing {}: {a} is at epoch {first}, {b} at {second} of {of}. The picture and the answers are those of {a}.", comparison.setting)
        });
        words.or_else(|| sweeps.in_words()).unwrap_or_default()
    };
    let end = move |_| {
        client.send(Command::EndComparison);
        is_ended_by_hand.set_value(true);
    };
    let share = move || {
        let share = done.get().map(|(comparison, _, [a, b])| (a + b) / (2.0 * comparison.epochs));
        share.or_else(|| sweeps.share()).unwrap_or_default()
    };
    let name = move || {
        if done.with(Option::is_some) { "Progress of the comparison" } else { "Progress of the sweep" }
    };
    view! {
        <div class="under-way">
            <progress aria-label=name max="1" value=move || format!("{:.3}", share())></progress>
            <span>{sentence}</span>
            <button on:click=end>"End comparison"</button>
        </div>
    }
}
