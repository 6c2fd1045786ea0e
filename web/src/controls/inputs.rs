//! The input of a setting: a menu, a slider, a field to type in or a switch.

use leptos::prelude::*;

use crate::controls::layer_editor::LayerEditor;
use crate::settings::store::Settings;
use crate::settings::{Kind, Scale, Setting};
use crate::ui::format::{capitalized, grouped, parse_number, shortest};

/// The input that suits a setting.
#[component]
pub(super) fn Input(setting: &'static Setting) -> impl IntoView {
    match &setting.kind {
        Kind::Choice(choice) => {
            let options = choice.options.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned()));
            view! { <Select setting options=options.collect() /> }.into_any()
        }
        Kind::Number(Scale::Menu(values), _) => {
            let options = values.iter().map(|value| (shortest(*value), grouped(*value)));
            view! { <Select setting options=options.collect() /> }.into_any()
        }
        Kind::Number(Scale::Slider { min, max, step, unit }, _) => {
            view! { <Slider setting min=*min max=*max step=*step unit /> }.into_any()
        }
        Kind::Number(Scale::Integer { min, max }, _) => {
            view! { <IntegerField setting min=*min max=*max /> }.into_any()
        }
        Kind::Switch(_) => view! { <Switch setting /> }.into_any(),
        Kind::Layers => view! { <LayerEditor /> }.into_any(),
    }
}

/// The id of the element with the help of a setting.
pub(super) fn help_id(setting: &Setting) -> String {
    format!("help-{}", setting.id)
}

/// The value that an input shows. A setting may lose its value, as momentum does with Adam: until its control is gone, a moment
/// later, the control keeps the last one.
fn text_of(setting: &'static Setting) -> Memo<String> {
    let settings = expect_context::<Settings>();
    Memo::new(move |last: Option<&String>| {
        let text = settings.setup.with(|setup| setting.shown_text(setup));
        text.or_else(|| last.cloned()).unwrap_or_default()
    })
}

/// A menu of values and their names. A value that is not among them has an option of its own while it is selected.
#[component]
fn Select(setting: &'static Setting, options: Vec<(String, String)>) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let text = text_of(setting);
    let ids: Vec<_> = options.iter().map(|(id, _)| id.clone()).collect();
    let other = Memo::new(move |_| Some(text.get()).filter(|text| !ids.contains(text)));
    let other_option = move || {
        other.get().map(|text| {
            let name = capitalized(&text);
            view! { <option value=text prop:selected=true>{name}</option> }
        })
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <select aria-describedby=help_id(setting)
                on:change=move |ev| { settings.change(setting, &event_target_value(&ev)); }>
                {other_option}
                {options.into_iter().map(|(id, name)| {
                    let value = id.clone();
                    view! { <option value=value prop:selected=move || text.with(|text| *text == id)>{name}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}

/// A slider with its value.
#[component]
fn Slider(setting: &'static Setting, min: f64, max: f64, step: f64, unit: &'static str) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let text = text_of(setting);
    let words = move || match parse_number(&text.get()) {
        Some(0.0) if setting.has_off() => "off".to_owned(),
        _ => text.get() + unit,
    };
    let filled = move || {
        let share = (parse_number(&text.get()).unwrap_or(min) - min) / (max - min);
        format!("--filled:{:.1}%", 100.0 * share)
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <input type="range" min=shortest(min) max=shortest(max) step=shortest(step) prop:style=filled
                aria-valuetext=words aria-describedby=help_id(setting) prop:value=move || text.get()
                on:input=move |ev| { settings.change(setting, &event_target_value(&ev)); } />
            <span class="value" aria-hidden="true">{words}</span>
        </label>
    }
}

/// A field to type a whole number in.
#[component]
fn IntegerField(setting: &'static Setting, min: f64, max: f64) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let text = text_of(setting);
    let change = move |ev: leptos::ev::Event| {
        // A text that is no such number is replaced by the number that stays. The event may come after this control is gone,
        // so that the number is read from the settings.
        settings.change(setting, event_target_value(&ev).trim());
        let now = settings.setup.with_untracked(|setup| setting.text(setup)).unwrap_or_default();
        event_target::<web_sys::HtmlInputElement>(&ev).set_value(&now);
    };
    view! {
        <label>
            <span>{setting.name}</span>
            <input type="number" min=shortest(min) max=shortest(max) step="1" aria-describedby=help_id(setting)
                prop:value=move || text.get() on:change=change />
        </label>
    }
}

/// On or off.
#[component]
fn Switch(setting: &'static Setting) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let text = text_of(setting);
    view! {
        <label class="switch">
            <span>{setting.name}</span>
            <input type="checkbox" role="switch" aria-describedby=help_id(setting)
                prop:checked=move || text.with(|text| text == "on")
                on:change=move |ev| { settings.change(setting, if event_target_checked(&ev) { "on" } else { "off" }); } />
        </label>
    }
}
