//! The layout of a chart of some size.

use web_sys::Element;

use crate::charts::zoom::XRange;

/// The size of a chart in CSS pixels, and the positions in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    pub(crate) const LEFT: f64 = 46.0;
    pub(crate) const RIGHT: f64 = 20.0;
    pub(crate) const TOP: f64 = 10.0;
    pub(crate) const BOTTOM: f64 = 40.0;

    /// The size of an element in its own pixels, before the page is scaled.
    pub(crate) fn of(element: &Element) -> Self {
        Self { width: element.client_width().into(), height: element.client_height().into() }
    }

    /// The width between the axes.
    pub(crate) fn inner_width(self) -> f64 {
        (self.width - Self::LEFT - Self::RIGHT).max(1.0)
    }

    /// The height between the axes.
    pub(crate) fn inner_height(self) -> f64 {
        (self.height - Self::TOP - Self::BOTTOM).max(1.0)
    }

    /// Where a position on the x axis lies.
    pub(crate) fn x_of(self, position: f64, range: XRange) -> f64 {
        Self::LEFT + (position - range.from) / range.span() * self.inner_width()
    }

    /// The position on the x axis at `x`; beside the axis, that at its end.
    pub(crate) fn position_at(self, x: f64, range: XRange) -> f64 {
        range.from + ((x - Self::LEFT) / self.inner_width()).clamp(0.0, 1.0) * range.span()
    }

    /// The height of a position on the axis of values, 0 to 1.
    pub(crate) fn y_of(self, position: f64) -> f64 {
        Self::TOP + (1.0 - position) * self.inner_height()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_places_belong_together() {
        let (frame, range) = (Frame { width: 366.0, height: 200.0 }, XRange { from: 1.0, to: 3.0 });
        assert_eq!(frame.x_of(2.0, range), 46.0 + 150.0);
        assert_eq!([0.0, 46.0, 196.0, 366.0].map(|x| frame.position_at(x, range)), [1.0, 1.0, 2.0, 3.0]);
    }
}
