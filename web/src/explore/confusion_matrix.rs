//! The confusion matrix, and the images of each of its cells.

use trainer::messages::Predictions;

/// The ten digits.
pub(crate) const CLASSES: usize = data::mnist::CLASSES;

/// The counts of images by label and predicted class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfusionMatrix {
    /// `[label][class]`; the last class holds images without a prediction.
    counts: [[u32; CLASSES + 1]; CLASSES],
}

/// A cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) label: usize,
    pub(crate) class: usize,
}

impl Cell {
    /// Whether it is on the diagonal.
    pub(crate) const fn is_right(self) -> bool {
        self.label == self.class
    }
}

impl ConfusionMatrix {
    /// Counts the images whose label and prediction are known.
    pub(crate) fn of(labels: &[u8], classes: &[u8]) -> Self {
        let mut matrix = Self::default();
        for (label, class) in labels.iter().zip(classes) {
            if let Some(row) = matrix.counts.get_mut(usize::from(*label)) {
                row[usize::from(*class).min(CLASSES)] += 1;
            }
        }
        matrix
    }

    /// The images in a cell.
    pub(crate) const fn count(&self, cell: Cell) -> u32 {
        self.counts[cell.label][cell.class]
    }

    /// The images with a label.
    pub(crate) fn labelled(&self, label: usize) -> u32 {
        self.counts[label].iter().sum()
    }

    /// The images with a predicted class.
    pub(crate) fn predicted(&self, class: usize) -> u32 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// All images.
    pub(crate) fn images(&self) -> u32 {
        self.counts.as_flattened().iter().sum()
    }

    /// The images with the right prediction.
    pub(crate) fn right(&self) -> u32 {
        (0..CLASSES).map(|class| self.counts[class][class]).sum()
    }

    /// The images without a prediction, as the probabilities are not finite.
    pub(crate) fn unpredicted(&self) -> u32 {
        self.predicted(CLASSES)
    }

    /// The share of a label's images that are in a cell, 0 to 1.
    pub(crate) fn share(&self, cell: Cell) -> f32 {
        ratio(self.count(cell), self.labelled(cell.label)).unwrap_or(0.0)
    }

    /// The share of a label's images with the right prediction; none if there are no images.
    pub(crate) fn recall(&self, label: usize) -> Option<f32> {
        ratio(self.counts[label][label], self.labelled(label))
    }

    /// The share of the images with a predicted class that have this label; none if there are no images.
    pub(crate) fn precision(&self, class: usize) -> Option<f32> {
        ratio(self.counts[class][class], self.predicted(class))
    }

    /// The cells off the diagonal.
    fn mistakes() -> impl Iterator<Item = Cell> {
        let cells = (0..CLASSES * CLASSES).map(|at| Cell { label: at / CLASSES, class: at % CLASSES });
        cells.filter(|cell| !cell.is_right())
    }

    /// The largest share of a cell off the diagonal.
    pub(crate) fn worst_share(&self) -> f32 {
        Self::mistakes().map(|cell| self.share(cell)).fold(0.0, f32::max)
    }

    /// The most frequent mistake; none if there are no mistakes.
    pub(crate) fn worst(&self) -> Option<Cell> {
        let worst = Self::mistakes().max_by(|a, b| {
            self.count(*a).cmp(&self.count(*b)).then(self.share(*a).total_cmp(&self.share(*b)))
        });
        worst.filter(|cell| self.count(*cell) > 0)
    }
}

