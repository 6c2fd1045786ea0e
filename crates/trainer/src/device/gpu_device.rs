//! An open GPU, with the images of MNIST in its memory.

use data::DataSet;
use data::mnist::PIXELS;
use gpu::{Gpu, Images, Pass};
use std::cell::Cell;

/// A GPU with the images in its memory.
pub(crate) struct GpuDevice {
    pub(crate) gpu: Gpu,
    pub(crate) images: Images,
    /// Images uploaded so far: of the training set, and of the test set.
    uploaded: Cell<(usize, usize)>,
}

impl Drop for GpuDevice {
    /// Frees the memory on the GPU at once.
    fn drop(&mut self) {
        self.gpu.destroy();
    }
}

impl GpuDevice {
    /// Opens a GPU.
    ///
    /// # Errors
    /// A sentence, if there is none that can train.
    pub(crate) async fn open() -> Result<Self, String> {
        let gpu = Gpu::open().await.map_err(|e| e.0)?;
        Ok(Self { images: Images::new(&gpu), gpu, uploaded: Cell::default() })
    }

    /// Uploads the images that have been downloaded since the last call.
    pub(crate) fn upload(&self, train: &DataSet, test: &DataSet) {
        let (train_before, test_before) = self.uploaded.replace((train.len(), test.len()));
        for (set, before, pass) in
            [(train, train_before, Pass::Training), (test, test_before, Pass::Evaluation)]
        {
            if set.len() > before {
                // Labels are written four at a time.
                let first = before / 4 * 4;
                let mut labels = set.labels[first..].to_vec();
                labels.resize(labels.len().next_multiple_of(4), 0);
                self.images.write(&self.gpu, pass, first, &set.images[first * PIXELS..], &labels);
            }
        }
    }
}
