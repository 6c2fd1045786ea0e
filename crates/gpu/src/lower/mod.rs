//! From the ops of a plan to dispatches: what follows a convolution or a dense layer is fused to it, and every kernel that writes a
//! gradient takes it through the activation and the dropout below at once.

mod batch_norm;

use crate::constants::{
    Constants, conv_constants, dense_constants, elementwise_constants, pad_constants, pool_constants,
};
use crate::executor::Pass;
use crate::fuse::{Finish, Fused, activation, fuse};
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::reduction::{self as jobs, BIAS, CONVOLUTION, DENSE, Job, UPDATED_AT_ONCE};
use nn::plan::{Buffer, Op, Plan};
use nn::spec::{NetworkSpec, Shape};
use nn::summary::SpecError;
use std::ops::Range;
use tensor::conv2d::Conv2d;

/// Invocations in a workgroup.
const GROUP: u32 = 64;
/// Invocations in a workgroup of a convolution: its tiles are large, and a small batch has few of them to spread over a GPU.
const CONV_GROUP: u32 = 32;
/// Most workgroups in a dispatch (WebGPU's default limit).
const MOST_GROUPS: u32 = 65_535;
/// Most classes that the loss can tell apart.
const MOST_CLASSES: usize = 16;
/// Parts into which a channel's statistics are split.
const PARTS: u32 = 8;

/// A kernel with its geometry, and how many workgroups of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: Kernel,
    /// Values of its `override` constants.
    pub constants: Vec<(&'static str, f64)>,
    /// Workgroups.
    pub groups: u32,
}

/// A plan as dispatches.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// One step, or one measurement of a batch.
    pub dispatches: Vec<Dispatch>,
    /// In training, what comes in the place of the first dispatch where the images are to be distorted.
    pub distorting: Option<Dispatch>,
    /// To be run once when parameters have come from outside.
    pub pack: Dispatch,
    pub(crate) jobs: Vec<Job>,
    pub(crate) layout: Layout,
    /// Vectors in `packed`, values in `values`, numbers in `partials`.
    pub(crate) packed: u32,
    pub(crate) values: u32,
    pub(crate) partials: u32,
}

impl Lowered {
    /// How long the buffers of `shaders/lib/common.wgsl` and `reduction.wgsl` are, in elements.
    pub fn sizes(&self) -> [(&'static str, u64); 6] {
        [
            ("STATE_SIZE", u64::from(self.layout.state())),
            ("PACKED_SIZE", u64::from(self.packed.max(1))),
            ("VALUES_SIZE", u64::from(self.values) * u64::from(self.layout.quads)),
            ("PARTIALS_SIZE", u64::from(self.partials)),
            ("DATA_SIZE", crate::executor::DATA / 4),
            ("JOBS", self.jobs.len() as u64),
        ]
    }
}

/// Lowers a network for batches of up to `batch` samples.
///
/// # Errors
/// A network that does not fit together, or is too large for a GPU.
pub fn lower(network: &NetworkSpec, batch: usize, mode: Pass) -> Result<Lowered, SpecError> {
    // Its ops are in the order of the layers, and no buffer is overwritten.
    let plan = Plan::to_look_at(network)?;
    let layout = Layout::new(&plan, batch);
    let losses = Job::losses(layout.losses(), layout.hits(), layout.loss_sums());
    let mut lowering = Lowering {
        plan: &plan,
        mode,
        forward: Vec::new(),
        backward: Vec::new(),
        jobs: std::iter::once(losses).chain(plan.parameters.iter().map(Job::of)).collect(),
        partials: layout.sums(),
        packed: 0,
        layout,
    };
    lowering.gather();
    let fused = fuse(&plan, mode == Pass::Training);
    fused.iter().for_each(|fused| lowering.forward(fused));
    lowering.loss_and_backward(&fused);
    lowering.finish(network)
}

struct Lowering<'a> {
    plan: &'a Plan,
    mode: Pass,
    layout: Layout,
    forward: Vec<Dispatch>,
    /// In the order in which they run.
    backward: Vec<Dispatch>,
    /// That of losses and hits, and one for each parameter tensor of the plan.
    jobs: Vec<Job>,
    partials: u32,
    packed: u32,
}

