//! Cargo's rules as a problem for the solver library.
//!
//! A package has one name for each range of compatible versions, since cargo selects at most one version of
//! each. A feature is a package that requires its own version of the package. A requirement that several ranges
//! satisfy, and the requirements of the workspace for a direct dependency, are choices with a name of their own.
//!
//! As in cargo's resolver: targets are ignored, weak features (`a?/b`) enable the dependency, and of packages
//! that link to the same native library there is one.

mod names;
mod versions;

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Display,
    rc::Rc,
    time::Instant,
};

use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, NameId, Requirement, SolvableId,
    SolverCache, StringId, VersionSetId, VersionSetUnionId, utils::Pool,
};
use semver::Version;

use super::{
    attempt::Attempt,
    direct::{Alternative, DirectDependency},
    packages::{CrateId, Packages, Required},
    range::Range,
};
pub(super) use names::{Candidate, Name, Owner, Rejection, Set};
use versions::Listed;

/// A requirement that several ranges satisfy.
struct Wide {
    required: Required,
    ranges: Vec<Range>,
}

/// The problem, for one attempt after the other.
pub(super) struct Provider<'p> {
    pub(super) packages: &'p Packages<'p>,
    pub(super) direct: &'p [DirectDependency],
    /// Which versions must not be selected.
    pub(super) rejects: &'p dyn Fn(CrateId, &Version) -> Option<Rejection>,
    /// The Rust version of the workspace.
    pub(super) rust: Option<&'p Version>,
    pub(super) attempt: RefCell<Attempt>,
    pub(super) pool: Pool<Set, Name>,
    candidates: RefCell<HashMap<(NameId, Candidate), SolvableId>>,
    /// The candidates of names with versions, oldest first.
    listed: RefCell<HashMap<NameId, Rc<[Listed]>>>,
    wides: RefCell<Vec<Wide>>,
    wide_ids: RefCell<HashMap<(Owner, usize), usize>>,
    /// The ranges of the packages that link to a native library, as far as they were met.
    links: RefCell<BTreeMap<String, BTreeSet<(CrateId, Range)>>>,
    /// Whether a feature requires something else with a version in the range, or one lacks it that must not.
    requiring: RefCell<HashMap<(CrateId, Range, String, bool), bool>>,
    /// The packages whose dependencies a search has asked for: the next one knows them before it selects a version, and
    /// starts over less.
    asked: RefCell<HashSet<SolvableId>>,
    /// When to give up.
    pub(super) deadline: Cell<Option<Instant>>,
    pub(super) is_canceled: &'p dyn Fn() -> bool,
    polls: Cell<u32>,
}

/// The value with which an attempt that takes too long or is canceled ends.
pub(super) struct Stopped;

/// How many polls there are between two looks at the clock.
const POLLS: u32 = 64;

impl<'p> Provider<'p> {
    pub(super) fn new(
        packages: &'p Packages<'p>,
        direct: &'p [DirectDependency],
        rejects: &'p dyn Fn(CrateId, &Version) -> Option<Rejection>,
        rust: Option<&'p Version>,
        is_canceled: &'p dyn Fn() -> bool,
    ) -> Self {
        let provider = Self {
            packages,
            direct,
            rejects,
            rust,
            attempt: RefCell::default(),
            pool: Pool::new(),
            candidates: RefCell::default(),
            listed: RefCell::default(),
            wides: RefCell::default(),
            wide_ids: RefCell::default(),
            links: RefCell::default(),
            requiring: RefCell::default(),
            asked: RefCell::default(),
            deadline: Cell::new(None),
            is_canceled,
            polls: Cell::new(0),
        };
        for locked in packages.locked() {
            provider.note_links(locked.id, &locked.version);
        }
        provider
    }

    /// Remembers what a package links to. Returns whether that is new.
    pub(super) fn note_links(&self, id: CrateId, version: &Version) -> bool {
        let release = self.packages.release(id, version);
        let Some(links) = &release.links else { return false };
        let mut all = self.links.borrow_mut();
        all.entry(links.clone()).or_default().insert((id, Range::of(version)))
    }

