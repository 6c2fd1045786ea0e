//! The images of MNIST that the worker has sent, their labels, and the network's predictions for the test set.

use std::collections::HashMap;

use data::mnist::PIXELS;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use trainer::messages::{Command, Images, Predictions, Split};

use crate::client::Client;

/// Above this number of cached images, the cache is emptied before a page of a gallery is added.
const MAX_CACHED: usize = 400;

/// One image of MNIST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) split: Split,
    /// The index in the set, in MNIST's order.
    pub(crate) index: u32,
    pub(crate) label: u8,
    #[serde(with = "pixels")]
    pub(crate) pixels: [u8; PIXELS],
}

/// Pixels as a list: serde knows arrays of up to 32 items.
mod pixels {
    use data::mnist::PIXELS;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(pixels: &[u8; PIXELS], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(pixels)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<[u8; PIXELS], D::Error> {
        let pixels = Vec::<u8>::deserialize(deserializer)?;
        pixels.try_into().map_err(|_| D::Error::custom(format_args!("an image has {PIXELS} pixels")))
    }
}

impl Sample {
    /// The name on the page, `Test image 5`.
    pub(crate) fn name(&self) -> String {
        let set = match self.split {
            Split::Train => "Training",
            Split::Test => "Test",
        };
        format!("{set} image {}", self.index)
    }
}

/// A cache of MNIST.
#[derive(Clone, Copy)]
pub(crate) struct MnistCache {
    /// The labels of the images that are downloaded.
    train: RwSignal<Vec<u8>>,
    test: RwSignal<Vec<u8>>,
    /// The network's predictions for the test images.
    pub(crate) predictions: RwSignal<Option<Predictions>>,
    /// The pixels of the images that were shown last.
    pixels: RwSignal<HashMap<(Split, u32), [u8; PIXELS]>>,
}

impl MnistCache {
    /// An empty cache.
    pub(crate) fn new() -> Self {
        Self {
            train: RwSignal::default(),
            test: RwSignal::default(),
            predictions: RwSignal::default(),
            pixels: RwSignal::default(),
        }
    }

    /// The labels of a set, as far as it is downloaded.
    pub(crate) fn labels(&self, split: Split) -> RwSignal<Vec<u8>> {
        match split {
            Split::Train => self.train,
            Split::Test => self.test,
        }
    }

    /// The pixels of an image, if they are cached.
    pub(crate) fn pixels(&self, split: Split, index: u32) -> Option<[u8; PIXELS]> {
        self.pixels.with(|pixels| pixels.get(&(split, index)).copied())
    }

    /// An image with its label, if both are cached.
    pub(crate) fn sample(&self, split: Split, index: u32) -> Option<Sample> {
        let label = self.labels(split).with(|labels| labels.get(index as usize).copied())?;
        Some(Sample { split, index, label, pixels: self.pixels(split, index)? })
    }

    /// An image with its label; if they are not cached, the worker is asked for them.
    pub(crate) fn sample_or_ask(&self, client: Client, split: Split, index: u32) -> Option<Sample> {
        let sample = self.sample(split, index);
        if sample.is_none() {
            client.send(Command::Labels(split));
            client.send(Command::Images { split, indices: vec![index] });
        }
        sample
    }

    /// The class predicted for an image and its probability; none for training images.
    pub(crate) fn prediction(&self, split: Split, index: u32) -> Option<(u8, f32)> {
        self.predictions.with(|predictions| {
            let predictions = predictions.as_ref().filter(|_| split == Split::Test)?;
            let at = index as usize;
            Some((*predictions.classes.get(at)?, *predictions.confidences.get(at)?))
        })
    }

    /// Caches images that the worker sent.
    pub(crate) fn on_images(&self, Images { split, indices, pixels }: Images) {
        self.pixels.update(|cached| {
            if cached.len() > MAX_CACHED {
                cached.clear();
            }
            let images = pixels.chunks_exact(PIXELS).filter_map(|image| image.try_into().ok());
            cached.extend(indices.into_iter().map(|index| (split, index)).zip(images));
        });
    }
}
