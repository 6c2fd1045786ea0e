//! Who is taken for whom: the confusion matrix, and the images behind each of its cells.

use trainer::messages::Predictions;

/// The ten digits.
pub(crate) const CLASSES: usize = data::mnist::CLASSES;

/// How many images of each label are taken for each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confusion {
    /// `[label][class]`; the last class is "no answer".
    counts: [[u32; CLASSES + 1]; CLASSES],
}

/// A cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) label: usize,
    pub(crate) class: usize,
}

impl Cell {
    /// Whether its images are read right.
    pub(crate) const fn is_right(self) -> bool {
        self.label == self.class
    }
}

impl Confusion {
    /// Counts the images of which label and answer are known.
    pub(crate) fn of(labels: &[u8], classes: &[u8]) -> Self {
        let mut matrix = Self::default();
        for (label, class) in labels.iter().zip(classes) {
            if let Some(row) = matrix.counts.get_mut(usize::from(*label)) {
                row[usize::from(*class).min(CLASSES)] += 1;
            }
        }
        matrix
    }

    /// Images in a cell.
    pub(crate) const fn count(&self, cell: Cell) -> u32 {
        self.counts[cell.label][cell.class]
    }

    /// Images with this label.
    pub(crate) fn labelled(&self, label: usize) -> u32 {
        self.counts[label].iter().sum()
    }

    /// Images that are taken for this class.
    pub(crate) fn read_as(&self, class: usize) -> u32 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// All images.
    pub(crate) fn images(&self) -> u32 {
        self.counts.as_flattened().iter().sum()
    }

    /// Images that are read right.
    pub(crate) fn right(&self) -> u32 {
        (0..CLASSES).map(|class| self.counts[class][class]).sum()
    }

    /// Images for which the network gives no numbers.
    pub(crate) fn unanswered(&self) -> u32 {
        self.read_as(CLASSES)
    }

    /// Share of a label's images that are in a cell, 0 to 1.
    pub(crate) fn share(&self, cell: Cell) -> f32 {
        ratio(self.count(cell), self.labelled(cell.label)).unwrap_or(0.0)
    }

    /// Share of a label's images that are read right; nothing if there are none.
    pub(crate) fn recall(&self, label: usize) -> Option<f32> {
        ratio(self.counts[label][label], self.labelled(label))
    }

    /// Share of the images taken for a class that are of it; nothing if there are none.
    pub(crate) fn precision(&self, class: usize) -> Option<f32> {
        ratio(self.counts[class][class], self.read_as(class))
    }

    /// All cells off the diagonal.
    fn mistakes() -> impl Iterator<Item = Cell> {
        let cells = (0..CLASSES * CLASSES).map(|at| Cell { label: at / CLASSES, class: at % CLASSES });
        cells.filter(|cell| !cell.is_right())
    }

    /// The largest share that is misread.
    pub(crate) fn worst_share(&self) -> f32 {
        Self::mistakes().map(|cell| self.share(cell)).fold(0.0, f32::max)
    }

    /// The most frequent mistake; nothing if there is none.
    pub(crate) fn worst(&self) -> Option<Cell> {
        let most = Self::mistakes().max_by(|a, b| {
            self.count(*a).cmp(&self.count(*b)).then(self.share(*a).total_cmp(&self.share(*b)))
        });
        most.filter(|cell| self.count(*cell) > 0)
    }
}

