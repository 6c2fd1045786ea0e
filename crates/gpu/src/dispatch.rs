//! A kernel with its geometry.

use crate::kernel::Kernel;

/// Values of a kernel's `override` constants, by name.
pub(crate) type Constants = Vec<(&'static str, f64)>;

/// Constants that are whole numbers: offsets, lengths, counts.
pub(crate) fn constants<const N: usize>(values: [(&'static str, usize); N]) -> Constants {
    values.map(|(name, value)| (name, value as f64)).to_vec()
}

/// A kernel, the values of its constants, and its number of workgroups.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dispatch {
    pub(crate) kernel: Kernel,
    pub(crate) constants: Constants,
    pub(crate) workgroups: u32,
}

impl Dispatch {
    /// As many workgroups as give at least this many invocations.
    pub(crate) fn of_invocations(kernel: Kernel, constants: Constants, invocations: u32) -> Self {
        Self { kernel, constants, workgroups: invocations.div_ceil(kernel.workgroup_size()) }
    }
}
