//! Carries plans out and has them judged. What it gives was proved.

use super::{
    Answer, Fix, FixOptions, Judged, Proof, Tried, Upgrade,
    policy::{self, PolicyFacts, PolicyPlan},
    upgrade::{self, Candidates, Raised, Target},
};
use crate::{
    gate::{Audience, Databases, Gate, GateOptions, Texts as _},
    resolve::{Moved, ResolveError, refusal},
    text::SourceText,
    verdict::{Check, Finding, PolicyText, Severity},
};

/// What fixes are proved with.
pub struct Prover<'p> {
    /// Judges what was tried. It keeps the last graph: to be another one than that which judges what
    /// the user sees, unless only the policy is changed.
    pub gate: &'p mut Gate,
    /// How it judges.
    pub options: &'p GateOptions,
    /// By which advisories.
    pub databases: &'p Databases,
    /// Who waits.
    pub audience: &'p dyn Audience,
}

/// Why something was not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotProved {
    /// Nobody waits any more.
    Unwanted,
    /// A sentence without its end.
    Because(String),
}

impl From<String> for NotProved {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

impl std::fmt::Debug for Prover<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

impl Prover<'_> {
    /// The versions that clear what is known against the package of `finding`: the smallest one.
    ///
    /// # Errors
    ///
    /// [`NotProved::Unwanted`] when nobody waits any more. That nothing was proved is an answer.
    pub fn upgrades(
        &mut self,
        now: Judged<'_>,
        finding: &Finding,
        fix: FixOptions,
    ) -> Result<Answer, NotProved> {
        let Some(target) = Target::of(&now.verdict.findings, finding) else {
            return Ok(Answer::default());
        };
        if !now.verdict.workspace.lock_file().is_file() {
            let none = Some(UNLOCKED.to_owned());
            return Ok(Answer { none, ..Answer::default() });
        }
        match self.upgrade(now, fix, &target) {
            Ok(fix) => Ok(Answer { fixes: vec![fix], none: None }),
            Err(NotProved::Because(reason)) => {
                Ok(Answer { none: Some(reason), ..Answer::default() })
            }
            Err(NotProved::Unwanted) => Err(NotProved::Unwanted),
        }
    }

    /// The first candidate that is proved, or why there is none.
    pub(super) fn upgrade(
        &mut self,
        now: Judged<'_>,
        fix: FixOptions,
        target: &Target,
    ) -> Result<Fix, NotProved> {
        let Candidates { compatible, breaking, none } =
            target.candidates(now.verdict.workspace.folder());
        if let Some(reason) = none {
            return Err(reason.into());
        }
        let is_declared = now.verdict.declared.iter().any(|one| one.package == target.package);
        let mut reasons = Vec::new();
        let mut tried = compatible.into_iter().map(|version| (version, false)).collect::<Vec<_>>();
        if fix.breaking && is_declared {
            tried.extend(breaking.iter().map(|version| (version.clone(), true)));
        }
        for (to, breaking) in tried {
            let upgrade = Upgrade { package: target.package.clone(), to, breaking };
            match self.attempt(now, upgrade) {
                Ok(fix) => return Ok(fix),
                Err(NotProved::Unwanted) => return Err(NotProved::Unwanted),
                Err(NotProved::Because(reason)) => {
                    tracing::debug!("{}: {reason}", target.package.name);
                    reasons.push(reason);
                }
            }
        }
        // The smallest version says what stands in its way.
        let name = &target.package.name;
        Err(NotProved::Because(match (reasons.into_iter().next(), breaking.first()) {
            (Some(reason), _) => reason,
            (None, Some(version)) if is_declared => format!(
                "only a breaking upgrade clears it: {name} {version} or later (`--breaking` tries that)"
            ),
            (None, Some(version)) => {
                format!("it takes {name} {version} or later, which what requires it does not admit")
            }
            (None, None) => "no version clears it".to_owned(),
        }))
    }

