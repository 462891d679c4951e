//! Which versions of a package are candidates, and which of them an attempt may select.

use std::{collections::HashSet, rc::Rc};

use resolvo::{Candidates, NameId, SolvableId, StringId};
use semver::Version;

use super::{
    Provider,
    names::{Candidate, Name, Rejection},
};
use crate::fix::solver::{attempt::Attempt, packages::CrateId, range::Range};

/// A candidate of a name with versions.
pub(super) struct Listed {
    version: Version,
    solvable: SolvableId,
    rejection: Option<(StringId, Rejection)>,
}

/// Which versions of a range an attempt may select.
enum Allowed {
    All,
    Only(Version),
    From(Version),
}

impl Allowed {
    fn contains(&self, version: &Version) -> bool {
        match self {
            Self::All => true,
            Self::Only(one) => version == one,
            Self::From(oldest) => version >= oldest,
        }
    }
}

impl Provider<'_> {
    /// Why no attempt may select a version, or only those that permit a newer Rust.
    fn rejection(&self, id: CrateId, version: &Version) -> Option<Rejection> {
        let rejection = (self.rejects)(id, version);
        if rejection.is_some()
            || self.packages.locked_in(id, Range::of(version)).as_ref() == Some(version)
        {
            return rejection;
        }
        let release = self.packages.release(id, version);
        if release.yanked {
            return Some(Rejection::Yanked);
        }
        let rust = release.rust.as_ref();
        let is_newer = self.rust.is_some_and(|stated| rust.is_some_and(|rust| rust > stated));
        is_newer.then_some(Rejection::NewerRust)
    }

    /// A version of a package as its candidate, or as that of a feature of it.
    fn list(&self, name: NameId, version: &Version) -> Option<Listed> {
        let mut why = None;
        let candidate = match self.pool.resolve_package_name(name) {
            Name::Package(id, _) => {
                why = self.rejection(*id, version);
                Candidate::Package(*id, version.clone())
            }
            Name::Feature { id, feature, is_needed, .. } => {
                if *is_needed && !self.packages.release(*id, version).has_feature(feature) {
                    why = Some(Rejection::LacksFeature);
                }
                let (id, feature, is_needed) = (*id, feature.clone(), *is_needed);
                Candidate::Feature { id, version: version.clone(), feature, is_needed }
            }
            _ => return None,
        };
        let intern = |why| (self.pool.intern_string(format!("{why:?}")), why);
        let solvable = self.candidate(name, candidate);
        Some(Listed { version: version.clone(), solvable, rejection: why.map(intern) })
    }

    /// All versions of a package in a range as its candidates, or as those of a feature of it.
    fn listed(&self, name: NameId, id: CrateId, range: Range) -> Rc<[Listed]> {
        if let Some(known) = self.listed.borrow().get(&name) {
            return Rc::clone(known);
        }
        let versions = self.packages.versions(id);
        let in_range = versions.iter().filter(|version| Range::of(version) == range);
        let listed: Rc<[Listed]> = in_range.filter_map(|one| self.list(name, one)).collect();
        self.listed.borrow_mut().insert(name, Rc::clone(&listed));
        listed
    }

    /// The candidates of a package, or of a feature of it, in an attempt.
    pub(super) fn versions(
        &self,
        name: NameId,
        id: CrateId,
        range: Range,
        attempt: &Attempt,
    ) -> Candidates {
        let (locked, allowed) = self.allowed(id, range, attempt);
        let mut all = Candidates::default();
        let add = |one: &Listed| {
            all.candidates.push(one.solvable);
            if locked.as_ref() == Some(&one.version) {
                all.favored = Some(one.solvable);
            }
            if let Some((why, rejection)) = &one.rejection
                && (*rejection != Rejection::NewerRust || !attempt.newer_rust)
            {
                all.excluded.push((one.solvable, *why));
            }
        };
        if let Allowed::Only(one) = &allowed {
            // The others need not be read.
            self.list(name, one).iter().for_each(add);
            return all;
        }
        let listed = self.listed(name, id, range);
        listed.iter().filter(|one| allowed.contains(&one.version)).for_each(add);
        all
    }

    /// Whether one of the names has other candidates in a wider attempt.
    pub(in crate::fix::solver) fn is_wider(
        &self,
        names: &HashSet<NameId>,
        narrow: &Attempt,
        wide: &Attempt,
    ) -> bool {
        self.has_others(names, narrow, wide, None)
    }

    /// Whether none of the names has other candidates in any attempt.
    pub(in crate::fix::solver) fn is_final(
        &self,
        names: &HashSet<NameId>,
        attempt: &Attempt,
    ) -> bool {
        let everything = Attempt {
            raise: true,
            breaking: true,
            newer_rust: true,
            downgrade: true,
            ..Attempt::default()
        };
        !self.has_others(names, attempt, &everything, Some(&Rejection::NotDownloaded))
    }

    /// Whether one of the names has other candidates in a wider attempt, also those that are rejected with `lifted`.
    fn has_others(
        &self,
        names: &HashSet<NameId>,
        narrow: &Attempt,
        wide: &Attempt,
        lifted: Option<&Rejection>,
    ) -> bool {
        names.iter().any(|name| match self.pool.resolve_package_name(*name) {
            Name::Package(id, range) | Name::Feature { id, range, .. } => {
                let versions = |attempt: &Attempt, lifted: Option<&Rejection>| {
                    let (_, allowed) = self.allowed(*id, *range, attempt);
                    let may = |version: &Version| match self.rejection(*id, version) {
                        Some(Rejection::NewerRust) => attempt.newer_rust,
                        rejection => rejection.is_none() || rejection.as_ref() == lifted,
                    };
                    let versions = self.packages.versions(*id);
                    let in_range = versions.iter().filter(|one| Range::of(one) == *range);
                    let possible = in_range.filter(|one| allowed.contains(one) && may(one));
                    possible.cloned().collect::<Vec<Version>>()
                };
                versions(narrow, None) != versions(wide, lifted)
            }
            Name::Direct(index) => {
                let alternatives =
                    |attempt| self.direct[*index].alternatives(*index, attempt, self.packages);
                alternatives(narrow) != alternatives(wide)
            }
            Name::Enabled { .. } | Name::Wide(_) | Name::WideFeature { .. } => false,
        })
    }

    /// The locked version in a range, and those that may be selected.
    fn allowed(&self, id: CrateId, range: Range, attempt: &Attempt) -> (Option<Version>, Allowed) {
        let locked = self.packages.locked_in(id, range);
        if let Some(frozen) = locked.clone().filter(|locked| attempt.keeps(id, locked)) {
            return (locked, Allowed::Only(frozen));
        }
        let oldest = self.packages.locked_versions(id).iter().min().cloned();
        let oldest = locked.clone().or(oldest).filter(|_| !attempt.downgrade);
        (locked, oldest.map_or(Allowed::All, Allowed::From))
    }
}
