//! A training session as a state machine: commands, images and messages go in, events come out, and work is
//! done in slices.
//!
//! The parts ([`data`], [`run`], [`meters`], [`view`], [`predictions`], [`comparison`], [`kept_runs`], [`checkpoints`], [`stopping`],
//! [`step_reports`]) know nothing of one
//! another's state: their methods return what changed. [`Session`] holds them; `commands`, `work`, `keep` and `gpu`
//! connect them, and `events` turns the changes into events.

mod checkpoints;
mod commands;
mod comparison;
mod data;
mod events;
mod gpu;
mod keep;
mod kept_run;
mod kept_runs;
mod layer_detail;
mod meters;
mod passes;
mod predictions;
mod run;
mod state;
mod step_reports;
mod stopping;
mod validate;
mod view;
mod work;

pub use keep::KeptVersion;
pub use state::Session;
