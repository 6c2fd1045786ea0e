//! The image on the pad as augmentation distorts it.

use data::mnist::SIDE;
use leptos::html;
use leptos::prelude::*;

use crate::pad::store::PadStore;
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::canvas::put_pixels;

/// The copies side by side, and the rows of them.
const COLUMNS: usize = 4;
const ROWS: usize = 2;
/// The pixels from one copy to the next.
const PITCH: usize = SIDE + 2;
const WIDTH: usize = COLUMNS * PITCH - 2;
const HEIGHT: usize = ROWS * PITCH - 2;

/// Eight copies, distorted as training images are. They change with every epoch.
#[component]
pub(super) fn AugmentationPreview() -> impl IntoView {
    let image = expect_context::<PadStore>().image;
    let progress = expect_context::<RunStore>().progress;
    let Settings { training, network, .. } = expect_context();
    let canvas = NodeRef::<html::Canvas>::new();
    let epoch = Memo::new(move |_| progress.get().epoch as u32);
    let is_drawn = Memo::new(move |_| image.with(Option::is_some));
    Effect::new(move |_| {
        let (Some(canvas), Some(image)) = (canvas.get(), image.get()) else { return };
        let (spec, seed) = training.with(|training| (training.augmentation, training.seed));
        let order = network.with(|network| network.layers.first()?.pixel_order(SIDE * SIDE));
        let mut rgba = vec![0; WIDTH * HEIGHT * 4];
        let mut copy = [0.0; SIDE * SIDE];
        for index in 0..ROWS * COLUMNS {
            data::augment::augment(&spec, seed, epoch.get(), index as u32, &image, &mut copy);
            let corner = index / COLUMNS * PITCH * WIDTH + index % COLUMNS * PITCH;
            for at in 0..copy.len() {
                let level = copy[order.as_ref().map_or(at, |order| order[at] as usize)];
                let gray = (255.0 * level) as u8;
                let pixel = (corner + at / SIDE * WIDTH + at % SIDE) * 4;
                rgba[pixel..pixel + 4].copy_from_slice(&[gray, gray, gray, 255]);
            }
        }
        put_pixels(&canvas, &rgba, WIDTH);
    });
    view! {
        <figure class="distortions">
            <Show when=move || is_drawn.get()
                fallback=|| view! { <p class="hint">"Draw a digit: here you will see what these do to it."</p> }>
                <canvas node_ref=canvas width=WIDTH.to_string() height=HEIGHT.to_string() role="img"
                    aria-label="Eight copies of the drawing, distorted as training images are"></canvas>
                <figcaption class="hint">"Your digit, as training would see it in eight epochs."</figcaption>
            </Show>
        </figure>
    }
}
