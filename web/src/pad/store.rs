//! The store of the pad: the drawing, the image that the network gets of it, and the prediction.

use data::mnist::PIXELS;
use data::pose::Pose;
use leptos::prelude::*;
use trainer::messages::{Command, SaliencyOf};

use crate::client::Client;
use crate::pad::drawing::{Drawing, SIDE};
use crate::pad::link::{Method, PadLink, Why};
use crate::pad::pointers::Pointers;
use crate::pad::strokes;
use crate::ui::signal::set_if_changed;

/// The pen that the keyboard moves, in pixels of the pad.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Pen {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) down: bool,
    /// Whether it is visible: the keyboard was used after the pointer.
    pub(crate) shown: bool,
}

/// The pad.
#[derive(Clone, Copy)]
pub(crate) struct PadStore {
    pub(crate) drawing: RwSignal<Drawing>,
    /// The drawing as MNIST's digits are, scaled and centred: 28×28 bytes, rows first, 255 for ink; none while nothing is drawn.
    pub(super) centred: RwSignal<Option<[u8; PIXELS]>>,
    /// How it is moved and turned from there.
    pub(crate) pose: RwSignal<Pose>,
    /// The digit for which evidence is shown.
    pub(crate) why: RwSignal<Why>,
    /// How it is found.
    pub(crate) method: RwSignal<Method>,
    /// The image that the network gets.
    pub(crate) image: Memo<Option<[u8; PIXELS]>>,
    /// The ten probabilities of the image; empty while there is none.
    pub(crate) probabilities: Memo<Vec<f32>>,
    /// The most likely digit and its probability; none while there is no image, or if the network has diverged.
    pub(crate) prediction: Memo<Option<(usize, f32)>>,
    pub(crate) pen: RwSignal<Pen>,
    /// The pointers on the pad.
    pub(super) pointers: StoredValue<Pointers>,
    /// Whether the browser keeps the pointer that draws for the pad.
    pub(super) is_captured: StoredValue<bool>,
    /// The index of the test image that is on the pad with nothing drawn on it, or that will be once it is downloaded.
    pub(crate) example: RwSignal<Option<u32>>,
    /// The index of the test image that was the last example.
    pub(crate) last_example: StoredValue<Option<u32>>,
}

impl PadStore {
    /// An empty pad. The example of the link is put on it once it is downloaded; its strokes are the business of who opens the page.
    pub(crate) fn new(link: PadLink, client: Client) -> Self {
        let (centred, pose) = (RwSignal::new(None::<[u8; PIXELS]>), RwSignal::new(link.pose));
        let image = Memo::new(move |_| {
            let pose = pose.get();
            let apply =
                |image: [u8; PIXELS]| if pose == Pose::default() { image } else { pose.apply(&image) };
            centred.get().map(apply)
        });
        let probabilities = Memo::new(move |_| {
            let probabilities =
                client.snapshot.with(|s| s.as_ref().map(|s| s.probabilities.clone())).unwrap_or_default();
            if image.with(Option::is_some) && probabilities.len() == 10 { probabilities } else { Vec::new() }
        });
        Self {
            drawing: RwSignal::default(),
            centred,
            pose,
            why: RwSignal::new(link.why),
            method: RwSignal::new(link.method),
            image,
            probabilities,
            prediction: Memo::new(move |_| probabilities.with(|probabilities| argmax(probabilities))),
            pen: RwSignal::new(Pen { x: SIDE / 2.0, y: SIDE / 4.0, down: false, shown: false }),
            pointers: StoredValue::default(),
            is_captured: StoredValue::default(),
            example: RwSignal::new(link.example),
            last_example: StoredValue::new(None),
        }
    }

