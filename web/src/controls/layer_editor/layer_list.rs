//! The list of layers: which one is selected, and what the editor does with it.

use leptos::prelude::*;
use nn::spec::LayerSpec;

use crate::settings::Setup;
use crate::settings::layers::{KINDS, options};

/// The layers of the setup and the selected one. A layer stays selected when it moves.
#[derive(Clone, Copy)]
pub(super) struct LayerList {
    pub(super) setup: RwSignal<Setup>,
    pub(super) selection: RwSignal<Option<usize>>,
}

impl LayerList {
    pub(super) fn len(self) -> usize {
        self.setup.with(|setup| setup.network.layers.len())
    }

    /// The index of the selected layer. A preset may have come that has no layer there.
    pub(super) fn selected(self) -> Option<usize> {
        self.selection.get().filter(|at| *at < self.len())
    }

    /// The selected layer.
    pub(super) fn layer(self) -> Option<LayerSpec> {
        self.selected().and_then(|at| self.setup.with(|setup| setup.network.layers.get(at).copied()))
    }

    /// The index that a layer moves to; `None` at the end of the list.
    pub(super) fn target(self, at: usize, up: bool) -> Option<usize> {
        if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < self.len()) }
    }

    /// Sets an option of the selected layer, if it can have this value.
    pub(super) fn set_option(self, index: usize, value: f64) {
        if let Some(at) = self.selected() {
            self.setup.update(|setup| {
                if let Some(layer) = setup.network.layers.get_mut(at)
                    && let Some(option) = options(layer).get_mut(index)
                {
                    option.set(value);
                }
            });
        }
    }

    /// Moves the selected layer.
    pub(super) fn shift(self, up: bool) {
        if let Some((at, to)) = self.selected().and_then(|at| Some((at, self.target(at, up)?))) {
            self.setup.update(|setup| setup.network.layers.swap(at, to));
            self.selection.set(Some(to));
        }
    }

    /// Removes the selected layer, and selects the next one.
    pub(super) fn remove(self) {
        if let Some(at) = self.selected() {
            self.setup.update(|setup| {
                setup.network.layers.remove(at);
            });
            let last = self.len().checked_sub(1);
            self.selection.set(last.map(|last| at.min(last)));
        }
    }

    /// Adds a layer of the kind with this letter, behind the selected layer or else before the last one. Pixels are shuffled before
    /// the first layer.
    pub(super) fn add(self, letter: &str) {
        if let Some((_, new)) = KINDS.iter().find(|(code, _)| letter.starts_with(*code)) {
            let at = match new {
                LayerSpec::Permute { .. } => 0,
                _ => self.selected().map_or_else(|| self.len().saturating_sub(1), |at| at + 1),
            };
            self.setup.update(|setup| setup.network.layers.insert(at, *new));
            self.selection.set(Some(at));
        }
    }
}
