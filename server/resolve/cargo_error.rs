//! Parses cargo's error output into a message and its location.

mod explanation;
mod keys;
mod locator;
mod requirements;

use camino::{Utf8Path, Utf8PathBuf};

use crate::text::{SourceText, Span};
use explanation::Explanation;
use locator::ErrorLocator;
use requirements::Conflict;

/// An error of cargo with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CargoError {
    /// The message, one sentence.
    pub(crate) message: String,
    /// What to do about it, if cargo or rustup says so.
    pub(crate) remedy: Option<String>,
    /// The rest of cargo's explanation.
    pub(crate) notes: Vec<String>,
    /// The location.
    pub(crate) location: CargoErrorLocation,
    /// Other locations that cargo names, with what they are.
    pub(crate) related: Vec<(CargoErrorLocation, String)>,
}

/// A location in a manifest, lockfile or configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CargoErrorLocation {
    pub(crate) file: Utf8PathBuf,
    pub(crate) text: SourceText,
    pub(crate) span: Span,
}

/// The start of an error in a configuration; `line 2, column 11` follows.
const PARSE_ERROR: &str = "TOML parse error at line ";

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
        let conflict = Conflict::read(&lines);
        let Explanation { message, remedy, notes, problem } =
            Explanation::of(&lines, conflict.as_ref());
        let files = ErrorLocator { manifest_path, root, read: &read };
        let location = files.locate(&lines, &problem, conflict.as_ref());
        let mut related = files.related(&lines, conflict.as_ref());
        related.retain(|(other, _)| *other != location);
        Self { message, remedy, notes, location, related }
    }
}

/// Cargo's output from the first error on.
fn error_lines(stderr: &str) -> Vec<&str> {
    let lines = || stderr.lines().map(str::trim_end);
    let error_lines: Vec<_> = lines().skip_while(|line| !line.starts_with("error")).collect();
    if error_lines.is_empty() { lines().collect() } else { error_lines }
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