fn ratio(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

/// The test images in a cell, or all that are misread: those the network is most sure of first, but of what it reads right
/// those that it is least sure of.
pub(crate) fn images(labels: &[u8], answers: &Predictions, cell: Option<Cell>) -> Vec<u32> {
    let wanted = |(label, class): (&u8, &u8)| match cell {
        Some(cell) => usize::from(*label) == cell.label && usize::from(*class) == cell.class,
        None => label != class,
    };
    let all = labels.iter().zip(&answers.classes).enumerate();
    let mut found: Vec<u32> = all.filter(|(_, pair)| wanted(*pair)).map(|(at, _)| at as u32).collect();
    // What is no number is no confidence.
    let sure = |at: u32| {
        let sure = answers.confidences[at as usize];
        if sure.is_nan() { -1.0 } else { sure }
    };
    found.sort_by(|a, b| sure(*b).total_cmp(&sure(*a)));
    if cell.is_some_and(Cell::is_right) {
        found.sort_by(|a, b| sure(*a).total_cmp(&sure(*b)));
    }
    found
}

/// The images of a digit, or of all, in their order; of these only the misread ones, if answers are given.
pub(crate) fn browse(labels: &[u8], digit: Option<u8>, wrong: Option<&Predictions>) -> Vec<u32> {
    let wanted = |(at, label): &(usize, &u8)| {
        digit.is_none_or(|digit| digit == **label)
            && wrong.is_none_or(|answers| answers.classes.get(*at).is_some_and(|class| class != *label))
    };
    labels.iter().enumerate().filter(wanted).map(|(at, _)| at as u32).collect()
}

/// Images of each digit.
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

    fn answers(pairs: &[(u8, u8, f32)]) -> (Vec<u8>, Predictions) {
        let classes = pairs.iter().map(|p| p.1).collect();
        let confidences = pairs.iter().map(|p| p.2).collect();
        (
            pairs.iter().map(|p| p.0).collect(),
            Predictions { source: Source::Pretrained, classes, confidences },
        )
    }

    #[test]
    fn mistakes_are_counted_and_named() {
        let pairs = [(4, 9, 0.6), (4, 9, 0.9), (4, 4, 0.8), (9, 4, 0.7), (7, 10, f32::NAN), (4, 9, f32::NAN)];
        let (labels, answers) = answers(&pairs);
        let matrix = Confusion::of(&labels, &answers.classes);
        let cell = Cell { label: 4, class: 9 };
        assert_eq!((matrix.images(), matrix.right(), matrix.unanswered()), (6, 1, 1));
        assert_eq!((matrix.count(cell), matrix.worst(), matrix.share(cell)), (3, Some(cell), 0.75));
        assert_eq!((matrix.recall(4), matrix.recall(0)), (Some(0.25), None));
        assert_eq!((matrix.precision(4), matrix.precision(3)), (Some(0.5), None));
        assert_eq!(images(&labels, &answers, Some(cell)), [1, 0, 5]);
        assert_eq!(images(&labels, &answers, None), [1, 3, 0, 4, 5]);
        assert_eq!(browse(&labels, Some(4), Some(&answers)), [0, 1, 5]);
        assert_eq!(Confusion::default().worst(), None);
    }

    #[test]
    fn of_equal_counts_the_larger_share_is_the_worse() {
        let labels = [1, 1, 1, 2, 2];
        let worst = Confusion::of(&labels, &[7, 1, 1, 7, 2]).worst();
        assert_eq!(worst, Some(Cell { label: 2, class: 7 }));
    }

    proptest! {
        #[test]
        fn every_image_is_in_one_cell(pairs in prop::collection::vec((0u8..10, 0u8..11, 0f32..1.0), 0..300)) {
            let (labels, answers) = answers(&pairs);
            let matrix = Confusion::of(&labels, &answers.classes);
            prop_assert_eq!(matrix.images() as usize, pairs.len());
            let counts = counts(&labels);
            let mut seen = Vec::new();
            for (label, count) in counts.into_iter().enumerate() {
                prop_assert_eq!(matrix.labelled(label), count);
                prop_assert_eq!(browse(&labels, Some(label as u8), None).len(), count as usize);
                for class in 0..=CLASSES {
                    let cell = Cell { label, class };
                    let found = images(&labels, &answers, Some(cell));
                    prop_assert_eq!(found.len(), matrix.count(cell) as usize);
                    let sure: Vec<f32> = found.iter().map(|at| answers.confidences[*at as usize]).collect();
                    let sorted = sure.is_sorted_by(|a, b| if cell.is_right() { a <= b } else { a >= b });
                    prop_assert!(sorted);
                    seen.extend(found);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, browse(&labels, None, None));
            let mut wrong = images(&labels, &answers, None);
            let sure: Vec<f32> = wrong.iter().map(|at| answers.confidences[*at as usize]).collect();
            prop_assert!(sure.is_sorted_by(|a, b| a >= b));
            wrong.sort_unstable();
            prop_assert_eq!(wrong.len() as u32, matrix.images() - matrix.right());
            prop_assert_eq!(wrong, browse(&labels, None, Some(&answers)));
        }
    }
}
