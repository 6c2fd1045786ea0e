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
