//! What is drawn on the pad: its ink, and the image that the network gets of it.

use nn::mnist::{PIXELS, SIDE};

use crate::drawing::to_mnist;
use crate::ink::{Area, Ink};

/// The width of the pen over the long side of the drawing's lines, at most. A fixed pen makes blobs of small
/// digits; MNIST's strokes are about an eighth of the digit's height.
const MAX_PEN_SHARE: f64 = 0.15;
/// The finest pen, as a share of the pad's pen.
const MIN_PEN: f64 = 1.0 / 8.0;
/// The pens per factor of two. With each finer or broader pen, all lines are drawn anew.
const PENS_PER_OCTAVE: f64 = 4.0;

type Point = (f64, f64);

/// A drawing on square paper: lines of one pen, perhaps on an image of MNIST. Work for a line does not grow with
/// the number of lines before it.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// The width of the pen in pixels.
    pen: f64,
    ink: Ink,
    /// The image below the lines.
    image: Option<[u8; PIXELS]>,
    /// The bounding box of the lines' ends: least x and y, greatest x and y; none without a line.
    bounds: Option<[f64; 4]>,
    /// The same lines in a finer pen, for the network.
    fine: Fine,
}

/// Lines that were drawn with a finer pen than that of the pad.
#[derive(Clone, Debug)]
struct Fine {
    pen: f64,
    ink: Ink,
    /// The lines, as long as a finer pen may be needed.
    lines: Vec<(Point, Point)>,
    /// How many of them are drawn.
    drawn: usize,
}

impl Sketch {
    /// Blank paper of `side` x `side` pixels, and a pen.
    #[must_use]
    pub fn new(side: usize, pen: f64) -> Self {
        let ink = Ink::new(side);
        let fine = Fine { pen: 0.0, ink: ink.clone(), lines: Vec::new(), drawn: 0 };
        Self { pen, ink, image: None, bounds: None, fine }
    }

    /// The ink on the paper.
    #[must_use]
    pub fn ink(&self) -> &Ink {
        &self.ink
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.ink.clear();
        (self.image, self.bounds) = (None, None);
        self.fine.lines.clear();
        self.fine.pen = 0.0;
    }

    /// Removes everything, and puts an image over the whole paper.
    pub fn place(&mut self, image: &[u8; PIXELS]) {
        self.clear();
        for (at, &level) in image.iter().enumerate() {
            self.ink.fill(&self.block(at), level);
        }
        self.image = Some(*image);
    }

    /// Draws a line; one of length 0 is a dot. Positions are (x, y) in pixels from the upper left corner. Returns
    /// the rectangle that may have changed.
    pub fn line(&mut self, from: Point, to: Point) -> Area {
        let area = self.ink.line(from, to, self.pen);
        if area.is_empty() {
            return area;
        }
        let side = self.ink.side() as f64;
        let [mut left, mut top, mut right, mut bottom] = self.bounds.unwrap_or([side, side, 0.0, 0.0]);
        for (x, y) in [from, to].map(|(x, y)| (x.clamp(0.0, side), y.clamp(0.0, side))) {
            (left, top) = (left.min(x), top.min(y));
            (right, bottom) = (right.max(x), bottom.max(y));
        }
        self.bounds = Some([left, top, right, bottom]);
        if self.image.is_none() && self.fine_pen().is_some() {
            self.fine.lines.push((from, to));
        } else {
            // The drawing only grows: it will not need a finer pen again before it is cleared.
            self.fine.lines.clear();
        }
        area
    }

    /// The network's input, `[28][28]` grey levels; none if there is no ink. Lines alone are scaled and centred as
    /// MNIST's digits were, small ones as if drawn with a finer pen. An image stays where it is, with the
    /// lines on it.
    pub fn to_mnist(&mut self) -> Option<[u8; PIXELS]> {
        match (self.image, self.bounds) {
            (None, None) => None,
            (Some(image), None) => Some(image),
            (Some(_), Some(_)) => Some(self.shrink()),
            (None, Some(_)) => {
                let side = self.ink.side();
                let levels = match self.fine_pen() {
                    Some(pen) => self.fine.redraw(pen),
                    None => self.ink.levels(),
                };
                to_mnist(levels, side, side)
            }
        }
    }

    /// The pen that a small drawing needs; none if the pad's pen is fine enough.
    fn fine_pen(&self) -> Option<f64> {
        let [left, top, right, bottom] = self.bounds?;
        let share = MAX_PEN_SHARE * (right - left).max(bottom - top) / self.pen;
        let step = (share.max(MIN_PEN).log2() * PENS_PER_OCTAVE).floor();
        (step < 0.0).then(|| self.pen * (step / PENS_PER_OCTAVE).exp2())
    }

    /// The pixels of the paper that a pixel of an image covers.
    fn block(&self, at: usize) -> Area {
        let edge = |index: usize| index * self.ink.side() / SIDE;
        let (row, column) = (at / SIDE, at % SIDE);
        Area { rows: edge(row)..edge(row + 1), columns: edge(column)..edge(column + 1) }
    }

    /// The mean level of each block.
    fn shrink(&self) -> [u8; PIXELS] {
        std::array::from_fn(|at| {
            let Area { rows, columns } = self.block(at);
            let count = rows.len() * columns.len();
            let row = |row: usize| &self.ink.levels()[row * self.ink.side()..][columns.clone()];
            let sum: usize = rows.flat_map(row).map(|&level| usize::from(level)).sum();
            ((sum + count / 2) / count.max(1)) as u8
        })
    }
}

impl Fine {
    /// The levels of all lines, drawn with `pen`.
    fn redraw(&mut self, pen: f64) -> &[u8] {
        if self.pen != pen {
            (self.pen, self.drawn) = (pen, 0);
            self.ink.clear();
        }
        for (from, to) in &self.lines[self.drawn..] {
            self.ink.line(*from, *to, pen);
        }
        self.drawn = self.lines.len();
        self.ink.levels()
    }
}
