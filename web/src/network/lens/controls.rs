//! The buttons and menus of the Lens: how the window moves, and which window is tried.

use std::ops::RangeInclusive;

use leptos::ev::Event;
use leptos::prelude::*;

use crate::network::inspector::Inspector;
use crate::network::lens::model::WindowLens;
use crate::network::lens::slide::DEFAULT_SPEED;
use crate::network::lens::trial::{KERNEL_SIZES, STRIDES, Trial};

/// Steps a second, slowest to fastest.
const SPEEDS: [(&str, u64); 4] =
    [("1 a second", 1), ("4 a second", 4), ("15 a second", DEFAULT_SPEED), ("60 a second", 60)];

/// The controls of a window.
#[component]
pub(super) fn WindowControls(lens: WindowLens) -> impl IntoView {
    let WindowLens { slide, own, is_convolution, maps, map, .. } = lens;
    let view = expect_context::<Inspector>().view;
    // If the user wants no motion, only the buttons move the window.
    let reduced_motion =
        window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|m| m.matches());
    let choose = move |change: fn(&mut Trial, usize)| move |n: usize| slide.change(|trial| change(trial, n));
    let tried = slide.window;
    let kernel_size = Memo::new(move |_| tried.get().kernel_size);
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
                    <select on:change=move |ev| if let Some(n) = chosen(&ev) { slide.set_speed(n as u64) }>
                        {SPEEDS.map(|(name, n)| view! { <option value=n.to_string() selected={n == DEFAULT_SPEED}>{name}</option> }).collect_view()}
                    </select>
                </label>
            })}
            {(maps > 1).then(|| view! { <NumberMenu name="Map" numbers=(0..maps).collect() first=1 now=map choose=move |n| view.map.set(n) /> })}
            {(is_convolution && own.input.channels > 1).then(|| view! {
                <NumberMenu name="Input map" numbers=(0..own.input.channels).collect() first=1 now=lens.channel
                    choose=move |n| lens.chosen_channel.set(n) />
            })}
            <NumberMenu name="Kernel" numbers=choices(KERNEL_SIZES, own.kernel_size) first=0
                now=kernel_size choose=choose(|trial, n| trial.kernel_size = Some(n)) />
            <NumberMenu name="Stride" numbers=choices(STRIDES, own.stride) first=0
                now=Memo::new(move |_| tried.get().stride) choose=choose(|trial, n| trial.stride = Some(n)) />
            {move || is_convolution.then(|| view! {
                <NumberMenu name="Padding" numbers=choices(0..=kernel_size.get() - 1, own.padding) first=0
                    now=Memo::new(move |_| tried.get().padding) choose=choose(|trial, n| trial.padding = Some(n)) />
            })}
        </div>
    }
}

/// A menu of numbers, which are shown from `first` on.
#[component]
pub(in crate::network) fn NumberMenu(
    name: &'static str,
    numbers: Vec<usize>,
    first: usize,
    now: Memo<usize>,
    choose: impl Fn(usize) + 'static,
) -> impl IntoView {
    view! {
        <label>{name}
            <select on:change=move |ev| if let Some(n) = chosen(&ev) { choose(n) }>
                {numbers.into_iter().map(|n| view! { <option value=n.to_string() prop:selected=move || now.get() == n>{n + first}</option> }).collect_view()}
            </select>
        </label>
    }
}

/// The number that was chosen in a menu.
fn chosen(ev: &Event) -> Option<usize> {
    event_target_value(ev).parse().ok()
}

/// The options of a menu: a range, and the value of the network itself.
fn choices(range: RangeInclusive<usize>, own: usize) -> Vec<usize> {
    let other = Some(own).filter(|own| !range.contains(own));
    range.chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::choices;

    #[test]
    fn the_value_of_the_network_can_always_be_chosen() {
        assert_eq!(choices(1..=4, 2), [1, 2, 3, 4]);
        assert_eq!(choices(1..=4, 28), [1, 2, 3, 4, 28]);
    }
}
