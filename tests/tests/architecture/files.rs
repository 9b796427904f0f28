//! The files of one crate and the arrows between them: who names something of whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FsPath;

use crate::paths::{self, Named, Path};

/// A module by its path below the crate's root, which is the empty one.
pub(crate) type Module = Vec<String>;

/// The files of a crate.
#[derive(Debug, Default)]
pub(crate) struct Files {
    named: BTreeMap<Module, Named>,
}

impl Files {
    /// Reads the files below `src`; those for tests alone are none of them.
    pub(crate) fn read(src: &FsPath) -> Self {
        let mut files = Self::default();
        files.read_folder(src, &Vec::new());
        let tests: Vec<Module> = files
            .named
            .iter()
            .flat_map(|(parent, named)| {
                let children = named.test_modules.iter();
                children.map(move |name| [parent.as_slice(), std::slice::from_ref(name)].concat())
            })
            .collect();
        let is_for_tests = |module: &Module| tests.iter().any(|test| module.starts_with(test));
        files.named.retain(|module, _| !is_for_tests(module));
        files
    }

    /// Files given as modules and texts.
    pub(crate) fn of(texts: &[(&str, &str)]) -> Self {
        let module = |name: &str| -> Module {
            let segments = name.split("::").filter(|it| !it.is_empty());
            segments.map(str::to_owned).collect()
        };
        let named = texts
            .iter()
            .map(|(name, text)| (module(name), paths::read(text)))
            .collect();
        Self { named }
    }

    fn read_folder(&mut self, folder: &FsPath, module: &Module) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let child = || [module.as_slice(), &[name.to_string()]].concat();
            if path.is_dir() {
                self.read_folder(&path, &child());
            } else if path.extension().is_some_and(|it| it == "rs") {
                let is_own =
                    name == "mod" || module.is_empty() && (name == "lib" || name == "main");
                let text = fs::read_to_string(&path).expect("a source");
                let own = if is_own { module.clone() } else { child() };
                self.named.insert(own, paths::read(&text));
            }
        }
    }

    /// All of them.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.named.keys()
    }

    /// Whether a module is there, by its path.
    pub(crate) fn has(&self, module: &str) -> bool {
        let module: Module = module.split("::").map(str::to_owned).collect();
        self.named.contains_key(&module)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.named.len()
    }

    /// Every arrow, from the file that names to the one whose thing it is. A file and what is below
    /// it are one: there is no arrow between them.
    pub(crate) fn arrows(&self) -> BTreeSet<(Module, Module)> {
        let mut arrows = BTreeSet::new();
        for (from, named) in &self.named {
            for path in &named.paths {
                if let Some(to) = self.resolve(from, path, 8)
                    && !from.starts_with(&to)
                    && !to.starts_with(from)
                {
                    arrows.insert((from.clone(), to));
                }
            }
        }
        arrows
    }

    /// The file that a path leads to, from `module`: through what `use` brings in, as often as
    /// `depth`.
    fn resolve(&self, module: &Module, path: &Path, depth: usize) -> Option<Module> {
        let mut at = module.clone();
        let mut is_inside = false;
        for segment in path {
            match segment.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let child = [at.as_slice(), &[name.to_owned()]].concat();
                    let brought_in = || {
                        let uses = &self.named.get(&at)?.uses;
                        let found = uses
                            .iter()
                            .find(|(known, of)| known == name && of != path)?;
                        self.resolve(&at, &found.1, depth.checked_sub(1)?)
                    };
                    if self.named.contains_key(&child) {
                        at = child;
                    } else if let Some(found) = brought_in() {
                        at = found;
                    } else {
                        return is_inside.then_some(at);
                    }
                }
            }
            is_inside = true;
        }
        Some(at)
    }

    /// The circles: sets of files of which each leads to each.
    pub(crate) fn circles(&self) -> Vec<BTreeSet<Module>> {
        let arrows = self.arrows();
        let mut reached: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
        for from in self.named.keys() {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(at) = next.pop() {
                let onward = arrows.iter().filter(|(start, _)| start == at);
                next.extend(onward.map(|(_, to)| to).filter(|to| seen.insert(*to)));
            }
            reached.insert(from, seen);
        }
        let mut circles: Vec<BTreeSet<Module>> = Vec::new();
        for (from, to) in &reached {
            let circle: BTreeSet<Module> = to
                .iter()
                .filter(|other| reached[**other].contains(from))
                .map(|other| (*other).clone())
                .collect();
            if !circle.is_empty() && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }
}
