//! The left column: all settings in groups, and the help of the one that is pointed at.

pub(crate) mod augmentation_preview;
pub(crate) mod device;
mod inputs;
pub(crate) mod layer_editor;

use leptos::prelude::*;

use crate::client::State;
use crate::controls::augmentation_preview::Distortions;
use crate::controls::device::DeviceControl;
use crate::controls::inputs::{Input, help_id};
use crate::settings::{Group, Kind, SETTINGS, Scale, Setting, Width, layers};
use crate::ui::format::thousands;

/// All settings.
#[component]
pub(crate) fn Controls() -> impl IntoView {
    let state = expect_context::<State>();
    let help = move || {
        let (name, sentence) = state.help.get().unwrap_or((
            "Change anything at any time.",
            "What was learned stays. Point at a control to read what it does.",
        ));
        view! { <b>{name}</b>" "{sentence} }
    };
    view! {
        <Show when=move || !state.hides("settings")>
            <section class="panel controls" aria-label="Settings">
                {Group::ALL.map(|group| view! { <Settings group /> }).collect_view()}
                // Screen readers read the same sentence as the description of the control.
                <p class="help" aria-hidden="true">{help}</p>
            </section>
        </Show>
    }
}

/// One group that can be folded.
#[component]
fn Settings(group: Group) -> impl IntoView {
    let state = expect_context::<State>();
    let settings = move || SETTINGS.iter().filter(move |setting| setting.group == group);
    let visible = move || !state.hides(group.id()) && settings().any(|setting| !state.hides(setting.id));
    let summary = move || match group {
        Group::Network | Group::Training => String::new(),
        Group::Layers => state.setup.with(|setup| match layers::check(&setup.network) {
            Ok(_) => format!("{} parameters", thousands(setup.network.parameters())),
            Err(_) => "do not fit yet".into(),
        }),
        Group::Tricks | Group::Augmentation => {
            let setup = state.setup.get();
            let on: Vec<_> = settings().filter(|s| s.is_on(&setup)).map(|s| s.name.to_lowercase()).collect();
            if on.is_empty() { "off".into() } else { on.join(", ") }
        }
    };
    let open = Memo::new(move |_| state.scene.with(|scene| scene.unfolded[group as usize]));
    let toggled = move |ev: leptos::ev::Event| {
        let now = event_target::<web_sys::Element>(&ev).has_attribute("open");
        if now != open.get_untracked() {
            state.scene.update(|scene| scene.unfolded[group as usize] = now);
        }
    };
    view! {
        <Show when=visible>
            <details class="group" open=move || open.get() on:toggle=toggled>
                <summary><h2>{group.title()}</h2><span class="now">{summary}</span></summary>
                <div class="fields">
                    {settings().map(|setting| view! { <Control setting /> }).collect_view()}
                    {(group == Group::Training).then(|| view! { <DeviceControl /> })}
                </div>
                {(group == Group::Augmentation).then(|| view! { <Distortions /> })}
            </details>
        </Show>
    }
}

/// The control of one setting, where the setting has a meaning and is not hidden.
#[component]
fn Control(setting: &'static Setting) -> impl IntoView {
    let state = expect_context::<State>();
    let visible = Memo::new(move |_| {
        !state.hides(setting.id) && state.setup.with(|setup| setting.text(setup).is_some())
    });
    let show_help = move || state.help.set(Some((setting.name, setting.help)));
    let class = match (setting.width, &setting.kind) {
        (Width::Third, _) => "field third",
        (Width::Half, _) => "field half",
        (Width::Full, Kind::Choice(_)) => "field line",
        (Width::Full, Kind::Number(Scale::Slider { .. }, _)) => "field slider",
        (Width::Full, _) => "field",
    };
    view! {
        <Show when=move || visible.get()>
            <div class=class on:pointerenter=move |_| show_help() on:focusin=move |_| show_help()>
                <Input setting />
                <span class="visually-hidden" id=help_id(setting)>{setting.help}</span>
            </div>
        </Show>
    }
}