    pub(super) fn name(&self, name: Name) -> NameId {
        self.pool.intern_package_name(name)
    }

    fn candidate(&self, name: NameId, candidate: Candidate) -> SolvableId {
        let key = (name, candidate);
        if let Some(known) = self.candidates.borrow().get(&key) {
            return *known;
        }
        let solvable = self.pool.intern_solvable(name, key.1.clone());
        self.candidates.borrow_mut().insert(key, solvable);
        solvable
    }

    fn single(&self, name: Name, set: Set) -> ConditionalRequirement {
        let name = self.name(name);
        Requirement::Single(self.pool.intern_version_set(name, set)).into()
    }

    /// Requires a feature of a package that is required, too, unless that requires nothing else.
    fn require_feature(
        &self,
        (id, range): (CrateId, Range),
        (feature, is_needed): (String, bool),
        set: Set,
        all: &mut Vec<ConditionalRequirement>,
    ) {
        if self.requires_more((id, range), (&feature, is_needed)) {
            all.push(self.single(Name::Feature { id, range, feature, is_needed }, set));
        }
    }

    /// Whether a feature requires something else with a version that the attempt may select, or one lacks it that must not.
    fn requires_more(
        &self,
        (id, range): (CrateId, Range),
        (feature, is_needed): (&str, bool),
    ) -> bool {
        let of_version = |version: &Version| {
            let release = self.packages.release(id, version);
            release.requires_more_with(feature) || (is_needed && !release.has_feature(feature))
        };
        let locked = self.packages.locked_in(id, range);
        if let Some(kept) = locked.filter(|locked| self.attempt.borrow().keeps(id, locked)) {
            return of_version(&kept);
        }
        let key = (id, range, feature.to_owned(), is_needed);
        if let Some(known) = self.requiring.borrow().get(&key) {
            return *known;
        }
        let versions = self.packages.versions(id);
        let mut in_range = versions.iter().filter(|version| Range::of(version) == range);
        let of_any = in_range.any(of_version);
        self.requiring.borrow_mut().insert(key, of_any);
        of_any
    }

    /// Adds the requirements of one dependency with its own features and `more`. `position` is its index among
    /// the dependencies of the owner.
    pub(super) fn require(
        &self,
        (owner, position): (&Owner, usize),
        required: &Required,
        more: &[&str],
        all: &mut Vec<ConditionalRequirement>,
    ) {
        let id = required.package;
        // Without a copy of its index entry cargo selects the version, and a patch has one.
        if self.packages.versions(id).is_empty()
            || self.packages.is_patched(id, &required.requirement)
        {
            return;
        }
        let ranges = self.packages.ranges(required);
        let matching = || Set::Matching(required.requirement.clone());
        if ranges.len() < 2 {
            let own = required.features.iter().map(|feature| (feature.as_str(), true));
            let default = required.default_features.then_some(("default", false));
            let features: BTreeMap<&str, bool> =
                own.chain(default).chain(more.iter().map(|feature| (*feature, true))).collect();
            let nowhere = Range::of(&Version::new(0, 0, 0));
            let range = ranges.first().copied().unwrap_or(nowhere);
            all.push(self.single(Name::Package(id, range), matching()));
            for (feature, is_needed) in features {
                let feature = (feature.to_owned(), is_needed);
                self.require_feature((id, range), feature, matching(), all);
            }
            return;
        }
        let key = (owner.clone(), position);
        let known = self.wide_ids.borrow().get(&key).copied();
        let wide = known.unwrap_or_else(|| {
            let mut wides = self.wides.borrow_mut();
            wides.push(Wide { required: required.clone(), ranges: ranges.to_vec() });
            self.wide_ids.borrow_mut().insert(key, wides.len() - 1);
            wides.len() - 1
        });
        all.push(self.single(Name::Wide(wide), Set::All));
        for feature in more {
            let feature = (*feature).to_owned();
            all.push(self.single(Name::WideFeature { wide, feature }, Set::All));
        }
    }

