//! The left column: all settings in groups, and what the one at hand does.

pub(crate) mod augmentation_preview;
pub(crate) mod device;
pub(crate) mod layer_editor;

use leptos::prelude::*;

use crate::client::State;
use crate::controls::augmentation_preview::Distortions;
use crate::controls::device::DeviceControl;
use crate::controls::layer_editor::LayerEditor;
use crate::header::thousands;
use crate::settings::{Group, Kind, SETTINGS, Scale, Setting, grouped, layers, number, show};

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

/// One group, which can be folded.
#[component]
fn Settings(group: Group) -> impl IntoView {
    let state = expect_context::<State>();
    let settings = move || SETTINGS.iter().filter(move |setting| setting.group == group);
    let seen = move || !state.hides(group.id()) && settings().any(|setting| !state.hides(setting.id));
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
    let place = group as usize;
    let open = Memo::new(move |_| state.scene.with(|scene| scene.unfolded[place]));
    let toggled = move |ev: leptos::ev::Event| {
        let now = event_target::<web_sys::Element>(&ev).has_attribute("open");
        if now != open.get_untracked() {
            state.scene.update(|scene| scene.unfolded[place] = now);
        }
    };
    view! {
        <Show when=seen>
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

/// One setting, where it has a meaning and is not hidden.
#[component]
fn Control(setting: &'static Setting) -> impl IntoView {
    let state = expect_context::<State>();
    let seen = Memo::new(move |_| {
        !state.hides(setting.id) && state.setup.with(|setup| setting.text(setup).is_some())
    });
    let tell = move || state.help.set(Some((setting.name, setting.help)));
    let class = match (&setting.kind, setting.id) {
        (_, "beta1" | "beta2" | "epsilon") => "field third",
        (Kind::Choice { .. }, "activation" | "pooling") => "field half",
        (Kind::Choice { .. }, _) => "field line",
        (Kind::Number { scale: Scale::Even { .. }, .. }, _) => "field slider",
        (Kind::Number { .. }, _) => "field half",
        (Kind::Switch { .. } | Kind::Layers, _) => "field",
    };
    view! {
        <Show when=move || seen.get()>
            <div class=class on:pointerenter=move |_| tell() on:focusin=move |_| tell()>
                {match &setting.kind {
                    Kind::Choice { options, .. } => {
                        let options = options.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned()));
                        view! { <Select setting options=options.collect() /> }.into_any()
                    }
                    Kind::Number { scale: Scale::Rungs(rungs), .. } => {
                        let options = rungs.iter().map(|rung| (show(*rung), grouped(*rung)));
                        view! { <Select setting options=options.collect() /> }.into_any()
                    }
                    Kind::Number { scale: Scale::Even { least, most, step, unit }, .. } => {
                        view! { <Slider setting range=(*least, *most, *step) unit /> }.into_any()
                    }
                    Kind::Number { scale: Scale::Typed { least, most }, .. } => {
                        view! { <Typed setting range=(*least, *most) /> }.into_any()
                    }
                    Kind::Switch { .. } => view! { <Switch setting /> }.into_any(),
                    Kind::Layers => view! { <LayerEditor /> }.into_any(),
                }}
                <span class="visually-hidden" id=described(setting)>{setting.help}</span>
            </div>
        </Show>
    }
}

/// The id of the sentence that describes a control.
fn described(setting: &Setting) -> String {
    format!("help-{}", setting.id)
}

/// The value as text, empty where it has none.
fn text_of(setting: &'static Setting) -> Memo<String> {
    let state = expect_context::<State>();
    Memo::new(move |_| {
        state.setup.with(|setup| match setting.text(setup) {
            // Links keep the preset that a network began as; a menu says that it is another one now.
            Some(_) if setting.id == "preset" && !setup.is_preset() => "custom".into(),
            text => text.unwrap_or_default(),
        })
    })
}

/// A menu of values and their names; a value that is not among them has an entry as long as it is chosen.
#[component]
fn Select(setting: &'static Setting, options: Vec<(String, String)>) -> impl IntoView {
    let state = expect_context::<State>();
    let text = text_of(setting);
    let ids: Vec<_> = options.iter().map(|(id, _)| id.clone()).collect();
    let other = Memo::new(move |_| Some(text.get()).filter(|text| !ids.contains(text)));
    let other_option = move || {
        other.get().map(|text| {
            let mut name = text.clone();
            name[..1].make_ascii_uppercase();
            view! { <option value=text prop:selected=true>{name}</option> }
        })
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <select aria-describedby=described(setting)
                on:change=move |ev| { state.change(setting, &event_target_value(&ev)); }>
                {other_option}
                {options.into_iter().map(|(id, name)| {
                    let value = id.clone();
                    view! { <option value=value prop:selected=move || text.with(|text| *text == id)>{name}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}

#[component]
fn Slider(setting: &'static Setting, range: (f64, f64, f64), unit: &'static str) -> impl IntoView {
    let state = expect_context::<State>();
    let text = text_of(setting);
    let words = move || match number(&text.get()) {
        Some(0.0) if range.0 == 0.0 => "off".to_owned(),
        _ => text.get() + unit,
    };
    let filled = move || {
        let share = (number(&text.get()).unwrap_or(range.0) - range.0) / (range.1 - range.0);
        format!("--filled:{:.1}%", 100.0 * share)
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <input type="range" min=show(range.0) max=show(range.1) step=show(range.2) style=filled
                aria-valuetext=words aria-describedby=described(setting) prop:value=move || text.get()
                on:input=move |ev| { state.change(setting, &event_target_value(&ev)); } />
            <span class="value" aria-hidden="true">{words}</span>
        </label>
    }
}

#[component]
fn Typed(setting: &'static Setting, range: (f64, f64)) -> impl IntoView {
    let state = expect_context::<State>();
    let text = text_of(setting);
    let change = move |ev: leptos::ev::Event| {
        // What is no such number gives way to the one that stays.
        state.change(setting, event_target_value(&ev).trim());
        event_target::<web_sys::HtmlInputElement>(&ev).set_value(&text.get_untracked());
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <input type="number" min=show(range.0) max=show(range.1) step="1" aria-describedby=described(setting)
                prop:value=move || text.get() on:change=change />
        </label>
    }
}

#[component]
fn Switch(setting: &'static Setting) -> impl IntoView {
    let state = expect_context::<State>();
    let text = text_of(setting);
    view! {
        <label class="switch">
            <span>{setting.name}</span>
            <input type="checkbox" role="switch" aria-describedby=described(setting)
                prop:checked=move || text.with(|text| text == "on")
                on:change=move |ev| { state.change(setting, if event_target_checked(&ev) { "on" } else { "off" }); } />
        </label>
    }
}
