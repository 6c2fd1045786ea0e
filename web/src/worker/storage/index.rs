//! The list of stored sessions: which one a page brings back, and which ones are removed.
//!
//! Every page stores under a name of its own, so that no two pages write the same entry, whatever tabs are duplicated,
//! frozen or restored. A page that brings a session back names it as its parent.

use serde::{Deserialize, Serialize};

/// Sessions with a run that are kept of those that no page has open.
const MAX_CLOSED: usize = 20;
/// Sessions that another one has continued.
const MAX_CONTINUED: usize = 2;
/// Sessions without a run.
const MAX_EMPTY: usize = 20;
/// Sessions that no page has open whose checkpoints are kept: each has up to 24 MB of them.
const MAX_WITH_CHECKPOINTS: usize = 3;
/// Milliseconds that a session is kept where the storage is full: a semester. Elsewhere its age says nothing: a clock may be wrong.
const MAX_AGE: f64 = 180.0 * 24.0 * 3600.0 * 1000.0;

/// What is stored of a session beside its runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Info {
    /// When its page was opened, in milliseconds since 1970.
    pub(super) created: f64,
    /// When it was stored last.
    pub(super) saved: f64,
    /// The session that it continues.
    pub(super) parent: Option<String>,
    /// What it has.
    pub(super) content: Content,
    /// The numbers of the runs that were replaced and can be restored.
    pub(super) replaced: Vec<u32>,
    /// The numbers of the checkpoints of its own run.
    #[serde(default)]
    pub(super) checkpoints: Vec<u32>,
}

impl Info {
    /// The numbers of all that is stored beside its own run.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.replaced.iter().chain(&self.checkpoints).copied()
    }
}

/// What is stored of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    /// Nothing yet: what its parent has is still its own.
    #[default]
    Parents,
    /// Its own run.
    Run,
    /// Nothing: it is untrained.
    Nothing,
}

/// All sessions by their names.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<(String, Info)>);

impl Index {
    /// Reads what is stored. An entry that cannot be read is one without a run, and of no age.
    pub(super) fn read(stored: Vec<(String, String)>) -> Self {
        let read = |text: &str| {
            let damaged = Info { content: Content::Nothing, ..Info::default() };
            serde_json::from_str(text).unwrap_or(damaged)
        };
        Self(
            stored
                .into_iter()
                .map(|(name, text)| {
                    let info = read(&text);
                    (name, info)
                })
                .collect(),
        )
    }

