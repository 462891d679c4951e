//! Finds lockfiles without the findings: the fewest changes of manifests, then the fewest breaking upgrades, then
//! the fewest moved packages, then the smallest steps.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use resolvo::{Problem, Solver, UnsolvableOrCancelled};
use semver::Version;

use super::{
    attempt::Attempt,
    direct::{Alternative, DirectDependency, Unlisted, requirements_of},
    package_versions::PackageVersions,
    packages::{CrateId, Packages, Release},
    provider::{Candidate, Name, Owner, Provider, Rejection, Set},
    range::Range,
    reasons::{Obstacle, obstacles},
    step::UpgradeStep,
};
use crate::{
    model::lockfile::LockedPackage,
    verdict::{AdvisoryFacts, PackageRef, UnlistedPackage},
};

/// How long the solver may search for one solution.
const SEARCH_TIME: Duration = Duration::from_secs(20);

/// How long a solution is improved.
const IMPROVE_TIME: Duration = Duration::from_secs(2);

/// Up to how many moved packages others are tried instead.
const MAX_EXCHANGED: usize = 24;

/// What a plan has to achieve for a package.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::fix) struct Goal {
    /// The locked package.
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) kind: GoalKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::fix) enum GoalKind {
    /// No version of the package is affected.
    Clear(Arc<AdvisoryFacts>),
    /// This version is not selected any more.
    Replace,
    /// This version is not selected any more, and no other one of its range than these.
    ReplaceBy(Vec<Version>),
}

/// What a plan may change.
#[derive(Clone, Debug, Default)]
pub(in crate::fix) struct PlanOptions {
    /// Direct dependencies may move to versions that are not compatible.
    pub(in crate::fix) breaking: bool,
    /// Versions may require a newer Rust than the workspace states.
    pub(in crate::fix) newer_rust: bool,
    /// Versions may be older than the locked ones.
    pub(in crate::fix) downgrade: bool,
    /// The package of which the newest version is taken, not the smallest step.
    pub(in crate::fix) newest: Option<PackageRef>,
    /// Versions that must not be selected.
    pub(in crate::fix) refused: BTreeSet<PackageRef>,
}

/// A solution: all packages of registries that the lockfile will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct Plan {
    /// The packages that move, direct dependencies first, and those that the workspace no longer needs.
    pub(in crate::fix) steps: Vec<UpgradeStep>,
    /// The selected packages with what they depend on, by their names and versions.
    pub(in crate::fix) selected: BTreeMap<PackageRef, SelectedPackage>,
    /// The locked packages that are not selected.
    pub(in crate::fix) dropped: BTreeSet<PackageRef>,
    /// Whether a direct dependency moves to a version that is not compatible, or past an upper bound.
    pub(in crate::fix) is_breaking: bool,
    /// Whether there may be a solution with fewer changes: the time was up.
    pub(in crate::fix) is_cut: bool,
}

/// A package of a solution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::fix) struct SelectedPackage {
    /// The checksum of its archive, if the index states it.
    pub(in crate::fix) checksum: Option<String>,
    /// Its dependencies from registries.
    pub(in crate::fix) dependencies: BTreeSet<PackageRef>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) enum NoPlan {
    /// No set of versions is possible.
    Impossible(Vec<Obstacle>),
    /// The search took too long.
    OutOfTime,
    Canceled,
}

/// Searches plans for one state of a workspace.
pub(in crate::fix) struct Planner<'p> {
    packages: Packages<'p>,
    direct: Vec<DirectDependency>,
    unlisted: Vec<Unlisted>,
    rust: Option<&'p Version>,
    /// The advisories about a package that its versions must not newly have.
    advisories: &'p dyn Fn(&str) -> Vec<Arc<AdvisoryFacts>>,
    known_advisories: RefCell<HashMap<String, Vec<Arc<AdvisoryFacts>>>>,
    /// The findings that the workspace has: ids of advisories with the names of the packages.
    tolerated: BTreeSet<(String, String)>,
    is_canceled: &'p dyn Fn() -> bool,
}

/// What the solver chose.
#[derive(Clone, Debug)]
struct Solution {
    alternatives: Vec<Alternative>,
    /// The needed packages with their dependencies.
    selected: BTreeMap<(CrateId, Version), BTreeSet<(CrateId, Version)>>,
}

