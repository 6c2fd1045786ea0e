//! How large the columns of the picture are drawn: every value takes whole pixels of the screen, and the maps are as large as the
//! panel and the window allow.

use crate::network::grid::Grid;

/// The least and the most room between two columns (CSS pixels): the lines between the maps run through it.
const GAP: [f64; 2] = [15.0, 56.0];
/// The width of the column of the output, in CSS pixels: its words need it.
const OUTPUT_WIDTH: f64 = 70.0;
/// The least width of a column of maps, and of one of units, in CSS pixels: their words need it.
const MIN_WIDTH: [f64; 2] = [66.0, 52.0];
/// By how much columns of words are wider in a lecture hall, where the words are larger.
const HALL_WIDTH: f64 = 1.2;
/// The greatest height of one of the ten bars of the output, in CSS pixels.
const MAX_BAR: f64 = 34.0;
/// The height of the words between the image and the filters below it, in CSS pixels, with their margins.
const FILTER_WORDS: f64 = 46.0;
/// A weight of a filter is drawn at most this many times as large as a value of the image.
const MAX_WEIGHT: f64 = 3.0;

/// What a column holds. Maps of similar size grow together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The image.
    Image,
    /// The weights of a first dense layer, an image for each unit.
    Weights,
    /// Maps, or units.
    Maps,
    /// The ten bars.
    Output,
}

/// A column that asks for room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) kind: Kind,
    pub(crate) grid: Grid,
    /// The filters that stand below the image, if they are drawn.
    pub(crate) filters: Option<Grid>,
}

/// Filters with their place below the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlacedFilters {
    pub(crate) grid: Grid,
    /// The side of a weight, in CSS pixels.
    pub(crate) side: f64,
}

/// A column with its place in the picture, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) column: Column,
    /// The left edge of the column, from that of the picture.
    pub(crate) left: f64,
    /// The width of the column. The maps stand at its left.
    pub(crate) width: f64,
    /// The side of a value.
    pub(crate) scale: f64,
    /// The upper edge of the maps, from that of the highest column.
    pub(crate) top: f64,
    /// The filters below the image, if there is room for them.
    pub(crate) filters: Option<PlacedFilters>,
}

impl Placed {
    /// The width and the height of the maps.
    pub(crate) fn size(&self) -> (f64, f64) {
        let (width, height) = self.column.grid.size();
        (width as f64 * self.scale, height as f64 * self.scale)
    }

    /// The box of a map: left, top, right and bottom.
    pub(crate) fn map(&self, map: usize) -> [f64; 4] {
        let grid = self.column.grid;
        let [x, y, width, height] = grid.frame(map, &(0..grid.height), &(0..grid.width));
        let (left, top) = (self.left + x as f64 * self.scale, self.top + y as f64 * self.scale);
        [left, top, left + width as f64 * self.scale, top + height as f64 * self.scale]
    }
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Placed>,
    /// The room between two columns.
    pub(crate) gap: f64,
    /// The height of the highest column.
    pub(crate) height: f64,
    /// Whether all columns stand side by side. If not, they break into rows, and no lines tie them.
    pub(crate) is_row: bool,
}

/// The room that a picture may take, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Room {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The side of a pixel of the screen.
    pub(crate) pixel: f64,
    /// By how much large type magnifies the page: more than 1 in a lecture hall.
    pub(crate) zoom: f64,
}

impl Column {
    /// The side of a value (CSS pixels) that is just enough, and the one at which maps are clear: those of 28×28 values take 112
    /// pixels of the screen, in a lecture hall 196, those of LeNet's third and fourth stage 60.
    fn sides(&self, zoom: f64) -> [f64; 2] {
        let [least, clear] = match (self.kind, self.grid.height.max(self.grid.width)) {
            (Kind::Weights, _) => [1.0, 2.0],
            (Kind::Output, _) => [8.0, MAX_BAR],
            (_, 20..) if zoom > 1.0 => [2.0, 7.0],
            (_, 12..) => [2.0, 4.0],
            (_, 8..12) => [2.0, 6.0],
            (_, 2..8) => [4.0, 12.0],
            _ => [5.0, 12.0],
        };
        [least, clear / zoom]
    }

    /// Whether its maps are those of the image, or as large.
    fn is_large(&self) -> bool {
        self.kind != Kind::Output && self.kind != Kind::Weights && self.grid.height >= 20
    }

