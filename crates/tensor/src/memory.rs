//! Scratch memory of exactly known size.

/// Lengthens `memory` to `len` items, and its allocation to no more.
pub(crate) fn grow<T: Clone>(memory: &mut Vec<T>, len: usize, value: T) {
    if memory.len() < len {
        memory.reserve_exact(len - memory.len());
        memory.resize(len, value);
    }
}
