//! `cargo xtask fixes`: compares `supercargo fix` with `cargo update` and `cargo audit fix` on real
//! workspaces. The real cargo-deny checks the results.
//!
//! Each method starts from its own copy. Only advisories are compared, with a policy that denies all of
//! them: the rest of a policy does not depend on versions.

mod packages;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rayon::prelude::*;
use serde::Deserialize;

use crate::parity::corpus::Shared;
use crate::parity::home::Home;
use crate::parity::job::{Job, Side};
use crate::parity::theirs;
use crate::{commands, tools};

/// The policy that denies every advisory.
const POLICY: &str = "[advisories]\nyanked = \"deny\"\nunmaintained = \"all\"\nunsound = \"all\"\n";

/// The policy that denies only vulnerabilities.
const VULNERABLE: &str =
    "[advisories]\nyanked = \"allow\"\nunmaintained = \"none\"\nunsound = \"none\"\n";

/// A method to fix a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FixMethod {
    Fix,
    FixBreaking,
    /// With a policy that denies only vulnerabilities, as `cargo audit fix` fixes only those.
    FixVulnerable,
    UpdateNamed,
    UpdateAll,
    AuditFix,
}

/// The findings of cargo-deny, and the lock entries.
struct State {
    vulnerabilities: BTreeSet<String>,
    errors: BTreeSet<String>,
    entries: BTreeSet<(String, String)>,
}

/// The output of `supercargo fix`.
#[derive(Default)]
struct FixOutput {
    /// The reported remaining errors, in the form of [`State::errors`].
    remaining: BTreeSet<String>,
    /// The remaining errors without a reason.
    unexplained: usize,
    /// The number of fixes.
    fixes: usize,
}

/// The result of each method; `None` if it could not be measured.
type Results = BTreeMap<FixMethod, Option<FixResult>>;

struct FixResult {
    state: State,
    output: FixOutput,
    /// How long it took, with all packages and index entries on the disk.
    time: Duration,
}

struct Workspace {
    name: String,
    before: State,
    results: Results,
    packages: Vec<packages::PackageResult>,
}

/// One line of `supercargo fix --format json`.
#[derive(Deserialize)]
struct FixRecord {
    r#type: String,
    severity: Option<String>,
    code: Option<String>,
    packages: Option<Vec<Package>>,
    advisory: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

const METHODS: [FixMethod; 6] = [
    FixMethod::Fix,
    FixMethod::FixBreaking,
    FixMethod::FixVulnerable,
    FixMethod::UpdateNamed,
    FixMethod::UpdateAll,
    FixMethod::AuditFix,
];

/// Measures all workspaces (or those whose name contains the argument) and writes the page. Returns whether
/// the report of `fix` was correct everywhere and `fix` moved no more lock entries than the others.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let root = tools::root()?;
    let shared = Shared::find(&root).context("the workspaces of `../shared/data` are not here")?;
    let scratch = tempfile::Builder::new().prefix("supercargo-fixes-").tempdir()?;
    let bench = Bench {
        cargo_deny: tools::cargo_deny(&root)?,
        supercargo: tools::supercargo(&root)?,
        cargo_audit: tools::cargo_audit(&root),
        home: shared.home(scratch.path())?,
        policy: scratch.path().join("all-advisories.toml"),
        vulnerable: scratch.path().join("vulnerabilities.toml"),
        scratch: scratch.path().to_owned(),
    };
    fs::write(&bench.policy, POLICY)?;
    fs::write(&bench.vulnerable, VULNERABLE)?;
    let originals = scratch.path().join("originals");
    let mut names = shared.unpack(&originals)?;
    names.retain(|name| arguments.first().is_none_or(|part| name.contains(part.as_str())));
    // One after the other, as each is timed.
    let measured = names.iter().map(|name| {
        let workspace = bench.measure(&originals.join(name), name);
        workspace.with_context(|| name.clone())
    });
    let mut measured = measured.collect::<Result<Vec<_>>>()?;
    measured.par_iter_mut().try_for_each(|workspace| -> Result<()> {
        let Workspace { name, before, packages, .. } = workspace;
        *packages = bench.package_results(&originals.join(&*name), name, before)?;
        Ok(())
    })?;
    let page = page::of(&measured);
    print!("{page}");
    if arguments.is_empty() {
        fs::write(root.join("server/docs/fixes.md"), page)?;
    }
    let smallest = |one: &Workspace| one.packages.iter().all(packages::PackageResult::is_smallest);
    Ok(measured.iter().all(|one| one.report_is_correct() && smallest(one)))
}

