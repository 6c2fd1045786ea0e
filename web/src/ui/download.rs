//! Downloads of files that the page makes.

use std::time::Duration;

use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlCanvasElement, Url};

/// Downloads a text. `kind` is its MIME type.
pub(crate) fn text(name: &str, kind: &str, text: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    blob(name, &Blob::new_with_str_sequence_and_options(&js_sys::Array::of1(&text.into()), &options)?)
}

/// Downloads the content of a canvas as PNG.
pub(crate) fn png(name: String, canvas: &HtmlCanvasElement) -> Result<(), JsValue> {
    let on_blob = Closure::once_into_js(move |picture: Option<Blob>| {
        if let Some(picture) = picture {
            let _ = blob(&name, &picture);
        }
    });
    canvas.to_blob(on_blob.unchecked_ref())
}

fn blob(name: &str, blob: &Blob) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or("no document")?;
    let address = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // Some browsers fetch the blob somewhat later.
    set_timeout(move || drop(Url::revoke_object_url(&address)), Duration::from_secs(10));
    Ok(())
}
