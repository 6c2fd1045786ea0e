//! The panel below the table of layers: the options of the selected layer, and new layers.

use leptos::ev::Event;
use leptos::prelude::*;

use super::layer_list::LayerList;
use crate::controls::view_state::ControlsView;
use crate::settings::layers::{KINDS, MAX_LAYERS, OptionInfo, options};
use crate::ui::format::{parse_number, shortest};

/// The options of the selected layer, and the buttons that move and remove it.
#[component]
pub(super) fn SelectedLayer(list: LayerList) -> impl IntoView {
    let layer = Memo::new(move |_| list.layer());
    let title = move || {
        let kind = layer.get().map_or("", |layer| layer.kind());
        format!("Layer {}: {kind}", list.selected().map_or(0, |at| at + 1))
    };
    // The fields stay while only their values change, since somebody may be typing in one of them.
    let identity =
        Memo::new(move |_| (list.selected(), layer.get().map(|layer| std::mem::discriminant(&layer))));
    let fields = move || {
        let identity = identity.get();
        let mut layer = layer.get_untracked();
        let options = layer.as_mut().map(options).unwrap_or_default();
        let fields = options.iter().enumerate().map(|(index, option)| (identity, index, option.info));
        fields.collect::<Vec<_>>()
    };
    let at_end = move |up| list.selected().is_none_or(|at| list.target(at, up).is_none());
    view! {
        <h3 aria-live="polite">{title}</h3>
        <div class="numbers">
            <For each=fields key=|(identity, index, _)| (*identity, *index) let((_, index, info))>
                <OptionField list index info />
            </For>
        </div>
        <div class="buttons">
            <button on:click=move |_| list.shift(true) disabled=move || at_end(true) aria-label="Move layer up">"↑"</button>
            <button on:click=move |_| list.shift(false) disabled=move || at_end(false) aria-label="Move layer down">"↓"</button>
            <button on:click=move |_| list.remove() aria-label="Remove layer">"Remove"</button>
        </div>
    }
}

/// One option of the selected layer.
#[component]
fn OptionField(list: LayerList, index: usize, info: OptionInfo) -> impl IntoView {
    let controls = expect_context::<ControlsView>();
    let OptionInfo { name, help, min, max, step, .. } = info;
    let text = move || {
        let mut layer = list.layer()?;
        options(&mut layer).get(index).map(|option| shortest(option.get()))
    };
    let change = move |ev| {
        if let Some(value) = parse_number(&event_target_value(&ev)) {
            list.set_option(index, value);
        }
    };
    // A text that is no such number stays until the field is left.
    let restore = move |ev: Event| {
        event_target::<web_sys::HtmlInputElement>(&ev).set_value(&text().unwrap_or_default());
    };
    view! {
        <label on:pointerenter=move |_| controls.show_help(name, help)>
            <span>{name}</span>
            <input type="number" min=shortest(min) max=shortest(max) step=shortest(step) aria-description=help
                prop:value=text on:input=change on:change=restore
                on:focus=move |_| controls.show_help(name, help) />
        </label>
    }
}

/// A menu of kinds, and the button that adds a layer.
#[component]
pub(super) fn NewLayer(list: LayerList) -> impl IntoView {
    let letter = RwSignal::new(KINDS[0].0.to_string());
    let is_full = move || list.len() >= MAX_LAYERS;
    view! {
        <div class="add">
            <label>
                <span class="visually-hidden">"New layer"</span>
                <select on:change=move |ev| letter.set(event_target_value(&ev))>
                    {KINDS.map(|(code, layer)| view! { <option value=code.to_string()>{layer.kind()}</option> }).collect_view()}
                </select>
            </label>
            <button on:click=move |_| list.add(&letter.get_untracked()) disabled=is_full>
                {move || if list.selected().is_some() { "Add below" } else { "Add layer" }}
            </button>
        </div>
    }
}