impl Workspace {
    /// Whether cargo-deny finds exactly the errors that `fix` reported as remaining.
    fn report_is_correct(&self) -> bool {
        [FixMethod::Fix, FixMethod::FixBreaking]
            .iter()
            .all(|method| self.differences(*method).is_empty())
    }

    fn differences(&self, method: FixMethod) -> Vec<String> {
        let Some(Some(FixResult { state, output, .. })) = self.results.get(&method) else {
            return Vec::new();
        };
        state.errors.symmetric_difference(&output.remaining).cloned().collect()
    }
}

struct Bench {
    cargo_deny: PathBuf,
    supercargo: PathBuf,
    cargo_audit: Option<PathBuf>,
    home: Home,
    policy: PathBuf,
    /// The policy that denies only vulnerabilities.
    vulnerable: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn measure(&self, original: &Path, name: &str) -> Result<Workspace> {
        let before = self.state(original)?;
        let mut results = Results::new();
        for method in METHODS {
            // The first run downloads what the second one needs.
            let first = self.scratch.join(format!("{method:?}-first")).join(name);
            self.copy(original, &first)?;
            let downloaded = self.apply(method, &first, &before);
            let copy = self.scratch.join(format!("{method:?}")).join(name);
            self.copy(original, &copy)?;
            let start = Instant::now();
            let result = match downloaded.and_then(|_| self.apply(method, &copy, &before)) {
                Ok(Some(output)) => {
                    let time = start.elapsed();
                    Some(FixResult { state: self.state(&copy)?, output, time })
                }
                Ok(None) => None,
                Err(error) => {
                    eprintln!("{name}, {method:?}: {error:#}");
                    None
                }
            };
            eprintln!("{name}, {method:?}: {:.1} s", start.elapsed().as_secs_f64());
            results.insert(method, result);
        }
        Ok(Workspace { name: name.to_owned(), before, results, packages: Vec::new() })
    }

    fn copy(&self, original: &Path, copy: &Path) -> Result<()> {
        debug_assert!(copy.starts_with(&self.scratch));
        fs::create_dir_all(copy.parent().unwrap_or(copy))?;
        commands::output(std::process::Command::new("cp").arg("-R").arg(original).arg(copy))?;
        Ok(())
    }

    /// Applies one method; `None` if its tool is not installed.
    fn apply(&self, method: FixMethod, folder: &Path, before: &State) -> Result<Option<FixOutput>> {
        let mut command = match method {
            FixMethod::Fix | FixMethod::FixBreaking | FixMethod::FixVulnerable => {
                let mut command = self.home.command(&self.supercargo);
                command.args(["fix", "--only", "advisories", "--format", "json", "--config"]);
                if method == FixMethod::FixVulnerable {
                    command.arg(&self.vulnerable);
                } else {
                    command.arg(&self.policy);
                }
                if method != FixMethod::Fix {
                    command.args(["--breaking", "--allow", "rust-version"]);
                }
                let captured = commands::capture(command.current_dir(folder))?;
                return output(&captured.stdout).map(Some).with_context(|| captured.stderr);
            }
            FixMethod::UpdateNamed => {
                let mut command = self.home.command("cargo");
                command.arg("update");
                for error in &before.errors {
                    let package = error.split(' ').next_back().unwrap_or(error);
                    command.args(["-p", package]);
                }
                if before.errors.is_empty() {
                    return Ok(Some(FixOutput::default()));
                }
                command
            }
            FixMethod::UpdateAll => {
                let mut command = self.home.command("cargo");
                command.arg("update");
                command
            }
            FixMethod::AuditFix => {
                let Some(cargo_audit) = &self.cargo_audit else { return Ok(None) };
                let mut command = self.home.command(cargo_audit);
                command.args(["audit", "--no-fetch", "--stale", "--db"]);
                command.arg(self.home.database()).arg("fix");
                let captured = commands::capture(command.current_dir(folder))?;
                // It exits with an error if something remains, so the output decides.
                let text = format!("{}{}", captured.stdout, captured.stderr);
                if !text.contains("Scanning") && !text.contains("Fixed") {
                    bail!("{}", text.trim());
                }
                return Ok(Some(FixOutput::default()));
            }
        };
        commands::output(command.current_dir(folder)).map(|_| Some(FixOutput::default()))
    }

