//! What the settings set.

use nn::preset::Preset;
use nn::spec::{NetworkSpec, TrainingSpec};

/// A network and how it is trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    /// The preset that was chosen last; [`Setup::is_preset`] tells whether the layers are still its own.
    pub(crate) preset: Preset,
    pub(crate) network: NetworkSpec,
    pub(crate) training: TrainingSpec,
}

impl Default for Setup {
    fn default() -> Self {
        Self::of(Preset::LeNet5)
    }
}

impl Setup {
    /// A preset with the training that suits it.
    pub(crate) fn of(preset: Preset) -> Self {
        Self { preset, network: preset.network(), training: preset.training() }
    }

    /// Whether the layers are those of the preset.
    pub(crate) fn is_preset(&self) -> bool {
        self.network == self.preset.network()
    }
}
