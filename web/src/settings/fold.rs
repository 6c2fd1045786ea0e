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
        let settings = expect_context::<Settings>();
        let narrow = expect_context::<Narrow>();
        let is_folded = Memo::new(move |_| {
            let sections = settings.presentation.with(|presentation| presentation.sections);
            narrow.get() && !sections.unwrap_or_else(|| settings.named.get())[section as usize]
        });
        Self { section, settings, narrow, is_folded }
    }

    /// As [`Fold::new`], but open from the moment at which `is_named` holds until somebody folds it: a link names something in it.
    pub(crate) fn unless(section: Section, is_named: impl Fn() -> bool + 'static) -> Self {
        let fold = Self::new(section);
        let note = move |is_named: bool| {
            if is_named {
                fold.settings.named.update(|named| named[section as usize] = true);
            }
        };
        note(untrack(&is_named));
        Effect::new(move |_| note(is_named()));
        fold
    }

    /// Whether it can be folded now: elsewhere than on a phone, there is room for everything.
    pub(crate) fn is_foldable(self) -> bool {
        self.narrow.get()
    }

    fn set(self, is_open: bool) {
        let Some(open) = self.settings.named.try_get_untracked() else { return };
        self.settings.presentation.update(|presentation| {
            presentation.sections.get_or_insert(open)[self.section as usize] = is_open;
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
