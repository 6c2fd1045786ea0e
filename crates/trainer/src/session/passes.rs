//! The passes of a snapshot: of a batch of test images, of the shown image with different units, with a part covered, and as it is
//! shown. That comes last, so that its activations can be read; the backward pass of its saliency map follows, and changes none.

use crate::messages::{
    BATCH_IMAGES, BatchDetail, MASKS, MaskAnswers, Occlusion, Saliency, SaliencyOf, Watch,
};
use data::DataSet;
use data::mnist::{PIXELS, SIDE};
use nn::cpu::Units;
use nn::inspect::batch_statistics::batch_statistics;
use nn::inspect::saliency::SaliencyPass;
use nn::network::Network;
use nn::spec::{LayerSpec, NetworkSpec};
use std::collections::VecDeque;
use tensor::BLOCK;

/// The passes that are left, and what the others found.
#[derive(Default)]
pub(super) struct Passes {
    left: VecDeque<Pass>,
    /// Whether the first of them has begun.
    has_begun: bool,
    /// The images of [`Kind::Shown`], and the units with which they are read.
    images: usize,
    units: Units,
    /// The logits of the shown image, [`Kind::Answer`] by answer.
    answers: Vec<Vec<f32>>,
    /// Those of [`Kind::Covered`], place by place.
    covered: Vec<Vec<f32>>,
    /// The batch normalisations that are watched, and for each the values before it, image by image.
    batches: Vec<(usize, Vec<Vec<f32>>)>,
    /// The class of the saliency map, and its backward pass, both once the shown image is read.
    saliency_of: Option<SaliencyOf>,
    saliency: Option<(Saliency, SaliencyPass)>,
}

/// What the passes found, as in a [`Snapshot`](crate::messages::Snapshot).
pub(super) struct Results {
    pub(super) masks: Option<Box<MaskAnswers>>,
    pub(super) batches: Vec<BatchDetail>,
    pub(super) occlusion: Option<Box<Occlusion>>,
    pub(super) saliency: Option<Box<Saliency>>,
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
    Covered,
    Shown,
}

impl Passes {
    /// The passes of a network for the shown image and the one that it is compared with, and for what is watched besides.
    pub(super) fn new(
        network: &NetworkSpec,
        watch: &Watch,
        images: Option<(&[u8], Option<&[u8]>)>,
        test: &DataSet,
    ) -> Self {
        // In a comparison the shown network may be without the dropout that the page's has.
        let has_dropout = network.layers.iter().any(|layer| matches!(layer, LayerSpec::Dropout { .. }));
        let units = if has_dropout { watch.units } else { Units::All };
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
            if watch.occlusion && units == Units::All {
                let places: Vec<(usize, usize)> = Occlusion::places().collect();
                for places in places.chunks(BLOCK) {
                    let images = places.iter().flat_map(|place| covered(image, *place)).collect();
                    left.push_back(Pass { images, units: Units::All, kind: Kind::Covered });
                }
            }
            // Both at once cost as much as one.
            let images = [image, reference.unwrap_or_default()].concat();
            left.push_back(Pass { images, units, kind: Kind::Shown });
        }
        let batches = watch.batches.iter().map(|layer| (*layer, Vec::new())).collect();
        Self { left, batches, units, saliency_of: watch.saliency, ..Self::default() }
    }

    /// The number of images that are shown: none, the one, or it and the one that it is compared with.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// The units with which they are read.
    pub(super) fn units(&self) -> Units {
        self.units
    }

    /// Goes on for as much work as the network is allowed, which must be the same network each time, and infer nothing else in
    /// between. Returns whether all passes are done.
    pub(super) fn advance(&mut self, network: &mut Network) -> bool {
        while let Some(Pass { images, units, kind }) = self.left.front() {
            if !self.has_begun {
                network.begin_inference(images.chunks_exact(PIXELS), *units);
                self.has_begun = true;
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
                Kind::Covered => self.covered.extend((0..count).map(|image| network.logits_of(image))),
                Kind::Shown => {
                    self.images = count;
                    self.saliency = self.saliency_of.and_then(|of| begin_saliency(network, of));
                }
            }
            self.left.pop_front();
            self.has_begun = false;
        }
        let Some((map, pass)) = &mut self.saliency else { return true };
        if map.gradient.is_empty() {
            map.gradient = pass.advance(network).unwrap_or_default();
        }
        !map.gradient.is_empty()
    }

    /// What they found; the shown image must be what the network inferred last, if there is one.
    pub(super) fn results(self, network: &Network) -> Results {
        let mut answers = self.answers.into_iter();
        let masks = answers
            .next()
            .zip(answers.next())
            .map(|(all, all_scaled)| Box::new(MaskAnswers { all, all_scaled, thinned: answers.collect() }));
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
        let occlusion = (!self.covered.is_empty())
            .then(|| Box::new(Occlusion { whole: network.logits_of(0), covered: self.covered }));
        let is_finite = |map: &Saliency| map.gradient.iter().all(|value| value.is_finite());
        let saliency = self.saliency.map(|(map, _)| map).filter(is_finite).map(Box::new);
        Results { masks, batches: self.batches.into_iter().filter_map(detail).collect(), occlusion, saliency }
    }
}

/// Begins the saliency map of the image that the network has read; none if its logits are not finite, or lack the class.
fn begin_saliency(network: &mut Network, of: SaliencyOf) -> Option<(Saliency, SaliencyPass)> {
    let logits = network.logits_of(0);
    let class = match of {
        SaliencyOf::Answer => (0..logits.len()).reduce(|best, next| {
            // The first of equals, as the answer is.
            if logits[next] > logits[best] { next } else { best }
        })?,
        SaliencyOf::Class(class) => usize::from(class),
    };
    let logit = logits.get(class).copied().filter(|_| logits.iter().all(|logit| logit.is_finite()))?;
    let pass = SaliencyPass::new(network, class)?;
    Some((Saliency { class: class as u8, logit, gradient: Vec::new() }, pass))
}

/// An image with a square of background in a place.
fn covered(image: &[u8], (row, column): (usize, usize)) -> Vec<u8> {
    let mut covered = image.to_vec();
    for row in covered.chunks_exact_mut(SIDE).skip(row).take(Occlusion::SIDE) {
        row[column..column + Occlusion::SIDE].fill(0);
    }
    covered
}
