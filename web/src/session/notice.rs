//! What the page says about a run that it brought back.

use leptos::prelude::*;

use super::store::SessionStore;
use crate::ui::toast::Toast;

/// Says that a run was brought back, and offers to start afresh.
#[component]
pub(crate) fn BroughtBack() -> impl IntoView {
    let session = expect_context::<SessionStore>();
    let sentence = session.brought_back;
    view! {
        <Toast sentence>
            <button on:click=move |_| session.start_afresh()>"Start afresh"</button>
            <button on:click=move |_| sentence.set(None)>"Dismiss"</button>
        </Toast>
    }
}