impl<'a> Lowering<'a> {
    fn training(&self) -> bool {
        self.mode == Pass::Training
    }

    fn gather(&mut self) {
        let padded = self.plan.ops.iter().find_map(|op| match op {
            Op::Pad { input, output, padding } if input.offset == self.plan.input.offset => {
                Some((*output, *padding))
            }
            _ => None,
        });
        let (output, padding) = padded.unwrap_or((self.plan.input, 0));
        let images = match self.mode {
            Pass::Training => {
                [("IMAGES", 0.0), ("LABELS", crate::executor::TRAIN_LABELS as f64), ("WINDOW", 5000.0)]
            }
            Pass::Evaluation => [
                ("IMAGES", crate::executor::TEST_IMAGES as f64),
                ("LABELS", crate::executor::TEST_LABELS as f64),
                ("WINDOW", 0.0),
            ],
        };
        let mut constants = vec![("OUTPUT", output.offset as f64), ("PADDING", padding as f64)];
        constants.extend(images);
        constants.push(("BATCH_LABELS", f64::from(self.layout.labels())));
        let groups = 4 * self.layout.quads;
        self.forward.push(Dispatch { kernel: Kernel::Gather, constants, groups });
    }

    /// One invocation for each of `items` and each quad of samples.
    fn each(&self, items: usize) -> u32 {
        (items as u32 * self.layout.quads).div_ceil(GROUP)
    }

    fn forward(&mut self, fused: &Fused<'_>) {
        let finish = fused.finish.constants();
        match fused.op {
            Op::Pad { input, output, padding } => {
                let constants = pad_constants(*input, *output, *padding);
                self.push_each(Kernel::Pad, constants, input.shape.len());
            }
            Op::Conv2d { geometry, input, weight, bias, .. } if geometry.input.is_vector() => {
                let job = self.weights(geometry, *input, fused, weight, bias);
                let mut constants = dense_constants(&job, bias.start, fused.output);
                let groups = job.maps.div_ceil(8) * self.layout.quads.div_ceil(16);
                constants.extend(finish);
                self.forward.push(Dispatch { kernel: Kernel::DenseForward, constants, groups });
            }
            Op::Conv2d { geometry, padding, input, weight, bias, .. } => {
                let job = self.weights(geometry, *input, fused, weight, bias);
                let mut constants = conv_constants(&job, *padding, bias.start, fused.output);
                let out = geometry.output();
                let pixels = match fused.finish.pooled {
                    Some(_) => (out.height / 2) * (out.width / 2),
                    None => out.height.div_ceil(2) * out.width.div_ceil(2),
                };
                constants.extend(finish);
                constants.push(("TILE", f64::from(job.map_tile)));
                let tiles = pixels as u32 * job.maps.div_ceil(job.map_tile);
                let groups = (tiles * self.layout.quads).div_ceil(CONV_GROUP);
                self.forward.push(Dispatch { kernel: Kernel::ConvForward, constants, groups });
            }
            Op::MaxPool2d { geometry, input, output } => {
                self.push_each(
                    Kernel::MaxForward,
                    pool_constants(geometry, *input, *output),
                    output.shape.len(),
                );
            }
            Op::AvgPool2d { geometry, input, output } => {
                self.push_each(
                    Kernel::AverageForward,
                    pool_constants(geometry, *input, *output),
                    output.shape.len(),
                );
            }
            Op::Activation { function, input, output } => {
                let mut constants = elementwise_constants(*input, *output);
                constants.extend(activation(*function).constants());
                self.push_each(Kernel::ElementwiseForward, constants, output.shape.len());
            }
            Op::Dropout { p, layer, input, mask, output } => {
                let mut constants = elementwise_constants(*input, *output);
                constants.extend(self.dropout(*p, *layer, *mask).constants());
                self.push_each(Kernel::ElementwiseForward, constants, output.shape.len());
            }
            Op::Affine { input, scale, shift, .. } => {
                let mut constants = self.affine(*input, *input, fused.output, scale, shift);
                constants.extend(finish);
                self.push_each(Kernel::Affine, constants, fused.output.shape.len());
            }
            Op::Normalize { input, output, statistics } => {
                let mut constants = self.normalization(fused, *input, *output, *statistics);
                let (channels, shape) = (input.shape.channels, output.shape);
                if self.training() {
                    let mut constants = constants.clone();
                    constants.push(("PARTIAL", f64::from(self.sums(2 * PARTS * channels as u32))));
                    constants.push(("PARTS", f64::from(PARTS)));
                    let groups = PARTS * channels as u32;
                    self.forward.push(Dispatch {
                        kernel: Kernel::MomentSums,
                        constants: constants.clone(),
                        groups,
                    });
                    let groups = (channels as u32).div_ceil(GROUP);
                    self.forward.push(Dispatch { kernel: Kernel::Moments, constants, groups });
                } else {
                    constants.push(("TRAINING", 0.0));
                    let groups = (channels as u32).div_ceil(GROUP);
                    self.forward.push(Dispatch {
                        kernel: Kernel::Moments,
                        constants: constants.clone(),
                        groups,
                    });
                }
                constants.extend(finish);
                self.push_each(Kernel::Normalize, constants, shape.len());
            }
            Op::Moments { .. } => {}
        }
    }

