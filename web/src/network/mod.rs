//! The network as a picture: the maps of the image on the pad, stage by stage from input to output.

pub(crate) mod batch_norm;
mod explanation;
mod feature_maps;
mod filter;
pub(crate) mod gradient_norms;
mod grid;
mod inspector;
mod layer;
mod layout;
mod lens;
pub(crate) mod link;
mod picture;
mod picture_layout;
pub(crate) mod pixel_name;
mod pixel_picker;
mod readout;
mod receptive_field;
mod sliding_window;
mod stage;
pub(crate) mod stages;
mod thinned;
pub(crate) mod view_state;
mod wires;

use leptos::prelude::*;

use crate::network::filter::FilterPanel;
use crate::network::inspector::Inspector;
use crate::network::layer::LayerPanel;
use crate::network::link::OpenPanel;
use crate::network::picture::NetworkPicture;
use crate::network::readout::Readout;
use crate::network::stage::opener_id;
use crate::network::thinned::units_choice::UnitsChoice;
use crate::runs::store::RunStore;
use crate::ui::focus::{CHECKPOINT, go_to, has_focus, restore_focus};

/// The panel with the picture, and below it the panel that is open. An open layer takes the place of the picture, of which the names
/// of the layers are left. `children` stand below the picture.
#[component]
pub(crate) fn NetworkPanel(children: Children) -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let inspector = Inspector::new();
    provide_context(inspector);
    let view = inspector.view;
    let is_filter_open = Memo::new(move |_| view.open.get() == Some(OpenPanel::Filter));
    // The open stage with its layers: when they change, its panel is built anew.
    let open_stage = Memo::new(move |_| {
        let Some(OpenPanel::Stage(name)) = view.open.get() else { return None };
        let (at, stage) =
            inspector.stages.get().into_iter().enumerate().find(|(_, stage)| stage.name == name)?;
        let layers: Vec<_> = stage.layers().filter_map(|at| inspector.layer(at)).collect();
        Some((at + 1, stage, layers))
    });
    follow_open_panel(view.open);
    view! {
        <div class="picture">
            <section class="panel network" aria-label="Network picture">
                <div class="title">
                    <h2>"What the network sees"</h2>
                    <p class="key" aria-hidden="true">
                        <span><i class="ramp activation"></i>"activation, 0 to the layer’s largest"</span>
                        <span><i class="ramp weight"></i>"weight, − to +"</span>
                    </p>
                    <span class="source">{move || runs.snapshot_label()}</span>
                    <Show when=move || view.units.get() != UnitsChoice::All>
                        <button class="small" on:click=move |_| view.units.set(UnitsChoice::All)>"Show all units again"</button>
                    </Show>
                    <button id="try-filter" class="small" aria-expanded=move || is_filter_open.get().to_string()
                        on:click=move |_| view.toggle(OpenPanel::Filter)>"Try a filter"</button>
                </div>
                <NetworkPicture />
                {children()}
                <Show when=move || !view.is_lens()><Readout /></Show>
                <p class="visually-hidden" aria-live="polite">{inspector.announced}</p>
            </section>
            {move || match open_stage.get() {
                Some((column, stage, _)) => Some(view! { <LayerPanel column stage /> }.into_any()),
                None => is_filter_open.get().then(|| view! { <FilterPanel /> }.into_any()),
            }}
        </div>
    }
}

/// Moves the focus to a panel that opens, and back to its button when it closes.
fn follow_open_panel(open: RwSignal<Option<OpenPanel>>) {
    Effect::new(move |before: Option<Option<OpenPanel>>| {
        let open = open.get();
        if open.is_some() && before.as_ref() != Some(&open) {
            // On small screens the panel is out of view. In the next frame it is laid out.
            request_animation_frame(|| {
                // Who winds the run back goes on with that.
                if !has_focus(CHECKPOINT) {
                    go_to(".panel.layer h2");
                }
            });
        } else if let (None, Some(Some(before))) = (&open, before) {
            restore_focus(match before {
                OpenPanel::Stage(name) => format!("#{}", opener_id(&name)),
                OpenPanel::Filter => "#try-filter".to_owned(),
            });
        }
        open
    });
}