    fn is_vector(&self) -> bool {
        self.grid.height * self.grid.width == 1
    }

    fn width(&self, scale: f64, zoom: f64) -> f64 {
        let wider = if zoom > 1.0 { HALL_WIDTH } else { 1.0 };
        match self.kind {
            Kind::Output => wider * OUTPUT_WIDTH,
            _ => (self.grid.size().0 as f64 * scale).max(wider * MIN_WIDTH[usize::from(self.is_vector())]),
        }
    }

    fn height(&self, scale: f64) -> f64 {
        self.grid.size().1 as f64 * scale
    }
}

/// The largest sides of values for which the columns fit into the room: first large maps become clear, then the others, then
/// everything grows in turn. Columns that are too wide break into rows; columns that are too high even so are drawn as they are.
pub(crate) fn arrange(columns: &[Column], room: Room) -> Layout {
    let whole = |side| room.whole(side);
    let least = |column: &Column| {
        let lowest = room.height / column.grid.size().1 as f64;
        whole(column.sides(room.zoom)[0].min(lowest))
    };
    let mut sides: Vec<f64> = columns.iter().map(least).collect();
    let gaps = GAP[0] * columns.len().saturating_sub(1) as f64;
    let is_narrow = |sides: &[f64]| {
        let width: f64 = columns.iter().zip(sides).map(|(column, side)| column.width(*side, room.zoom)).sum();
        width + gaps <= room.width
    };
    let is_row = is_narrow(&sides);
    let fits = |sides: &[f64], grown: &[usize]| {
        let is_low = |at: &usize| columns[*at].height(sides[*at]) <= room.height;
        // No map is larger than the image that it is made of.
        let map = |at: usize| columns[at].grid.height as f64 * sides[at];
        let is_small = |at: &usize| map(*at) <= map(0) || columns[*at].is_vector();
        is_narrow(sides) && grown.iter().all(|at| is_low(at) && is_small(at))
    };
    // The largest side up to `clear` times `factor`: all columns of a group together, so that neighbours keep their proportion, and then
    // each alone.
    let grow = |sides: &mut Vec<f64>, group: &dyn Fn(&Column) -> bool, factor: f64| {
        let members: Vec<usize> = (0..columns.len()).filter(|at| group(&columns[*at])).collect();
        // The image is never larger than the maps made of it.
        let is_alone = |at: &&usize| columns[**at].kind != Kind::Image || members.len() == 1;
        let alone = members.iter().rev().filter(is_alone).map(|at| vec![*at]);
        for part in std::iter::once(members.clone()).chain(alone) {
            loop {
                let mut next = sides.clone();
                for &at in &part {
                    let most = whole(columns[at].sides(room.zoom)[1] * factor);
                    next[at] = (sides[at] + room.pixel).min(most).max(sides[at]);
                }
                if next == *sides || !fits(&next, &part) {
                    break;
                }
                *sides = next;
            }
        }
    };
    if is_row {
        let mut groups: Vec<&dyn Fn(&Column) -> bool> = vec![
            &Column::is_large,
            &|column| matches!(column.kind, Kind::Weights),
            &|column| column.kind == Kind::Maps && (2..12).contains(&column.grid.height),
            &|column| column.kind == Kind::Maps && (12..20).contains(&column.grid.height),
            &Column::is_vector,
        ];
        groups.iter().for_each(|group| grow(&mut sides, group, 1.0));
        // What is clear grows on, the smallest first.
        groups.reverse();
        for factor in [1.25, 1.5, 2.0, 2.5, 3.0, 4.0] {
            groups.iter().for_each(|group| grow(&mut sides, group, factor));
        }
    } else {
        sides = columns.iter().map(|column| row_side(column, room)).collect();
    }
    place(columns, &sides, room, is_row)
}

/// The side of a value where the columns break into rows: on a phone, three quarters of what is clear from afar, as far as the first
/// maps fit beside the image, and three columns of smaller ones beside each other.
fn row_side(column: &Column, room: Room) -> f64 {
    let width = match column.is_large() {
        true => (room.width - GAP[0]) * 2.0 / 3.0,
        false => (room.width - 2.0 * GAP[0]) / 3.0,
    };
    let most = width / column.grid.size().0 as f64;
    match column.kind {
        Kind::Output => column.sides(room.zoom)[0],
        _ => room.whole((0.75 * column.sides(room.zoom)[1]).min(most)),
    }
}

