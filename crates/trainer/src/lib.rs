//! One training session: what it is told, what it tells, and the loop between. Knows no browser.
pub mod messages;
