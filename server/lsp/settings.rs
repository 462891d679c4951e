//! The settings: one documented struct, from which [the page](../../docs/settings.md), the schema
//! and the check of what a client sends are made.
//!
//! [`read`] tells what is right of what was sent and what is wrong with the rest, [`layers`] puts
//! the sources over each other, [`change`] tells what a change concerns.

mod change;
mod codes;
mod layers;
mod read;

use camino::Utf8PathBuf;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ide::hints::HintOptions,
    resolve::Resolver,
    verdict::{Check, Code},
    workspace::{DiscoveryOptions, EXCLUDED_FOLDERS},
};
pub(super) use change::Change;
pub(super) use codes::Shown;
pub(super) use layers::Layers;

/// The extension of the schema that marks what is taken from `initializationOptions` only.
const AT_START_ONLY: &str = "x-initialization-options-only";

/// The extension of the schema that says of every other setting whether a value of it can keep a
/// finding from being seen. In a workspace that is not trusted, those are taken from
/// `initializationOptions` only, too, and VS Code reads them from no file of the workspace.
const WEAKENS: &str = "x-weakens";

/// The settings of the language server. Null or absent means what an earlier source says, else the
/// default.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(title = "Supercargo")]
pub(super) struct Settings {
    /// Programs may be started and connections opened for the workspace. Without it
    /// vulnerabilities are judged by `Cargo.lock`, and the verdict of an earlier session is shown
    /// while nothing has changed. What is neither true nor false means false. Later changes come by the notification
    /// `supercargo/didChangeTrust`.
    #[schemars(extend("x-initialization-options-only" = true))]
    pub(super) trusted: bool,
    /// No network: neither cargo nor the fetch of advisories opens a connection. What is neither
    /// true nor false means true.
    #[schemars(extend("x-weakens" = true))]
    pub(super) offline: bool,
    /// The cargo that resolves dependencies: an absolute path, or the name of a program that is
    /// looked for on the path. Without it `$CARGO`, else `cargo`.
    #[schemars(with = "Option<String>", extend("format" = "program", "x-initialization-options-only" = true))]
    pub(super) cargo: Option<Utf8PathBuf>,
    /// Judge all members, also where the root manifest is that of a package.
    #[schemars(extend("x-weakens" = true))]
    pub(super) workspace: bool,
    /// A folder of advisories in RustSec's layout, instead of the databases of the policy; an
    /// absolute path. It is only read.
    #[schemars(with = "Option<String>", extend("format" = "path", "x-weakens" = true))]
    pub(super) db: Option<Utf8PathBuf>,
    /// Names of folders in which no workspaces are looked for. What git ignores and hidden folders
    /// are left out, too; an opened file's workspace is always judged.
    #[schemars(extend("items" = {"type": "string", "pattern": "^[^/\\\\]+$"}, "x-weakens" = true))]
    pub(super) exclude: Vec<String>,
    /// How many milliseconds nothing may be typed before an edited manifest is resolved. An edit
    /// that stands alone is not waited for.
    #[schemars(range(max = 5000), extend("x-weakens" = false))]
    pub(super) debounce: u64,
    /// Look for upgrades and prove them before anybody asks for a quick fix, at a low priority, while
    /// nothing is edited. Without it they are proved when they are asked for.
    #[schemars(extend("x-weakens" = false))]
    pub(super) prove_when_idle: bool,
    /// Show cargo-deny's notes and helps as hints.
    #[schemars(extend("x-weakens" = false))]
    pub(super) notes: bool,
    /// Checks whose findings are shown. What the gate says is not changed: cargo-deny still runs
    /// them all.
    #[schemars(extend("x-weakens" = true))]
    pub(super) checks: Checks,
    /// How findings of a code are shown, by its name; `off` hides them, and a note with a severity
    /// is shown without `notes`. What the gate says is not changed, and a hover still tells them.
    #[schemars(extend("x-weakens" = true))]
    pub(super) codes: codes::Codes,
    /// What inlay hints tell.
    #[schemars(extend("x-weakens" = false))]
    pub(super) hints: Hints,
    /// Show above the entries of a policy what they do (how many findings they suppress, how many
    /// packages they match), where the client shows code lenses.
    #[schemars(extend("x-weakens" = false))]
    pub(super) entry_lenses: bool,
    /// Complete also the tables and keys of a policy and the values that its schema lists. Turned
    /// off, they are left to another TOML server that has `deny.schema.json`; what is completed from
    /// the graph stays.
    #[schemars(extend("x-weakens" = false))]
    pub(super) key_completion: bool,
}

/// Checks whose findings are shown.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Checks {
    /// Show vulnerabilities, unmaintained and yanked packages.
    advisories: bool,
    /// Show banned and duplicate packages, features, build scripts.
    bans: bool,
    /// Show what is wrong with licenses.
    licenses: bool,
    /// Show what is wrong with registries and git repositories.
    sources: bool,
}

/// What inlay hints tell.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Hints {
    /// Tell the locked version, where the requirement does not say it.
    locked_version: bool,
    /// Tell that the locked version was yanked, by cargo's copy of the index.
    yanked: bool,
    /// Tell the newest version that the requirement and the package's `rust-version` admit, where it is newer than the locked one,
    /// by cargo's copy of the index.
    newest: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted: true,
            offline: false,
            cargo: None,
            workspace: false,
            db: None,
            exclude: EXCLUDED_FOLDERS.map(str::to_owned).to_vec(),
            debounce: 150,
            prove_when_idle: true,
            notes: false,
            checks: Checks { advisories: true, bans: true, licenses: true, sources: true },
            codes: codes::Codes::default(),
            hints: Hints::default(),
            entry_lenses: true,
            key_completion: true,
        }
    }
}

impl Default for Checks {
    fn default() -> Self {
        Settings::default().checks
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self { locked_version: true, yanked: true, newest: true }
    }
}

impl Hints {
    /// What `ide` is asked for.
    pub(super) fn options(&self) -> HintOptions {
        let Self { locked_version, yanked, newest } = *self;
        HintOptions { locked_version, yanked, newest }
    }
}

impl Settings {
    /// What the user has chosen for findings of a check and code.
    pub(super) fn shown(&self, check: Check, code: Option<Code>) -> Option<Shown> {
        let visible = match check {
            Check::Advisories => self.checks.advisories,
            Check::Bans => self.checks.bans,
            Check::Licenses => self.checks.licenses,
            Check::Sources => self.checks.sources,
            Check::Config | Check::Supercargo => true,
        };
        if !visible {
            return Some(Shown::Off);
        }
        self.codes.get(code?)
    }

    /// Whether also what is merely told has to be listed.
    pub(super) fn lists_helps(&self) -> bool {
        self.notes || self.codes.show_any()
    }

    /// The cargo that is run.
    pub(super) fn cargo(&self) -> std::path::PathBuf {
        match &self.cargo {
            Some(cargo) => cargo.clone().into_std_path_buf(),
            None => Resolver::default_cargo(),
        }
    }

    /// Where workspaces are looked for.
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

/// Makes one line of each description: the lines are those of our source.
fn join_lines(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for (key, value) in object {
        match value {
            Value::String(words) if key == "description" => *words = words.replace('\n', " "),
            value => join_lines(value),
        }
    }
}
