//! Copying a text, also where the browser has no clipboard for the page.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, HtmlTextAreaElement, Navigator};

use crate::ui::focus::focus;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Navigator)]
    type ClipboardNavigator;

    /// Pages from plain http hosts lack it.
    #[wasm_bindgen(method, getter)]
    fn clipboard(this: &ClipboardNavigator) -> Option<Clipboard>;

    type Clipboard;

    #[wasm_bindgen(method, catch, js_name = writeText)]
    fn write_text(this: &Clipboard, text: &str) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(extends = Document)]
    type EditableDocument;

    #[wasm_bindgen(method, catch, js_name = execCommand)]
    fn exec_command(this: &EditableDocument, command: &str) -> Result<bool, JsValue>;
}

/// Copies a text. Returns whether that was possible.
pub(crate) async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    let clipboard = navigator.unchecked_ref::<ClipboardNavigator>().clipboard();
    if let Some(Ok(written)) = clipboard.map(|clipboard| clipboard.write_text(text))
        && JsFuture::from(written).await.is_ok()
    {
        return true;
    }
    copy_selection(text).unwrap_or(false)
}

/// Copies a text by selecting it, as browsers did before they had a clipboard.
fn copy_selection(text: &str) -> Result<bool, JsValue> {
    let document = document();
    let focused = document.active_element();
    let area: HtmlTextAreaElement = document.create_element("textarea")?.unchecked_into();
    area.set_value(text);
    area.set_class_name("visually-hidden");
    area.set_attribute("aria-hidden", "true")?;
    // Beside an open dialog nothing can be selected.
    let dialog = document.query_selector("dialog[open]")?;
    let place = dialog.or_else(|| document.body().map(Into::into)).ok_or("no body")?;
    place.append_child(&area)?;
    area.select();
    let is_copied = document.unchecked_ref::<EditableDocument>().exec_command("copy");
    area.remove();
    focus(focused);
    is_copied
}
