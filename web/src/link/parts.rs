//! What of the page is looked at: what is open, what is chosen there, how the curves are drawn. Declared once, for the views
//! and for the link.

use nn::mnist::TEST_IMAGES;
use nn::spec::NetworkSpec;
use trainer::messages::Split;

use crate::explore::confusion_matrix::{CLASSES, Cell};
use crate::network::filter::kernel::Kernel;
use crate::network::stages;
use crate::runs;
use crate::settings::Group;
use crate::ui::format::excerpt;

/// Points of the training curves that are averaged at most.
pub(crate) const MOST_SMOOTHED: u32 = 100;

/// A panel below the picture of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// All of the stage with this name.
    Stage(String),
    /// A filter to be tried.
    Filter,
}

/// A panel below the curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Who is taken for whom.
    Mistakes,
    /// All images.
    Data,
}

/// All that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    /// What is open below the picture of the network.
    pub(crate) open: Option<Open>,
    /// The map, from 0, whose window slides in the open stage.
    pub(crate) map: usize,
    /// The filter that is tried.
    pub(crate) filter: Kernel,
    /// The test image that is on the pad, or is to come there, with nothing drawn on it.
    pub(crate) image: Option<u32>,
    /// What is open below the curves.
    pub(crate) panel: Option<Tab>,
    /// The cell of the confusion matrix whose images are shown.
    pub(crate) cell: Option<Cell>,
    /// The set that is browsed.
    pub(crate) split: Split,
    /// The digit that is browsed, if not all are.
    pub(crate) digit: Option<u8>,
    /// Whether only what is misread is browsed.
    pub(crate) misread: bool,
    /// The page of images, from 0.
    pub(crate) page: usize,
    /// Whether the curves of training and test are drawn.
    pub(crate) curves: [bool; 2],
    /// Whether losses are drawn by their logarithm.
    pub(crate) log: bool,
    /// Points of the training curves that are averaged.
    pub(crate) smoothing: u32,
    /// Which groups of settings are unfolded.
    pub(crate) unfolded: [bool; Group::ALL.len()],
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            open: None,
            map: 0,
            filter: Kernel::default(),
            image: None,
            panel: None,
            cell: None,
            split: Split::Test,
            digit: None,
            misread: false,
            page: 0,
            curves: [true; 2],
            log: false,
            smoothing: 12,
            // What a first look is for, as far as there is room.
            unfolded: Group::ALL.map(|group| !matches!(group, Group::Layers | Group::Augmentation)),
        }
    }
}

impl Scene {
    /// Opens a panel below the curves as it is at first, or none.
    pub(crate) fn show_panel(&mut self, panel: Option<Tab>) {
        let Self { cell, split, digit, misread, page, .. } = Self::default();
        *self = Self { panel, cell, split, digit, misread, page, ..self.clone() };
    }
}

/// One part of a scene in a link.
struct Part {
    key: &'static str,
    /// The value; nothing where it has no meaning.
    get: fn(&Scene) -> Option<String>,
    /// Takes the value, if there is such a one.
    set: fn(&mut Scene, &str) -> Option<()>,
}

