//! The state that a link carries, and its text: the settings, how the page is shown, and the parts of the features.

use crate::charts::link::{self as charts, ChartsLink};
use crate::controls::link::{self as controls, ControlsLink};
use crate::explore::link::{self as explore, ExploreLink};
use crate::link::repair::{self, Part};
use crate::network::link::{self as network, NetworkLink};
use crate::pad::link::{self as pad, PadLink};
use crate::runs::link::{self as runs, RunsLink};
use crate::settings::presentation::Presentation;
use crate::settings::{Setting, Setup, codec};
use crate::ui::format::excerpt;
use crate::ui::link_part;

/// The ignored parts that are named; of more, the number.
const MAX_NAMED: usize = 4;

/// The state that a link carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Linked {
    pub(crate) setup: Setup,
    pub(crate) presentation: Presentation,
    pub(crate) network: NetworkLink,
    pub(crate) pad: PadLink,
    pub(crate) explore: ExploreLink,
    pub(crate) charts: ChartsLink,
    pub(crate) controls: ControlsLink,
    pub(crate) runs: RunsLink,
}

impl Linked {
    /// Reads the value of a key that is no setting; none if there is no such key.
    fn read(&mut self, key: &str, value: &str) -> Option<Result<(), String>> {
        (self.presentation.read(key, value))
            .or_else(|| link_part::read(network::PARTS, &mut self.network, key, value))
            .or_else(|| link_part::read(pad::PARTS, &mut self.pad, key, value))
            .or_else(|| link_part::read(explore::PARTS, &mut self.explore, key, value))
            .or_else(|| link_part::read(charts::PARTS, &mut self.charts, key, value))
            .or_else(|| link_part::read(controls::PARTS, &mut self.controls, key, value))
            .or_else(|| link_part::read(runs::PARTS, &mut self.runs, key, value))
    }
}

/// What a fragment says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// The state, as far as it was understood.
    pub(crate) linked: Linked,
    /// Whether any part was understood. If none was, the fragment is no link of this page.
    pub(crate) is_understood: bool,
    /// The parts that were ignored, each with what helps, as in `dropout=1 (use on or off)`.
    ignored: Vec<String>,
}

impl Reading {
    /// The state; none if nothing was understood of what is there.
    pub(crate) fn state(self) -> Option<Linked> {
        (self.is_understood || self.ignored.is_empty()).then_some(self.linked)
    }

    /// What was ignored, in one sentence; none if nothing was.
    pub(crate) fn complaint(&self) -> Option<String> {
        let mut named: Vec<_> = self.ignored.iter().take(MAX_NAMED).cloned().collect();
        match self.ignored.len().saturating_sub(MAX_NAMED) {
            0 => {}
            more => named.push(format!("and {more} more")),
        }
        let which = if self.is_understood { "Part of the link" } else { "The link" };
        (!named.is_empty()).then(|| format!("{which} was ignored: {}.", named.join(", ")))
    }

    fn ignore(&mut self, part: &Part, why: &str) {
        self.ignored.push(format!("{} ({why})", excerpt(&part.quoted)));
    }
}

/// The fragment of a state, with its `#`; empty for the default state.
pub(crate) fn write(linked: &Linked) -> String {
    let mut parts = codec::parts(&linked.setup);
    parts.extend(linked.presentation.write());
    parts.extend(link_part::write(network::PARTS, &linked.network));
    parts.extend(link_part::write(pad::PARTS, &linked.pad));
    parts.extend(link_part::write(explore::PARTS, &linked.explore));
    parts.extend(link_part::write(charts::PARTS, &linked.charts));
    parts.extend(link_part::write(controls::PARTS, &linked.controls));
    parts.extend(link_part::write(runs::PARTS, &linked.runs));
    codec::fragment(&parts)
}

