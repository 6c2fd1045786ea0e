//! Evidence by the gradient: how a digit's logit would change if single pixels were a little lighter.

use data::mnist::SIDE;
use nn::cpu::Units;
use trainer::messages::Saliency;

use crate::pad::why::evidence::{Evidence, frame};
use crate::ui::format::format_number;

/// The pixel of the largest gradient of its sign: its row and column, and by how much a tenth of white changes the logit.
type Strongest = Option<((usize, usize), f32)>;

/// What the panel shows of a saliency map, of a network read with these units.
pub(super) fn evidence(map: &Saliency, units: Units) -> Evidence {
    let [raises, lowers] = [1.0, -1.0].map(|sign| strongest(&map.gradient, sign));
    // A frame one pixel wider leaves the pixel itself visible.
    let around = |strongest: Strongest| strongest.map(|(pixel, _)| frame(pixel, 1));
    Evidence {
        values: map.gradient.clone(),
        least: f32::MIN_POSITIVE,
        frames: [raises, lowers].map(|strongest| around(strongest).unwrap_or_default()),
        words: words(map, units, raises, lowers),
    }
}

fn strongest(gradient: &[f32], sign: f32) -> Strongest {
    let signed = gradient.iter().map(|value| sign * value).enumerate().filter(|(_, value)| *value > 0.0);
    let (at, value) = signed.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    Some(((at / SIDE, at % SIDE), value / 10.0))
}

fn words(map: &Saliency, units: Units, raises: Strongest, lowers: Strongest) -> String {
    let (class, logit) = (map.class, format_number(map.logit));
    let network = if units == Units::All { "The" } else { "With the units that are shown, the" };
    let pixel = |((row, column), by): ((usize, usize), f32), verb: &str, frame: &str| {
        format!(
            "row {}, column {} {verb} it most (by {}, {frame} frame)",
            row + 1,
            column + 1,
            format_number(by)
        )
    };
    let effect = match (raises, lowers) {
        (None, None) => return format!("{network} logit of {class} is {logit}, and no pixel changes it."),
        (Some(raises), None) => pixel(raises, "raises", "solid"),
        (None, Some(lowers)) => pixel(lowers, "lowers", "dashed"),
        (Some(raises), Some(lowers)) => {
            format!("{}, and {}", pixel(raises, "raises", "solid"), pixel(lowers, "lowers", "dashed"))
        }
    };
    format!("{network} logit of {class} is {logit}. A tenth of white more at {effect}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::mnist::PIXELS;

    fn map(changes: &[(usize, f32)]) -> Saliency {
        let mut gradient = vec![0.0; PIXELS];
        changes.iter().for_each(|(at, value)| gradient[*at] = *value);
        Saliency { class: 7, logit: 8.314, gradient }
    }

    #[test]
    fn the_pixels_that_raise_and_lower_the_logit_most_are_framed_and_named() {
        let found =
            evidence(&map(&[(0, 0.5), (10 * SIDE + 14, 2.1), (27 * SIDE + 27, -1.8), (3, -0.2)]), Units::All);
        assert_eq!(
            found.words,
            "The logit of 7 is 8.31. A tenth of white more at row 11, column 15 raises it most (by 0.21, solid frame), and \
             row 28, column 28 lowers it most (by 0.18, dashed frame)."
        );
        assert_eq!(found.frames, ["M13 9H16V12H13z", "M26 26H28V28H26z"]);
        let picture = found.picture(&[0; PIXELS]);
        let at = |pixel: usize| &picture[4 * pixel..4 * pixel + 3];
        assert_eq!(at(10 * SIDE + 14), [170, 75, 0], "the largest gradient has the strongest colour");
        assert!(at(27 * SIDE + 27)[2] > at(27 * SIDE + 27)[0] && at(0)[0] > at(0)[2]);
        assert_eq!(at(1), [247, 246, 242]);
    }

    #[test]
    fn a_gradient_of_one_sign_or_none_is_said_to_be_so() {
        let found = evidence(&map(&[(40, -0.001)]), Units::AllScaled);
        assert_eq!(
            found.words,
            "With the units that are shown, the logit of 7 is 8.31. A tenth of white more at row 2, column 13 lowers it most \
             (by 1e-4, dashed frame)."
        );
        assert_eq!(found.frames[0], "");
        let none = evidence(&map(&[]), Units::All);
        assert_eq!(none.words, "The logit of 7 is 8.31, and no pixel changes it.");
        assert_eq!(none.picture(&[0; PIXELS])[..3], [247, 246, 242]);
    }
}