    /// A kernel forward that makes each of so many values.
    fn push_each(&mut self, kernel: Kernel, constants: Constants, values: usize) {
        let groups = self.each(values);
        self.forward.push(Dispatch { kernel, constants, groups });
    }

    fn dropout(&self, p: f32, layer: usize, mask: Buffer) -> Finish {
        let dropout = (self.training() && p > 0.0).then_some((p, layer, mask.offset));
        Finish { dropout, ..Finish::default() }
    }

    /// Room for so many partial sums.
    fn sums(&mut self, count: u32) -> u32 {
        let at = self.partials;
        self.partials += count;
        at
    }

    fn job(&mut self, parameter: &Range<usize>) -> &mut Job {
        let i = self.plan.parameters.iter().position(|p| p.range() == *parameter);
        &mut self.jobs[1 + i.expect("every op's parameters are the plan's")]
    }

    /// The jobs of a layer that weighs its inputs; gives that of the weights.
    fn weights(
        &mut self,
        g: &Conv2d,
        input: Buffer,
        fused: &Fused<'_>,
        weight: &Range<usize>,
        bias: &Range<usize>,
    ) -> Job {
        let out = g.output();
        let taps = (g.kernel_size[0] * g.kernel_size[1]) as u32;
        let (channels, maps) = (g.input.channels as u32, g.out_channels as u32);
        let dense = g.input.is_vector();
        let [map_tile, channel_tile] =
            [maps, channels].map(|count| if dense { 4 } else { jobs::tile(count) });
        let forward = self.packed;
        let backward = forward + maps.div_ceil(map_tile) * jobs::vectors(map_tile) * channels * taps;
        self.packed = backward + channels.div_ceil(channel_tile) * jobs::vectors(channel_tile) * maps * taps;
        let quads = self.layout.quads;
        let fill = |job: &mut Job, kind: u32| {
            job.kind = kind;
            (job.input, job.channels) = (input.offset as u32, channels);
            (job.height, job.width) = (g.input.height as u32, g.input.width as u32);
            (job.kernel_rows, job.kernel_columns) = (g.kernel_size[0] as u32, g.kernel_size[1] as u32);
            (job.stride, job.output, job.maps) = (g.stride as u32, fused.unfinished() as u32, maps);
            (job.out_height, job.out_width) = (out.height as u32, out.width as u32);
            (job.forward, job.backward) = (forward, backward);
            (job.map_tile, job.channel_tile) = (map_tile, channel_tile);
            job.split(quads);
            job.chunks * job.count
        };
        let sums = fill(self.job(bias), BIAS);
        self.job(bias).partial = self.partials;
        self.partials += sums;
        let sums = fill(self.job(weight), if dense { DENSE } else { CONVOLUTION });
        self.job(weight).partial = self.partials;
        self.partials += sums;
        *self.job(weight)
    }

