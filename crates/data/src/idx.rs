//! The IDX format of MNIST's files (<http://yann.lecun.com/exdb/mnist/>): a magic number, big-endian sizes,
//! then the bytes.
//!
//! ```text
//! images  00 00 08 03  count  rows  columns  count * rows * columns bytes, 0 = background, 255 = ink
//! labels  00 00 08 01  count                 count bytes, one class each
//! ```
//!
//! Both parsers read a prefix and return the bytes that follow it, so that files can be concatenated (see
//! [`crate::shard`]). A header is not trusted: sizes are multiplied with a check for overflow and compared
//! with the number of bytes before anything is read or allocated.

use std::fmt;

/// Magic number of a file of images: unsigned bytes (`08`) in three dimensions (`03`).
pub const IMAGES_MAGIC: u32 = 0x0000_0803;
/// Magic number of a file of labels: unsigned bytes (`08`) in one dimension (`01`).
pub const LABELS_MAGIC: u32 = 0x0000_0801;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of images.
    Images,
    /// A file of labels.
    Labels,
}

impl Kind {
    /// The magic number with which such a file begins.
    pub fn magic(self) -> u32 {
        match self {
            Kind::Images => IMAGES_MAGIC,
            Kind::Labels => LABELS_MAGIC,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Images => "image",
            Kind::Labels => "label",
        })
    }
}

/// Why a file is not the expected data set. Displayed as one sentence, for the person who chose the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdxError {
    /// The file is empty, or its header announces no items.
    Empty(Kind),
    /// The file begins with another magic number.
    WrongMagic {
        /// The expected kind of file.
        kind: Kind,
        /// The magic number of the file.
        found: u32,
    },
    /// The bytes end before what the header announces.
    Truncated {
        /// The kind of file.
        kind: Kind,
        /// Bytes that header and content take together.
        expected: usize,
        /// Bytes of the file.
        found: usize,
    },
    /// The images have no rows or no columns.
    ZeroSize {
        /// Rows announced.
        rows: usize,
        /// Columns announced.
        columns: usize,
    },
    /// The product of the header's sizes overflows.
    TooLarge(Kind),
    /// Images and labels differ in number.
    CountMismatch {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The images of a shard differ in size from those before it.
    SizeMismatch {
        /// Rows and columns so far.
        expected: (usize, usize),
        /// Rows and columns of the new part.
        found: (usize, usize),
    },
    /// A label is not below the number of classes.
    LabelOutOfRange {
        /// Position of the label, from zero.
        index: usize,
        /// The label.
        label: u8,
    },
    /// This many bytes follow the end of the data.
    TrailingBytes(usize),
}

impl fmt::Display for IdxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdxError::Empty(kind) => {
                write!(f, "The {kind} file is empty: choose one that holds {kind}s.")
            }
            IdxError::WrongMagic { kind, found } => {
                write!(
                    f,
                    "This is not an IDX {kind} file: it begins with {found:08x} instead of {:08x}",
                    kind.magic()
                )?;
                match (*kind, *found) {
                    (Kind::Images, LABELS_MAGIC) => {
                        f.write_str(", which marks a label file; were the two swapped?")
                    }
                    (Kind::Labels, IMAGES_MAGIC) => {
                        f.write_str(", which marks an image file; were the two swapped?")
                    }
                    (_, found) if found >> 16 == 0x1f8b => {
                        f.write_str(", which marks a gzip file; unpack it first.")
                    }
                    _ => f.write_str("."),
                }
            }
            IdxError::Truncated { kind, expected, found } => write!(
                f,
                "The {kind} file is cut short: {expected} bytes were expected and {found} are there; fetch it again."
            ),
            IdxError::ZeroSize { rows, columns } => {
                write!(
                    f,
                    "The image file announces images of {rows} by {columns} pixels, which hold nothing."
                )
            }
            IdxError::TooLarge(kind) => {
                write!(
                    f,
                    "The {kind} file announces more data than this machine can address; it is probably damaged."
                )
            }
            IdxError::CountMismatch { images, labels } => {
                write!(
                    f,
                    "There are {images} images but {labels} labels: the two files do not belong together."
                )
            }
            IdxError::SizeMismatch { expected, found } => write!(
                f,
                "These images are {} by {} pixels, but those before them are {} by {}.",
                found.0, found.1, expected.0, expected.1
            ),
            IdxError::LabelOutOfRange { index, label } => write!(
                f,
                "Label number {index} is {label}, but there are only the classes 0 to {}.",
                nn::mnist::CLASSES - 1
            ),
            IdxError::TrailingBytes(count) => {
                write!(
                    f,
                    "{count} bytes follow where the data should have ended; the file is probably damaged."
                )
            }
        }
    }
}

impl std::error::Error for IdxError {}

