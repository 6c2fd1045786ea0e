//! The shape of a sample: channels, height, width.

use serde::{Deserialize, Serialize};

/// The shape of one sample, `[channels][height][width]`; a vector of features is `[features][1][1]`.
///
/// The batch is not part of it: it is always the innermost axis, in [blocks](crate::Lanes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Channels (feature maps, or features of a vector).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Feature maps of `height` x `width`.
    pub const fn maps(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// A vector, whose features are channels of one pixel.
    pub const fn vector(features: usize) -> Self {
        Self::maps(features, 1, 1)
    }

    /// Values per sample.
    pub const fn len(self) -> usize {
        self.channels * self.plane()
    }

    /// Values per channel.
    pub const fn plane(self) -> usize {
        self.height * self.width
    }

    /// Whether the shape holds no values.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether it is a vector: channels of one pixel.
    pub const fn is_vector(self) -> bool {
        self.height == 1 && self.width == 1
    }
}

impl std::fmt::Display for Shape {
    /// Writes `6@28x28` as in LeCun et al. 1998, fig. 2, or the number of features of a vector.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_vector() {
            write!(f, "{}", self.channels)
        } else {
            write!(f, "{}@{}x{}", self.channels, self.height, self.width)
        }
    }
}
