//! The line of a manifest, lockfile or configuration that causes an error of cargo.

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    CargoErrorLocation, PARSE_ERROR, keys,
    requirements::{Conflict, NamedRequirement, is_same_requirement},
};
use crate::{
    model::{
        lockfile::Lockfile,
        manifest::{Dependency, DependencyTable, Manifest},
        tree,
    },
    text::SourceText,
    workspace::{TOOLCHAIN_NAMES, lexical},
};

/// The files that an error can be about.
pub(super) struct ErrorLocator<'a> {
    pub(super) manifest_path: &'a Utf8Path,
    pub(super) root: &'a Utf8Path,
    pub(super) read: &'a dyn Fn(&Utf8Path) -> Option<SourceText>,
}

impl ErrorLocator<'_> {
    /// The location of the error that `lines` describe; `problem` are the lines of the innermost causes.
    pub(super) fn locate(
        &self,
        lines: &[&str],
        problem: &[&str],
        conflict: Option<&Conflict<'_>>,
    ) -> CargoErrorLocation {
        self.arrow(lines)
            .or_else(|| self.configuration(lines))
            .or_else(|| self.toolchain(lines))
            .or_else(|| self.stranger(lines))
            .or_else(|| self.named_member(lines))
            .or_else(|| self.named_root(lines))
            .or_else(|| self.missing_feature(problem, conflict))
            .or_else(|| self.requirement(&conflict?.wanted))
            .or_else(|| self.unreadable_dependency(lines))
            .or_else(|| self.downloaded_package(lines))
            .or_else(|| self.lock_entry(lines))
            .or_else(|| self.named_key(lines, problem))
            .or_else(|| self.named_dependency(lines))
            .or_else(|| self.named_manifest(lines))
            .unwrap_or_else(|| self.head(self.manifest_path))
    }

    /// Other locations that are named: the requirements that a conflict is with, and the manifests in a list.
    pub(super) fn related(
        &self,
        lines: &[&str],
        conflict: Option<&Conflict<'_>>,
    ) -> Vec<(CargoErrorLocation, String)> {
        let chains = conflict.into_iter().flat_map(|conflict| &conflict.selected);
        let selected = chains.filter_map(|chain| {
            let first = chain.first()?;
            Some((self.requirement(chain)?, format!("`{}` is also required here", first.package)))
        });
        let listed = listed_manifests(lines)
            .into_iter()
            .map(|manifest| (self.head(&manifest), "named in the error".to_owned()));
        selected.chain(listed).collect()
    }

    /// "toolchain '1.88.0-..' is not installed": the channel in the toolchain file.
    fn toolchain(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let first = lines.first()?;
        if !first.contains("toolchain") && !first.contains("override file") {
            return None;
        }
        let folders = self.manifest_path.ancestors().skip(1);
        let mut files = folders.flat_map(|folder| TOOLCHAIN_NAMES.map(|name| folder.join(name)));
        let (file, text) = files
            .find_map(|file| Some(((self.read)(&file)?, file)))
            .map(|(text, file)| (file, text))?;
        let source = text.as_str();
        let (root, _) = tree::parse(source);
        let channel = tree::table(root.get_ref(), "toolchain").and_then(|table| {
            tree::string(source, table, "channel").or_else(|| tree::string(source, table, "path"))
        });
        // The old form is the name alone.
        let span =
            channel.as_ref().map_or_else(|| text.line_span(0), |channel| channel.span.clone());
        // Another toolchain: an environment variable or a directory override comes first.
        let name = source.get(span.clone())?.trim();
        let is_it = first.contains(name) || !first.contains("is not installed");
        is_it.then_some(CargoErrorLocation { file, text, span })
    }

    /// "current package believes it's in a workspace when it's not", and the like: the package.
    fn stranger(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let first = lines.first()?;
        if first.contains("multiple workspace roots") {
            let manifests = lines.iter().map(|line| Utf8Path::new(line.trim()).join("Cargo.toml"));
            let file = manifests
                .filter(|path| path.is_absolute())
                .find(|path| path.parent() != Some(self.root) && (self.read)(path).is_some())?;
            let text = (self.read)(&file)?;
            let span = Manifest::parse(text.as_str()).workspace?.key;
            return Some(CargoErrorLocation { file, text, span });
        }
        if let Some(listed) = listed_manifests(lines).pop() {
            return Some(self.head(&listed));
        }
        let current = lines.iter().find_map(|line| line.trim().strip_prefix("current:"));
        let wrong = || {
            let member = first.contains("is a member of the wrong workspace");
            quoted(lines).next().filter(|_| member)
        };
        let path = Utf8Path::new(current.or_else(wrong)?.trim());
        (self.read)(path).map(|_| self.head(path))
    }

    /// The entry in a list of features that names one that does not exist.
    fn missing_feature(
        &self,
        problem: &[&str],
        conflict: Option<&Conflict<'_>>,
    ) -> Option<CargoErrorLocation> {
        let line = problem.iter().find(|line| line.ends_with("does not have that feature."))?;
        let manifests = conflict?.wanted.iter().filter_map(|wanted| wanted.manifest.clone());
        let manifests =
            manifests.chain([self.manifest_path.to_owned(), self.root.join("Cargo.toml")]);
        manifests.into_iter().find_map(|file| {
            let text = (self.read)(&file)?;
            let span = keys::named_feature(text.as_str(), line)?;
            Some(CargoErrorLocation { file, text, span })
        })
    }

    /// The requirement of a local package through which a chain starts.
    fn requirement(&self, chain: &[NamedRequirement<'_>]) -> Option<CargoErrorLocation> {
        chain.iter().find_map(|named| {
            let file = named.manifest.clone()?;
            let text = (self.read)(&file)?;
            let manifest = Manifest::parse(text.as_str());
            let of_package = || {
                let all = manifest.all_dependencies();
                all.filter(|dependency| dependency.package == named.package)
            };
            let is_same = |dependency: &&Dependency| {
                let written = self.written_requirement(dependency);
                written
                    .zip(named.requirement)
                    .is_some_and(|(written, printed)| is_same_requirement(&written, printed))
            };
            let dependency = of_package().find(is_same).or_else(|| of_package().next())?;
            let span = dependency.location();
            let inherited = self.inherited(dependency);
            inherited.or(Some(CargoErrorLocation { file, text: text.clone(), span }))
        })
    }

    /// The requirement of a dependency, or of the one that it inherits.
    fn written_requirement(&self, dependency: &Dependency) -> Option<String> {
        if let Some(requirement) = &dependency.requirement {
            return Some(requirement.value.clone());
        }
        dependency.inherits.as_ref()?;
        let root = (self.read)(&self.root.join("Cargo.toml"))?;
        let root = Manifest::parse(root.as_str());
        Some(root.inherited(dependency)?.requirement.as_ref()?.value.clone())
    }

    /// A dependency whose folder or repository cannot be read: "failed to get `x` as a dependency of package `m v0.1.0 (/w)`", or a
    /// chain of "failed to load manifest for dependency `x`".
    fn unreadable_dependency(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let mut manifest = None;
        let mut found = None;
        for line in lines.iter().map(|line| line.trim()) {
            let line = line.strip_prefix("error: ").unwrap_or(line);
            let first = quoted(&[line]).next().map(str::to_owned);
            if line.starts_with("failed to load manifest for workspace member `") {
                manifest = first.map(|folder| Utf8PathBuf::from(folder).join("Cargo.toml"));
            } else if line.starts_with("failed to parse manifest at `") {
                // The dependency was found; its own manifest is the cause.
                return None;
            } else if line.starts_with("failed to get `") {
                manifest = self.named_folders(&[line]).into_iter().next().or(manifest);
                found = self.source_of(manifest.as_deref(), |dependency| {
                    first.as_deref().is_some_and(|name| {
                        dependency.key.value == name || dependency.package == name
                    })
                });
            } else if line.starts_with("failed to load manifest for dependency `") {
                let in_file = manifest.clone().unwrap_or_else(|| self.manifest_path.to_owned());
                let name = first?;
                let text = (self.read)(&in_file)?;
                let parsed = Manifest::parse(text.as_str());
                let dependency = parsed.all_dependencies().find(|dependency| {
                    dependency.key.value == name || dependency.package == name
                })?;
                found = self.source_of(Some(&in_file), |other| *other == *dependency);
                let path =
                    dependency.path.as_ref().map(|path| (in_file.as_path(), path.value.clone()));
                let root = self.root.join("Cargo.toml");
                let inherited = || {
                    let root_text = (self.read)(&root)?;
                    let root_manifest = Manifest::parse(root_text.as_str());
                    Some((
                        root.as_path(),
                        root_manifest.inherited(dependency)?.path.as_ref()?.value.clone(),
                    ))
                };
                manifest = path.or_else(inherited).map(|(file, path)| {
                    let folder = file.parent().unwrap_or(file);
                    lexical(&folder.join(path)).join("Cargo.toml")
                });
            } else if let Some(source) = line.strip_prefix("unable to update ") {
                let patched = self.source_of(manifest.as_deref(), |dependency| {
                    let file = manifest.as_deref().unwrap_or(self.manifest_path);
                    let folder = file.parent().unwrap_or(file);
                    let path = dependency.path.as_ref();
                    path.is_some_and(|path| lexical(&folder.join(&path.value)) == source)
                        || dependency.git.as_ref().is_some_and(|git| git.value == source)
                });
                found = patched.or(found);
            }
        }
        found
    }

    /// The `path`, `git` or `registry` of a dependency that `matches`, in a manifest or in the root's.
    fn source_of(
        &self,
        manifest: Option<&Utf8Path>,
        matches: impl Fn(&Dependency) -> bool,
    ) -> Option<CargoErrorLocation> {
        let root = self.root.join("Cargo.toml");
        let files = [manifest.unwrap_or(self.manifest_path), root.as_path()];
        files.into_iter().find_map(|file| {
            let text = (self.read)(file)?;
            let parsed = Manifest::parse(text.as_str());
            let dependency = parsed.all_dependencies().find(|dependency| matches(dependency))?;
            if dependency.inherits.is_some() {
                let root_text = (self.read)(&root)?;
                let root_manifest = Manifest::parse(root_text.as_str());
                let span = root_manifest.inherited(dependency)?.source_location();
                return Some(CargoErrorLocation { file: root.clone(), text: root_text, span });
            }
            let span = dependency.source_location();
            Some(CargoErrorLocation { file: file.to_owned(), text: text.clone(), span })
        })
    }

    /// A downloaded package that this cargo does not understand: the dependency on it, else its lock entry.
    fn downloaded_package(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let manifest = quoted(lines)
            .map(Utf8Path::new)
            .find(|path| path.file_name() == Some("Cargo.toml") && is_downloaded(path))?;
        let folder = manifest.parent()?.file_name()?;
        let (name, version) = folder.rmatch_indices('-').find_map(|(at, _)| {
            let version = &folder[at + 1..];
            semver::Version::parse(version).is_ok().then(|| (&folder[..at], version))
        })?;
        let direct = [self.manifest_path.to_owned(), self.root.join("Cargo.toml")];
        let direct = direct.into_iter().find_map(|file| {
            let text = (self.read)(&file)?;
            let parsed = Manifest::parse(text.as_str());
            let span = parsed.all_dependencies().find(|one| one.package == name)?.location();
            Some(CargoErrorLocation { file, text, span })
        });
        direct.or_else(|| self.locked(name, version))
    }

    /// The key or value that is named, in the manifest that cargo could not use.
    fn named_key(&self, lines: &[&str], problem: &[&str]) -> Option<CargoErrorLocation> {
        let prefix = "failed to parse manifest at `";
        let parsed =
            lines.iter().rev().filter_map(|line| line.split_once(prefix)?.1.split('`').next());
        let file = parsed.map(Utf8Path::new).next().or_else(|| {
            let feature = lines.first()?.contains("cyclic feature dependency");
            feature.then_some(self.manifest_path)
        })?;
        let text = (self.read)(file)?;
        let span = keys::named(text.as_str(), problem)?;
        Some(CargoErrorLocation { file: file.to_owned(), text, span })
    }

    /// ` --> Cargo.toml:3:5`, and below it the source line with `^^^`.
    fn arrow(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let at = lines.iter().position(|line| line.trim_start().starts_with("--> "))?;
        let arrow = lines[at].trim_start().strip_prefix("--> ")?;
        let mut parts = arrow.rsplitn(3, ':');
        let column: usize = parts.next()?.trim().parse().ok()?;
        let line: usize = parts.next()?.parse().ok()?;
        self.marked(Utf8Path::new(parts.next()?), line, column, &lines[at..])
    }

    /// "could not parse TOML configuration in `/w/.cargo/config.toml`".
    fn configuration(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let at = lines.iter().position(|line| line.trim_start().starts_with(PARSE_ERROR))?;
        let numbers = lines[at].trim_start().strip_prefix(PARSE_ERROR)?;
        let (line, column) = numbers.split_once(", column ")?;
        let path = quoted(&lines[..at]).map(Utf8Path::new).last()?;
        self.marked(path, line.parse().ok()?, column.parse().ok()?, &lines[at..])
    }

    /// The location at a line and column; `^^^` in the snippet gives its length.
    fn marked(
        &self,
        path: &Utf8Path,
        line: usize,
        column: usize,
        drawing: &[&str],
    ) -> Option<CargoErrorLocation> {
        let marks = drawing.iter().find_map(|line| line.split_once('|')?.1.split_once('^'));
        let length =
            marks.map_or(1, |(_, more)| 1 + more.chars().take_while(|&c| c == '^').count());
        let folders = [self.manifest_path.parent(), Some(self.root)];
        let candidates = folders.into_iter().flatten().map(|folder| lexical(&folder.join(path)));
        let (file, text) =
            candidates.into_iter().find_map(|file| (self.read)(&file).map(|text| (file, text)))?;
        let source = text.as_str();
        let start: usize =
            source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = source.get(start..)?.lines().next().unwrap_or_default();
        let at = |column: usize| {
            rest.char_indices().nth(column).map_or(start + rest.len(), |(at, _)| start + at)
        };
        let from = column.saturating_sub(1);
        let span = tree::unquoted(source, at(from)..at(from + length));
        Some(CargoErrorLocation { file, text, span })
    }

    /// The `package.workspace` that names a folder without a manifest.
    fn named_root(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let read = "failed to read `";
        let path = lines.iter().find_map(|line| line.split_once(read)?.1.split('`').next())?;
        let text = (self.read)(self.manifest_path)?;
        let named = Manifest::parse(text.as_str()).package?.workspace?;
        let folder = lexical(&self.manifest_path.parent()?.join(&named.value));
        let file = self.manifest_path.to_owned();
        (folder.join("Cargo.toml") == path).then_some(CargoErrorLocation {
            file,
            text,
            span: named.span,
        })
    }

    /// The entry of `members` for a folder without a manifest.
    fn named_member(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let file = self.root.join("Cargo.toml");
        let text = (self.read)(&file)?;
        let members = Manifest::parse(text.as_str()).workspace?.members;
        let missing = |folder: &Utf8Path| (self.read)(&folder.join("Cargo.toml")).is_none();
        let outside =
            |line: &&&str| line.contains(" is not hierarchically below the workspace root");
        let folder = match lines.first().filter(outside) {
            Some(line) => quoted(&[line]).map(Utf8Path::new).next()?.parent()?.to_owned(),
            None => quoted(lines)
                .map(Utf8Path::new)
                .find(|path| {
                    path.starts_with(self.root)
                        && path.file_name() != Some("Cargo.toml")
                        && missing(path)
                })?
                .to_owned(),
        };
        let member =
            members.into_iter().find(|member| lexical(&self.root.join(&member.value)) == folder)?;
        Some(CargoErrorLocation { file, text, span: member.span })
    }

    /// "checksum for `time v0.3.44` changed between lock files" and similar.
    fn lock_entry(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let message_and_notes = lines.iter().find(|line| line.contains("checksum for `"))?;
        let (name, version) = message_and_notes.split('`').nth(1)?.split_once(" v")?;
        self.locked(name, version)
    }

    fn locked(&self, name: &str, version: &str) -> Option<CargoErrorLocation> {
        let file = self.root.join("Cargo.lock");
        let text = (self.read)(&file)?;
        let span = Lockfile::parse(text.as_str()).entry(name, version, None)?.version.span.clone();
        Some(CargoErrorLocation { file, text, span })
    }

    /// The dependency on a package that the error names, in the manifest that it names, else in the checked manifest or the
    /// workspace's root.
    fn named_dependency(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let mut manifests = self.named_folders(lines);
        manifests.extend([self.manifest_path.to_owned(), self.root.join("Cargo.toml")]);
        let about_patch = lines.first().is_some_and(|line| line.contains("patch "));
        let names: Vec<&str> = quoted(lines)
            .filter_map(|word| word.split([' ', '=', '@', ':']).next())
            .filter(|word| !word.is_empty())
            .collect();
        for file in manifests {
            let Some(text) = (self.read)(&file) else { continue };
            let manifest = Manifest::parse(text.as_str());
            for name in &names {
                let declared = manifest.all_dependencies().filter(|dependency| {
                    dependency.package == *name || dependency.key.value == *name
                });
                // The patch itself for "patch for `x` .. resolved to more than one candidate".
                let is_other = |dependency: &&Dependency| {
                    about_patch && dependency.table != DependencyTable::Patch
                };
                if let Some(dependency) = declared.min_by_key(is_other) {
                    let span = dependency.location();
                    return self.inherited(dependency).or(Some(CargoErrorLocation {
                        file,
                        text,
                        span,
                    }));
                }
            }
        }
        None
    }

    /// The location of the requirement that a dependency inherits.
    fn inherited(&self, dependency: &Dependency) -> Option<CargoErrorLocation> {
        dependency.inherits.as_ref()?;
        let file = self.root.join("Cargo.toml");
        let text = (self.read)(&file)?;
        let root = Manifest::parse(text.as_str());
        let span = root.inherited(dependency)?.location();
        Some(CargoErrorLocation { file, text, span })
    }

    fn named_manifest(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let mut named = quoted(lines).map(Utf8Path::new).filter(|path| path.is_absolute());
        let file = named.find(|path| {
            path.file_name() == Some("Cargo.toml") && !is_downloaded(path) && path.is_file()
        })?;
        Some(self.head(file))
    }

    fn named_folders(&self, lines: &[&str]) -> Vec<Utf8PathBuf> {
        // "required by package `m v0.1.0 (/path/to/m)`"
        let in_parentheses = quoted(lines)
            .filter_map(|word| word.split_once('(')?.1.strip_suffix(')'))
            .map(|folder| Utf8Path::new(folder).join("Cargo.toml"));
        let manifests = quoted(lines)
            .map(Utf8Path::new)
            .filter(|path| path.file_name() == Some("Cargo.toml"))
            .map(Utf8Path::to_owned);
        manifests.chain(in_parentheses).filter(|path| (self.read)(path).is_some()).collect()
    }

    fn head(&self, file: &Utf8Path) -> CargoErrorLocation {
        let text = (self.read)(file).unwrap_or_else(|| SourceText::new(""));
        let span = Manifest::parse(text.as_str()).head();
        CargoErrorLocation { file: file.to_owned(), text, span }
    }
}

fn quoted<'l>(lines: &'l [&'l str]) -> impl Iterator<Item = &'l str> {
    lines.iter().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Whether a path is in cargo's folder of downloaded packages.
fn is_downloaded(path: &Utf8Path) -> bool {
    let parts: Vec<_> = path.components().map(|part| part.as_str()).collect();
    parts.windows(2).any(|two| matches!(two, ["registry", "src"] | ["git", "checkouts"]))
}

/// The manifests in a list: "two packages named `a` in this workspace:", then `- /w/a/Cargo.toml`.
fn listed_manifests(lines: &[&str]) -> Vec<Utf8PathBuf> {
    let items = lines.iter().filter_map(|line| line.trim().strip_prefix("- "));
    let paths = items.map(Utf8Path::new).filter(|path| path.is_absolute());
    paths.filter(|path| path.file_name() == Some("Cargo.toml")).map(Utf8Path::to_owned).collect()
}
