//! The architecture lint: the `use` lines of all crates are held against the tables of ARCHITECTURE.md, and no files may use
//! each other in a circle. Stage `lint` of `cargo xtask test` runs it first.

mod modules;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::{Crate, Files};

#[test]
fn the_repository_keeps_to_its_architecture() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let crates = workspace(&top);
    let mut files = Files::new();
    for one in &crates {
        let folder = Path::new(&one.manifest).parent().unwrap().join("src");
        read_folder(&top, &folder, &mut files);
    }
    let document = fs::read_to_string(top.join("ARCHITECTURE.md")).unwrap();
    let faults = rules::check(&crates, &files, &document);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The crates of the workspace, from `cargo metadata`.
fn workspace(top: &Path) -> Vec<Crate> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(top);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let relative = |value: &serde_json::Value| {
        let path = PathBuf::from(text(value));
        path.strip_prefix(top).unwrap().to_string_lossy().replace('\\', "/")
    };
    let is_compiled = |target: &&serde_json::Value| {
        let kinds = list(&target["kind"]);
        kinds.iter().any(|kind| ["lib", "rlib", "cdylib", "bin"].contains(&kind.as_str().unwrap_or_default()))
    };
    let packages = list(&metadata["packages"]);
    let one = |package: &serde_json::Value| Crate {
        name: text(&package["name"]).replace('-', "_"),
        manifest: relative(&package["manifest_path"]),
        roots: list(&package["targets"])
            .iter()
            .filter(is_compiled)
            .map(|target| relative(&target["src_path"]))
            .collect(),
        // Only [dependencies] have no kind, and only crates of the workspace have a path.
        dependencies: list(&package["dependencies"])
            .iter()
            .filter(|dependency| dependency["kind"].is_null() && !dependency["path"].is_null())
            .map(|dependency| text(&dependency["name"]).replace('-', "_"))
            .collect(),
    };
    packages.iter().map(one).collect()
}

