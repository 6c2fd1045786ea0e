//! The stack of layers: a table to look at, and a panel that changes the layer chosen in it.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use nn::spec::NetworkSpec;

use crate::client::State;
use crate::settings::layers::{KINDS, MOST_LAYERS, check, describe, names, numbers};
use crate::ui::focus::focus;
use crate::ui::format::{parse_number, shortest, thousands};

/// One line of the table.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    name: String,
    words: String,
    /// Where it differs from that of the layer before.
    shape: String,
    parameters: String,
    /// Why it does not fit.
    problem: Option<String>,
}

/// The lines of a stack. Behind a layer that does not fit, nothing is known of shapes.
fn rows(network: &NetworkSpec) -> Vec<Row> {
    let layers = network.layers.iter().zip(names(&network.layers));
    let mut rows: Vec<_> =
        layers.map(|(layer, name)| Row { name, words: describe(layer), ..Row::default() }).collect();
    let checked = check(network);
    let known = checked.as_ref().map_or_else(|error| error.layer, |_| rows.len());
    let upper = NetworkSpec { layers: network.layers[..known].to_vec(), ..network.clone() };
    for (row, layer) in rows.iter_mut().zip(upper.summary().unwrap_or_default()) {
        if layer.output != layer.input {
            row.shape = layer.output.to_string().replace('x', "×");
        }
        if layer.parameters > 0 {
            row.parameters = thousands(layer.parameters);
        }
    }
    if let Err(error) = checked {
        if rows.is_empty() {
            rows.push(Row::default());
        }
        rows[error.layer].problem = Some(error.message);
    }
    rows
}

/// What is done with the stack. The layer chosen stays chosen wherever it goes.
#[derive(Clone, Copy)]
struct Stack {
    state: State,
    chosen: RwSignal<Option<usize>>,
}

impl Stack {
    fn len(self) -> usize {
        self.state.setup.with(|setup| setup.network.layers.len())
    }

    /// The layer chosen; a preset may have come that has none there.
    fn at(self) -> Option<usize> {
        self.chosen.get().filter(|at| *at < self.len())
    }

    /// Where a layer goes that is moved; nowhere from an end.
    fn target(self, at: usize, up: bool) -> Option<usize> {
        if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < self.len()) }
    }

    fn shift(self, up: bool) {
        if let Some((at, to)) = self.at().and_then(|at| Some((at, self.target(at, up)?))) {
            self.state.setup.update(|setup| setup.network.layers.swap(at, to));
            self.chosen.set(Some(to));
        }
    }

    fn remove(self) {
        if let Some(at) = self.at() {
            self.state.setup.update(|setup| {
                setup.network.layers.remove(at);
            });
            let last = self.len().checked_sub(1);
            self.chosen.set(last.map(|last| at.min(last)));
        }
    }

    /// Where a new layer goes: behind the one chosen, else before the output.
    fn place(self) -> usize {
        self.at().map_or_else(|| self.len().saturating_sub(1), |at| at + 1)
    }

    fn add(self, letter: &str) {
        if let Some((_, new)) = KINDS.iter().find(|(code, _)| letter.starts_with(*code)) {
            let at = self.place();
            self.state.setup.update(|setup| setup.network.layers.insert(at, *new));
            self.chosen.set(Some(at));
        }
    }
}

/// The table and the panel.
#[component]
pub(crate) fn LayerEditor() -> impl IntoView {
    let state = expect_context::<State>();
    let stack = Stack { state, chosen: RwSignal::new(None) };
    let rows = Memo::new(move |_| state.setup.with(|setup| rows(&setup.network)));
    let count = Memo::new(move |_| rows.with(Vec::len));
    view! {
        <table class="layers" aria-label="Layers">
            <thead><tr><th scope="col">"Layer"</th><th scope="col">"Shape"</th><th scope="col">"Params"</th></tr></thead>
            <tbody>
                <For each=move || 0..count.get() key=|at| *at let:at>
                    <Line stack rows at />
                </For>
            </tbody>
        </table>
        <div class="layer-panel" role="group" aria-label="Change the layers">
            <Show when=move || stack.at().is_some()
                fallback=|| view! { <p class="hint">"Choose a layer to change it."</p> }>
                <Chosen stack />
            </Show>
            <NewLayer stack />
        </div>
    }
}

/// One layer in the table.
#[component]
fn Line(stack: Stack, rows: Memo<Vec<Row>>, at: usize) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.get(at).cloned().unwrap_or_default()));
    let chosen = move || stack.at() == Some(at);
    let choose = move |_| stack.chosen.set(if chosen() { None } else { Some(at) });
    let key = move |ev: KeyboardEvent| {
        match ev.key().as_str() {
            "ArrowUp" | "ArrowDown" if ev.alt_key() => {
                stack.chosen.set(Some(at));
                stack.shift(ev.key() == "ArrowUp");
            }
            "Delete" => {
                stack.chosen.set(Some(at));
                stack.remove();
            }
            _ => return,
        }
        ev.prevent_default();
        // The focus goes with the layer.
        let to = stack.chosen.get_untracked();
        request_animation_frame(move || {
            focus(to.and_then(|at| document().get_element_by_id(&id(at))));
        });
    };
    view! {
        <tr class:chosen=chosen class:wrong=move || row.with(|row| row.problem.is_some())>
            <th scope="row">
                <button id=id(at) aria-pressed=move || chosen().to_string() on:click=choose on:keydown=key
                    title="Alt and arrows move it, Delete removes it">
                    <b>{move || row.get().name}</b>{move || row.get().words}
                </button>
            </th>
            <td>{move || row.get().shape}</td>
            <td>{move || row.get().parameters}</td>
        </tr>
        <Show when=move || row.with(|row| row.problem.is_some())>
            <tr class="problem"><td colspan="3"><span role="alert">{move || row.get().problem}</span></td></tr>
        </Show>
    }
}

