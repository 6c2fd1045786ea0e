//! What links carry of the pad: the test image on it, how it is moved and turned, and, when they are copied, what is drawn.

use data::mnist::{CLASSES, TEST_IMAGES};
use data::pose::Pose;

use crate::pad::drawing::Stroke;
use crate::pad::strokes;
use crate::ui::format::shortest;
use crate::ui::link_part::LinkPart;

/// The furthest that a digit is moved, in pixels: half of the image.
pub(super) const MAX_MOVE: i32 = 14;
/// The most degrees by which it is turned either way.
pub(super) const MAX_TURN: f32 = 180.0;
/// The least and the most to which it is scaled.
pub(super) const SCALES: std::ops::RangeInclusive<f32> = 0.5..=1.5;

/// The digit for which evidence is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Why {
    /// The panel is closed.
    #[default]
    Closed,
    /// The answer.
    Answer,
    /// This digit.
    Digit(usize),
}

/// How evidence is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Method {
    /// Parts of the drawing are covered.
    #[default]
    Occlusion,
    /// The gradient of the logit with respect to the pixels.
    Gradient,
}

impl Method {
    pub(super) const ALL: [Self; 2] = [Self::Occlusion, Self::Gradient];

    /// Its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Occlusion => "occlusion",
            Self::Gradient => "gradient",
        }
    }

    /// Reads the value of a link.
    pub(super) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == text)
    }
}

/// The state of the pad that links carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PadLink {
    /// The index of the test image that is on the pad, or will be once it is downloaded.
    pub(crate) example: Option<u32>,
    /// How the network gets it.
    pub(crate) pose: Pose,
    /// The digit for which evidence is shown.
    pub(crate) why: Why,
    /// How it is found.
    pub(crate) method: Method,
    /// What is drawn. The address of the page has no drawings, copied links have them.
    pub(crate) strokes: Option<Vec<Stroke>>,
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<PadLink>] = &[
    LinkPart {
        key: "image",
        get: |state| state.example.map(|index| index.to_string()),
        set: |state, text| {
            let index = text.parse().ok().filter(|index| (*index as usize) < TEST_IMAGES)?;
            state.example = Some(index);
            Some(())
        },
        usage: "use a number from 0 to 9999",
    },
    LinkPart {
        key: "pose",
        get: |state| {
            let Pose { right, down, turn, scale } = state.pose;
            let [turn, scale] = [turn, scale].map(|number| shortest(f64::from(number)));
            (state.pose != Pose::default()).then(|| format!("{right},{down},{turn},{scale}"))
        },
        set: |state, text| {
            state.pose = pose(text)?;
            Some(())
        },
        usage: "use pixels to the right, pixels down (-14 to 14), degrees (-180 to 180) and a factor (0.5 to 1.5), as in 2,-1,15,1",
    },
    LinkPart {
        key: "why",
        get: |state| match state.why {
            Why::Closed => None,
            Why::Answer => Some("answer".to_owned()),
            Why::Digit(digit) => Some(digit.to_string()),
        },
        set: |state, text| {
            state.why = match text {
                "answer" => Why::Answer,
                _ => Why::Digit(text.parse().ok().filter(|digit| *digit < CLASSES)?),
            };
            Some(())
        },
        usage: "use answer, or a digit",
    },
    LinkPart {
        key: "evidence",
        get: |state| {
            let is_shown = state.why != Why::Closed && state.method != Method::default();
            is_shown.then(|| state.method.name().to_owned())
        },
        set: |state, text| {
            state.method = Method::read(text)?;
            Some(())
        },
        usage: "use occlusion or gradient",
    },
    LinkPart {
        key: "strokes",
        get: |state| Some(strokes::write(state.strokes.as_ref()?).0),
        set: |state, text| {
            state.strokes = Some(strokes::read(text)?);
            Some(())
        },
        usage: "use the text of a link that was copied",
    },
];

/// A pose within its limits, in whole degrees and hundredths.
fn pose(text: &str) -> Option<Pose> {
    let parts: Vec<&str> = text.split(',').collect();
    let [right, down, turn, scale] = parts[..] else { return None };
    let pixels = |text: &str| text.parse().ok().filter(|pixels| (-MAX_MOVE..=MAX_MOVE).contains(pixels));
    let turn = turn.parse::<f32>().ok().filter(|turn| turn.abs() <= MAX_TURN)?.round();
    let scale = scale.parse::<f32>().ok().filter(|scale| SCALES.contains(scale))?;
    Some(Pose { right: pixels(right)?, down: pixels(down)?, turn, scale: (100.0 * scale).round() / 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in [
            "",
            "image=0",
            "image=9999",
            "pose=2,-1,15,1",
            "image=3&pose=-14,14,-180,0.55",
            "strokes=saaab.99",
            "pose=0,0,0,1.5",
            "why=answer",
            "image=3&why=8",
            "why=answer&evidence=gradient",
        ] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        let poses = [
            "1",
            "1,2,3",
            "15,0,0,1",
            "0,-15,0,1",
            "0,0,181,1",
            "0,0,0,0.4",
            "0,0,0,NaN",
            "0,0,NaN,1",
            "1.5,0,0,1",
            "0,0,0,1,1",
        ];
        let poses = poses.map(|pose| format!("pose={pose}"));
        let others = [
            "image=10000",
            "image=-1",
            "why=",
            "why=10",
            "evidence=lime",
            "strokes=",
            "strokes=sa",
            "strokes=sa*",
            "strokes=saa..bb",
        ]
        .map(str::to_owned);
        for wrong in poses.into_iter().chain(others) {
            assert!(parse(PARTS, &wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
