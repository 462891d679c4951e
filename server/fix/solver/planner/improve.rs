//! Makes a solution smaller: undoes its changes one after the other, as long as there is a solution without them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use semver::Version;

use super::{Explain, NoPlan, Planner, Unsolved, solution::Solution};
use crate::fix::solver::{
    attempt::Attempt,
    direct::Alternative,
    packages::{CrateId, Release},
    provider::Provider,
    range::Range,
};

/// How many changes are tried to be undone: a count, so that the result does not depend on the load of the machine.
const MAX_TRIES: usize = 16;

/// How long that may take at most.
const IMPROVE_TIME: Duration = Duration::from_secs(20);

/// Up to how many moved packages others are tried instead.
const MAX_EXCHANGED: usize = 8;

impl Planner<'_> {
    /// Undoes changes one after the other, as long as there is a solution without them. Returns whether
    /// some were not tried.
    pub(super) fn improve(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
    ) -> Result<bool, NoPlan> {
        let mut tries = Tries::new();
        self.undo_changes_of_manifests(provider, attempt, solution, &mut tries)?;
        self.keep_locked_versions(provider, attempt, solution, &mut tries)?;
        Ok(tries.is_cut)
    }

    /// The same for the changes of manifests, and for the versions that require a newer Rust.
    pub(super) fn improve_roughly(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
    ) -> Result<bool, NoPlan> {
        let mut tries = Tries::new();
        self.undo_changes_of_manifests(provider, attempt, solution, &mut tries)?;
        let is_newer = |id: CrateId, to: &Version| {
            let rust = self.packages.release(id, to).rust.clone();
            self.rust.is_some_and(|stated| rust.is_some_and(|rust| rust > *stated))
        };
        self.keep_each(provider, attempt, solution, &mut tries, Others::Stay, &is_newer)?;
        Ok(tries.is_cut)
    }

    fn undo_changes_of_manifests(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
        tries: &mut Tries,
    ) -> Result<(), NoPlan> {
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
                self.try_attempt(provider, attempt, without, solution, tries, &better)?;
            }
        }
        // What was not changed stays unchanged.
        let changed: BTreeSet<usize> =
            self.changes_of(solution).into_iter().map(|(index, _)| index).collect();
        let unchanged = (0..self.direct.len()).filter(|index| !changed.contains(index));
        attempt.kept.extend(unchanged);
        Ok(())
    }

    /// Packages that have moved stay, one after the other: first with all that stay already, then instead of others.
    fn keep_locked_versions(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
        tries: &mut Tries,
    ) -> Result<(), NoPlan> {
        let is_any = |_: CrateId, _: &Version| true;
        self.keep_each(provider, attempt, solution, tries, Others::Stay, &is_any)?;
        // With larger steps, fewer packages may have to move.
        let staying = self.staying(solution);
        if (2..=MAX_EXCHANGED).contains(&(self.packages.locked().len() - staying.len())) {
            let new = Attempt { large_steps: true, frozen: BTreeSet::new(), ..attempt.clone() };
            let better = |new: &Solution| self.staying(new).len() > staying.len();
            self.try_attempt(provider, attempt, new, solution, tries, &better)?;
        }
        let movable = self.movable(provider);
        let moved = movable.iter().filter(|one| moved_to(solution, one).is_some()).count();
        if moved <= MAX_EXCHANGED {
            self.keep_each(provider, attempt, solution, tries, Others::MayMove, &is_any)?;
        }
        Ok(())
    }

    /// The packages stay whose new versions are `unwanted`, if there is such a solution in which more stay.
    fn keep_each(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        solution: &mut Solution,
        tries: &mut Tries,
        others: Others,
        unwanted: &dyn Fn(CrateId, &Version) -> bool,
    ) -> Result<(), NoPlan> {
        let mut forced = self.forced_moves(provider, attempt, solution);
        for one in self.movable(provider) {
            let is_unwanted = moved_to(solution, &one).is_some_and(|to| unwanted(one.0, to));
            if !is_unwanted || forced.contains(&one) {
                continue;
            }
            let staying = self.staying(solution);
            let mut new = attempt.clone();
            new.frozen = match others {
                Others::Stay => staying.clone(),
                Others::MayMove => BTreeSet::new(),
            };
            new.frozen.insert(one);
            let better = |new: &Solution| self.staying(new).len() > staying.len();
            if self.try_attempt(provider, attempt, new, solution, tries, &better)? {
                forced = self.forced_moves(provider, attempt, solution);
            }
        }
        Ok(())
    }

    /// The locked packages that a solution keeps.
    fn staying(&self, solution: &Solution) -> BTreeSet<(CrateId, Version)> {
        let all = self.packages.locked().into_iter().map(|one| (one.id, one.version));
        all.filter(|one| solution.selected.contains_key(one)).collect()
    }

    /// The locked packages that may stay.
    fn movable(&self, provider: &Provider<'_>) -> Vec<(CrateId, Version)> {
        let all = self.packages.locked().into_iter().map(|one| (one.id, one.version));
        all.filter(|one| (provider.rejects)(one.0, &one.1).is_none()).collect()
    }

    /// Moves the direct dependencies that a breaking upgrade requires in another range: otherwise the workspace
    /// and its dependency would use two versions of the same types.
    pub(super) fn move_along(
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
                let mut tries = Tries::new();
                self.try_attempt(provider, attempt, new, solution, &mut tries, &|_| true)?;
            }
        }
        Ok(())
    }

    /// Takes a new attempt and its solution if that is better, unless there were too many. Returns whether it took them.
    fn try_attempt(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        new: Attempt,
        solution: &mut Solution,
        tries: &mut Tries,
        is_better: &dyn Fn(&Solution) -> bool,
    ) -> Result<bool, NoPlan> {
        if tries.left == 0 || Instant::now() > tries.deadline {
            tries.is_cut = true;
            return Ok(false);
        }
        tries.left -= 1;
        provider.deadline.set(Some(tries.deadline));
        match self.solve(provider, &new, Explain::No) {
            Ok(found) if is_better(&found) => {
                *solution = found;
                *attempt = new;
                return Ok(true);
            }
            Err(Unsolved::Canceled) => return Err(NoPlan::Canceled),
            Err(Unsolved::OutOfTime) => tries.is_cut = true,
            _ => {}
        }
        Ok(false)
    }
}

/// Where a locked package has moved in its range. A package that is not needed any more cannot stay.
fn moved_to<'s>(solution: &'s Solution, one: &(CrateId, Version)) -> Option<&'s Version> {
    let mut selected = solution.selected.keys();
    let is_new = |(id, to): &&(CrateId, Version)| {
        *id == one.0 && *to != one.1 && Range::of(to) == Range::of(&one.1)
    };
    selected.find(is_new).map(|(_, to)| to)
}

/// What the packages do that stay already, while another one is tried.
#[derive(Clone, Copy)]
enum Others {
    Stay,
    MayMove,
}

/// How much is left to be tried.
struct Tries {
    left: usize,
    deadline: Instant,
    /// Something was not tried.
    is_cut: bool,
}

impl Tries {
    fn new() -> Self {
        Self { left: MAX_TRIES, deadline: Instant::now() + IMPROVE_TIME, is_cut: false }
    }
}
