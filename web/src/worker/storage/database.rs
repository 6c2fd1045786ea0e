//! IndexedDB: the few calls that the session needs, each with an end. A browser may refuse them, never answer, or abort
//! them when its disk is full.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, DomException, IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest,
    IdbTransaction, IdbTransactionMode,
};

const NAME: &str = "lenet-playground";
/// Grows when the stores change. Browsers refuse a database of a newer version.
const VERSION: u32 = 1;
/// The store of [`Info`](super::index::Info)s as JSON, by the names of sessions.
const SESSIONS: &str = "sessions";
/// The store of runs as files: a session's own one by its name, the others by its name and their number, and what its page showed.
const RUNS: &str = "runs";
/// A request that has no answer after this many milliseconds gets none.
const PATIENCE: i32 = 5_000;
/// What the timer says.
const LATE: &str = "late";

/// Why the storage cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no room.
    Full,
    /// A newer version of the page owns the storage.
    Newer,
    /// It has not answered.
    Late,
    /// It is forbidden or broken.
    Refused,
}

impl Failure {
    fn of(error: Option<DomException>) -> Self {
        match error.map(|error| error.name()).as_deref() {
            Some("QuotaExceededError") => Self::Full,
            Some("VersionError") => Self::Newer,
            _ => Self::Refused,
        }
    }

    /// What it means for the session, in a sentence.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Full => {
                "This browser has no room to keep what is trained here: it will be gone when the page is closed. Freeing disk \
                 space helps."
            }
            Self::Newer => {
                "A newer version of this page keeps its runs in this browser: reload the page, or what is trained here will be \
                 gone when it is closed."
            }
            Self::Late => {
                "This browser's storage does not answer: what is trained here will be gone when the page is closed. Restarting \
                 the browser helps."
            }
            Self::Refused => {
                "This browser does not let the page keep what is trained here: it will be gone when the page is closed."
            }
        }
    }
}

impl From<JsValue> for Failure {
    fn from(error: JsValue) -> Self {
        Self::of(error.dyn_into().ok())
    }
}

/// An open database. It is closed when it is dropped.
pub(super) struct Database {
    database: IdbDatabase,
    scope: DedicatedWorkerGlobalScope,
}

/// What a transaction changes.
#[derive(Default)]
pub(super) struct Changes {
    /// Sessions to be written, by their names, as JSON.
    pub(super) sessions: Vec<(String, String)>,
    /// Runs to be written, by their keys.
    pub(super) runs: Vec<(String, Uint8Array)>,
    /// Names of sessions to be removed.
    pub(super) removed_sessions: Vec<String>,
    /// Keys of runs to be removed.
    pub(super) removed_runs: Vec<String>,
}

impl Database {
    /// Opens the database, and makes it if there is none.
    pub(super) async fn open(scope: &DedicatedWorkerGlobalScope) -> Result<Self, Failure> {
        let factory: IdbFactory = scope.indexed_db()?.ok_or(Failure::Refused)?;
        let request = factory.open_with_u32(NAME, VERSION)?;
        // It outlives this call: a browser may answer when nobody waits any more.
        let upgrade = Closure::<dyn FnMut()>::new({
            let request = request.clone();
            move || {
                // A store that cannot be made lets the transactions below fail.
                if let Ok(database) = request.result().map(IdbDatabase::from) {
                    let _ = database.create_object_store(SESSIONS);
                    let _ = database.create_object_store(RUNS);
                }
            }
        })
        .into_js_value();
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        // Blocked: another tab holds an older version open. It closes it, or the timer ends the wait.
        answer(scope, &request).await?;
        let database = IdbDatabase::from(request.result()?);
        let close = Closure::<dyn FnMut()>::new({
            let database = database.clone();
            move || database.close()
        });
        database.set_onversionchange(Some(close.as_ref().unchecked_ref()));
        close.forget();
        Ok(Self { database, scope: scope.clone() })
    }

