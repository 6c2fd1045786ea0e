//! One training session: what it is told, what it tells, and the work between. Knows no browser.

pub mod batch;
pub mod device;
mod layer_detail;
pub mod messages;
pub mod parallel;
mod rollback;
pub mod session;

pub use parallel::worker::Helper;
pub use session::Session;
