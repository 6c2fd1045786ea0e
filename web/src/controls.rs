//! The left column: which network, and how it is trained.

use leptos::prelude::*;
use nn::preset::Preset;
use nn::spec::Optimizer;

use crate::device::DeviceControl;
use crate::header::thousands;
use crate::stages;
use crate::state::State;

/// The optimisers that can be chosen, with the learning rate that suits LeNet.
const OPTIMIZERS: [(&str, Optimizer, f32); 3] = [
    ("Adam", Optimizer::ADAM, 0.001),
    ("SGD with momentum 0.9", Optimizer::MOMENTUM, 0.02),
    ("SGD", Optimizer::SGD, 0.1),
];
const RATES: [f32; 13] =
    [0.0001, 0.0003, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0];
const BATCHES: [usize; 9] = [1, 4, 16, 32, 64, 128, 256, 512, 1024];

/// A control with its name above and one sentence about it below, which screen readers read as its description.
#[component]
pub(crate) fn Field(name: &'static str, hint: &'static str, children: Children) -> impl IntoView {
    let id = format!("hint-{}", name.to_lowercase().replace(' ', "-"));
    view! {
        <div class="field">
            <label><span>{name}</span>{children().add_any_attr(leptos::attr::custom::custom_attribute("aria-describedby", id.clone()))}</label>
            <small id=id>{hint}</small>
        </div>
    }
}

/// Preset, layers and training options.
#[component]
pub(crate) fn Controls() -> impl IntoView {
    let state = expect_context::<State>();
    let initial = state.training.get_untracked();
    let stages = Memo::new(move |_| stages::of(&state.preset.get().network()));
    let total = move || thousands(state.preset.get().network().parameters());
    let choose_preset = move |ev| {
        if let Some(preset) = Preset::from_id(&event_target_value(&ev)) {
            state.preset.set(preset);
        }
    };
    let choose_optimizer = move |ev| {
        if let Some((_, optimizer, rate)) =
            OPTIMIZERS.iter().find(|(name, ..)| *name == event_target_value(&ev))
        {
            state.training.update(|t| (t.optimizer, t.learning_rate) = (*optimizer, *rate));
        }
    };
    let choose_rate = move |ev| {
        if let Ok(rate) = event_target_value(&ev).parse() {
            state.training.update(|t| t.learning_rate = rate);
        }
    };
    let choose_batch = move |ev| {
        if let Ok(size) = event_target_value(&ev).parse() {
            state.training.update(|t| t.batch_size = size);
        }
    };
    let choose_seed = move |ev| {
        // What is no seed (letters, a fraction, more than 32 bits) gives way to the seed that stays.
        match event_target_value(&ev).trim().parse() {
            Ok(seed) => state.training.update(|t| t.seed = seed),
            Err(_) => state.training.notify(),
        }
    };
    view! {
        <section class="panel controls" aria-labelledby="network-title">
            <h2 id="network-title">"Network"</h2>
            <Field name="Preset" hint="The layers and how they follow each other.">
                <select on:change=choose_preset prop:value=move || state.preset.get().id()>
                    {Preset::ALL.map(|p| view! { <option value=p.id()>{p.title()}</option> }).collect_view()}
                </select>
            </Field>
            <table class="layers">
                <thead><tr><th scope="col">"Layer"</th><th scope="col">"Shape"</th><th scope="col">"Parameters"</th></tr></thead>
                <tbody>
                    <For each=move || stages.get() key=|s| format!("{s:?}") let:stage>
                        <tr>
                            <th scope="row" title=stage.kind.clone()>{stage.name.clone()}</th>
                            <td>{stage.shape.to_string().replace('x', "×")}</td>
                            <td>{if stage.parameters == 0 { "—".into() } else { thousands(stage.parameters) }}</td>
                        </tr>
                    </For>
                </tbody>
                <tfoot><tr><th scope="row" colspan="2">"Total"</th><td>{total}</td></tr></tfoot>
            </table>
            <h2>"Training"</h2>
            <Field name="Optimiser" hint="How gradients become steps.">
                <select on:change=choose_optimizer>
                    {OPTIMIZERS.map(|(name, ..)| view! { <option value=name>{name}</option> }).collect_view()}
                </select>
            </Field>
            <div class="pair">
                <Field name="Learning rate" hint="Size of a step.">
                    <select on:change=choose_rate prop:value=move || state.training.get().learning_rate.to_string()>
                        {RATES.map(|r| view! { <option value=r.to_string() selected={r == initial.learning_rate}>{r.to_string()}</option> }).collect_view()}
                    </select>
                </Field>
                <Field name="Batch size" hint="Images a step.">
                    <select on:change=choose_batch prop:value=move || state.training.get().batch_size.to_string()>
                        {BATCHES.map(|b| view! { <option value=b.to_string() selected={b == initial.batch_size}>{b}</option> }).collect_view()}
                    </select>
                </Field>
            </div>
            <Field name="Seed" hint="Same seed, same curve, on every machine.">
                <input type="number" min="0" max="4294967295" step="1" on:change=choose_seed
                    prop:value=move || state.training.get().seed.to_string() />
            </Field>
            <DeviceControl />
            <p class="hint">"Changes count from the next step on; what was learned stays."</p>
        </section>
    }
}
