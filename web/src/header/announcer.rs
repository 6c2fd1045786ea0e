//! The progress of training in words, for screen readers.

use std::time::Duration;

use leptos::prelude::*;
use trainer::messages::{Progress, RunState, Tested};

use crate::client::Client;
use crate::runs::store::RunStore;
use crate::runs::time::store::in_words;
use crate::ui::debounce::debounce;
use crate::ui::format::{epochs, format_number, percent, thousands};

/// Reports come in series: that training stopped comes before the step at which it stopped.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(400);

/// Announces when training begins, stops, or was measured, but not every step; and to which checkpoint the page is wound back.
#[component]
pub(crate) fn Announcer() -> impl IntoView {
    let client = expect_context::<Client>();
    let RunStore { progress, loss, tested, time, .. } = expect_context();
    let announced = RwSignal::new(String::new());
    let changed = move || {
        client.run.track();
        tested.track();
        time.checkpoint.track();
    };
    debounce(ANNOUNCE_AFTER, changed, move |()| {
        if let Some(checkpoint) = time.checkpoint.get_untracked() {
            // A replay is too fast for words.
            if !time.is_replaying.get_untracked() {
                announced.set(format!("Wound back to {}.", in_words(Some(checkpoint))));
            }
            return;
        }
        let (run, progress) = (client.run.get_untracked(), progress.get_untracked());
        announced.set(sentence(run, &progress, loss.get_untracked(), tested.get_untracked()));
    });
    view! { <p class="visually-hidden" role="status" aria-label="Progress">{announced}</p> }
}

fn sentence(run: RunState, progress: &Progress, loss: Option<f32>, tested: Option<Tested>) -> String {
    let tested = tested.map_or(String::new(), |tested| {
        let accuracy = percent(tested.accuracy, 1);
        format!(" After epoch {}, {accuracy} of the test images are read right.", epochs(tested.epoch))
    });
    match run {
        RunState::Training => format!("Training.{tested}"),
        RunState::WaitingForData => "Waiting for the next images.".to_owned(),
        RunState::Paused if progress.step == 0 => String::new(),
        RunState::Paused => {
            let loss = loss.map_or(String::new(), |loss| format!(" Training loss {}.", format_number(loss)));
            format!(
                "Paused at step {}, epoch {}.{loss}{tested}",
                thousands(progress.step as usize),
                epochs(progress.epoch)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_tell_the_state_and_the_figures() {
        let progress = Progress { step: 1_406, epoch: 1.5, ..Progress::default() };
        let tested = Tested { step: 938, epoch: 1.0, loss: 0.05, accuracy: 0.981, certainty: None };
        let announced = |run, tested| sentence(run, &progress, Some(0.0512), tested);
        assert_eq!(announced(RunState::Training, None), "Training.");
        assert_eq!(
            announced(RunState::Training, Some(tested)),
            "Training. After epoch 1.00, 98.1 % of the test images are read right."
        );
        assert_eq!(
            announced(RunState::Paused, Some(tested)),
            "Paused at step 1,406, epoch 1.50. Training loss 0.051. After epoch 1.00, 98.1 % of the test images are read right."
        );
        assert_eq!(sentence(RunState::Paused, &Progress::default(), None, None), "");
    }
}
