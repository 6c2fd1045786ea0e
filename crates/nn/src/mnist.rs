//! The facts of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"), in one place.
//!
//! They are here, below the crates `data` and `gpu`, because the presets and the compute shaders need them,
//! too; `data` re-exports the module.

use tensor::Shape;

/// Rows, and columns, of an image.
pub const SIDE: usize = 28;
/// Pixels of an image, and bytes: one grey level each, 0 for paper, 255 for ink.
pub const PIXELS: usize = SIDE * SIDE;
/// The shape of an image as a network's input.
pub const IMAGE: Shape = Shape::maps(1, SIDE, SIDE);
/// Classes: the ten digits.
pub const CLASSES: usize = 10;
/// Images in the training set.
pub const TRAIN_IMAGES: usize = 60_000;
/// Images in the test set.
pub const TEST_IMAGES: usize = 10_000;
/// Images in each of the files that the page downloads. The first epoch shuffles within windows of this size,
/// so that it can begin when the first file is there.
pub const SHARD_IMAGES: usize = 5_000;
