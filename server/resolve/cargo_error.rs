//! Parses cargo's error output into a message and its location.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    model::{
        lockfile::Lockfile,
        manifest::{Dependency, Manifest},
        tree,
    },
    text::{SourceText, Span},
};

/// An error of cargo with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CargoError {
    /// The message, one sentence.
    pub(crate) message: String,
    /// The rest of cargo's explanation.
    pub(crate) notes: Vec<String>,
    /// The location.
    pub(crate) location: CargoErrorLocation,
}

/// A location in a manifest, lockfile or configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CargoErrorLocation {
    pub(crate) file: Utf8PathBuf,
    pub(crate) text: SourceText,
    pub(crate) span: Span,
}

impl CargoError {
    /// Understands what cargo wrote to standard error. `manifest_path` is the manifest that it was given,
    /// `read` gives the text of a file.
    pub(crate) fn from_stderr(
        stderr: &str,
        manifest_path: &Utf8Path,
        root: &Utf8Path,
        read: impl Fn(&Utf8Path) -> Option<SourceText>,
    ) -> Self {
        let lines = error_lines(stderr);
        let (message, notes) = message_and_notes(&lines);
        let files = ErrorLocator { manifest_path, root, read: &read };
        let location = files
            .arrow(&lines)
            .or_else(|| files.configuration(&lines))
            .or_else(|| files.named_member(&lines))
            .or_else(|| files.lock_entry(&lines))
            .or_else(|| files.named_dependency(&lines))
            .or_else(|| files.named_manifest(&lines))
            .unwrap_or_else(|| files.head(manifest_path));
        Self { message, notes, location }
    }
}

/// Messages around a cause that contain no more than the location.
const WRAPPINGS: [&str; 5] = [
    "failed to parse manifest at ",
    "failed to load manifest for ",
    "failed to get `",
    "failed to load source for ",
    "unable to update ",
];

/// The start of an error in a configuration; `line 2, column 11` follows.
const PARSE_ERROR: &str = "TOML parse error at line ";

/// Cargo's output from the first error on.
fn error_lines(stderr: &str) -> Vec<&str> {
    let lines = || stderr.lines().map(str::trim_end);
    let error_lines: Vec<_> = lines().skip_while(|line| !line.starts_with("error")).collect();
    if error_lines.is_empty() { lines().collect() } else { error_lines }
}

/// Splits cargo's paragraphs, one for the error and one for each cause, into the message and the notes.
fn message_and_notes(lines: &[&str]) -> (String, Vec<String>) {
    let drawing = |line: &str| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        line.starts_with('|') || line.starts_with("-->") || line.starts_with("...")
    };
    let mut causes: Vec<Vec<&str>> = vec![Vec::new()];
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        match (line, causes.last_mut()) {
            ("Caused by:", _) => causes.push(Vec::new()),
            (line, Some(cause)) if !drawing(line) => {
                let line = line.strip_prefix("error: ").unwrap_or(line);
                cause.push(line.strip_prefix("help: ").unwrap_or(line));
            }
            _ => {}
        }
    }
    causes.retain(|cause| !cause.is_empty());
    for cause in causes.iter_mut().filter(|cause| cause[0].starts_with(PARSE_ERROR)) {
        // The message is the last line, after the location and the source.
        cause.rotate_right(1);
    }
    let wraps = |cause: &[&str]| {
        WRAPPINGS.iter().any(|message_and_notes| cause[0].starts_with(message_and_notes))
    };
    let deepest = causes.len().saturating_sub(2);
    let relevant = causes.iter().position(|cause| !wraps(cause)).unwrap_or(deepest).max(deepest);
    let (wrappings, relevant) = causes.split_at(relevant);
    let further = relevant.iter().flat_map(|cause| &cause[1..]);
    let mut notes: Vec<_> =
        wrappings.iter().flatten().chain(further).map(|&note| note.to_owned()).collect();
    let mut message = relevant.iter().map(|cause| cause[0]).collect::<Vec<_>>().join(": ");
    if let Some(at) = notes.iter().position(|note| note.ends_with("does not have that feature.")) {
        // The missing feature is the cause of the failed selection.
        std::mem::swap(&mut message, &mut notes[at]);
    }
    let message = message.trim_end_matches('.');
    let message = if message.is_empty() { "cargo failed without a message" } else { message };
    (message.to_owned(), notes)
}

