//! The maps of a layer side by side in one picture.

use std::ops::Range;

/// Maps in rows and columns. One pixel of the picture shows one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Maps side by side.
    pub(crate) columns: usize,
    /// All maps.
    pub(crate) maps: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Empty pixels between two maps.
    pub(crate) gap: usize,
}

impl Grid {
    /// A grid about twice as high as it is wide, as the columns of a picture are; units stand in columns of 24 at most.
    pub(crate) fn new(maps: usize, height: usize, width: usize) -> Self {
        let columns = if height * width == 1 {
            maps.div_ceil(24)
        } else {
            (1..=maps).find(|c| c * c * 2 >= maps).unwrap_or(1)
        };
        Self::with_columns(columns, maps, height, width)
    }

    /// A grid about as high as it is wide.
    pub(crate) fn square(maps: usize, height: usize, width: usize) -> Self {
        let columns = (1..=maps).find(|c| c * c * 2 >= maps).unwrap_or(1);
        Self::with_columns(columns.max(if maps > 8 { 4 } else { 1 }).min(maps), maps, height, width)
    }

    /// A grid with this many maps side by side.
    pub(crate) fn with_columns(columns: usize, maps: usize, height: usize, width: usize) -> Self {
        Self {
            columns: columns.clamp(1, maps.max(1)),
            maps,
            height,
            width,
            gap: usize::from(height * width > 1),
        }
    }

    /// The width and height of the picture.
    pub(crate) const fn size(&self) -> (usize, usize) {
        let rows = self.maps.div_ceil(self.columns);
        (self.columns * (self.width + self.gap) - self.gap, rows * (self.height + self.gap) - self.gap)
    }

    /// The number of values.
    pub(crate) const fn len(&self) -> usize {
        self.maps * self.height * self.width
    }

    /// The pixel, x and y, of the value with this index.
    pub(crate) const fn pixel(&self, at: usize) -> (usize, usize) {
        let (map, y, x) = (at / (self.height * self.width), at / self.width % self.height, at % self.width);
        let (column, row) = (map % self.columns, map / self.columns);
        (column * (self.width + self.gap) + x, row * (self.height + self.gap) + y)
    }

    /// The index of the value at a pixel; none between maps.
    pub(crate) fn value_at(&self, x: usize, y: usize) -> Option<usize> {
        let (step_x, step_y) = (self.width + self.gap, self.height + self.gap);
        let (column, row, x, y) = (x / step_x, y / step_y, x % step_x, y % step_y);
        let map = row * self.columns + column;
        let inside = column < self.columns && map < self.maps && x < self.width && y < self.height;
        inside.then_some((map * self.height + y) * self.width + x)
    }

    /// The index of the value one step of (dx, dy) beside `at`, across gaps; `at` itself at the edge of the picture.
    pub(crate) fn beside(&self, at: usize, dx: isize, dy: isize) -> usize {
        let (x, y) = self.pixel(at);
        let step = |pixels: isize| {
            let x = x.checked_add_signed(dx * pixels)?;
            let y = y.checked_add_signed(dy * pixels)?;
            self.value_at(x, y)
        };
        step(1).or_else(|| step(1 + self.gap as isize)).unwrap_or(at)
    }

    /// The box around these rows and columns of a map: x, y, width and height.
    pub(crate) const fn frame(&self, map: usize, rows: &Range<usize>, columns: &Range<usize>) -> [usize; 4] {
        let (x, y) = self.pixel(map * self.height * self.width);
        [x + columns.start, y + rows.start, columns.end - columns.start, rows.end - rows.start]
    }

    /// Frames around values, as an SVG path.
    pub(crate) fn frames(&self, values: impl Iterator<Item = usize>) -> String {
        let frame = |at: usize| {
            let (x, y) = self.pixel(at);
            format!("M{x} {y}h1v1h-1z")
        };
        values.map(frame).collect()
    }

    /// The picture as RGBA bytes, transparent between maps.
    pub(crate) fn paint(&self, values: &[f32], color: impl Fn(usize, f32) -> [u8; 4]) -> Vec<u8> {
        let (width, height) = self.size();
        let mut rgba = vec![0; width * height * 4];
        for (at, value) in values.iter().enumerate().take(self.len()) {
            let (x, y) = self.pixel(at);
            rgba[(y * width + x) * 4..][..4].copy_from_slice(&color(at, *value));
        }
        rgba
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_higher_than_wide() {
        assert_eq!(Grid::new(6, 28, 28).size(), (57, 86));
        assert_eq!(Grid::new(16, 10, 10).size(), (32, 65));
        assert_eq!(Grid::new(120, 1, 1).size(), (5, 24));
        assert_eq!(Grid::new(10, 1, 1).size(), (1, 10));
    }

    #[test]
    fn values_are_painted_at_their_pixels() {
        let grid = Grid::with_columns(2, 4, 2, 2);
        let mut values = vec![0.0; 16];
        values[4 * 3 + 1] = 1.0; // fourth map, first row, second column
        let rgba = grid.paint(&values, |_, v| [(v * 255.0) as u8; 4]);
        assert_eq!(grid.size(), (5, 5));
        assert_eq!(rgba[(3 * 5 + 4) * 4], 255);
        assert_eq!(rgba.iter().step_by(4).filter(|&&v| v == 255).count(), 1);
    }

    #[test]
    fn every_value_is_found_at_its_pixel_and_none_between_maps() {
        let grid = Grid::with_columns(3, 5, 4, 6);
        for at in 0..grid.len() {
            let (x, y) = grid.pixel(at);
            assert_eq!(grid.value_at(x, y), Some(at));
        }
        let (width, height) = grid.size();
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        assert_eq!(all.filter(|(x, y)| grid.value_at(*x, *y).is_some()).count(), grid.len());
        assert_eq!(grid.frame(4, &(1..3), &(2..6)), [9, 6, 4, 2]);
    }

    #[test]
    fn steps_cross_gaps_and_stop_at_the_edge() {
        let grid = Grid::with_columns(2, 3, 2, 2);
        assert_eq!(grid.beside(1, 1, 0), 4, "into the map to the right");
        assert_eq!(grid.beside(2, 0, 1), 8, "into the map below");
        assert_eq!(grid.beside(6, 0, 1), 6, "there is no fourth map");
        assert_eq!(grid.beside(0, -1, 0), 0);
    }
}
