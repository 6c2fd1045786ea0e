//! The layout of the picture as the page has it now: it follows the network, the window and the open panel.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, ResizeObserver};

use crate::network::inspector::Inspector;
use crate::network::layout::{Kind, Layout, Placed, Room, arrange};
use crate::network::stages;
use crate::ui::redraw::Redraw;

/// What the window holds besides the maps, in CSS pixels: the header, the words above and below the maps.
const AROUND: f64 = 336.0;
/// The least height for the maps.
const MIN_HEIGHT: f64 = 250.0;
/// The height for the maps while a panel below them is open.
const STRIP_HEIGHT: f64 = 176.0;

/// The layout of the picture, for its parts.
#[derive(Clone, Copy)]
pub(super) struct Picture {
    pub(super) layout: Memo<Layout>,
    /// Whether it is a strip, above the panel in which a filter is tried.
    pub(super) is_strip: Memo<bool>,
    /// Whether only the names of the layers are shown, above the one that is open.
    pub(super) is_tabs: Memo<bool>,
}

impl Picture {
    /// The layout for the room of `host`.
    pub(super) fn new(inspector: Inspector, host: NodeRef<html::Div>) -> Self {
        let room = watch_room(host);
        let columns = Memo::new(move |_| inspector.stages.with(|stages| stages::columns(stages)));
        let is_open = Memo::new(move |_| inspector.view.open.with(Option::is_some));
        let layout = Memo::new(move |_| {
            let Room { height, .. } = room.get();
            let height = if is_open.get() { height.min(STRIP_HEIGHT) } else { height };
            columns.with(|columns| arrange(columns, Room { height, ..room.get() }))
        });
        let is_strip = Memo::new(move |_| is_open.get() && layout.with(|layout| layout.is_row));
        let is_tabs = Memo::new(move |_| inspector.view.is_lens());
        Self { layout, is_strip, is_tabs }
    }

    /// The values of maps, none while an open layer has their place: what nobody sees is not drawn.
    pub(super) fn shown(&self, values: impl FnOnce() -> Option<Vec<f32>>) -> Option<Vec<f32>> {
        if self.is_tabs.get() { None } else { values() }
    }

    /// A column by its number: 0 is the image, 1 the first stage.
    pub(super) fn column(&self, column: usize) -> Option<Placed> {
        self.layout.with(|layout| {
            let of_network = layout.columns.iter().filter(|placed| placed.column.kind != Kind::Weights);
            of_network.copied().nth(column)
        })
    }

    /// The column of the weights of a first dense layer.
    pub(super) fn weights(&self) -> Option<Placed> {
        self.layout
            .with(|layout| layout.columns.iter().find(|placed| placed.column.kind == Kind::Weights).copied())
    }

    /// The style of a column's figure: its width, the side of a value, and the room above the maps.
    pub(super) fn style(&self, placed: Option<Placed>) -> String {
        let height = self.layout.with(|layout| if layout.is_row { layout.height } else { 0.0 });
        placed.map_or_else(String::new, |placed| {
            let top = if height > 0.0 { placed.top } else { 0.0 };
            let Placed { width, scale, .. } = placed;
            format!("--width:{width}px;--side:{scale}px;--top:{top}px;--height:{height}px")
        })
    }
}

/// The room for the picture, which follows the window.
fn watch_room(host: NodeRef<html::Div>) -> Memo<Room> {
    let redraw = expect_context::<Redraw>();
    let room = RwSignal::new(Room { width: 0.0, height: MIN_HEIGHT, pixel: 1.0, zoom: 1.0 });
    Effect::new(move |_| {
        let Some(host) = host.get() else { return };
        let measured = host.clone();
        // In the next frame: the picture changes its height by it, which the observer would count as a loop.
        let changed = Closure::<dyn FnMut()>::new(move || {
            let measured = measured.clone();
            request_animation_frame(move || room.set(measure(&measured)));
        });
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&host);
            changed.forget();
        }
    });
    Effect::new(move |_| {
        redraw.track();
        if let Some(host) = host.get() {
            room.set(measure(&host));
        }
    });
    Memo::new(move |_| room.get())
}

fn measure(host: &HtmlElement) -> Room {
    let window = window();
    // Large type magnifies the page by this.
    let body = document().body().and_then(|body| window.get_computed_style(&body).ok().flatten());
    let zoom = body.and_then(|style| style.get_property_value("--zoom").ok()?.trim().parse().ok());
    let zoom: f64 = zoom.unwrap_or(1.0);
    let window_height = window.inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(0.0);
    Room {
        width: f64::from(host.client_width()),
        height: (window_height / zoom - AROUND).max(MIN_HEIGHT),
        pixel: 1.0 / (window.device_pixel_ratio() * zoom),
        zoom,
    }
}