    fn package_dependencies(&self, id: CrateId, version: &Version) -> Dependencies {
        let release = self.packages.release(id, version);
        let mut known = KnownDependencies::default();
        let owner = Owner::Package(id, version.clone());
        for (position, one) in release.dependencies.iter().enumerate() {
            if !one.optional {
                self.require((&owner, position), one, &[], &mut known.requirements);
            }
        }
        if let Some(links) = &release.links {
            let all = self.links.borrow();
            let others = all.get(links).into_iter().flatten();
            for (other, range) in others.filter(|one| **one != (id, Range::of(version))) {
                let name = self.name(Name::Package(*other, *range));
                let set = Set::WithoutLinks(links.clone());
                known.constrains.push(self.pool.intern_version_set(name, set));
            }
        }
        Dependencies::Known(known)
    }

    /// A feature requires its version of the package. What it enables is a name of its own, so that the solver knows this
    /// before it selects a version.
    fn feature_dependencies(&self, id: CrateId, version: &Version, feature: &str) -> Dependencies {
        let own = Set::Exactly(version.clone());
        let mut known = KnownDependencies::default();
        known.requirements.push(self.single(Name::Package(id, Range::of(version)), own));
        if self.packages.release(id, version).requires_more_with(feature) {
            known.requirements.push(self.enabled(id, version, feature));
        }
        Dependencies::Known(known)
    }

    fn enabled(&self, id: CrateId, version: &Version, feature: &str) -> ConditionalRequirement {
        let (version, feature) = (version.clone(), feature.to_owned());
        self.single(Name::Enabled { id, version, feature }, Set::All)
    }

    fn enabled_dependencies(&self, id: CrateId, version: &Version, feature: &str) -> Dependencies {
        let release = self.packages.release(id, version);
        if !release.has_feature(feature) {
            return self.unknown("it does not have the feature");
        }
        let mut known = KnownDependencies::default();
        let owner = Owner::Package(id, version.clone());
        let enable = |key: &str, more: &[&str], all: &mut Vec<ConditionalRequirement>| {
            let named = release.dependencies.iter().enumerate().filter(|(_, one)| one.key == key);
            for (position, one) in named {
                self.require((&owner, position), one, more, all);
            }
        };
        let all = &mut known.requirements;
        match release.features.get(feature) {
            None => enable(feature, &[], all),
            Some(enabled) => {
                for value in enabled {
                    if let Some(key) = value.strip_prefix("dep:") {
                        enable(key, &[], all);
                    } else if let Some((key, more)) = value.split_once('/') {
                        let weak = key.strip_suffix('?');
                        let key = weak.unwrap_or(key);
                        if weak.is_none()
                            && release.dependencies.iter().any(|one| one.optional && one.key == key)
                            && release.has_feature(key)
                        {
                            all.push(self.enabled(id, version, key));
                        }
                        enable(key, &[more], all);
                    } else if release.requires_more_with(value) || !release.has_feature(value) {
                        all.push(self.enabled(id, version, value));
                    }
                }
            }
        }
        Dependencies::Known(known)
    }

    fn direct_dependencies(&self, index: usize, alternative: Alternative) -> Dependencies {
        let mut known = KnownDependencies::default();
        let all = &mut known.requirements;
        let direct = &self.direct[index];
        let (id, range) = (direct.id, Range::of(&direct.locked));
        let (range, set, may_lack) = match alternative {
            Alternative::Keep => {
                for stated in &direct.stated {
                    let set = Set::Matching(stated.requirement.clone());
                    all.push(self.single(Name::Package(id, range), set));
                }
                (range, Set::All, false)
            }
            Alternative::Raise => (range, Set::From(direct.locked.clone()), false),
            Alternative::Move(range) => (range, Set::Stable, true),
        };
        all.push(self.single(Name::Package(id, range), set.clone()));
        for feature in direct.features(may_lack) {
            self.require_feature((id, range), feature, set.clone(), all);
        }
        Dependencies::Known(known)
    }

