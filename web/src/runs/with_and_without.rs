//! The buttons that compare the network with and without a trick.

use leptos::prelude::*;

use crate::runs::store::RunStore;
use crate::settings::Setting;
use crate::settings::diff::words;
use crate::settings::store::Settings;
use crate::ui::focus::{go_to, restore_focus};
use crate::ui::format::uncapitalized;

/// The first button that starts a comparison, or the one that ends it.
pub(crate) const COMPARISON_BUTTON: &str = ".compare button";

/// The button that ends a comparison.
const END_BUTTON: &str = ".under-way button";

/// Starts a comparison. The buttons that start one disappear, so the focus moves to the one that ends it.
pub(crate) fn compare(runs: RunStore, setting: &'static Setting, value: &str) {
    runs.compare(setting, value);
    restore_focus(COMPARISON_BUTTON);
}

/// Whether the link hides a setting. Then it cannot be compared either.
pub(crate) fn is_hidden(settings: Settings, setting: &Setting) -> bool {
    ["settings", setting.group.id(), setting.id].into_iter().any(|id| settings.hides(id))
}

/// The value that is compared with the present one; none for what is no trick, has no meaning now, or is hidden.
fn toggled(runs: RunStore, settings: Settings, setting: &'static Setting) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let length = runs.length.get();
        let value = settings.setup.with(|setup| length.toggled(setting, setup));
        value.filter(|_| !is_hidden(settings, setting))
    })
}

/// The button among the comparisons: nothing where there is nothing to compare.
#[component]
pub(crate) fn WithAndWithout(setting: &'static Setting) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let toggled = toggled(runs, expect_context::<Settings>(), setting);
    let visible = Memo::new(move |_| toggled.with(Option::is_some));
    let title = move || {
        let to = toggled.get().map(|text| words(setting, &text)).unwrap_or_default();
        format!("Trains as it is, and with {}: {to}", setting.name)
    };
    let start = move |_| {
        if let Some(value) = toggled.get_untracked() {
            compare(runs, setting, &value);
        }
    };
    view! {
        <Show when=move || visible.get()>
            <button class="small" aria-label=format!("With and without {}", setting.name) title=title on:click=start>
                {setting.name}
            </button>
        </Show>
    }
}

/// The same beside the control of the setting: a sign that appears where the control is pointed at or has the focus.
#[component]
pub(crate) fn CompareButton(setting: &'static Setting) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let settings = expect_context::<Settings>();
    let toggled = toggled(runs, settings, setting);
    let is_comparing = Memo::new(move |_| runs.comparison.with(Option::is_some));
    let title = move || {
        let sentence =
            settings.setup.with(|setup| runs.length.get().in_a_sentence("Both networks train", setup));
        let [now, other] = settings.setup.with(|setup| {
            let now = setting.text(setup).unwrap_or_default();
            [now, toggled.get().unwrap_or_default()].map(|text| words(setting, &text))
        });
        format!("Two new networks, {} {now} and {other}. {sentence}", uncapitalized(setting.name))
    };
    let start = move |_| {
        if let Some(value) = toggled.get_untracked() {
            runs.compare(setting, &value);
            // It is under way elsewhere on the page, on a phone in a section that may be folded.
            request_animation_frame(|| go_to(END_BUTTON));
        }
    };
    view! {
        <button class="versus" aria-label=format!("Compare {} on and off", uncapitalized(setting.name)) title=title
            disabled=move || is_comparing.get() || toggled.with(Option::is_none) on:click=start>"A|B"</button>
    }
}
