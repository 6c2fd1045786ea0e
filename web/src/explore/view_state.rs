//! The state of the panel with the mistakes and the data.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::client::mnist::MnistCache;
use crate::explore::confusion_matrix::Cell;
use crate::explore::link::{ExploreLink, Tab};
use crate::ui::signal::set_if_changed;

/// The state of the panel.
#[derive(Clone, Copy)]
pub(crate) struct ExploreView {
    /// The tab that is open.
    pub(crate) tab: RwSignal<Option<Tab>>,
    /// The cell of the confusion matrix whose images are shown.
    pub(crate) cell: RwSignal<Option<Cell>>,
    /// The set that is browsed.
    pub(crate) split: RwSignal<Split>,
    /// The label that is browsed; none for all.
    pub(crate) digit: RwSignal<Option<u8>>,
    /// Whether only misread images are browsed.
    pub(crate) misread: RwSignal<bool>,
    /// The page of images, from 0.
    pub(crate) page: RwSignal<usize>,
}

impl ExploreView {
    /// Opens what the link names.
    pub(crate) fn new(link: ExploreLink) -> Self {
        let ExploreLink { tab, cell, split, digit, misread, page } = link;
        Self {
            tab: RwSignal::new(tab),
            cell: RwSignal::new(cell),
            split: RwSignal::new(split),
            digit: RwSignal::new(digit),
            misread: RwSignal::new(misread),
            page: RwSignal::new(page),
        }
    }

    /// The state that links carry.
    pub(crate) fn linked(&self) -> ExploreLink {
        let Self { tab, cell, split, digit, misread, page } = *self;
        ExploreLink {
            tab: tab.get(),
            cell: cell.get(),
            split: split.get(),
            digit: digit.get(),
            misread: misread.get(),
            page: page.get(),
        }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, link: ExploreLink) {
        set_if_changed(self.tab, link.tab);
        set_if_changed(self.cell, link.cell);
        set_if_changed(self.split, link.split);
        set_if_changed(self.digit, link.digit);
        set_if_changed(self.misread, link.misread);
        set_if_changed(self.page, link.page);
    }

    /// Whether a tab is open.
    pub(crate) fn is_open(&self) -> bool {
        self.tab.with(Option::is_some)
    }

    /// Opens a tab with nothing chosen, or closes it if it is open.
    pub(crate) fn toggle(&self, tab: Tab) {
        let tab = (self.tab.get_untracked() != Some(tab)).then_some(tab);
        self.follow(ExploreLink { tab, ..ExploreLink::default() });
    }

    /// Shows the images of a cell, or the most confident mistakes.
    pub(crate) fn choose_cell(&self, cell: Option<Cell>) {
        self.cell.set(cell);
        self.page.set(0);
    }

    /// Closes the tab that is open.
    pub(crate) fn close(&self) {
        self.follow(ExploreLink::default());
    }

    /// Predictions go stale: drops them whenever the panel closes.
    pub(crate) fn drop_stale_predictions(self, mnist: MnistCache) {
        let is_open = Memo::new(move |_| self.is_open());
        Effect::new(move |_| {
            if !is_open.get() {
                mnist.predictions.set(None);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_tab_opens_with_nothing_chosen() {
        let cell = Some(Cell { label: 4, class: 9 });
        let link = ExploreLink { tab: Some(Tab::Mistakes), cell, page: 1, ..ExploreLink::default() };
        let view = ExploreView::new(link);
        view.toggle(Tab::Data);
        assert_eq!(view.linked(), ExploreLink { tab: Some(Tab::Data), ..ExploreLink::default() });
        view.toggle(Tab::Data);
        assert_eq!(view.linked(), ExploreLink::default());
    }
}
