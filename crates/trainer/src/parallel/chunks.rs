//! An evaluation in chunks of images, which several cores evaluate in any order.

use crate::evaluation::Evaluation;
use data::DataSet;
use data::mnist::PIXELS;

/// Images in a chunk: about 15 ms of work on one core, so that commands are executed meanwhile.
const CHUNK_IMAGES: usize = 256;

/// Number of chunks in a data set.
pub(super) fn chunk_count(data: &DataSet) -> usize {
    data.len().div_ceil(CHUNK_IMAGES)
}

/// Images, `[image][28][28]` bytes, and labels of a chunk.
pub(super) fn chunk_of(data: &DataSet, chunk: usize) -> (&[u8], &[u8]) {
    let images = chunk * CHUNK_IMAGES..((chunk + 1) * CHUNK_IMAGES).min(data.len());
    (&data.images[images.start * PIXELS..images.end * PIXELS], &data.labels[images])
}

/// The chunks of an evaluation under way.
pub(super) struct ChunkedEvaluation {
    /// The result of each chunk that is evaluated.
    results: Vec<Option<Evaluation>>,
    /// The first chunk that no core has taken.
    next: usize,
}

impl ChunkedEvaluation {
    /// An evaluation in `chunks` chunks.
    pub(super) fn new(chunks: usize) -> Self {
        Self { results: vec![None; chunks], next: 0 }
    }

    /// Whether every chunk is taken.
    pub(super) fn all_taken(&self) -> bool {
        self.next >= self.results.len()
    }

    /// Takes the next chunk.
    pub(super) fn take(&mut self) -> Option<usize> {
        let chunk = self.next;
        self.next += usize::from(chunk < self.results.len());
        (chunk < self.results.len()).then_some(chunk)
    }

    /// Sets the result of a chunk.
    pub(super) fn set(&mut self, chunk: usize, result: Option<Evaluation>) {
        self.results[chunk] = result;
    }

    /// The whole evaluation, reduced in the order of the images; `None` if a chunk is missing.
    pub(super) fn reduce(&mut self) -> Option<Evaluation> {
        if self.results.iter().any(Option::is_none) {
            return None;
        }
        let mut total = Evaluation::default();
        self.results.drain(..).flatten().for_each(|chunk| total.append(chunk));
        Some(total)
    }
}
