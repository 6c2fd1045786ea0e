//! The buttons and menus of a sliding window.

use std::ops::RangeInclusive;

use leptos::ev::Event;
use leptos::prelude::*;

use crate::network::inspector::Inspector;
use crate::network::layer::slide::{DEFAULT_SPEED, Slide};
use crate::network::sliding_window::SlidingWindow;

/// Steps a second, slowest to fastest.
const SPEEDS: [(&str, u64); 4] =
    [("1 a second", 1), ("4 a second", 4), ("15 a second", DEFAULT_SPEED), ("60 a second", 60)];

/// The controls of a sliding window.
#[component]
pub(super) fn SlideControls(
    slide: Slide,
    /// The window of the network.
    own: SlidingWindow,
    is_convolution: bool,
    /// The number of output maps.
    maps: usize,
    /// The output map that is computed.
    map: Memo<usize>,
) -> impl IntoView {
    let view = expect_context::<Inspector>().view;
    // If the user wants no motion, only the buttons move the window.
    let reduced_motion =
        window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|m| m.matches());
    let choose_speed = move |ev| {
        if let Some(speed) = chosen(&ev) {
            slide.speed.set(speed as u64);
            if slide.playing.get_untracked() {
                slide.play();
            }
        }
    };
    let change = move |change: fn(&mut SlidingWindow, usize)| {
        move |ev: Event| {
            if let Some(n) = chosen(&ev) {
                slide.change(|window| change(window, n));
            }
        }
    };
    view! {
        <div class="knobs">
            {(!reduced_motion).then(|| view! {
                <button on:click=move |_| if slide.playing.get_untracked() { slide.stop() } else { slide.play() }>
                    {move || if slide.playing.get() { "Stop sliding" } else { "Slide" }}
                </button>
            })}
            <button on:click=move |_| { slide.stop(); slide.back() }>"Back"</button>
            <button on:click=move |_| { slide.stop(); slide.forward() }>"Next"</button>
            {(!reduced_motion).then(|| view! {
                <label>"Speed"
                    <select on:change=choose_speed>
                        {SPEEDS.map(|(name, n)| view! { <option value=n.to_string() selected={n == DEFAULT_SPEED}>{name}</option> }).collect_view()}
                    </select>
                </label>
            })}
            {(maps > 1).then(|| view! {
                <label>"Map"
                    <select on:change=move |ev| if let Some(n) = chosen(&ev) { view.map.set(n) }>
                        {(0..maps).map(|n| view! { <option value=n.to_string() prop:selected=move || map.get() == n>{n + 1}</option> }).collect_view()}
                    </select>
                </label>
            })}
            <label>"Stride"
                <select on:change=change(|window, n| window.stride = n)>
                    {choices(1..=4, own.stride).map(|n| view! { <option value=n.to_string() selected={n == own.stride}>{n}</option> }).collect_view()}
                </select>
            </label>
            {is_convolution.then(|| view! {
                <label>"Padding"
                    <select on:change=change(|window, n| window.padding = n)>
                        {choices(0..=own.kernel_size - 1, own.padding).map(|n| view! { <option value=n.to_string() selected={n == own.padding}>{n}</option> }).collect_view()}
                    </select>
                </label>
            })}
        </div>
    }
}

/// The number that was chosen in a menu.
fn chosen(ev: &Event) -> Option<usize> {
    event_target_value(ev).parse().ok()
}

/// The options of a menu: a range, and the value of the network itself.
fn choices(range: RangeInclusive<usize>, own: usize) -> impl Iterator<Item = usize> {
    let other = Some(own).filter(|own| !range.contains(own));
    range.chain(other)
}

#[cfg(test)]
mod tests {
    use super::choices;

    #[test]
    fn the_value_of_the_network_can_always_be_chosen() {
        assert_eq!(choices(1..=4, 2).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(choices(1..=4, 28).collect::<Vec<_>>(), [1, 2, 3, 4, 28]);
    }
}
