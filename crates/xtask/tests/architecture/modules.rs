//! The modules of the workspace, as their `mod` declarations form them, and the paths that each file names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, Meta, Token, UseTree};

/// One package of the workspace.
pub(crate) struct Crate {
    /// The name that other crates use.
    pub(crate) name: String,
    /// Cargo.toml, relative to the repository.
    pub(crate) manifest: String,
    /// The files at which compilation begins: lib.rs, main.rs.
    pub(crate) roots: Vec<String>,
    /// Crates of this workspace that Cargo.toml names in `[dependencies]`.
    pub(crate) dependencies: Vec<String>,
}

/// Source files by their path relative to the repository.
pub(crate) type Files = BTreeMap<String, String>;

/// A path such as `crate::settings::Setting`, one element a segment.
type Segments = Vec<String>;

/// Index of a module in [`Modules`].
type ModuleId = usize;

#[derive(Default)]
struct Module {
    file: String,
    parent: Option<ModuleId>,
    /// Whether only tests compile it.
    for_tests: bool,
    children: BTreeMap<String, ModuleId>,
    /// Names that are defined here.
    items: BTreeSet<String>,
    /// Names that a `use` brings here, each with the paths it may stand for.
    imports: BTreeMap<String, Vec<Segments>>,
    /// The modules of `use module::*`.
    globs: Vec<Segments>,
    /// Paths of two segments or more in the code itself.
    paths: Vec<Segments>,
}

/// What a path leads to.
#[derive(Clone)]
enum Target {
    Module(ModuleId),
    /// An item, and the file that defines it.
    Item(String),
    /// Something in another crate of the workspace.
    Crate(String),
}

/// A path that was followed.
#[derive(Clone)]
struct Resolved {
    /// The file of the last module that the path names itself, before any re-export there is followed.
    named: Option<String>,
    target: Target,
}

/// One use of a file or of a crate by a file.
pub(crate) struct Arrow {
    pub(crate) from: String,
    /// The path as it is written in `from`.
    pub(crate) path: String,
    pub(crate) to: Destination,
}

/// Where an [`Arrow`] ends.
pub(crate) enum Destination {
    /// In the same crate.
    File {
        /// The file of the module that the path names.
        named: String,
        /// The file that defines the item, where the named module only re-exports it.
        defined: String,
    },
    /// In another crate of the workspace.
    Crate(String),
}

/// All modules of the workspace.
#[derive(Default)]
pub(crate) struct Modules {
    all: Vec<Module>,
    crates: BTreeSet<String>,
}

impl Modules {
    /// Reads all files that the roots' `mod` declarations reach.
    pub(crate) fn read(crates: &[Crate], files: &Files) -> Result<Self, String> {
        let crates_by_name = crates.iter().map(|one| one.name.clone()).collect();
        let mut modules = Self { all: Vec::new(), crates: crates_by_name };
        for root in crates.iter().flat_map(|one| &one.roots) {
            let folder = parent_folder(root).to_owned();
            modules.read_file(root, Module::default(), folder, files)?;
        }
        Ok(modules)
    }

    /// Reads a file into `module`, and the files that it declares.
    fn read_file(
        &mut self,
        file: &str,
        module: Module,
        folder: String,
        files: &Files,
    ) -> Result<ModuleId, String> {
        let text = files.get(file).ok_or_else(|| format!("{file} is not there."))?;
        let syntax = syn::parse_file(text).map_err(|error| format!("{file} cannot be parsed: {error}."))?;
        let here = self.all.len();
        let for_tests = module.for_tests || syntax.attrs.iter().any(is_for_tests);
        self.all.push(Module { file: file.into(), for_tests, ..module });
        let mut reader = Reader { modules: self, here, folder, files, error: None };
        reader.visit_file(&syntax);
        match reader.error {
            Some(error) => Err(error),
            None => Ok(here),
        }
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.all.iter().map(|module| module.file.as_str()).collect()
    }