    fn attempt(&mut self, now: Judged<'_>, upgrade: Upgrade) -> Result<Fix, NotProved> {
        let Upgrade { package, to: version, breaking } = &upgrade;
        let lock_file = now.verdict.workspace.lock_file();
        let unreadable = |error| format!("`{lock_file}` cannot be read: {error}");
        let locked = now.texts.read(&lock_file).map_err(unreadable)?;
        let Raised { mut texts, pinned } =
            upgrade::with_requirements(now.texts, now.verdict, package, version)?;
        let moved = Moved { package: &package.name, from: &package.version, to: version };
        let wanted = || self.audience.still_waits();
        let lock = self.gate.lock_file_with(&self.options.resolver, &pinned, &moved, &wanted);
        let lock = lock.map_err(|error| refused(&error))?;
        if upgrade::locks(&lock, &package.name, &package.version)
            || !upgrade::locks(&lock, &package.name, &version.to_string())
        {
            let holders = upgrade::holders(&locked, package);
            return Err(NotProved::Because(match holders.as_slice() {
                [] => format!("cargo does not choose {} {version}", package.name),
                _ => {
                    format!("{} {version} is not admitted by {}", package.name, holders.join(", "))
                }
            }));
        }
        texts.set(&lock_file, in_lines_of(&locked, &lock)).map_err(unreadable)?;
        let proof = self.proof(now, &texts)?;
        let Some(proof) = proof else {
            return Err(format!("with {} {version} no verdict can be reached", package.name).into());
        };
        // What was judged is what cargo made of it.
        let judged =
            self.gate.scratch_lock_file().ok_or_else(|| "the scratch copy is gone".to_owned())?;
        if in_lines_of(&lock, &judged).as_str() != lock.as_str() {
            return Err(format!("cargo does not leave {} at {version}", package.name).into());
        }
        if !proof.cleared.iter().any(|finding| finding.packages.contains(package)) {
            return Err(format!("{} {version} does not clear it", package.name).into());
        }
        let new = proof.introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(new) = new {
            return Err(format!("{} {version} would bring: {}", package.name, new.message).into());
        }
        let what = if *breaking {
            format!(
                "upgrade `{}` {} to {version}, a breaking one: it resolves, whether it compiles is \
                 not known",
                package.name, package.version
            )
        } else {
            format!("upgrade `{}` {} to {version}", package.name, package.version)
        };
        Ok(Fix::new(super::Remedy::Upgrade, &what, Some(upgrade), texts, proof))
    }

    /// What the policy could say, in the order of remedies.
    ///
    /// # Errors
    ///
    /// [`NotProved::Unwanted`] when nobody waits any more.
    pub fn policy_fixes(
        &mut self,
        now: Judged<'_>,
        finding: &Finding,
    ) -> Result<Vec<Fix>, NotProved> {
        let Some(path) = &now.verdict.policy else { return Ok(Vec::new()) };
        let Ok(text) = now.texts.read(path) else { return Ok(Vec::new()) };
        let exceptions = now.verdict.workspace.policy_files().exceptions;
        let policy = PolicyText { path: Some(path.clone()), text, exceptions };
        let facts = PolicyFacts { policy: &policy, packages: &now.verdict.folders };
        let mut fixes = Vec::new();
        for plan in policy::plans(finding, &facts) {
            fixes.extend(self.policy_fix(now, finding, &plan)?);
        }
        Ok(fixes)
    }

    fn policy_fix(
        &mut self,
        now: Judged<'_>,
        finding: &Finding,
        plan: &PolicyPlan,
    ) -> Result<Option<Fix>, NotProved> {
        let Some(path) = &now.verdict.policy else { return Ok(None) };
        let mut texts = now.texts.clone();
        if texts.set(path, SourceText::new(&plan.after)).is_err() {
            return Ok(None);
        }
        let Some(proof) = self.proof(now, &texts)? else { return Ok(None) };
        let is_about_policy = matches!(finding.check, Check::Config | Check::Supercargo);
        if !is_about_policy && !proof.clears(finding)
            || proof.introduced.iter().any(|new| new.severity == Severity::Error)
        {
            return Ok(None);
        }
        let mut fix = Fix::new(plan.remedy, &plan.title, None, texts, proof);
        fix.to_fill_in = plan.to_fill_in.clone().map(|span| (path.clone(), span));
        Ok(Some(fix))
    }

    /// `None` where the changed texts lead to no verdict.
    fn proof(&mut self, now: Judged<'_>, tried: &Tried) -> Result<Option<Proof>, NotProved> {
        let quiet = Quiet(self.audience);
        let verdict = self.gate.judge(self.options, tried, self.databases, &quiet);
        let verdict = verdict.ok_or(NotProved::Unwanted)?;
        Ok(Proof::of(now, tried, verdict))
    }
}

/// Asks whether the answer is still wanted, and tells nothing.
struct Quiet<'a>(&'a dyn Audience);

impl Audience for Quiet<'_> {
    fn doing(&self, _: &str) {}

    fn still_waits(&self) -> bool {
        self.0.still_waits()
    }
}

pub(super) const UNLOCKED: &str =
    "there is no `Cargo.lock` to upgrade: write one with `cargo generate-lockfile`";

/// `text` with the line ends of another one: cargo writes its own.
fn in_lines_of(model: &SourceText, text: &SourceText) -> SourceText {
    let plain = text.as_str().replace("\r\n", "\n");
    let ends = if model.as_str().contains("\r\n") { "\r\n" } else { "\n" };
    SourceText::new(&plain.replace('\n', ends))
}

/// Cargo's refusal in its own words, the one line that says it and who asks for it.
fn refused(error: &ResolveError) -> NotProved {
    let stderr = match error {
        ResolveError::Unwanted { .. } => return NotProved::Unwanted,
        ResolveError::Cargo { stderr, .. } => stderr,
        other => return NotProved::Because(other.to_string()),
    };
    let (message, notes) = refusal(stderr);
    let blocks = notes.iter().find(|note| note.starts_with("required by"));
    NotProved::Because(match blocks {
        Some(blocks) => format!("cargo: {message}, {blocks}"),
        None => format!("cargo: {message}"),
    })
}
