//! What cargo says is wrong, and the place in the manifests that it is about.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    model::manifest::Manifest,
    text::{SourceText, Span},
};

/// Cargo's refusal, in words and with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// One sentence.
    pub(crate) message: String,
    /// The rest of what cargo explained.
    pub(crate) notes: Vec<String>,
    /// Where it belongs.
    pub(crate) place: TroublePlace,
}

/// A place in one of the manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TroublePlace {
    pub(crate) file: Utf8PathBuf,
    pub(crate) text: SourceText,
    pub(crate) span: Span,
}

impl Trouble {
    /// Understands what cargo wrote to standard error. `judged` is the manifest that it was given,
    /// `read` gives the text of a file.
    pub(crate) fn from_stderr(
        stderr: &str,
        judged: &Utf8Path,
        root: &Utf8Path,
        read: impl Fn(&Utf8Path) -> Option<SourceText>,
    ) -> Self {
        let lines: Vec<&str> = stderr
            .lines()
            .map(str::trim_end)
            .skip_while(|line| !line.starts_with("error"))
            .collect();
        let lines = if lines.is_empty() { stderr.lines().collect() } else { lines };
        let (message, notes) = words(&lines);
        let files = Files { judged, root, read: &read };
        let place = files
            .arrow(&lines)
            .or_else(|| files.named_dependency(&lines))
            .or_else(|| files.named_manifest(&lines))
            .unwrap_or_else(|| files.head(judged));
        Self { message, notes, place }
    }
}

fn words(lines: &[&str]) -> (String, Vec<String>) {
    let drawing = |line: &str| {
        let line = line.trim_start();
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        line.starts_with('|') || line.starts_with("-->") || line.starts_with("...")
    };
    let mut texts = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty() && *line != "Caused by:" && !drawing(line));
    let first = texts.next().unwrap_or("cargo failed without a word");
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let mut notes: Vec<String> = texts.map(str::to_owned).collect();
    // `failed to parse manifest at ..` says nothing yet: the cause is the message.
    let message =
        if first.starts_with("failed to ") && first.contains("manifest") && !notes.is_empty() {
            format!("{first}: {}", notes.remove(0))
        } else {
            first.to_owned()
        };
    (message, notes)
}

struct Files<'a> {
    judged: &'a Utf8Path,
    root: &'a Utf8Path,
    read: &'a dyn Fn(&Utf8Path) -> Option<SourceText>,
}

impl Files<'_> {
    /// ` --> Cargo.toml:3:5`.
    fn arrow(&self, lines: &[&str]) -> Option<TroublePlace> {
        let arrow = lines.iter().find_map(|line| line.trim_start().strip_prefix("--> "))?;
        let mut parts = arrow.rsplitn(3, ':');
        let column: usize = parts.next()?.trim().parse().ok()?;
        let line: usize = parts.next()?.parse().ok()?;
        let path = Utf8Path::new(parts.next()?);
        let folders = [self.judged.parent(), Some(self.root)];
        let candidates = folders.into_iter().flatten().map(|folder| folder.join(path));
        let (file, text) =
            candidates.into_iter().find_map(|file| (self.read)(&file).map(|text| (file, text)))?;
        let source = text.as_str();
        let start: usize =
            source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = source.get(start..)?.lines().next().unwrap_or_default();
        let from =
            rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        let until = rest[from..]
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']'))
            .map_or(rest.len(), |at| from + at);
        Some(TroublePlace { file, text, span: start + from..start + until.max(from) })
    }

    /// The declaration of a package that the words name, in the manifest they name or else in
    /// the judged one or the workspace's root.
    fn named_dependency(&self, lines: &[&str]) -> Option<TroublePlace> {
        let mut manifests = self.named_folders(lines);
        manifests.extend([self.judged.to_owned(), self.root.join("Cargo.toml")]);
        let names: Vec<&str> = quoted(lines)
            .filter_map(|word| word.split([' ', '=', '@', ':']).next())
            .filter(|word| !word.is_empty())
            .collect();
        for file in manifests {
            let Some(text) = (self.read)(&file) else { continue };
            let manifest = Manifest::parse(text.as_str());
            for name in &names {
                let declared = manifest.all_declarations().find(|declaration| {
                    declaration.package == *name || declaration.key.value == *name
                });
                if let Some(declaration) = declared {
                    let span = declaration.place();
                    return Some(TroublePlace { file, text, span });
                }
            }
        }
        None
    }

    fn named_manifest(&self, lines: &[&str]) -> Option<TroublePlace> {
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

    fn head(&self, file: &Utf8Path) -> TroublePlace {
        let text = (self.read)(file).unwrap_or_else(|| SourceText::new(""));
        let span = Manifest::parse(text.as_str()).head();
        TroublePlace { file: file.to_owned(), text, span }
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
        let trouble = Trouble::from_stderr(stderr, "/w/Cargo.toml".into(), "/w".into(), read);
        let place = trouble.place.text.as_str()[trouble.place.span].to_owned();
        (trouble.message, place)
    }

    #[test]
    fn an_arrow_is_followed() {
        let stderr = "error: invalid type: integer `1`, expected a version string\n --> Cargo.toml:4:8\n  |\n4 | tame = 1\n  |        ^\n  |\n";
        let (message, place) = at("[package]\nname=\"m\"\n[dependencies]\ntame = 1\n", stderr);
        assert_eq!(message, "invalid type: integer `1`, expected a version string");
        assert_eq!(place, "1");
    }

    #[test]
    fn an_unknown_crate_is_placed_on_its_declaration() {
        let stderr = "    Updating crates.io index\nerror: no matching package named `nosuch` found\nlocation searched: crates.io index\nrequired by package `m v0.1.0 (/w)`\n";
        let (message, place) =
            at("[package]\nname=\"m\"\n[dependencies]\nnosuch = \"1.2\"\n", stderr);
        assert_eq!(message, "no matching package named `nosuch` found");
        assert_eq!(place, "1.2");
    }

    #[test]
    fn no_matching_version_is_placed_on_the_requirement() {
        let stderr = "error: failed to select a version for the requirement `time = \"^99\"`\ncandidate versions found which didn't match: 0.3.47\n";
        assert_eq!(at("[dependencies]\ntime = \"99\"\n", stderr).1, "99");
    }

    #[test]
    fn the_cause_becomes_the_message_of_a_manifest_that_cannot_be_parsed() {
        let stderr = "error: failed to parse manifest at `/w/Cargo.toml`\n\nCaused by:\n  no targets specified in the manifest\n  either src/lib.rs, src/main.rs, a [lib] section, or [[bin]] section must be present\n";
        let (message, place) = at("[package]\nname = \"m\"\n", stderr);
        assert_eq!(
            message,
            "failed to parse manifest at `/w/Cargo.toml`: no targets specified in the manifest"
        );
        assert_eq!(place, "m");
    }
}
