//! The window of a layer walks over its input, step by step, and leaves a map behind.

use std::ops::RangeInclusive;
use std::time::Duration;

use leptos::prelude::*;
use nn::spec::LayerSpec;

use crate::network::explanation::number;
use crate::network::feature_maps::Maps;
use crate::network::grid::Grid;
use crate::network::inspector::Look;
use crate::network::sliding_window::Windows;
use crate::network::stages::Stage;

/// CSS pixels that the maps slid over may be wide, and the map that comes of it.
const ROOM: (usize, usize) = (330, 240);
/// Steps a second, slowest to fastest.
const SPEEDS: [(&str, u64); 4] =
    [("1 a second", 1), ("4 a second", 4), ("15 a second", 15), ("60 a second", 60)];

/// What one value of a layer's output is made of, slid over the whole input. Stride and padding can be tried here; the
/// network keeps its own.
#[component]
pub(crate) fn Slide(column: usize, stage: Stage) -> impl IntoView {
    let look = expect_context::<Look>();
    let Some(layer) = look.layer(stage.layer) else { return ().into_any() };
    let Some(own) = Windows::of(&layer) else { return ().into_any() };
    let is_sum = matches!(layer.spec, LayerSpec::Conv2d { .. });
    let windows = RwSignal::new(own);
    let at = RwSignal::new(0usize);
    let timer = StoredValue::new(None::<IntervalHandle>);
    let speed = RwSignal::new(15u64);
    let playing = RwSignal::new(false);
    let scene = look.state.scene;
    let maps = stage.shape.channels;
    // The network may have lost some of its maps since.
    let map = Memo::new(move |_| scene.with(|scene| scene.map).min(maps - 1));

    let output = Memo::new(move |_| {
        let (windows, map) = (windows.get(), map.get());
        let input = look.values(column - 1)?;
        if input.len() != windows.input.len() {
            return None;
        }
        if !is_sum {
            let mut pooled = windows.pooled(&input, map, matches!(layer.spec, LayerSpec::MaxPool2d { .. }));
            // Sub-sampling learns a factor and an addend for each map.
            let learned = look.with_detail(stage.layer, |detail| {
                detail.and_then(|d| Some((*d.weights.get(map)?, *d.biases.get(map)?)))
            });
            let (factor, addend) = learned.unwrap_or((1.0, 0.0));
            pooled.iter_mut().for_each(|value| *value = *value * factor + addend);
            return Some(pooled);
        }
        look.with_detail(stage.layer, |detail| {
            let detail = detail?;
            let kernel = windows.input.channels * windows.kernel * windows.kernel;
            let weights = detail.weights.get(map * kernel..(map + 1) * kernel)?;
            Some(windows.correlate(&input, weights, *detail.biases.get(map)?))
        })
    });
    let (rows, columns) = (move || windows.get().output().0, move || windows.get().output().1);
    let steps = move || rows() * columns();
    let go = move |to: usize| at.set(to % steps().max(1));
    let stop = move || {
        playing.set(false);
        if let Some(Some(timer)) = timer.try_update_value(Option::take) {
            timer.clear();
        }
    };
    let play = move || {
        stop();
        playing.set(true);
        let step = move || go(at.get_untracked() + 1);
        let every = Duration::from_millis(1000 / speed.get_untracked());
        timer.set_value(set_interval_with_handle(step, every).ok());
    };
    on_cleanup(stop);
    // Whoever wants no motion walks by the buttons.
    let still =
        window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|m| m.matches());
    let change = move |change: fn(&mut Windows, usize)| {
        move |ev| {
            if let Ok(n) = event_target_value(&ev).parse() {
                windows.update(|windows| change(windows, n));
                at.set(0);
            }
        }
    };
    let formula = move || formula(&windows.get());
    let status = move || {
        let (row, column) = (at.get() / columns().max(1), at.get() % columns().max(1));
        let value = output.with(|o| o.as_ref().and_then(|o| o.get(at.get()).copied()));
        let value = value.map_or("draw a digit first".into(), number);
        format!("Window {} of {}: row {}, column {}: {value}", at.get() + 1, steps(), row + 1, column + 1)
    };
    view! {
        <section class="slide" aria-labelledby="slide-title">
            <h3 id="slide-title">"Slide the window"</h3>
            <div class="knobs">
                {(!still).then(|| view! {
                    <button on:click=move |_| if playing.get_untracked() { stop() } else { play() }>
                        {move || if playing.get() { "Stop sliding" } else { "Slide" }}
                    </button>
                })}
                <button on:click=move |_| { stop(); go(at.get_untracked() + steps().saturating_sub(1)) }>"Back"</button>
                <button on:click=move |_| { stop(); go(at.get_untracked() + 1) }>"Next"</button>
                {(!still).then(|| view! {
                    <label>"Speed"
                        <select on:change=move |ev| {
                            if let Ok(n) = event_target_value(&ev).parse() {
                                speed.set(n);
                                if playing.get_untracked() { play() }
                            }
                        }>
                            {SPEEDS.map(|(name, n)| view! { <option value=n.to_string() selected={n == 15}>{name}</option> }).collect_view()}
                        </select>
                    </label>
                })}
                {(maps > 1).then(|| view! {
                    <label>"Map"
                        <select on:change=move |ev| if let Ok(n) = event_target_value(&ev).parse() { scene.update(|scene| scene.map = n) }>
                            {(0..maps).map(|n| view! { <option value=n.to_string() prop:selected=move || map.get() == n>{n + 1}</option> }).collect_view()}
                        </select>
                    </label>
                })}
                <label>"Stride"
                    <select on:change=change(|w, n| w.stride = n)>
                        {choices(1..=4, own.stride).map(|n| view! { <option value=n.to_string() selected={n == own.stride}>{n}</option> }).collect_view()}
                    </select>
                </label>
                {is_sum.then(|| view! {
                    <label>"Padding"
                        <select on:change=change(|w, n| w.padding = n)>
                            {choices(0..=own.kernel - 1, own.padding).map(|n| view! { <option value=n.to_string() selected={n == own.padding}>{n}</option> }).collect_view()}
                        </select>
                    </label>
                })}
            </div>
            <p class="formula">
                "(n + 2p − k) / s + 1: "<output aria-label="Output size">{formula}</output>
            </p>
            <div class="walk">
                {move || {
                    let windows = windows.get();
                    let channels = if is_sum { windows.input.channels } else { 1 };
                    view! { <Under windows channels map at values=Signal::derive(move || look.values(column - 1)) /> }
                }}
                <span class="times" aria-hidden="true">"→"</span>
                {move || {
                    let (rows, columns) = windows.get().output();
                    view! { <Left rows columns at diverging=is_sum values=output /> }
                }}
            </div>
            <output aria-label="Window" aria-live="off">{status}</output>
        </section>
    }
    .into_any()
}

