//! Keeps the session in the storage: at most two seconds old while it trains, and at once when it pauses or the page may
//! be closed.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Uint8Array};
use trainer::Session;
use trainer::messages::{Event, ViewState};
use trainer::session::KeptVersion;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::database::{Changes, Database, Failure};
use super::files::{Files, key, view_key};
use super::index::{Content, Index, Info};
use super::presence::Presence;

/// Milliseconds between two versions that are stored while training.
const INTERVAL: f64 = 1_500.0;
/// Milliseconds between two versions while paused: whoever holds the key of single steps makes many.
const PAUSED_INTERVAL: f64 = 200.0;
/// The most replaced runs and checkpoints that are written at a time: a page that was just opened has many.
const MAX_FILES: usize = 4;
/// Milliseconds until the storage is tried again after it failed.
const RETRY_AFTER: f64 = 15_000.0;

/// The worker whose session is stored.
pub(crate) trait Owner: 'static {
    fn session(&self) -> RefMut<'_, Session>;
    fn keeper(&self) -> &Keeper;
    /// Sends events to the page.
    fn send(&self, events: Vec<Event>);
}

/// The storage of one session.
struct Opened {
    database: Database,
    presence: Presence,
    name: String,
    info: Info,
}

/// Stores the session.
pub(crate) struct Keeper {
    scope: DedicatedWorkerGlobalScope,
    opened: RefCell<Option<Rc<Opened>>>,
    /// Why the storage could not be opened.
    failure: Cell<Option<Failure>>,
    /// Whether the page was told that nothing is stored.
    is_reported: Cell<bool>,
    /// What the page shows. It is stored beside the run, so that a stroke does not write millions of weights again.
    view: RefCell<ViewState>,
    /// Grows with every change of it.
    view_version: Cell<u64>,
    stored: RefCell<Stored>,
    is_storing: Cell<bool>,
    at_once: Cell<bool>,
    /// When the session is looked at again, on the worker's clock, if a timer is set.
    timer: Cell<Option<f64>>,
}

/// What is stored.
#[derive(Default)]
struct Stored {
    version: Option<KeptVersion>,
    view_version: u64,
    content: Content,
    /// The numbers of the replaced runs and of the checkpoints.
    numbers: Vec<u32>,
    /// Those that may be stored or not, since the database failed.
    unsure: Vec<u32>,
    /// Whether there is room for the run, but not for these.
    has_no_room: bool,
    /// When the next version may be stored, training and paused, on the worker's clock.
    next: f64,
    next_paused: f64,
}

impl Stored {
    /// The numbers of what is still to be written.
    fn new_numbers(&self, session: &Session) -> Vec<u32> {
        let mut new = if self.has_no_room { Vec::new() } else { numbers(session) };
        new.retain(|number| !self.numbers.contains(number));
        new
    }
}

