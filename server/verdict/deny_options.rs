//! The options of cargo-deny's command line that change its verdict.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{CheckSet, LintLevels};

/// Everything on the command line of `cargo deny check` that can change the verdict. The default is that
/// of the plain command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DenyOptions {
    /// `--manifest-path`: the `Cargo.toml` to check, as written; else the one in the folder in which the
    /// program runs.
    pub manifest_path: Option<Utf8PathBuf>,
    /// `--metadata-path`: a file with the output of `cargo metadata`, as written, to use instead of running
    /// cargo.
    pub metadata_path: Option<Utf8PathBuf>,
    /// `--config`: the policy, as written.
    pub config: Option<Utf8PathBuf>,
    /// A relative `config` starts in the folder of the manifest, as before cargo-deny 0.19, and not in the
    /// one in which the program runs.
    pub config_from_manifest: bool,
    /// `--workspace`: check all members, even if the manifest is that of one package.
    pub workspace: bool,
    /// `--exclude`: cargo package ids to exclude from the graph, sorted. Added to `graph.exclude` of the
    /// policy.
    pub exclude: Vec<String>,
    /// `--target`: target triples, sorted. They replace `graph.targets` of the policy.
    pub targets: Vec<String>,
    /// `--all-features`, also if the policy has `graph.all-features`.
    pub all_features: bool,
    /// `--no-default-features`, also if the policy has `graph.no-default-features`.
    pub no_default_features: bool,
    /// `--features`, sorted. They replace `graph.features` of the policy.
    pub features: Vec<String>,
    /// `--locked` or `--frozen`: fail if `Cargo.lock` is not up to date.
    pub locked: bool,
    /// `--offline` or `--frozen`: no network, for cargo and for advisories.
    pub offline: bool,
    /// `--exclude-dev`: leave out dev-dependencies of members, also if the policy has `graph.exclude-dev`.
    pub exclude_dev: bool,
    /// `--exclude-unpublished`: leave out members with `publish = false`, also if the policy has
    /// `graph.exclude-unpublished`.
    pub exclude_unpublished: bool,
    /// The names of the checks to run; all by default.
    pub checks: CheckSet,
    /// `-A`, `-W` and `-D`.
    pub levels: LintLevels,
}

impl DenyOptions {
    /// Sorts the lists whose order has no meaning, so that equal options are equal.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        for list in [&mut self.exclude, &mut self.targets, &mut self.features] {
            list.sort();
            list.dedup();
        }
        self
    }

    /// The manifest that cargo-deny checks when it runs in a folder.
    pub fn manifest_in(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let named = self.manifest_path.as_deref().unwrap_or(Utf8Path::new("Cargo.toml"));
        folder.join(named)
    }

    /// The policy that `--config` names when cargo-deny runs in a folder.
    pub fn config_in(&self, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        let named = self.config.as_ref()?;
        if !self.config_from_manifest {
            return Some(folder.join(named));
        }
        let manifest = self.manifest_in(folder);
        Some(manifest.parent().unwrap_or(folder).join(named))
    }

    /// The shortest words of cargo-deny for these options, without the program: those of the program, then
    /// `check`, then its own.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let paths = [
            ("--manifest-path", &self.manifest_path),
            ("--metadata-path", &self.metadata_path),
            ("--config", &self.config),
        ];
        for (option, path) in paths {
            words.extend(path.iter().flat_map(|path| [option.to_owned(), path.to_string()]));
        }
        let flags = [
            ("--workspace", self.workspace),
            ("--all-features", self.all_features),
            ("--no-default-features", self.no_default_features),
        ];
        let flag = |(option, is_set): (&str, bool)| is_set.then(|| option.to_owned());
        words.extend(flags.into_iter().filter_map(flag));
        if !self.features.is_empty() {
            words.extend(["--features".to_owned(), self.features.join(",")]);
        }
        for (option, values) in [("--target", &self.targets), ("--exclude", &self.exclude)] {
            words.extend(values.iter().flat_map(|value| [option.to_owned(), value.clone()]));
        }
        let frozen = self.locked && self.offline;
        let flags = [
            ("--exclude-dev", self.exclude_dev),
            ("--exclude-unpublished", self.exclude_unpublished),
            ("--frozen", frozen),
            ("--locked", self.locked && !frozen),
            ("--offline", self.offline && !frozen),
        ];
        words.extend(flags.into_iter().filter_map(flag));
        words.push("check".to_owned());
        words.extend(self.levels.words());
        if self.checks != CheckSet::ALL {
            words.extend(self.checks.iter().map(|check| check.name().to_owned()));
        }
        words
    }
}

impl DenyOptions {
    /// The words that differ from plain `cargo deny check`; `None` if there is no option.
    pub fn shown(&self) -> Option<String> {
        let shown = self.to_string();
        let shown = shown.strip_suffix("check").map_or(shown.as_str(), str::trim_end);
        (!shown.is_empty()).then(|| shown.to_owned())
    }
}

impl fmt::Display for DenyOptions {
    /// The words as one line, quoted as for a shell: `--all-features check advisories bans`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.words().iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=@+#\\".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Check, LintLevel};

    #[test]
    fn words_are_those_of_a_command_line_in_one_order() {
        assert_eq!(DenyOptions::default().to_string(), "check");
        assert_eq!(DenyOptions::default().shown(), None);
        let one = DenyOptions { exclude_dev: true, ..DenyOptions::default() };
        assert_eq!(one.shown().as_deref(), Some("--exclude-dev"));
        let mut options = DenyOptions {
            config: Some("my tools/deny.toml".into()),
            all_features: true,
            exclude_dev: true,
            offline: true,
            locked: true,
            exclude: vec!["b".to_owned(), "a@1.0.0".to_owned(), "b".to_owned()],
            features: vec!["y".to_owned(), "x".to_owned()],
            checks: CheckSet::of(&[Check::Bans, Check::Advisories]),
            ..DenyOptions::default()
        };
        options.levels.set("warnings", LintLevel::Deny).expect("a group");
        assert_eq!(
            options.normalized().to_string(),
            "--config 'my tools/deny.toml' --all-features --features x,y --exclude a@1.0.0 --exclude b \
             --exclude-dev --frozen check -D warnings advisories bans"
        );
    }

    #[test]
    fn relative_config_starts_where_the_version_says() {
        let folder = Utf8Path::new("/repo");
        let mut options = DenyOptions {
            manifest_path: Some("sub/Cargo.toml".into()),
            config: Some("ci/deny.toml".into()),
            ..DenyOptions::default()
        };
        assert_eq!(options.manifest_in(folder), "/repo/sub/Cargo.toml");
        assert_eq!(options.config_in(folder).expect("a policy"), "/repo/ci/deny.toml");
        options.config_from_manifest = true;
        assert_eq!(options.config_in(folder).expect("a policy"), "/repo/sub/ci/deny.toml");
        options.config = Some("/etc/deny.toml".into());
        assert_eq!(options.config_in(folder).expect("a policy"), "/etc/deny.toml");
    }
}
