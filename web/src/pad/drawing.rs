//! Drawings on the pad: strokes, and images of MNIST that were put there.

use crate::client::mnist::Sample;

/// The side of the pad in pixels of its canvas. On screen the canvas is scaled to the room there is.
pub(crate) const SIDE: f64 = 420.0;
/// The width of a stroke: scaled to 28×28 pixels, about that of MNIST's strokes.
pub(crate) const STROKE: f64 = SIDE / 12.7;
/// The pixels of the pad along a side of a pixel of an image.
pub(crate) const BLOCK: usize = SIDE as usize / 28;
/// A point nearer than this to the last one of its stroke would change nothing visible.
const MIN_DISTANCE: f64 = SIDE / 420.0;

#[derive(Clone, Debug, PartialEq)]
enum Mark {
    Stroke(Vec<(f64, f64)>),
    /// An image, which covers everything before it.
    Sample(Box<Sample>),
}

/// Everything that was put on the pad, in its order. Points are in pixels of the pad.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Drawing(Vec<Mark>);

impl Drawing {
    /// Begins a stroke.
    pub(crate) fn begin(&mut self, at: (f64, f64)) {
        self.0.push(Mark::Stroke(vec![at]));
    }

    /// Extends the last stroke. Does nothing before the first one.
    pub(crate) fn extend(&mut self, at: (f64, f64)) {
        if let Some(Mark::Stroke(stroke)) = self.0.last_mut()
            && stroke.last().is_none_or(|last| (last.0 - at.0).hypot(last.1 - at.1) >= MIN_DISTANCE)
        {
            stroke.push(at);
        }
    }

    /// Puts an image over everything.
    pub(crate) fn place(&mut self, sample: Sample) {
        let mark = Mark::Sample(Box::new(sample));
        if self.0.last() != Some(&mark) {
            self.0.push(mark);
        }
    }

    /// Takes back the last stroke, or the last image, which uncovers what was there before.
    pub(crate) fn undo(&mut self) {
        self.0.pop();
    }

    /// Takes back everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether nothing was drawn or put there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last image, if there is one, and the strokes on it.
    pub(crate) fn visible(&self) -> (Option<&Sample>, impl Iterator<Item = &[(f64, f64)]>) {
        let last = self.0.iter().rposition(|mark| matches!(mark, Mark::Sample(_)));
        let sample = last.and_then(|at| match &self.0[at] {
            Mark::Sample(sample) => Some(&**sample),
            Mark::Stroke(_) => None,
        });
        let above = &self.0[last.map_or(0, |at| at + 1)..];
        let strokes = above.iter().filter_map(|mark| match mark {
            Mark::Stroke(stroke) => Some(stroke.as_slice()),
            Mark::Sample(_) => None,
        });
        (sample, strokes)
    }

    /// The last image, if nothing was drawn on it.
    pub(crate) fn untouched(&self) -> Option<&Sample> {
        let (sample, mut strokes) = self.visible();
        if strokes.next().is_some() { None } else { sample }
    }

    /// The network's input, given the pad's ink (`SIDE` × `SIDE`, 0 black to 255 white). A drawing is centred and scaled as
    /// MNIST's digits were; an image stays where it is, with the strokes on it.
    pub(crate) fn image(&self, ink: &[u8]) -> Option<[u8; 784]> {
        match (self.untouched(), self.visible().0) {
            (Some(sample), _) => Some(sample.pixels),
            (None, Some(_)) => Some(shrink(ink)),
            (None, None) => data::drawing::to_mnist(ink, SIDE as usize, SIDE as usize),
        }
    }
}

/// The mean ink of each block of the pad.
fn shrink(ink: &[u8]) -> [u8; 784] {
    std::array::from_fn(|at| {
        let (top, left) = (at / 28 * BLOCK, at % 28 * BLOCK);
        let row = |y: usize| &ink[y * SIDE as usize + left..][..BLOCK];
        let sum: usize = (top..top + BLOCK).flat_map(row).map(|&level| usize::from(level)).sum();
        ((sum + BLOCK * BLOCK / 2) / (BLOCK * BLOCK)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::messages::Split;

    fn sample(index: u32) -> Sample {
        let pixels = std::array::from_fn(|at| (at * 7 + index as usize) as u8);
        Sample { split: Split::Test, index, label: 4, pixels }
    }

    fn strokes(drawing: &Drawing) -> usize {
        drawing.visible().1.count()
    }

    #[test]
    fn undo_takes_back_whole_strokes() {
        let mut drawing = Drawing::default();
        drawing.extend((1.0, 1.0));
        assert!(drawing.is_empty(), "a pen that was never put down draws nothing");
        drawing.begin((0.0, 0.0));
        drawing.extend((0.1, 0.0));
        drawing.extend((9.0, 0.0));
        drawing.begin((5.0, 5.0));
        drawing.undo();
        assert_eq!(drawing.visible().1.collect::<Vec<_>>(), [[(0.0, 0.0), (9.0, 0.0)]]);
        drawing.undo();
        drawing.undo();
        assert!(drawing.is_empty());
    }

    #[test]
    fn an_image_covers_what_was_there_and_undo_brings_it_back() {
        let mut drawing = Drawing::default();
        drawing.begin((5.0, 5.0));
        drawing.place(sample(1));
        assert_eq!((drawing.untouched(), strokes(&drawing)), (Some(&sample(1)), 0));
        drawing.place(sample(1));
        drawing.place(sample(2));
        drawing.extend((6.0, 6.0));
        drawing.begin((7.0, 7.0));
        assert_eq!((drawing.untouched(), drawing.visible().0), (None, Some(&sample(2))));
        assert_eq!(strokes(&drawing), 1, "only what is on the image is seen");
        drawing.undo();
        drawing.undo();
        assert_eq!(drawing.untouched(), Some(&sample(1)), "the same image twice is one");
        drawing.undo();
        assert_eq!((drawing.visible().0, strokes(&drawing)), (None, 1));
        drawing.clear();
        assert!(drawing.is_empty());
    }

    #[test]
    fn an_image_reaches_the_network_as_it_is_and_stays_where_it_is_when_drawn_on() {
        let mut drawing = Drawing::default();
        drawing.place(sample(3));
        assert_eq!(drawing.image(&[]), Some(sample(3).pixels), "whatever a canvas would make of it");
        let side = SIDE as usize;
        let mut ink: Vec<u8> =
            (0..side * side).map(|at| sample(3).pixels[at / side / BLOCK * 28 + at % side / BLOCK]).collect();
        assert_eq!(shrink(&ink), sample(3).pixels);
        drawing.begin((0.0, 0.0));
        ink[..side * BLOCK].fill(255);
        let image = drawing.image(&ink).unwrap();
        assert_eq!(image[..28], [255; 28]);
        assert_eq!(image[28..], sample(3).pixels[28..]);
    }
}