    /// The state that links carry; `with_strokes`: also what is drawn.
    pub(crate) fn linked(&self, with_strokes: bool) -> PadLink {
        let strokes = if with_strokes { self.drawing.with(Drawing::strokes) } else { None };
        PadLink {
            example: self.example.get(),
            pose: self.pose.get(),
            why: self.why.get(),
            method: self.method.get(),
            strokes,
        }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, link: PadLink) {
        set_if_changed(self.example, link.example);
        set_if_changed(self.pose, link.pose);
        set_if_changed(self.why, link.why);
        set_if_changed(self.method, link.method);
        if let Some(strokes) = link.strokes {
            self.drawing.update(|drawing| drawing.draw(strokes));
        }
    }

    /// What of the drawing a link leaves out, in a sentence; none if it carries all.
    pub(crate) fn left_out(&self) -> Option<&'static str> {
        let strokes = self.drawing.with(Drawing::strokes);
        let is_blank = self.drawing.with(|drawing| drawing.is_empty() || drawing.opening().is_some());
        match strokes {
            Some(strokes) if strokes::write(&strokes).1 < strokes.len() => {
                Some("Only the first strokes of the drawing fit into the link.")
            }
            None if !is_blank && self.example.get().is_none() => {
                Some("The link does not carry what is drawn on an image, or an image of the training set.")
            }
            _ => None,
        }
    }

    /// The image before it was moved and turned; none if it was not, or there is none.
    pub(crate) fn reference(&self) -> Option<[u8; PIXELS]> {
        if self.pose.get() == Pose::default() { None } else { self.centred.get() }
    }

    /// The evidence that snapshots are to hold: by occlusion, and by the gradient of which logit.
    pub(crate) fn watched_evidence(&self) -> (bool, Option<SaliencyOf>) {
        let of = match self.why.get() {
            Why::Closed => None,
            Why::Answer => Some(SaliencyOf::Answer),
            Why::Digit(digit) => Some(SaliencyOf::Class(digit as u8)),
        };
        let of = of.filter(|_| self.image.with(Option::is_some));
        match self.method.get() {
            Method::Occlusion => (of.is_some(), None),
            Method::Gradient => (false, of),
        }
    }

    /// Sends every new image to the worker.
    pub(crate) fn send_to(self, client: Client) {
        Effect::new(move |_| {
            if let Some(image) = self.image.get() {
                let reference = self.reference().map(|image| image.to_vec());
                client.send(Command::Show { image: image.to_vec(), reference });
            }
        });
    }

    /// The image as the network's input, 0 to 1.
    pub(crate) fn pixels(&self) -> Option<Vec<f32>> {
        self.image.get().map(|image| image.iter().map(|&b| f32::from(b) / 255.0).collect())
    }

    /// Whether the network was asked, but has diverged.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.probabilities.with(|probabilities| !probabilities.is_empty())
            && self.prediction.with(Option::is_none)
    }

    /// Takes back the last stroke, image or clearing.
    pub(crate) fn undo(self) {
        self.lift();
        if self.drawing.with_untracked(Drawing::can_undo) {
            self.drawing.update(Drawing::undo);
        }
    }

    /// Does again what was taken back last.
    pub(crate) fn redo(self) {
        self.lift();
        if self.drawing.with_untracked(Drawing::can_redo) {
            self.drawing.update(Drawing::redo);
        }
    }

    /// Clears the pad.
    pub(crate) fn clear(self) {
        self.lift();
        self.drawing.update(Drawing::clear);
    }

    /// Ends the stroke under way.
    fn lift(self) {
        self.pointers.update_value(Pointers::release);
        self.pen.update(|pen| pen.down = false);
    }
}

/// The most likely class and its probability, the first of equals; none if no probability is finite.
fn argmax(probabilities: &[f32]) -> Option<(usize, f32)> {
    let finite = probabilities.iter().copied().enumerate().filter(|(_, p)| p.is_finite());
    finite.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn the_largest_finite_probability_wins() {
        assert_eq!(argmax(&[0.1, 0.7, 0.2]), Some((1, 0.7)));
        assert_eq!(argmax(&[]), None);
        assert_eq!(argmax(&[f32::NAN; 3]), None);
    }
}
