//! Fixes: each was carried out in a scratch copy, resolved by cargo and judged by the gate before
//! anybody hears of it. Nothing of the user's is written here but by [`Tried::write`].
//!
//! So far there is one plan: another version of a package ([`upgrade`]).

pub mod policy;
mod proof;
mod remedy;
mod requirement;
mod tried;
mod upgrade;

use std::collections::BTreeMap;

use semver::Version;

use crate::{
    gate::{Databases, Gate, GateOptions, OnDisk, Texts as _, Verdict},
    resolve::{Moved, ResolveError, refusal},
    text::SourceText,
    verdict::{Check, Finding, PackageRef, Severity},
};
pub use proof::{MovedEntry, Proof};
pub use remedy::Remedy;
pub use tried::{Change, Tried, WriteError};
use upgrade::{Candidates, Raised, Target};

/// What may be done to get the gate clean.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixOptions {
    /// Also versions that cargo does not take for compatible. They are proved to resolve, not to
    /// compile.
    pub breaking: bool,
}

/// A proved upgrade.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// What was locked.
    pub package: PackageRef,
    /// What is locked with it.
    pub to: Version,
    /// Cargo does not take it for compatible.
    pub breaking: bool,
    /// What it leads to.
    pub proof: Proof,
}

/// A finding that stays.
#[derive(Clone, Debug)]
pub struct Remaining {
    /// Which.
    pub finding: Finding,
    /// Why nothing was done about it, a sentence without its end; `None` where there is no plan for
    /// its kind.
    pub reason: Option<String>,
}

/// What was done for one workspace, and what was not.
#[derive(Clone, Debug)]
pub struct Repair {
    /// What was proved, in the order in which it was done.
    pub upgrades: Vec<Upgrade>,
    /// The errors and warnings that stay.
    pub remaining: Vec<Remaining>,
    /// All changes together.
    pub texts: Tried,
    /// The verdict on them.
    pub verdict: Verdict,
}

/// Upgrades one package after the other until nothing more can be proved. `None` where nobody
/// waits any more.
pub fn repair(
    gate: &mut Gate,
    options: &GateOptions,
    fix: FixOptions,
    databases: &Databases,
    tell: &dyn Fn(&str),
) -> Option<Repair> {
    let verdict = gate.judge(options, &OnDisk, databases, &|message: &str| tell(message))?;
    let mut repair =
        Repair { upgrades: Vec::new(), remaining: Vec::new(), texts: Tried::default(), verdict };
    let mut given_up: BTreeMap<PackageRef, String> = BTreeMap::new();
    // Upgrades start from what is locked.
    let is_locked = repair.verdict.workspace.lock_file().is_file();
    let mut hopeful = repair.verdict.reached && is_locked;
    while std::mem::take(&mut hopeful) {
        // What stood in the way in the round before may stand there no more.
        given_up.clear();
        while let Some(target) = Target::all(&repair.verdict.findings)
            .into_iter()
            .find(|target| !given_up.contains_key(&target.package))
        {
            tell(&format!("looking for an upgrade of {}", target.package.name));
            match upgrade(gate, options, fix, databases, &repair, &target) {
                Ok((upgrade, texts)) => {
                    hopeful = true;
                    repair.texts = texts;
                    repair.verdict = upgrade.proof.verdict.clone();
                    repair.upgrades.push(upgrade);
                }
                Err(reason) => {
                    given_up.insert(target.package, reason);
                }
            }
        }
    }
    let counted = repair.verdict.findings.iter().filter(|finding| proof::counts(finding));
    let remaining = counted.map(|finding| Remaining {
        reason: match finding.packages.as_slice() {
            [_] if finding.check == Check::Advisories && !is_locked => Some(UNLOCKED.to_owned()),
            [package] if finding.check == Check::Advisories => given_up.get(package).cloned(),
            _ => None,
        },
        finding: finding.clone(),
    });
    repair.remaining = remaining.collect();
    Some(repair)
}

const UNLOCKED: &str =
    "there is no `Cargo.lock` to upgrade: write one with `cargo generate-lockfile`";

