//! The network as a picture: every map of the image that is shown, from input to output.

pub(crate) mod batch_norm;
pub(crate) mod explanation;
pub(crate) mod feature_maps;
pub(crate) mod filter;
pub(crate) mod gradient_norms;
pub(crate) mod grid;
pub(crate) mod inspector;
pub(crate) mod layer;
pub(crate) mod readout;
pub(crate) mod receptive_field;
pub(crate) mod sliding_window;
pub(crate) mod stages;

use leptos::ev;
use leptos::prelude::*;

use crate::client::State;
use crate::link::parts::Open;
use crate::network::feature_maps::{Maps, Touchable};
use crate::network::filter::FilterView;
use crate::network::grid::Grid;
use crate::network::inspector::Look;
use crate::network::layer::LayerView;
use crate::network::readout::Readout;
use crate::network::stages::Stage;
use crate::ui::focus::{go_to, restore_focus};
use crate::ui::format::thousands;

/// CSS pixels that a picture of maps of this height asks for, `columns` values wide; a stage gets its share of the room by
/// it. Chosen so that LeNet's maps get whole pixels for each value, or a little more, at 1440 pixels of page.
const fn ideal_width(columns: usize, height: usize) -> usize {
    match height {
        16.. => columns * 9 / 4,
        8..16 => columns * 2,
        2..8 => columns * 4,
        _ => columns * 8,
    }
}

/// CSS pixels that the words above maps and above a vector need.
const NARROWEST: [usize; 2] = [88, 63];
/// The same of the output.
const OUTPUT_WIDTH: usize = 70;

/// Names, shapes and maps of all stages, and below them what is pointed at and what is open.
#[component]
pub(crate) fn NetworkView() -> impl IntoView {
    let state = expect_context::<State>();
    let look = Look::new(state);
    provide_context(look);
    let filtered = move |dense: bool| {
        let mut stages = look.stages.get();
        stages.retain(|s| s.filters.is_some() && s.shape.is_vector() == dense);
        stages
    };
    window_event_listener(ev::keydown, move |ev| {
        if ev.key() == "Escape" && !state.keys_shown.get_untracked() {
            if state.open.get_untracked().is_some() {
                state.close();
            } else if state.touch.get_untracked().is_some() {
                state.touch.set(None);
            }
        }
    });
    let trying = Memo::new(move |_| state.open.get() == Some(Open::Filter));
    // The open stage with its layers: when they change, it is built anew.
    let opened = Memo::new(move |_| {
        let Some(Open::Stage(name)) = state.open.get() else { return None };
        let (at, stage) = look.stages.get().into_iter().enumerate().find(|(_, stage)| stage.name == name)?;
        let layers: Vec<_> = stage.layers().filter_map(|at| look.layer(at)).collect();
        Some((at + 1, stage, layers))
    });
    // Where the page is too small for both, the panel is what is wanted now.
    Effect::new(move |before: Option<Option<Open>>| {
        let open = state.open.get();
        if open.is_some() && before.as_ref() != Some(&open) {
            // Once it is laid out.
            request_animation_frame(|| go_to(".panel.layer h2"));
        } else if let (None, Some(Some(before))) = (&open, before) {
            restore_focus(match before {
                Open::Stage(name) => format!("#{}", opener_id(&name)),
                Open::Filter => "#try-filter".to_owned(),
            });
        }
        open
    });
    let input = Signal::derive(move || look.values(0));
    let input_grid = Grid::new(1, 28, 28);
    view! {
        <section class="panel network" aria-label="Network picture">
            <div class="title">
                <h2>"What the network sees"</h2>
                <span class="source">{move || state.source()}</span>
                <button id="try-filter" class="small" aria-expanded=move || trying.get().to_string()
                    on:click=move |_| state.toggle_open(Open::Filter)>"Try a filter"</button>
            </div>
            <div class="stages">
                <figure class="stage" style="--width:60">
                    <figcaption><b>"Input"</b><span>"28×28"</span><span>"pixels"</span></figcaption>
                    <Touchable column=0 grid=input_grid>
                        <Maps grid=input_grid label="Input, 28 by 28 pixels" diverging=false values=input />
                    </Touchable>
                    // Kernels are small: they lie under the input, which they slide over.
                    <For each=move || filtered(false) key=|s| format!("{s:?}") let:stage>
                        {
                            let (height, width) = stage.filters.unwrap_or_default();
                            view! {
                                <figcaption class="filters"><b>"Filters"</b><span>{format!("{height}×{width}")}</span></figcaption>
                                <Filters stage columns=2 />
                            }
                        }
                    </For>
                </figure>
                <For each=move || filtered(true) key=|s| format!("{s:?}") let:stage>
                    {
                        let (height, width) = stage.filters.unwrap_or_default();
                        view! {
                            <figure class="stage" style="--width:420">
                                <figcaption>
                                    <b>"Weights"</b>
                                    <span>{format!("{}@{height}×{width}", stage.shape.channels)}</span>
                                    <span>{format!("of {}", stage.name)}</span>
                                </figcaption>
                                <Filters stage columns=6 />
                            </figure>
                        }
                    }
                </For>
                <For each=move || look.stages.get().into_iter().enumerate() key=|s| format!("{s:?}") let:numbered>
                    <StageView number=numbered.0 stage=numbered.1 />
                </For>
            </div>
            <Readout />
            <p class="key" aria-hidden="true">
                <span><i class="ramp activation"></i>"activation, 0 to largest of the layer"</span>
                <span><i class="ramp weight"></i>"weight, negative to positive"</span>
            </p>
        </section>
        {move || match opened.get() {
            Some((column, stage, _)) => Some(view! { <LayerView column stage /> }.into_any()),
            None => trying.get().then(|| view! { <FilterView /> }.into_any()),
        }}
    }
}

