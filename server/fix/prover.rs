//! Carries plans out and has them judged. What it gives was proved.

mod creation;
mod manifests;
mod unignored;

use std::collections::BTreeSet;

use semver::Version;

use super::{
    Answer, Fix, FixOptions, Judged, Proof, Remedy, Tried, Upgrade,
    policy::{self, PolicyFacts, PolicyPlan},
    refusal::{Offline, refused},
    upgrade::{
        Histories, Keep, Locked, Pick, Plan, Raised, Search, Step, Target, Vanished, held_back,
        moves, needs_rust, with_requirements, without_pins,
    },
};
use crate::{
    gate::{Audience, Databases, Gate, GateOptions, Texts as _, Verdict},
    resolve::{BufferCopy, Built, ResolveError},
    text::SourceText,
    verdict::{Check, Code, Finding, PackageRef, PolicyText, Severity},
};
pub use creation::Created;

/// How many versions of one kind are tried at most.
const TRIES: usize = 4;

/// How often cargo is asked to move less.
const SPARINGS: usize = 3;

/// How often what is in the way then is no longer held back.
const RELEASES: usize = 4;

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

/// What plans for a workspace are made from.
pub(super) struct Ground<'g> {
    now: Judged<'g>,
    locked: Locked,
    histories: &'g Histories,
    /// What local packages require.
    declared: BTreeSet<PackageRef>,
}

/// What may be tried for a target, each in the order in which it is.
#[derive(Default)]
struct Plans {
    compatible: Vec<Plan>,
    breaking: Vec<Plan>,
    /// Why there are no more of them.
    reason: Option<String>,
}

impl<'g> Ground<'g> {
    pub(super) fn of(now: Judged<'g>, histories: &'g Histories) -> Self {
        let lock_file = now.texts.read(&now.verdict.workspace.lock_file());
        let locked = lock_file.map(|text| Locked::read(&text)).unwrap_or_default();
        let mut declared: BTreeSet<_> =
            now.verdict.declared.iter().map(|one| one.package.clone()).collect();
        declared.extend(locked.required_locally().cloned());
        Self { now, locked, histories, declared }
    }

    fn search(&self, breaking: bool) -> Search<'_> {
        Search {
            locked: &self.locked,
            histories: self.histories,
            declared: &self.declared,
            breaking,
            lenient: false,
        }
    }

    fn plans(&self, target: &Target) -> Plans {
        let mut plans = Plans::default();
        let clear = match target.clear(self.histories) {
            Ok(clear) => clear,
            Err(reason) => return Plans { reason: Some(reason), ..plans },
        };
        if let Some(reason) = clear.none {
            self.plan_without(target, &mut plans);
            let blocked = plans.reason.take().map_or_else(String::new, |why| format!("; {why}"));
            plans.reason = Some(format!("{reason}{blocked}"));
            return plans;
        }
        let compatible = clear.compatible();
        let mut wishes: Vec<(&[Version], Pick)> = Vec::new();
        if !target.is_only_about_licence() {
            wishes.push((&compatible, Pick::Smallest));
            wishes.push((&clear.versions, Pick::Smallest));
            wishes.extend(
                compatible.chunks(1).skip(1).take(TRIES - 2).map(|one| (one, Pick::Smallest)),
            );
        }
        wishes.push((&compatible, Pick::Newest));
        wishes.push((&clear.versions, Pick::Newest));
        // Better than nothing where no compatible one clears all.
        if compatible.is_empty() {
            wishes.push((&clear.partly, Pick::Smallest));
        }
        let package = &target.package;
        for (versions, pick) in wishes.into_iter().filter(|(versions, _)| !versions.is_empty()) {
            match self.search(false).plan(package, versions, pick) {
                Ok(plan) if !plans.compatible.contains(&plan) && !plan.steps.is_empty() => {
                    plans.compatible.push(plan);
                }
                Ok(_) => {}
                Err(reason) => plans.reason = Some(reason),
            }
        }
        let lines = clear.later_lines();
        let mut wishes: Vec<(&[Version], Pick)> = Vec::new();
        if !target.is_only_about_licence() {
            wishes.push((&clear.versions, Pick::Smallest));
            wishes.extend(lines.chunks(1).take(TRIES).map(|one| (one, Pick::Smallest)));
        }
        // By its number it may be the one that is compatible.
        let newest: Vec<_> = clear.versions.iter().max().cloned().into_iter().collect();
        wishes.push((&newest, Pick::Newest));
        for (versions, pick) in wishes.into_iter().filter(|(versions, _)| !versions.is_empty()) {
            match self.search(true).plan(package, versions, pick) {
                Ok(plan) if plan.is_breaking() && !plans.breaking.contains(&plan) => {
                    plans.breaking.push(plan);
                }
                Err(reason) if plans.breaking.is_empty() => {
                    plans.reason.get_or_insert(reason);
                }
                _ => {}
            }
        }
        plans
    }
}

