//! The left column: all settings in groups, and the help of the one that is pointed at.

mod augmentation_preview;
mod device;
mod inputs;
mod layer_editor;
pub(crate) mod link;
pub(crate) mod view_state;

use leptos::ev::FocusEvent;
use leptos::prelude::*;
use nn::spec::Schedule;
use trainer::messages::RunState;
use wasm_bindgen::JsCast;
use web_sys::Node;

use crate::client::Client;
use crate::controls::augmentation_preview::AugmentationPreview;
use crate::controls::device::DeviceControl;
use crate::controls::inputs::{Input, help_id};
use crate::controls::link::ControlsLink;
use crate::controls::view_state::ControlsView;
use crate::runs::store::RunStore;
use crate::runs::with_and_without::CompareButton;
use crate::settings::fold::{Fold, FoldHeading, Folded};
use crate::settings::presentation::Section;
use crate::settings::store::Settings;
use crate::settings::{Group, Kind, SETTINGS, Scale, Setting, Setup, Width, layers};
use crate::ui::format::{count, three_digits, uncapitalized};

/// All settings.
#[component]
pub(crate) fn ControlsPanel() -> impl IntoView {
    let settings = expect_context::<Settings>();
    let controls = expect_context::<ControlsView>();
    let help = move || {
        let (name, sentence) = controls.help.get().unwrap_or((
            "Change anything at any time.",
            "What was learned stays. Point at a control to read what it does.",
        ));
        view! { <b>{name}</b>" "{sentence} }
    };
    controls.follow_drawer(settings);
    let fold = Fold::unless(Section::Settings, move || {
        controls.unfolded.with(|unfolded| *unfolded != ControlsLink::default().unfolded)
    });
    // The focus leaves the drawer for something behind it.
    let leave = move |ev: FocusEvent| {
        let drawer = ev.current_target().and_then(|drawer| drawer.dyn_into::<Node>().ok());
        let next = ev.related_target().and_then(|next| next.dyn_into::<Node>().ok());
        if drawer.zip(next).is_some_and(|(drawer, next)| !drawer.contains(Some(&next))) {
            controls.close_drawer();
        }
    };
    view! {
        <Show when=move || !settings.hides("settings")>
            <section class="panel controls" class:shown=move || controls.is_drawn.get() aria-label="Settings" on:focusout=leave>
                <button class="small drawer-close" on:click=move |_| { controls.close_drawer(); } title="Escape">"Close"</button>
                {move || fold.is_foldable().then(|| view! { <h2><FoldHeading fold words="All settings" /></h2> })}
                <Folded fold>
                    {Group::ALL.map(|group| view! { <GroupControls group /> }).collect_view()}
                    // Screen readers read the same sentence as the description of the control.
                    <p class="help" aria-hidden="true">{help}</p>
                </Folded>
            </section>
        </Show>
    }
}

/// One group that can be folded.
#[component]
fn GroupControls(group: Group) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let setup = settings.setup;
    let unfolded = expect_context::<ControlsView>().unfolded;
    let of_group = move || SETTINGS.iter().filter(move |setting| setting.group == group);
    let visible =
        move || !settings.hides(group.id()) && of_group().any(|setting| !settings.hides(setting.id));
    let summary = move || match group {
        Group::Network => String::new(),
        Group::Training => setup.with(rate_now).unwrap_or_default(),
        Group::Layers => setup.with(|setup| match layers::check(&setup.network, setup.training.batch_size) {
            Ok(_) => count(setup.network.parameters(), "parameter"),
            Err(_) => "do not fit yet".into(),
        }),
        Group::Tricks | Group::Data | Group::Augmentation => {
            let setup = setup.get();
            let on: Vec<_> = of_group().filter(|s| s.is_on(&setup)).map(|s| uncapitalized(s.name)).collect();
            if on.is_empty() { "off".into() } else { on.join(", ") }
        }
    };
    let open = Memo::new(move |_| unfolded.get()[group as usize]);
    // The event comes later, when this group may be gone: it reads nothing that belongs to the group.
    let toggled = move |ev: leptos::ev::Event| {
        let now = event_target::<web_sys::Element>(&ev).has_attribute("open");
        if now != unfolded.get_untracked()[group as usize] {
            unfolded.update(|unfolded| unfolded[group as usize] = now);
        }
    };
    view! {
        <Show when=visible>
            <details class="group" open=move || open.get() on:toggle=toggled>
                <summary><h2>{group.title()}</h2><span class="now">{summary}</span></summary>
                <div class="fields">
                    {of_group().map(|setting| view! { <Control setting /> }).collect_view()}
                    {(group == Group::Training).then(|| view! { <DeviceControl /> })}
                </div>
                {(group == Group::Augmentation).then(|| view! { <AugmentationPreview /> })}
            </details>
        </Show>
    }
}

/// The learning rate of the next step, while the network trains and where the schedule changes it.
fn rate_now(setup: &Setup) -> Option<String> {
    let RunStore { progress, comparison, .. } = expect_context();
    let is_training = expect_context::<Client>().run.get() == RunState::Training;
    let is_told =
        is_training && setup.training.schedule != Schedule::Constant && comparison.with(Option::is_none);
    is_told.then(|| format!("rate now {}", three_digits(progress.get().learning_rate)))
}

/// The control of one setting, where the setting has a meaning and is not hidden.
#[component]
fn Control(setting: &'static Setting) -> impl IntoView {
    let settings = expect_context::<Settings>();
    let controls = expect_context::<ControlsView>();
    let visible = Memo::new(move |_| {
        !settings.hides(setting.id) && settings.setup.with(|setup| setting.text(setup).is_some())
    });
    let show_help = move || controls.show_help(setting.name, setting.help);
    let class = match (setting.width, &setting.kind) {
        (Width::Third, _) => "field third",
        (Width::Half, _) => "field half",
        (Width::Full, Kind::Choice(_)) => "field line",
        (Width::Full, Kind::Number(Scale::Slider { .. }, _)) => "field slider",
        (Width::Full, _) => "field",
    };
    let is_trick = setting.is_trick();
    view! {
        <Show when=move || visible.get()>
            <div class=class class:compared=is_trick on:pointerenter=move |_| show_help() on:focusin=move |_| show_help()>
                <Input setting />
                {is_trick.then(|| view! { <CompareButton setting /> })}
                <span class="visually-hidden" id=help_id(setting)>{setting.help}</span>
            </div>
        </Show>
    }
}
