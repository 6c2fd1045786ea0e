//! The present run and the others in a table: how their settings differ, how far they trained, and their figures.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::runs::comparison::Comparison;
use crate::runs::record::{Measure, Record};
use crate::runs::run::{MAX_PINNED, Run, letter};
use crate::runs::store::RunStore;
use crate::runs::swatch::Swatch;
use crate::settings::Setup;
use crate::settings::diff::differences;
use crate::settings::store::Settings;
use crate::ui::focus::restore_focus;
use crate::ui::format::{count, duration, epochs, rate, thousands};

/// Where a setup differs from the present one, as in "Dropout on (now off)".
pub(crate) fn differences_in_words(setup: &Setup, now: &Setup) -> String {
    let words: Vec<_> = differences(setup, now)
        .into_iter()
        .map(|difference| match difference.other {
            Some(other) => format!("{} {} (now {other})", difference.name, difference.value),
            None => format!("{} {}", difference.name, difference.value),
        })
        .collect();
    words.join(", ")
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
struct RunFigures {
    epochs: String,
    steps: String,
    training_loss: String,
    test_loss: String,
    accuracy: String,
    time: String,
    speed: Option<String>,
    /// Stands in place of the losses.
    diverged: Option<String>,
}

impl RunFigures {
    fn of(record: &Record) -> Self {
        let none = || "—".to_owned();
        let loss = |loss: Option<f32>| loss.map_or_else(none, |loss| Measure::Loss.value(loss.into()));
        let speed = record.progress.images_per_second;
        Self {
            epochs: epochs(record.progress.epoch),
            steps: count(record.progress.step as usize, "step"),
            training_loss: loss(record.last_loss),
            test_loss: loss(record.tested.map(|tested| tested.loss)),
            accuracy: record
                .tested
                .map_or_else(none, |tested| Measure::Accuracy.value(tested.accuracy.into())),
            time: record.progress.train_seconds.filter(|_| record.is_trained()).map_or_else(none, duration),
            speed: speed.map(|speed| format!("{} images/s", rate(speed))),
            diverged: record.diverged.map(|step| format!("diverged after step {}", thousands(step as usize))),
        }
    }
}

/// The columns. On small screens each run is a card, whose figures carry these names.
const COLUMNS: [&str; 7] = [
    "What differs",
    "Test accuracy",
    "Training time",
    "Multiply-adds",
    "Test loss",
    "Training loss",
    "Epochs",
];

/// What a network costs.
fn multiply_adds(setup: &Setup) -> String {
    thousands(usize::try_from(setup.network.multiply_adds()).unwrap_or(usize::MAX))
}

/// The table.
#[component]
pub(crate) fn RunTable() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let slots =
        Memo::new(move |_| runs.others.with(|others| others.iter().map(|run| run.slot).collect::<Vec<_>>()));
    let best = Memo::new(move |_| best_run(runs));
    let present = Memo::new(move |_| runs.record.with(RunFigures::of));
    let settings = expect_context::<Settings>();
    let cost = Memo::new(move |_| multiply_adds(&settings.trained()));
    view! {
        <div class="scrolls" tabindex="0" role="group" aria-label="Table of runs">
            <table class="run-table" aria-label="Runs">
                <thead><tr>
                    <th scope="col">"Run"</th>
                    {COLUMNS.map(|name| view! { <th scope="col">{name}</th> }).collect_view()}
                    <td></td>
                </tr></thead>
                <tbody>
                    <tr>
                        <th scope="row" aria-label="Present run">
                            <label>
                                <input type="checkbox" aria-label="Show present run" prop:checked=move || runs.shown.get()
                                    on:change=move |ev| runs.shown.set(event_target_checked(&ev)) />
                                <Swatch run=None split=Split::Test />"Present"
                            </label>
                        </th>
                        <td class="differs">"—"</td>
                        <FigureCells figures=present cost best=Signal::derive(move || best.get() == Some(None)) />
                        <td></td>
                    </tr>
                    <For each=move || slots.get() key=|slot| *slot let(slot)>
                        <RunRow run=slot best=Signal::derive(move || best.get() == Some(Some(slot))) />
                    </For>
                </tbody>
            </table>
        </div>
    }
}

/// The run with the best test accuracy, as its slot; none if fewer than two runs were tested, and among equals.
fn best_run(runs: RunStore) -> Option<Option<usize>> {
    let accuracy = |record: &Record| record.tested.map(|tested| tested.accuracy);
    let present = runs.record.with(accuracy).map(|accuracy| (accuracy, None));
    let others = runs.others.with(|others| {
        others.iter().filter_map(|run| Some((accuracy(&run.record)?, Some(run.slot)))).collect::<Vec<_>>()
    });
    let mut tested: Vec<(f32, Option<usize>)> = present.into_iter().chain(others).collect();
    tested.sort_by(|a, b| b.0.total_cmp(&a.0));
    match tested.as_slice() {
        [best, second, ..] if best.0 > second.0 => Some(best.1),
        _ => None,
    }
}

/// The cells with the figures of a run.
#[component]
fn FigureCells(figures: Memo<RunFigures>, cost: Memo<String>, best: Signal<bool>) -> impl IntoView {
    let [_, accuracy, time, adds, test, training, epochs] = COLUMNS;
    let losses = move || {
        let RunFigures { diverged, training_loss, test_loss, .. } = figures.get();
        match diverged {
            Some(words) => {
                view! { <td colspan="2" class="diverged" data-name="Losses">{words}</td> }.into_any()
            }
            None => view! { <td data-name=test translate="no">{test_loss}</td><td data-name=training translate="no">{training_loss}</td> }
                .into_any(),
        }
    };
    view! {
        <td data-name=accuracy translate="no" class:best=move || best.get()>{move || figures.get().accuracy}</td>
        <td data-name=time translate="no">
            {move || figures.get().time}{move || figures.get().speed.map(|speed| view! { <small>{speed}</small> })}
        </td>
        <td data-name=adds translate="no">{move || cost.get()}<small>"per image"</small></td>
        {losses}
        <td class="epochs" data-name=epochs>{move || figures.get().epochs}<small>{move || figures.get().steps}</small></td>
    }
}

