//! The version of cargo-deny that a command runs, as far as the repository says.

use std::{cmp::Ordering, fmt};

use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use super::{
    FileLine, Search, repository::CiFiles, script_text::ScriptText, variables::ExpandedWord,
};
use crate::model::tree;

/// A version of cargo-deny, and the line that chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineVersion {
    /// The version.
    pub number: VersionNumber,
    /// The line that names it.
    pub from: FileLine,
}

/// A version, or the newest one that begins with these numbers: `0.18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VersionNumber {
    major: u64,
    minor: u64,
    patch: Option<u64>,
}

impl VersionNumber {
    /// Reads `0.18.6`, `v0.18.6`, `=0.18.6`, `^0.18`, `0.18.x`. `None` for anything else, such as `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', '=', '^', '~', ' ']);
        let text = text.split(['-', '+']).next()?;
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch = match parts.next() {
            None | Some("x" | "*") => None,
            Some(patch) => Some(patch.parse().ok()?),
        };
        parts.next().is_none().then_some(Self { major, minor, patch })
    }

    /// The newest version that it can be.
    pub fn newest(self) -> Version {
        Version::new(self.major, self.minor, self.patch.unwrap_or(u64::from(u32::MAX)))
    }

    /// Whether it is older than a version of cargo-deny, for certain.
    pub fn is_before(self, version: &Version) -> bool {
        self.newest().cmp(version) == Ordering::Less
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        write!(f, "{major}.{minor}")?;
        match patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

const NAME: &str = "cargo-deny";

/// Commands of cargo and others that install a program.
const INSTALLERS: [&str; 4] = ["install", "binstall", "quickinstall", "liner"];

/// The version that a command installs: `cargo install cargo-deny --version 0.18.6`.
pub(super) fn installed_by(words: &[ExpandedWord], at: &FileLine) -> Option<EngineVersion> {
    let words: Vec<&str> = words.iter().map(ExpandedWord::shown).collect();
    let program = Utf8Path::new(words.first()?).file_stem()?;
    let number = match program {
        "cargo" | "cargo-binstall" => {
            let installs = words.iter().any(|word| INSTALLERS.contains(word)) || program != "cargo";
            installs.then(|| of_install(&words)).flatten()
        }
        "mise" | "rtx" | "asdf" => words.iter().find_map(|word| {
            let (name, version) = word.rsplit_once('@')?;
            name.ends_with(NAME).then(|| VersionNumber::parse(version)).flatten()
        }),
        // An archive of a release.
        "curl" | "wget" => words.iter().find_map(|word| {
            let (_, rest) = word.split_once("/cargo-deny/releases/download/")?;
            VersionNumber::parse(rest.split('/').next()?)
        }),
        _ => None,
    };
    Some(EngineVersion { number: number?, from: at.clone() })
}

fn of_install(words: &[&str]) -> Option<VersionNumber> {
    if let Some(version) = words.iter().find_map(|word| word.strip_prefix("cargo-deny@")) {
        return VersionNumber::parse(version);
    }
    if !words.iter().any(|word| *word == NAME || word.ends_with("/cargo-deny")) {
        return None;
    }
    let options = ["--version", "--vers", "--tag"];
    let after = |index: usize| words.get(index + 1).copied();
    words.iter().enumerate().find_map(|(index, word)| {
        let value = match word.split_once('=') {
            Some((option, value)) if options.contains(&option) => Some(value),
            _ if options.contains(word) => after(index),
            _ => None,
        };
        VersionNumber::parse(value?)
    })
}

/// The version in a list of tools: `just,cargo-deny@0.18.6`.
pub(super) fn in_tool_list(list: &str) -> Option<VersionNumber> {
    let tools = list.split(|c: char| c == ',' || c.is_whitespace());
    tools.filter_map(|tool| tool.strip_prefix("cargo-deny@")).find_map(VersionNumber::parse)
}

/// What files for the whole repository install: mise, asdf, Dockerfiles.
pub(super) fn of_files(search: &mut Search<'_>, files: &CiFiles) -> Option<EngineVersion> {
    let mut found = Vec::new();
    for path in &files.mise {
        let Some(text) = search.text(path) else { continue };
        found.extend(of_mise(path, text.as_str()));
    }
    for path in &files.tool_versions {
        let Some(text) = search.text(path) else { continue };
        for (line, text) in (1..).zip(text.as_str().lines()) {
            let mut words = text.split_whitespace();
            let is_it = words.next().is_some_and(|name| name == NAME);
            let number = words.next().filter(|_| is_it).and_then(VersionNumber::parse);
            let from = FileLine { file: path.clone(), line };
            found.extend(number.map(|number| EngineVersion { number, from }));
        }
    }
    if let Some(first) = found.into_iter().next() {
        return Some(first);
    }
    // Which image a job runs in is not known: only a version that all of them agree on counts.
    let mut images = Vec::new();
    for path in &files.dockerfiles {
        images.extend(of_dockerfile(search, path));
    }
    let first = images.first()?.clone();
    images.iter().all(|one| one.number == first.number).then_some(first)
}

fn of_mise(path: &Utf8PathBuf, text: &str) -> Option<EngineVersion> {
    let (parsed, _) = tree::parse(text);
    let tools = tree::table(parsed.get_ref(), "tools")?;
    let lines = ScriptText::whole(1, text);
    tools.iter().find_map(|(key, value)| {
        // `cargo:cargo-deny`, `aqua:EmbarkStudios/cargo-deny`, `ubi:..`
        let name = key.get_ref().rsplit([':', '/']).next()?;
        let version = match value.get_ref() {
            DeValue::String(version) => version.as_ref(),
            DeValue::Table(table) => version_key(table)?,
            DeValue::Array(list) => list.first()?.get_ref().as_str()?,
            _ => return None,
        };
        let number = VersionNumber::parse(version).filter(|_| name == NAME)?;
        let from = FileLine { file: path.clone(), line: lines.line(key.span().start) };
        Some(EngineVersion { number, from })
    })
}

fn version_key<'t>(table: &'t DeTable<'_>) -> Option<&'t str> {
    table.get("version")?.get_ref().as_str()
}

fn of_dockerfile(search: &mut Search<'_>, path: &Utf8PathBuf) -> Option<EngineVersion> {
    let text = search.text(path)?;
    if !text.as_str().contains(NAME) {
        return None;
    }
    let mut variables = super::variables::Variables::default();
    for line in text.as_str().lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("ARG" | "ENV"))
            && let Some((name, value)) = words.next().and_then(|word| word.split_once('='))
        {
            variables.set_text(name, value.trim_matches(['"', '\'']));
        }
    }
    // Instructions become commands; what they run begins after `RUN`.
    let script = text.as_str().replace("\nRUN ", "\n    ");
    let script = ScriptText::whole(1, &script);
    let list = super::shell::parse(&script.text);
    list.iter().find_map(|item| {
        let super::shell::ShellCommand::Simple { words, .. } = &item.command else { return None };
        let line = script.line(words.first()?.at);
        let words: Vec<_> = words.iter().flat_map(|word| variables.expand(word)).collect();
        let from = FileLine { file: path.clone(), line };
        let begin = words.iter().position(|word| word.known().is_some_and(|word| word == "cargo"));
        installed_by(words.get(begin.unwrap_or(0)..)?, &from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_versions_are_the_newest_that_they_can_be() {
        let number = |text: &str| VersionNumber::parse(text).expect("a version");
        let version = |text: &str| text.parse::<Version>().expect("a version");
        assert!(!number("0.18").is_before(&version("0.18.9")));
        assert!(number("0.18").is_before(&version("0.19.0")));
        assert!(number("=0.18.2").is_before(&version("0.18.3")));
        assert_eq!(number("v0.18.2-rc.1").to_string(), "0.18.2");
        assert_eq!(number("0.18.x").to_string(), "0.18");
        for text in ["", "latest", "0", "a.b", "1.2.3.4", "*"] {
            assert_eq!(VersionNumber::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_of_install_commands_are_read() {
        let version = |text: &str| {
            let words: Vec<_> =
                text.split(' ').map(|word| ExpandedWord::Known(word.to_owned())).collect();
            let at = FileLine { file: Utf8PathBuf::from("x"), line: 1 };
            installed_by(&words, &at).map(|version| version.number.to_string())
        };
        for text in [
            "cargo install cargo-deny --version 0.18.6 --locked",
            "cargo install --locked --version=0.18.6 cargo-deny",
            "cargo +stable install cargo-deny@0.18.6",
            "cargo binstall -y cargo-deny@0.18.6",
            "cargo-binstall cargo-deny@0.18.6",
            "cargo install --git https://github.com/EmbarkStudios/cargo-deny --tag 0.18.6",
            "curl -L https://github.com/EmbarkStudios/cargo-deny/releases/download/0.18.6/x.tar.gz",
            "mise use cargo:cargo-deny@0.18.6",
        ] {
            assert_eq!(version(text).as_deref(), Some("0.18.6"), "{text}");
        }
        for text in
            ["cargo install cargo-deny", "cargo install x --version 1.2.3", "cargo deny check"]
        {
            assert_eq!(version(text), None, "{text}");
        }
        assert_eq!(
            in_tool_list("just, cargo-deny@0.18").map(|v| v.to_string()).as_deref(),
            Some("0.18")
        );
        assert_eq!(in_tool_list("cargo-deny cargo-deny-x@1.2.3"), None);
    }
}
