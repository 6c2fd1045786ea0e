//! Drawings on the pad: strokes, and images of MNIST that were put there.

use data::ink::Area;
use data::sketch::Sketch;
use serde::{Deserialize, Serialize};

use crate::client::mnist::Sample;

/// The side of the pad in pixels of its canvas. On screen the canvas is scaled to the room there is.
pub(crate) const SIDE: f64 = 420.0;
/// The width of a stroke: scaled to 28×28 pixels, about that of MNIST's strokes.
pub(crate) const STROKE: f64 = SIDE / 12.7;
/// A point nearer than this to the last one of its stroke would change nothing visible.
const MIN_DISTANCE: f64 = SIDE / 420.0;
/// With more marks than this, those are forgotten that an image or a cleared pad covers.
const MAX_MARKS: usize = 1000;

/// The points of a stroke, in pixels of the pad.
pub(crate) type Stroke = Vec<(f64, f64)>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Mark {
    Stroke(Stroke),
    /// An image, which covers everything before it.
    Sample(Box<Sample>),
    /// The pad was cleared.
    Blank,
}

/// Everything that was put on the pad, in its order, and what was taken back. Points are in pixels of the pad.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Drawing {
    marks: Vec<Mark>,
    /// What was taken back, the last one first.
    undone: Vec<Mark>,
    /// The image that lies on a pad on which nobody has put anything. It is nobody's work: it is neither kept nor taken back.
    #[serde(skip)]
    opening: Option<Box<Sample>>,
    /// Counts the changes that are more than a new point at the end.
    #[serde(skip)]
    version: u32,
}

/// How much of a drawing is on a sketch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drawn {
    version: Option<u32>,
    /// The index of the next mark, and the points of it that are drawn.
    mark: usize,
    points: usize,
}

impl Drawing {
    /// Lays an image on a pad on which nobody has put anything.
    pub(crate) fn open_with(&mut self, sample: Sample) {
        self.opening = Some(Box::new(sample));
        self.version += 1;
    }

    /// Takes over a drawing that was kept.
    pub(crate) fn restore(&mut self, kept: Self) {
        *self = Self { opening: self.opening.take(), version: self.version + 1, ..kept };
    }

    /// The image that the pad opened with, if nothing has been put there since.
    pub(crate) fn opening(&self) -> Option<&Sample> {
        self.opening.as_deref().filter(|_| self.marks.is_empty())
    }

    /// Begins a stroke.
    pub(crate) fn begin(&mut self, at: (f64, f64)) {
        self.undone.clear();
        if self.opening().is_some() {
            self.version += 1;
        }
        self.marks.push(Mark::Stroke(vec![at]));
    }

    /// Extends the last stroke. Does nothing before the first one.
    pub(crate) fn extend(&mut self, at: (f64, f64)) {
        if let Some(Mark::Stroke(stroke)) = self.marks.last_mut()
            && stroke.last().is_none_or(|last| (last.0 - at.0).hypot(last.1 - at.1) >= MIN_DISTANCE)
        {
            stroke.push(at);
        }
    }

    /// Draws strokes on an empty pad, in place of what was there.
    pub(crate) fn draw(&mut self, strokes: Vec<Stroke>) {
        self.clear();
        self.undone.clear();
        self.marks.extend(strokes.into_iter().map(Mark::Stroke));
        self.version += 1;
    }

    /// The strokes that are visible; none if an image is below them, or there are none.
    pub(crate) fn strokes(&self) -> Option<Vec<Stroke>> {
        let visible = self.marks.iter().skip(self.last_cover()).filter(|mark| **mark != Mark::Blank);
        let strokes: Option<Vec<Stroke>> = visible
            .map(|mark| if let Mark::Stroke(points) = mark { Some(points.clone()) } else { None })
            .collect();
        strokes.filter(|strokes| !strokes.is_empty())
    }

    /// Removes the last stroke as if it had never been drawn.
    pub(crate) fn discard_stroke(&mut self) {
        if matches!(self.marks.last(), Some(Mark::Stroke(_))) {
            self.marks.pop();
            self.version += 1;
        }
    }

