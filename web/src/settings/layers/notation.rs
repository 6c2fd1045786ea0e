//! Layers as text: `c6p2,r,m2,c16,r,m2,f,d10`.
//!
//! A layer is the letter of its kind, the value of its first option, and further options as a letter and a value each. Options
//! that have the value of a new layer are left out, except for the first.

use nn::spec::LayerSpec;

use super::options::{KINDS, options};
use crate::ui::format::{excerpt, parse_number, shortest};

/// Writes layers as text.
pub(crate) fn write(layers: &[LayerSpec]) -> String {
    layers.iter().map(|layer| write_layer(*layer)).collect::<Vec<_>>().join(",")
}

fn write_layer(mut layer: LayerSpec) -> String {
    let same = |kind: &LayerSpec| std::mem::discriminant(kind) == std::mem::discriminant(&layer);
    let (letter, mut new) = KINDS.into_iter().find(|(_, kind)| same(kind)).unwrap_or(('?', layer));
    let mut text = letter.to_string();
    for (i, (option, default)) in options(&mut layer).iter().zip(options(&mut new)).enumerate() {
        match option.get() {
            value if i == 0 => text += &shortest(value),
            value if value != default.get() => text += &format!("{}{}", option.info.code, shortest(value)),
            _ => {}
        }
    }
    text
}

/// Reads a text of [`write`].
///
/// # Errors
/// A sentence, if the text is no list of layers.
pub(crate) fn read(text: &str) -> Result<Vec<LayerSpec>, String> {
    text.split(',').map(read_layer).collect()
}

fn read_layer(text: &str) -> Result<LayerSpec, String> {
    let no_layer = || format!("“{}” is no layer.", excerpt(text));
    let kind = KINDS.into_iter().find_map(|(letter, kind)| Some((kind, text.strip_prefix(letter)?)));
    let (mut layer, mut rest) = kind.ok_or_else(no_layer)?;
    let mut options = options(&mut layer);
    let mut which = 0;
    while !rest.is_empty() {
        let length = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (number, further) = rest.split_at(length);
        let option = options.get_mut(which).ok_or_else(no_layer)?;
        let value = parse_number(number).ok_or_else(no_layer)?;
        if !option.set(value) {
            let (name, min, max) = (option.info.name, option.info.min, option.info.max);
            return Err(format!("“{}”: {name} must be between {min} and {max}.", excerpt(text)));
        }
        let mut codes = further.chars();
        if let Some(code) = codes.next() {
            which = options.iter().position(|option| option.info.code == code).ok_or_else(no_layer)?;
            if codes.as_str().is_empty() {
                return Err(no_layer());
            }
        }
        rest = codes.as_str();
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn presets_are_written_and_read() {
        assert_eq!(write(&Preset::LeNet5.network().layers), "c6p2,r,m2,c16,r,m2,f,d120,r,d84,r,d10");
        for preset in Preset::ALL {
            let layers = preset.network().layers;
            assert_eq!(read(&write(&layers)), Ok(layers));
        }
    }

    #[test]
    fn every_option_is_written() {
        let all = "c3k4s2p1,m3s1,a3s3,s2,f,d7,b,r,l0.2,g,t,o0.25";
        assert_eq!(write(&read(all).unwrap()), all);
        assert_eq!(read("c"), Ok(vec![KINDS[0].1]), "a letter alone is a new layer");
    }

    #[test]
    fn text_that_is_no_layer_gives_a_sentence() {
        for wrong in
            ["", "x", "c6,", "c6p", "c6p2p", "c0", "c6q3", "d1.5", "d9999", "r3", "o2", "o-0.5", "lNaN", "é"]
        {
            assert!(read(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
    }
}