    /// Whether nothing is stored.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Info> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, info)| info)
    }

    /// The session whose run a page brings back. The page's tab had the sessions `before`, the last one first, of which the
    /// last ones may not have been stored; a new tab takes the session that was stored last among those that no page has
    /// `open`.
    pub(super) fn choose(&self, before: &[String], open: &[String]) -> Option<&str> {
        let known = |before: &String| self.0.iter().find(|(name, _)| name == before);
        if let Some((name, _)) = before.iter().find_map(known) {
            return self.source(name);
        }
        let closed =
            self.0.iter().filter(|(name, info)| !open.contains(name) && !self.is_continued(name, info));
        let with_run = closed.filter_map(|(name, info)| Some((self.source(name)?, info.saved)));
        with_run.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| name)
    }

    /// The session that holds the run of `name`: itself, or the one that it continues.
    pub(super) fn source<'a>(&'a self, mut name: &'a str) -> Option<&'a str> {
        // As many steps as there are entries, in case that damaged ones form a circle.
        for _ in 0..=self.0.len() {
            let info = self.get(name)?;
            match info.content {
                Content::Run => return Some(name),
                Content::Nothing => return None,
                Content::Parents => name = info.parent.as_deref()?,
            }
        }
        None
    }

    /// Whether another session has taken over all that this one has. A page that was frozen meanwhile stores on, and then
    /// is a session of its own again.
    fn is_continued(&self, name: &str, info: &Info) -> bool {
        self.0.iter().any(|(_, other)| other.parent.as_deref() == Some(name) && other.created >= info.saved)
    }

    /// The sessions that no page has open or needs, the one that was stored last first.
    fn closed(&self, open: &[String]) -> Vec<&(String, Info)> {
        let is_needed = |name: &str| {
            self.0.iter().any(|(other, info)| {
                info.content == Content::Parents && info.parent.as_deref() == Some(name) && other != name
            })
        };
        let mut closed: Vec<_> =
            self.0.iter().filter(|(name, _)| !open.contains(name) && !is_needed(name)).collect();
        closed.sort_by(|(_, a), (_, b)| b.saved.total_cmp(&a.saved));
        closed
    }

    /// The sessions whose checkpoints are to be removed, though not their runs; if the storage is full, of all that are closed.
    pub(super) fn excess_checkpoints(&self, open: &[String], is_full: bool) -> Vec<(&str, &Info)> {
        let closed = self.closed(open).into_iter().filter(|(_, info)| !info.checkpoints.is_empty());
        // A session that continues another one has written the other one's checkpoints again.
        let (continued, last): (Vec<_>, Vec<_>) =
            closed.partition(|(name, info)| self.is_continued(name, info));
        let kept = if is_full { 0 } else { MAX_WITH_CHECKPOINTS };
        let excess = last.into_iter().skip(kept).chain(continued);
        excess.map(|(name, info)| (name.as_str(), info)).collect()
    }

    /// The sessions to be removed at `now`, given those that are open; if the storage is full, all that nobody needs.
    pub(super) fn excess(&self, open: &[String], now: f64, is_full: bool) -> Vec<(&str, &Info)> {
        let (mut runs, mut continued, mut empty) = (0, 0, 0);
        let mut excess = Vec::new();
        for (name, info) in self.closed(open) {
            let (count, max) = if self.source(name).is_none() {
                (&mut empty, MAX_EMPTY)
            } else if self.is_continued(name, info) {
                (&mut continued, if is_full { 0 } else { MAX_CONTINUED })
            } else {
                (&mut runs, if is_full { 1 } else { MAX_CLOSED })
            };
            *count += 1;
            if *count > max || (is_full && now - info.saved > MAX_AGE) {
                excess.push((name.as_str(), info));
            }
        }
        excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(saved: f64, parent: Option<&str>, content: Content) -> Info {
        let parent = parent.map(str::to_owned);
        Info { created: saved - 1.0, saved, parent, content, ..Info::default() }
    }

    fn index(entries: &[(&str, f64, Option<&str>, Content)]) -> Index {
        let text = |info: &Info| serde_json::to_string(info).unwrap();
        let stored = entries.iter().map(|(name, saved, parent, content)| {
            ((*name).to_owned(), text(&info(*saved, *parent, *content)))
        });
        Index::read(stored.collect())
    }

    use Content::{Nothing, Parents, Run};

    #[test]
    fn a_tab_gets_its_own_session_and_a_new_tab_the_last_one_that_is_closed() {
        let index = index(&[("a", 10.0, None, Run), ("b", 20.0, None, Run), ("c", 30.0, None, Run)]);
        assert_eq!(index.choose(&["a".into()], &[]), Some("a"));
        assert_eq!(index.choose(&[], &[]), Some("c"));
        assert_eq!(index.choose(&[], &["c".into()]), Some("b"));
        assert_eq!(index.choose(&[], &["a".into(), "b".into(), "c".into()]), None);
        assert_eq!(index.choose(&["pruned".into()], &[]), Some("c"));
        // Reloaded before its sessions "y" and "x" were stored.
        assert_eq!(index.choose(&["y".into(), "x".into(), "a".into(), "b".into()], &[]), Some("a"));
        // A duplicated tab: the session is open in the other one, and is copied.
        assert_eq!(index.choose(&["a".into()], &["a".into()]), Some("a"));
    }

    #[test]
    fn a_session_that_was_brought_back_is_continued_under_the_name_of_its_page() {
        // Closed before anything was stored again: the parent's run is brought back.
        let pending = index(&[("a", 10.0, None, Run), ("b", 20.0, Some("a"), Parents)]);
        assert_eq!((pending.choose(&["b".into()], &[]), pending.choose(&[], &[])), (Some("a"), Some("a")));
        let stored = index(&[("a", 10.0, None, Run), ("b", 20.0, Some("a"), Run)]);
        assert_eq!((stored.choose(&[], &[]), stored.choose(&[], &["b".into()])), (Some("b"), None));
        // Started afresh: nothing comes back, in this tab or a new one.
        let afresh = index(&[("a", 10.0, None, Run), ("b", 20.0, Some("a"), Nothing)]);
        assert_eq!((afresh.choose(&["b".into()], &[]), afresh.choose(&[], &[])), (None, None));
        // The page of "a" was only frozen, and has stored since.
        let frozen = index(&[("a", 30.0, None, Run), ("b", 20.0, Some("a"), Run)]);
        assert_eq!(frozen.choose(&[], &["b".into()]), Some("a"));
    }

    #[test]
    fn old_sessions_are_removed_but_none_that_is_open_or_needed() {
        let mut entries: Vec<(String, f64, Option<&str>, Content)> =
            (0..26).map(|i| (format!("run{i}"), 100.0 + f64::from(i), None, Run)).collect();
        entries.push(("open".into(), 1.0, None, Run));
        entries.push(("needed".into(), 2.0, None, Run));
        entries.push(("child".into(), 200.0, Some("needed"), Parents));
        let entries: Vec<_> = entries.iter().map(|(name, a, b, c)| (name.as_str(), *a, *b, *c)).collect();
        let index = index(&entries);
        let excess = |now, is_full| -> Vec<&str> {
            index.excess(&["open".into()], now, is_full).into_iter().map(|(name, _)| name).collect()
        };
        // The child counts as one of the twenty.
        let oldest = ["run6", "run5", "run4", "run3", "run2", "run1", "run0"];
        assert_eq!(excess(300.0, false), oldest);
        assert_eq!(excess(2.0 * MAX_AGE, false), oldest, "a wrong clock removes nothing");
        assert_eq!(excess(300.0, true).len(), 26);
        assert_eq!(excess(2.0 * MAX_AGE, true).len(), 27, "all but the open one and the needed one");
    }

    #[test]
    fn checkpoints_of_the_last_closed_sessions_are_kept_and_none_where_the_storage_is_full() {
        let entries = (0..6).map(|i| {
            let checkpoints = if i == 4 { vec![] } else { vec![1, 7] };
            (format!("run{i}"), Info { checkpoints, ..info(10.0 + f64::from(i), None, Run) })
        });
        let index = Index(entries.collect());
        let excess = |is_full| -> Vec<&str> {
            let excess = index.excess_checkpoints(&["run5".into()], is_full);
            assert!(excess.iter().all(|(_, info)| info.numbers().eq([1, 7])));
            excess.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(excess(false), ["run0"], "run5 is open, and run4 has none");
        assert_eq!(excess(true), ["run3", "run2", "run1", "run0"]);
        let old = r#"{"created":1,"saved":2,"parent":null,"content":"Run","replaced":[3]}"#;
        let read = Index::read(vec![("before".into(), old.into())]);
        assert_eq!(
            read.get("before").map(|info| info.numbers().collect()),
            Some(vec![3]),
            "of an older page"
        );
    }

    #[test]
    fn damaged_entries_and_circles_bring_nothing_back() {
        let mut index = index(&[("a", 10.0, Some("b"), Parents), ("b", 10.0, Some("a"), Parents)]);
        assert_eq!((index.choose(&[], &[]), index.choose(&["a".into()], &[])), (None, None));
        index = Index::read(vec![("x".into(), "{\"saved\":".into()), ("y".into(), String::new())]);
        assert_eq!(index.choose(&[], &[]), None);
        assert!(index.excess(&[], 1.0, false).is_empty() && !index.is_empty());
    }
}
