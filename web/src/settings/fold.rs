//! Sections that fold under their headings where the page is narrow, so that a phone's page is a few screens long.

use leptos::ev::Event;
use leptos::prelude::*;

use super::presentation::Section;
use super::store::Settings;
use crate::ui::narrow::Narrow;

/// A section that can be folded.
#[derive(Clone, Copy)]
pub(crate) struct Fold {
    section: Section,
    settings: Settings,
    narrow: Narrow,
    /// Whether its content is hidden now.
    is_folded: Memo<bool>,
}

impl Fold {
    pub(crate) fn new(section: Section) -> Self {
        Self::unless(section, || false)
    }

    /// A section that is not folded while `is_named` holds, unless somebody folds it: a link names something in it.
    pub(crate) fn unless(section: Section, is_named: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let settings = expect_context::<Settings>();
        let narrow = expect_context::<Narrow>();
        let is_folded = Memo::new(move |_| {
            let sections = settings.presentation.with(|presentation| presentation.sections);
            narrow.get() && !sections.map_or_else(&is_named, |open| open[section as usize])
        });
        Self { section, settings, narrow, is_folded }
    }

    /// Whether it can be folded now: elsewhere than on a phone, there is room for everything.
    pub(crate) fn is_foldable(self) -> bool {
        self.narrow.get()
    }

    fn set(self, is_open: bool) {
        let _ = self.settings.presentation.try_update(|presentation| {
            presentation.sections.get_or_insert_default()[self.section as usize] = is_open;
        });
    }

    /// The id of the content.
    fn id(self) -> String {
        format!("section-{}", self.section.id())
    }
}

/// The words of a section's heading; where it can be folded, they are a button.
#[component]
pub(crate) fn FoldHeading(fold: Fold, words: &'static str) -> impl IntoView {
    move || {
        if !fold.is_foldable() {
            return words.into_any();
        }
        view! {
            <button class="folds" aria-expanded=move || (!fold.is_folded.get()).to_string() aria-controls=fold.id()
                on:click=move |_| fold.set(fold.is_folded.get_untracked())>{words}</button>
        }
        .into_any()
    }
}

/// The content of a section. While it is folded, browsers find words in it, and then open it.
#[component]
pub(crate) fn Folded(fold: Fold, children: Children) -> impl IntoView {
    let hidden = move || fold.is_folded.get().then_some("until-found");
    view! {
        <div class="fold" id=fold.id() hidden=hidden on:beforematch=move |_: Event| fold.set(true)>{children()}</div>
    }
}
