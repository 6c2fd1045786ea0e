//! A digit that is moved, turned and scaled as a whole.

use nn::mnist::{PIXELS, SIDE};
use tensor::math::sin_cos;

use crate::augment::read;

/// How an image is moved, turned and scaled, about its centre, (13.5, 13.5): first scaled and turned, then moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Pixels to the right.
    pub right: i32,
    /// Pixels down.
    pub down: i32,
    /// Degrees clockwise.
    pub turn: f32,
    /// The factor by which it grows, more than 0.
    pub scale: f32,
}

impl Default for Pose {
    fn default() -> Self {
        Self { right: 0, down: 0, turn: 0.0, scale: 1.0 }
    }
}

impl Pose {
    /// The image (grey levels, `[row][column]`) in this pose. Each pixel is the bilinear interpolation of the image at the
    /// place that the inverse mapping gives; outside the image all pixels are 0. Whole pixels are moved exactly.
    #[must_use]
    pub fn apply(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        let middle = (SIDE as f32 - 1.0) / 2.0;
        let (sin, cos) = sin_cos(self.turn.to_radians());
        std::array::from_fn(|at| {
            let u = (at % SIDE) as f32 - middle - self.right as f32;
            let v = (at / SIDE) as f32 - middle - self.down as f32;
            let x = (cos * u + sin * v) / self.scale + middle;
            let y = (cos * v - sin * u) / self.scale + middle;
            (255.0 * read(image, x, y)).round() as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn image() -> [u8; PIXELS] {
        std::array::from_fn(|at| (at * 37 % 251) as u8)
    }

    fn pixel(image: &[u8; PIXELS], row: i32, column: i32) -> u8 {
        let side = SIDE as i32;
        let is_inside = (0..side).contains(&row) && (0..side).contains(&column);
        if is_inside { image[(row * side + column) as usize] } else { 0 }
    }

    /// Checks that each pixel of the posed image is the one of the image at `source(row, column)`.
    fn check(pose: Pose, source: impl Fn(i32, i32) -> (i32, i32)) {
        let (image, posed) = (image(), pose.apply(&image()));
        for (row, column) in (0..28).flat_map(|row| (0..28).map(move |column| (row, column))) {
            let (from_row, from_column) = source(row, column);
            assert_eq!(
                pixel(&posed, row, column),
                pixel(&image, from_row, from_column),
                "{pose:?} at {row}, {column}"
            );
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn whole_pixels_and_quarter_turns_are_exact() {
        check(Pose::default(), |row, column| (row, column));
        for (right, down) in [(1, 0), (-3, 2), (14, -14), (27, 27), (28, 0)] {
            check(Pose { right, down, ..Pose::default() }, |row, column| (row - down, column - right));
        }
        // Clockwise: what was at the left is at the top.
        check(Pose { turn: 90.0, ..Pose::default() }, |row, column| (27 - column, row));
        check(Pose { turn: 180.0, ..Pose::default() }, |row, column| (27 - row, 27 - column));
        check(Pose { turn: -90.0, ..Pose::default() }, |row, column| (column, 27 - row));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn smaller_and_larger_squares_keep_the_centre() {
        let inside = |along: usize| (6..22).contains(&along);
        let square: [u8; PIXELS] =
            std::array::from_fn(|at| if inside(at % SIDE) && inside(at / SIDE) { 200 } else { 0 });
        let half = Pose { scale: 0.5, ..Pose::default() }.apply(&square);
        check_box(&half, 10..18);
        // Sixteen pixels become 24, whose edges fall between pixels.
        let larger = Pose { scale: 1.5, ..Pose::default() }.apply(&square);
        check_box(&larger, 2..26);
    }

    /// Checks that the image is the square of these rows and columns, but for a blurred pixel at its edges.
    fn check_box(image: &[u8; PIXELS], along: std::ops::Range<usize>) {
        for (at, &level) in image.iter().enumerate() {
            let inner = |x: usize| (along.start + 1..along.end - 1).contains(&x);
            let outer = |x: usize| (along.start - 1..along.end + 1).contains(&x);
            let (column, row) = (at % SIDE, at / SIDE);
            if inner(column) && inner(row) {
                assert_eq!(level, 200, "{row}, {column}");
            } else if !outer(column) || !outer(row) {
                assert_eq!(level, 0, "{row}, {column}");
            }
        }
    }
}
