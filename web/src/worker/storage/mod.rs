//! The session in the browser's storage (IndexedDB), so that it outlives the page.

mod database;
mod files;
mod index;
mod keeper;
mod presence;

pub(super) use keeper::{Keeper, Owner};
