//! Trains LeNet-5 on MNIST for one epoch and prints its accuracy on the test set:
//!
//! ```sh
//! cargo run --release -p trainer --example train_lenet -- FOLDER
//! ```
//!
//! FOLDER, or else the variable `LENET_MNIST`, names the folder of MNIST's four IDX files, unzipped.

use std::error::Error;
use std::path::{Path, PathBuf};

use data::DataSet;
use trainer::Session;
use trainer::messages::{Command, Event};
use trainer::parallel::transport::SingleCore;

fn read(folder: &Path, name: &str) -> Result<DataSet, Box<dyn Error>> {
    let file = |kind: &str| std::fs::read(folder.join(format!("{name}-{kind}-ubyte")));
    Ok(DataSet::from_idx(&file("images-idx3")?, &file("labels-idx1")?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).or_else(|| std::env::var_os("LENET_MNIST"));
    let folder = PathBuf::from(folder.ok_or("Name the folder of MNIST's IDX files.")?);
    // A session begins with an untrained LeNet-5.
    let mut session = Session::default();
    session.add_train(&read(&folder, "train")?)?;
    session.add_test(&read(&folder, "t10k")?)?;
    session.handle(Command::Train);
    let core = SingleCore::default();
    loop {
        for event in session.work(&core) {
            match event {
                Event::Progress(progress) => {
                    let loss = progress.train_loss.unwrap_or(f32::NAN);
                    eprint!("\repoch {:.2}, training loss {loss:.3} ", progress.epoch);
                }
                Event::Tested(tested) if tested.epoch >= 1.0 => {
                    println!("\ntest accuracy {:.2} %", 100.0 * tested.accuracy);
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}
