//! The Lens on a layer with a window: its input, the values and the weights under the window, and the map that it computes.

use leptos::prelude::*;
use nn::spec::Shape;
use nn::summary::LayerSummary;

use crate::network::explanation::Explanation;
use crate::network::feature_maps::{FramedMaps, Maps, largest_of};
use crate::network::grid::Grid;
use crate::network::inspector::{ANNOUNCE_AFTER, Inspector};
use crate::network::lens::cells::{MAX_ROWS, NumberCells};
use crate::network::lens::controls::WindowControls;
use crate::network::lens::model::WindowLens;
use crate::network::lens::movable::Movable;
use crate::network::receptive_field::position;
use crate::network::sliding_window::SlidingWindow;
use crate::network::stages::Stage;
use crate::ui::debounce::debounce_changes;
use crate::ui::format::format_number;

/// The window of a stage's layer over its input; nothing for layers without a window. Another window can be tried here, the
/// network keeps its own.
#[component]
pub(super) fn WindowView(column: usize, stage: Stage, layer: LayerSummary) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let Some(lens) = WindowLens::new(inspector, column - 1, &stage, layer) else { return ().into_any() };
    let WindowLens { slide, map, output, explanation, .. } = lens;
    let status = Memo::new(move |_| {
        if slide.positions() == 0 {
            return "The window does not fit".to_owned();
        }
        let (row, column) = slide.place.get();
        let value = output.with(|output| output.as_ref().and_then(|output| output.get(slide.at()).copied()));
        let is_empty = lens.input.with(Option::is_none);
        let value =
            value.map_or_else(|| if is_empty { "draw a digit first" } else { "…" }.to_owned(), format_number);
        let (row, column) = (row + 1, column + 1);
        format!("Window {} of {}: row {row}, column {column}: {value}", slide.at() + 1, slide.positions())
    });
    // Not while the window moves by itself, nor whenever training changes the value.
    debounce_changes(
        ANNOUNCE_AFTER,
        move || (slide.place.get(), map.get(), slide.playing.get()),
        move |(.., is_playing)| {
            if !is_playing {
                inspector.announced.set(status.get_untracked());
            }
        },
    );
    let arithmetic = Memo::new(move |_| {
        let sum = explanation.with(|explanation| explanation.as_ref().map(Explanation::words));
        let mut lines: Vec<String> = sum.into_iter().collect();
        // What follows is known for the network's own output only.
        if slide.window.get() == lens.own {
            lines.extend(inspector.arithmetic_after(&stage, map.get() * stage.shape.plane() + slide.at()));
        }
        lines
    });
    view! {
        <div class="lens">
            {move || view! { <WindowInput lens window=slide.window.get() /> }}
            {move || view! { <UnderWindow lens rows=slide.window.get().kernel_size /> }}
            {move || {
                let (rows, columns) = slide.window.get().output();
                view! { <WindowOutput lens rows columns /> }
            }}
        </div>
        <output class="arithmetic" aria-label="Arithmetic" aria-live="off" tabindex="0">
            {move || arithmetic.get().into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}
        </output>
        <WindowControls lens />
        <p class="formula">
            "(n + 2p − k) / s + 1: "<output aria-label="Output size">{move || formula(&slide.window.get())}</output>
            <output class="position" aria-label="Window" aria-live="off">{status}</output>
        </p>
    }
    .into_any()
}

/// The number of positions along a side, as a formula with its result.
fn formula(window: &SlidingWindow) -> String {
    let SlidingWindow { input, kernel_size, stride, padding } = *window;
    let side = format!("{} + 2·{padding} − {kernel_size}", input.height);
    let Some(room) = (input.height + 2 * padding).checked_sub(kernel_size) else {
        return format!("{side} is less than 0: the window does not fit");
    };
    let steps = if room.is_multiple_of(stride) {
        format!("({side}) / {stride}")
    } else {
        format!("⌊({side}) / {stride}⌋")
    };
    format!("{steps} + 1 = {}", window.positions(input.height))
}

/// The maps under the window, with their padding: all of a convolution's, or the one that is pooled.
#[component]
fn WindowInput(lens: WindowLens, window: SlidingWindow) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let SlidingWindow { input, kernel_size, stride, padding } = window;
    let channels = if lens.is_convolution { input.channels } else { 1 };
    let padded = Shape::maps(channels, input.height + 2 * padding, input.width + 2 * padding);
    let grid = Grid::square(channels, padded.height, padded.width);
    let first = move || if lens.is_convolution { 0 } else { lens.map.get() };
    let values = Signal::derive(move || {
        lens.input.with(|values| {
            let values = values.as_ref()?;
            // NaN is drawn grey, as the padding is to be.
            let mut pixels = vec![f32::NAN; grid.len()];
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let (channel, y, x) = position(padded, at);
                let inside = y.checked_sub(padding).filter(|y| *y < input.height);
                if let Some((y, x)) = inside.zip(x.checked_sub(padding).filter(|x| *x < input.width)) {
                    *pixel = *values.get(((first() + channel) * input.height + y) * input.width + x)?;
                }
            }
            Some(pixels)
        })
    });
    let path = Memo::new(move |_| {
        let (row, column) = lens.slide.place.get();
        let (top, left) = (row * stride, column * stride);
        let frame = |c| grid.frame(c, &(top..top + kernel_size), &(left..left + kernel_size));
        (0..channels).map(frame).map(|[x, y, w, h]| format!("M{x} {y}h{w}v{h}h-{w}z")).collect::<String>()
    });
    let name = inspector.name(lens.column);
    let zeros = if padding > 0 { format!(", {padding} rows of zeros around it") } else { String::new() };
    let words = move || match channels {
        1 if lens.is_convolution => format!(" {}×{}{zeros}", input.height, input.width),
        1 => format!(" map {}, {}×{}", lens.map.get() + 1, input.height, input.width),
        _ => format!(" {channels} maps of {}×{}{zeros}", input.height, input.width),
    };
    let (width, height) = grid.size();
    view! {
        <figure class="board" prop:style=format!("--w:{width};--h:{height}")>
            <figcaption><b>{name.clone()}</b>{words}</figcaption>
            <Movable slide=lens.slide grid label=format!("Window over {name}: drag it, or move it by arrow keys")
                at=move |at| lens.move_over(at, padded)>
                <FramedMaps grid label="What the window slides over" diverging=false values path />
            </Movable>
        </figure>
    }
}

