//! The settings: one documented struct, from which [the page](../../docs/settings.md), the schema
//! and the validation of what a client sends are made.
//!
//! [`validate`] finds errors in the settings of a client, [`sources`] merges the sources of settings,
//! [`change`] says which work a change affects.

mod change;
mod code_levels;
mod levels;
mod sources;
mod validate;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    deny_command::{DenyCheck, DenyCommand},
    ide::hints::HintOptions,
    resolve::Resolver,
    verdict::{Check, CheckSet, Code, DenyOptions},
    workspace::{DiscoveryOptions, EXCLUDED_FOLDERS, Workspace, lexical},
};
pub(super) use change::SettingsChange;
pub(super) use code_levels::CodeLevel;
pub(super) use sources::SettingsSources;

/// The extension of the schema for settings that are read from `initializationOptions` only.
const AT_START_ONLY: &str = "x-initialization-options-only";

/// The extension of the schema that says for every other setting whether a value of it can hide a
/// finding. In a workspace that is not trusted, such settings are read from `initializationOptions`
/// only, and VS Code reads them from no file of the workspace.
const WEAKENS: &str = "x-weakens";

/// The settings of the language server. A setting that is null or absent has the value of an earlier
/// source, else its default.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(title = "Supercargo")]
pub(super) struct Settings {
    /// Trust the workspace: programs may be started and connections opened for it. Otherwise only
    /// known vulnerabilities in `Cargo.lock` are checked, and the findings of an earlier session are
    /// shown if no file has changed. An invalid value means false. Later changes are sent by the
    /// notification `supercargo/didChangeTrust`.
    #[schemars(extend("x-initialization-options-only" = true))]
    pub(super) trusted: bool,
    /// Work without network: cargo opens no connection, and advisories are not fetched. An invalid
    /// value means true.
    #[schemars(extend("x-weakens" = true))]
    pub(super) offline: bool,
    /// The cargo that resolves dependencies: an absolute path, or the name of a program in `PATH`.
    /// The default is `$CARGO`, else `cargo`.
    #[schemars(with = "Option<String>", extend("format" = "program", "x-initialization-options-only" = true))]
    pub(super) cargo: Option<Utf8PathBuf>,
    /// Which gates to check with. `auto`: those that the repository's CI runs (listed by `supercargo gates`), if no
    /// option of cargo-deny is set below; `default`: cargo-deny's defaults and the options below; or the words of a
    /// command line, such as `--all-features check advisories bans`.
    #[schemars(extend("format" = "gate", "x-weakens" = true))]
    pub(super) gate: String,
    /// Check all members of the workspace, even if the root manifest has a package.
    #[schemars(extend("x-weakens" = true))]
    pub(super) workspace: bool,
    /// Activate all features, as `--all-features` of cargo-deny. Like the other options of cargo-deny, it changes
    /// the gate that the editor shows: it adds to `[graph]` of the policy.
    #[schemars(extend("x-weakens" = true))]
    pub(super) all_features: bool,
    /// Do not activate the `default` feature, as `--no-default-features` of cargo-deny.
    #[schemars(extend("x-weakens" = true))]
    pub(super) no_default_features: bool,
    /// Features to activate instead of `graph.features` of the policy, as `--features` of cargo-deny.
    #[schemars(extend("items" = {"type": "string", "format": "feature"}, "x-weakens" = true))]
    pub(super) features: Vec<String>,
    /// Target triples for which to check, instead of `graph.targets` of the policy, as `--target` of cargo-deny.
    #[schemars(extend("items" = {"type": "string", "format": "target"}, "x-weakens" = true))]
    pub(super) targets: Vec<String>,
    /// Packages to exclude from the graph, such as `name` or `name@1.2.0`, as `--exclude` of cargo-deny.
    #[schemars(extend("items" = {"type": "string", "format": "package"}, "x-weakens" = true))]
    pub(super) exclude_packages: Vec<String>,
    /// Exclude the dev-dependencies of members, as `--exclude-dev` of cargo-deny.
    #[schemars(extend("x-weakens" = true))]
    pub(super) exclude_dev: bool,
    /// Exclude members with `publish = false`, as `--exclude-unpublished` of cargo-deny.
    #[schemars(extend("x-weakens" = true))]
    pub(super) exclude_unpublished: bool,
    /// The checks that the gate runs, as the words after `cargo deny check`; empty for all.
    #[schemars(extend("items" = {"type": "string", "enum": ["advisories", "bans", "licenses", "sources"]}, "x-weakens" = true))]
    pub(super) only: Vec<String>,
    /// The levels of codes, as `-A`, `-W` and `-D` of cargo-deny: they change severities, counts and the gate.
    /// `allowed`, `warnings` and `denied` are all findings of a level.
    #[schemars(extend("x-weakens" = true))]
    pub(super) levels: levels::LevelSettings,
    /// The policy to use instead of looking for one, as `--config` of cargo-deny: a path, relative to the open
    /// folder that contains the workspace. Edits count before they are saved if its name is `deny.toml`.
    #[schemars(with = "Option<String>", extend("format" = "file", "x-weakens" = true))]
    pub(super) config: Option<Utf8PathBuf>,
    /// A folder with advisories in RustSec's layout (an absolute path), used instead of the databases
    /// of the policy. It is never written.
    #[schemars(with = "Option<String>", extend("format" = "path", "x-weakens" = true))]
    pub(super) db: Option<Utf8PathBuf>,
    /// Compare with a branch, tag or commit, such as `origin/main`, as `supercargo check --base`: findings that it does
    /// not have are marked as new. Empty for no comparison. The command `supercargo.server.compareWithBase` sets another
    /// one until this setting changes.
    #[schemars(extend("format" = "revision", "x-weakens" = false))]
    pub(super) base: String,
    /// Compare with the commit at which the current branch has left `base`, not with its tip.
    #[schemars(extend("x-weakens" = false))]
    pub(super) merge_base: bool,
    /// Names of folders in which workspaces are not searched. Hidden folders and those that git
    /// ignores are skipped as well. The workspace of an open file is always checked.
    #[schemars(extend("items" = {"type": "string", "pattern": "^[^/\\\\]+$"}, "x-weakens" = true))]
    pub(super) exclude: Vec<String>,
    /// How many milliseconds to wait after an edit of a manifest before it is resolved. A single edit
    /// is resolved at once.
    #[schemars(range(max = 5000), extend("x-weakens" = false))]
    pub(super) debounce: u64,
    /// Look for verified upgrades in the background, at a low priority, while nothing is edited.
    /// Otherwise upgrades are verified when a quick fix is requested.
    #[schemars(extend("x-weakens" = false))]
    pub(super) prove_when_idle: bool,
    /// Show cargo-deny's notes and helps as hints.
    #[schemars(extend("x-weakens" = false))]
    pub(super) notes: bool,
    /// Show a hint in an open manifest on each other dependency that brings in a package with a finding.
    /// The finding itself is shown once, on the dependency with the shortest dependency path.
    #[schemars(extend("x-weakens" = false))]
    pub(super) other_dependencies: bool,
    /// Checks whose findings are shown. The gate does not change: cargo-deny still runs all checks.
    #[schemars(extend("x-weakens" = true))]
    pub(super) checks: ShownChecks,
    /// The severity with which findings of a code are shown; `off` hides them. A note whose code has a
    /// severity is shown even without `notes`. The gate does not change, and hovers still show hidden
    /// findings.
    #[schemars(extend("x-weakens" = true))]
    pub(super) codes: code_levels::CodeLevels,
    /// What inlay hints show.
    #[schemars(extend("x-weakens" = false))]
    pub(super) hints: HintSettings,
    /// Show code lenses above the entries of a policy: how many findings an entry suppresses, how many
    /// packages it matches.
    #[schemars(extend("x-weakens" = false))]
    pub(super) entry_lenses: bool,
    /// Complete the tables and keys of a policy and the values that its schema lists. Disable this if
    /// another TOML server uses `deny.schema.json`; completions from the graph stay.
    #[schemars(extend("x-weakens" = false))]
    pub(super) key_completion: bool,
}

