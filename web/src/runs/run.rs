//! The runs beside the present one, each in a slot with a letter, a colour and a dash pattern of its own.

use crate::runs::record::Record;
use crate::settings::Setup;

/// Runs that can be pinned.
pub(crate) const MAX_PINNED: usize = 4;
/// Slots: the pinned runs, and the two of a comparison.
pub(crate) const SLOTS: usize = MAX_PINNED + 2;

/// A run beside the present one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// The slot, less than [`SLOTS`].
    pub(crate) slot: usize,
    pub(crate) setup: Setup,
    pub(crate) record: Record,
    /// Whether its curves are drawn.
    pub(crate) shown: bool,
    /// Whether it stays when another comparison begins.
    pub(crate) pinned: bool,
    /// The key under which the browser's storage has it, once it is stored.
    pub(crate) key: Option<String>,
}

/// The letter of a slot.
pub(crate) fn letter(slot: usize) -> char {
    (b'A' + slot as u8) as char
}

/// The runs beside the present one, in the order of their slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Runs(Vec<Run>);

impl Runs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.0.iter()
    }

    /// The runs whose curves are drawn.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Run> {
        self.0.iter().filter(|run| run.shown)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Run> {
        self.0.iter().find(|run| run.slot == slot)
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut Run> {
        self.0.iter_mut().find(|run| run.slot == slot)
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        self.0.retain(|run| run.slot != slot);
    }

    /// Whether no further run can be pinned.
    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().filter(|run| run.pinned).count() >= MAX_PINNED
    }

    /// Whether the two runs of a comparison have slots: other tabs may have pinned further runs.
    pub(crate) fn can_compare(&self) -> bool {
        self.0.iter().filter(|run| run.pinned).count() <= MAX_PINNED
    }

    /// Pins a run, unless [`MAX_PINNED`] are pinned already.
    pub(crate) fn pin(&mut self, setup: Setup, record: Record) {
        if !self.is_full() {
            self.add(setup, record, true);
        }
    }

    /// Adds the two runs of a comparison, which replace those of the last one unless they were pinned. Returns their slots.
    pub(crate) fn compare(&mut self, setups: [Setup; 2]) -> [usize; 2] {
        self.0.retain(|run| run.pinned);
        setups.map(|setup| self.add(setup, Record::default(), false))
    }

    /// Adds the run in whose slot the networks of a sweep train, in the place of those of the last comparison. Returns the slot.
    pub(crate) fn sweep(&mut self, setup: Setup) -> usize {
        self.0.retain(|run| run.pinned);
        self.add(setup, Record::default(), false)
    }

    fn add(&mut self, setup: Setup, record: Record, pinned: bool) -> usize {
        // Pinned runs leave two slots free, which only the two of a comparison take: see `can_compare`.
        let slot = self.free_slot().unwrap_or(SLOTS - 1);
        self.insert(Run { slot, setup, record, shown: true, pinned, key: None });
        slot
    }

    fn free_slot(&self) -> Option<usize> {
        (0..SLOTS).find(|slot| self.get(*slot).is_none())
    }

    /// Adds a run from the browser's storage, in its own slot or in another one if that is taken. Returns whether there was a free
    /// one: else the run is left out.
    pub(crate) fn add_stored(&mut self, run: Run) -> bool {
        let own = Some(run.slot).filter(|slot| *slot < SLOTS && self.get(*slot).is_none());
        let slot = own.or_else(|| self.free_slot());
        if let Some(slot) = slot {
            self.insert(Run { slot, ..run });
        }
        slot.is_some()
    }

    /// Pins a run of an earlier visit, unless it is among the runs already. Returns whether it is now: four others may be pinned.
    pub(crate) fn pin_once(&mut self, setup: Setup, record: Record) -> bool {
        let is_known = |run: &Run| run.setup == setup && run.record.progress.step == record.progress.step;
        let is_there = self.iter().any(is_known);
        let has_room = !self.is_full();
        if !is_there {
            self.pin(setup, record);
        }
        is_there || has_room
    }

    /// The run that is stored under a key.
    pub(crate) fn stored_under(&self, key: &str) -> Option<&Run> {
        self.0.iter().find(|run| run.key.as_deref() == Some(key))
    }

    /// Puts a run into its slot.
    pub(crate) fn insert(&mut self, run: Run) {
        self.remove(run.slot);
        self.0.push(run);
        self.0.sort_by_key(|run| run.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(runs: &Runs) -> Vec<usize> {
        runs.iter().map(|run| run.slot).collect()
    }

    #[test]
    fn comparisons_replace_each_other_but_no_pinned_run() {
        let (setup, mut runs) = (Setup::default(), Runs::default());
        runs.pin(setup.clone(), Record::default());
        assert_eq!(runs.compare([setup.clone(), setup.clone()]), [1, 2]);
        runs.get_mut(1).unwrap().pinned = true;
        assert_eq!(runs.compare([setup.clone(), setup.clone()]), [2, 3]);
        assert_eq!(slots(&runs), [0, 1, 2, 3]);
        (0..9).for_each(|_| runs.pin(setup.clone(), Record::default()));
        assert_eq!(slots(&runs), [0, 1, 2, 3, 4, 5], "four are pinned, and two compared");
        runs.remove(1);
        assert_eq!(runs.compare([setup.clone(), setup]), [1, 2]);
        assert_eq!(slots(&runs), [0, 1, 2, 4, 5]);
        assert!(!runs.is_full() && runs.iter().filter(|run| run.pinned).count() == 3);
    }

    #[test]
    fn pinned_runs_of_other_tabs_take_the_slots_of_a_comparison() {
        let mut runs = Runs::default();
        (0..4).for_each(|_| runs.pin(Setup::default(), Record::default()));
        assert!(runs.can_compare());
        let stored = Run { slot: 0, ..runs.get(0).cloned().unwrap() };
        assert!(runs.add_stored(stored.clone()) && !runs.can_compare());
        assert!(runs.add_stored(stored.clone()) && !runs.add_stored(stored), "six have a slot");
    }

    #[test]
    fn slots_have_letters() {
        assert_eq!((letter(0), letter(SLOTS - 1)), ('A', 'F'));
    }
}
