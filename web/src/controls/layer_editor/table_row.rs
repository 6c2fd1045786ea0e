//! One row of the table of layers.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::layer_list::LayerList;
use super::rows::Row;
use crate::ui::focus::focus;

/// The row of one layer, and of its problem.
#[component]
pub(super) fn TableRow(list: LayerList, rows: Memo<Vec<Row>>, at: usize) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.get(at).cloned().unwrap_or_default()));
    let selected = move || list.selected() == Some(at);
    let toggle = move |_| list.selection.set(if selected() { None } else { Some(at) });
    let key = move |ev: KeyboardEvent| {
        match ev.key().as_str() {
            "ArrowUp" | "ArrowDown" if ev.alt_key() => {
                list.selection.set(Some(at));
                list.shift(ev.key() == "ArrowUp");
            }
            "Delete" => {
                list.selection.set(Some(at));
                list.remove();
            }
            _ => return,
        }
        ev.prevent_default();
        // The focus moves with the layer.
        let to = list.selection.get_untracked();
        request_animation_frame(move || {
            focus(to.and_then(|at| document().get_element_by_id(&id(at))));
        });
    };
    view! {
        <tr class:chosen=selected class:wrong=move || row.with(|row| row.problem.is_some())>
            <th scope="row">
                <button id=id(at) aria-pressed=move || selected().to_string() on:click=toggle on:keydown=key
                    title="Alt and arrows move it, Delete removes it">
                    <b>{move || row.get().name}</b>{move || row.get().description}
                </button>
            </th>
            <td>{move || row.get().shape}</td>
            <td>{move || row.get().parameters}</td>
        </tr>
        <Show when=move || row.with(|row| row.problem.is_some())>
            <tr class="problem"><td colspan="3"><span role="alert">{move || row.get().problem}</span></td></tr>
        </Show>
    }
}

/// The id of the button of a row.
fn id(at: usize) -> String {
    format!("layer-{at}")
}
