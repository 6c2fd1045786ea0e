//! The answers of the whole network and of thinned ones, side by side.

use data::mnist::CLASSES;
use trainer::messages::MaskAnswers;

use crate::network::explanation::argmax;
use crate::network::layer::softmax_terms::SoftmaxTerms;

/// What is said about the thinned networks' answers, `[class]` each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answers {
    /// The class that each thinned network answers; none if its logits are not finite numbers.
    pub(super) classes: Vec<Option<usize>>,
    /// How many of them answer each class.
    pub(super) votes: Vec<usize>,
    /// Probabilities of the whole network.
    pub(super) all: Vec<f32>,
    /// The mean of the thinned networks' probabilities.
    pub(super) mean: Vec<f32>,
    /// The mean of their logits.
    pub(super) mean_logits: Vec<f32>,
}

impl Answers {
    pub(super) fn of(answers: &MaskAnswers) -> Self {
        let classes: Vec<Option<usize>> = answers.thinned.iter().map(|logits| answer(logits)).collect();
        let votes = |class| classes.iter().filter(|answer| **answer == Some(class)).count();
        let probabilities: Vec<Vec<f32>> =
            answers.thinned.iter().map(|logits| probabilities(logits)).collect();
        Self {
            votes: (0..CLASSES).map(votes).collect(),
            all: self::probabilities(&answers.all),
            mean: mean(&probabilities),
            mean_logits: mean(&answers.thinned),
            classes,
        }
    }
}

/// The class with the largest logit; none if one is not a finite number.
fn answer(logits: &[f32]) -> Option<usize> {
    argmax(logits).filter(|_| logits.iter().all(|logit| logit.is_finite()))
}

fn probabilities(logits: &[f32]) -> Vec<f32> {
    let terms = SoftmaxTerms::of(logits);
    (0..logits.len()).map(|class| terms.as_ref().map_or(f32::NAN, |terms| terms.probability(class))).collect()
}

/// The mean of each class.
fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let class = |class: usize| rows.iter().filter_map(|row| row.get(class)).sum::<f32>() / rows.len() as f32;
    (0..rows.first().map_or(0, Vec::len)).map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(class: usize, value: f32) -> Vec<f32> {
        (0..CLASSES).map(|at| if at == class { value } else { 0.0 }).collect()
    }

    #[test]
    fn votes_and_means_are_those_of_all_masks() {
        let thinned = vec![logits(7, 4.0), logits(7, 2.0), logits(1, 3.0), vec![f32::NAN; CLASSES]];
        let answers = Answers::of(&MaskAnswers { all: logits(7, 4.0), thinned, ..MaskAnswers::default() });
        assert_eq!(answers.classes, [Some(7), Some(7), Some(1), None]);
        assert_eq!((answers.votes[7], answers.votes[1], answers.votes.iter().sum::<usize>()), (2, 1, 3));
        assert!(answers.mean_logits[7].is_nan(), "one of them is");
        let share = 4f32.exp() / (4f32.exp() + 9.0);
        assert!((answers.all[7] - share).abs() < 1e-6);

        let two = vec![logits(7, 4.0), logits(1, 4.0)];
        let answers = Answers::of(&MaskAnswers { thinned: two, ..MaskAnswers::default() });
        assert_eq!((answers.mean_logits[7], answers.mean_logits[1], answers.mean_logits[0]), (2.0, 2.0, 0.0));
        assert!((answers.mean.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
