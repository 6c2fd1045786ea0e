//! What a sample looks like: channels of rows of columns.

use serde::{Deserialize, Serialize};

/// The shape of one sample, `[channels][height][width]`; a vector of features is `[features][1][1]`.
///
/// The batch is no part of it: it is always the innermost axis and handled in [blocks](crate::Lanes).
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
    /// Maps of `height` x `width`.
    pub const fn maps(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// A vector: every feature is a channel of one pixel.
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

    /// Whether there is no value at all.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether this is a vector, with nothing left of rows and columns.
    pub const fn is_vector(self) -> bool {
        self.height == 1 && self.width == 1
    }
}

impl std::fmt::Display for Shape {
    /// `6@28x28` as in LeCun et al. 1998, fig. 2; a vector is its number of features.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_vector() {
            write!(f, "{}", self.channels)
        } else {
            write!(f, "{}@{}x{}", self.channels, self.height, self.width)
        }
    }
}
