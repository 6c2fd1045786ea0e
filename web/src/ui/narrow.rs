//! Whether the window is as narrow as a phone.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;

/// The media query of the stylesheets.
const PHONE: &str = "(max-width: 700px)";

/// Whether the window is as narrow as a phone: sections fold then, and what one thumb needs stands at the lower edge.
#[derive(Clone, Copy)]
pub(crate) struct Narrow(RwSignal<bool>);

impl Narrow {
    /// Follows the window from now on.
    pub(crate) fn new() -> Self {
        let query = window().match_media(PHONE).ok().flatten();
        let narrow = RwSignal::new(query.as_ref().is_some_and(web_sys::MediaQueryList::matches));
        if let Some(query) = query {
            let watched = query.clone();
            let changed = Closure::<dyn FnMut()>::new(move || narrow.set(watched.matches()));
            // Older browsers have no listeners here; they leave the property alone.
            query.set_onchange(Some(changed.into_js_value().unchecked_ref()));
        }
        Self(narrow)
    }

    /// Whether it is now.
    pub(crate) fn get(self) -> bool {
        self.0.get()
    }
}
