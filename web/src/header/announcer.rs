//! How training goes, for those who hear the page.

use std::time::Duration;

use leptos::prelude::*;
use trainer::messages::{Progress, RunState, Tested};

use crate::client::State;
use crate::ui::debounce::debounce;
use crate::ui::format::thousands;

/// What is told together is waited for: that training stopped comes before where it stopped.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(400);

/// Said when training begins, stops, or was measured; not with every step.
#[component]
pub(crate) fn Spoken() -> impl IntoView {
    let state = expect_context::<State>();
    let said = RwSignal::new(String::new());
    let changed = move || {
        state.run.track();
        state.tested.get();
    };
    debounce(ANNOUNCE_AFTER, changed, move |()| {
        let (run, progress) = (state.run.get_untracked(), state.progress.get_untracked());
        said.set(words(run, &progress, state.loss.get_untracked(), state.tested.get_untracked()));
    });
    view! { <p class="visually-hidden" role="status" aria-label="Progress">{said}</p> }
}

fn words(run: RunState, progress: &Progress, loss: Option<f32>, tested: Option<Tested>) -> String {
    let tested = tested.map_or(String::new(), |tested| {
        let percent = 100.0 * tested.accuracy;
        format!(" After epoch {:.2}, {percent:.1} % of the test images are read right.", tested.epoch)
    });
    match run {
        RunState::Training => format!("Training.{tested}"),
        RunState::WaitingForData => "Waiting for the next images.".to_owned(),
        RunState::Paused if progress.step == 0 => String::new(),
        RunState::Paused => {
            let loss = loss.map_or(String::new(), |loss| format!(" Training loss {loss:.2}."));
            format!(
                "Paused at step {}, epoch {:.2}.{loss}{tested}",
                thousands(progress.step as usize),
                progress.epoch
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_said_in_words() {
        let progress = Progress { step: 1_406, epoch: 1.5, ..Progress::default() };
        let tested = Tested { step: 938, epoch: 1.0, loss: 0.05, accuracy: 0.981 };
        let said = |run, tested| words(run, &progress, Some(0.0512), tested);
        assert_eq!(said(RunState::Training, None), "Training.");
        assert_eq!(
            said(RunState::Training, Some(tested)),
            "Training. After epoch 1.00, 98.1 % of the test images are read right."
        );
        assert_eq!(
            said(RunState::Paused, Some(tested)),
            "Paused at step 1,406, epoch 1.50. Training loss 0.05. After epoch 1.00, 98.1 % of the test images are read right."
        );
        assert_eq!(words(RunState::Paused, &Progress::default(), None, None), "");
    }
}