impl Keeper {
    pub(crate) fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self {
            scope,
            opened: RefCell::default(),
            failure: Cell::default(),
            is_reported: Cell::default(),
            view: RefCell::default(),
            view_version: Cell::default(),
            stored: RefCell::default(),
            is_storing: Cell::default(),
            at_once: Cell::default(),
            timer: Cell::default(),
        }
    }

    /// Opens the storage for the session `name`, and offers the page the run that its tab had `before`, or of the last visit.
    /// `left`: the sessions whose pages were left last, and what they showed.
    pub(crate) fn open(
        &self,
        worker: &Rc<impl Owner>,
        name: String,
        before: Vec<String>,
        left: Vec<(String, ViewState)>,
    ) {
        let worker = worker.clone();
        spawn_local(async move {
            let keeper = worker.keeper();
            let presence = Presence::new(name.clone());
            let (database, index) = loop {
                match keeper.read_index().await {
                    Ok(read) => break read,
                    Err(failure) => {
                        keeper.failure.set(Some(failure));
                        keeper.poll(&worker);
                        // A browser that restores many tabs answers late.
                        if failure != Failure::Late {
                            return;
                        }
                        TimeoutFuture::new(RETRY_AFTER as u32).await;
                    }
                }
            };
            keeper.failure.set(None);
            let open = if index.is_empty() { Vec::new() } else { presence.others().await };
            let parent = index.choose(&before, &open).map(str::to_owned);
            let is_parents = |(session, _): &(String, ViewState)| index.source(session) == parent.as_deref();
            let left = left.into_iter().find(is_parents).map(|(_, view)| view);
            if let Some(parent) = &parent {
                let info = index.get(parent).cloned().unwrap_or_default();
                let files = Files::read(&database, parent, &info).await;
                if let Err(sentence) = files.and_then(|files| offer(&worker, files, left)) {
                    let sentence =
                        format!("The run of your last visit could not be brought back. {sentence}");
                    worker.send(vec![Event::NotKept(sentence)]);
                }
            }
            let now = Date::now();
            let content = if parent.is_some() { Content::Parents } else { Content::Nothing };
            let info = Info { created: now, saved: now, parent, content, ..Info::default() };
            let mut changes = Changes::default();
            changes.sessions.push((name.clone(), json(&info)));
            // If this fails, the first run that is stored says so.
            let _ = database.change(&changes).await;
            keeper.stored.borrow_mut().content = content;
            *keeper.opened.borrow_mut() = Some(Rc::new(Opened { database, presence, name, info }));
            keeper.prune(false).await;
            keeper.poll(&worker);
        });
    }

    async fn read_index(&self) -> Result<(Database, Index), Failure> {
        let database = Database::open(&self.scope).await?;
        let index = Index::read(database.sessions().await?);
        Ok((database, index))
    }

    /// Takes over what the page shows, and stores the session at the next [`poll`](Self::poll) if the page may be closed (`at_once`).
    pub(crate) fn keep_view(&self, view: ViewState, at_once: bool) {
        if at_once {
            self.at_once.set(true);
        }
        let old = self.view.replace(view);
        let is_same = *self.view.borrow() == ViewState { time: self.view.borrow().time, ..old };
        if !is_same {
            self.view_version.set(self.view_version.get() + 1);
        }
    }

    /// Stores the session if it has changed and the time has come.
    pub(crate) fn poll(&self, worker: &Rc<impl Owner>) {
        let (version, is_paused) = {
            let session = worker.session();
            (session.kept_version(), session.is_paused())
        };
        if version.is_some()
            && let Some(failure) = self.failure.get()
        {
            self.report(worker, failure);
        }
        let Some(opened) = self.opened.borrow().clone() else { return };
        let (is_stored, due) = {
            let stored = self.stored.borrow();
            // What the parent has is left to it until there is something else, or the page has set it aside.
            let is_stored = match version {
                Some(_) => {
                    let is_current =
                        stored.version == version && stored.view_version == self.view_version.get();
                    let new = stored.new_numbers(&worker.session());
                    is_current && stored.content == Content::Run && new.is_empty()
                }
                None => stored.content != Content::Run && !worker.session().is_offer_answered(),
            };
            let nothing_new = version.is_none() && stored.content == Content::Nothing;
            (is_stored || nothing_new, if is_paused { stored.next_paused } else { stored.next })
        };
        if is_stored || self.is_storing.get() {
            return;
        }
        let wait = due - self.now();
        if wait <= 0.0 || self.at_once.get() {
            self.store(worker, opened, version);
        } else if self.timer.get().is_none_or(|timer| due < timer) {
            // A pause is stored earlier than the next version of a training.
            self.timer.set(Some(due));
            let worker = worker.clone();
            spawn_local(async move {
                TimeoutFuture::new(wait.ceil() as u32).await;
                let keeper = worker.keeper();
                if keeper.timer.get().is_some_and(|timer| timer <= due) {
                    keeper.timer.set(None);
                }
                keeper.poll(&worker);
            });
        }
    }

    fn store(&self, worker: &Rc<impl Owner>, opened: Rc<Opened>, version: Option<KeptVersion>) {
        self.is_storing.set(true);
        self.at_once.set(false);
        let view_version = self.view_version.get();
        let changes = self.changes(worker, &opened, version);
        let result = changes
            .map(|(content, numbers, changes)| (content, numbers, opened.database.change(&changes), changes));
        let now = self.now();
        {
            let mut stored = self.stored.borrow_mut();
            stored.next = now + INTERVAL;
            stored.next_paused = now + PAUSED_INTERVAL;
        }
        let worker = worker.clone();
        spawn_local(async move {
            let keeper = worker.keeper();
            let failure = match result {
                Ok((content, mut numbers, first, mut changes)) => {
                    let mut outcome = first.await;
                    if outcome == Err(Failure::Full) && keeper.prune(true).await {
                        outcome = opened.database.change(&changes).await;
                    }
                    if outcome == Err(Failure::Full) && content == Content::Run {
                        // There may be room for the run alone.
                        let own = [opened.name.clone(), view_key(&opened.name)];
                        changes.runs.retain(|(key, _)| own.contains(key));
                        outcome = opened.database.change(&changes).await;
                        let mut stored = keeper.stored.borrow_mut();
                        stored.has_no_room = outcome.is_ok();
                        numbers.retain(|number| stored.numbers.contains(number));
                    }
                    if outcome.is_ok() {
                        let mut stored = keeper.stored.borrow_mut();
                        (stored.version, stored.view_version) = (version, view_version);
                        stored.content = content;
                        stored.numbers = numbers;
                        stored.unsure.clear();
                    }
                    outcome.err()
                }
                // A number is not finite: the version that is stored is better than this one.
                Err(_) => {
                    let mut stored = keeper.stored.borrow_mut();
                    (stored.version, stored.view_version) = (version, view_version);
                    None
                }
            };
            if let Some(failure) = failure {
                keeper.report(&worker, failure);
                let retry = keeper.now() + RETRY_AFTER;
                {
                    let mut stored = keeper.stored.borrow_mut();
                    (stored.next, stored.next_paused) = (retry, retry);
                }
                keeper.reopen().await;
            }
            keeper.is_storing.set(false);
            keeper.poll(&worker);
        });
    }

    /// What is to be written, and the numbers of the files that are stored then.
    fn changes(
        &self,
        worker: &Rc<impl Owner>,
        opened: &Opened,
        version: Option<KeptVersion>,
    ) -> Result<(Content, Vec<u32>, Changes), String> {
        let session = worker.session();
        let stored = self.stored.borrow();
        let (replaced, checkpoints) = (session.replaced_runs(), session.checkpoints());
        let mut changes = Changes::default();
        let (numbers, new) = (numbers(&session), stored.new_numbers(&session));
        // What was brought back is left to the parent until all of it is written here, or there is something else.
        let is_parents = stored.content == Content::Parents && session.is_paused() && new.len() > MAX_FILES;
        let content = match version {
            None => Content::Nothing,
            Some(_) if is_parents => Content::Parents,
            Some(_) => Content::Run,
        };
        let info = Info { saved: Date::now(), content, replaced, checkpoints, ..opened.info.clone() };
        changes.sessions.push((opened.name.clone(), json(&info)));
        if version.is_none() {
            changes.removed_runs.extend([opened.name.clone(), view_key(&opened.name)]);
        } else if content == Content::Run {
            if stored.version != version || stored.content != Content::Run {
                changes.runs.push((opened.name.clone(), Uint8Array::from(session.encode()?.as_slice())));
            }
            // A view holds numbers and texts, which JSON can always hold.
            let view = serde_json::to_vec(&*self.view.borrow()).unwrap_or_default();
            changes.runs.push((view_key(&opened.name), Uint8Array::from(view.as_slice())));
        }
        let mut gone = [stored.numbers.as_slice(), &stored.unsure].concat();
        gone.retain(|number| !numbers.contains(number));
        let mut kept = stored.numbers.clone();
        kept.retain(|number| numbers.contains(number));
        for number in new.into_iter().take(MAX_FILES) {
            if let Some(Ok(file)) = session.encode_numbered(number) {
                changes.runs.push((key(&opened.name, number), Uint8Array::from(file.as_slice())));
            }
            kept.push(number);
        }
        changes.removed_runs.extend(gone.into_iter().map(|number| key(&opened.name, number)));
        Ok((content, kept, changes))
    }

    /// Removes old sessions. Returns whether there were any.
    async fn prune(&self, is_full: bool) -> bool {
        let Some(opened) = self.opened.borrow().clone() else { return false };
        let mut open = opened.presence.others().await;
        open.push(opened.name.clone());
        let Ok(stored) = opened.database.sessions().await else { return false };
        let index = Index::read(stored);
        let mut changes = Changes::default();
        for (name, info) in index.excess(&open, Date::now(), is_full) {
            changes.removed_sessions.push(name.to_owned());
            changes.removed_runs.extend([name.to_owned(), view_key(name)]);
            changes.removed_runs.extend(info.numbers().map(|number| key(name, number)));
        }
        for (name, info) in index.excess_checkpoints(&open, is_full) {
            if changes.removed_sessions.iter().any(|removed| removed == name) {
                continue;
            }
            changes.removed_runs.extend(info.checkpoints.iter().map(|number| key(name, *number)));
            let without = Info { checkpoints: Vec::new(), ..info.clone() };
            changes.sessions.push((name.to_owned(), json(&without)));
        }
        !changes.removed_runs.is_empty() && opened.database.change(&changes).await.is_ok()
    }

    /// Opens the database anew: a browser may have closed it.
    async fn reopen(&self) {
        let Some(old) = self.opened.borrow().clone() else { return };
        if let Ok(database) = Database::open(&self.scope).await {
            let (name, info) = (old.name.clone(), old.info.clone());
            let presence = old.presence.clone();
            *self.opened.borrow_mut() = Some(Rc::new(Opened { database, presence, name, info }));
            // The database may have been emptied.
            let mut stored = self.stored.borrow_mut();
            stored.version = None;
            let numbers = std::mem::take(&mut stored.numbers);
            stored.unsure.extend(numbers);
        }
    }

    /// Tells the page once that the session is not stored.
    fn report(&self, worker: &Rc<impl Owner>, failure: Failure) {
        if !self.is_reported.replace(true) {
            worker.send(vec![Event::NotKept(failure.sentence().into())]);
        }
    }

    fn now(&self) -> f64 {
        self.scope.performance().map_or_else(Date::now, |clock| clock.now())
    }
}

/// Offers the run of a session to the page, which showed `left` if that is newer than what is stored.
fn offer(worker: &Rc<impl Owner>, files: Files, left: Option<ViewState>) -> Result<(), String> {
    let Files { own, replaced, checkpoints, view } = files;
    let view = view.into_iter().chain(left).max_by(|a, b| a.time.total_cmp(&b.time));
    let mut events = worker.session().offer(&own, &replaced, &checkpoints)?;
    for event in &mut events {
        if let (Event::Kept(kept), Some(view)) = (event, &view) {
            kept.page.view = view.clone();
        }
    }
    worker.send(events);
    Ok(())
}

/// The numbers of what is stored beside the session's own run.
fn numbers(session: &Session) -> Vec<u32> {
    [session.replaced_runs(), session.checkpoints()].concat()
}

fn json(info: &Info) -> String {
    // It holds numbers and texts, which JSON can always hold; times are finite.
    serde_json::to_string(info).unwrap_or_default()
}