/// The row of a run beside the present one.
#[component]
fn RunRow(run: usize, best: Signal<bool>) -> impl IntoView {
    let slot = run;
    let RunStore { others, comparison, .. } = expect_context();
    let settings = expect_context::<Settings>();
    let is = move |read: fn(&Run) -> bool| others.with(|others| others.get(slot).is_some_and(read));
    let change = move |change: &dyn Fn(&mut Run)| {
        others.update(|others| others.get_mut(slot).into_iter().for_each(change));
    };
    let figures = Memo::new(move |_| {
        others.with(|others| others.get(slot).map(|run| RunFigures::of(&run.record)).unwrap_or_default())
    });
    let setup = Memo::new(move |_| others.with(|others| others.get(slot).map(|run| run.setup.clone())));
    let cost = Memo::new(move |_| setup.with(|setup| setup.as_ref().map(multiply_adds)).unwrap_or_default());
    let now = Memo::new(move |_| settings.trained());
    let differs = move || {
        let words =
            setup.with(|setup| setup.as_ref().map(|setup| now.with(|now| differences_in_words(setup, now))));
        words.filter(|words| !words.is_empty()).unwrap_or_else(|| "same settings".to_owned())
    };
    let is_full = Memo::new(move |_| others.with(|others| others.is_full()));
    let is_compared = Memo::new(move |_| {
        comparison.with(|c| c.as_ref().is_some_and(|comparison| comparison.slots.contains(&slot)))
    });
    // Another network is about to take its place.
    let is_swept = Memo::new(move |_| {
        is_compared.get() && comparison.with(|c| c.as_ref().is_some_and(Comparison::is_sweep))
    });
    let load = move |_| {
        if let Some(setup) = setup.get_untracked() {
            settings.setup.set(setup);
        }
    };
    let remove = move |_| {
        others.update(|others| others.remove(slot));
        restore_focus("[aria-label='Table of runs']");
    };
    let name = letter(slot);
    let keep_title = format!("Keeps this run when something else is compared; {MAX_PINNED} at most");
    view! {
        <tr>
            <th scope="row" aria-label=format!("Run {name}")>
                <label>
                    <input type="checkbox" aria-label=format!("Show run {name}") prop:checked=move || is(|run| run.shown)
                        on:change=move |ev| { let shown = event_target_checked(&ev); change(&|run| run.shown = shown); } />
                    <Swatch run=Some(slot) split=Split::Test />{name.to_string()}
                </label>
            </th>
            <td class="differs">{differs}</td>
            <FigureCells figures cost best />
            <td class="actions">
                <Show when=move || !is(|run| run.pinned)>
                    <button class="small" aria-label=format!("Keep run {name}") disabled=move || is_full.get() || is_swept.get()
                        title=keep_title.clone() on:click=move |_| change(&|run| run.pinned = true)>"Keep"</button>
                </Show>
                <button class="small" aria-label=format!("Load settings of run {name}") disabled=move || is_compared.get()
                    title="Makes its settings those of the page" on:click=load>"Load"</button>
                <button class="small" aria-label=format!("Remove run {name}") disabled=move || is_compared.get()
                    title="Removes this run" on:click=remove>"×"</button>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;
    use trainer::messages::{Progress, Tested};

    #[test]
    fn differences_name_the_value_and_the_present_one() {
        let (now, mut then) = (Setup::default(), Setup::default());
        assert_eq!(differences_in_words(&then, &now), "");
        for (id, value) in [("batch", "16"), ("dropout", "on"), ("dropout-share", "0.2")] {
            Setting::find(id).unwrap().set_text(&mut then, value).unwrap();
        }
        assert_eq!(
            differences_in_words(&then, &now),
            "Batch size 16 (now 64), Dropout on (now off), Dropout share 0.2"
        );
        assert_eq!(differences_in_words(&now, &then), "Batch size 64 (now 16), Dropout off (now on)");
    }

    #[test]
    fn figures_are_those_of_the_record() {
        let mut record = Record::default();
        let figures = RunFigures::of(&record);
        assert_eq!((figures.accuracy.as_str(), figures.time.as_str(), figures.speed), ("—", "—", None));
        record.on_progress(Progress {
            step: 1_876,
            epoch: 2.0,
            train_loss: Some(0.051),
            images_per_second: Some(20_500.4),
            train_seconds: Some(5.85),
            ..Progress::default()
        });
        record.on_tested(Tested { step: 1_876, epoch: 2.0, loss: 0.0456, accuracy: 0.9861, certainty: None });
        let figures = RunFigures::of(&record);
        assert_eq!(
            (figures.steps.as_str(), figures.speed.as_deref()),
            ("1,876 steps", Some("20,500 images/s"))
        );
        assert_eq!((figures.time.as_str(), multiply_adds(&Setup::default()).as_str()), ("5.9 s", "416,520"));
        assert_eq!((figures.training_loss.as_str(), figures.test_loss.as_str()), ("0.0510", "0.0456"));
        assert_eq!((figures.accuracy.as_str(), figures.diverged), ("98.61 %", None));
        // A file of an earlier version does not say how long its run took.
        let text = record.to_json().replace(",\"train_seconds\":5.85", "");
        let old = Record::from_json(&text).unwrap();
        assert_eq!((old.progress.train_seconds, RunFigures::of(&old).time.as_str()), (None, "—"));
    }
}