/// Checks whose findings are shown.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ShownChecks {
    /// Show vulnerabilities, unmaintained and yanked packages.
    advisories: bool,
    /// Show banned and duplicate packages, features, build scripts.
    bans: bool,
    /// Show findings about licenses.
    licenses: bool,
    /// Show findings about registries and git repositories.
    sources: bool,
}

/// What inlay hints show.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct HintSettings {
    /// Show the locked version, if the requirement does not name it.
    locked_version: bool,
    /// Show that the locked version is yanked, according to cargo's copy of the index.
    yanked: bool,
    /// Show the newest version that satisfies the requirement and the package's `rust-version`, if it
    /// is newer than the locked one, according to cargo's copy of the index.
    newest: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted: true,
            offline: false,
            cargo: None,
            gate: AUTO.to_owned(),
            workspace: false,
            all_features: false,
            no_default_features: false,
            features: Vec::new(),
            targets: Vec::new(),
            exclude_packages: Vec::new(),
            exclude_dev: false,
            exclude_unpublished: false,
            only: Vec::new(),
            levels: levels::LevelSettings::default(),
            config: None,
            db: None,
            base: String::new(),
            merge_base: false,
            exclude: EXCLUDED_FOLDERS.map(str::to_owned).to_vec(),
            debounce: 150,
            prove_when_idle: true,
            notes: false,
            other_dependencies: true,
            checks: ShownChecks { advisories: true, bans: true, licenses: true, sources: true },
            codes: code_levels::CodeLevels::default(),
            hints: HintSettings::default(),
            entry_lenses: true,
            key_completion: true,
        }
    }
}

