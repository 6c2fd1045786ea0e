//! The files of a session in the storage: its own run, what its page showed, and the runs and checkpoints beside it.

use trainer::messages::ViewState;

use super::database::{Database, Failure};
use super::index::Info;

/// What is stored of a session.
pub(super) struct Files {
    pub(super) own: Vec<u8>,
    pub(super) replaced: Vec<Vec<u8>>,
    pub(super) checkpoints: Vec<Vec<u8>>,
    pub(super) view: Option<ViewState>,
}

impl Files {
    /// Reads the files of the session `name`.
    ///
    /// # Errors
    /// A sentence, if its run is not there or the storage fails.
    pub(super) async fn read(database: &Database, name: &str, info: &Info) -> Result<Self, String> {
        let unreadable = |failure: Failure| failure.sentence().to_owned();
        let Some(own) = database.run(name).await.map_err(unreadable)? else {
            return Err("It is no longer in this browser's storage.".into());
        };
        let (mut replaced, mut checkpoints) = (Vec::new(), Vec::new());
        for number in &info.replaced {
            replaced.extend(database.run(&key(name, *number)).await.map_err(unreadable)?);
        }
        for number in &info.checkpoints {
            // The run is worth more than its checkpoints.
            let Ok(file) = database.run(&key(name, *number)).await else { break };
            checkpoints.extend(file);
        }
        let view = database.run(&view_key(name)).await.map_err(unreadable)?;
        let view = view.and_then(|view| serde_json::from_slice(&view).ok());
        Ok(Self { own, replaced, checkpoints, view })
    }
}

/// The key of what the page showed with a session.
pub(super) fn view_key(session: &str) -> String {
    format!("{session}/view")
}

/// The key of a run that was replaced, or of a checkpoint.
pub(super) fn key(session: &str, number: u32) -> String {
    format!("{session}/{number}")
}