    /// Puts an image over everything.
    pub(crate) fn place(&mut self, sample: Sample) {
        let mark = Mark::Sample(Box::new(sample));
        if self.marks.last() != Some(&mark) {
            self.cover(mark);
        }
    }

    /// Clears the pad.
    pub(crate) fn clear(&mut self) {
        if !self.is_empty() {
            self.cover(Mark::Blank);
        }
    }

    fn cover(&mut self, mark: Mark) {
        self.undone.clear();
        if self.marks.len() >= MAX_MARKS {
            self.marks.drain(..self.last_cover());
        }
        self.marks.push(mark);
        self.version += 1;
    }

    /// Takes back what was done last: a stroke, an image, or the clearing of the pad.
    pub(crate) fn undo(&mut self) {
        self.undone.extend(self.marks.pop());
        self.version += 1;
    }

    /// Does again what was taken back last.
    pub(crate) fn redo(&mut self) {
        self.marks.extend(self.undone.pop());
        self.version += 1;
    }

    /// Whether there is something to take back.
    pub(crate) fn can_undo(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether something was taken back, and nothing drawn since.
    pub(crate) fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// The drawing without what it covers and what was taken back.
    pub(crate) fn visible(&self) -> Self {
        let marks = self.marks.iter().skip(self.last_cover()).cloned().collect();
        Self { marks, ..Self::default() }
    }

    /// Whether nothing is visible on the pad.
    pub(crate) fn is_empty(&self) -> bool {
        match self.marks.last() {
            None => self.opening.is_none(),
            Some(mark) => *mark == Mark::Blank,
        }
    }

    /// The last image, if it is visible.
    pub(crate) fn sample(&self) -> Option<&Sample> {
        match self.marks.get(self.last_cover()) {
            Some(Mark::Sample(sample)) => Some(sample),
            Some(_) => None,
            None => self.opening(),
        }
    }

    /// The last image, if nothing was drawn on it.
    pub(crate) fn untouched(&self) -> Option<&Sample> {
        match self.marks.last() {
            Some(Mark::Sample(sample)) => Some(sample),
            Some(_) => None,
            None => self.opening(),
        }
    }

    /// The index of the last mark that covers everything before it; 0 if there is none.
    fn last_cover(&self) -> usize {
        self.marks.iter().rposition(|mark| !matches!(mark, Mark::Stroke(_))).unwrap_or(0)
    }

    /// Draws on `sketch` what is not on it yet, and returns the rectangle that may have changed.
    pub(crate) fn draw_on(&self, sketch: &mut Sketch, drawn: &mut Drawn) -> Area {
        let mut area = Area { rows: 0..0, columns: 0..0 };
        if drawn.version != Some(self.version) {
            let cover = self.last_cover();
            let is_stroke = matches!(self.marks.get(cover), Some(Mark::Stroke(_)));
            let mark = if is_stroke { cover } else { (cover + 1).min(self.marks.len()) };
            *drawn = Drawn { version: Some(self.version), mark, points: 0 };
            match self.sample() {
                Some(sample) => sketch.place(&sample.pixels),
                None => sketch.clear(),
            }
            area = Area::square(SIDE as usize);
        }
        while let Some(Mark::Stroke(points)) = self.marks.get(drawn.mark) {
            for at in drawn.points..points.len() {
                area = area.union(sketch.line(points[at.saturating_sub(1)], points[at]));
            }
            drawn.points = points.len();
            if drawn.mark + 1 == self.marks.len() {
                break;
            }
            (drawn.mark, drawn.points) = (drawn.mark + 1, 0);
        }
        area
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::messages::Split;

    fn sample(index: u32) -> Sample {
        let pixels = std::array::from_fn(|at| (at * 7 + index as usize) as u8);
        Sample { split: Split::Test, index, label: 4, pixels }
    }

    fn drawn_anew(drawing: &Drawing) -> Vec<u8> {
        let mut sketch = Sketch::new(SIDE as usize, STROKE);
        drawing.draw_on(&mut sketch, &mut Drawn::default());
        sketch.ink().levels().to_vec()
    }

    /// A drawing, and the pad that follows it.
    struct Pad(Drawing, Sketch, Drawn);

    impl Pad {
        fn new() -> Self {
            Self(Drawing::default(), Sketch::new(SIDE as usize, STROKE), Drawn::default())
        }

        /// Changes the drawing, and checks that what the pad adds is what it would draw anew.
        fn change(&mut self, change: impl FnOnce(&mut Drawing)) -> Area {
            change(&mut self.0);
            let area = self.0.draw_on(&mut self.1, &mut self.2);
            assert!(self.1.ink().levels() == drawn_anew(&self.0));
            area
        }

        fn has_ink_at(&self, (x, y): (usize, usize)) -> bool {
            self.1.ink().levels()[y * SIDE as usize + x] > 0
        }
    }

    #[test]
    fn undo_takes_back_whole_strokes_and_redo_brings_them_back() {
        let mut pad = Pad::new();
        pad.change(|drawing| drawing.extend((1.0, 1.0)));
        assert!(pad.0.is_empty(), "a pen that was never put down draws nothing");
        pad.change(|drawing| drawing.begin((50.0, 50.0)));
        pad.change(|drawing| drawing.extend((50.1, 50.0)));
        pad.change(|drawing| drawing.extend((90.0, 50.0)));
        assert_eq!(pad.0.marks, [Mark::Stroke(vec![(50.0, 50.0), (90.0, 50.0)])]);
        pad.change(|drawing| drawing.begin((200.0, 200.0)));
        pad.change(Drawing::undo);
        assert_eq!([(50, 50), (90, 50), (200, 200)].map(|at| pad.has_ink_at(at)), [true, true, false]);
        pad.change(Drawing::redo);
        assert!(pad.has_ink_at((200, 200)) && !pad.0.can_redo());
        pad.change(Drawing::redo);
        pad.change(Drawing::undo);
        pad.change(Drawing::undo);
        pad.change(Drawing::undo);
        assert!(pad.0.is_empty() && !pad.0.can_undo() && pad.0.can_redo());
        pad.change(|drawing| drawing.begin((300.0, 300.0)));
        assert!(!pad.0.can_redo(), "a new stroke replaces what was taken back");
    }

    #[test]
    fn an_image_covers_what_was_there_and_undo_brings_it_back() {
        let mut pad = Pad::new();
        pad.change(|drawing| drawing.begin((5.0, 5.0)));
        pad.change(|drawing| drawing.place(sample(1)));
        assert_eq!(pad.0.untouched(), Some(&sample(1)));
        pad.change(|drawing| drawing.place(sample(1)));
        pad.change(|drawing| drawing.place(sample(2)));
        pad.change(|drawing| drawing.extend((6.0, 6.0)));
        pad.change(|drawing| drawing.begin((7.0, 7.0)));
        assert_eq!((pad.0.untouched(), pad.0.sample()), (None, Some(&sample(2))));
        pad.change(Drawing::undo);
        pad.change(Drawing::undo);
        assert_eq!(pad.0.untouched(), Some(&sample(1)), "the same image twice is one");
        pad.change(Drawing::undo);
        assert_eq!((pad.0.sample(), pad.has_ink_at((5, 5))), (None, true));
    }

    #[test]
    fn a_cleared_pad_can_be_brought_back() {
        let mut pad = Pad::new();
        pad.change(|drawing| drawing.place(sample(1)));
        pad.change(|drawing| drawing.begin((7.0, 7.0)));
        let before = drawn_anew(&pad.0);
        pad.change(Drawing::clear);
        assert!(pad.0.is_empty() && pad.0.sample().is_none() && !pad.has_ink_at((7, 7)));
        pad.change(Drawing::clear);
        pad.change(Drawing::undo);
        assert!(drawn_anew(&pad.0) == before, "clearing an empty pad is nothing to take back");
        pad.change(Drawing::redo);
        assert!(pad.0.is_empty());
        pad.change(|drawing| drawing.begin((200.0, 200.0)));
        assert!(pad.has_ink_at((200, 200)) && pad.0.sample().is_none());
    }

    #[test]
    fn the_opening_image_gives_way_to_the_first_stroke_and_is_nobodys_work() {
        let mut pad = Pad::new();
        pad.change(|drawing| drawing.open_with(sample(0)));
        assert_eq!((pad.0.untouched(), pad.0.is_empty(), pad.0.can_undo()), (Some(&sample(0)), false, false));
        let opened = drawn_anew(&pad.0);
        pad.change(|drawing| drawing.begin((300.0, 300.0)));
        let mut stroke = Drawing::default();
        stroke.begin((300.0, 300.0));
        assert!(drawn_anew(&pad.0) == drawn_anew(&stroke), "nobody draws on it");
        assert_eq!((pad.0.sample(), pad.0.opening()), (None, None));
        pad.change(Drawing::discard_stroke);
        assert!(drawn_anew(&pad.0) == opened, "a palm leaves it there");
        let kept = serde_json::to_string(&pad.0).unwrap();
        assert_eq!(kept, serde_json::to_string(&Drawing::default()).unwrap());
        pad.change(Drawing::clear);
        assert!(pad.0.is_empty() && pad.0.opening().is_none());
        pad.change(Drawing::undo);
        assert_eq!(pad.0.opening(), Some(&sample(0)));
        pad.change(|drawing| drawing.restore(Drawing::default()));
        assert_eq!(pad.0.opening(), Some(&sample(0)), "nothing was kept");
        let mut kept = Drawing::default();
        kept.place(sample(3));
        pad.change(|drawing| drawing.restore(kept));
        assert_eq!((pad.0.untouched(), pad.0.opening()), (Some(&sample(3)), None));
    }

    #[test]
    fn strokes_go_into_a_link_and_come_out_of_it() {
        let mut pad = Pad::new();
        assert_eq!(pad.0.strokes(), None);
        pad.change(|drawing| drawing.open_with(sample(0)));
        assert_eq!(pad.0.strokes(), None, "an image has a number");
        pad.change(|drawing| drawing.draw(vec![vec![(1.0, 2.0), (30.0, 40.0)], vec![(5.0, 6.0)]]));
        assert_eq!(pad.0.strokes(), Some(vec![vec![(1.0, 2.0), (30.0, 40.0)], vec![(5.0, 6.0)]]));
        pad.change(|drawing| drawing.place(sample(1)));
        pad.change(|drawing| drawing.begin((7.0, 7.0)));
        assert_eq!(pad.0.strokes(), None);
        pad.change(|drawing| drawing.draw(vec![vec![(8.0, 8.0)]]));
        assert_eq!(pad.0.strokes(), Some(vec![vec![(8.0, 8.0)]]));
        pad.change(Drawing::undo);
        pad.change(Drawing::undo);
        assert_eq!(pad.0.sample(), Some(&sample(1)), "what it replaced can be had back");
    }

    #[test]
    fn a_discarded_stroke_leaves_nothing_to_take_back_or_to_do_again() {
        let mut pad = Pad::new();
        pad.change(|drawing| drawing.begin((50.0, 50.0)));
        pad.change(Drawing::discard_stroke);
        assert!(!pad.has_ink_at((50, 50)) && !pad.0.can_undo() && !pad.0.can_redo());
        pad.change(|drawing| drawing.place(sample(1)));
        pad.change(Drawing::discard_stroke);
        assert_eq!(pad.0.untouched(), Some(&sample(1)));
    }

    #[test]
    fn the_work_for_a_point_does_not_grow_with_the_stroke() {
        let mut drawing = Drawing::default();
        let (mut sketch, mut drawn) = (Sketch::new(SIDE as usize, STROKE), Drawn::default());
        drawing.begin((0.0, 0.0));
        drawing.draw_on(&mut sketch, &mut drawn);
        for point in 0..20_000 {
            let angle = f64::from(point);
            drawing.extend((210.0 + 100.0 * (0.05 * angle).sin(), 210.0 + 100.0 * (0.03 * angle).cos()));
            let area = drawing.draw_on(&mut sketch, &mut drawn);
            assert!(area.rows.len() * area.columns.len() < 60 * 60 || point == 0, "{area:?}");
        }
    }

    #[test]
    fn what_is_covered_is_forgotten_when_it_is_much() {
        let mut drawing = Drawing::default();
        for index in 0..5_000 {
            drawing.place(sample(index));
        }
        assert!(drawing.marks.len() <= MAX_MARKS);
        drawing.undo();
        assert_eq!(drawing.untouched(), Some(&sample(4_998)));
    }
}
