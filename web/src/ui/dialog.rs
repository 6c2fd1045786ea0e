//! Modal dialogs, also in browsers that have none.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use crate::ui::focus::focus;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Element)]
    type ModalElement;

    #[wasm_bindgen(method, catch, js_name = showModal)]
    fn show_modal(this: &ModalElement) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &ModalElement) -> Result<(), JsValue>;
}

/// A dialog with a title and a button that closes it, as Escape does.
#[component]
pub(crate) fn Dialog(
    /// The id of the title, which names the dialog.
    id: &'static str,
    title: &'static str,
    shown: RwSignal<bool>,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            if shown.get() { open(&dialog) } else { close(&dialog) }
        }
    });
    let escape = move |ev: KeyboardEvent| {
        if ev.key() == "Escape" {
            // What else is open stays open.
            ev.stop_propagation();
            shown.set(false);
        }
    };
    view! {
        <dialog node_ref=dialog aria-labelledby=id on:close=move |_| shown.set(false) on:keydown=escape>
            <h2 id=id>{title}</h2>
            {children()}
            <button class="primary" autofocus on:click=move |_| shown.set(false)>"Close"</button>
        </dialog>
    }
}

/// Opens a `<dialog>`, which takes the focus.
fn open(dialog: &Element) {
    if dialog.unchecked_ref::<ModalElement>().show_modal().is_err() {
        let _ = dialog.set_attribute("open", "");
        focus(dialog.query_selector("[autofocus]").ok().flatten());
    }
}

/// Closes it. The focus returns to where it was.
fn close(dialog: &Element) {
    if dialog.unchecked_ref::<ModalElement>().close().is_err() {
        let _ = dialog.remove_attribute("open");
    }
}