    fn state(&self, folder: &Path) -> Result<State> {
        let policy = self.policy.display().to_string();
        let side = || Side {
            directory: folder.to_owned(),
            arguments: vec!["--locked".to_owned(), "--config".to_owned(), policy.clone()],
        };
        let job = Job {
            name: folder.display().to_string(),
            home: self.home.clone(),
            theirs: side(),
            ours: side(),
            checks: vec!["advisories".to_owned()],
            check_arguments: Vec::new(),
            fetch: Some(vec!["--locked".to_owned()]),
            claims: None,
            unlocked: None,
        };
        job.fetch(&job.theirs)?;
        let outcome = theirs::run(&self.cargo_deny, &job)?;
        if outcome.summary.is_none() {
            bail!("cargo-deny did not complete: {}", outcome.remarks.join("; "));
        }
        let errors = outcome.findings.iter().filter(|finding| finding.severity == "error");
        let described = |finding: &&crate::parity::outcome::Finding| {
            let packages = finding.packages.iter();
            let packages: Vec<_> =
                packages.map(|(name, version)| format!("{name}@{version}")).collect();
            shown(finding.code(), finding.advisory.as_deref(), &packages)
        };
        let vulnerabilities = errors.clone().filter(|finding| finding.code() == "vulnerability");
        Ok(State {
            vulnerabilities: vulnerabilities.map(|finding| described(&finding)).collect(),
            errors: errors.map(|finding| described(&finding)).collect(),
            entries: entries(&folder.join("Cargo.lock"))?,
        })
    }
}

fn shown(code: &str, advisory: Option<&str>, packages: &[String]) -> String {
    let advisory = advisory.map_or_else(String::new, |advisory| format!(" {advisory}"));
    format!("{code}{advisory} {}", packages.join(" "))
}

fn output(json: &str) -> Result<FixOutput> {
    let mut output = FixOutput::default();
    let mut ended = false;
    for line in json.lines() {
        let record: FixRecord = serde_json::from_str(line).context("a record of `fix`")?;
        ended |= record.r#type == "summary";
        output.fixes += usize::from(record.r#type == "fix");
        if record.r#type != "remaining" || record.severity.as_deref() != Some("error") {
            continue;
        }
        let packages = record.packages.unwrap_or_default().into_iter();
        let packages: Vec<_> =
            packages.map(|one| format!("{}@{}", one.name, one.version)).collect();
        let code = record.code.as_deref().unwrap_or("none");
        output.remaining.insert(shown(code, record.advisory.as_deref(), &packages));
        output.unexplained += usize::from(record.reason.is_none_or(|reason| reason.is_empty()));
    }
    if !ended {
        bail!("`fix` wrote no summary");
    }
    Ok(output)
}

/// Name and version of every lock entry.
fn entries(lockfile: &Path) -> Result<BTreeSet<(String, String)>> {
    let text = fs::read_to_string(lockfile)?;
    let value = |line: &str, key: &str| {
        Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
    };
    let mut entries = BTreeSet::new();
    let mut name = None;
    for line in text.lines() {
        if let Some(named) = value(line, "name") {
            name = Some(named);
        } else if let Some(version) = value(line, "version") {
            entries.extend(name.take().map(|name| (name, version)));
        }
    }
    Ok(entries)
}
