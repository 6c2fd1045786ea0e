//! Writes MNIST as the shards that the page downloads (see `data::shard`), into `target/mnist/`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use data::{DataSet, Manifest, ShardEntry, shard};
use flate2::{Compression, GzBuilder};
use xshell::Shell;

use crate::mnist::{self, SOURCES};
use crate::paths::Paths;
use crate::progress;

/// Images in a shard. 5,000 are about 0.8 MB: training can begin a second after the page opened.
const IMAGES: usize = data::mnist::SHARD_IMAGES;

/// Raise this when the shards change though their sources do not.
const FORMAT: u32 = 1;

/// Makes sure that the shards are in `target/mnist/`.
pub(crate) fn ensure(paths: &Paths) -> Result<()> {
    let folder = paths.root.join("target/mnist");
    // Beside the folder, not in it: the folder is copied into the site as it is.
    let stamp_file = paths.root.join("target/mnist.stamp");
    let stamp = stamp();
    if fs::read_to_string(&stamp_file).is_ok_and(|made| made == stamp) && is_complete(&folder) {
        return Ok(());
    }
    let source = mnist::ensure(paths)?;
    progress::step("Compressing MNIST into shards");
    let shell = Shell::new()?;
    shell.remove_path(&stamp_file)?;
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    let manifest = Manifest {
        train: write_set(&shell, &source, 0, "train", &folder)?,
        test: write_set(&shell, &source, 2, "test", &folder)?,
    };
    shell.write_file(folder.join(shard::MANIFEST_FILE), serde_json::to_string(&manifest)?)?;
    Ok(shell.write_file(stamp_file, stamp)?)
}

/// All that the shards depend on.
fn stamp() -> String {
    let sums: Vec<_> = SOURCES.iter().map(|source| source.sha256).collect();
    format!("format {FORMAT}, {IMAGES} images a shard, of {}", sums.join(" "))
}

fn is_complete(folder: &Path) -> bool {
    let Ok(json) = fs::read(folder.join(shard::MANIFEST_FILE)) else { return false };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&json) else { return false };
    manifest.train.iter().chain(&manifest.test).all(|shard| {
        fs::metadata(folder.join(&shard.file)).is_ok_and(|file| file.len() == shard.bytes as u64)
    })
}

/// Writes the set whose images are `SOURCES[first]`, its labels next to it.
fn write_set(
    shell: &Shell,
    source: &Path,
    first: usize,
    name: &str,
    folder: &Path,
) -> Result<Vec<ShardEntry>> {
    let images = mnist::read(source, &SOURCES[first])?;
    let labels = mnist::read(source, &SOURCES[first + 1])?;
    let set = DataSet::from_idx(&images, &labels).with_context(|| format!("cannot read the {name} set"))?;
    let raw: Vec<_> = split(&set, IMAGES);

    // Of n cores, core i compresses shards i, i + n, i + 2n, ...
    let cores = thread::available_parallelism().map_or(1, usize::from).min(raw.len());
    let mut zipped: Vec<(usize, Vec<u8>)> = thread::scope(|scope| {
        let raw = &raw;
        let workers: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || {
                    (core..raw.len()).step_by(cores).map(|i| (i, gzip(&raw[i].1))).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    zipped.sort_by_key(|(index, _)| *index);

    zipped
        .into_iter()
        .map(|(index, bytes)| {
            // A neutral extension: hosts that set Content-Encoding on .gz would make the browser unzip twice.
            let file = format!("{name}-{index:02}-{}.bin", &mnist::sha256(&bytes)[..8]);
            shell.write_file(folder.join(&file), &bytes)?;
            let (images, raw) = &raw[index];
            Ok(ShardEntry { file, images: *images, bytes: bytes.len(), raw_bytes: raw.len() })
        })
        .collect()
}

/// Cuts a set into unzipped shards of `count` images, in order, each with the number of its images.
fn split(set: &DataSet, count: usize) -> Vec<(usize, Vec<u8>)> {
    let size = set.rows * set.columns;
    set.images
        .chunks(count * size)
        .zip(set.labels.chunks(count))
        .map(|(images, labels)| (labels.len(), shard::write(set.rows, set.columns, images, labels)))
        .collect()
}

/// Compresses at gzip's best level, and to the same bytes every time: without date and name.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    #[test]
    fn zipped_shards_put_together_are_the_set() {
        let images: Vec<u8> = (0..7 * 4).collect();
        let set = DataSet { rows: 2, columns: 2, images, labels: vec![0, 1, 2, 3, 4, 5, 6] };
        let shards = split(&set, 3);
        assert_eq!(shards.iter().map(|(images, _)| *images).collect::<Vec<_>>(), [3, 3, 1]);

        let mut joined = DataSet::default();
        for (_, raw) in shards {
            let mut bytes = Vec::new();
            GzDecoder::new(&gzip(&raw)[..]).read_to_end(&mut bytes).unwrap();
            joined.append(&shard::parse(&bytes).unwrap()).unwrap();
        }
        assert_eq!(joined, set);
    }
}
