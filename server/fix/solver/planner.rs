//! Finds lockfiles without the findings: the fewest changes of manifests, then the fewest breaking upgrades, then
//! the fewest moved packages, then the smallest steps.

mod forced;
mod goals;
mod improve;
mod nearby;
mod solution;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use resolvo::{NameId, Problem, Solver, UnsolvableOrCancelled};
use semver::Version;

use super::{
    attempt::Attempt,
    direct::{DirectDependency, Unlisted, requirements_of},
    package_versions::PackageVersions,
    packages::{CrateId, Packages},
    provider::{Candidate, Name, Owner, Provider, Rejection, Set},
    reasons::{Obstacle, names_of, obstacles},
    step::UpgradeStep,
};
use crate::{
    model::lockfile::LockedPackage,
    verdict::{AdvisoryFacts, PackageRef, UnlistedPackage},
};
pub(in crate::fix) use goals::{Goal, GoalKind};
use solution::Solution;

/// How long the solver may search for one solution.
const SEARCH_TIME: Duration = Duration::from_secs(20);

/// How often a solution is searched that changes only what is near to the goals; the second time, more.
const NEARBY_ROUNDS: usize = 2;

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
    /// Only versions that cargo has downloaded, and the locked ones.
    pub(in crate::fix) only_downloaded: bool,
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
    /// Whether there may be a solution with fewer changes: not all were tried.
    pub(in crate::fix) is_cut: bool,
}

impl Plan {
    /// Whether a direct dependency moves to a version that is not compatible, or past an upper bound.
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        self.steps.iter().any(|step| step.is_breaking)
    }
}

/// A package of a solution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::fix) struct SelectedPackage {
    /// The checksum of its archive, if the index states it.
    pub(in crate::fix) checksum: Option<String>,
    /// Its dependencies from registries.
    pub(in crate::fix) dependencies: BTreeSet<PackageRef>,
}

/// A plan that may change more than needed.
pub(in crate::fix) struct PossiblePlan(Solution);

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) enum NoPlan {
    /// No set of versions is possible.
    Impossible {
        obstacles: Vec<Obstacle>,
        /// Whether there is none with other options either.
        is_final: bool,
    },
    /// The search took too long.
    OutOfTime,
    Canceled,
}

/// Why an attempt has no solution.
enum Unsolved {
    Impossible(Proof),
    OutOfTime,
    Canceled,
}

/// Why no set of versions is possible.
#[derive(Default)]
struct Proof {
    /// What the proof counts on: with a candidate more for one of these, there may be a solution.
    names: HashSet<NameId>,
    obstacles: Vec<Obstacle>,
    /// Whether no attempt with other options has a candidate more for one of the names.
    is_final: bool,
}

/// Whether it is of interest why there is no solution.
#[derive(Clone, Copy)]
enum Explain {
    Yes,
    No,
}

impl NoPlan {
    /// Whether there is no plan with other options either.
    pub(in crate::fix) fn is_final(&self) -> bool {
        matches!(self, Self::Impossible { is_final: true, .. })
    }

    /// With other options, there may be a plan for a part of the goals.
    pub(in crate::fix) fn is_final_only_if(&mut self, condition: bool) {
        if let Self::Impossible { is_final, .. } = self {
            *is_final &= condition;
        }
    }
}

impl From<Unsolved> for NoPlan {
    fn from(unsolved: Unsolved) -> Self {
        match unsolved {
            Unsolved::Impossible(Proof { obstacles, is_final, .. }) => {
                Self::Impossible { obstacles, is_final }
            }
            Unsolved::OutOfTime => Self::OutOfTime,
            Unsolved::Canceled => Self::Canceled,
        }
    }
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