fn place(columns: &[Column], sides: &[f64], room: Room, is_row: bool) -> Layout {
    let widths: Vec<f64> =
        columns.iter().zip(sides).map(|(column, side)| column.width(*side, room.zoom)).collect();
    let total: f64 = widths.iter().sum();
    let gaps = columns.len().saturating_sub(1).max(1) as f64;
    let gap = if is_row { ((room.width - total) / gaps).clamp(GAP[0], GAP[1]) } else { GAP[0] };
    // Maps begin at whole pixels of the screen.
    let (gap, widths) = (room.whole(gap), widths.into_iter().map(|width| room.whole(width)));
    let highest = |kind_is: fn(Kind) -> bool| {
        let heights = columns.iter().zip(sides).filter(|(column, _)| kind_is(column.kind));
        heights.map(|(column, side)| column.height(*side)).fold(0.0, f64::max)
    };
    let maps = highest(|kind| kind != Kind::Output);
    // The bars are as high as the maps beside them.
    let bar = (maps / 10.0).clamp(12.0, MAX_BAR).floor();
    let height = maps.max(10.0 * bar);
    let mut left = 0.0;
    let placed = columns.iter().zip(sides).zip(widths).map(|((column, side), width)| {
        let scale = if column.kind == Kind::Output { bar } else { *side };
        let of_maps = column.height(scale);
        let filters = column.filters.and_then(|filters| {
            // In rows, the image may be higher with its filters.
            let least = if is_row { 0.0 } else { of_maps };
            let below = (height - of_maps - FILTER_WORDS).max(least);
            place_filters(filters, column.width(scale, room.zoom), below, MAX_WEIGHT * scale, room)
        });
        let of_filters =
            filters.map_or(0.0, |placed| placed.grid.size().1 as f64 * placed.side + FILTER_WORDS);
        // Image and filters are centred together.
        let above = ((height - of_maps - of_filters) / 2.0).max(0.0);
        let top = (above / room.pixel).floor() * room.pixel;
        let placed = Placed { column: *column, left, width, scale, top, filters };
        left += width + gap;
        placed
    });
    Layout { columns: placed.collect(), gap, height, is_row }
}

/// The filters as large as fit below an image of this width; none if not even one pixel a weight does.
fn place_filters(filters: Grid, width: f64, height: f64, most: f64, room: Room) -> Option<PlacedFilters> {
    let with_columns = |columns| Grid::with_columns(columns, filters.maps, filters.height, filters.width);
    let side_of = |grid: &Grid| {
        let (columns, rows) = grid.size();
        (width / columns as f64).min(height / rows as f64).min(most)
    };
    let grids = (1..=filters.maps).map(with_columns);
    let grid = grids.max_by(|a, b| side_of(a).total_cmp(&side_of(b)))?;
    let side = side_of(&grid);
    (side >= room.pixel).then(|| PlacedFilters { grid, side: room.whole(side) })
}