fn ratio(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

/// The indices of the test images in a cell, or of all mistakes: the most confident first, but on the diagonal the least
/// confident.
pub(crate) fn images_in(labels: &[u8], predictions: &Predictions, cell: Option<Cell>) -> Vec<u32> {
    let wanted = |(label, class): (&u8, &u8)| match cell {
        Some(cell) => usize::from(*label) == cell.label && usize::from(*class) == cell.class,
        None => label != class,
    };
    let all = labels.iter().zip(&predictions.classes).enumerate();
    let mut found: Vec<u32> = all.filter(|(_, pair)| wanted(*pair)).map(|(at, _)| at as u32).collect();
    // NaN is no confidence at all.
    let confidence = |at: u32| {
        let confidence = predictions.confidences[at as usize];
        if confidence.is_nan() { -1.0 } else { confidence }
    };
    found.sort_by(|a, b| confidence(*b).total_cmp(&confidence(*a)));
    if cell.is_some_and(Cell::is_right) {
        found.sort_by(|a, b| confidence(*a).total_cmp(&confidence(*b)));
    }
    found
}

/// The indices of the images with a label, or of all; with `predictions`, only of the misread ones.
pub(crate) fn browse(labels: &[u8], digit: Option<u8>, predictions: Option<&Predictions>) -> Vec<u32> {
    let wanted = |(at, label): &(usize, &u8)| {
        digit.is_none_or(|digit| digit == **label)
            && predictions
                .is_none_or(|predictions| predictions.classes.get(*at).is_some_and(|class| class != *label))
    };
    labels.iter().enumerate().filter(wanted).map(|(at, _)| at as u32).collect()
}

/// The number of images with each label.
pub(crate) fn counts(labels: &[u8]) -> [u32; CLASSES] {
    let mut counts = [0; CLASSES];
    for label in labels {
        if let Some(count) = counts.get_mut(usize::from(*label)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trainer::messages::Source;

    fn predictions(pairs: &[(u8, u8, f32)]) -> (Vec<u8>, Predictions) {
        let classes = pairs.iter().map(|p| p.1).collect();
        let confidences = pairs.iter().map(|p| p.2).collect();
        (
            pairs.iter().map(|p| p.0).collect(),
            Predictions { source: Source::Pretrained, classes, confidences },
        )
    }

    #[test]
    fn mistakes_are_counted_and_listed() {
        let pairs = [(4, 9, 0.6), (4, 9, 0.9), (4, 4, 0.8), (9, 4, 0.7), (7, 10, f32::NAN), (4, 9, f32::NAN)];
        let (labels, predictions) = predictions(&pairs);
        let matrix = ConfusionMatrix::of(&labels, &predictions.classes);
        let cell = Cell { label: 4, class: 9 };
        assert_eq!((matrix.images(), matrix.right(), matrix.unpredicted()), (6, 1, 1));
        assert_eq!((matrix.count(cell), matrix.worst(), matrix.share(cell)), (3, Some(cell), 0.75));
        assert_eq!((matrix.recall(4), matrix.recall(0)), (Some(0.25), None));
        assert_eq!((matrix.precision(4), matrix.precision(3)), (Some(0.5), None));
        assert_eq!(images_in(&labels, &predictions, Some(cell)), [1, 0, 5]);
        assert_eq!(images_in(&labels, &predictions, None), [1, 3, 0, 4, 5]);
        assert_eq!(browse(&labels, Some(4), Some(&predictions)), [0, 1, 5]);
        assert_eq!(ConfusionMatrix::default().worst(), None);
    }

    #[test]
    fn of_mistakes_with_equal_counts_the_larger_share_is_worse() {
        let labels = [1, 1, 1, 2, 2];
        let worst = ConfusionMatrix::of(&labels, &[7, 1, 1, 7, 2]).worst();
        assert_eq!(worst, Some(Cell { label: 2, class: 7 }));
    }

    proptest! {
        #[test]
        fn every_image_is_in_one_cell(pairs in prop::collection::vec((0u8..10, 0u8..11, 0f32..1.0), 0..300)) {
            let (labels, predictions) = predictions(&pairs);
            let matrix = ConfusionMatrix::of(&labels, &predictions.classes);
            prop_assert_eq!(matrix.images() as usize, pairs.len());
            let counts = counts(&labels);
            let mut seen = Vec::new();
            for (label, count) in counts.into_iter().enumerate() {
                prop_assert_eq!(matrix.labelled(label), count);
                prop_assert_eq!(browse(&labels, Some(label as u8), None).len(), count as usize);
                for class in 0..=CLASSES {
                    let cell = Cell { label, class };
                    let found = images_in(&labels, &predictions, Some(cell));
                    prop_assert_eq!(found.len(), matrix.count(cell) as usize);
                    let confidences: Vec<f32> = found.iter().map(|at| predictions.confidences[*at as usize]).collect();
                    let sorted = confidences.is_sorted_by(|a, b| if cell.is_right() { a <= b } else { a >= b });
                    prop_assert!(sorted);
                    seen.extend(found);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, browse(&labels, None, None));
            let mut wrong = images_in(&labels, &predictions, None);
            let confidences: Vec<f32> = wrong.iter().map(|at| predictions.confidences[*at as usize]).collect();
            prop_assert!(confidences.is_sorted_by(|a, b| a >= b));
            wrong.sort_unstable();
            prop_assert_eq!(wrong.len() as u32, matrix.images() - matrix.right());
            prop_assert_eq!(wrong, browse(&labels, None, Some(&predictions)));
        }
    }
}
