//! What this tab showed when it was left, in the storage of the tab: it is written at once, where a worker may be stopped before
//! it has stored anything, and it goes with a tab that is reloaded, restored or duplicated. For a tab that was closed, the
//! storage of all tabs has what the pages that were left last showed.

use leptos::prelude::window;
use serde::{Deserialize, Serialize};
use trainer::messages::ViewState;
use web_sys::Storage;

use crate::runs::storage::shared_storage;

const KEY: &str = "lenet-playground-session";
/// In the storage of all tabs: the sessions whose pages were left or hidden last, the last one first, and what they showed.
const LEFT_KEY: &str = "lenet-playground-left";
/// The most of them: a page that is hidden behind another one must not push out the one that was closed.
const MAX_LEFT: usize = 4;
/// The most names of earlier sessions. The page may be reloaded as often before its storage answers.
const MAX_BEFORE: usize = 50;

/// The entry.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The name under which the worker stores the session.
    pub(super) session: String,
    /// The names of the sessions before it in this tab, the last one first: a page that is left at once is not stored.
    #[serde(default)]
    pub(super) before: Vec<String>,
    /// What the page showed.
    pub(super) view: ViewState,
    /// Whether a run is being brought back. If the page opens with this, that ended in a crash.
    #[serde(default)]
    pub(super) is_resuming: bool,
}

/// The storage of the tab; none where the browser refuses it.
fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// The entry of this tab.
pub(super) fn read() -> Option<Journal> {
    let text = storage()?.get(KEY).ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// Gives the session of this tab a new name. What was shown stays known until there is something newer. Returns the names before it.
pub(super) fn begin(session: &str, journal: Option<Journal>) -> Vec<String> {
    let Journal { session: last, mut before, view, .. } = journal.unwrap_or_default();
    before.insert(0, last);
    before.retain(|name| !name.is_empty());
    before.truncate(MAX_BEFORE);
    write(&Journal { session: session.to_owned(), before: before.clone(), view, is_resuming: false });
    before
}

/// The sessions whose pages were left last in any tab, the last one first, and what they showed.
pub(super) fn read_left() -> Vec<(String, ViewState)> {
    let text = shared_storage().and_then(|storage| storage.get(LEFT_KEY).ok().flatten());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn write_left(session: &str, view: ViewState) {
    let mut left = read_left();
    left.retain(|(name, _)| name != session);
    left.insert(0, (session.to_owned(), view));
    left.truncate(MAX_LEFT);
    let write = |left: &[(String, ViewState)]| -> Option<()> {
        shared_storage()?.set(LEFT_KEY, &serde_json::to_string(left).ok()?).ok()
    };
    // Where there is no room for all, the last one counts.
    let _ = write(&left).or_else(|| write(&left[..1]));
}

/// Writes what the page shows, for the session of this name.
pub(super) fn write_view(session: &str, view: ViewState) {
    write_left(session, view.clone());
    let journal = read().filter(|journal| journal.session == session).unwrap_or_default();
    write(&Journal { session: session.to_owned(), view, ..journal });
}

/// Writes whether a run is being brought back.
pub(super) fn write_resuming(is_resuming: bool) {
    if let Some(journal) = read() {
        write(&Journal { is_resuming, ..journal });
    }
}

/// Writes the entry. If the browser refuses it, the worker's copy remains, which is a moment older.
fn write(journal: &Journal) {
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(journal)) {
        let _ = storage.set(KEY, &text);
    }
}