/// The first candidate that is proved, or why there is none.
fn upgrade(
    gate: &mut Gate,
    options: &GateOptions,
    fix: FixOptions,
    databases: &Databases,
    now: &Repair,
    target: &Target,
) -> Result<(Upgrade, Tried), String> {
    let Candidates { compatible, breaking, none } =
        target.candidates(now.verdict.workspace.folder());
    if let Some(reason) = none {
        return Err(reason);
    }
    let is_declared = now.verdict.declared.iter().any(|one| one.package == target.package);
    let mut reasons = Vec::new();
    let mut tried = compatible.into_iter().map(|version| (version, false)).collect::<Vec<_>>();
    if fix.breaking && is_declared {
        tried.extend(breaking.iter().map(|version| (version.clone(), true)));
    }
    for (version, breaking) in tried {
        match attempt(gate, options, databases, now, target, &version) {
            Ok((proof, texts)) => {
                let package = target.package.clone();
                return Ok((Upgrade { package, to: version, breaking, proof }, texts));
            }
            Err(reason) => {
                tracing::debug!("{} {version}: {reason}", target.package.name);
                reasons.push(reason);
            }
        }
    }
    // The smallest version says what stands in its way.
    match (reasons.into_iter().next(), breaking.first()) {
        (Some(reason), _) => Err(reason),
        (None, Some(version)) if is_declared => Err(format!(
            "only a breaking upgrade clears it: {} {version} or later (`--breaking` tries that)",
            target.package.name
        )),
        (None, Some(version)) => Err(format!(
            "it takes {} {version} or later, which what requires it does not admit",
            target.package.name
        )),
        (None, None) => Err("no version clears it".to_owned()),
    }
}

fn attempt(
    gate: &mut Gate,
    options: &GateOptions,
    databases: &Databases,
    now: &Repair,
    target: &Target,
    version: &Version,
) -> Result<(Proof, Tried), String> {
    let package = &target.package;
    let lock_file = now.verdict.workspace.lock_file();
    let unreadable = |error| format!("`{lock_file}` cannot be read: {error}");
    let locked = now.texts.read(&lock_file).map_err(unreadable)?;
    let Raised { mut texts, pinned } =
        upgrade::with_requirements(&now.texts, &now.verdict, package, version)?;
    let moved = Moved { package: &package.name, from: &package.version, to: version };
    let lock =
        gate.lock_file_with(&options.resolver, &pinned, &moved).map_err(|error| words(&error))?;
    if upgrade::locks(&lock, &package.name, &package.version)
        || !upgrade::locks(&lock, &package.name, &version.to_string())
    {
        let holders = upgrade::holders(&locked, package);
        return Err(match holders.as_slice() {
            [] => format!("cargo does not choose {} {version}", package.name),
            _ => format!("{} {version} is not admitted by {}", package.name, holders.join(", ")),
        });
    }
    texts.set(&lock_file, in_lines_of(&locked, &lock)).map_err(unreadable)?;
    let before = (&now.verdict, &now.texts);
    let proof = Proof::of(gate, options, databases, before, &texts)
        .ok_or_else(|| format!("with {} {version} no verdict can be reached", package.name))?;
    // What was judged is what cargo made of it.
    let judged = gate.scratch_lock_file().ok_or("the scratch copy is gone")?;
    if in_lines_of(&lock, &judged).as_str() != lock.as_str() {
        return Err(format!("cargo does not leave {} at {version}", package.name));
    }
    if !proof.cleared.iter().any(|finding| finding.packages.contains(package)) {
        return Err(format!("{} {version} does not clear it", package.name));
    }
    let new = proof.introduced.iter().find(|finding| finding.severity == Severity::Error);
    match new {
        Some(new) => Err(format!("{} {version} would bring: {}", package.name, new.message)),
        None => Ok((proof, texts)),
    }
}

/// `text` with the line ends of another one: cargo writes its own.
fn in_lines_of(model: &SourceText, text: &SourceText) -> SourceText {
    let plain = text.as_str().replace("\r\n", "\n");
    let ends = if model.as_str().contains("\r\n") { "\r\n" } else { "\n" };
    SourceText::new(&plain.replace('\n', ends))
}

/// Cargo's refusal in its own words, the one line that says it and who asks for it.
fn words(error: &ResolveError) -> String {
    let ResolveError::Cargo { stderr, .. } = error else { return error.to_string() };
    let (message, notes) = refusal(stderr);
    let blocks = notes.iter().find(|note| note.starts_with("required by"));
    match blocks {
        Some(blocks) => format!("cargo: {message}, {blocks}"),
        None => format!("cargo: {message}"),
    }
}
