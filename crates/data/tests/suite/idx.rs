//! IDX files and shards: good ones, and every way in which a file can be bad.

use data::idx::{self, IdxError, Kind};
use data::{DataSet, shard};
use wasm_bindgen_test::wasm_bindgen_test;

const ROWS: usize = 3;
const COLUMNS: usize = 2;

/// An image file and a label file of four images.
fn pair() -> (Vec<u8>, Vec<u8>) {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    idx::write_images(&mut images, ROWS, COLUMNS, &(0..24).collect::<Vec<u8>>());
    idx::write_labels(&mut labels, &[5, 0, 4, 9]);
    (images, labels)
}

#[wasm_bindgen_test(unsupported = test)]
fn a_valid_pair_of_files_is_read() {
    let (images, labels) = pair();
    let set = DataSet::from_idx(&images, &labels).unwrap();
    assert_eq!((set.len(), set.rows, set.columns), (4, ROWS, COLUMNS));
    assert_eq!(set.image(1), [6, 7, 8, 9, 10, 11]);
    assert_eq!(set.labels, [5, 0, 4, 9]);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_header_is_that_of_mnist() {
    let (images, labels) = pair();
    assert_eq!(images[..16], [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2]);
    assert_eq!(labels[..8], [0, 0, 8, 1, 0, 0, 0, 4]);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_truncated_file_is_refused_at_every_length() {
    let (images, labels) = pair();
    for length in 1..images.len() {
        let error = idx::read_images(&images[..length]).unwrap_err();
        let expected = if length < 16 { 16 } else { 40 };
        assert_eq!(error, IdxError::Truncated { kind: Kind::Images, expected, found: length });
    }
    for length in 1..labels.len() {
        assert!(matches!(
            idx::read_labels(&labels[..length]),
            Err(IdxError::Truncated { kind: Kind::Labels, .. })
        ));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_wrong_magic_number_is_named() {
    let (images, labels) = pair();
    let swapped = DataSet::from_idx(&labels, &images).unwrap_err();
    assert_eq!(swapped, IdxError::WrongMagic { kind: Kind::Images, found: idx::LABELS_MAGIC });
    assert!(swapped.to_string().contains("swapped"), "{swapped}");

    let gzip = idx::read_images(&[0x1f, 0x8b, 8, 0, 0, 0]).unwrap_err();
    assert!(gzip.to_string().contains("gzip"), "{gzip}");

    let other = idx::read_labels(b"<!doctype html>").unwrap_err();
    assert_eq!(
        other.to_string(),
        "This is not an IDX label file: it begins with 3c21646f instead of 00000801."
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn files_with_different_numbers_of_items_are_refused() {
    let (images, _) = pair();
    let mut labels = Vec::new();
    idx::write_labels(&mut labels, &[1, 2, 3]);
    assert_eq!(DataSet::from_idx(&images, &labels), Err(IdxError::CountMismatch { images: 4, labels: 3 }));
}

#[wasm_bindgen_test(unsupported = test)]
fn empty_files_are_refused() {
    assert_eq!(idx::read_images(&[]), Err(IdxError::Empty(Kind::Images)));
    assert_eq!(idx::read_labels(&[]), Err(IdxError::Empty(Kind::Labels)));
    assert_eq!(idx::read_labels(&[0, 0, 8, 1, 0, 0, 0, 0]), Err(IdxError::Empty(Kind::Labels)));
    let mut none = Vec::new();
    idx::write_images(&mut none, ROWS, COLUMNS, &[]);
    assert_eq!(idx::read_images(&none), Err(IdxError::Empty(Kind::Images)));
}

#[wasm_bindgen_test(unsupported = test)]
fn headers_with_impossible_sizes_are_refused() {
    let no_columns = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 0];
    assert_eq!(idx::read_images(&no_columns), Err(IdxError::ZeroSize { rows: 28, columns: 0 }));

    let mut huge = [0xff; 16];
    huge[..4].copy_from_slice(&idx::IMAGES_MAGIC.to_be_bytes());
    assert_eq!(idx::read_images(&huge), Err(IdxError::TooLarge(Kind::Images)));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_label_above_nine_is_refused() {
    let (images, mut labels) = pair();
    labels[10] = 10;
    let error = DataSet::from_idx(&images, &labels).unwrap_err();
    assert_eq!(error, IdxError::LabelOutOfRange { index: 2, label: 10 });
}

#[wasm_bindgen_test(unsupported = test)]
fn bytes_after_the_end_are_refused() {
    let (images, mut labels) = pair();
    labels.push(0);
    assert_eq!(DataSet::from_idx(&images, &labels), Err(IdxError::TrailingBytes(1)));
}

#[wasm_bindgen_test(unsupported = test)]
fn shards_appended_in_order_make_the_whole() {
    let (images, labels) = pair();
    let whole = DataSet::from_idx(&images, &labels).unwrap();
    let size = ROWS * COLUMNS;
    let mut joined = DataSet::default();
    joined.reserve_total(4, ROWS, COLUMNS);
    for range in [0..1, 1..3, 3..4] {
        let pixels = &whole.images[range.start * size..range.end * size];
        let bytes = shard::write(ROWS, COLUMNS, pixels, &whole.labels[range]);
        joined.append(&shard::parse(&bytes).unwrap()).unwrap();
    }
    assert_eq!(joined, whole);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_shard_of_another_size_leaves_the_set_as_it_was() {
    let mut set = shard::parse(&shard::write(ROWS, COLUMNS, &[1; 6], &[1])).unwrap();
    let before = set.clone();
    let other = shard::parse(&shard::write(2, 2, &[1; 4], &[1])).unwrap();
    let error = set.append(&other).unwrap_err();
    assert_eq!(error, IdxError::SizeMismatch { expected: (ROWS, COLUMNS), found: (2, 2) });
    assert_eq!(set, before);
}

/// Random inputs, natively only: the code under test is the same, and proptest would weigh on the wasm build.
#[cfg(not(target_family = "wasm"))]
mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shard_survives_the_round_trip(
            (rows, columns, images, labels) in (1usize..9, 1usize..9, 1usize..20).prop_flat_map(|(rows, columns, count)| (
                Just(rows),
                Just(columns),
                prop::collection::vec(any::<u8>(), rows * columns * count),
                prop::collection::vec(0u8..10, count),
            ))
        ) {
            let set = shard::parse(&shard::write(rows, columns, &images, &labels)).unwrap();
            prop_assert_eq!(set, DataSet { rows, columns, images, labels });
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (idx::read_images(&bytes), idx::read_labels(&bytes), shard::parse(&bytes));
        }

        #[test]
        fn arbitrary_sizes_never_panic(sizes in any::<[u32; 3]>(), small in any::<[bool; 3]>(), tail in 0usize..200) {
            let mut bytes = idx::IMAGES_MAGIC.to_be_bytes().to_vec();
            for (size, small) in sizes.into_iter().zip(small) {
                bytes.extend((if small { size % 5 } else { size }).to_be_bytes());
            }
            bytes.resize(bytes.len() + tail, 7);
            if let Ok((images, rest)) = idx::read_images(&bytes) {
                prop_assert_eq!(images.pixels.len(), images.count * images.rows * images.columns);
                prop_assert_eq!(images.pixels.len() + rest.len(), tail);
            }
            let _ = shard::parse(&bytes);
        }

        #[test]
        fn a_damaged_shard_is_refused_or_still_a_data_set(
            damage in prop::collection::vec((0usize..52, any::<u8>()), 0..5), length in 40usize..60
        ) {
            let mut bytes = shard::write(3, 2, &[9; 24], &[1, 2, 3, 4]);
            for (at, with) in damage {
                bytes[at] = with;
            }
            bytes.resize(length, 1);
            match shard::parse(&bytes) {
                Ok(set) => {
                    prop_assert_eq!(set.images.len(), set.len() * set.rows * set.columns);
                    prop_assert!(!set.is_empty() && set.labels.iter().all(|&l| usize::from(l) < data::mnist::CLASSES));
                    prop_assert_eq!(shard::write(set.rows, set.columns, &set.images, &set.labels), bytes);
                }
                // Some ask whether two files were swapped.
                Err(error) => prop_assert!(error.to_string().ends_with(['.', '?'])),
            }
        }
    }
}
