//! What came out of a sweep: for each value the mean over the seeds, the spread, and a dot for each network.

use leptos::prelude::*;

use crate::runs::record::Measure;
use crate::runs::sweep::model::{Summary, Sweep};
use crate::runs::sweep::store::SweepStore;
use crate::ui::download;
use crate::ui::format::{count, epochs_in_words};

/// The smallest range of accuracies that the dots are spread over.
const MIN_RANGE: f64 = 0.002;

/// The table and chart in one; nothing before the first sweep.
#[component]
pub(crate) fn SweepResults() -> impl IntoView {
    let sweeps = expect_context::<SweepStore>();
    let rows = Memo::new(move |_| sweeps.results.with(|sweep| sweep.as_ref().map(Rows::of)));
    let is_there = Memo::new(move |_| rows.with(Option::is_some));
    let values = Memo::new(move |_| rows.with(|rows| rows.as_ref().map_or(0, |rows| rows.rows.len())));
    let text =
        move |of: fn(&Rows) -> &str| move || rows.with(|rows| rows.as_ref().map(|rows| of(rows).to_owned()));
    let save = move |_| {
        if let Some(text) = sweeps.results.with_untracked(|sweep| sweep.as_ref().map(Sweep::csv)) {
            let _ = download::text("sweep.csv", "text/csv;charset=utf-8", &text);
        }
    };
    view! {
        <p class="visually-hidden" role="status" aria-label="End of the sweep">{sweeps.ended}</p>
        <Show when=move || is_there.get()>
            <figure class="sweep-results">
                <figcaption>
                    <h3>{text(|rows| &rows.title)}</h3>
                    <button class="small" aria-label="CSV of the sweep" title="Saves what came out of every network" on:click=save>"CSV"</button>
                </figcaption>
                <table aria-label="Sweep">
                    <thead><tr>
                        <th scope="col">{text(|rows| rows.name)}</th>
                        <th scope="col">"Test accuracy, mean"</th>
                        <th scope="col">"± standard deviation"</th>
                        <th scope="col">"Networks"</th>
                        <td aria-hidden="true">
                            <span class="ends"><span>{text(|rows| &rows.axis.0)}</span><span>{text(|rows| &rows.axis.1)}</span></span>
                        </td>
                    </tr></thead>
                    <tbody><For each=move || 0..values.get() key=|at| *at let(at)><ResultRow rows at /></For></tbody>
                </table>
            </figure>
        </Show>
    }
}

/// The texts of the table.
#[derive(Clone, Debug, PartialEq)]
struct Rows {
    title: String,
    name: &'static str,
    /// The ends of the axis of accuracies.
    axis: (String, String),
    rows: Vec<Row>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    value: String,
    mean: String,
    spread: String,
    networks: String,
    /// The positions of the networks on the axis, 0 to 1.
    dots: Vec<f64>,
    /// The position of the mean, and of one standard deviation around it.
    mark: Option<(f64, f64, f64)>,
}

impl Rows {
    fn of(sweep: &Sweep) -> Self {
        let (low, high) = sweep.range().unwrap_or((0.0, 1.0));
        let room = ((MIN_RANGE - (high - low)) / 2.0).max(0.05 * (high - low));
        let (from, to) = ((low - room).max(0.0), (high + room).min(1.0));
        let at = |accuracy: f64| ((accuracy - from) / (to - from)).clamp(0.0, 1.0);
        let text = |accuracy: f64| Measure::Accuracy.value(accuracy);
        let row = |(place, value): (usize, &String)| {
            let summary = sweep.summary(place);
            let (mean, spread) = (summary.mean(), summary.spread());
            Row {
                value: value.clone(),
                mean: mean.map_or("—".to_owned(), text),
                spread: spread.map_or("—".to_owned(), |spread| format!("± {:.2} %", 100.0 * spread)),
                networks: networks_in_words(&summary),
                dots: summary.accuracies.iter().map(|accuracy| at(*accuracy)).collect(),
                mark: mean.map(|mean| {
                    let spread = spread.unwrap_or(0.0);
                    (at(mean), at(mean - spread), at(mean + spread))
                }),
            }
        };
        let has_range = sweep.range().is_some();
        let end = |accuracy: f64| if has_range { text(accuracy) } else { String::new() };
        Self {
            title: format!("Sweep of {}, {} each", sweep.name, epochs_in_words(sweep.epochs)),
            name: sweep.name,
            axis: (end(from), end(to)),
            rows: sweep.values.iter().enumerate().map(row).collect(),
        }
    }
}