/// The values under the window, and the weights with which they are multiplied.
#[component]
fn UnderWindow(lens: WindowLens, rows: usize) -> impl IntoView {
    let taps = rows * rows;
    let of = move |read: fn(&Explanation) -> &Vec<f32>| {
        Memo::new(move |_| {
            // A pooling window has the values of its map only.
            let from = if lens.is_convolution { lens.channel.get() * taps } else { 0 };
            lens.explanation.with(|e| Some(read(e.as_ref()?).get(from..from + taps)?.to_vec()))
        })
    };
    let largest_input =
        Signal::derive(move || lens.input.with(|v| largest_of(v.as_deref().unwrap_or_default())));
    let largest_weight =
        Signal::derive(move || lens.explanation.with(|e| e.as_ref().map_or(1.0, |e| largest_of(&e.weights))));
    let winner = Signal::derive(move || lens.explanation.with(|e| e.as_ref().and_then(Explanation::winner)));
    let (values, weights) = (of(|e| &e.inputs), of(|e| &e.weights));
    let numbers = move |label, diverging, values: Memo<Option<Vec<f32>>>, largest| {
        if rows <= MAX_ROWS {
            view! { <NumberCells rows label diverging values largest framed=winner /> }.into_any()
        } else {
            let grid = Grid::new(1, rows, rows);
            view! { <Maps grid label diverging values=values.into() largest /> }.into_any()
        }
    };
    let of_map = move || {
        if lens.own.input.channels > 1 { format!(", map {}", lens.channel.get() + 1) } else { String::new() }
    };
    view! {
        <div class="under">
            <figure>
                <figcaption><b>"Under the window"</b>{of_map}</figcaption>
                {numbers("Values under the window", false, values, largest_input)}
            </figure>
            {lens.is_convolution.then(|| view! {
                <span class="times" aria-hidden="true">"×"</span>
                <figure>
                    <figcaption><b>{move || format!("Filter {}", lens.map.get() + 1)}</b>{of_map}</figcaption>
                    {numbers("Weights of the filter", true, weights, largest_weight)}
                </figure>
            })}
        </div>
    }
}

/// The map that the window computes: all of it, or what the window has computed since it began to slide.
#[component]
fn WindowOutput(lens: WindowLens, rows: usize, columns: usize) -> impl IntoView {
    let slide = lens.slide;
    let grid = Grid::with_columns(1, 1, rows.max(1), columns.max(1));
    let values = Signal::derive(move || {
        let mut values = lens.output.get()?;
        if slide.fills.get() {
            values.iter_mut().skip(slide.at() + 1).for_each(|value| *value = f32::NAN);
        }
        Some(values)
    });
    let path = Memo::new(move |_| grid.frames(std::iter::once(slide.at())));
    // The colours are those of the finished map from the first window on.
    let largest =
        Signal::derive(move || lens.output.with(|values| largest_of(values.as_deref().unwrap_or_default())));
    let words =
        move || format!(" {rows}×{columns}{}", if lens.is_inner { ", before activation" } else { "" });
    view! {
        <figure class="board output-board" prop:style=format!("--w:{};--h:{}", columns.max(1), rows.max(1))>
            <figcaption><b>{move || format!("Map {}", lens.map.get() + 1)}</b>{words}</figcaption>
            <Movable slide grid label="Value of the map: drag, or move by arrow keys" at=move |at| slide.move_to(at / columns.max(1), at % columns.max(1))>
                <FramedMaps grid label="The map that the window computes" diverging=lens.is_signed values largest path />
            </Movable>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_written_with_its_result() {
        let written = |side, kernel_size, stride, padding| {
            formula(&SlidingWindow { input: Shape::maps(1, side, side), kernel_size, stride, padding })
        };
        assert_eq!(written(28, 5, 1, 2), "(28 + 2·2 − 5) / 1 + 1 = 28");
        assert_eq!(written(28, 5, 2, 0), "⌊(28 + 2·0 − 5) / 2⌋ + 1 = 12");
        assert_eq!(written(3, 5, 1, 0), "3 + 2·0 − 5 is less than 0: the window does not fit");
    }
}