    /// Every use of another file or crate, but by code that only tests compile.
    ///
    /// `mod x;` is none, and neither is `use` of a module alone: the paths that go through it are counted.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (id, module) in self.all.iter().enumerate().filter(|(_, module)| !module.for_tests) {
            let imports = module.imports.values().flatten();
            for path in imports.chain(&module.paths) {
                let Some(Resolved { named, target }) = self.resolve(id, path, 0) else { continue };
                let to = match target {
                    Target::Module(_) => continue,
                    Target::Item(defined) => {
                        Destination::File { named: named.unwrap_or_else(|| module.file.clone()), defined }
                    }
                    Target::Crate(name) => Destination::Crate(name),
                };
                arrows.push(Arrow { from: module.file.clone(), path: path.join("::"), to });
            }
            for path in &module.globs {
                let to = match self.resolve_glob(id, path, 0).map(|found| found.target) {
                    Some(Target::Module(other)) => {
                        let file = self.all[other].file.clone();
                        Destination::File { named: file.clone(), defined: file }
                    }
                    Some(Target::Crate(name)) => Destination::Crate(name),
                    Some(Target::Item(file)) => Destination::File { named: file.clone(), defined: file },
                    None => continue,
                };
                arrows.push(Arrow { from: module.file.clone(), path: format!("{}::*", path.join("::")), to });
            }
        }
        arrows
    }

    /// Follows a path from a module; `None` where it leads out of the workspace, or names no module.
    fn resolve(&self, from: ModuleId, path: &[String], depth: usize) -> Option<Resolved> {
        self.follow(from, path, depth, |name| self.lookup(from, name, depth))
    }

    /// Follows the path of a `use module::*`, whose first name no other glob brings.
    fn resolve_glob(&self, from: ModuleId, path: &[String], depth: usize) -> Option<Resolved> {
        self.follow(from, path, depth, |name| self.declared(from, name, depth))
    }

    fn follow(
        &self,
        from: ModuleId,
        path: &[String],
        depth: usize,
        first_name: impl Fn(&str) -> Option<Resolved>,
    ) -> Option<Resolved> {
        // `use` declarations that stand for each other do not compile, but this must end.
        if depth > 16 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = |module| Resolved { named: None, target: Target::Module(module) };
        let mut now = match first.as_str() {
            "crate" => start(self.root(from)),
            "self" => start(from),
            "super" => start(self.all[from].parent?),
            name => first_name(name).or_else(|| {
                let target = Target::Crate(name.to_owned());
                self.crates.contains(name).then_some(Resolved { named: None, target })
            })?,
        };
        for segment in rest {
            let Target::Module(module) = now.target else { break };
            let file = self.all[module].file.clone();
            now = if segment == "super" {
                start(self.all[module].parent?)
            } else {
                // What no declaration names was made by a macro there.
                let found = self.lookup(module, segment, depth + 1).map(|found| found.target);
                let target = found.unwrap_or_else(|| Target::Item(file.clone()));
                Resolved { named: Some(file), target }
            };
        }
        Some(now)
    }

    /// What a name stands for in a module.
    fn lookup(&self, module: ModuleId, name: &str, depth: usize) -> Option<Resolved> {
        self.declared(module, name, depth).or_else(|| {
            self.all[module].globs.iter().find_map(|path| {
                match self.resolve_glob(module, path, depth)?.target {
                    Target::Module(other) if other != module => self.declared(other, name, depth + 1),
                    _ => None,
                }
            })
        })
    }

    /// What a name stands for by a definition or an import that names it, not by `use module::*`.
    fn declared(&self, module: ModuleId, name: &str, depth: usize) -> Option<Resolved> {
        let here = &self.all[module];
        if let Some(&child) = here.children.get(name) {
            return Some(Resolved { named: None, target: Target::Module(child) });
        }
        if here.items.contains(name) {
            return Some(Resolved { named: None, target: Target::Item(here.file.clone()) });
        }
        here.imports.get(name)?.iter().find_map(|path| self.resolve(module, path, depth + 1))
    }

    fn root(&self, mut module: ModuleId) -> ModuleId {
        while let Some(parent) = self.all[module].parent {
            module = parent;
        }
        module
    }
}

/// Reads the items of one file into the module `here`, and the files that it declares.
struct Reader<'a> {
    modules: &'a mut Modules,
    here: ModuleId,
    /// Where the files of child modules are.
    folder: String,
    files: &'a Files,
    error: Option<String>,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        &mut self.modules.all[self.here]
    }

    fn read_module(&mut self, item: &ItemMod) {
        let name = item.ident.to_string();
        let folder = format!("{}/{name}", self.folder);
        let for_tests = self.module().for_tests || item.attrs.iter().any(is_for_tests);
        let module = Module { parent: Some(self.here), for_tests, ..Module::default() };
        let child = if let Some((_, items)) = &item.content {
            let file = self.module().file.clone();
            let child = self.modules.all.len();
            self.modules.all.push(Module { file, ..module });
            let parent = std::mem::replace(&mut self.here, child);
            let parent_folder = std::mem::replace(&mut self.folder, folder);
            items.iter().for_each(|item| self.visit_item(item));
            (self.here, self.folder) = (parent, parent_folder);
            child
        } else {
            let beside = format!("{folder}.rs");
            let file = if self.files.contains_key(&beside) { beside } else { format!("{folder}/mod.rs") };
            match self.modules.read_file(&file, module, folder, self.files) {
                Ok(child) => child,
                Err(error) => {
                    self.error.get_or_insert(error);
                    return;
                }
            }
        };
        self.module().children.insert(name, child);
    }

    fn read_use(&mut self, tree: &UseTree, mut prefix: Segments) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.read_use(&path.tree, prefix);
            }
            UseTree::Name(name) => self.import(&name.ident, &name.ident, prefix),
            UseTree::Rename(rename) => self.import(&rename.ident, &rename.rename, prefix),
            UseTree::Glob(_) => self.module().globs.push(prefix),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.read_use(tree, prefix.clone())),
        }
    }

    fn import(&mut self, what: &Ident, name: &Ident, mut path: Segments) {
        let mut name = name.to_string();
        if what == "self" {
            if name == "self" {
                name = path.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(what.to_string());
        }
        self.module().imports.entry(name).or_default().push(path);
    }

    /// Finds paths in what only a macro can parse: names joined by `::`.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.read_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(path);
    }

    fn add_path(&mut self, path: Segments) {
        if path.len() > 1 {
            self.module().paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (&[Attribute], Option<&Ident>) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Mod(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Union(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => (&[], None),
        };
        if attributes.iter().any(is_for_tests) && !matches!(item, Item::Mod(_)) {
            return;
        }
        self.module().items.extend(name.map(Ident::to_string));
        match item {
            Item::Mod(item) => self.read_module(item),
            Item::Use(item) => self.read_use(&item.tree, Segments::new()),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.read_tokens(call.tokens.clone());
    }
}

/// Whether an attribute is `#[test]`, `#[cfg(test)]` or `#[cfg(all(.., test, ..))]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    fn requires_test(meta: &Meta) -> bool {
        match meta {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("cfg") || list.path.is_ident("all") => {
                let parts = syn::punctuated::Punctuated::<Meta, Token![,]>::parse_terminated;
                list.parse_args_with(parts).is_ok_and(|parts| parts.iter().any(requires_test))
            }
            _ => false,
        }
    }
    requires_test(&attribute.meta)
}

fn parent_folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}