/// All of them, in the order in which links tell them.
const PARTS: [Part; 14] = [
    Part {
        key: "open",
        get: |scene| match &scene.open {
            Some(Open::Stage(name)) => Some(name.clone()),
            Some(Open::Filter) => Some("filter".into()),
            None => None,
        },
        set: |scene, text| {
            let open = if text == "filter" { Open::Filter } else { Open::Stage(text.to_owned()) };
            scene.open = Some(open);
            Some(())
        },
    },
    Part {
        key: "map",
        get: |scene| matches!(scene.open, Some(Open::Stage(_))).then(|| (scene.map + 1).to_string()),
        set: |scene, text| counted(text).map(|map| scene.map = map),
    },
    Part {
        key: "filter",
        get: |scene| (scene.open == Some(Open::Filter)).then(|| scene.filter.write()),
        set: |scene, text| Kernel::read(text).map(|filter| scene.filter = filter),
    },
    Part {
        key: "image",
        get: |scene| scene.image.map(|image| image.to_string()),
        set: |scene, text| {
            let image = text.parse().ok().filter(|image| (*image as usize) < TEST_IMAGES)?;
            scene.image = Some(image);
            Some(())
        },
    },
    Part {
        key: "panel",
        get: |scene| Some(if scene.panel? == Tab::Mistakes { "mistakes" } else { "data" }.to_owned()),
        set: |scene, text| {
            let panel = one_of(text, [("mistakes", Tab::Mistakes), ("data", Tab::Data)])?;
            scene.panel = Some(panel);
            Some(())
        },
    },
    Part {
        key: "cell",
        get: |scene| {
            let Cell { label, class } = scene.cell.filter(|_| scene.panel == Some(Tab::Mistakes))?;
            Some(format!("{label}-{class}"))
        },
        set: |scene, text| {
            let (label, class) = text.split_once('-')?;
            let cell = Cell { label: digit(label)?, class: digit(class)? };
            scene.cell = Some(cell);
            Some(())
        },
    },
    Part {
        key: "set",
        get: |scene| in_data(scene, if scene.split == Split::Test { "test" } else { "training" }),
        set: |scene, text| {
            one_of(text, [("test", Split::Test), ("training", Split::Train)]).map(|split| scene.split = split)
        },
    },
    Part {
        key: "digit",
        get: |scene| in_data(scene, scene.digit?),
        set: |scene, text| digit(text).map(|digit| scene.digit = Some(digit as u8)),
    },
    Part {
        key: "misread",
        get: |scene| in_data(scene, u8::from(scene.misread)),
        set: |scene, text| bit(text).map(|misread| scene.misread = misread),
    },
    Part {
        key: "page",
        get: |scene| scene.panel.map(|_| (scene.page + 1).to_string()),
        set: |scene, text| counted(text).map(|page| scene.page = page),
    },
    Part {
        key: "curves",
        get: |scene| {
            let drawn = runs::Part::ALL.into_iter().filter(|part| scene.curves[*part as usize]);
            Some(drawn.map(runs::Part::name).collect::<Vec<_>>().join(","))
        },
        set: |scene, text| set_of(text, runs::Part::ALL.map(runs::Part::name)).map(|on| scene.curves = on),
    },
    Part {
        key: "log",
        get: |scene| Some(u8::from(scene.log).to_string()),
        set: |scene, text| bit(text).map(|log| scene.log = log),
    },
    Part {
        key: "average",
        get: |scene| Some(scene.smoothing.to_string()),
        set: |scene, text| {
            let points = text.parse().ok().filter(|points| (1..=MOST_SMOOTHED).contains(points))?;
            scene.smoothing = points;
            Some(())
        },
    },
    Part {
        key: "unfolded",
        get: |scene| {
            let open = Group::ALL.into_iter().zip(scene.unfolded).filter(|(_, open)| *open);
            Some(open.map(|(group, _)| group.id()).collect::<Vec<_>>().join(","))
        },
        set: |scene, text| set_of(text, Group::ALL.map(Group::id)).map(|open| scene.unfolded = open),
    },
];

/// What is told only of the panel with the data.
fn in_data(scene: &Scene, value: impl ToString) -> Option<String> {
    (scene.panel == Some(Tab::Data)).then(|| value.to_string())
}

fn one_of<T: Copy>(text: &str, values: [(&str, T); 2]) -> Option<T> {
    values.into_iter().find(|(name, _)| *name == text).map(|(_, value)| value)
}

fn bit(text: &str) -> Option<bool> {
    one_of(text, [("0", false), ("1", true)])
}

fn digit(text: &str) -> Option<usize> {
    text.parse().ok().filter(|digit| *digit < CLASSES)
}

/// What people count from 1.
fn counted(text: &str) -> Option<usize> {
    text.parse::<usize>().ok()?.checked_sub(1)
}

/// Which of these names a list holds.
fn set_of<const N: usize>(text: &str, names: [&str; N]) -> Option<[bool; N]> {
    let mut on = [false; N];
    for name in text.split(',').filter(|name| !name.is_empty()) {
        on[names.iter().position(|known| *known == name)?] = true;
    }
    Some(on)
}

