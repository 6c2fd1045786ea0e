//! The arrows that ARCHITECTURE.md allows, and the sentences about those that it does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::modules::{Arrow, Crate, Destination, Files, Modules};

/// One fenced block of ARCHITECTURE.md: which of the folders in `root` may use which.
///
/// The block begins with "```arrows ROOT". Each line reads `folders -> folders`: every folder on the left may use every
/// folder on the right. Arrows run down: what stands on the right has its own line further below.
struct Table {
    root: String,
    rows: Vec<(Vec<String>, Vec<String>)>,
}

impl Table {
    fn read_all(document: &str) -> Vec<Table> {
        let mut tables: Vec<Table> = Vec::new();
        let mut inside = false;
        for line in document.lines() {
            if let Some(root) = line.strip_prefix("```arrows ") {
                tables.push(Table { root: root.trim().into(), rows: Vec::new() });
                inside = true;
            } else if line.starts_with("```") {
                inside = false;
            } else if let (true, Some(table), Some((from, to))) =
                (inside, tables.last_mut(), line.split_once("->"))
            {
                let names = |text: &str| text.split_whitespace().map(String::from).collect();
                table.rows.push((names(from), names(to)));
            }
        }
        tables
    }

    /// The line of a folder.
    fn row(&self, folder: &str) -> Option<usize> {
        self.rows.iter().position(|(from, _)| from.iter().any(|name| name == folder))
    }

    fn allows(&self, from: &str, to: &str) -> bool {
        let allows = |(left, right): &(Vec<String>, Vec<String>)| {
            left.iter().any(|name| name == from) && right.iter().any(|name| name == to)
        };
        self.rows.iter().any(allows)
    }

    /// Holds the arrows between folders, each with a sentence that names a place, against the table.
    fn check(&self, folders: &BTreeSet<String>, arrows: &BTreeMap<(String, String), String>) -> Vec<String> {
        let root = &self.root;
        let mut faults = Vec::new();
        for folder in folders.iter().filter(|folder| self.row(folder).is_none()) {
            faults
                .push(format!("`{folder}` of {root} has no line in the table of ARCHITECTURE.md: add one."));
        }
        for (row, (left, right)) in self.rows.iter().enumerate() {
            for gone in left.iter().filter(|name| !folders.contains(*name)) {
                faults.push(format!(
                    "ARCHITECTURE.md names `{gone}` of {root}, which is not there: remove it."
                ));
            }
            for to in right {
                if self.row(to).is_none_or(|other| other <= row) {
                    faults.push(format!(
                        "ARCHITECTURE.md allows `{}` -> `{to}` in {root}, which does not run down: give `{to}` a line below.",
                        left.join(" ")
                    ));
                }
                if !left.iter().any(|from| arrows.contains_key(&(from.clone(), to.clone()))) {
                    faults.push(format!(
                        "ARCHITECTURE.md allows `{}` -> `{to}` in {root}, which nothing uses: remove it.",
                        left.join(" ")
                    ));
                }
            }
        }
        for ((from, to), place) in arrows.iter().filter(|((from, to), _)| !self.allows(from, to)) {
            faults.push(format!(
                "{place}, but ARCHITECTURE.md allows no arrow `{from}` -> `{to}`: move what both need below them, or hand it in from above."
            ));
        }
        faults
    }
}

/// Holds the source files against the tables of `document`. Returns one sentence for each fault.
pub(crate) fn check(crates: &[Crate], files: &Files, document: &str) -> Vec<String> {
    let modules = match Modules::read(crates, files) {
        Ok(modules) => modules,
        Err(sentence) => return vec![sentence],
    };
    let read = modules.files();
    let mut faults: Vec<String> = files
        .keys()
        .filter(|file| !read.contains(file.as_str()))
        .map(|file| format!("{file} belongs to no crate: declare it with `mod`, or delete it."))
        .collect();
    let arrows = modules.arrows();
    let tables = Table::read_all(document);
    if tables.is_empty() {
        faults.push("ARCHITECTURE.md has no table of arrows: a block that begins with ```arrows.".into());
    }
    for table in tables {
        let (folders, between) = if table.root == "crates" {
            (crates.iter().map(|one| one.name.clone()).collect(), between_crates(crates, &arrows))
        } else {
            let folders = read.iter().filter_map(|file| folder(&table.root, file)).collect();
            (folders, between_folders(&table.root, &arrows))
        };
        faults.extend(table.check(&folders, &between));
    }
    faults.extend(circles(&arrows));
    faults
}

/// The folder of `root` that a file is in, or the file's own name without `.rs`.
fn folder(root: &str, file: &str) -> Option<String> {
    let inside = file.strip_prefix(root)?.strip_prefix('/')?;
    let first = inside.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first).into())
}

fn between_folders(root: &str, arrows: &[Arrow]) -> BTreeMap<(String, String), String> {
    let mut between = BTreeMap::new();
    for Arrow { from, path, to } in arrows {
        let Destination::File { named, .. } = to else { continue };
        let (Some(left), Some(right)) = (folder(root, from), folder(root, named)) else { continue };
        if left != right {
            between.entry((left, right)).or_insert_with(|| format!("{from} uses `{path}`"));
        }
    }
    between
}

fn between_crates(crates: &[Crate], arrows: &[Arrow]) -> BTreeMap<(String, String), String> {
    let mut between = BTreeMap::new();
    for one in crates {
        let folder = one.manifest.trim_end_matches("Cargo.toml");
        for Arrow { from, path, to } in arrows.iter().filter(|arrow| arrow.from.starts_with(folder)) {
            if let Destination::Crate(other) = to
                && *other != one.name
            {
                let key = (one.name.clone(), other.clone());
                between.entry(key).or_insert_with(|| format!("{from} uses `{path}`"));
            }
        }
        for other in &one.dependencies {
            let key = (one.name.clone(), other.clone());
            between.entry(key).or_insert_with(|| format!("{} depends on `{other}`", one.manifest));
        }
    }
    between
}

/// One sentence for each group of files that use each other in a circle.
fn circles(arrows: &[Arrow]) -> Vec<String> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for Arrow { from, path, to } in arrows {
        if let Destination::File { defined, .. } = to
            && from != defined
        {
            graph.entry(from).or_default().entry(defined).or_insert(path);
        }
    }
    let mut shortest: Vec<Vec<&str>> = graph.keys().filter_map(|file| circle_through(&graph, file)).collect();
    shortest.sort_by_key(Vec::len);
    // Of circles that share a file the shortest is enough to begin with.
    let mut seen = BTreeSet::new();
    shortest.retain(|circle| {
        let is_new = circle.iter().all(|file| !seen.contains(file));
        seen.extend(circle.iter().copied());
        is_new
    });
    let sentence = |circle: &Vec<&str>| {
        let next = circle.iter().skip(1).chain(circle.first());
        let uses: Vec<_> =
            circle.iter().zip(next).map(|(from, to)| format!("{from} uses `{}`", graph[from][to])).collect();
        format!("A circle of files: {}; move what they share into a file below them.", uses.join(", "))
    };
    shortest.iter().map(sentence).collect()
}

/// The shortest circle through a file, beginning with it.
fn circle_through<'a>(
    graph: &BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
    start: &'a str,
) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for &next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut circle = vec![file];
                while let Some(&before) = came_from.get(circle[circle.len() - 1]) {
                    circle.push(before);
                }
                circle.reverse();
                return Some(circle);
            }
            if next != start && !came_from.contains_key(next) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}
