//! Makes a solution smaller: undoes its changes one after the other, as long as there is a solution without them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use semver::Version;

use super::{NoPlan, Planner, solution::Solution};
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
                self.try_attempt(provider, attempt, without, solution, &mut tries, &better)?;
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
        // A package that is not needed any more cannot stay.
        let moves = |solution: &Solution, one: &(CrateId, Version)| {
            let mut selected = solution.selected.keys();
            selected
                .any(|(id, to)| *id == one.0 && *to != one.1 && Range::of(to) == Range::of(&one.1))
        };
        let movable: Vec<(CrateId, Version)> = locked
            .iter()
            .map(|one| (one.id, one.version.clone()))
            .filter(|one| (provider.rejects)(one.0, &one.1).is_none())
            .collect();
        // Those that have moved stay, one after the other: first with all that stay already, then instead of others.
        for with_others in [true, false] {
            let moved = movable.iter().filter(|one| moves(solution, one)).count();
            if !with_others && moved > MAX_EXCHANGED {
                break;
            }
            for one in &movable {
                if !moves(solution, one) {
                    continue;
                }
                let staying = stays(solution);
                let mut new = attempt.clone();
                new.frozen = if with_others { staying.clone() } else { BTreeSet::new() };
                new.frozen.insert(one.clone());
                let better = |new: &Solution| stays(new).len() > staying.len();
                self.try_attempt(provider, attempt, new, solution, &mut tries, &better)?;
            }
            // With larger steps, fewer packages may have to move.
            let staying = stays(solution);
            if with_others && (2..=MAX_EXCHANGED).contains(&(locked.len() - staying.len())) {
                let new = Attempt { large_steps: true, frozen: BTreeSet::new(), ..attempt.clone() };
                let better = |new: &Solution| stays(new).len() > staying.len();
                self.try_attempt(provider, attempt, new, solution, &mut tries, &better)?;
            }
        }
        Ok(tries.is_cut)
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

    /// Takes a new attempt and its solution if that is better, unless there were too many.
    fn try_attempt(
        &self,
        provider: &Provider<'_>,
        attempt: &mut Attempt,
        new: Attempt,
        solution: &mut Solution,
        tries: &mut Tries,
        is_better: &dyn Fn(&Solution) -> bool,
    ) -> Result<(), NoPlan> {
        if tries.left == 0 || Instant::now() > tries.deadline {
            tries.is_cut = true;
            return Ok(());
        }
        tries.left -= 1;
        provider.deadline.set(Some(tries.deadline));
        match self.solve(provider, &new) {
            Ok(found) if is_better(&found) => {
                *solution = found;
                *attempt = new;
            }
            Err(NoPlan::Canceled) => return Err(NoPlan::Canceled),
            Err(NoPlan::OutOfTime) => tries.is_cut = true,
            _ => {}
        }
        Ok(())
    }
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