/// What a menu offers: a range, and what the network itself has.
fn choices(range: RangeInclusive<usize>, own: usize) -> impl Iterator<Item = usize> {
    let other = Some(own).filter(|own| !range.contains(own));
    range.chain(other)
}

/// How many windows lie along a side, written out.
fn formula(windows: &Windows) -> String {
    let Windows { input, kernel, stride, padding } = *windows;
    let side = format!("{} + 2·{padding} − {kernel}", input.height);
    let Some(room) = (input.height + 2 * padding).checked_sub(kernel) else {
        return format!("{side} is less than 0: the window does not fit");
    };
    let steps = if room.is_multiple_of(stride) {
        format!("({side}) / {stride}")
    } else {
        format!("⌊({side}) / {stride}⌋")
    };
    format!("{steps} + 1 = {}", windows.along(input.height))
}

/// The maps slid over, with their padding and the window.
#[component]
fn Under(
    windows: Windows,
    /// How many of them the window lies on: all, or the one chosen.
    channels: usize,
    map: Memo<usize>,
    at: RwSignal<usize>,
    values: Signal<Option<Vec<f32>>>,
) -> impl IntoView {
    let Windows { input, kernel, stride, padding } = windows;
    let (height, width) = (input.height + 2 * padding, input.width + 2 * padding);
    let grid = Grid::new(channels, height, width);
    let first = move || if channels == input.channels { 0 } else { map.get() };
    let padded = Signal::derive(move || {
        let values = values.get()?;
        // What is no number is grey: so is the padding.
        let mut padded = vec![f32::NAN; grid.len()];
        for (i, pixel) in padded.iter_mut().enumerate() {
            let (channel, y, x) = (i / (height * width), i / width % height, i % width);
            let inside = y.checked_sub(padding).filter(|y| *y < input.height);
            if let Some((y, x)) = inside.zip(x.checked_sub(padding).filter(|x| *x < input.width)) {
                *pixel = *values.get(((first() + channel) * input.height + y) * input.width + x)?;
            }
        }
        Some(padded)
    });
    let path = Memo::new(move |_| {
        let columns = windows.output().1.max(1);
        let (top, left) = (at.get() / columns * stride, at.get() % columns * stride);
        (0..channels)
            .map(|c| grid.frame(c, &(top..top + kernel), &(left..left + kernel)))
            .map(|[x, y, w, h]| format!("M{x} {y}h{w}v{h}h-{w}z"))
            .collect::<String>()
    });
    view! { <Framed grid room=ROOM.0 label="What the window slides over" diverging=false values=padded path /> }
}

