//! A drawing as a short text for links: a letter for each coordinate of a point, a full stop between strokes. Links are written in
//! small letters only, since mail programs and the page's own repair of links make all letters small.

use crate::pad::drawing::{SIDE, Stroke};

/// The letters of the coordinates, the lowest first.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// What a text begins with: a digit there may be taken for the rest of a character that a mail program wrote, as in `=3D`.
const BEGIN: char = 's';
/// The longest text, in bytes. Mail programs and chats break long links.
const MAX_LENGTH: usize = 190;
/// The longest text that is read: links may have been made by others.
const MAX_READ: usize = 4_000;
/// How far a line may be from the points that it leaves out, in pixels of the pad: at first, at most, and the factor by which it
/// grows until the text is short enough. A pixel of the network's image has 15 of the pad.
const TOLERANCE: f64 = 3.0;
const MAX_TOLERANCE: f64 = 24.0;
const COARSER: f64 = 1.4;

/// Strokes as a text of at most 190 bytes, and how many of them it has: of many, the last ones are left out.
pub(crate) fn write(strokes: &[Stroke]) -> (String, usize) {
    let mut tolerance = TOLERANCE;
    loop {
        let parts: Vec<String> =
            strokes.iter().map(|stroke| letters(&simplified(stroke, tolerance))).collect();
        // The first letter, and the full stops.
        let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
        if length <= MAX_LENGTH || tolerance > MAX_TOLERANCE {
            let mut text = String::from(BEGIN);
            let mut count = 0;
            for part in parts {
                if text.len() + part.len() + 1 > MAX_LENGTH {
                    break;
                }
                if count > 0 {
                    text.push('.');
                }
                text.push_str(&part);
                count += 1;
            }
            return (text, count);
        }
        tolerance *= COARSER;
    }
}

/// Reads a text; none if it is no drawing.
pub(crate) fn read(text: &str) -> Option<Vec<Stroke>> {
    if text.len() > MAX_READ {
        return None;
    }
    text.strip_prefix(BEGIN)?.split('.').map(stroke).collect()
}

fn stroke(text: &str) -> Option<Stroke> {
    let coordinate = |letter: u8| {
        let at = LETTERS.iter().position(|known| *known == letter)?;
        Some(at as f64 * SIDE / 35.0)
    };
    let point = |pair: &[u8]| Some((coordinate(pair[0])?, coordinate(pair[1])?));
    let is_whole = !text.is_empty() && text.len().is_multiple_of(2);
    is_whole.then(|| text.as_bytes().chunks_exact(2).map(point).collect())?
}

fn letters(points: &[(f64, f64)]) -> String {
    let letter = |at: f64| char::from(LETTERS[(at.clamp(0.0, SIDE) / SIDE * 35.0).round() as usize]);
    let mut pairs: Vec<[char; 2]> = points.iter().map(|(x, y)| [letter(*x), letter(*y)]).collect();
    pairs.dedup();
    pairs.as_flattened().iter().collect()
}

/// The points of a line that stays this near to all of them (Douglas and Peucker 1973).
fn simplified(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    let mut kept = vec![false; points.len()];
    let mut spans = vec![(0, points.len().saturating_sub(1))];
    while let Some((first, last)) = spans.pop() {
        for end in [first, last] {
            if let Some(kept) = kept.get_mut(end) {
                *kept = true;
            }
        }
        let inner = (first + 1..last).map(|at| (at, distance(points[at], (points[first], points[last]))));
        let furthest = inner.max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, _)) = furthest.filter(|(_, distance)| *distance > tolerance) {
            spans.extend([(first, at), (at, last)]);
        }
    }
    points.iter().zip(kept).filter(|(_, kept)| *kept).map(|(point, _)| *point).collect()
}

/// The distance of a point from a straight line between two others.
fn distance((x, y): (f64, f64), ((ax, ay), (bx, by)): ((f64, f64), (f64, f64))) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(points: usize, radius: f64) -> Stroke {
        let angle = |i: usize| i as f64 / points as f64 * std::f64::consts::TAU;
        (0..points).map(|i| (210.0 + radius * angle(i).cos(), 210.0 + radius * angle(i).sin())).collect()
    }

    /// The furthest that any of these points is from the strokes.
    fn error(points: &[(f64, f64)], strokes: &[Stroke]) -> f64 {
        let to_stroke = |point: (f64, f64), stroke: &Stroke| {
            let lines = stroke.windows(2).map(|pair| distance(point, (pair[0], pair[1])));
            lines.fold(distance(point, (stroke[0], stroke[0])), f64::min)
        };
        let to_all =
            |point: &(f64, f64)| strokes.iter().map(|s| to_stroke(*point, s)).fold(f64::MAX, f64::min);
        points.iter().map(to_all).fold(0.0, f64::max)
    }

    #[test]
    fn a_drawing_is_short_and_close_to_what_was_drawn() {
        let strokes =
            [circle(300, 120.0), circle(200, 60.0), vec![(5.0, 400.0)], vec![(0.0, 0.0), (420.0, 420.0)]];
        let (text, count) = write(&strokes);
        assert!(text.len() <= MAX_LENGTH && count == 4, "{}", text.len());
        let again = read(&text).unwrap();
        assert_eq!(again.len(), strokes.len());
        for stroke in &strokes {
            assert!(error(stroke, &again) < 12.0, "{}", error(stroke, &again));
        }
    }

    #[test]
    fn a_scribble_is_coarser_and_too_many_strokes_are_left_out() {
        let scribble: Stroke =
            (0..2_000).map(|i| (f64::from(i * 7919 % 421), f64::from(i * 104_729 % 421))).collect();
        let small: Stroke = (0..60).map(|i| (f64::from(i * 7), 200.0 + 10.0 * f64::from(i % 2))).collect();
        assert_eq!(write(&[small]).1, 1);
        assert_eq!(write(&[vec![(1.0, 1.0)], scribble]), ("saa".to_owned(), 1));
        let many: Vec<Stroke> =
            (0..2_000).map(|i| vec![(f64::from(i % 420), 0.0), (f64::from(i % 420), 400.0)]).collect();
        let (text, count) = write(&many);
        assert!(text.len() <= MAX_LENGTH && count > 30);
        assert_eq!(read(&text).unwrap().len(), count);
    }

    #[test]
    fn other_texts_are_no_drawings() {
        for text in ["", "s", "a", "sa", "saaa", "saa.", "s.aa", "sa=", "saa bb", "sÄÄ", "aaaa", "sAA"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("s{}", "aa".repeat(2_001))), None);
        assert_eq!(read("saa99"), Some(vec![vec![(0.0, 0.0), (SIDE, SIDE)]]));
    }
}