impl Ground<'_> {
    /// Plans that do without a package.
    fn plan_without(&self, target: &Target, plans: &mut Plans) {
        if self.declared.contains(&target.package) {
            return;
        }
        for breaking in [false, true] {
            for pick in [Pick::Smallest, Pick::Newest] {
                match self.search(breaking).plan(&target.package, &[], pick) {
                    Ok(plan) if plan.steps.is_empty() => {}
                    Ok(plan) => {
                        let kind = if plan.is_breaking() {
                            &mut plans.breaking
                        } else {
                            &mut plans.compatible
                        };
                        if !kind.contains(&plan) {
                            kind.push(plan);
                        }
                    }
                    Err(reason) => {
                        plans.reason.get_or_insert(reason);
                    }
                }
            }
        }
    }
}

impl Prover<'_> {
    /// The versions that clear what is known against the package of `finding`, each proved: the
    /// smallest, the lock entry alone where the requirement admits that, the newest compatible one,
    /// and one that is not compatible where nothing else helps or `fix` asks for such.
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
        let mut answer = Answer::default();
        let targets = Target::of(&now.verdict.findings, finding);
        if targets.is_empty() {
            return Ok(answer);
        }
        if !now.verdict.workspace.lock_file().is_file() {
            answer.none = Some(UNLOCKED.to_owned());
            return Ok(answer);
        }
        let histories = Histories::of(now.verdict, now.texts);
        let ground = Ground::of(now, &histories);
        for target in &targets {
            if let Some(reason) = self.answer(&ground, target, fix, &mut answer.fixes)? {
                answer.none.get_or_insert(reason);
            }
        }
        if !answer.fixes.is_empty() {
            answer.none = None;
        }
        Ok(answer)
    }

    /// Adds what is proved for one target, or says why nothing is.
    fn answer(
        &mut self,
        ground: &Ground<'_>,
        target: &Target,
        fix: FixOptions,
        fixes: &mut Vec<Fix>,
    ) -> Result<Option<String>, NotProved> {
        let plans = ground.plans(target);
        let before = fixes.len();
        let mut reasons = Vec::new();
        if let Some(first) = self.first(ground, target, &plans.compatible, &mut reasons)? {
            let mut more = Vec::new();
            if first.admitted {
                more.push((first.plan, Keep::WhatAdmits));
            }
            let newest = plans.compatible.last().filter(|plan| *plan != first.plan);
            more.extend(newest.map(|plan| (plan, Keep::Nothing)));
            fixes.push(first.fix);
            for (plan, keep) in more {
                match self.attempt(ground, target, plan, keep) {
                    Ok(Proved { fix, .. }) if !fixes.iter().any(|one| one.is_like(&fix)) => {
                        fixes.push(fix);
                    }
                    Err(NotProved::Unwanted) => return Err(NotProved::Unwanted),
                    _ => {}
                }
            }
        }
        if fixes.len() == before || fix.breaking {
            let breaking = self.first(ground, target, &plans.breaking, &mut reasons)?;
            fixes.extend(breaking.map(|proved| proved.fix));
        }
        Ok((fixes.len() == before).then(|| why(plans.reason, reasons)))
    }

    /// The first change that is proved, or why there is none.
    pub(super) fn upgrade(
        &mut self,
        ground: &Ground<'_>,
        fix: FixOptions,
        target: &Target,
    ) -> Result<Fix, NotProved> {
        let plans = ground.plans(target);
        let mut reasons = Vec::new();
        let mut proved = self.first(ground, target, &plans.compatible, &mut reasons)?;
        if proved.is_none() && fix.breaking {
            proved = self.first(ground, target, &plans.breaking, &mut reasons)?;
        }
        proved
            .map(|proved| proved.fix)
            .ok_or_else(|| NotProved::Because(why(plans.reason, reasons)))
    }

    /// The first of several plans that is proved; where that leaves something that a later one
    /// clears, the later one.
    fn first<'n>(
        &mut self,
        ground: &Ground<'_>,
        target: &Target,
        plans: &'n [Plan],
        reasons: &mut Vec<String>,
    ) -> Result<Option<Proved<'n>>, NotProved> {
        let mut best: Option<Proved<'n>> = None;
        for plan in plans {
            match self.attempt(ground, target, plan, Keep::Nothing) {
                Ok(proved) => {
                    let left = target.left_by(&proved.fix.proof);
                    let better =
                        best.as_ref().is_none_or(|best| target.left_by(&best.fix.proof) > left);
                    if better {
                        best = Some(proved);
                    }
                    // Only a licence may be another one in a version that was not chosen for it.
                    if left == 0 || !target.is_about_licence() {
                        break;
                    }
                }
                Err(NotProved::Unwanted) => return Err(NotProved::Unwanted),
                Err(NotProved::Because(reason)) => {
                    tracing::debug!("{}: {reason}", target.package.name);
                    reasons.push(reason);
                }
            }
        }
        Ok(best)
    }

    fn attempt<'n>(
        &mut self,
        ground: &Ground<'_>,
        target: &Target,
        plan: &'n Plan,
        keep: Keep,
    ) -> Result<Proved<'n>, NotProved> {
        let (now, package) = (ground.now, &target.package);
        let mut raised = with_requirements(now.texts, now.verdict, &plan.steps, &[], keep)?;
        let mut vanished = Vec::new();
        let lock = loop {
            let error = match self.lock_file_with(&raised) {
                Ok(lock) => break lock,
                Err(error) => error,
            };
            // Who crosses to a later release on purpose does without what it no longer has.
            let gone = Vanished::of(&error).filter(|_| plan.is_breaking());
            let Some(gone) = gone.filter(|gone| {
                !vanished.contains(gone)
                    && gone.taken_out(&mut raised.pinned, now.verdict)
                    && gone.taken_out(&mut raised.texts, now.verdict)
            }) else {
                let offline = Offline::of(&self.options.resolver, &plan.steps);
                return Err(refused(&error, offline));
            };
            vanished.push(gone);
        };
        let admitted = raised.admitted;
        let texts = raised.texts;
        let lock_alone = keep == Keep::WhatAdmits;
        let change = Change { plan, to: None, lock_alone, vanished };
        if let Some(sparing) = self.sparing(ground, &change, keep, &texts, &lock) {
            match self.judged(ground, target, &change, &texts, &sparing) {
                Ok(fix) => return Ok(Proved { fix, plan, admitted }),
                Err(NotProved::Unwanted) => return Err(NotProved::Unwanted),
                Err(NotProved::Because(reason)) => {
                    tracing::debug!("{}, held back: {reason}", package.name);
                }
            }
        }
        let fix = self.judged(ground, target, &change, &texts, &lock)?;
        Ok(Proved { fix, plan, admitted })
    }

    /// A lock file in which less has moved beside the plan than in `lock`, if there is one.
    fn sparing(
        &mut self,
        ground: &Ground<'_>,
        change: &Change<'_>,
        keep: Keep,
        texts: &Tried,
        lock: &SourceText,
    ) -> Option<SourceText> {
        let (now, steps) = (ground.now, &change.plan.steps);
        let mut best = None;
        let mut after = Locked::read(lock);
        let first = moves(&ground.locked, &after);
        // What is held back may have been all that moved others.
        for _ in 0..SPARINGS {
            let held = held_back(&ground.locked, &after, steps, ground.histories);
            if held.is_empty() {
                break;
            }
            let Some(sparing) = self.held(ground, change, keep, held) else { break };
            let now_after = Locked::read(&sparing);
            if moves(&ground.locked, &now_after) > moves(&ground.locked, &after) {
                break;
            }
            (best, after) = (Some(sparing), now_after);
        }
        // What was pinned and is not needed after all goes.
        let lock_file = now.verdict.workspace.lock_file();
        let mut texts = texts.clone();
        texts.set(&lock_file, best?).ok()?;
        let wanted = || self.audience.still_waits();
        let tidied = self.gate.lock_file_with(&self.options.resolver, &texts, &wanted).ok()?;
        let fewer = moves(&ground.locked, &Locked::read(&tidied)) < first;
        fewer.then_some(tidied)
    }

    /// The lock file with those packages pinned beside the plan; what cargo names as being in the way
    /// is not.
    fn held(
        &mut self,
        ground: &Ground<'_>,
        change: &Change<'_>,
        keep: Keep,
        mut held: Vec<Step>,
    ) -> Option<SourceText> {
        let (now, steps) = (ground.now, &change.plan.steps);
        for _ in 0..RELEASES {
            let mut raised = with_requirements(now.texts, now.verdict, steps, &held, keep).ok()?;
            for gone in &change.vanished {
                gone.taken_out(&mut raised.pinned, now.verdict);
            }
            let error = match self.lock_file_with(&raised) {
                Ok(lock) => return Some(lock),
                Err(error) => error.to_string(),
            };
            tracing::debug!("held back: {error}");
            let before = held.len();
            held.retain(|one| {
                let name = &one.package.name;
                !error.contains(&format!("`{name}`")) && !error.contains(&format!("`{name} v"))
            });
            if held.len() == before || held.is_empty() {
                return None;
            }
        }
        None
    }

    /// The fix that leads to `lock`, if it is one.
    fn judged(
        &mut self,
        ground: &Ground<'_>,
        target: &Target,
        change: &Change<'_>,
        texts: &Tried,
        lock: &SourceText,
    ) -> Result<Fix, NotProved> {
        let (now, package, plan) = (ground.now, &target.package, change.plan);
        let lock_file = now.verdict.workspace.lock_file();
        let unreadable = |error| format!("`{lock_file}` cannot be read: {error}");
        let locked = now.texts.read(&lock_file).map_err(unreadable)?;
        let mut texts = texts.clone();
        let after = Locked::read(lock);
        let step = plan.steps.iter().find(|step| {
            after.holds(&step.package.name, &step.package.version)
                || !after.holds(&step.package.name, &step.to.to_string())
        });
        if let Some(step) = step {
            let (name, version) = (&step.package.name, &step.to);
            return Err(format!("cargo does not choose {name} {version}").into());
        }
        if after.holds(&package.name, &package.version) {
            return Err(format!("cargo leaves {} at {}", package.name, package.version).into());
        }
        let to = ground.becomes(target, plan, &after);
        let what = named(package, to.as_ref());
        texts.set(&lock_file, in_lines_of(&locked, lock)).map_err(unreadable)?;
        let Some(proof) = self.proof(now, &texts)? else {
            return Err(format!("with {what} no verdict can be reached").into());
        };
        // What was judged is what cargo made of it.
        let judged =
            self.gate.scratch_lock_file().ok_or_else(|| "the scratch copy is gone".to_owned())?;
        if in_lines_of(lock, &judged).as_str() != lock.as_str() {
            return Err(format!("cargo does not leave {what} so").into());
        }
        if !proof.cleared.iter().any(|finding| finding.packages.contains(package)) {
            return Err(format!("{what} does not clear it").into());
        }
        let new = proof.introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(new) = new {
            return Err(format!("{what} would bring: {}", new.message).into());
        }
        Ok(ground.fix(target, &Change { to, ..change.clone() }, texts, proof))
    }

    /// The lock file that cargo writes where everything is pinned, without the pins.
    fn lock_file_with(&mut self, raised: &Raised) -> Result<SourceText, ResolveError> {
        let wanted = || self.audience.still_waits();
        let lock = self.gate.lock_file_with(&self.options.resolver, &raised.pinned, &wanted)?;
        Ok(match &raised.pins {
            Some((local, pins)) => without_pins(&lock, local, pins),
            None => lock,
        })
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
        if finding.code == Some(Code::NoPolicy) {
            return self.created(now);
        }
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
        let is_cleared = match finding.check {
            // What has to be filled in is missed until it is.
            Check::Supercargo if plan.to_fill_in.is_none() => {
                let count = |verdict: &Verdict| {
                    verdict.findings.iter().filter(|one| one.code == finding.code).count()
                };
                count(&proof.verdict) < count(now.verdict)
            }
            _ => is_about_policy || proof.clears(finding),
        };
        // To look at something again may find something.
        let may_find = [Code::PastDue, Code::CheckTurnedOff, Code::LowConfidence]
            .map(Some)
            .contains(&finding.code);
        let finds = proof.introduced.iter().any(|new| new.severity == Severity::Error);
        if !is_cleared || finds && !may_find {
            return Ok(None);
        }
        let mut fix = Fix::new(plan.remedy, &plan.title, None, texts, proof);
        fix.to_fill_in = plan.to_fill_in.clone().map(|span| (path.clone(), span));
        Ok(Some(fix))
    }

    /// Whether the workspace compiles with these texts; `verdict` is the one on the files as they are
    /// on disk. Runs build scripts: only for who asked.
    ///
    /// # Errors
    ///
    /// When it cannot be told, or nobody waits any more.
    pub fn build(&self, verdict: &Verdict, texts: &Tried) -> Result<Built, NotProved> {
        let (workspace, resolver) = (&verdict.workspace, &self.options.resolver);
        let failed = |error: ResolveError| match error {
            ResolveError::Unwanted { .. } => NotProved::Unwanted,
            error => NotProved::Because(error.to_string()),
        };
        let locals = verdict.folders.iter().filter(|(package, _)| package.source.is_none());
        let folders: Vec<_> = locals.map(|(_, at)| at.folder.clone()).collect();
        let mut copy = BufferCopy::of(resolver, workspace).map_err(failed)?;
        let wanted = || self.audience.still_waits();
        copy.check(resolver, workspace, &texts.unsaved(), &folders, &wanted).map_err(failed)
    }

    /// `None` where the changed texts lead to no verdict.
    fn proof(&mut self, now: Judged<'_>, tried: &Tried) -> Result<Option<Proof>, NotProved> {
        let quiet = Quiet(self.audience);
        let verdict = self.gate.judge(self.options, tried, self.databases, &quiet);
        let verdict = verdict.ok_or(NotProved::Unwanted)?;
        Ok(Proof::of(now, tried, verdict))
    }
}