/// The map that is left behind, as far as the window has come.
#[component]
fn Left(
    rows: usize,
    columns: usize,
    at: RwSignal<usize>,
    diverging: bool,
    values: Memo<Option<Vec<f32>>>,
) -> impl IntoView {
    let grid = Grid::with_columns(1, 1, rows.max(1), columns.max(1));
    let so_far = Signal::derive(move || {
        let mut values = values.get()?;
        values.iter_mut().skip(at.get() + 1).for_each(|v| *v = f32::NAN);
        Some(values)
    });
    let path = Memo::new(move |_| {
        let (x, y) = (at.get() % columns.max(1), at.get() / columns.max(1));
        format!("M{x} {y}h1v1h-1z")
    });
    view! { <Framed grid room=ROOM.1 label="The map so far" diverging values=so_far path /> }
}

/// Maps with something framed.
#[component]
fn Framed(
    grid: Grid,
    room: usize,
    label: &'static str,
    diverging: bool,
    values: Signal<Option<Vec<f32>>>,
    path: Memo<String>,
) -> impl IntoView {
    let (width, height) = grid.size();
    let scale = (room / width.max(height)).max(1);
    view! {
        <div class="framed">
            <Maps grid scale label diverging values />
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                <path class="halo" d=path></path>
                <path class="mark" d=path></path>
            </svg>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::spec::Shape;

    #[test]
    fn the_size_is_written_out() {
        let written = |side, kernel, stride, padding| {
            formula(&Windows { input: Shape::maps(1, side, side), kernel, stride, padding })
        };
        assert_eq!(written(28, 5, 1, 2), "(28 + 2·2 − 5) / 1 + 1 = 28");
        assert_eq!(written(28, 5, 2, 0), "⌊(28 + 2·0 − 5) / 2⌋ + 1 = 12");
        assert_eq!(written(3, 5, 1, 0), "3 + 2·0 − 5 is less than 0: the window does not fit");
    }

    #[test]
    fn what_the_network_has_can_always_be_chosen() {
        assert_eq!(choices(1..=4, 2).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(choices(1..=4, 28).collect::<Vec<_>>(), [1, 2, 3, 4, 28]);
    }
}