/// How many networks the figures of a value are of.
fn networks_in_words(summary: &Summary) -> String {
    match (summary.accuracies.len(), summary.diverged) {
        (trained, 0) => trained.to_string(),
        (0, diverged) => format!("{diverged} diverged"),
        (trained, diverged) => format!("{trained}, {} diverged", count(diverged, "other")),
    }
}

/// The row of a value.
#[component]
fn ResultRow(rows: Memo<Option<Rows>>, at: usize) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.as_ref()?.rows.get(at).cloned()));
    let percent = |share: f64| format!("{:.2}%", 100.0 * share);
    let cells = move |Row { value, mean, spread, networks, dots, mark }: Row| {
        view! {
            <th scope="row">{value}</th>
            <td data-name="Mean" translate="no">{mean}</td>
            <td data-name="Standard deviation" translate="no">{spread}</td>
            <td data-name="Networks">{networks}</td>
            <td class="strip" aria-hidden="true">
                <span class="axis">
                    {mark.map(|(mean, low, high)| view! {
                        <span class="spread" prop:style=format!("left:{};width:{}", percent(low), percent(high - low))></span>
                        <span class="mean" prop:style=format!("left:{}", percent(mean))></span>
                    })}
                    {dots.into_iter().map(|dot| view! { <span class="dot" prop:style=format!("left:{}", percent(dot))></span> }).collect_view()}
                </span>
            </td>
        }
    };
    view! { <tr>{move || row.get().map(cells)}</tr> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::sweep::model::{Outcome, SweepChoice};
    use crate::settings::Setup;

    #[test]
    fn a_row_has_mean_spread_and_a_dot_for_each_network() {
        let choice = SweepChoice { setting: "lr", values: vec!["0.001".into(), "0.01".into()], seeds: 3 };
        let mut sweep = Sweep::new(&choice, &Setup::default(), 0.5).unwrap();
        let empty = Rows::of(&sweep);
        assert_eq!((empty.axis.0.as_str(), empty.rows[0].mean.as_str()), ("", "—"));
        for (run, accuracy) in sweep.runs.iter_mut().zip([0.9, 0.98, 0.92, 0.98]) {
            run.outcome = Some(Outcome::Trained { accuracy, loss: 0.1, seconds: None });
        }
        sweep.runs[5].outcome = Some(Outcome::Diverged);
        let Rows { title, axis, rows, .. } = Rows::of(&sweep);
        assert_eq!(title, "Sweep of Learning rate, 0.5 epochs each");
        // From the lower end of the first spread to the highest accuracy, and a twentieth more on either side.
        assert_eq!((axis.0.as_str(), axis.1.as_str()), ("89.17 %", "98.42 %"));
        let texts =
            |row: &Row| [row.value.clone(), row.mean.clone(), row.spread.clone(), row.networks.clone()];
        assert_eq!(texts(&rows[0]), ["0.001", "91.00 %", "± 1.41 %", "2"]);
        assert_eq!(texts(&rows[1]), ["0.01", "98.00 %", "± 0.00 %", "2, 1 other diverged"]);
        let diverged = Summary { accuracies: Vec::new(), diverged: 1 };
        assert_eq!(networks_in_words(&diverged), "1 diverged");
        assert_eq!(rows[0].dots.len(), 2);
        let (mean, low, high) = rows[0].mark.unwrap();
        assert!(0.0 < low && low < mean && mean < high && high < rows[1].mark.unwrap().0);
    }
}