impl<'p> Planner<'p> {
    /// `stated` are the packages that no index lists, and `tolerated` the advisories with packages that may stay.
    pub(in crate::fix) fn new(
        index: &'p PackageVersions,
        lockfile: &'p [LockedPackage],
        stated: &[UnlistedPackage],
        advisories: &'p dyn Fn(&str) -> Vec<Arc<AdvisoryFacts>>,
        tolerated: BTreeSet<(String, String)>,
        is_canceled: &'p dyn Fn() -> bool,
    ) -> Self {
        let packages = Packages::new(index, lockfile);
        let (direct, unlisted) = requirements_of(&packages, stated);
        Self {
            packages,
            direct,
            unlisted,
            rust: index.rust.as_ref(),
            advisories,
            known_advisories: RefCell::default(),
            tolerated,
            is_canceled,
        }
    }

    /// The plan with the fewest changes that achieves all goals.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(in crate::fix) fn plan(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
    ) -> Result<Plan, NoPlan> {
        self.with_provider(goals, options, |provider, attempt| {
            let (mut attempt, mut solution) = self.first_solution(provider, attempt, options)?;
            let is_cut = self.improve(provider, &mut attempt, &mut solution)?;
            self.move_along(provider, &mut attempt, &mut solution)?;
            Ok(self.plan_of(&solution, is_cut))
        })
    }

    /// Whether there is a plan that achieves all goals: faster than to find the one with the fewest changes.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(in crate::fix) fn can_plan(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
    ) -> Result<(), NoPlan> {
        self.with_provider(goals, options, |provider, attempt| {
            let attempt = Attempt { raise: true, breaking: options.breaking, ..attempt };
            self.solve(provider, &attempt).map(drop)
        })
    }

    /// For tests: a plan without changes of manifests.
    #[cfg(test)]
    pub(super) fn plan_without_manifests(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
    ) -> Result<Plan, NoPlan> {
        self.with_provider(goals, options, |provider, mut attempt| {
            let mut solution = self.solve(provider, &attempt)?;
            let is_cut = self.improve(provider, &mut attempt, &mut solution)?;
            Ok(self.plan_of(&solution, is_cut))
        })
    }

    fn with_provider<T>(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
        then: impl FnOnce(&Provider<'_>, Attempt) -> Result<T, NoPlan>,
    ) -> Result<T, NoPlan> {
        let goals = self.goals(goals);
        let refused: HashSet<(CrateId, Version)> =
            options.refused.iter().filter_map(|one| self.find(one)).collect();
        let rejects =
            |id: CrateId, version: &Version| self.rejection(&goals, &refused, id, version);
        let provider =
            Provider::new(&self.packages, &self.direct, &rejects, self.rust, self.is_canceled);
        let newest = options.newest.as_ref().and_then(|one| self.find(one)).map(|(id, _)| id);
        let PlanOptions { newer_rust, downgrade, .. } = *options;
        let attempt = Attempt { newer_rust, downgrade, newest, ..Attempt::default() };
        provider.deadline.set(Some(Instant::now() + SEARCH_TIME));
        then(&provider, attempt)
    }

    /// The first solution of the attempts that change more and more.
    fn first_solution(
        &self,
        provider: &Provider<'_>,
        attempt: Attempt,
        options: &PlanOptions,
    ) -> Result<(Attempt, Solution), NoPlan> {
        let raise = Attempt { raise: true, ..attempt.clone() };
        let breaking = Attempt { breaking: true, ..raise.clone() };
        let mut failed = None;
        let attempts = [attempt, raise].into_iter().chain(options.breaking.then_some(breaking));
        for attempt in attempts {
            match self.solve(provider, &attempt) {
                Ok(solution) => return Ok((attempt, solution)),
                Err(NoPlan::Impossible(obstacles)) => failed = Some(obstacles),
                Err(other) => return Err(other),
            }
        }
        Err(NoPlan::Impossible(failed.unwrap_or_default()))
    }

    /// Undoes changes one after the other, as long as there is a solution without them. Returns whether the time
    /// was up before the end.
    fn improve(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
    ) -> Result<bool, NoPlan> {
        let deadline = Instant::now() + IMPROVE_TIME;
        let mut is_cut = false;
        // Direct dependencies that stay in their range, then those that keep their requirements.
        for only_ranges in [true, false] {
            for index in 0..self.direct.len() {
                let changes = self.changes_of(solution);
                let Some((_, is_breaking)) = changes.iter().find(|(at, _)| *at == index) else {
                    continue;
                };
                if only_ranges && !is_breaking {
                    continue;
                }
                let mut without = attempt.clone();
                let kept = if only_ranges { &mut without.unbroken } else { &mut without.kept };
                kept.insert(index);
                let better = |new: &Solution| self.changes_of(new).len() <= changes.len();
                is_cut |=
                    !self.try_attempt(provider, attempt, without, solution, deadline, &better)?;
            }
        }
        // What was not changed stays unchanged.
        let changed: BTreeSet<usize> =
            self.changes_of(solution).into_iter().map(|(index, _)| index).collect();
        let unchanged = (0..self.direct.len()).filter(|index| !changed.contains(index));
        attempt.kept.extend(unchanged);
        let locked = self.packages.locked();
        let stays = |solution: &Solution| -> BTreeSet<(CrateId, Version)> {
            let all = locked.iter().map(|one| (one.id, one.version.clone()));
            all.filter(|one| solution.selected.contains_key(one)).collect()
        };
        let movable: Vec<(CrateId, Version)> = locked
            .iter()
            .map(|one| (one.id, one.version.clone()))
            .filter(|one| (provider.rejects)(one.0, &one.1).is_none())
            .collect();
        // Those that have moved stay, one after the other: first with all that stay already, then instead of others.
        for with_others in [true, false] {
            let moved = movable.len() - stays(solution).len().min(movable.len());
            if !with_others && moved > MAX_EXCHANGED {
                break;
            }
            for one in &movable {
                let staying = stays(solution);
                if staying.contains(one) {
                    continue;
                }
                let mut new = attempt.clone();
                new.frozen = if with_others { staying.clone() } else { BTreeSet::new() };
                new.frozen.insert(one.clone());
                let better = |new: &Solution| stays(new).len() > staying.len();
                is_cut |= !self.try_attempt(provider, attempt, new, solution, deadline, &better)?;
            }
            // With larger steps, fewer packages may have to move.
            let staying = stays(solution);
            if with_others && (2..=MAX_EXCHANGED).contains(&(locked.len() - staying.len())) {
                let new = Attempt { large_steps: true, frozen: BTreeSet::new(), ..attempt.clone() };
                let better = |new: &Solution| stays(new).len() > staying.len();
                is_cut |= !self.try_attempt(provider, attempt, new, solution, deadline, &better)?;
            }
        }
        Ok(is_cut)
    }

    /// Moves the direct dependencies that a breaking upgrade requires in another range: otherwise the workspace
    /// and its dependency would use two versions of the same types.
    fn move_along(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
    ) -> Result<(), NoPlan> {
        let moved = self.changes_of(solution).into_iter().filter(|(_, is_breaking)| *is_breaking);
        for (index, _) in moved.collect::<Vec<_>>() {
            let Alternative::Move(range) = solution.alternatives[index] else { continue };
            let direct = &self.direct[index];
            let before = self.packages.release(direct.id, &direct.locked);
            let mut selected = solution.selected.keys();
            let to = selected.find(|(id, to)| *id == direct.id && Range::of(to) == range);
            let Some(after) = to.map(|(id, to)| self.packages.release(*id, to)) else { continue };
            for (other, shared) in self.direct.iter().enumerate() {
                let in_both = |release: &Release, is_accepted: bool| {
                    let all = release.unconditional();
                    let mut all = all.filter(|one| one.package == shared.id);
                    all.find(|one| one.requirement.matches(&shared.locked) == is_accepted)
                        .map(|one| one.requirement.clone())
                };
                if other == index || in_both(&before, true).is_none() {
                    continue;
                }
                let Some(required) = in_both(&after, false) else { continue };
                let mut selected = solution.selected.keys();
                let along = selected
                    .find(|(id, version)| *id == shared.id && required.matches(version))
                    .map(|(_, version)| Range::of(version));
                let Some(along) = along.filter(|along| *along > Range::of(&shared.locked)) else {
                    continue;
                };
                let mut new = attempt.clone();
                new.kept.remove(&other);
                new.unbroken.remove(&other);
                new.moved.insert(other, along);
                let deadline = Instant::now() + IMPROVE_TIME;
                self.try_attempt(provider, attempt, new, solution, deadline, &|_| true)?;
            }
        }
        Ok(())
    }

    /// Takes a new attempt and its solution if that is better. Returns whether there was time for it.
    fn try_attempt(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        new: Attempt,
        solution: &mut Solution,
        deadline: Instant,
        is_better: &dyn Fn(&Solution) -> bool,
    ) -> Result<bool, NoPlan> {
        if Instant::now() > deadline {
            return Ok(false);
        }
        provider.deadline.set(Some(deadline));
        match self.solve(provider, &new) {
            Ok(found) if is_better(&found) => {
                *solution = found;
                *attempt = new;
            }
            Err(NoPlan::Canceled) => return Err(NoPlan::Canceled),
            Err(NoPlan::OutOfTime) => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn solve(&self, provider: &Provider<'_>, attempt: &Attempt) -> Result<Solution, NoPlan> {
        let start = Instant::now();
        let result = self.solve_once(provider, attempt);
        tracing::debug!(
            "solved in {:.1?} with {} packages asked: {}",
            start.elapsed(),
            provider.calls.replace(0),
            match &result {
                Ok(solution) => format!("{} packages", solution.selected.len()),
                Err(error) => format!("{error:?}"),
            }
        );
        result
    }

    fn solve_once(&self, provider: &Provider<'_>, attempt: &Attempt) -> Result<Solution, NoPlan> {
        *provider.attempt.borrow_mut() = attempt.clone();
        loop {
            let mut requirements = Vec::new();
            for index in 0..self.direct.len() {
                let name = provider.name(Name::Direct(index));
                let set = provider.pool.intern_version_set(name, Set::All);
                requirements.push(set.into());
            }
            for one in &self.unlisted {
                let owner = Owner::Unlisted(one.position);
                for (position, required) in one.required.iter().enumerate() {
                    provider.require((&owner, position), required, &[], &mut requirements);
                }
            }
            let mut solver = Solver::new(provider);
            let problem = Problem::new().requirements(requirements);
            let chosen = match solver.solve(problem) {
                Ok(chosen) => chosen,
                Err(UnsolvableOrCancelled::Unsolvable(conflict)) => {
                    return Err(NoPlan::Impossible(obstacles(
                        &conflict,
                        &solver,
                        provider,
                        &self.unlisted,
                    )));
                }
                Err(UnsolvableOrCancelled::Cancelled(_)) => {
                    return Err(if (self.is_canceled)() {
                        NoPlan::Canceled
                    } else {
                        NoPlan::OutOfTime
                    });
                }
            };
            let chosen: Vec<&Candidate> =
                chosen.iter().map(|one| &provider.pool.resolve_solvable(*one).record).collect();
            // Packages that link to a native library and were not met before.
            let mut is_new = false;
            for candidate in &chosen {
                if let Candidate::Package(id, version) = candidate {
                    is_new |= provider.note_links(*id, version);
                }
            }
            let solution = self.solution(&chosen);
            if !is_new || !self.has_duplicate_links(&solution) {
                return Ok(solution);
            }
        }
    }

    fn has_duplicate_links(&self, solution: &Solution) -> bool {
        let mut all = HashSet::new();
        let releases =
            solution.selected.keys().map(|(id, version)| self.packages.release(*id, version));
        releases.filter_map(|release| release.links.clone()).any(|links| !all.insert(links))
    }

    /// The chosen packages that are needed.
    fn solution(&self, chosen: &[&Candidate]) -> Solution {
        let mut alternatives = vec![Alternative::Keep; self.direct.len()];
        let mut versions: HashMap<CrateId, Vec<&Version>> = HashMap::new();
        let mut features: HashMap<(CrateId, &Version), Vec<&str>> = HashMap::new();
        for candidate in chosen {
            match candidate {
                Candidate::Package(id, version) => versions.entry(*id).or_default().push(version),
                Candidate::Feature { id, version, feature, .. } => {
                    features.entry((*id, version)).or_default().push(feature);
                }
                Candidate::Direct(index, alternative) => alternatives[*index] = *alternative,
                Candidate::Wide(..) | Candidate::WideFeature { .. } => {}
            }
        }
        let in_range = |id: CrateId, range: Range| {
            let all = versions.get(&id).into_iter().flatten();
            all.copied().find(|version| Range::of(version) == range).cloned()
        };
        let matching = |required: &super::packages::Required| {
            let all = versions.get(&required.package).into_iter().flatten();
            let mut all: Vec<&Version> =
                all.copied().filter(|version| required.requirement.matches(version)).collect();
            // Of several, one in a range that is locked.
            all.sort_by_key(|version| {
                let locked = self.packages.locked_in(required.package, Range::of(version));
                (locked.is_none(), std::cmp::Reverse(*version))
            });
            all.first().map(|version| (required.package, (*version).clone()))
        };
        let mut open: Vec<(CrateId, Version)> = Vec::new();
        for (direct, alternative) in self.direct.iter().zip(&alternatives) {
            let range = match alternative {
                Alternative::Move(range) => *range,
                _ => Range::of(&direct.locked),
            };
            open.extend(in_range(direct.id, range).map(|version| (direct.id, version)));
        }
        open.extend(self.unlisted.iter().flat_map(|one| &one.required).filter_map(matching));
        let mut selected: BTreeMap<(CrateId, Version), BTreeSet<(CrateId, Version)>> =
            BTreeMap::new();
        while let Some(package) = open.pop() {
            if selected.contains_key(&package) {
                continue;
            }
            let release = self.packages.release(package.0, &package.1);
            let mut dependencies: BTreeSet<_> =
                release.unconditional().filter_map(matching).collect();
            let enabled = features.get(&(package.0, &package.1)).into_iter().flatten();
            for feature in enabled {
                let keys: Vec<&str> = match release.features.get(*feature) {
                    None => vec![feature],
                    Some(values) => values
                        .iter()
                        .filter_map(|value| {
                            let named = value.strip_prefix("dep:");
                            let weak = || value.split_once('/').map(|(key, _)| key);
                            named.or_else(|| weak().map(|key| key.trim_end_matches('?')))
                        })
                        .collect(),
                };
                let named =
                    release.dependencies.iter().filter(|one| keys.contains(&one.key.as_str()));
                dependencies.extend(named.filter_map(matching));
            }
            open.extend(dependencies.iter().cloned());
            selected.insert(package, dependencies);
        }
        Solution { alternatives, selected }
    }

    /// The direct dependencies whose requirements change, by their index, and whether they move to another range.
    fn changes_of(&self, solution: &Solution) -> Vec<(usize, bool)> {
        let all = self.direct.iter().zip(&solution.alternatives).enumerate();
        let changed = all.filter_map(|(index, (direct, alternative))| match alternative {
            Alternative::Keep => None,
            Alternative::Move(_) => Some((index, true)),
            Alternative::Raise => {
                let own = Range::of(&direct.locked);
                let mut all = solution.selected.keys();
                let to = all.find(|(id, version)| *id == direct.id && Range::of(version) == own)?;
                (!direct.accepts(&to.1)).then_some((index, direct.is_bounded()))
            }
        });
        changed.collect()
    }

    fn plan_of(&self, solution: &Solution, is_cut: bool) -> Plan {
        let package = |(id, version): &(CrateId, Version)| self.packages.package(*id, version);
        let selected: BTreeMap<PackageRef, SelectedPackage> = solution
            .selected
            .iter()
            .map(|(one, dependencies)| {
                let release = self.packages.release(one.0, &one.1);
                let dependencies = dependencies.iter().map(package).collect();
                let checksum = release.checksum.clone();
                (package(one), SelectedPackage { checksum, dependencies })
            })
            .collect();
        let locked = self.packages.locked();
        let locked: BTreeSet<(CrateId, Version)> =
            locked.into_iter().map(|one| (one.id, one.version)).collect();
        let dropped: BTreeSet<PackageRef> = locked
            .iter()
            .filter(|one| !solution.selected.contains_key(*one))
            .map(package)
            .collect();
        let mut direct_steps = Vec::new();
        for (direct, alternative) in self.direct.iter().zip(&solution.alternatives) {
            let range = match alternative {
                Alternative::Move(range) => *range,
                _ => Range::of(&direct.locked),
            };
            let mut all = solution.selected.keys();
            let to = all.find(|(id, version)| *id == direct.id && Range::of(version) == range);
            let Some((id, to)) = to.filter(|(_, to)| *to != direct.locked) else { continue };
            let package = self.packages.package(*id, &direct.locked);
            direct_steps.push(UpgradeStep { package, to: to.clone(), is_direct: true });
        }
        let mut steps = direct_steps;
        // The others: to the version in their range, else to one that is new.
        for (id, version) in locked.iter().filter(|one| !solution.selected.contains_key(*one)) {
            let before = self.packages.package(*id, version);
            if steps.iter().any(|step| step.package == before) {
                continue;
            }
            let new = solution
                .selected
                .keys()
                .filter(|(other, to)| other == id && !locked.contains(&(*id, to.clone())))
                .map(|(_, to)| to);
            let range = Range::of(version);
            let mut new: Vec<&Version> = new.collect();
            new.sort_by_key(|to| (Range::of(to) != range, Range::of(to) < range, (*to).clone()));
            let Some(to) = new.first() else { continue };
            let is_same_range = Range::of(to) == range;
            let is_taken = |step: &UpgradeStep| {
                step.package.name == before.name
                    && step.package.source == before.source
                    && step.to == **to
            };
            if !is_same_range && steps.iter().any(is_taken) {
                continue;
            }
            steps.push(UpgradeStep { package: before, to: (*to).clone(), is_direct: false });
        }
        let is_breaking = self.changes_of(solution).iter().any(|(_, is_breaking)| *is_breaking);
        Plan { steps, selected, dropped, is_breaking, is_cut }
    }

    fn goals(&self, goals: &[Goal]) -> Goals {
        let mut all = Goals::default();
        for goal in goals {
            let Some((id, version)) = self.find(&goal.package) else { continue };
            match &goal.kind {
                GoalKind::Clear(advisory) => {
                    all.cleared.entry(id).or_default().push(Arc::clone(advisory));
                }
                GoalKind::Replace => {
                    all.replaced.insert((id, version));
                }
                GoalKind::ReplaceBy(others) => {
                    all.replaced_by.insert((id, version), others.clone());
                }
            }
        }
        all
    }

    fn find(&self, package: &PackageRef) -> Option<(CrateId, Version)> {
        let source = package.source.as_deref().filter(|one| super::packages::is_registry(one))?;
        Some((self.packages.id(&package.name, source), package.version.clone()))
    }

    /// Why a version must not be selected.
    fn rejection(
        &self,
        goals: &Goals,
        refused: &HashSet<(CrateId, Version)>,
        id: CrateId,
        version: &Version,
    ) -> Option<Rejection> {
        let one = (id, version.clone());
        if refused.contains(&one) {
            return Some(Rejection::Refused);
        }
        if goals.replaced.contains(&one) {
            return Some(Rejection::Replaced);
        }
        let replaced = goals.replaced_by.iter().filter(|((other, _), _)| *other == id);
        for ((_, locked), others) in replaced {
            let is_in_its_range = Range::of(locked) == Range::of(version);
            if locked == version || is_in_its_range && !others.contains(version) {
                return Some(Rejection::Replaced);
            }
        }
        if let Some(advisories) = goals.cleared.get(&id) {
            let affecting = advisories.iter().find(|advisory| advisory.affects(version));
            if let Some(advisory) = affecting {
                return Some(Rejection::Advisory(advisory.id.clone()));
            }
        }
        if self.packages.locked_in(id, Range::of(version)).as_ref() == Some(version) {
            return None;
        }
        let name = self.packages.name(id);
        let mut known = self.known_advisories.borrow_mut();
        let about = known.entry(name.clone()).or_insert_with(|| (self.advisories)(&name));
        let new = about.iter().find(|advisory| {
            advisory.affects(version)
                && !self.tolerated.contains(&(advisory.id.clone(), name.clone()))
        });
        new.map(|advisory| Rejection::Advisory(advisory.id.clone()))
    }
}

/// The goals by package.
#[derive(Default)]
struct Goals {
    cleared: HashMap<CrateId, Vec<Arc<AdvisoryFacts>>>,
    replaced: HashSet<(CrateId, Version)>,
    replaced_by: HashMap<(CrateId, Version), Vec<Version>>,
}