/// The id of a line's button.
fn id(at: usize) -> String {
    format!("layer-{at}")
}

/// The numbers of the layer chosen, and the buttons that move and remove it.
#[component]
fn Chosen(stack: Stack) -> impl IntoView {
    let layer = Memo::new(move |_| {
        stack.state.setup.with(|setup| stack.at().and_then(|at| setup.network.layers.get(at).copied()))
    });
    let title = move || {
        let kind = layer.get().map_or("", |layer| layer.kind());
        format!("Layer {}: {kind}", stack.at().map_or(0, |at| at + 1))
    };
    // The fields stay while only a number changes: somebody is typing in them.
    let which = Memo::new(move |_| (stack.at(), layer.get().map(|layer| std::mem::discriminant(&layer))));
    let fields = move || {
        let (at, kind) = which.get();
        let count = layer.get_untracked().map_or(0, |mut layer| numbers(&mut layer).len());
        (0..count).map(move |field| (at, kind, field))
    };
    let fixed = move |up| stack.at().is_none_or(|at| stack.target(at, up).is_none());
    view! {
        <h3 aria-live="polite">{title}</h3>
        <div class="numbers">
            <For each=fields key=|field| *field let:field><Field stack field=field.2 /></For>
        </div>
        <div class="buttons">
            <button on:click=move |_| stack.shift(true) disabled=move || fixed(true) aria-label="Move layer up">"↑"</button>
            <button on:click=move |_| stack.shift(false) disabled=move || fixed(false) aria-label="Move layer down">"↓"</button>
            <button on:click=move |_| stack.remove() aria-label="Remove layer">"Remove"</button>
        </div>
    }
}

/// One number of the layer chosen.
#[component]
fn Field(stack: Stack, field: usize) -> impl IntoView {
    let setup = stack.state.setup;
    let now = move || {
        let mut layer = setup.with(|setup| setup.network.layers.get(stack.at()?).copied())?;
        numbers(&mut layer).get(field).map(|n| n.get())
    };
    let mut first =
        setup.with_untracked(|setup| stack.at().and_then(|at| setup.network.layers.get(at).copied()));
    let number_of = first.as_mut().and_then(|layer| {
        let mut all = numbers(layer);
        (field < all.len()).then(|| all.swap_remove(field))
    });
    let (name, help, range, step) =
        number_of.map(|n| (n.name, n.help, (n.least, n.most), n.step)).unwrap_or_default();
    let put = move |ev| {
        if let (Some(value), Some(at)) = (parse_number(&event_target_value(&ev)), stack.at()) {
            setup.update(|setup| {
                if let Some(layer) = setup.network.layers.get_mut(at)
                    && let Some(number) = numbers(layer).get_mut(field)
                {
                    number.set(value);
                }
            });
        }
    };
    // What is no such number gives way to the one that stays, once the field is left.
    let restore = move |ev: leptos::ev::Event| {
        event_target::<web_sys::HtmlInputElement>(&ev).set_value(&now().map(shortest).unwrap_or_default());
    };
    view! {
        <label on:pointerenter=move |_| stack.state.help.set(Some((name, help)))>
            <span>{name}</span>
            <input type="number" min=shortest(range.0) max=shortest(range.1) step=shortest(step) aria-description=help
                prop:value=move || now().map(shortest) on:input=put on:change=restore
                on:focus=move |_| stack.state.help.set(Some((name, help))) />
        </label>
    }
}

/// A menu of new layers, and the button that adds one.
#[component]
fn NewLayer(stack: Stack) -> impl IntoView {
    let letter = RwSignal::new(KINDS[0].0.to_string());
    let full = move || stack.len() >= MOST_LAYERS;
    view! {
        <div class="add">
            <label>
                <span class="visually-hidden">"New layer"</span>
                <select on:change=move |ev| letter.set(event_target_value(&ev))>
                    {KINDS.map(|(code, layer)| view! { <option value=code.to_string()>{layer.kind()}</option> }).collect_view()}
                </select>
            </label>
            <button on:click=move |_| stack.add(&letter.get_untracked()) disabled=full>
                {move || if stack.at().is_some() { "Add below" } else { "Add layer" }}
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::layers::read;
    use nn::preset::Preset;

    fn of(layers: &str) -> Vec<Row> {
        let layers = if layers.is_empty() { Vec::new() } else { read(layers).unwrap() };
        rows(&NetworkSpec { layers, ..Preset::LeNet5.network() })
    }

    #[test]
    fn a_stack_that_fits_shows_its_shapes() {
        let rows = of("c6p2,r,m2,f,d10");
        let shapes: Vec<_> = rows.iter().map(|row| row.shape.as_str()).collect();
        assert_eq!(shapes, ["6@28×28", "", "6@14×14", "1176", "10"]);
        assert_eq!((rows[0].parameters.as_str(), rows[1].parameters.as_str()), ("156", ""));
        assert!(rows.iter().all(|row| row.problem.is_none()));
    }

    #[test]
    fn a_stack_that_does_not_says_where() {
        let rows = of("c6p2,d10,r,d10");
        assert_eq!(rows.iter().position(|row| row.problem.is_some()), Some(1));
        assert_eq!((rows[0].shape.as_str(), rows[1].shape.as_str()), ("6@28×28", ""));
        assert_eq!(of("").len(), 1, "one line for the sentence");
    }
}
