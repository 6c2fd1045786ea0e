//! The geometry of a convolution.

use crate::Shape;

/// The sizes of a convolution (cross-correlation, as PyTorch's `Conv2d`) on an input that is padded already.
///
/// ```
/// use tensor::Shape;
/// use tensor::conv2d::Conv2d;
///
/// // The second convolution of LeNet-5.
/// let conv2 = Conv2d { input: Shape::maps(6, 14, 14), out_channels: 16, kernel_size: [5, 5], stride: 1 };
/// assert_eq!(conv2.output(), Shape::maps(16, 10, 10));
/// assert_eq!(conv2.weights(), 16 * 6 * 5 * 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Shape of the padded input.
    pub input: Shape,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Step of the kernel, in both directions.
    pub stride: usize,
}

impl Conv2d {
    /// Shape of the output, `floor((size - kernel_size) / stride) + 1` in each direction.
    pub const fn output(&self) -> Shape {
        Shape::maps(
            self.out_channels,
            (self.input.height - self.kernel_size[0]) / self.stride + 1,
            (self.input.width - self.kernel_size[1]) / self.stride + 1,
        )
    }

    /// Number of weights, `out_channels * in_channels * height * width` of the kernel.
    pub const fn weights(&self) -> usize {
        self.out_channels * self.input.channels * self.taps()
    }

    /// Positions of the kernel.
    pub(super) const fn taps(&self) -> usize {
        self.kernel_size[0] * self.kernel_size[1]
    }
}