/// The parts in which a scene differs from the first one, as a link tells them.
pub(crate) fn write(scene: &Scene) -> Vec<(&'static str, String)> {
    let first = Scene::default();
    // As it is when it is opened: so much need not be told.
    let first = Scene { open: scene.open.clone(), panel: scene.panel, ..first };
    let told = PARTS.iter().filter_map(|part| {
        let value = (part.get)(scene)?;
        let names_it = matches!(part.key, "open" | "panel");
        (names_it || (part.get)(&first).as_ref() != Some(&value)).then_some((part.key, value))
    });
    told.collect()
}

/// Takes over a part of a link.
///
/// # Errors
/// A sentence, if there is no such value; nothing, if there is no such part.
pub(crate) fn read(scene: &mut Scene, key: &str, value: &str) -> Option<Result<(), String>> {
    let part = PARTS.iter().find(|part| part.key == key)?;
    let taken = (part.set)(scene, value);
    Some(taken.ok_or_else(|| format!("“{key}” cannot be “{}”.", excerpt(value))))
}

/// Whether what is open is there in this network.
///
/// # Errors
/// A sentence, if it is not.
pub(crate) fn check(scene: &Scene, network: &NetworkSpec) -> Result<(), String> {
    let Some(Open::Stage(name)) = &scene.open else { return Ok(()) };
    let stages = stages::of(network);
    let stage = stages.iter().find(|stage| stage.name == *name);
    let stage = stage.ok_or_else(|| format!("this network has no layer “{}”.", excerpt(name)))?;
    if scene.map >= stage.shape.channels {
        return Err(format!("{name} has only {} maps.", stage.shape.channels));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SETTINGS;
    use nn::preset::Preset;

    /// The scene that a link tells, without settings.
    fn scene(link: &str) -> Result<Scene, String> {
        let mut scene = Scene::default();
        for (key, value) in link.split('&').filter_map(|part| part.split_once('=')) {
            read(&mut scene, key, value).unwrap()?;
        }
        check(&scene, &Preset::LeNet5.network())?;
        Ok(scene)
    }

    fn link(scene: &Scene) -> String {
        let parts = write(scene).into_iter().map(|(key, value)| format!("{key}={value}"));
        parts.collect::<Vec<_>>().join("&")
    }

    #[test]
    fn every_part_comes_back() {
        assert_eq!(link(&Scene::default()), "");
        for told in [
            "open=C3&map=16",
            "open=Output",
            "open=filter",
            "open=filter&filter=curve",
            "open=filter&filter=0,0,0,0,1,0,0,0,-0.5",
            "image=0&panel=mistakes",
            "image=9999",
            "panel=mistakes&cell=4-9&page=2",
            "panel=data&set=training&digit=7&page=3",
            "panel=data&misread=1",
            "curves=test&log=1&average=40",
            "curves=",
            "open=S2&panel=mistakes&unfolded=network,layers",
        ] {
            assert_eq!(link(&scene(told).unwrap()), told);
        }
    }

    #[test]
    fn what_is_not_seen_is_not_told() {
        let mut closed = scene("open=C3&map=5&panel=data&digit=7&page=2").unwrap();
        (closed.open, closed.panel) = (None, None);
        assert_eq!(link(&closed), "");
        let mut opened = scene("panel=mistakes&cell=4-9&page=2&log=1").unwrap();
        opened.show_panel(Some(Tab::Data));
        assert_eq!(link(&opened), "panel=data&log=1");
    }

    #[test]
    fn what_is_not_there_is_told() {
        for wrong in [
            "open=C9",
            "open=",
            "open=C1&map=0",
            "open=C1&map=7",
            "filter=emboss",
            "image=10000",
            "image=-1",
            "panel=runs",
            "cell=4",
            "cell=4-10",
            "set=all",
            "digit=10",
            "misread=yes",
            "page=0",
            "curves=loss",
            "log=2",
            "average=0",
            "average=101",
            "unfolded=tricks,seed",
        ] {
            assert!(scene(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
        assert!(read(&mut Scene::default(), "scroll", "1").is_none());
    }

    #[test]
    fn keys_are_told_once() {
        for (i, part) in PARTS.iter().enumerate() {
            let settings = SETTINGS.iter().map(|setting| setting.id);
            let others =
                PARTS[..i].iter().map(|part| part.key).chain(["v", "hide", "theme", "present", "keys"]);
            assert!(settings.chain(others).all(|key| key != part.key), "{}", part.key);
        }
    }
}
