//! The tests of the data in one program, which is linked once.

mod drawing;
mod idx;
mod sketch;
