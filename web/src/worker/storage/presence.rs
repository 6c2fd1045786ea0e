//! Which sessions are open in other tabs. Pages on plain http have no locks (`navigator.locks`), so the tabs are asked.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "lenet-playground";
const QUESTION: &str = "who is here?";
/// An answer is this, followed by the name of a session.
const ANSWER: &str = "here: ";
/// Milliseconds for an answer. A worker that trains answers between two slices of 16 ms. A tab that the browser has
/// frozen does not answer, and is none the worse for it: it keeps its session in memory, and stores it under its own name.
const PATIENCE: u32 = 150;

/// The tabs that have the page open.
#[derive(Clone)]
pub(super) struct Presence {
    /// None in a browser without such channels: no other tab is known there.
    channel: Option<BroadcastChannel>,
    answers: Rc<RefCell<Vec<String>>>,
}

impl Presence {
    /// Answers the questions of other tabs from now on, for the session of this name.
    pub(super) fn new(session: String) -> Self {
        let channel = BroadcastChannel::new(CHANNEL).ok();
        let answers = Rc::new(RefCell::new(Vec::new()));
        if let Some(channel) = &channel {
            let (replies, heard) = (channel.clone(), answers.clone());
            let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                let text = message.data().as_string().unwrap_or_default();
                if text == QUESTION {
                    let _ = replies.post_message(&format!("{ANSWER}{session}").into());
                } else if let Some(session) = text.strip_prefix(ANSWER) {
                    heard.borrow_mut().push(session.to_owned());
                }
            });
            channel.set_onmessage(Some(handler.as_ref().unchecked_ref()));
            handler.forget();
        }
        Self { channel, answers }
    }

    /// The sessions that are open in other tabs.
    pub(super) async fn others(&self) -> Vec<String> {
        let Some(channel) = &self.channel else { return Vec::new() };
        // Answers to the questions of others, from tabs that may be closed by now.
        self.answers.borrow_mut().clear();
        if channel.post_message(&QUESTION.into()).is_ok() {
            TimeoutFuture::new(PATIENCE).await;
        }
        self.answers.take()
    }
}