    /// A plan to say what would help where there is none with less: with these options, it changes as little as possible
    /// in manifests and needs no newer Rust than it has to, but may move more locked packages than needed, so it is found
    /// faster.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(in crate::fix) fn rough_plan(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
    ) -> Result<Plan, NoPlan> {
        self.with_provider(goals, options, |provider, attempt| {
            let attempt = Attempt { raise: true, breaking: options.breaking, ..attempt };
            let (mut attempt, mut solution) = self.nearby_or_any_solution(provider, &attempt)?;
            let is_cut = self.improve_roughly(provider, &mut attempt, &mut solution)?;
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
    ) -> Result<PossiblePlan, NoPlan> {
        self.with_provider(goals, options, |provider, attempt| {
            let attempt = Attempt { raise: true, breaking: options.breaking, ..attempt };
            let (_, found) = self.nearby_or_any_solution(provider, &attempt)?;
            Ok(PossiblePlan(found))
        })
    }

    /// Whether a plan also achieves other goals.
    pub(in crate::fix) fn achieves(&self, plan: &PossiblePlan, goals: &[Goal]) -> bool {
        let goals = self.goals(goals);
        let mut selected = plan.0.selected.keys();
        selected
            .all(|(id, version)| self.rejection(&goals, &HashSet::new(), *id, version).is_none())
    }

    /// For tests: a plan without changes of manifests.
    #[cfg(test)]
    pub(super) fn plan_without_manifests(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
    ) -> Result<Plan, NoPlan> {
        self.with_provider(goals, options, |provider, mut attempt| {
            let mut solution;
            (attempt, solution) = self.nearby_or_any_solution(provider, &attempt)?;
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
        let rejects = |id: CrateId, version: &Version| {
            let rejection = self.rejection(&goals, &refused, id, version);
            rejection.or_else(|| {
                let is_absent = options.only_downloaded && !self.packages.is_present(id, version);
                is_absent.then_some(Rejection::NotDownloaded)
            })
        };
        let provider =
            Provider::new(&self.packages, &self.direct, &rejects, self.rust, self.is_canceled);
        let newest = options.newest.as_ref().and_then(|one| self.find(one)).map(|(id, _)| id);
        let PlanOptions { newer_rust, downgrade, .. } = *options;
        let far = Rc::new(self.far_from(&goals));
        let attempt = Attempt { newer_rust, downgrade, far, newest, ..Attempt::default() };
        let start = Instant::now();
        provider.deadline.set(Some(start + SEARCH_TIME));
        let planned = then(&provider, attempt);
        tracing::debug!("planned in {:?}", start.elapsed());
        planned
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
        let mut failed: Option<(Attempt, Proof)> = None;
        let attempts = [attempt, raise].into_iter().chain(options.breaking.then_some(breaking));
        for attempt in attempts {
            if let Some((before, proof)) = &failed
                && !provider.is_wider(&proof.names, before, &attempt)
            {
                continue;
            }
            match self.nearby_or_any_solution(provider, &attempt) {
                Ok(found) => return Ok(found),
                Err(Unsolved::Impossible(proof)) => failed = Some((attempt, proof)),
                Err(other) => return Err(other.into()),
            }
        }
        let proof = failed.map(|(_, proof)| proof).unwrap_or_default();
        Err(Unsolved::Impossible(proof).into())
    }

    /// A solution that changes only what is near to the goals, which is found faster, else any; with the attempt
    /// that found it.
    fn nearby_or_any_solution(
        &self,
        provider: &Provider<'_>,
        attempt: &Attempt,
    ) -> Result<(Attempt, Solution), Unsolved> {
        let any = Attempt { far: Rc::default(), ..attempt.clone() };
        let mut nearby = self.nearby(attempt.clone());
        for _ in 0..NEARBY_ROUNDS {
            if nearby.far.is_empty() {
                break;
            }
            match self.solve(provider, &nearby, Explain::Yes) {
                Ok(solution) => return Ok((nearby, solution)),
                Err(Unsolved::Impossible(proof)) => {
                    // What stays is not the reason.
                    if !provider.is_wider(&proof.names, &nearby, &any) {
                        return Err(Unsolved::Impossible(proof));
                    }
                    self.widen(provider, &mut nearby, &any, &proof.names);
                }
                Err(other) => return Err(other),
            }
        }
        let solution = self.solve(provider, &any, Explain::Yes)?;
        Ok((self.as_far_as(&solution, attempt), solution))
    }

    fn solve(
        &self,
        provider: &Provider<'_>,
        attempt: &Attempt,
        explain: Explain,
    ) -> Result<Solution, Unsolved> {
        let start = Instant::now();
        let found = self.solution(provider, attempt, explain);
        let result = match &found {
            Ok(_) => "a solution",
            Err(Unsolved::Impossible(_)) => "that there is no solution",
            Err(_) => "nothing",
        };
        tracing::debug!("found {result} in {:?}", start.elapsed());
        found
    }

    fn solution(
        &self,
        provider: &Provider<'_>,
        attempt: &Attempt,
        explain: Explain,
    ) -> Result<Solution, Unsolved> {
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
                    return Err(Unsolved::Impossible(match explain {
                        Explain::Yes => {
                            let graph = conflict.graph(&solver);
                            let names = names_of(&graph, provider);
                            let obstacles = obstacles(&graph, provider, &self.unlisted);
                            let is_final = provider.is_final(&names, attempt);
                            Proof { names, obstacles, is_final }
                        }
                        Explain::No => Proof::default(),
                    }));
                }
                Err(UnsolvableOrCancelled::Cancelled(_)) => {
                    return Err(if (self.is_canceled)() {
                        Unsolved::Canceled
                    } else {
                        Unsolved::OutOfTime
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
            let solution = self.solution_of(&chosen);
            if !is_new || !self.has_duplicate_links(&solution) {
                return Ok(solution);
            }
        }
    }
}
