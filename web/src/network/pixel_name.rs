//! A pixel of the picture as links name it: its column, and its place there, counted from 1.

use data::mnist::SIDE;
use nn::spec::Shape;

use crate::network::receptive_field::position;
use crate::network::stages::Stage;
use crate::ui::format::count;
use crate::ui::link_part::parse_ordinal;

/// The name of the first column in links.
const INPUT: &str = "Input";

/// A pixel of the network picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelRef {
    /// The column: 0 is the input, 1 the first stage.
    pub(crate) column: usize,
    /// The index into the values of the column.
    pub(crate) at: usize,
}

/// A pixel by the name of its column, as in `C3,5,2,7` (map, row and column), `F5,17` (unit) or `Input,14,9` (row and column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PixelName {
    column: String,
    /// Map, row and column, or the unit, from 0.
    place: Vec<usize>,
}

impl PixelName {
    /// The name of a pixel; none if the stages have no such pixel.
    pub(crate) fn of(pixel: PixelRef, stages: &[Stage]) -> Option<Self> {
        let (column, shape) = column(pixel.column, stages)?;
        let (map, row, x) = position(shape, pixel.at);
        let place = match (pixel.column, shape.is_vector()) {
            (0, _) => vec![row, x],
            (_, true) => vec![pixel.at],
            _ => vec![map, row, x],
        };
        (pixel.at < shape.len()).then(|| Self { column: column.to_owned(), place })
    }

    /// The pixel of this name.
    ///
    /// # Errors
    /// Says what the stages do not have.
    pub(crate) fn find(&self, stages: &[Stage]) -> Result<PixelRef, String> {
        let named =
            |at: &usize| column(*at, stages).is_some_and(|(name, _)| name.eq_ignore_ascii_case(&self.column));
        let at = (0..=stages.len()).find(named).ok_or("this network has no such layer")?;
        let (name, shape) = column(at, stages).unwrap_or((INPUT, input()));
        let place = match (at, shape.is_vector(), self.place.as_slice()) {
            (0, _, &[row, x]) => [0, row, x],
            (1.., true, &[unit]) => [unit, 0, 0],
            (1.., false, &[map, row, x]) => [map, row, x],
            (0, ..) => return Err("use Input with a row and a column".to_owned()),
            (_, true, _) => return Err(format!("use {name} with a unit")),
            _ => return Err(format!("use {name} with a map, a row and a column")),
        };
        let (height, width) = (shape.height, shape.width);
        if place[0] >= shape.channels || place[1] >= height || place[2] >= width {
            let of_what = if shape.is_vector() { "unit" } else { "map" };
            return Err(format!("{name} has {} of {height}×{width}", count(shape.channels, of_what)));
        }
        Ok(PixelRef { column: at, at: (place[0] * height + place[1]) * width + place[2] })
    }

    /// The value in a link.
    pub(crate) fn write(&self) -> String {
        self.place.iter().fold(self.column.clone(), |text, at| format!("{text},{}", at + 1))
    }

    /// Reads the value of a link.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let column = parts.next().filter(|column| !column.is_empty())?.to_owned();
        let place = parts.map(parse_ordinal).collect::<Option<Vec<_>>>()?;
        (1..=3).contains(&place.len()).then_some(Self { column, place })
    }
}

fn input() -> Shape {
    Shape::maps(1, SIDE, SIDE)
}

/// The name and the shape of a column; none if there is no such column.
fn column(at: usize, stages: &[Stage]) -> Option<(&str, Shape)> {
    match at.checked_sub(1) {
        None => Some((INPUT, input())),
        Some(at) => stages.get(at).map(|stage| (stage.name.as_str(), stage.shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::stages;
    use nn::preset::Preset;

    #[test]
    fn every_pixel_has_a_name_by_which_it_is_found() {
        for preset in Preset::ALL {
            let stages = stages::of(&preset.network());
            for column in 0..=stages.len() {
                let (_, shape) = super::column(column, &stages).unwrap();
                for at in (0..shape.len()).step_by(7).chain([shape.len() - 1]) {
                    let pixel = PixelRef { column, at };
                    let name = PixelName::of(pixel, &stages).unwrap().write();
                    assert_eq!(PixelName::read(&name).unwrap().find(&stages), Ok(pixel), "{name}");
                }
            }
        }
    }

    #[test]
    fn names_count_from_one_as_people_do() {
        let stages = stages::of(&Preset::LeNet5.network());
        let name = |column, at| PixelName::of(PixelRef { column, at }, &stages).map(|name| name.write());
        assert_eq!(name(0, 28 + 2).as_deref(), Some("Input,2,3"));
        assert_eq!(name(1, 2 * 784 + 28 + 2).as_deref(), Some("C1,3,2,3"));
        assert_eq!(name(5, 16).as_deref(), Some("F5,17"));
        assert_eq!(name(5, 120), None, "there is no such unit");
        assert_eq!(name(9, 0), None, "there is no such layer");
    }

    #[test]
    fn what_the_network_does_not_have_is_told() {
        let stages = stages::of(&Preset::LeNet5.network());
        let find =
            |text: &str| PixelName::read(text).map(|name| name.find(&stages).map_err(|why| why.to_string()));
        assert_eq!(find("c1,1,1,1"), Some(Ok(PixelRef { column: 1, at: 0 })), "in any case");
        for (text, why) in [
            ("C9,1,1,1", "this network has no such layer"),
            ("C1,7,1,1", "C1 has 6 maps of 28×28"),
            ("C1,1,29,1", "C1 has 6 maps of 28×28"),
            ("C1,3", "use C1 with a map, a row and a column"),
            ("F5,1,2", "use F5 with a unit"),
            ("Input,3", "use Input with a row and a column"),
        ] {
            assert_eq!(find(text), Some(Err(why.to_owned())), "{text}");
        }
        for text in ["", "C1", "C1,0,1,1", "C1,1,1,1,1", ",1", "C1,a"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
