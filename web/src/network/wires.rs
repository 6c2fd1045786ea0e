//! The lines between the columns of the picture: which map is computed from which.

use std::fmt::Write;

use leptos::prelude::*;

use crate::network::inspector::Inspector;
use crate::network::layout::{Kind, Layout, Placed};
use crate::network::pixel_name::PixelRef;
use crate::network::receptive_field::position;
use crate::network::stages::{Stage, Wiring};

/// Between two columns with more lines than these, an area is drawn instead.
const MAX_LINES: usize = 400;

/// The lines between neighbouring columns, and on top of them those of the map that is inspected. They lie behind the maps.
#[component]
pub(super) fn Wires(layout: Memo<Layout>) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let pairs = Memo::new(move |_| {
        let layout = layout.get();
        inspector.stages.with(|stages| pairs(&layout, stages))
    });
    let lines = move || pairs.with(|pairs| pairs.iter().map(Pair::all).collect::<String>());
    let areas = move || pairs.with(|pairs| pairs.iter().map(Pair::area).collect::<String>());
    let inspected = Memo::new(move |_| {
        let pixel = inspector.view.pixel.get()?;
        Some((pixel.column, inspector.map_of(pixel)?))
    });
    let lit = Memo::new(move |_| {
        let Some((column, map)) = inspected.get() else { return String::new() };
        pairs.with(|pairs| {
            pairs.iter().fold(String::new(), |mut path, pair| {
                let is_of_weights = pair.from.column.kind == Kind::Weights;
                match (column, pair.stage) {
                    // The image reaches the units by all weights.
                    (0, 1) if is_of_weights => path += &pair.all(),
                    (column, stage) if stage == column => pair.lines_into(map, &mut path),
                    (column, stage) if stage == column + 1 => pair.lines_out_of(map, &mut path),
                    _ => {}
                }
                path
            })
        })
    });
    view! {
        <svg class="wires" aria-hidden="true">
            <path class="fan" d=areas></path>
            <path d=lines></path>
            <path class="lit" d=lit></path>
        </svg>
    }
}

/// Two neighbouring columns.
#[derive(Clone, Debug, PartialEq)]
struct Pair {
    from: Placed,
    to: Placed,
    wiring: Wiring,
    /// The column of the inspector of which the target is a part: 1 is the first stage.
    stage: usize,
}

/// The pairs of columns that lines tie; none where the columns break into rows.
fn pairs(layout: &Layout, stages: &[Stage]) -> Vec<Pair> {
    if !layout.is_row {
        return Vec::new();
    }
    let mut next = stages.iter().enumerate();
    let neighbours = layout.columns.windows(2).filter_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        // The weights of a first dense layer belong to its units: each picture to one.
        if to.column.kind == Kind::Weights {
            return Some(Pair { from, to, wiring: Wiring::Maps, stage: 1 });
        }
        let (at, stage) = next.next()?;
        let wiring = if from.column.kind == Kind::Weights { Wiring::OneToOne } else { stage.wiring };
        Some(Pair { from, to, wiring, stage: at + 1 })
    });
    neighbours.collect()
}

impl Pair {
    fn line(&self, from: usize, to: usize, path: &mut String) {
        let [_, top, right, bottom] = self.from.map(from);
        let (x, y) = (right, (top + bottom) / 2.0);
        let [left, top, _, bottom] = self.to.map(to);
        let (to_x, to_y) = (left, (top + bottom) / 2.0);
        // Level at both ends. Between, it bends in the gap.
        let (bend_from, bend_to) = (self.from.left + self.from.width, self.to.left);
        let middle = (bend_from + bend_to) / 2.0;
        let _ = write!(
            path,
            "M{x:.1} {y:.1}H{bend_from:.1}C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {bend_to:.1} {to_y:.1}H{to_x:.1}"
        );
    }

    fn maps(&self) -> (usize, usize) {
        (self.from.column.grid.maps, self.to.column.grid.maps)
    }

    /// Whether there are too many lines to tell them apart.
    fn is_area(&self) -> bool {
        let (from, to) = self.maps();
        self.wiring != Wiring::OneToOne && (self.wiring == Wiring::Dense || from * to > MAX_LINES)
    }

    /// All lines.
    fn all(&self) -> String {
        let mut path = String::new();
        let (from, to) = self.maps();
        match self.wiring {
            _ if self.is_area() => {}
            Wiring::OneToOne => (0..from.min(to)).for_each(|map| self.line(map, map, &mut path)),
            Wiring::Maps | Wiring::Dense => {
                (0..to).for_each(|to| (0..from).for_each(|from| self.line(from, to, &mut path)));
            }
        }
        path
    }

    /// The area of all lines, where these are too many.
    fn area(&self) -> String {
        if !self.is_area() {
            return String::new();
        }
        let edge = |placed: &Placed| (placed.top, placed.top + placed.size().1);
        let ((top, bottom), (to_top, to_bottom)) = (edge(&self.from), edge(&self.to));
        let (x, to_x) = (self.from.left + self.from.size().0, self.to.left);
        format!("M{x:.1} {top:.1}L{to_x:.1} {to_top:.1}V{to_bottom:.1}L{x:.1} {bottom:.1}z")
    }

    /// The lines into a map or a unit.
    fn lines_into(&self, map: usize, path: &mut String) {
        let (from, to) = self.maps();
        match self.wiring {
            _ if map >= to => {}
            Wiring::OneToOne => self.line(map, map, path),
            Wiring::Maps | Wiring::Dense => {
                (0..from.min(MAX_LINES)).for_each(|from| self.line(from, map, path))
            }
        }
    }

    /// The lines out of a map or a unit.
    fn lines_out_of(&self, map: usize, path: &mut String) {
        let (from, to) = self.maps();
        match self.wiring {
            _ if map >= from => {}
            Wiring::OneToOne => self.line(map, map, path),
            Wiring::Maps | Wiring::Dense => (0..to.min(MAX_LINES)).for_each(|to| self.line(map, to, path)),
        }
    }
}

impl Inspector {
    /// The map, or the unit, that a pixel is a part of; none if the column is gone.
    fn map_of(&self, pixel: PixelRef) -> Option<usize> {
        if pixel.column == 0 {
            return Some(0);
        }
        let stage = self.stage(pixel.column)?;
        (pixel.at < stage.shape.len()).then(|| position(stage.shape, pixel.at).0)
    }
}
