//! What was drawn, stroke by stroke.

/// Side of the pad's own pixels; on screen it is as large as there is room.
pub(crate) const SIDE: f64 = 420.0;
/// Width of a stroke: about what MNIST's have once they are scaled.
pub(crate) const STROKE: f64 = SIDE / 12.7;
/// Points nearer than this to the last one of their stroke add nothing to see.
const NEAREST: f64 = SIDE / 420.0;

/// The strokes of a drawing, in the order they were drawn. Points are in pixels of the pad.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Strokes(Vec<Vec<(f64, f64)>>);

impl Strokes {
    /// Puts the pen down.
    pub(crate) fn begin(&mut self, at: (f64, f64)) {
        self.0.push(vec![at]);
    }

    /// Moves the pen that is down; nothing before the first stroke.
    pub(crate) fn extend(&mut self, at: (f64, f64)) {
        if let Some(stroke) = self.0.last_mut()
            && stroke.last().is_none_or(|last| (last.0 - at.0).hypot(last.1 - at.1) >= NEAREST)
        {
            stroke.push(at);
        }
    }

    /// Takes back the last stroke.
    pub(crate) fn undo(&mut self) {
        self.0.pop();
    }

    /// Takes back all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether nothing is drawn.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each stroke's points.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        self.0.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_takes_back_whole_strokes() {
        let mut strokes = Strokes::default();
        strokes.extend((1.0, 1.0));
        assert!(strokes.is_empty(), "a pen that was never put down draws nothing");
        strokes.begin((0.0, 0.0));
        strokes.extend((0.1, 0.0));
        strokes.extend((9.0, 0.0));
        strokes.begin((5.0, 5.0));
        strokes.undo();
        assert_eq!(strokes.iter().collect::<Vec<_>>(), [[(0.0, 0.0), (9.0, 0.0)]]);
        strokes.undo();
        strokes.undo();
        assert!(strokes.is_empty());
    }
}
