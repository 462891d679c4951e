//! `cargo xtask fixes`: what `supercargo fix` makes of real workspaces, by the word of the real
//! cargo-deny, and beside it what `cargo update` and `cargo audit fix` make of them.
//!
//! Each way starts from a copy of its own. What is compared are advisories, by a policy that denies
//! all of them: what else a policy may say is no matter of other versions.

mod cases;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rayon::prelude::*;
use serde::Deserialize;

use crate::parity::corpus::Shared;
use crate::parity::home::Home;
use crate::parity::job::{Job, Side};
use crate::parity::theirs;
use crate::{commands, tools};

/// The policy: every advisory fails.
const POLICY: &str = "[advisories]\nyanked = \"deny\"\nunmaintained = \"all\"\nunsound = \"all\"\n";

/// Another policy: only vulnerabilities do.
const VULNERABLE: &str =
    "[advisories]\nyanked = \"allow\"\nunmaintained = \"none\"\nunsound = \"none\"\n";

/// A way to another lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Fix,
    FixBreaking,
    /// By a policy that is about vulnerabilities alone, as `cargo audit fix` is.
    FixVulnerable,
    UpdateNamed,
    UpdateAll,
    AuditFix,
}

/// What cargo-deny finds, and the lock entries.
struct State {
    vulnerabilities: BTreeSet<String>,
    errors: BTreeSet<String>,
    entries: BTreeSet<(String, String)>,
}

/// What `supercargo fix` has said.
#[derive(Default)]
struct Said {
    /// The errors that it says remain, in the form of [`State::errors`].
    remaining: BTreeSet<String>,
    /// Errors that remain without a reason.
    unexplained: usize,
    /// Errors that were cleared in some step.
    fixes: usize,
}

/// What a way led to; `None` where it could not be measured.
type Results = BTreeMap<Way, Option<(State, Said)>>;

struct Workspace {
    name: String,
    before: State,
    results: Results,
    cases: Vec<cases::Case>,
}

/// One line of `supercargo fix --format json`.
#[derive(Deserialize)]
struct Record {
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

const WAYS: [Way; 6] = [
    Way::Fix,
    Way::FixBreaking,
    Way::FixVulnerable,
    Way::UpdateNamed,
    Way::UpdateAll,
    Way::AuditFix,
];

/// Measures all workspaces (or those whose name contains the argument) and writes the page; `true`
/// where `fix` kept its word everywhere and moved no more than others.
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
    let measured: Vec<Result<Workspace>> = names
        .par_iter()
        .map(|name| bench.measure(&originals.join(name), name).context(name.clone()))
        .collect();
    let measured = measured.into_iter().collect::<Result<Vec<_>>>()?;
    let page = page::of(&measured);
    print!("{page}");
    if arguments.is_empty() {
        fs::write(root.join("server/docs/fixes.md"), page)?;
    }
    let smallest = |one: &Workspace| one.cases.iter().all(cases::Case::is_smallest);
    Ok(measured.iter().all(|one| one.kept_its_word() && smallest(one)))
}

impl Workspace {
    /// Whether cargo-deny finds exactly what `fix` said would remain.
    fn kept_its_word(&self) -> bool {
        [Way::Fix, Way::FixBreaking].iter().all(|way| self.differences(*way).is_empty())
    }

    fn differences(&self, way: Way) -> Vec<String> {
        let Some(Some((state, said))) = self.results.get(&way) else { return Vec::new() };
        state.errors.symmetric_difference(&said.remaining).cloned().collect()
    }
}

struct Bench {
    cargo_deny: PathBuf,
    supercargo: PathBuf,
    cargo_audit: Option<PathBuf>,
    home: Home,
    policy: PathBuf,
    /// The policy about vulnerabilities alone.
    vulnerable: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn measure(&self, original: &Path, name: &str) -> Result<Workspace> {
        let before = self.state(original)?;
        let mut results = Results::new();
        for way in WAYS {
            let copy = self.scratch.join(format!("{way:?}")).join(name);
            self.copy(original, &copy)?;
            let result = match self.go(way, &copy, &before) {
                Ok(Some(said)) => Some((self.state(&copy)?, said)),
                Ok(None) => None,
                Err(error) => {
                    eprintln!("{name}, {way:?}: {error:#}");
                    None
                }
            };
            eprintln!("{name}, {way:?}: done");
            results.insert(way, result);
        }
        let cases = self.cases(original, name, &before)?;
        Ok(Workspace { name: name.to_owned(), before, results, cases })
    }

