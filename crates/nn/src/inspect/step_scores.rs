//! How a step of training went for each sample of its batch.

use crate::inspect::replay::Replay;
use crate::train::Training;
use crate::train::shard::SampleFn;
use serde::{Deserialize, Serialize};
use tensor::BLOCK;

/// How the network read one sample of a batch in training: with the masks of dropout and the statistics of the batch, before the
/// step changed its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleScore {
    /// The class with the largest logit.
    pub class: u8,
    /// The softmax of that class, 0 to 1.
    pub confidence: f32,
    /// Cross-entropy with the label, smoothed as in training, in nats. The mean over the batch is the loss of the step.
    pub loss: f32,
}

impl Training {
    /// Begins to compute how the last step, which was taken, went for each sample. `parameters` are those that it began with.
    pub fn begin_step_scores(&self, parameters: Vec<f32>) -> StepScores {
        let plan = self.shards[0].plan().clone();
        let replay = Replay::new(self, plan, self.steps().saturating_sub(1), &parameters);
        StepScores { replay, parameters, scores: Vec::new() }
    }
}

/// Computes the scores of the samples of a step, block by block.
#[derive(Clone, Debug)]
pub struct StepScores {
    replay: Replay,
    parameters: Vec<f32>,
    scores: Vec<SampleScore>,
}

impl StepScores {
    /// Goes on for about `work` multiply-adds. Returns the scores, `[sample]`, once all are known. `labels` and `fill` are those of
    /// the step, `smoothing` is its label smoothing; they stay the same until then.
    pub fn advance(
        &mut self,
        labels: &[u8],
        smoothing: f32,
        fill: &SampleFn<'_>,
        work: i64,
    ) -> Option<Vec<SampleScore>> {
        self.replay.limit_work(work);
        for (block, labels) in labels.chunks(BLOCK).enumerate().skip(self.scores.len() / BLOCK) {
            let (plan, memory) = self.replay.forward(block * BLOCK, labels.len(), &self.parameters, fill)?;
            let losses: Vec<f64> = memory.losses(plan, labels, smoothing).collect();
            let scores = memory.predictions(plan).zip(losses).map(|(answer, loss)| {
                // A step with a logit that is not finite is not taken.
                let (class, confidence) = answer.unwrap_or_default();
                SampleScore { class: class as u8, confidence, loss: loss as f32 }
            });
            self.scores.extend(scores);
        }
        Some(std::mem::take(&mut self.scores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::spec::TrainingSpec;
    use tensor::Budget;
    use wasm_bindgen_test::wasm_bindgen_test;

    // More than the values of any layer here, which count as work, too.
    const WORK: i64 = 80_000;

    fn fill(sample: usize, input: &mut [f32]) {
        input.iter_mut().enumerate().for_each(|(i, v)| *v = ((i * 7 + sample * 5) % 11) as f32 / 11.0);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_scores_of_the_samples_add_up_to_that_of_the_step() {
        let labels: Vec<u8> = (0..50).map(|sample| (sample * 7 % 10) as u8).collect();
        for (preset, label_smoothing) in [
            (Preset::LeNet5, 0.0),
            (Preset::LeNetTricks, 0.1),
            (Preset::Mlp30, 0.0),
            (Preset::LeNet1998, 0.0),
        ] {
            let spec = TrainingSpec { label_smoothing, ..TrainingSpec::default() };
            let mut training = Training::new(preset.network(), spec).unwrap();
            training.set_threads(2);
            for _ in 0..3 {
                let before = training.network.parameters.clone();
                let whole = training.step(&labels, 0.0, &fill).expect("finite");
                let mut scores = training.begin_step_scores(before);
                let mut sliced = scores.clone();
                let scores = scores
                    .advance(&labels, label_smoothing, &fill, Budget::UNLIMITED)
                    .expect("without a limit");
                let mut slices = 1;
                let in_slices = loop {
                    match sliced.advance(&labels, label_smoothing, &fill, WORK) {
                        Some(found) => break found,
                        None => slices += 1,
                    }
                };
                assert_eq!(in_slices, scores);
                assert!(slices > 2, "{slices} slices");
                assert_eq!(scores.len(), labels.len());
                let loss: f64 = scores.iter().map(|score| f64::from(score.loss)).sum();
                assert!((loss - whole.loss).abs() < 1e-5 * whole.loss, "{preset:?}: {loss}, {whole:?}");
                let hits = scores.iter().zip(&labels).filter(|(score, label)| score.class == **label).count();
                assert_eq!(hits, whole.correct, "{preset:?}");
                assert!(scores.iter().all(|score| (0.1..=1.0).contains(&score.confidence)));
            }
        }
    }
}
