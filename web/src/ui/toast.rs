//! Lines that float above the page.

use leptos::prelude::*;

/// A sentence with buttons.
#[component]
pub(crate) fn Toast(
    /// What it says; while there is nothing, it is not there.
    #[prop(into)]
    sentence: Signal<Option<String>>,
    /// How assistive technology announces it.
    #[prop(default = "status")]
    role: &'static str,
    /// The buttons.
    children: ChildrenFn,
) -> impl IntoView {
    let buttons = StoredValue::new(children);
    view! {
        <Show when=move || sentence.with(Option::is_some)>
            <div class="toast">
                <span role=role>{move || sentence.get()}</span>
                {buttons.with_value(|buttons| buttons())}
            </div>
        </Show>
    }
}