/// The id of the button that opens a stage.
fn opener_id(stage: &str) -> String {
    format!("open-{stage}")
}

/// The filters of the first layer.
#[component]
fn Filters(stage: Stage, columns: usize) -> impl IntoView {
    let state = expect_context::<State>();
    let (height, width) = stage.filters.unwrap_or((1, 1));
    let layer = stage.layer;
    let values = Signal::derive(move || {
        state.snapshot.with(|snapshot| {
            snapshot.as_ref()?.weights.iter().find(|w| w.layer == layer).map(|w| w.values.clone())
        })
    });
    view! {
        <Maps grid=Grid::with_columns(columns, stage.shape.channels, height, width)
            label=format!("The {} filters of {}", stage.shape.channels, stage.name) diverging=true values />
    }
}

/// One stage and its maps; nothing in them while nothing is drawn.
#[component]
fn StageView(number: usize, stage: Stage) -> impl IntoView {
    let look = expect_context::<Look>();
    let state = look.state;
    let column = number + 1;
    let shape = stage.shape;
    let text = shape.to_string().replace('x', "×");
    let label = format!("{}: {}, {}", stage.name, stage.kind, shape);
    let is_output = stage.name == "Output";
    let grid = if is_output {
        Grid { gap: 0, ..Grid::with_columns(1, shape.channels, 1, 1) }
    } else {
        Grid::new(shape.channels, shape.height, shape.width)
    };
    let narrowest = if is_output { OUTPUT_WIDTH } else { NARROWEST[usize::from(shape.is_vector())] };
    let width = ideal_width(grid.size().0, shape.height).max(narrowest);
    let parameters = match stage.parameters {
        0 => "no params".to_owned(),
        n => format!("{} params", thousands(n)),
    };
    // A vector is narrow: what it is goes into one line, so that there is a second one for its many parameters.
    let words = if shape.is_vector() {
        vec![format!("{text} {}", stage.kind)]
    } else {
        vec![text, stage.kind.clone()]
    };
    let open = Open::Stage(stage.name.clone());
    let opened = Memo::new(move |_| state.open.get().as_ref() == Some(&open));
    let toggle = move |_| if opened.get_untracked() { state.close() } else { look.open(column) };
    let maps = if is_output {
        view! { <Output label /> }.into_any()
    } else {
        let values = Signal::derive(move || look.values(column));
        view! { <Maps grid label diverging=false values /> }.into_any()
    };
    view! {
        <figure class="stage" class:opened=move || opened.get() class:vector=shape.is_vector() style=format!("--width:{width}")>
            <figcaption>
                <button class="opener" id=opener_id(&stage.name) aria-expanded=move || opened.get().to_string() on:click=toggle>
                    <b>{stage.name.clone()}</b>
                    {words.into_iter().map(|words| view! { <span>{words}</span> }).collect_view()}
                    <span class="parameters">{parameters}</span>
                </button>
            </figcaption>
            <Touchable column grid>{maps}</Touchable>
        </figure>
    }
}

/// The ten probabilities as bars in the colours of their classes.
#[component]
fn Output(label: String) -> impl IntoView {
    let state = expect_context::<State>();
    let probabilities = state.probabilities();
    view! {
        <div class="output" role="img" aria-label=label>
            {(0..10usize).map(|digit| {
                let share = move || probabilities.with(|p| p.get(digit).copied().unwrap_or(0.0));
                view! {
                    <span>{digit}</span>
                    <span class="track">
                        <span class="fill" style:background=format!("var(--class-{digit})")
                            style:transform=move || format!("scaleX({:.3})", share())></span>
                    </span>
                }
            }).collect_view()}
        </div>
    }
}
