//! Work in slices: a kernel that would take seconds stops after some work, and is called again to go on.

/// How much work may be done before the caller looks around, and which units of the kernel under way are
/// done.
///
/// Work is counted in multiply-adds, not in time, so that kernels read no clock.
///
/// ```
/// use tensor::Budget;
///
/// let mut done = Vec::new();
/// let mut kernel = |budget: &mut Budget| (0..5).all(|unit| budget.run(10, || done.push(unit)));
/// let mut budget = Budget::default();
/// budget.refill(25);
/// assert!(!kernel(&mut budget), "there is work left");
/// budget.refill(25);
/// assert!(kernel(&mut budget));
/// assert_eq!(done, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    left: i64,
    /// Units that are done, and those that this call of the kernel has come to.
    done: usize,
    at: usize,
}

impl Default for Budget {
    /// Without a limit.
    fn default() -> Self {
        Self { left: Self::UNLIMITED, done: 0, at: 0 }
    }
}

impl Budget {
    /// More work than is ever done.
    pub const UNLIMITED: i64 = i64::MAX;

    /// Allows `work` multiply-adds from now on.
    pub fn refill(&mut self, work: i64) {
        self.left = work;
    }

    /// Whether no work is allowed any more.
    pub const fn is_spent(&self) -> bool {
        self.left <= 0
    }

    /// Counts work that was done.
    pub fn spend(&mut self, cost: usize) {
        self.left = self.left.saturating_sub(i64::try_from(cost).unwrap_or(i64::MAX));
    }

    /// Runs the next unit of the kernel under way, which costs `cost` multiply-adds, unless an earlier call
    /// has run it. Returns false, and runs nothing, if the budget is spent: then the kernel returns false,
    /// too, and is to be called again with the same arguments.
    pub fn run(&mut self, cost: usize, unit: impl FnOnce()) -> bool {
        if self.at >= self.done {
            if self.is_spent() {
                self.at = 0;
                return false;
            }
            unit();
            self.spend(cost);
            self.done += 1;
        }
        self.at += 1;
        true
    }

    /// Begins another kernel.
    pub fn begin(&mut self) {
        (self.done, self.at) = (0, 0);
    }
}