    /// All sessions: their names, and what is written of each.
    pub(super) async fn sessions(&self) -> Result<Vec<(String, String)>, Failure> {
        let store = self.store(SESSIONS)?;
        let (keys, values) = (store.get_all_keys()?, store.get_all()?);
        let names = Array::from(&answer(&self.scope, &keys).await?);
        let texts = Array::from(&answer(&self.scope, &values).await?);
        let text = |value: JsValue| value.as_string().unwrap_or_default();
        Ok(names.iter().map(text).zip(texts.iter().map(text)).collect())
    }

    /// The run with this key, if there is one.
    pub(super) async fn run(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let request = self.store(RUNS)?.get(&key.into())?;
        let value = answer(&self.scope, &request).await?;
        Ok(value.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
    }

    fn store(&self, name: &str) -> Result<IdbObjectStore, JsValue> {
        self.database.transaction_with_str(name)?.object_store(name)
    }

    /// Makes all changes or none. They are queued at once; the future ends when they are stored.
    pub(super) fn change(&self, changes: &Changes) -> impl Future<Output = Result<(), Failure>> + use<> {
        let queued = self.queue(changes);
        let scope = self.scope.clone();
        async move {
            let (transaction, finished, failure) = queued?;
            // Waits for an aborted transaction, too: a rejected promise without a listener is an error of the worker.
            let outcome = match wait(&scope, finished).await {
                Ok(_) => Ok(()),
                Err(None) => Err(Failure::Late),
                Err(Some(_)) => Err(Failure::of(transaction.error())),
            };
            failure.map_or(outcome, Err)
        }
    }

    /// Queues the requests. Returns the transaction, a promise of its end, and why a request was refused.
    fn queue(&self, changes: &Changes) -> Result<(IdbTransaction, Promise, Option<Failure>), Failure> {
        let stores = Array::of2(&SESSIONS.into(), &RUNS.into());
        let mode = IdbTransactionMode::Readwrite;
        let transaction = self.database.transaction_with_str_sequence_and_mode(&stores, mode)?;
        let finished = Promise::new(&mut |resolve, reject| {
            transaction.set_oncomplete(Some(&resolve));
            transaction.set_onabort(Some(&reject));
        });
        let request = || -> Result<(), JsValue> {
            let (sessions, runs) = (transaction.object_store(SESSIONS)?, transaction.object_store(RUNS)?);
            for name in &changes.removed_sessions {
                sessions.delete(&name.into())?;
            }
            for key in &changes.removed_runs {
                runs.delete(&key.into())?;
            }
            for (name, text) in &changes.sessions {
                sessions.put_with_key(&text.into(), &name.into())?;
            }
            for (key, file) in &changes.runs {
                runs.put_with_key(file, &key.into())?;
            }
            // Not every browser can be told that no more requests come: those see it by themselves.
            #[expect(deprecated, reason = "in web-sys by mistake; in the standard it is not")]
            let _ = transaction.commit();
            Ok(())
        };
        let failure = request().err().map(Failure::from);
        if failure.is_some() {
            let _ = transaction.abort();
        }
        Ok((transaction, finished, failure))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// The result of a request.
async fn answer(scope: &DedicatedWorkerGlobalScope, request: &IdbRequest) -> Result<JsValue, Failure> {
    let answered = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match wait(scope, answered).await {
        Ok(_) => Ok(request.result()?),
        Err(None) => Err(Failure::Late),
        Err(Some(_)) => Err(Failure::of(request.error().ok().flatten())),
    }
}

/// Waits for a promise; `Err(None)` if that takes too long.
async fn wait(scope: &DedicatedWorkerGlobalScope, promise: Promise) -> Result<JsValue, Option<JsValue>> {
    let timer = Promise::new(&mut |resolve, _| {
        let late = JsValue::from(LATE);
        let _ = scope.set_timeout_with_callback_and_timeout_and_arguments_1(&resolve, PATIENCE, &late);
    });
    match JsFuture::from(Promise::race(&Array::of2(&promise, &timer))).await {
        Ok(value) if value == LATE => Err(None),
        Ok(value) => Ok(value),
        Err(error) => Err(Some(error)),
    }
}
