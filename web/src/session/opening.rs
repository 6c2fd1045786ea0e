//! What the page opens with: the state that its address names, or the one that the tab was left in.

use js_sys::{Date, Math};
use trainer::messages::ViewState;

use super::journal;
use crate::client::Client;
use crate::link::address;
use crate::link::linked::{self, Linked};
use crate::pad::drawing::Drawing;

/// What the page opens with.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// The state of the page.
    pub(crate) linked: Linked,
    /// What the address alone says.
    pub(crate) address: Linked,
    /// Whether the address names a state: else the run of the last visit is brought back whatever its settings are.
    pub(crate) says_something: bool,
    pub(crate) fragment: String,
    pub(crate) drawing: Drawing,
    /// The name under which the worker stores the session, and those that this tab had before, the last one first.
    pub(crate) session: String,
    pub(crate) before: Vec<String>,
    /// Whether the page crashed when it brought a run back.
    pub(crate) has_crashed: bool,
    /// When the tab was left, in milliseconds since 1970; 0 if it was not here before.
    pub(crate) left: f64,
}

impl Opening {
    /// Reads the address and what the tab keeps. If the address is not understood, the reason is shown, and it says nothing.
    pub(crate) fn read(client: Client) -> Self {
        let journal = journal::read();
        let fragment = address::fragment();
        let view = journal.as_ref().map(|journal| journal.view.clone()).unwrap_or_default();
        let is_as_left = journal.is_some() && fragment == view.address;
        let named = if is_as_left { linked::read(&fragment).state() } else { address::read(client) };
        let named = named.filter(|_| !fragment.is_empty());
        let kept = linked::read(&view.link).state().filter(|_| journal.is_some());
        let says_something = named.is_some() && !is_as_left;
        let linked = if says_something { named.clone() } else { kept.or(named.clone()) };
        let session = new_name();
        let has_crashed = journal.as_ref().is_some_and(|journal| journal.is_resuming);
        Self {
            linked: linked.unwrap_or_default(),
            address: named.unwrap_or_default(),
            says_something,
            fragment,
            drawing: drawing(&view),
            before: journal::begin(&session, journal),
            session,
            has_crashed,
            left: view.time,
        }
    }
}

/// The drawing of a view; an empty one, if there is none or it cannot be read.
pub(super) fn drawing(view: &ViewState) -> Drawing {
    serde_json::from_str(&view.drawing).unwrap_or_default()
}

/// A name that no other page has.
fn new_name() -> String {
    format!("{:x}-{:x}", Date::now() as u64, (Math::random() * (1_u64 << 52) as f64) as u64)
}