/// Reads a fragment: what is understood is taken, the rest is named. Never fails.
pub(crate) fn read(fragment: &str) -> Reading {
    let mut reading = Reading::default();
    if fragment.len() > repair::MAX_LENGTH {
        reading.ignored.push("it is too long".into());
        return reading;
    }
    let parts = repair::parts(fragment);
    // Settings are set last and in the order of the table, whose upper ones change the lower ones.
    let mut settings: Vec<(&'static Setting, &Part, &str)> = Vec::new();
    let mut others: Vec<&Part> = Vec::new();
    for part in &parts {
        match (part.key.as_str(), &part.value) {
            ("v", Some(version)) if version == codec::VERSION => reading.is_understood = true,
            ("v", Some(_)) => reading.ignore(part, "made by another version of this page"),
            (key, Some(value)) => match Setting::find(key) {
                Some(setting) => settings.push((setting, part, value)),
                None => match reading.linked.read(key, value) {
                    Some(Ok(())) => others.push(part),
                    Some(Err(usage)) => reading.ignore(part, &usage),
                    None => reading.ignore(part, "unknown"),
                },
            },
            (_, None) => reading.ignore(part, "unknown"),
        }
    }
    let values: Vec<_> = settings.iter().map(|(setting, _, value)| (*setting, *value)).collect();
    let (setup, refused) = codec::apply(&values);
    reading.linked.setup = setup;
    for (at, why) in &refused {
        reading.ignore(settings[*at].1, why);
    }
    let taken =
        settings.iter().enumerate().filter(|(at, _)| refused.iter().all(|(refused, _)| refused != at));
    let taken: Vec<_> = taken.map(|(_, (_, part, _))| *part).chain(others).collect();
    reading.is_understood |= !taken.is_empty();
    for (at, part) in taken.iter().enumerate() {
        // Values in a list add up; of others the last one counts.
        if taken[at + 1..].iter().any(|later| later.key == part.key && later.value != part.value)
            && part.key != "hide"
        {
            reading.ignore(part, "given twice");
        }
    }
    let network = reading.linked.setup.network.clone();
    for (key, why) in network::resolve(&mut reading.linked.network, &network) {
        if let Some(part) = parts.iter().rev().find(|part| part.key == key) {
            reading.ignore(part, &why);
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::link::OpenPanel;
    use crate::network::stages;
    use crate::settings::presentation::Theme;
    use crate::settings::{Kind, SETTINGS, layers};
    use nn::preset::Preset;
    use proptest::prelude::*;

    fn fits(setup: &Setup) -> bool {
        layers::check(&setup.network, setup.training.batch_size).is_ok()
    }

    /// The link of the state that a fragment gives.
    fn link(fragment: &str) -> String {
        write(&read(fragment).linked)
    }

    /// What is said about a fragment.
    fn complaint(fragment: &str) -> String {
        read(fragment).complaint().unwrap_or_default()
    }

    /// A fragment of which everything is understood.
    fn understood(linked: Linked) -> Reading {
        let is_understood = linked != Linked::default();
        Reading { linked, is_understood, ignored: Vec::new() }
    }

    fn of(preset: Preset) -> Linked {
        Linked { setup: Setup::of(preset), ..Linked::default() }
    }

    #[test]
    fn the_default_state_has_an_empty_link_and_presets_a_short_one() {
        assert_eq!(write(&Linked::default()), "");
        for preset in Preset::ALL {
            let link = write(&of(preset));
            assert!(link.len() < 40, "{link}");
            assert_eq!(read(&link), understood(of(preset)));
        }
    }

    #[test]
    fn only_differences_are_written() {
        assert_eq!(link("#v=1&preset=lenet5&lr=0.003&dropout=on"), "#v=1&dropout=on");
        assert_eq!(link("optimiser=sgd"), "#v=1&optimiser=sgd");
        assert_eq!(link("lr=0.5&optimiser=sgd"), "#v=1&optimiser=sgd&lr=0.5");
        assert_eq!(
            link("layers=f%2Cd10&theme=dark&hide=seed,tricks,seed"),
            "#v=1&layers=f,d10&hide=seed,tricks&theme=dark"
        );
        assert_eq!(link("#v=1&present=1&keys=0"), "#v=1&present=1&keys=0");
        assert_eq!(link("#v=1&sections=runs,curves"), "#v=1&sections=curves,runs");
        assert_eq!(link("#v=1&sections="), "#v=1&sections=");
        assert_eq!(
            link("sweep=batch,16,64&pixel=C3,16,10,10&sweep-seeds=2"),
            "#v=1&pixel=C3,16,10,10&sweep=batch,16,64&sweep-seeds=2"
        );
        // The open stage is one of the linked network, wherever in the link its layers stand.
        assert_eq!(link("open=S2&present=1&layers=c4,m2,f,d10"), "#v=1&layers=c4,m2,f,d10&present=1&open=S2");
    }

    #[test]
    fn what_is_understood_is_followed_and_the_rest_is_told() {
        let told = |fragment: &str| (link(fragment), complaint(fragment));
        let expected = |link: &str, told: &str| (link.to_owned(), told.to_owned());
        assert_eq!(
            told("#v=1&dropout=1&lr=0.02"),
            expected("#v=1&lr=0.02", "Part of the link was ignored: dropout=1 (use on or off).")
        );
        assert_eq!(
            told("#v=1&amp;lr=0.02&amp;utm_source=mail)."),
            expected("#v=1&lr=0.02", "Part of the link was ignored: utm_source=mail (unknown).")
        );
        assert_eq!(told("#V=1&OPEN=c3&MAP=5&Dropout=ON."), expected("#v=1&dropout=on&open=C3&map=5", ""));
        assert_eq!(
            told("#v=1&lr=0.02#v=1&lr=0.01"),
            expected("#v=1&lr=0.01", "Part of the link was ignored: lr=0.02 (given twice).")
        );
        assert_eq!(told("lr=0.02&lr=0.02"), expected("#v=1&lr=0.02", ""), "the same twice");
        assert_eq!(told("#v=1&hide=seed&hide=tricks"), expected("#v=1&hide=seed,tricks", ""));
        assert_eq!(
            told("#v=1&hide=seed,page&device=cpu"),
            expected(
                "#v=1&hide=seed&device=cpu",
                "Part of the link was ignored: hide=seed,page (page is not known)."
            )
        );
        assert_eq!(
            told("#v=1&momentum=0.5&batch=16"),
            expected(
                "#v=1&batch=16",
                "Part of the link was ignored: momentum=0.5 (has no effect with these settings)."
            )
        );
        assert_eq!(
            told("#v=1&layers=c6,m2,f,d12&dropout=on"),
            expected(
                "#v=1&dropout=on",
                "Part of the link was ignored: layers=c6,m2,f,d12 (The last layer must give 10 numbers, one for each digit, \
                 not 12: end with a dense layer of 10 units)."
            )
        );
        assert_eq!(
            told("#v=2&preset=mlp30"),
            expected(
                "#v=1&preset=mlp30",
                "Part of the link was ignored: v=2 (made by another version of this page)."
            )
        );
        assert_eq!(
            told("#open=C3&preset=mlp30"),
            expected(
                "#v=1&preset=mlp30",
                "Part of the link was ignored: open=C3 (this network has no such layer)."
            )
        );
        assert_eq!(
            told("#v=1&open=C1&map=7"),
            expected("#v=1&open=C1", "Part of the link was ignored: map=7 (C1 has 6 maps).")
        );
        assert_eq!(told("#top"), expected("", "The link was ignored: top (unknown)."));
        assert_eq!(
            complaint("a=1&b=2&c=3&d=4&e=5&f=6"),
            "The link was ignored: a=1 (unknown), b=2 (unknown), c=3 (unknown), d=4 (unknown), and 2 more."
        );
    }

    #[test]
    fn wrong_parts_say_what_to_use() {
        for (wrong, usage) in [
            ("lr=fast", "use a number from 0.0001 to 3"),
            ("seed=1.5", "use a whole number from 0 to 4294967295"),
            ("preset=custom", "use lenet5, "),
            ("optimiser=lion", "use sgd, momentum, nesterov, adam or adamw"),
            ("dropout=yes", "use on or off"),
            ("layers=x", "“x” is no layer"),
            ("lr=", "use a number"),
            ("theme=pink", "use auto, light or dark"),
            ("present=yes", "use 0 or 1"),
            ("keys=off", "use 0 or 1"),
            ("panel=settings", "use mistakes or data"),
            ("device=tpu", "use automatic, webgpu or cpu"),
            ("image=10000", "use a number from 0 to 9999"),
            ("lrr=1", "unknown"),
            ("lr", "unknown"),
        ] {
            let told = complaint(&format!("#v=1&{wrong}"));
            assert!(
                told.starts_with("Part of the link was ignored: ") && told.contains(usage),
                "{wrong}: {told}"
            );
            assert_eq!(link(&format!("#v=1&{wrong}")), "", "{wrong}");
        }
        for wrong in ["#%zz", "#é%ff", "#v=1&lr=%F0", "#top.html"] {
            assert!(complaint(wrong).ends_with('.') && read(wrong).linked == Linked::default(), "{wrong}");
        }
        let long = "&".repeat(repair::MAX_LENGTH + 1);
        assert_eq!(complaint(&long), "The link was ignored: it is too long.");
    }

    #[test]
    fn an_empty_fragment_says_nothing() {
        for empty in ["", "#", "#v=1", "#&", "#v=1&amp;", "#%", "#.", "#/"] {
            assert_eq!((read(empty).linked, complaint(empty)), (Linked::default(), String::new()), "{empty}");
        }
    }

    /// Settings changed one after another, as a person would.
    fn setups() -> impl Strategy<Value = Setup> {
        let preset = (0..Preset::ALL.len()).prop_map(|i| Setup::of(Preset::ALL[i]));
        let changes = prop::collection::vec((0..SETTINGS.len(), 0.0..1.0f64), 0..12);
        (preset, changes).prop_map(|(mut setup, changes)| {
            for (which, share) in changes {
                let setting = &SETTINGS[which];
                let text = match &setting.kind {
                    Kind::Choice(choice) => {
                        let option = share * choice.options.len() as f64;
                        choice.options[option as usize].0.to_owned()
                    }
                    Kind::Switch(_) => if share < 0.5 { "on" } else { "off" }.to_owned(),
                    Kind::Number(scale, _) => {
                        let (least, most) = scale.range();
                        let value = least + share * (most - least);
                        if share < 0.5 { value.round() } else { value }.to_string()
                    }
                    Kind::Layers => "c6p2,b,l0.2,a2,f,d20,t,o0.25,d10".to_owned(),
                };
                // A value without meaning here is refused.
                let _ = setting.set_text(&mut setup, &text);
            }
            // Without a penalty this switch has no meaning, and links do not carry it.
            let penalty = &mut setup.training.penalty;
            penalty.biases &= penalty.l1 > 0.0 || penalty.l2 > 0.0;
            setup
        })
    }

    #[test]
    fn parts_of_several_features_round_trip_together() {
        for text in [
            "#v=1&image=0&panel=mistakes",
            "#v=1&open=S2&panel=mistakes&unfolded=network,layers",
            "#v=1&open=C3&map=5&panel=mistakes&cell=4-9&curves=test&log=1&average=40&unfolded=network,training",
            "#v=1&pose=-3,2,15,0.9&strokes=saa99.3dzz0a",
        ] {
            assert_eq!(link(text), text);
        }
        assert!(Linked::default().read("scroll", "1").is_none());
    }

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = SETTINGS.iter().map(|setting| setting.id).collect();
        keys.extend(["v", "hide", "theme", "present", "keys", "sections"]);
        keys.extend(network::PARTS.iter().map(|part| part.key));
        keys.extend(pad::PARTS.iter().map(|part| part.key));
        keys.extend(explore::PARTS.iter().map(|part| part.key));
        keys.extend(charts::PARTS.iter().map(|part| part.key));
        keys.extend(controls::PARTS.iter().map(|part| part.key));
        keys.extend(runs::PARTS.iter().map(|part| part.key));
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn states_round_trip(setup in setups(), theme in 0..3, large: bool, no_keys: bool, sections: Option<[bool; 5]>, hidden in 0..SETTINGS.len(), stage: prop::sample::Index, log: bool) {
            let theme = [Theme::Auto, Theme::Light, Theme::Dark][theme as usize];
            let hide = [SETTINGS[hidden].id, "tricks"][..hidden % 3].to_vec();
            let presentation = Presentation { hide, theme, large, no_keys, sections };
            let stages = stages::of(&setup.network);
            let open = (!stages.is_empty()).then(|| OpenPanel::Stage(stage.get(&stages).name.clone()));
            let linked = Linked {
                setup,
                presentation,
                network: NetworkLink { open, ..NetworkLink::default() },
                charts: ChartsLink { log, ..ChartsLink::default() },
                ..Linked::default()
            };
            prop_assert_eq!(read(&write(&linked)), understood(linked));
        }

        #[test]
        fn garbage_gives_a_sentence_and_the_first_state(text in "[^=]*") {
            let reading = read(&text);
            prop_assert_eq!(&reading.linked, &Linked::default());
            prop_assert!(reading.complaint().is_none_or(|sentence| sentence.ends_with('.')));
        }

        #[test]
        fn near_garbage_gives_a_sentence_and_a_network_that_fits(
            parts in prop::collection::vec((0..SETTINGS.len(), "[-a-z0-9.,e%]{0,12}"), 0..6)
        ) {
            let fragment: Vec<_> = parts.iter().map(|(i, value)| format!("{}={value}", SETTINGS[*i].id)).collect();
            let reading = read(&fragment.join("&"));
            prop_assert!(fits(&reading.linked.setup));
            prop_assert!(reading.complaint().is_none_or(|sentence| sentence.ends_with('.')));
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        // What is read is a state of the page: its own link gives the same state, and no complaint.
        #[test]
        fn mangled_links_give_a_state_with_a_link_of_its_own(setup in setups(), seed: u64, mangles in 1..6usize) {
            let first = write(&Linked { setup, ..of_view() });
            let mangled = (0..mangles as u64).fold(first, |text, turn| mangle(&text, seed.wrapping_add(turn)));
            let reading = read(&mangled);
            prop_assert!(fits(&reading.linked.setup), "{}", mangled);
            prop_assert!(reading.complaint().is_none_or(|sentence| sentence.ends_with('.')), "{}", mangled);
            let own = write(&reading.linked);
            let again = read(&own);
            prop_assert_eq!((again.complaint(), write(&again.linked)), (None, own), "{}", mangled);
        }

        // What mail programs do to a link leaves its meaning as it was.
        #[test]
        fn decorated_links_say_the_same(setup in setups(), how in 0..DECORATIONS.len()) {
            let link = write(&Linked { setup, ..of_view() });
            prop_assert_eq!(read(&DECORATIONS[how](&link)), read(&link));
        }
    }

    /// A state in which every feature has a part in the link.
    fn of_view() -> Linked {
        let text = "#present=1&image=7&panel=data&digit=3&page=2&curves=test&log=1&unfolded=network&device=cpu&sweep=batch,16,64&sweep-seeds=2";
        read(text).linked
    }

    /// What programs do to links without changing their meaning.
    const DECORATIONS: [fn(&str) -> String; 8] = [
        |link| link.replace('&', "&amp;"),
        |link| format!("{link}."),
        |link| format!("{link}\">"),
        |link| link.to_uppercase(),
        |link| link.replace('#', "").replace('=', "%3D").replace('&', "%26").replace(',', "%2C"),
        |link| link.replace('#', "").replace('=', "%253D").replace('&', "%2526"),
        |link| link.replace('&', "&%0D%0A").replace(',', ", "),
        |link| link.replacen("v=1&", "", 1),
    ];

    /// Damages a text at one place, chosen by `seed`.
    fn mangle(text: &str, seed: u64) -> String {
        let random = |n: usize, salt: u64| {
            let mixed = (seed ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as usize % n.max(1)
        };
        let chars: Vec<char> = text.chars().collect();
        let at = random(chars.len(), 1);
        let (before, after) = chars.split_at(at);
        let (before, after) = (before.iter().collect::<String>(), after.iter().collect::<String>());
        let insert = [
            "&amp;",
            "%",
            "%25",
            "=",
            "#",
            "&",
            "-",
            "e9",
            "NaN",
            "é",
            "\n",
            ",",
            "9999999999",
            ".",
            "\0",
            "x",
        ];
        match random(6, 2) {
            0 => format!("{before}{}{after}", insert[random(insert.len(), 3)]),
            1 => before + &after.chars().skip(1 + random(5, 4)).collect::<String>(),
            2 => before,
            3 => format!("{text}&{after}"),
            4 => text.replace('=', "%3D").replace('&', "%26"),
            _ => format!("{before}{}{after}", after.to_uppercase()),
        }
    }
}
