//! One training session: what it is told, what it tells, and the work between. Knows no browser.

pub mod batch;
pub mod crew;
mod detail;
pub mod device;
mod good;
mod helper;
mod member;
pub mod messages;
pub mod session;
mod wire;
pub mod worth;

pub use helper::Helper;
pub use session::Session;
mod trial;