struct ErrorLocator<'a> {
    manifest_path: &'a Utf8Path,
    root: &'a Utf8Path,
    read: &'a dyn Fn(&Utf8Path) -> Option<SourceText>,
}

impl ErrorLocator<'_> {
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
        let candidates = folders.into_iter().flatten().map(|folder| folder.join(path));
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

    /// The entry of `members` for a folder without a manifest.
    fn named_member(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let file = self.root.join("Cargo.toml");
        let text = (self.read)(&file)?;
        let members = Manifest::parse(text.as_str()).workspace?.members;
        let missing = |folder: &Utf8Path| (self.read)(&folder.join("Cargo.toml")).is_none();
        let folder = quoted(lines).map(Utf8Path::new).find(|path| {
            path.starts_with(self.root) && path.file_name() != Some("Cargo.toml") && missing(path)
        })?;
        let member = members.into_iter().find(|member| self.root.join(&member.value) == folder)?;
        Some(CargoErrorLocation { file, text, span: member.span })
    }

    /// "checksum for `time v0.3.44` changed between lock files" and similar.
    fn lock_entry(&self, lines: &[&str]) -> Option<CargoErrorLocation> {
        let message_and_notes = lines.iter().find(|line| line.contains("checksum for `"))?;
        let (name, version) = message_and_notes.split('`').nth(1)?.split_once(" v")?;
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
        let names: Vec<&str> = quoted(lines)
            .filter_map(|word| word.split([' ', '=', '@', ':']).next())
            .filter(|word| !word.is_empty())
            .collect();
        for file in manifests {
            let Some(text) = (self.read)(&file) else { continue };
            let manifest = Manifest::parse(text.as_str());
            for name in &names {
                let declared = manifest.all_dependencies().find(|dependency| {
                    dependency.package == *name || dependency.key.value == *name
                });
                if let Some(dependency) = declared {
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
        let file = named.find(|path| path.file_name() == Some("Cargo.toml") && path.is_file())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(manifest: &'static str, stderr: &str) -> (String, String) {
        let read = |path: &Utf8Path| (path == "/w/Cargo.toml").then(|| SourceText::new(manifest));
        let cargo_error =
            CargoError::from_stderr(stderr, "/w/Cargo.toml".into(), "/w".into(), read);
        let location = cargo_error.location.text.as_str()[cargo_error.location.span].to_owned();
        (cargo_error.message, location)
    }

    #[test]
    fn location_of_an_arrow_is_used() {
        let stderr = "error: invalid type: integer `1`, expected a version string\n --> Cargo.toml:4:8\n  |\n4 | tame = 1\n  |        ^\n  |\n";
        let (message, location) = at("[package]\nname=\"m\"\n[dependencies]\ntame = 1\n", stderr);
        assert_eq!(message, "invalid type: integer `1`, expected a version string");
        assert_eq!(location, "1");
    }

    #[test]
    fn unknown_crate_is_located_on_its_dependency() {
        let stderr = "    Updating crates.io index\nerror: no matching package named `nosuch` found\nlocation searched: crates.io index\nrequired by package `m v0.1.0 (/w)`\n";
        let (message, location) =
            at("[package]\nname=\"m\"\n[dependencies]\nnosuch = \"1.2\"\n", stderr);
        assert_eq!(message, "no matching package named `nosuch` found");
        assert_eq!(location, "1.2");
    }

    #[test]
    fn missing_version_is_located_on_the_requirement() {
        let stderr = "error: failed to select a version for the requirement `time = \"^99\"`\ncandidate versions found which didn't match: 0.3.47\n";
        assert_eq!(at("[dependencies]\ntime = \"99\"\n", stderr).1, "99");
    }

    #[test]
    fn cause_is_the_message_for_a_manifest_that_cannot_be_parsed() {
        let stderr = "error: failed to parse manifest at `/w/Cargo.toml`\n\nCaused by:\n  no targets specified in the manifest\n  either src/lib.rs, src/main.rs, a [lib] section, or [[bin]] section must be present\n";
        let (message, location) = at("[package]\nname = \"m\"\n", stderr);
        assert_eq!(message, "no targets specified in the manifest");
        assert_eq!(location, "m");
    }
}