    fn wide_dependencies(&self, wide: usize, range: Range) -> Dependencies {
        let required = self.wides.borrow()[wide].required.clone();
        let mut known = KnownDependencies::default();
        let id = required.package;
        let matching = || Set::Matching(required.requirement.clone());
        known.requirements.push(self.single(Name::Package(id, range), matching()));
        let own = required.features.iter().map(|feature| (feature.clone(), true));
        let default = required.default_features.then(|| ("default".to_owned(), false));
        for feature in own.chain(default) {
            self.require_feature((id, range), feature, matching(), &mut known.requirements);
        }
        Dependencies::Known(known)
    }

    fn unknown(&self, why: &str) -> Dependencies {
        Dependencies::Unknown(self.pool.intern_string(why))
    }

    fn all_candidates(&self, name: NameId) -> Candidates {
        let mut all = Candidates::default();
        let attempt = self.attempt.borrow();
        match self.pool.resolve_package_name(name) {
            Name::Package(id, range) => {
                all = self.versions(name, *id, *range, &attempt);
                let asked = self.asked.borrow();
                let is_known =
                    |one: &&SolvableId| all.favored.as_ref() == Some(*one) || asked.contains(*one);
                let known = all.candidates.iter().filter(is_known).copied().collect();
                all.hint_dependencies_available = HintDependenciesAvailable::Some(known);
            }
            Name::Feature { id, range, .. } => {
                all = self.versions(name, *id, *range, &attempt);
                // Each requires its version of the package, of which there is one.
                all.allow_multiple = true;
                all.hint_dependencies_available = HintDependenciesAvailable::All;
            }
            Name::Enabled { id, version, feature } => {
                let (id, version, feature) = (*id, version.clone(), feature.clone());
                let only = Candidate::Enabled { id, version, feature };
                all.candidates = vec![self.candidate(name, only)];
            }
            Name::Direct(index) => {
                let alternatives =
                    self.direct[*index].alternatives(*index, &attempt, self.packages);
                let candidates = alternatives
                    .into_iter()
                    .map(|one| self.candidate(name, Candidate::Direct(*index, one)));
                all.candidates = candidates.collect();
                all.hint_dependencies_available = HintDependenciesAvailable::All;
            }
            Name::Wide(wide) => {
                let ranges = self.wides.borrow()[*wide].ranges.clone();
                let candidates = ranges
                    .into_iter()
                    .map(|range| self.candidate(name, Candidate::Wide(*wide, range)));
                all.candidates = candidates.collect();
                all.hint_dependencies_available = HintDependenciesAvailable::All;
            }
            Name::WideFeature { wide, feature } => {
                let ranges = self.wides.borrow()[*wide].ranges.clone();
                let candidates = ranges.into_iter().map(|range| {
                    let (wide, feature) = (*wide, feature.clone());
                    self.candidate(name, Candidate::WideFeature { wide, range, feature })
                });
                all.candidates = candidates.collect();
                all.hint_dependencies_available = HintDependenciesAvailable::All;
            }
        }
        all
    }

    /// The order in which candidates are tried.
    fn rank(&self, solvable: SolvableId) -> (u8, usize) {
        let of_version = |id: CrateId, version: &Version| {
            let versions = self.packages.versions(id);
            let rank = versions.binary_search(version).unwrap_or(0);
            let from_end = versions.len() - rank;
            if self.attempt.borrow().newest == Some(id) {
                return (0, from_end);
            }
            let range = Range::of(version);
            match self.packages.locked_in(id, range) {
                Some(locked) if *version > locked && self.attempt.borrow().large_steps => {
                    (0, from_end)
                }
                Some(locked) if *version >= locked => (0, rank),
                Some(_) => (1, from_end),
                // A package that is new in the graph: as cargo selects it. If it replaces another range, the
                // smallest step.
                None if self.packages.locked_versions(id).is_empty()
                    || self.attempt.borrow().large_steps =>
                {
                    (0, from_end)
                }
                None => (0, rank),
            }
        };
        match &self.pool.resolve_solvable(solvable).record {
            Candidate::Package(id, version) | Candidate::Feature { id, version, .. } => {
                of_version(*id, version)
            }
            Candidate::Enabled { .. } => (0, 0),
            // As they were listed.
            Candidate::Direct(index, alternative) => {
                let attempt = self.attempt.borrow();
                let all = self.direct[*index].alternatives(*index, &attempt, self.packages);
                (0, all.iter().position(|one| one == alternative).unwrap_or(0))
            }
            Candidate::Wide(wide, range) | Candidate::WideFeature { wide, range, .. } => {
                let wides = self.wides.borrow();
                (0, wides[*wide].ranges.iter().position(|one| one == range).unwrap_or(0))
            }
        }
    }

