//! Modal dialogs, also in browsers that have none.

use wasm_bindgen::prelude::*;
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Element)]
    type ModalElement;

    #[wasm_bindgen(method, catch, js_name = showModal)]
    fn show_modal(this: &ModalElement) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &ModalElement) -> Result<(), JsValue>;
}

/// Opens a `<dialog>`, which takes the focus.
pub(crate) fn open(dialog: &Element) {
    if dialog.unchecked_ref::<ModalElement>().show_modal().is_err() {
        let _ = dialog.set_attribute("open", "");
        crate::ui::focus::focus(dialog.query_selector("[autofocus]").ok().flatten());
    }
}

/// Closes it. The focus returns to where it was.
pub(crate) fn close(dialog: &Element) {
    if dialog.unchecked_ref::<ModalElement>().close().is_err() {
        let _ = dialog.remove_attribute("open");
    }
}
