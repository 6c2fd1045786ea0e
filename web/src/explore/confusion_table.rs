//! The confusion matrix as a table.

use data::mnist::TEST_IMAGES;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::explore::confusion_matrix::{CLASSES, Cell, ConfusionMatrix};
use crate::explore::view_state::ExploreView;
use crate::ui::focus::focus;
use crate::ui::format::{count, percent, thousands};

/// The faintest shade of a mistake, at which a single one is still visible.
const MIN_SHADE: f32 = 0.14;
/// The smallest share of the largest mistake at which it has the full shade.
const FULL_SHADE_SHARE: f32 = 0.01;
/// The matrix: rows are labels, columns predicted classes. A press on a cell shows its images.
#[component]
pub(super) fn ConfusionTable(matrix: Memo<Option<ConfusionMatrix>>) -> impl IntoView {
    // The cell that has the focus, or will get it by Tab.
    let current = RwSignal::new(
        expect_context::<ExploreView>().cell.get_untracked().unwrap_or(Cell { label: 0, class: 0 }),
    );
    let key = move |ev: KeyboardEvent| {
        let Cell { label, class } = current.get_untracked();
        let last = CLASSES - 1;
        let (label, class) = match ev.key().as_str() {
            "ArrowLeft" => (label, class.saturating_sub(1)),
            "ArrowRight" => (label, (class + 1).min(last)),
            "ArrowUp" => (label.saturating_sub(1), class),
            "ArrowDown" => ((label + 1).min(last), class),
            "Home" => (label, 0),
            "End" => (label, last),
            _ => return,
        };
        ev.prevent_default();
        let body = ev.current_target().and_then(|target| target.dyn_into::<Element>().ok());
        let row = body.and_then(|body| body.children().item(label as u32));
        let cell = row.and_then(|row| row.children().item(class as u32 + 1)?.first_element_child());
        focus(cell);
    };
    let percents = |share: Option<f32>| share.map_or(String::new(), |share| percent(share, 1));
    let of = move |look: &dyn Fn(&ConfusionMatrix) -> String| matrix.with(|matrix| matrix.as_ref().map(look));
    let row = move |label: usize| {
        view! {
            <tr>
                <th scope="row" prop:style=format!("--class:var(--class-{label})")>{label}</th>
                {(0..CLASSES).map(|class| view! { <CellButton cell=Cell { label, class } matrix current /> }).collect_view()}
                <td class="share">{move || of(&|matrix| percents(matrix.recall(label)))}</td>
            </tr>
        }
    };
    view! {
        <table class="confusion">
            <caption>{move || of(&sentence)}</caption>
            <thead>
                <tr>
                    <td></td>
                    <th scope="colgroup" colspan=CLASSES.to_string()>"read as"</th>
                    <td></td>
                </tr>
                <tr>
                    <th scope="col"><span class="visually-hidden">"label"</span></th>
                    {(0..CLASSES).map(|class| view! {
                        <th scope="col" prop:style=format!("--class:var(--class-{class})")>{class}</th>
                    }).collect_view()}
                    <th scope="col" class="share">"Recall"</th>
                </tr>
            </thead>
            <tbody on:keydown=key>{(0..CLASSES).map(row).collect_view()}</tbody>
            <tfoot>
                <tr>
                    <th scope="row"><span class="visually-hidden">"Precision, in percent"</span></th>
                    {(0..CLASSES).map(|class| {
                        let precision = move || of(&|matrix| {
                            percents(matrix.precision(class)).trim_end_matches(" %").to_owned()
                        });
                        view! { <td>{precision}</td> }
                    }).collect_view()}
                    <td class="share" aria-hidden="true">"Precision"</td>
                </tr>
            </tfoot>
        </table>
    }
}

/// A cell with the number of its images.
#[component]
fn CellButton(cell: Cell, matrix: Memo<Option<ConfusionMatrix>>, current: RwSignal<Cell>) -> impl IntoView {
    let view = expect_context::<ExploreView>();
    let Cell { label, class } = cell;
    let count = Memo::new(move |_| matrix.with(|matrix| matrix.as_ref().map(|matrix| matrix.count(cell))));
    let text = move || match count.get() {
        Some(count) if count > 0 || cell.is_right() => count.to_string(),
        _ => String::new(),
    };
    let name = move || {
        let count = count.get().unwrap_or(0);
        let reading = if cell.is_right() { "right".to_owned() } else { format!("as {class}") };
        // The number is written as in the cell, so that users of voice control can say what they see.
        format!("{label} read {reading}: {count} {}", if count == 1 { "image" } else { "images" })
    };
    let shade = move || {
        matrix.with(|matrix| {
            let (Some(matrix), false) = (matrix, cell.is_right()) else { return String::new() };
            let share = matrix.share(cell) / matrix.worst_share().max(FULL_SHADE_SHARE);
            if share > 0.0 { format!("--share:{:.0}%", 100.0 * share.max(MIN_SHADE)) } else { String::new() }
        })
    };
    let pressed = Memo::new(move |_| view.cell.get() == Some(cell));
    view! {
        <td>
            <button class:right=cell.is_right() prop:style=shade aria-pressed=move || pressed.get().to_string() aria-label=name
                tabindex=move || if current.get() == cell { "0" } else { "-1" }
                on:focus=move |_| current.set(cell)
                on:click=move |_| view.choose_cell((!pressed.get_untracked()).then_some(cell))>
                {text}
            </button>
        </td>
    }
}

/// `1 image`, `2 images`.
pub(super) fn image_count(images: u32) -> String {
    count(images as usize, "image")
}

/// The number of mistakes and the most frequent one, in words.
fn sentence(matrix: &ConfusionMatrix) -> String {
    let all = matrix.images();
    if all == 0 {
        return String::new();
    }
    let so_far = if (all as usize) < TEST_IMAGES { " downloaded so far" } else { "" };
    let misread = all - matrix.right();
    let are = if misread == 1 { "is" } else { "are" };
    let first = format!(
        "{} of the {}{so_far} {are} misread.",
        thousands(misread as usize),
        count(all as usize, "test image")
    );
    let worst = match matrix.worst() {
        Some(cell) => format!(
            "{} is most often taken for {}: {} of {}.",
            cell.label,
            cell.class,
            thousands(matrix.count(cell) as usize),
            thousands(matrix.labelled(cell.label) as usize)
        ),
        None => "No digit is taken for another.".to_owned(),
    };
    match matrix.unpredicted() {
        0 => format!("{first} {worst}"),
        count => {
            format!(
                "{first} {worst} {} got no answer: the network gives no finite numbers.",
                image_count(count)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caption_names_the_most_frequent_mistake() {
        let say = |labels: &[u8], classes: &[u8]| sentence(&ConfusionMatrix::of(labels, classes));
        assert_eq!(
            say(&[4, 4, 4, 9], &[9, 9, 4, 4]),
            "3 of the 4 test images downloaded so far are misread. 4 is most often taken for 9: 2 of 3."
        );
        assert_eq!(
            say(&[7; 10_000], &[7; 10_000]),
            "0 of the 10,000 test images are misread. No digit is taken for another."
        );
        assert_eq!(say(&[], &[]), "");
        let one = say(&[4, 9], &[9, 9]);
        assert!(one.starts_with("1 of the 2 test images downloaded so far is misread."), "{one}");
        let none = say(&[4, 1], &[10, 1]);
        assert!(none.ends_with("1 image got no answer: the network gives no finite numbers."), "{none}");
    }
}
