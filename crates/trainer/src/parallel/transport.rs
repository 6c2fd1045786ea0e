//! What a core needs of its surroundings.

/// A clock, and the channels to the other cores.
pub trait Transport {
    /// Milliseconds since an arbitrary moment.
    fn now(&self) -> f64;

    /// Sends a message to the core of this rank. The message is the concatenation of `parts`.
    fn post(&self, rank: usize, parts: &[&[u32]]);

    /// Keeps this thread awake: messages of other cores are about to arrive.
    fn stay_awake(&self) {}
}

/// The transport of a training on one core of this machine.
#[cfg(not(target_family = "wasm"))]
pub struct SingleCore(std::time::Instant);

#[cfg(not(target_family = "wasm"))]
impl Default for SingleCore {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[cfg(not(target_family = "wasm"))]
impl Transport for SingleCore {
    fn now(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1000.0
    }

    fn post(&self, rank: usize, _: &[&[u32]]) {
        unreachable!("there is no core of rank {rank}")
    }
}
