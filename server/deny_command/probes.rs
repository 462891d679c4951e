//! A command line for each option and code, for a comparison with other versions of cargo-deny.

use std::collections::BTreeSet;

use semver::Version;
use serde::Serialize;

use super::{DenyCommand, syntax};
use crate::verdict::{Code, LintLevels};

/// Command lines whose options came, moved or went.
const OPTIONS: [&str; 16] = [
    "--all-features --offline check sources",
    "--no-default-features --features tls --workspace --exclude other --offline check sources",
    "--frozen check sources",
    "--locked --offline check sources",
    "--target x86_64-unknown-linux-gnu --target x86_64-apple-darwin --offline check sources",
    "--exclude-dev --offline check sources",
    "--exclude-unpublished --offline check sources",
    "--allow-git-index --offline check sources",
    "--config deny.toml --offline check sources",
    "--format sarif --offline check sources",
    "--offline check --exclude-dev sources",
    "--offline check --config deny.toml sources",
    "--offline check --feature-depth 2 sources",
    "--offline check --disable-fetch sources",
    "--offline check --show-stats --hide-inclusion-graph sources",
    "--log-level ERROR --offline check sources",
];

/// A command line, and the versions of cargo-deny that accept it as it is read here.
#[derive(Clone, Debug, Serialize)]
pub struct CommandProbe {
    /// The words after `cargo deny`, separated by spaces.
    pub command: String,
    /// The first version that accepts it; from the beginning if there is none.
    pub since: Option<String>,
    /// The first version that refuses it again.
    pub until: Option<String>,
}

/// The command lines of all options that differ between versions, and of all codes.
pub fn probes() -> Vec<CommandProbe> {
    let levels = LintLevels::known().map(|(word, _)| format!("--offline check -A {word} sources"));
    let lines = OPTIONS.map(str::to_owned).into_iter().chain(levels);
    let changes: BTreeSet<Version> = syntax::CHANGES
        .iter()
        .cloned()
        .chain(Code::ALL.iter().filter_map(|code| code.since()))
        .collect();
    let probe = |command: String| {
        let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
        let accepts = |version: &&Version| DenyCommand::parse(&words, Some(*version)).is_ok();
        let since = changes.iter().find(accepts);
        let until = changes.iter().find(|version| since < Some(*version) && !accepts(version));
        let since = since.filter(|version| **version != syntax::OLDEST).map(ToString::to_string);
        CommandProbe { command, since, until: until.map(ToString::to_string) }
    };
    lines.map(probe).collect()
}
