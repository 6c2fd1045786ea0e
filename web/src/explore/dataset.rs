//! MNIST itself, to be leafed through.

use leptos::prelude::*;
use trainer::messages::{Predictions, Split};

use crate::client::State;
use crate::explore::confusion_matrix::{CLASSES, browse, counts};
use crate::explore::confusion_table::images;
use crate::explore::gallery::Gallery;
use crate::link::parts::Scene;
use crate::ui::format::thousands;

/// Images on a page: five rows of ten.
const PAGE: usize = 50;

/// The images of a set, of a digit, or only the misread ones.
#[component]
pub(crate) fn DataView() -> impl IntoView {
    let State { mnist, scene, .. } = expect_context();
    let split = Memo::new(move |_| scene.with(|scene| scene.split));
    let digit = Memo::new(move |_| scene.with(|scene| scene.digit));
    let wrong = Memo::new(move |_| scene.with(|scene| scene.misread));
    let sought = RwSignal::new(None::<u32>);
    let choose = move |change: &dyn Fn(&mut Scene)| {
        sought.set(None);
        scene.update(|scene| {
            change(scene);
            scene.page = 0;
        });
    };
    let labels = move || mnist.labels(split.get());
    let only_wrong = Memo::new(move |_| wrong.get() && split.get() == Split::Test);
    let indices = Memo::new(move |_| {
        labels().with(|labels| {
            if !only_wrong.get() {
                return browse(labels, digit.get(), None);
            }
            let misread = |answers: &Predictions| browse(labels, digit.get(), Some(answers));
            mnist.answers.with(|answers| answers.as_ref().map(misread).unwrap_or_default())
        })
    });
    let counts = Memo::new(move |_| labels().with(|labels| counts(labels)));
    let title = Signal::derive(move || {
        let split = if split.get() == Split::Test { "test" } else { "training" };
        let what = if only_wrong.get() { "Misread" } else { "All" };
        let digit = digit.get().map_or(String::new(), |digit| format!(" labelled {digit}"));
        format!("{what} {split} images{digit}")
    });
    // What is not among the chosen images has a next one that is.
    let seek = move |ev: leptos::ev::Event| {
        let Ok(index) = event_target_value(&ev).trim().parse::<u32>() else { return };
        indices.with_untracked(|all| {
            let at = all.partition_point(|other| *other < index).min(all.len().saturating_sub(1));
            sought.set(all.get(at).copied());
            scene.update(|scene| scene.page = at / PAGE);
        });
    };
    let last = move || labels().with(Vec::len).saturating_sub(1).to_string();
    view! {
        <div class="knobs" role="group" aria-label="Which images">
            <label>"Set"
                <select on:change=move |ev| {
                    let split = if event_target_value(&ev) == "train" { Split::Train } else { Split::Test };
                    choose(&|scene| scene.split = split);
                }>
                    <option value="test">"test: to measure on"</option>
                    <option value="train" prop:selected=move || split.get() == Split::Train>"training: to learn from"</option>
                </select>
            </label>
            <label>"Digit"
                <select on:change=move |ev| {
                    let digit = event_target_value(&ev).parse().ok();
                    choose(&|scene| scene.digit = digit);
                }>
                    <option value="">"all"</option>
                    {(0..CLASSES).map(|class| view! {
                        <option value=class.to_string() prop:selected=move || digit.get() == Some(class as u8)>
                            {move || format!("{class} ({})", thousands(counts.get()[class] as usize))}
                        </option>
                    }).collect_view()}
                </select>
            </label>
            <label>"Go to number"
                <input type="number" min="0" max=last step="1" on:change=seek />
            </label>
            <Show when=move || split.get() == Split::Test>
                <label class="switch">
                    <span>"Only misread"</span>
                    <input type="checkbox" role="switch" prop:checked=move || wrong.get()
                        on:change=move |ev| {
                            let only = event_target_checked(&ev);
                            choose(&|scene| scene.misread = only);
                        } />
                </label>
            </Show>
        </div>
        <div class="title">
            <h3>{title}</h3>
            <span class="source">{move || images(indices.with(Vec::len) as u32)}</span>
        </div>
        <Gallery label=title split=split.into() indices size=PAGE sought />
    }
}
