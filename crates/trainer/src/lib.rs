//! A training session: its state, its messages, and training on several cores or on a GPU. Independent of the
//! browser.

pub mod batch;
pub mod cursor;
pub mod device;
pub mod evaluation;
pub mod messages;
pub mod parallel;
mod rollback;
pub mod session;

pub use parallel::worker::Worker;
pub use session::Session;
