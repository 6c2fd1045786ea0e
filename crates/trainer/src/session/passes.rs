//! The forward passes of a snapshot: of a batch of test images, of the shown image with different units, and of the shown image
//! as it is shown, which comes last, so that its activations can be read.

use crate::messages::{BATCH_IMAGES, BatchDetail, MASKS, MaskAnswers, Watch};
use data::DataSet;
use data::mnist::PIXELS;
use nn::cpu::Units;
use nn::inspect::batch_statistics::batch_statistics;
use nn::network::Network;
use nn::spec::LayerSpec;
use std::collections::VecDeque;
use tensor::BLOCK;

/// The passes that are left, and what the others found.
#[derive(Default)]
pub(super) struct Passes {
    left: VecDeque<Pass>,
    /// The number of the inference of the first of them, once it has begun.
    inference: Option<u64>,
    /// The logits of the shown image, [`Kind::Answer`] by answer.
    answers: Vec<Vec<f32>>,
    /// The batch normalisations that are watched, and for each the values before it, image by image.
    batches: Vec<(usize, Vec<Vec<f32>>)>,
}

/// The images of a pass, `[image][28][28]`, and the units with which they are read.
struct Pass {
    images: Vec<u8>,
    units: Units,
    kind: Kind,
}

enum Kind {
    Batch,
    Answer,
    Shown,
}

impl Passes {
    /// The passes for the shown image and the one that it is compared with, and for what is watched besides.
    pub(super) fn new(watch: &Watch, images: Option<(&[u8], Option<&[u8]>)>, test: &DataSet) -> Self {
        let mut left = VecDeque::new();
        if !watch.batches.is_empty() && test.len() >= BATCH_IMAGES {
            for images in test.images[..BATCH_IMAGES * PIXELS].chunks(BLOCK * PIXELS) {
                left.push_back(Pass { images: images.to_vec(), units: Units::All, kind: Kind::Batch });
            }
        }
        if let Some((image, reference)) = images {
            if let Some(seed) = watch.masks {
                let mut answer = |units, count| {
                    left.push_back(Pass { images: image.repeat(count), units, kind: Kind::Answer });
                };
                answer(Units::All, 1);
                answer(Units::AllScaled, 1);
                for sample in (0..MASKS).step_by(BLOCK) {
                    answer(Units::Kept { seed, sample }, BLOCK.min((MASKS - sample) as usize));
                }
            }
            // Both at once cost as much as one.
            let images = [image, reference.unwrap_or_default()].concat();
            left.push_back(Pass { images, units: watch.units, kind: Kind::Shown });
        }
        let batches = watch.batches.iter().map(|layer| (*layer, Vec::new())).collect();
        Self { left, batches, ..Self::default() }
    }

    /// Whether the pass under way is what the network inferred last: something else may have been inferred since the last slice.
    pub(super) fn have_begun(&self, network: &Network) -> bool {
        self.inference == Some(network.inference())
    }

    /// Goes on for as much work as the network is allowed. Returns whether all passes are done.
    pub(super) fn advance(&mut self, network: &mut Network) -> bool {
        while let Some(Pass { images, units, kind }) = self.left.front() {
            if !self.have_begun(network) {
                self.inference = Some(network.begin_inference(images.chunks_exact(PIXELS), *units));
            }
            if !network.continue_inference() {
                return false;
            }
            let count = images.len() / PIXELS;
            match kind {
                Kind::Batch => {
                    for (layer, values) in &mut self.batches {
                        // The first layer's input is the image itself.
                        values.extend((0..count).filter_map(|image| {
                            match layer.checked_sub(1) {
                                Some(before) => network.output_of(image, before),
                                None => Some(
                                    images[image * PIXELS..][..PIXELS]
                                        .iter()
                                        .map(|&byte| f32::from(byte) / 255.0)
                                        .collect(),
                                ),
                            }
                        }));
                    }
                }
                Kind::Answer => self.answers.extend((0..count).map(|image| network.logits_of(image))),
                Kind::Shown => {}
            }
            self.left.pop_front();
            self.inference = None;
        }
        true
    }

    /// What they found.
    pub(super) fn results(self, network: &Network) -> (Option<MaskAnswers>, Vec<BatchDetail>) {
        let mut answers = self.answers.into_iter();
        let masks = answers.next().zip(answers.next()).map(|(all, all_scaled)| MaskAnswers {
            all,
            all_scaled,
            thinned: answers.collect(),
        });
        let detail = |(layer, images): (usize, Vec<Vec<f32>>)| {
            let is_batch_norm = network.spec().layers.get(layer) == Some(&LayerSpec::BatchNorm);
            let plan = network.plan();
            let mut parameters = plan.parameters.iter().filter(|p| p.layer == layer);
            let (weights, biases) = parameters.next().zip(parameters.next()).filter(|_| is_batch_norm)?;
            let channels = batch_statistics(
                &images,
                &network.parameters[weights.range()],
                &network.parameters[biases.range()],
            );
            (!channels.is_empty()).then_some(BatchDetail { layer, channels })
        };
        (masks, self.batches.into_iter().filter_map(detail).collect())
    }
}
