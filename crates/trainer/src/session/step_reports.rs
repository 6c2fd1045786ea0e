//! Reports of single steps: what the network made of each image of the batch, and how far its weights moved.
//!
//! A step keeps none of that. It is computed afterwards, from a copy of the parameters that it began with.

use crate::batch::Batch;
use crate::cursor::DataCursor;
use crate::messages::{REPORTED_IMAGES, StepReport, StepSample};
use data::DataSet;
use data::mnist::PIXELS;
use nn::inspect::step_scores::{SampleScore, StepScores};
use nn::inspect::weight_changes::{WeightChange, weight_changes};
use nn::train::Training;

/// Multiply-adds between two looks at the clock: 2 to 5 ms.
const WORK: i64 = 50_000_000;

/// The report that is wanted of the next step, or is being made of the last one.
#[derive(Default)]
pub(super) enum StepReports {
    #[default]
    None,
    /// The next step is to be reported.
    Wanted {
        /// The parameters that it begins with.
        parameters: Vec<f32>,
    },
    /// It was taken, and its report is not complete.
    Begun(Box<Begun>),
}

/// A report that is not complete.
pub(super) struct Begun {
    step: u64,
    batch: Batch,
    smoothing: f32,
    scores: StepScores,
    changes: Vec<WeightChange>,
}

impl StepReports {
    /// The next step of `training` is to be reported.
    pub(super) fn want(&mut self, training: &Training) {
        *self = Self::Wanted { parameters: training.network.parameters.clone() };
    }

    /// Begins the report of the step that was taken, on the batch at `cursor`, if it is wanted.
    pub(super) fn begin(&mut self, training: &Training, images: &DataSet, cursor: DataCursor) {
        let Self::Wanted { parameters } = std::mem::take(self) else { return };
        let mut batch = Batch::default();
        batch.gather(images, cursor, training.spec());
        let changes = weight_changes(training.network.plan(), &parameters, &training.network.parameters);
        *self = Self::Begun(Box::new(Begun {
            step: training.steps(),
            batch,
            smoothing: training.spec().label_smoothing,
            scores: training.begin_step_scores(parameters),
            changes,
        }));
    }

    /// Whether a report is not complete.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self, Self::Begun(_))
    }

    /// Goes on with the report for a while. Returns it once it is complete.
    pub(super) fn advance(&mut self) -> Option<StepReport> {
        let Self::Begun(begun) = self else { return None };
        let Begun { batch, smoothing, scores, .. } = &mut **begun;
        let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
        let scores = scores.advance(&batch.labels, *smoothing, &fill, WORK)?;
        let report = begun.report(&scores);
        *self = Self::None;
        Some(report)
    }
}

impl Begun {
    fn report(&mut self, scores: &[SampleScore]) -> StepReport {
        let Self { step, batch, changes, .. } = self;
        let sample =
            |at: usize| StepSample { index: batch.indices[at], label: batch.labels[at], score: scores[at] };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].loss.total_cmp(&scores[*a].loss));
        order.truncate(REPORTED_IMAGES);
        let mut input = [0.0; PIXELS];
        let mut pixels = Vec::with_capacity(order.len() * PIXELS);
        for &at in &order {
            batch.fill(at, &mut input);
            pixels.extend(input.iter().map(|ink| (ink * 255.0).round() as u8));
        }
        let loss: f64 = scores.iter().map(|score| f64::from(score.loss)).sum();
        StepReport {
            step: *step,
            images: scores.len(),
            correct: (0..scores.len()).filter(|at| scores[*at].class == batch.labels[*at]).count(),
            loss: (loss / scores.len().max(1) as f64) as f32,
            samples: order.iter().map(|at| sample(*at)).collect(),
            pixels,
            changes: std::mem::take(changes),
        }
    }
}