impl Default for ShownChecks {
    fn default() -> Self {
        Settings::default().checks
    }
}

impl Default for HintSettings {
    fn default() -> Self {
        Self { locked_version: true, yanked: true, newest: true }
    }
}

impl HintSettings {
    /// The same as options of `ide`.
    pub(super) fn options(&self) -> HintOptions {
        let Self { locked_version, yanked, newest } = *self;
        HintOptions { locked_version, yanked, newest }
    }
}

impl Settings {
    /// The level that the user has set for findings of a check and code.
    pub(super) fn level(&self, check: Check, code: Option<Code>) -> Option<CodeLevel> {
        let visible = match check {
            Check::Advisories => self.checks.advisories,
            Check::Bans => self.checks.bans,
            Check::Licenses => self.checks.licenses,
            Check::Sources => self.checks.sources,
            Check::Config | Check::Supercargo => true,
        };
        if !visible {
            return Some(CodeLevel::Off);
        }
        self.codes.get(code?)
    }

    /// Whether notes and helps may be shown, so that the check has to list them.
    pub(super) fn lists_helps(&self) -> bool {
        self.notes || self.codes.any_shown()
    }

    /// The cargo to run.
    pub(super) fn cargo(&self) -> std::path::PathBuf {
        match &self.cargo {
            Some(cargo) => cargo.clone().into_std_path_buf(),
            None => Resolver::default_cargo(),
        }
    }

    /// The options of cargo-deny for a workspace. A relative policy starts in the innermost of the open folders
    /// that contains it, else in its own folder.
    pub(super) fn deny_options(
        &self,
        workspace: &Workspace,
        folders: &[Utf8PathBuf],
    ) -> DenyOptions {
        if let Some(check) = command_line(&self.gate) {
            let folder = innermost(workspace, folders);
            let config = check.options.config_in(folder).map(|path| lexical(&path));
            return DenyOptions { config, manifest_path: None, ..check.options };
        }
        let only = |check: &Check| self.only.iter().any(|name| name == check.name());
        let only: Vec<_> = Check::CARGO_DENY.into_iter().filter(only).collect();
        let options = DenyOptions {
            config: self.config_of(workspace, folders),
            workspace: self.workspace,
            exclude: self.exclude_packages.clone(),
            targets: self.targets.clone(),
            all_features: self.all_features,
            no_default_features: self.no_default_features,
            features: self.features.clone(),
            exclude_dev: self.exclude_dev,
            exclude_unpublished: self.exclude_unpublished,
            checks: if only.is_empty() { CheckSet::ALL } else { CheckSet::of(&only) },
            levels: self.levels.0.clone(),
            ..DenyOptions::default()
        };
        options.normalized()
    }

