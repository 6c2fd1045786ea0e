//! What the benchmarks on CPU and GPU share.

use bench::initial_state::shuffled;
use data::DataSet;
use data::mnist::TRAIN_IMAGES;
use nn::network::Network;

/// MNIST.
pub(super) struct Mnist {
    pub(super) train: DataSet,
    pub(super) test: DataSet,
}

/// One training run on some device.
pub(super) trait Job {
    /// The time in seconds.
    fn now(&self) -> f64;
    /// The device in words.
    fn info(&self) -> String;
    /// Trains `steps` steps, or fewer once `limit` seconds are over. Returns their number and duration in seconds.
    async fn train(&self, steps: u32, limit: f64) -> Result<(u32, f64), String>;
    /// Accuracy on the test set, 0 to 1.
    async fn test(&self) -> Result<f64, String>;
    /// A copy of the network.
    async fn network(&self) -> Result<Network, String>;
    /// Steps and their losses, one of every `loss_every` steps.
    fn losses(&self) -> Vec<(u32, f64)>;
    /// An image of the test set, `[row][column]`.
    fn test_image(&self, index: usize) -> &[u8];
}

/// Batches of shuffled training images. As in the benchmarks of other libraries, the last images of an epoch are left out if they
/// do not fill a batch.
pub(super) struct BatchSampler {
    seed: u32,
    epoch: u32,
    next: usize,
    /// The indices of the epoch's images.
    pub(super) order: Vec<u32>,
}

impl BatchSampler {
    pub(super) fn new(seed: u32) -> Self {
        Self { seed, epoch: 0, next: 0, order: shuffled(TRAIN_IMAGES as u32, seed + 1000) }
    }

    /// The position in `order` of the next batch's first image, and whether `order` has changed.
    pub(super) fn next(&mut self, size: usize) -> (usize, bool) {
        let is_new_epoch = self.next + size > self.order.len();
        if is_new_epoch {
            self.epoch += 1;
            self.order = shuffled(TRAIN_IMAGES as u32, self.seed + 1000 + self.epoch);
            self.next = 0;
        }
        self.next += size;
        (self.next - size, is_new_epoch)
    }
}
