//! One training session: what it is told, what it tells, and the work between. Knows no browser.

pub mod messages;
pub mod session;

pub use session::Session;