fn read_folder(top: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(top.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            read_folder(top, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.to_string_lossy().replace('\\', "/");
            files.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The faults of a made-up crate `page` whose files are in `src`.
fn faults_of(files: &[(&str, &str)], document: &str) -> Vec<String> {
    let crates = [Crate {
        name: "page".into(),
        manifest: "Cargo.toml".into(),
        roots: vec!["src/main.rs".into()],
        dependencies: Vec::new(),
    }];
    let files = files.iter().map(|&(name, text)| (format!("src/{name}"), text.to_owned())).collect();
    rules::check(&crates, &files, document)
}

const PAGE: &str = "
```arrows src
main -> pad
pad -> ui
ui ->
```";

#[test]
fn arrows_that_the_table_allows_are_no_fault() {
    let faults = faults_of(
        &[
            ("main.rs", "mod pad; mod ui; fn main() { pad::view(); }"),
            (
                "pad.rs",
                "use crate::ui::{self, format::{number as shown, percent}}; pub fn view() { ui::format::decimals(); }",
            ),
            ("ui/mod.rs", "pub mod format;"),
            ("ui/format.rs", "pub fn number() {} pub fn percent() {} pub fn decimals() {}"),
        ],
        PAGE,
    );
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn an_arrow_that_the_table_does_not_allow_is_one_sentence() {
    let with = |ui: &str| {
        let files = [
            ("main.rs", "mod pad; mod ui; use pad::View;"),
            ("pad.rs", "pub struct View(crate::ui::Color); pub struct Ink;"),
            ("ui.rs", &format!("pub struct Color; {ui}")),
        ];
        faults_of(&files, PAGE).into_iter().filter(|fault| !fault.starts_with("A circle")).collect::<Vec<_>>()
    };
    assert_eq!(with(""), [""; 0]);
    let sentence = |path: &str| {
        format!(
            "src/ui.rs uses `{path}`, but ARCHITECTURE.md allows no arrow `ui` -> `pad`: move what both need below them, or hand it in from above."
        )
    };
    // By `use`, by a path in a type, by one in a macro, through an alias, from a module inside the file, and by `super`.
    assert_eq!(with("use crate::pad::Ink;"), [sentence("crate::pad::Ink")]);
    assert_eq!(with("fn f(_: crate::pad::Ink) {}"), [sentence("crate::pad::Ink")]);
    assert_eq!(with("fn f() { view!(<div>{crate::pad::Ink}</div>) }"), [sentence("crate::pad::Ink")]);
    assert_eq!(with("use crate::pad as p; fn f() { p::Ink; }"), [sentence("p::Ink")]);
    assert_eq!(with("mod inside { use super::super::pad::*; }"), [sentence("super::super::pad::*")]);
    assert_eq!(with("use super::pad::{Ink as Pen};"), [sentence("super::pad::Ink")]);
}

#[test]
fn code_that_only_tests_compile_is_left_out() {
    let faults = faults_of(
        &[
            ("main.rs", "mod pad; mod ui; use pad::View;"),
            ("pad.rs", "pub struct View(crate::ui::Color);"),
            (
                "ui/mod.rs",
                "pub struct Color; #[cfg(test)] mod tests { use crate::pad::View; } #[cfg(test)] mod common;
                 mod layout; #[cfg(all(unix, test))] use crate::pad::View; #[test] fn f() { crate::pad::view(); }",
            ),
            ("ui/common.rs", "use crate::pad::View;"),
            ("ui/layout.rs", "#![cfg(test)] use crate::pad::View;"),
        ],
        PAGE,
    );
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn a_circle_of_two_files_is_one_sentence() {
    let faults = faults_of(
        &[
            ("main.rs", "mod pad; mod ui; use pad::View;"),
            ("pad/mod.rs", "mod ink; pub struct View(ink::Ink, crate::ui::Color); pub struct Size;"),
            ("pad/ink.rs", "use super::Size; pub struct Ink(Size);"),
            ("ui.rs", "pub struct Color;"),
        ],
        PAGE,
    );
    assert_eq!(
        faults,
        [
            "A circle of files: src/pad/ink.rs uses `super::Size`, src/pad/mod.rs uses `ink::Ink`; move what they share into a file below them."
        ]
    );
}

#[test]
fn a_circle_of_three_files_is_one_sentence() {
    let faults = faults_of(
        &[
            ("main.rs", "mod pad; mod ui; use pad::View;"),
            (
                "pad/mod.rs",
                "mod ink; mod pen; mod stroke; pub use ink::Ink; pub struct View(crate::ui::Color);",
            ),
            ("pad/ink.rs", "use super::pen::Pen; pub struct Ink;"),
            ("pad/pen.rs", "use super::stroke::Stroke; pub struct Pen;"),
            // The folder's root only re-exports `Ink`: the circle is that of the files that define the items.
            ("pad/stroke.rs", "use super::Ink; pub struct Stroke;"),
            ("ui.rs", "pub struct Color;"),
        ],
        PAGE,
    );
    assert_eq!(
        faults,
        [
            "A circle of files: src/pad/ink.rs uses `super::pen::Pen`, src/pad/pen.rs uses `super::stroke::Stroke`, \
          src/pad/stroke.rs uses `super::Ink`; move what they share into a file below them."
        ]
    );
}

#[test]
fn the_table_itself_is_checked() {
    let files =
        [("main.rs", "mod pad; mod ui; use pad::View;"), ("pad.rs", "pub struct View;"), ("ui.rs", "")];
    let document = "```arrows src\nmain -> pad\npad -> main ui\nold ->\n```";
    assert_eq!(
        faults_of(&files, document),
        [
            "`ui` of src has no line in the table of ARCHITECTURE.md: add one.",
            "ARCHITECTURE.md allows `pad` -> `main` in src, which does not run down: give `main` a line below.",
            "ARCHITECTURE.md allows `pad` -> `main` in src, which nothing uses: remove it.",
            "ARCHITECTURE.md allows `pad` -> `ui` in src, which does not run down: give `ui` a line below.",
            "ARCHITECTURE.md allows `pad` -> `ui` in src, which nothing uses: remove it.",
            "ARCHITECTURE.md names `old` of src, which is not there: remove it.",
        ]
    );
    assert!(faults_of(&files, "")[0].contains("no table of arrows"));
}

#[test]
fn a_file_that_no_crate_reaches_is_one_sentence() {
    let files = [
        ("main.rs", "mod pad; mod ui; use pad::View;"),
        ("pad.rs", "pub struct View(crate::ui::Color);"),
        ("ui.rs", ""),
        ("old.rs", ""),
    ];
    assert_eq!(
        faults_of(&files, PAGE),
        ["src/old.rs belongs to no crate: declare it with `mod`, or delete it."]
    );
}

#[test]
fn crates_are_held_against_the_table_by_their_use_lines_and_by_cargo_toml() {
    let new = |name: &str, dependencies: &[&str]| Crate {
        name: name.into(),
        manifest: format!("crates/{name}/Cargo.toml"),
        roots: vec![format!("crates/{name}/src/lib.rs")],
        dependencies: dependencies.iter().map(ToString::to_string).collect(),
    };
    let crates = [new("nn", &["tensor", "gpu"]), new("gpu", &["nn"]), new("tensor", &[])];
    let files = [
        ("crates/nn/src/lib.rs", "use tensor::Tensor;"),
        ("crates/gpu/src/lib.rs", "pub fn run() { nn::plan::lower(); tensor::zero() }"),
        ("crates/tensor/src/lib.rs", "#[cfg(test)] use nn::Plan;"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(
        rules::check(&crates, &files, "```arrows crates\ngpu -> nn\nnn -> tensor\ntensor ->\n```"),
        [
            "crates/gpu/src/lib.rs uses `tensor::zero`, but ARCHITECTURE.md allows no arrow `gpu` -> `tensor`: move what both need \
             below them, or hand it in from above.",
            "crates/nn/Cargo.toml depends on `gpu`, but ARCHITECTURE.md allows no arrow `nn` -> `gpu`: move what both need below \
             them, or hand it in from above.",
        ]
    );
}