    fn loss_and_backward(&mut self, fused: &[Fused<'a>]) {
        let logits = self.plan.logits();
        let training = self.training();
        let last = fused.last();
        // A dense layer at the end computes the loss where it needs its gradient.
        let fuses_loss = training && last.is_some_and(|last| {
            let dense =
                matches!(last.op, Op::Conv2d { geometry, source: Some(_), .. } if geometry.input.is_vector());
            dense && last.finish == Finish::default()
        });
        let loss = [
            ("BATCH_LABELS", f64::from(self.layout.labels())),
            ("LOSSES", f64::from(self.layout.losses())),
            ("HITS", f64::from(self.layout.hits())),
        ];
        if !fuses_loss {
            let mut constants = vec![
                ("OUTPUT", logits.offset as f64),
                ("UNITS", logits.shape.len() as f64),
                ("TRAINING", f64::from(u8::from(training))),
            ];
            constants.extend(loss);
            constants.extend(last.map_or(Finish::default(), |last| last.finish).constants());
            let groups = self.layout.quads.div_ceil(GROUP);
            self.backward.push(Dispatch { kernel: Kernel::Loss, constants, groups });
        }
        if !training {
            return;
        }
        for (i, fused) in fused.iter().enumerate().rev() {
            let extra = if fuses_loss && i + 1 == self.last_index(fused, i) { &loss[..] } else { &[] };
            self.backward(fused, extra);
        }
    }

    /// One past the index, if this is the op that makes the logits; else nothing that an index could be.
    fn last_index(&self, fused: &Fused<'_>, i: usize) -> usize {
        if fused.output.offset == self.plan.logits().offset { i + 1 } else { usize::MAX }
    }

    fn backward(&mut self, fused: &Fused<'_>, loss: &[(&'static str, f64)]) {
        let before = fused.before.constants();
        let from_images = |buffer: Buffer| buffer.offset == self.plan.input.offset;
        let quads = self.layout.quads;
        let each = |items: usize| (items as u32 * quads).div_ceil(GROUP);
        match fused.op {
            // Convolution sends its gradient straight to what was padded.
            Op::Pad { .. } | Op::Moments { .. } => {}
            Op::Conv2d { geometry, padding, source, weight, bias, .. } => {
                let Some(source) = *source else { return };
                let job = *self.job(weight);
                let mut dispatch = if geometry.input.is_vector() {
                    Dispatch {
                        kernel: Kernel::DenseInputGradient,
                        constants: dense_constants(&job, bias.start, fused.output),
                        groups: each(source.shape.len().div_ceil(4)),
                    }
                } else {
                    let mut constants = conv_constants(&job, *padding, bias.start, fused.output);
                    constants.push(("SOURCE", source.offset as f64));
                    let Shape { channels, height, width } = source.shape;
                    constants.push(("TILE", f64::from(job.channel_tile)));
                    let tiles = channels.div_ceil(job.channel_tile as usize) * height * width.div_ceil(5);
                    let groups = (tiles as u32 * quads).div_ceil(CONV_GROUP);
                    Dispatch { kernel: Kernel::ConvInputGradient, constants, groups }
                };
                if !loss.is_empty() {
                    dispatch.constants.push(("LOSS", 1.0));
                    dispatch.constants.extend(loss);
                }
                dispatch.constants.extend(before);
                self.backward.push(dispatch);
            }
            Op::MaxPool2d { input, .. } | Op::AvgPool2d { input, .. } if from_images(*input) => {}
            Op::MaxPool2d { geometry, input, output } | Op::AvgPool2d { geometry, input, output } => {
                let max = matches!(fused.op, Op::MaxPool2d { .. });
                let kernel = if max { Kernel::MaxBackward } else { Kernel::AverageBackward };
                let mut constants = pool_constants(geometry, *input, *output);
                constants.extend(before);
                self.backward.push(Dispatch { kernel, constants, groups: each(input.shape.len()) });
            }
            Op::Activation { function, input, output } => {
                let finish = activation(*function);
                let groups = each(input.shape.len());
                self.elementwise_backward(finish, *input, *output, groups);
            }
            Op::Dropout { p, layer, input, mask, output } => {
                let (finish, groups) = (self.dropout(*p, *layer, *mask), each(input.shape.len()));
                self.elementwise_backward(finish, *input, *output, groups);
            }
            Op::Affine { input, scale, shift, .. } => {
                let mut constants = self.affine(*input, *input, fused.output, scale, shift);
                self.scale_gradients(&constants, scale, shift);
                if !from_images(*input) {
                    constants.extend(before);
                    let groups = each(input.shape.len());
                    self.backward.push(Dispatch { kernel: Kernel::AffineBackward, constants, groups });
                }
            }
            Op::Normalize { input, output, statistics } => {
                let mut constants = self.normalization(fused, *input, *output, *statistics);
                let (scale, shift) = self.scale_of(*output);
                let partial = self.scale_gradients(&constants, &scale, &shift);
                if from_images(*input) {
                    return;
                }
                constants.extend([("PARTIAL", f64::from(partial)), ("PARTS", f64::from(PARTS))]);
                let groups = (input.shape.channels as u32).div_ceil(GROUP);
                self.backward.push(Dispatch {
                    kernel: Kernel::GradientMeans,
                    constants: constants.clone(),
                    groups,
                });
                constants.extend(before);
                let groups = each(input.shape.len());
                self.backward.push(Dispatch { kernel: Kernel::NormalizeBackward, constants, groups });
            }
        }
    }

    fn elementwise_backward(&mut self, finish: Finish, input: Buffer, output: Buffer, groups: u32) {
        let mut constants = elementwise_constants(input, output);
        constants.extend(finish.constants());
        self.backward.push(Dispatch { kernel: Kernel::ElementwiseBackward, constants, groups });
    }

    fn finish(mut self, network: &NetworkSpec) -> Result<Lowered, SpecError> {
        let layers = network.layers.len();
        let fail = |message: String| Err(SpecError { layer: layers, message });
        let classes = self.plan.logits().shape.len();
        if classes > MOST_CLASSES {
            return fail(format!("On a GPU a network has at most {MOST_CLASSES} classes, not {classes}."));
        }
        let quads = self.layout.quads;
        let (mut groups, mut updates) = (0, 0);
        for job in &mut self.jobs {
            (job.first_group, job.first_update) = (groups, updates);
            groups += job.split(quads).div_ceil(GROUP);
            updates += job.count.div_ceil(UPDATED_AT_ONCE);
        }
        let slides = self.jobs.iter().all(|job| job.kind != CONVOLUTION || job.stride == 1);
        let table = [
            ("GRADIENTS", f64::from(self.layout.gradients())),
            ("FIRST", f64::from(self.layout.first_moments())),
            ("SECOND", f64::from(self.layout.second_moments())),
            ("RESULTS", f64::from(self.layout.results())),
        ];
        let mut dispatches = self.forward;
        dispatches.extend(self.backward);
        let distorting = (self.mode == Pass::Training).then(|| {
            let mut gather = dispatches[0].clone();
            gather.constants.push(("DISTORTS", 1.0));
            gather
        });
        let mut push = |kernel, constants: &[(&'static str, f64)], groups| {
            // A batch that is only measured has sums of losses and hits, which come first.
            let groups = if self.mode == Pass::Training { groups } else { 1 };
            dispatches.push(Dispatch { kernel, constants: constants.to_vec(), groups });
        };
        push(Kernel::WeightGradient, &[("SLIDES", f64::from(u8::from(slides)))], groups);
        push(Kernel::Update, &table, updates);
        if dispatches.iter().any(|d| d.groups > MOST_GROUPS) {
            return fail("This network, or this batch size, is too large for a GPU.".into());
        }
        Ok(Lowered {
            dispatches,
            distorting,
            pack: Dispatch { kernel: Kernel::PackAll, constants: table.to_vec(), groups: updates },
            jobs: self.jobs,
            layout: self.layout,
            packed: self.packed,
            values: self.plan.arena as u32,
            partials: self.partials,
        })
    }
}