    fn is_in(&self, candidate: &Candidate, set: &Set) -> bool {
        match candidate {
            Candidate::Package(id, version) | Candidate::Feature { id, version, .. } => match set {
                Set::All => true,
                Set::Matching(requirement) => requirement.matches(version),
                Set::Exactly(one) => one == version,
                Set::From(first) => {
                    version >= first
                        && (version.pre.is_empty()
                            || (!first.pre.is_empty()
                                && (version.major, version.minor, version.patch)
                                    == (first.major, first.minor, first.patch)))
                }
                Set::Stable => version.pre.is_empty(),
                Set::Range(range) => Range::of(version) == *range,
                Set::WithoutLinks(links) => {
                    self.packages.release(*id, version).links.as_ref() != Some(links)
                }
            },
            Candidate::Wide(_, range) | Candidate::WideFeature { range, .. } => match set {
                Set::Range(one) => one == range,
                _ => true,
            },
            Candidate::Enabled { .. } | Candidate::Direct(..) => true,
        }
    }
}

impl Interner for &Provider<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        &self.pool.resolve_solvable(solvable).record
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.pool.resolve_package_name(name)
    }

    fn display_version_set(&self, set: VersionSetId) -> impl Display + '_ {
        format!("{:?}", self.pool.resolve_version_set(set))
    }

    fn display_string(&self, string: StringId) -> impl Display + '_ {
        self.pool.resolve_string(string)
    }

    fn version_set_name(&self, set: VersionSetId) -> NameId {
        self.pool.resolve_version_set_package_name(set)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.pool.resolve_solvable(solvable).name
    }

    fn version_sets_in_union(
        &self,
        union: VersionSetUnionId,
    ) -> impl Iterator<Item = VersionSetId> {
        self.pool.resolve_version_set_union(union)
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        self.pool.resolve_condition(condition).clone()
    }
}

impl DependencyProvider for &Provider<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let set = self.pool.resolve_version_set(set);
        let is_in = |one: &SolvableId| self.is_in(&self.pool.resolve_solvable(*one).record, set);
        candidates.iter().copied().filter(|one| is_in(one) != inverse).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        Some(self.all_candidates(name))
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        solvables.sort_by_cached_key(|solvable| self.rank(*solvable));
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        match self.pool.resolve_solvable(solvable).record.clone() {
            Candidate::Package(id, version) => {
                self.asked.borrow_mut().insert(solvable);
                self.package_dependencies(id, &version)
            }
            Candidate::Feature { id, version, feature, .. } => {
                self.feature_dependencies(id, &version, &feature)
            }
            Candidate::Enabled { id, version, feature } => {
                self.enabled_dependencies(id, &version, &feature)
            }
            Candidate::Direct(index, alternative) => self.direct_dependencies(index, alternative),
            Candidate::Wide(wide, range) => self.wide_dependencies(wide, range),
            Candidate::WideFeature { wide, range, feature } => {
                let id = self.wides.borrow()[wide].required.package;
                let mut known = KnownDependencies::default();
                let all = &mut known.requirements;
                all.push(self.single(Name::Wide(wide), Set::Range(range)));
                self.require_feature((id, range), (feature, true), Set::All, all);
                Dependencies::Known(known)
            }
        }
    }

    fn should_cancel_with_value(&self) -> Option<Box<dyn Any>> {
        self.polls.set(self.polls.get().wrapping_add(1));
        if !self.polls.get().is_multiple_of(POLLS) {
            return None;
        }
        let is_late = self.deadline.get().is_some_and(|deadline| Instant::now() > deadline);
        (is_late || (self.is_canceled)()).then(|| Box::new(Stopped) as Box<dyn Any>)
    }
}