/// What a plan comes to.
#[derive(Clone)]
struct Change<'n> {
    plan: &'n Plan,
    /// The version that the target has in the end; `None` where it is gone.
    to: Option<Version>,
    /// No manifest changes.
    lock_alone: bool,
    /// What declarations no longer ask for.
    vanished: Vec<Vanished>,
}

/// A plan that was proved.
struct Proved<'n> {
    fix: Fix,
    plan: &'n Plan,
    /// The requirements admit the version as they are, and were raised all the same.
    admitted: bool,
}

impl Ground<'_> {
    /// The version that a target has in the end; `None` where it is gone.
    fn becomes(&self, target: &Target, plan: &Plan, after: &Locked) -> Option<Version> {
        let name = &target.package.name;
        if let Some(step) = plan.steps.iter().find(|step| step.package == target.package) {
            return Some(step.to.clone());
        }
        let before: Vec<_> = self.locked.versions(name).collect();
        let new = after.versions(name).filter(|version| !before.contains(version));
        new.filter_map(|version| Version::parse(version).ok()).max()
    }

    fn fix(&self, target: &Target, change: &Change<'_>, texts: Tried, proof: Proof) -> Fix {
        let Change { plan, to, lock_alone, vanished } = change.clone();
        let others = plan.steps.iter().filter(|step| step.package != target.package);
        let through: Vec<_> = others.map(|step| (step.package.clone(), step.to.clone())).collect();
        let is_step = |package: &PackageRef| plan.steps.iter().any(|one| one.package == *package);
        let mut what = if is_step(&target.package) && through.is_empty() {
            let PackageRef { name, version, .. } = &target.package;
            let to = to.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("upgrade `{name}` {version} to {to}")
        } else {
            let end = match &to {
                Some(to) => format!("so that `{}` is {to}", target.package.name),
                None => format!("to do without `{}`", target.package.name),
            };
            format!("upgrade {}, {end}", parents(&through))
        };
        if lock_alone {
            what.push_str(", in `Cargo.lock` alone");
        }
        what.push_str(&without(&vanished));
        let rust =
            plan.steps.iter().filter_map(|step| self.histories.newer_rust(&step.package, &step.to));
        let rust = rust.max();
        what.push_str(&needs_rust(rust.as_ref(), self.histories.rust.as_ref()));
        if plan.is_breaking() {
            what.push_str(&format!(
                ", a breaking one{}: it resolves, whether it compiles is not known",
                self.crossed(plan)
            ));
        }
        let lead = to.map(|to| (target.package.clone(), to));
        let mut through = through;
        let lead = lead.or_else(|| through.pop());
        let upgrade = lead.map(|(package, to)| Upgrade {
            package,
            to,
            breaking: plan.is_breaking(),
            through,
            without: vanished,
            rust,
        });
        Fix::new(Remedy::Upgrade, &what, upgrade, texts, proof)
    }

    /// The releases that a breaking plan passes, each of which may ask for other code.
    fn crossed(&self, plan: &Plan) -> String {
        let broken = plan.steps.iter().find(|step| step.declared && step.is_breaking());
        let Some(step) = broken else { return String::new() };
        let lines = self.histories.lines_between(&step.package, &step.to);
        let named: Vec<_> = lines.iter().take(3).map(ToString::to_string).collect();
        match (named.is_empty(), lines.len().saturating_sub(3)) {
            (true, _) => String::new(),
            (false, 0) => format!(" past {}", named.join(", ")),
            (false, more) => format!(" past {} and {more} more", named.join(", ")),
        }
    }
}