    /// The policy that the user has set for a workspace, absolute.
    pub(super) fn config_of(
        &self,
        workspace: &Workspace,
        folders: &[Utf8PathBuf],
    ) -> Option<Utf8PathBuf> {
        let folder = innermost(workspace, folders);
        if let Some(check) = command_line(&self.gate) {
            return check.options.config_in(folder).map(|path| lexical(&path));
        }
        let config = self.config.as_ref()?;
        Some(lexical(&folder.join(config)))
    }

    /// Whether the gates of CI are used where there are any.
    pub(super) fn uses_ci_gates(&self) -> bool {
        let workspace = Workspace::of_manifest(Utf8Path::new("/Cargo.toml"));
        self.gate == AUTO && self.deny_options(&workspace, &[]) == DenyOptions::default()
    }

    /// Where workspaces are searched.
    pub(super) fn discovery(&self) -> DiscoveryOptions {
        DiscoveryOptions { excluded: self.exclude.clone(), nested: false }
    }
}

/// The JSON schema of the settings, in the draft that editors read.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Settings>().to_value();
    join_lines(&mut schema);
    schema
}

/// Joins the lines of each description: they are the lines of this source file.
fn join_lines(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for (key, value) in object {
        match value {
            Value::String(text) if key == "description" => *text = text.replace('\n', " "),
            value => join_lines(value),
        }
    }
}

/// The value of `--base` for the event that CI runs for. There is none in an editor.
const BASE_OF_EVENT: &str = "auto";

/// Whether a text can name a branch, tag or commit.
pub(super) fn is_revision(text: &str) -> bool {
    validate::is_word(text) && text != BASE_OF_EVENT
}

/// The value of `gate` for the gates of CI.
const AUTO: &str = "auto";

/// The value of `gate` for the options of the other settings.
const DEFAULT: &str = "default";

/// Whether a text is a value of `gate`.
fn is_gate(text: &str) -> bool {
    [AUTO, DEFAULT].contains(&text) || command_line(text).is_some()
}

/// The innermost of the open folders that contains a workspace, else its own folder.
fn innermost<'f>(workspace: &'f Workspace, folders: &'f [Utf8PathBuf]) -> &'f Utf8Path {
    let around = folders.iter().filter(|folder| workspace.manifest.starts_with(folder));
    let innermost = around.max_by_key(|folder| folder.components().count());
    innermost.map_or(workspace.folder(), Utf8PathBuf::as_path)
}

/// The command line in a value of `gate`, if it is one. The word `check` may be left out.
fn command_line(gate: &str) -> Option<DenyCheck> {
    if [AUTO, DEFAULT].contains(&gate) {
        return None;
    }
    let mut words: Vec<_> = gate.split_whitespace().map(str::to_owned).collect();
    if let Some("deny") = words.first().map(String::as_str) {
        words.remove(0);
    }
    if !words.iter().any(|word| word == "check") {
        words.push("check".to_owned());
    }
    match DenyCommand::parse(&words, None) {
        Ok(DenyCommand::Check(check)) => Some(*check),
        Ok(DenyCommand::NotACheck(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_of_cargo_deny_are_those_of_its_command_line() {
        let settings: Settings = serde_json::from_value(json!({
            "allFeatures": true, "noDefaultFeatures": true, "features": ["b", "a"], "workspace": true,
            "targets": ["x86_64-pc-windows-msvc"], "excludePackages": ["one@1.0.0"], "excludeDev": true,
            "excludeUnpublished": true, "only": ["bans", "advisories"], "config": "../ci/deny.toml",
            "levels": {"warnings": "deny", "banned": "allow"},
        }))
        .expect("settings");
        let workspace = Workspace::of_manifest("/w/a/b/Cargo.toml".into());
        let options = settings.deny_options(&workspace, &["/w".into(), "/w/a".into(), "/o".into()]);
        assert_eq!(
            options.to_string(),
            "--config /w/ci/deny.toml --workspace --all-features --no-default-features --features a,b \
             --target x86_64-pc-windows-msvc --exclude one@1.0.0 --exclude-dev --exclude-unpublished \
             check -A banned -D warnings advisories bans"
        );
        let alone = settings.config_of(&workspace, &[]);
        assert_eq!(alone.expect("a policy"), "/w/a/ci/deny.toml");
        assert_eq!(Settings::default().deny_options(&workspace, &[]), DenyOptions::default());
    }
}
