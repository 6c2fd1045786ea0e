//! What the page knows of MNIST's images and of how the network reads them; filled only while somebody looks.

use std::collections::HashMap;

use leptos::prelude::*;
use trainer::messages::{Event, Images, Predictions, Split};

use crate::link::parts::{Scene, Tab};

/// More pixels than these (and the page of a gallery) are not kept.
const KEPT: usize = 400;

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) split: Split,
    /// Its number in the set, from 0, in MNIST's order.
    pub(crate) index: u32,
    pub(crate) label: u8,
    pub(crate) pixels: [u8; 784],
}

impl Sample {
    /// What it is called.
    pub(crate) fn name(&self) -> String {
        name(self.split, self.index)
    }
}

/// What the images of a split are called.
pub(crate) const fn split_name(split: Split) -> &'static str {
    match split {
        Split::Test => "Test",
        Split::Train => "Training",
    }
}

/// What an image is called.
fn name(split: Split, index: u32) -> String {
    format!("{} image {index}", split_name(split))
}

/// The images and the answers, as signals.
#[derive(Clone, Copy)]
pub(crate) struct Mnist {
    scene: RwSignal<Scene>,
    /// What of it is open.
    pub(crate) open: Memo<Option<Tab>>,
    /// The label of each image that is here.
    train: RwSignal<Vec<u8>>,
    test: RwSignal<Vec<u8>>,
    /// How the network reads the test images.
    pub(crate) answers: RwSignal<Option<Predictions>>,
    /// Pixels of the images that are shown, and of some that were.
    pixels: RwSignal<HashMap<(Split, u32), [u8; 784]>>,
}

impl Mnist {
    /// Nothing is known yet.
    pub(crate) fn new(scene: RwSignal<Scene>) -> Self {
        Self {
            scene,
            open: Memo::new(move |_| scene.with(|scene| scene.panel)),
            train: RwSignal::default(),
            test: RwSignal::default(),
            answers: RwSignal::default(),
            pixels: RwSignal::default(),
        }
    }

    /// The labels of a set.
    pub(crate) fn labels(&self, split: Split) -> RwSignal<Vec<u8>> {
        if split == Split::Test { self.test } else { self.train }
    }

    /// Opens this, or closes it if it is open.
    pub(crate) fn toggle(&self, tab: Tab) {
        let panel = (self.open.get_untracked() != Some(tab)).then_some(tab);
        self.scene.update(|scene| scene.show_panel(panel));
    }

    /// Closes what is open.
    pub(crate) fn close(&self) {
        self.scene.update(|scene| scene.show_panel(None));
    }

    /// The pixels of an image, once they are here.
    pub(crate) fn pixels(&self, split: Split, index: u32) -> Option<[u8; 784]> {
        self.pixels.with(|pixels| pixels.get(&(split, index)).copied())
    }

    /// All of an image, if it is here.
    pub(crate) fn sample(&self, split: Split, index: u32) -> Option<Sample> {
        let label = self.labels(split).with(|labels| labels.get(index as usize).copied())?;
        Some(Sample { split, index, label, pixels: self.pixels(split, index)? })
    }

    /// What an image is taken for, and how sure the network is, 0 to 1; none of training images.
    pub(crate) fn answer(&self, split: Split, index: u32) -> Option<(u8, f32)> {
        self.answers.with(|answers| {
            let answers = answers.as_ref().filter(|_| split == Split::Test)?;
            let at = index as usize;
            Some((*answers.classes.get(at)?, *answers.confidences.get(at)?))
        })
    }

    /// Takes what the worker tells of images.
    pub(crate) fn hear(&self, event: Event) {
        match event {
            // What was asked before it was closed is not wanted any more.
            Event::Predictions(answers) if self.open.get_untracked().is_some() => {
                self.answers.set(Some(answers));
            }
            Event::Labels { split, labels } => self.labels(split).set(labels),
            Event::Images(Images { split, indices, pixels }) => self.pixels.update(|kept| {
                if kept.len() > KEPT {
                    kept.clear();
                }
                let images = pixels.chunks_exact(784).filter_map(|image| image.try_into().ok());
                kept.extend(indices.into_iter().map(|index| (split, index)).zip(images));
            }),
            _ => {}
        }
    }
}