/// What declarations no longer ask for, in a title.
fn without(vanished: &[Vanished]) -> String {
    let mut packages: Vec<_> = vanished.iter().map(|one| &one.package).collect();
    packages.dedup();
    let told = packages.into_iter().map(|package| {
        let of_it = vanished.iter().filter(|one| one.package == *package);
        let features: Vec<_> = of_it.flat_map(|one| &one.features).map(String::as_str).collect();
        let word = if features.len() == 1 { "feature" } else { "features" };
        format!(
            ", without the {word} `{}` that `{package}` has no longer",
            features.join("` and `")
        )
    });
    told.collect()
}

fn parents(through: &[(PackageRef, Version)]) -> String {
    let named = through.iter().take(3);
    let named = named.map(|(one, to)| format!("`{}` {} to {to}", one.name, one.version));
    let named: Vec<_> = named.collect();
    match through.len().saturating_sub(3) {
        0 => named.join(" and "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// A package and its version in a reason.
fn named(package: &PackageRef, to: Option<&Version>) -> String {
    match to {
        Some(to) => format!("{} {to}", package.name),
        None => format!("doing without {}", package.name),
    }
}

/// Why nothing was proved: what was tried says more than what was not.
fn why(planned: Option<String>, tried: Vec<String>) -> String {
    let first = tried.into_iter().next();
    first.or(planned).unwrap_or_else(|| "no version clears it".to_owned())
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
