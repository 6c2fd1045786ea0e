//! A training session as a state machine: commands, images and messages go in, events come out, and work is
//! done in slices.
//!
//! The parts ([`data`], [`run`], [`meters`], [`view`], [`predictions`], [`comparison`]) know nothing of one
//! another's state: their methods return what changed. [`Session`] holds them; `commands`, `work` and `gpu`
//! connect them, and `events` turns the changes into events.

mod commands;
mod comparison;
mod data;
mod events;
mod gpu;
mod layer_detail;
mod meters;
mod predictions;
mod run;
mod state;
mod validate;
mod view;
mod work;

pub use state::Session;
