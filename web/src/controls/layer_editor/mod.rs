//! The layer editor: a table of the layers, and a panel that changes the selected one.

mod layer_list;
mod panel;
mod rows;
mod table_row;

use leptos::prelude::*;

use crate::controls::view_state::ControlsView;
use crate::settings::store::Settings;
use layer_list::LayerList;
use panel::{NewLayer, SelectedLayer};
use rows::rows;
use table_row::TableRow;

/// The table and the panel.
#[component]
pub(super) fn LayerEditor() -> impl IntoView {
    let setup = expect_context::<Settings>().setup;
    let list = LayerList { setup, selection: expect_context::<ControlsView>().selected_layer };
    let rows = Memo::new(move |_| list.setup.with(|setup| rows(&setup.network, setup.training.batch_size)));
    let count = Memo::new(move |_| rows.with(Vec::len));
    view! {
        <table class="layers" aria-label="Layers">
            <thead><tr><th scope="col">"Layer"</th><th scope="col">"Shape"</th><th scope="col">"Params"</th></tr></thead>
            <tbody>
                <For each=move || 0..count.get() key=|at| *at let:at>
                    <TableRow list rows at />
                </For>
            </tbody>
        </table>
        <div class="layer-panel" role="group" aria-label="Change the layers">
            <Show when=move || list.selected().is_some()
                fallback=|| view! { <p class="hint">"Choose a layer to change it."</p> }>
                <SelectedLayer list />
            </Show>
            <NewLayer list />
        </div>
    }
}