/// The images of a file, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Images<'a> {
    /// Number of images; at least one.
    pub count: usize,
    /// Height of each.
    pub rows: usize,
    /// Width of each.
    pub columns: usize,
    /// Grey levels, `[count][rows][columns]`, 0 = background, 255 = ink.
    pub pixels: &'a [u8],
}

/// Reads the file of images with which `bytes` begins. Returns the images and the bytes that follow.
///
/// # Errors
/// Any [`IdxError`] about one file.
///
/// ```
/// use data::idx::read_images;
///
/// // Two images of 1x3 pixels.
/// let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];
/// let file = [header.as_slice(), &[0, 128, 255, 255, 128, 0]].concat();
/// let (images, rest) = read_images(&file)?;
/// assert_eq!((images.count, images.rows, images.columns), (2, 1, 3));
/// assert_eq!(images.pixels[3..], [255, 128, 0]);
/// assert!(rest.is_empty());
///
/// let error = read_images(&file[..20]).unwrap_err();
/// assert!(error.to_string().contains("22 bytes were expected and 20 are there"));
/// # Ok::<(), data::IdxError>(())
/// ```
pub fn read_images(bytes: &[u8]) -> Result<(Images<'_>, &[u8]), IdxError> {
    let kind = Kind::Images;
    let [count, rows, columns] = read_header(bytes, kind)?;
    if count == 0 {
        return Err(IdxError::Empty(kind));
    }
    if rows == 0 || columns == 0 {
        return Err(IdxError::ZeroSize { rows, columns });
    }
    let size =
        count.checked_mul(rows).and_then(|n| n.checked_mul(columns)).ok_or(IdxError::TooLarge(kind))?;
    let (pixels, rest) = split_content(bytes, 16, size, kind)?;
    Ok((Images { count, rows, columns, pixels }, rest))
}

/// Reads the file of labels with which `bytes` begins. Returns the labels and the bytes that follow.
///
/// # Errors
/// Any [`IdxError`] about one file.
pub fn read_labels(bytes: &[u8]) -> Result<(&[u8], &[u8]), IdxError> {
    let kind = Kind::Labels;
    let [count] = read_header(bytes, kind)?;
    if count == 0 {
        return Err(IdxError::Empty(kind));
    }
    split_content(bytes, 8, count, kind)
}

/// Appends a file of images to `out`; `pixels` is `[count][rows][columns]`.
///
/// # Panics
/// If the pixels are not a whole number of images, or a size exceeds the format's 32 bits.
pub fn write_images(out: &mut Vec<u8>, rows: usize, columns: usize, pixels: &[u8]) {
    assert!(rows * columns > 0 && pixels.len().is_multiple_of(rows * columns), "pixels are not whole images");
    write_header(out, Kind::Images, &[pixels.len() / (rows * columns), rows, columns]);
    out.extend_from_slice(pixels);
}

/// Appends a file of labels to `out`.
///
/// # Panics
/// If there are more labels than the format's 32 bits can count.
pub fn write_labels(out: &mut Vec<u8>, labels: &[u8]) {
    write_header(out, Kind::Labels, &[labels.len()]);
    out.extend_from_slice(labels);
}

fn write_header(out: &mut Vec<u8>, kind: Kind, sizes: &[usize]) {
    out.extend_from_slice(&kind.magic().to_be_bytes());
    for &size in sizes {
        let size = u32::try_from(size).expect("IDX sizes have 32 bits");
        out.extend_from_slice(&size.to_be_bytes());
    }
}

/// Checks the magic number and reads the `N` sizes after it.
fn read_header<const N: usize>(bytes: &[u8], kind: Kind) -> Result<[usize; N], IdxError> {
    if bytes.is_empty() {
        return Err(IdxError::Empty(kind));
    }
    let truncated = IdxError::Truncated { kind, expected: 4 + 4 * N, found: bytes.len() };
    // Checked first, since a wrong magic number explains more than a short file.
    let found = read_u32(bytes, 0).ok_or(truncated.clone())?;
    if found != kind.magic() {
        return Err(IdxError::WrongMagic { kind, found });
    }
    let mut sizes = [0; N];
    for (index, size) in sizes.iter_mut().enumerate() {
        let announced = read_u32(bytes, 4 + 4 * index).ok_or(truncated.clone())?;
        *size = usize::try_from(announced).map_err(|_| IdxError::TooLarge(kind))?;
    }
    Ok(sizes)
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

/// Splits `bytes` after a header of `header` bytes and `size` bytes of content into (content, rest).
fn split_content(bytes: &[u8], header: usize, size: usize, kind: Kind) -> Result<(&[u8], &[u8]), IdxError> {
    let expected = header.checked_add(size).ok_or(IdxError::TooLarge(kind))?;
    if bytes.len() < expected {
        return Err(IdxError::Truncated { kind, expected, found: bytes.len() });
    }
    Ok(bytes[header..].split_at(size))
}
