//! A run whose place another one took, and what the worker kept of it.

use trainer::messages::Kept;

use crate::runs::record::Record;
use crate::settings::{Setup, codec};
use crate::ui::format::{capitalized, epochs};

/// What took the place of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A reset.
    Reset,
    /// Another network.
    #[default]
    Network,
    /// The settings of a link, with which the page was opened.
    Link,
    /// A run that was brought back.
    Restored,
    /// A run that goes on from one of its checkpoints.
    Continued,
}

/// The steps of an epoch of all images in batches of 64.
pub(crate) const EPOCH_STEPS: u64 = 938;

/// A run that can be restored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replaced {
    pub(crate) sentence: String,
    /// The offer ends at this step of the present run: it has been trained for as long. Not at an epoch: with few images, many take
    /// a moment.
    pub(crate) until: u64,
}

impl Replaced {
    /// The offer of the worker, while the present run is at `step`.
    pub(crate) fn new(kept: &Kept, cause: Cause, step: u64) -> Self {
        let name = network_name(&setup_of(kept));
        let epoch_at = epochs(kept.epoch);
        let sentence = match cause {
            Cause::Reset => format!("The run was reset at epoch {epoch_at}."),
            Cause::Network => format!("Another network took the place of {name} at epoch {epoch_at}."),
            Cause::Link => {
                format!(
                    "The link begins a new run. The one before, {name} at epoch {epoch_at}, stays among the runs."
                )
            }
            Cause::Restored => {
                format!("{name} at epoch {epoch_at} can be brought back.", name = capitalized(&name))
            }
            Cause::Continued => {
                format!(
                    "A new run goes on from here. The one before, {name} at epoch {epoch_at}, can be brought back."
                )
            }
        };
        let until = match cause {
            Cause::Reset | Cause::Link => kept.step,
            Cause::Network | Cause::Restored => step + kept.step,
            Cause::Continued => step + kept.step.max(EPOCH_STEPS),
        };
        Self { sentence, until }
    }
}

/// The settings of a run that was kept. Its network and training are the worker's; what only the page knows is in the text.
pub(crate) fn setup_of(kept: &Kept) -> Setup {
    let preset = codec::read(&kept.page.setup).unwrap_or_default().preset;
    Setup { preset, network: kept.config.network.clone(), training: kept.config.training.clone() }
}

/// The record of a run that was kept.
pub(crate) fn record_of(kept: &Kept) -> Record {
    let record = Some(&kept.page.record).filter(|_| kept.step > 0);
    record.and_then(|text| Record::from_json(text)).unwrap_or_default()
}

/// The preset whose layers these are, or that they began with.
pub(crate) fn network_name(setup: &Setup) -> String {
    if setup.network == setup.preset.network() {
        setup.preset.title().to_owned()
    } else {
        format!("the changed {}", setup.preset.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;
    use trainer::messages::{PageState, RunConfig};

    fn kept(setup: &Setup) -> Kept {
        let config = RunConfig { network: setup.network.clone(), training: setup.training.clone() };
        let page = PageState { setup: codec::write(setup), ..PageState::default() };
        Kept { page, config, step: 30, epoch: 1.5 }
    }

    #[test]
    fn the_offer_names_the_run_and_ends_when_the_new_one_is_as_long() {
        let kept = kept(&Setup::of(Preset::Mlp30));
        let offer = |cause, step| {
            let Replaced { sentence, until } = Replaced::new(&kept, cause, step);
            (sentence, until)
        };
        assert_eq!(offer(Cause::Reset, 30), ("The run was reset at epoch 1.50.".into(), 30));
        let sentence = "Another network took the place of MLP 784-30-10 at epoch 1.50.";
        assert_eq!(offer(Cause::Network, 30), (sentence.into(), 60));
        assert_eq!(
            offer(Cause::Restored, 40),
            ("MLP 784-30-10 at epoch 1.50 can be brought back.".into(), 70)
        );
        let sentence =
            "A new run goes on from here. The one before, MLP 784-30-10 at epoch 1.50, can be brought back.";
        assert_eq!(offer(Cause::Continued, 20), (sentence.into(), 958));
    }

    #[test]
    fn settings_and_record_are_read_and_damaged_texts_leave_the_network() {
        let mut setup = Setup::of(Preset::LeNet1998);
        setup.training.penalty.biases = true;
        let mut kept = kept(&setup);
        assert_eq!(setup_of(&kept), setup, "also what no link carries");
        kept.page.setup = "#v=9".into();
        kept.page.record = "[".into();
        assert_eq!((setup_of(&kept).network, record_of(&kept)), (setup.network, Record::default()));
    }
}