    fn copy(&self, original: &Path, copy: &Path) -> Result<()> {
        debug_assert!(copy.starts_with(&self.scratch));
        fs::create_dir_all(copy.parent().unwrap_or(copy))?;
        commands::output(std::process::Command::new("cp").arg("-R").arg(original).arg(copy))?;
        Ok(())
    }

    /// Goes one way; `None` where that cannot be gone on this machine.
    fn go(&self, way: Way, folder: &Path, before: &State) -> Result<Option<Said>> {
        let mut command = match way {
            Way::Fix | Way::FixBreaking | Way::FixVulnerable => {
                let mut command = self.home.command(&self.supercargo);
                command.args(["fix", "--only", "advisories", "--format", "json", "--config"]);
                if way == Way::FixVulnerable {
                    command.arg(&self.vulnerable);
                } else {
                    command.arg(&self.policy);
                }
                if way != Way::Fix {
                    command.arg("--breaking");
                }
                let captured = commands::capture(command.current_dir(folder))?;
                return said(&captured.stdout).map(Some).with_context(|| captured.stderr);
            }
            Way::UpdateNamed => {
                let mut command = self.home.command("cargo");
                command.arg("update");
                for error in &before.errors {
                    let package = error.split(' ').next_back().unwrap_or(error);
                    command.args(["-p", package]);
                }
                if before.errors.is_empty() {
                    return Ok(Some(Said::default()));
                }
                command
            }
            Way::UpdateAll => {
                let mut command = self.home.command("cargo");
                command.arg("update");
                command
            }
            Way::AuditFix => {
                let Some(cargo_audit) = &self.cargo_audit else { return Ok(None) };
                let mut command = self.home.command(cargo_audit);
                command.args(["audit", "--no-fetch", "--stale", "--db"]);
                command.arg(self.home.database()).arg("fix");
                let captured = commands::capture(command.current_dir(folder))?;
                // It fails where something stays; whether it has worked is told by its words.
                let says = format!("{}{}", captured.stdout, captured.stderr);
                if !says.contains("Scanning") && !says.contains("Fixed") {
                    bail!("{}", says.trim());
                }
                return Ok(Some(Said::default()));
            }
        };
        commands::output(command.current_dir(folder)).map(|_| Some(Said::default()))
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
            fetch: Some(vec!["--locked".to_owned()]),
            claims: None,
            unlocked: None,
        };
        job.fetch(&job.theirs)?;
        let outcome = theirs::run(&self.cargo_deny, &job)?;
        if outcome.summary.is_none() {
            bail!("cargo-deny reaches no verdict: {}", outcome.remarks.join("; "));
        }
        let errors = outcome.findings.iter().filter(|finding| finding.severity == "error");
        let told = |finding: &&crate::parity::outcome::Finding| {
            let packages = finding.packages.iter();
            let packages: Vec<_> =
                packages.map(|(name, version)| format!("{name}@{version}")).collect();
            shown(finding.code(), finding.advisory.as_deref(), &packages)
        };
        let vulnerabilities = errors.clone().filter(|finding| finding.code() == "vulnerability");
        Ok(State {
            vulnerabilities: vulnerabilities.map(|finding| told(&finding)).collect(),
            errors: errors.map(|finding| told(&finding)).collect(),
            entries: entries(&folder.join("Cargo.lock"))?,
        })
    }
}

fn shown(code: &str, advisory: Option<&str>, packages: &[String]) -> String {
    let advisory = advisory.map_or_else(String::new, |advisory| format!(" {advisory}"));
    format!("{code}{advisory} {}", packages.join(" "))
}

fn said(json: &str) -> Result<Said> {
    let mut said = Said::default();
    let mut ended = false;
    for line in json.lines() {
        let record: Record = serde_json::from_str(line).context("a record of `fix`")?;
        ended |= record.r#type == "summary";
        said.fixes += usize::from(record.r#type == "fix");
        if record.r#type != "remaining" || record.severity.as_deref() != Some("error") {
            continue;
        }
        let packages = record.packages.unwrap_or_default().into_iter();
        let packages: Vec<_> =
            packages.map(|one| format!("{}@{}", one.name, one.version)).collect();
        let code = record.code.as_deref().unwrap_or("none");
        said.remaining.insert(shown(code, record.advisory.as_deref(), &packages));
        said.unexplained += usize::from(record.reason.is_none_or(|reason| reason.is_empty()));
    }
    if !ended {
        bail!("`fix` has not come to its end");
    }
    Ok(said)
}

/// Name and version of every lock entry.
fn entries(lock_file: &Path) -> Result<BTreeSet<(String, String)>> {
    let text = fs::read_to_string(lock_file)?;
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