impl Room {
    /// The length in whole pixels of the screen, at least one.
    fn whole(&self, length: f64) -> f64 {
        ((length / self.pixel + 1e-6).floor() * self.pixel).max(self.pixel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::stages;
    use nn::preset::Preset;

    fn of(preset: Preset, width: f64, height: f64, zoom: f64) -> Layout {
        let columns = stages::columns(&stages::of(&preset.network()));
        arrange(&columns, Room { width, height, pixel: 1.0 / zoom, zoom })
    }

    /// The side of a map in CSS pixels.
    fn map(layout: &Layout, column: usize) -> f64 {
        let [left, _, right, _] = layout.columns[column].map(0);
        right - left
    }

    #[test]
    fn lenets_maps_are_large_on_a_laptop_and_in_a_lecture_hall() {
        // The room that page.css leaves at 1440×900, at 1280×720, and with present=1 at 1920×1080.
        for (width, height, zoom, least) in [
            (1114.0, 560.0, 1.0, [110.0, 60.0, 60.0]),
            (954.0, 380.0, 1.0, [100.0, 40.0, 30.0]),
            (1205.0, 500.0, 1.3, [180.0, 60.0, 60.0]),
        ] {
            let layout = of(Preset::LeNet5, width, height, zoom);
            let sizes = [1, 3, 4].map(|column| zoom * map(&layout, column));
            assert!(
                layout.is_row && sizes.iter().zip(least).all(|(size, least)| *size >= least),
                "{sizes:?} at {width}"
            );
        }
    }

    #[test]
    fn columns_stand_beside_each_other_and_nothing_leaves_them() {
        let conv = |maps: usize| format!("c{maps}k5p2,r,m2,c{}k5,r,m2,f,d120,r,d10", (2 * maps).min(256));
        let custom =
            [1, 7, 8, 10, 16, 32, 200].map(|maps| crate::settings::layers::read(&conv(maps)).unwrap());
        let deep = crate::settings::layers::read("b,m2,c4,r,f,d300,r,d100,r,d30,r,d10").unwrap();
        let image = Preset::LeNet5.network().input;
        let custom =
            custom.into_iter().chain([deep]).map(|layers| nn::spec::NetworkSpec { input: image, layers });
        for network in Preset::ALL.map(Preset::network).into_iter().chain(custom) {
            let columns = stages::columns(&stages::of(&network));
            for (width, height) in
                (280..2500).step_by(20).flat_map(|width| [176, 250, 384, 560].map(|h| (width, h)))
            {
                for zoom in [1.0, 1.2, 1.3] {
                    let (width, height) = (f64::from(width), f64::from(height));
                    let layout = arrange(&columns, Room { width, height, pixel: 1.0 / zoom, zoom });
                    check(&layout, width, zoom);
                }
            }
        }
    }

    fn check(layout: &Layout, width: f64, zoom: f64) {
        for pair in layout.columns.windows(2) {
            assert!(pair[0].left + pair[0].width + GAP[0] <= pair[1].left + 1.0);
        }
        for placed in &layout.columns {
            let pixels = placed.scale * zoom;
            let is_whole = (pixels - pixels.round()).abs() < 1e-6;
            assert!(is_whole || placed.column.kind == Kind::Output, "{placed:?}");
            assert!(placed.size().0 <= placed.width + 1.0, "{placed:?}");
            if layout.is_row {
                let filters = placed.filters.map_or(0.0, |f| f.grid.size().1 as f64 * f.side + FILTER_WORDS);
                let bottom = placed.top + placed.size().1 + filters;
                assert!(bottom <= layout.height + 1e-6, "{placed:?} ends at {bottom} of {}", layout.height);
                assert!(placed.left + placed.width <= width + 1e-6, "{placed:?} in {width}");
            }
        }
    }

    #[test]
    fn a_low_room_makes_no_column_higher() {
        for preset in Preset::ALL {
            for width in [900.0, 1100.0, 1400.0] {
                let heights = [176.0, 250.0, 384.0, 560.0].map(|height| of(preset, width, height, 1.0));
                assert!(
                    heights.windows(2).all(|pair| pair[0].height <= pair[1].height),
                    "{preset:?} at {width}"
                );
                assert!(heights.iter().all(|layout| layout.is_row), "{preset:?} at {width}");
            }
        }
    }

    #[test]
    fn the_filters_of_twenty_maps_fit_under_the_image() {
        let layout = of(Preset::OneConvolution, 1114.0, 560.0, 1.0);
        let filters = layout.columns[0].filters.unwrap();
        assert!(filters.side >= 3.0 && filters.grid.columns > 1, "{filters:?}");
    }

    #[test]
    fn on_a_phone_the_first_maps_are_beside_the_image_and_three_columns_of_others_in_a_row() {
        // The room at 320, 360 and 390.
        for width in [264.0, 304.0, 334.0] {
            let layout = of(Preset::LeNet5, width, 500.0, 1.0);
            assert!(!layout.is_row);
            for row in [&layout.columns[..2], &layout.columns[2..5], &layout.columns[5..]] {
                let of_maps: f64 = row.iter().map(|placed| placed.width).sum();
                let room = of_maps + GAP[0] * (row.len() - 1) as f64;
                assert!(room <= width, "{room} at {width}");
            }
            let (image, filters) = (layout.columns[0], layout.columns[0].filters.unwrap());
            let bottom = image.size().1 + FILTER_WORDS + filters.grid.size().1 as f64 * filters.side;
            assert!(bottom <= layout.height, "the filters end at {bottom} of {} at {width}", layout.height);
        }
    }

    #[test]
    fn more_room_never_makes_the_image_smaller() {
        let sides =
            (700..2000).step_by(10).map(|width| map(&of(Preset::LeNet5, f64::from(width), 500.0, 1.0), 1));
        let sides: Vec<f64> = sides.collect();
        assert!(sides.is_sorted(), "{sides:?}");
    }
}
