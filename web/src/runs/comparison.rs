//! Two runs that train side by side.

/// The comparison that is under way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// The slots of the two runs.
    pub(crate) slots: [usize; 2],
    /// Epochs that each of them trains.
    pub(crate) epochs: f64,
    /// The name of the setting in which they differ.
    pub(crate) setting: String,
    /// Which of the two the worker's reports are about; none before the first one.
    pub(crate) active: Option<usize>,
}

impl Comparison {
    /// The slot of the run that the worker's reports are about.
    pub(crate) fn active_slot(&self) -> Option<usize> {
        self.slots.get(self.active?).copied()
    }
}
