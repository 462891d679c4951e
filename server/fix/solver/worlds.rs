//! Compares plans with an exhaustive search, over generated worlds.
//!
//! ```text
//! SUPERCARGO_WORLDS=1000 cargo test --lib solver::worlds    that many worlds
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use semver::{Version, VersionReq};

use super::{Goal, GoalKind, NoPlan, PackageVersions, Plan, PlanOptions, Planner};
use crate::{
    model::lockfile::LockedPackage,
    verdict::{AdvisoryFacts, IndexHistory, PackageRef, StatedDependency, UnlistedPackage},
};

/// A generator of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 33) ^ (self.0 >> 17);
        usize::try_from(mixed % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

#[derive(Clone, Debug)]
struct Dependency {
    package: usize,
    requirement: String,
    /// Only with the feature `more` of the dependent.
    optional: bool,
    /// Enables the feature `more` of the package.
    more: bool,
    /// The package may lack the feature.
    may_lack: bool,
}

#[derive(Clone, Debug)]
struct Release {
    version: Version,
    dependencies: Vec<Dependency>,
    links: Option<String>,
    has_more: bool,
}

/// An index with a workspace of one package.
#[derive(Clone, Debug)]
struct World {
    packages: Vec<Vec<Release>>,
    direct: Vec<Dependency>,
}

/// A package in one range of compatible versions.
type Slot = (usize, u64, u64);

fn slot(package: usize, version: &Version) -> Slot {
    if version.major == 0 { (package, 0, version.minor) } else { (package, version.major, 0) }
}

/// A selection: the version of each slot, and whether its feature is enabled.
type Selection = BTreeMap<Slot, (Version, bool)>;

impl World {
    fn random(random: &mut Random) -> Self {
        let count = 5 + random.below(6);
        let mut packages: Vec<Vec<Release>> = Vec::new();
        for package in 0..count {
            let mut versions = Vec::new();
            for major in 1..=1 + u64::from(random.one_in(2)) {
                for minor in 0..=random.below(3) {
                    versions.push(Version::new(major, minor as u64, 0));
                }
            }
            let releases = versions.into_iter().map(|version| Release {
                version,
                dependencies: Vec::new(),
                links: (package > 0 && random.one_in(12)).then(|| "native".to_owned()),
                has_more: !random.one_in(5),
            });
            packages.push(releases.collect());
        }
        // A package depends on later ones only.
        for package in 0..count {
            for release in 0..packages[package].len() {
                let mut dependencies = Vec::new();
                for _ in 0..random.below(3) {
                    if package + 1 < count {
                        let to = package + 1 + random.below(count - package - 1);
                        if dependencies.iter().all(|one: &Dependency| one.package != to) {
                            dependencies.push(Self::dependency(random, &packages, to));
                        }
                    }
                }
                packages[package][release].dependencies = dependencies;
            }
        }
        let mut direct = vec![Self::dependency(random, &packages, 0)];
        if random.one_in(2) {
            direct.push(Self::dependency(random, &packages, 1));
        }
        for one in &mut direct {
            one.optional = false;
            // Another range of a direct dependency is a breaking upgrade.
            one.requirement = one.requirement.replace(">=", "^");
        }
        Self { packages, direct }
    }

    fn dependency(random: &mut Random, packages: &[Vec<Release>], to: usize) -> Dependency {
        let versions = &packages[to];
        let Version { major, minor, .. } = versions[random.below(versions.len())].version;
        let requirement = match random.below(8) {
            0 => format!("={major}.{minor}.0"),
            1 => format!("~{major}.{minor}"),
            2 => format!(">={major}.{minor}"),
            3 | 4 => format!("^{major}"),
            _ => format!("^{major}.{minor}"),
        };
        let optional = random.one_in(5);
        Dependency { package: to, requirement, optional, more: random.one_in(4), may_lack: false }
    }

    /// Calls `found` with every selection that cargo could make with these requirements of the workspace.
    fn each_selection(
        &self,
        direct: &[Dependency],
        is_allowed: &dyn Fn(usize, &Version) -> bool,
        found: &mut dyn FnMut(&Selection),
    ) {
        let mut steps = 0;
        let open = direct.to_vec();
        self.search(open, &Selection::new(), is_allowed, found, &mut steps);
    }

    fn search(
        &self,
        mut open: Vec<Dependency>,
        selected: &Selection,
        is_allowed: &dyn Fn(usize, &Version) -> bool,
        found: &mut dyn FnMut(&Selection),
        steps: &mut usize,
    ) {
        *steps += 1;
        if *steps > 200_000 {
            return;
        }
        let Some(next) = open.pop() else {
            found(selected);
            return;
        };
        let requirement = VersionReq::parse(&next.requirement).expect("a requirement");
        for release in &self.packages[next.package] {
            let version = &release.version;
            if !requirement.matches(version)
                || !is_allowed(next.package, version)
                || next.more && !release.has_more && !next.may_lack
            {
                continue;
            }
            let more = next.more && release.has_more;
            let one_slot = slot(next.package, version);
            let known = selected.get(&one_slot);
            if known.is_some_and(|(known, _)| known != version) {
                continue;
            }
            let links = |(other, at): (&Slot, &(Version, bool))| {
                let mut all = self.packages[other.0].iter();
                let one = all.find(|one| one.version == at.0);
                *other != one_slot
                    && release.links.is_some()
                    && one.is_some_and(|one| one.links == release.links)
            };
            if selected.iter().any(links) {
                continue;
            }
            let (had, had_more) = (known.is_some(), known.is_some_and(|(_, more)| *more));
            let mut selected = selected.clone();
            selected.insert(one_slot, (version.clone(), had_more || more));
            let mut open = open.clone();
            let is_new =
                |one: &&Dependency| !had && !one.optional || one.optional && more && !had_more;
            open.extend(release.dependencies.iter().filter(is_new).cloned());
            self.search(open, &selected, is_allowed, found, steps);
        }
    }

    fn name(package: usize) -> String {
        format!("p{package}")
    }

    fn source() -> String {
        format!("registry+{}", tame_index::CRATES_IO_INDEX)
    }

    fn index(&self) -> PackageVersions {
        let entries = self.packages.iter().enumerate().map(|(package, releases)| {
            let records = releases.iter().map(|release| {
                let deps = release.dependencies.iter().map(|one| {
                    serde_json::json!({
                        "name": Self::name(one.package), "req": one.requirement, "kind": "normal",
                        "optional": one.optional, "default_features": false,
                        "features": if one.more { vec!["more"] } else { Vec::new() },
                    })
                });
                let deps: Vec<_> = deps.collect();
                let optional = release.dependencies.iter().filter(|one| one.optional);
                let enabled: Vec<_> =
                    optional.map(|one| format!("dep:{}", Self::name(one.package))).collect();
                let features = if release.has_more {
                    serde_json::json!({"more": enabled})
                } else {
                    serde_json::json!({})
                };
                let record = serde_json::json!({
                    "name": Self::name(package), "vers": release.version.to_string(), "cksum": "0",
                    "yanked": false, "deps": deps, "features": features, "links": release.links,
                });
                (release.version.to_string(), record.to_string())
            });
            (Self::name(package), IndexHistory::of_records(&records.collect::<Vec<_>>()))
        });
        PackageVersions::of_entries(entries.collect())
    }

    /// The lockfile of a selection: the workspace's package is the first.
    fn lockfile(&self, selection: &Selection) -> Vec<LockedPackage> {
        let slots: Vec<&Slot> = selection.keys().collect();
        let position = |dependency: &Dependency| {
            let requirement = VersionReq::parse(&dependency.requirement).expect("a requirement");
            let mut all = slots.iter().enumerate().rev();
            let is_it = |one_slot: &Slot| {
                one_slot.0 == dependency.package && requirement.matches(&selection[one_slot].0)
            };
            all.find(|(_, one_slot)| is_it(one_slot)).map(|(at, _)| at + 1)
        };
        let mut all = vec![LockedPackage {
            name: "work".to_owned(),
            version: Version::new(0, 1, 0),
            source: None,
            dependencies: self.direct.iter().filter_map(position).collect(),
        }];
        for one_slot in &slots {
            let (version, more) = &selection[*one_slot];
            let mut releases = self.packages[one_slot.0].iter();
            let release = releases.find(|one| one.version == *version).expect("a release");
            let used = release.dependencies.iter().filter(|one| !one.optional || *more);
            all.push(LockedPackage {
                name: Self::name(one_slot.0),
                version: version.clone(),
                source: Some(Self::source()),
                dependencies: used.filter_map(position).collect(),
            });
        }
        all
    }

    fn unlisted(&self) -> Vec<UnlistedPackage> {
        let dependencies = self.direct.iter().map(|one| StatedDependency {
            key: Self::name(one.package),
            package: Self::name(one.package),
            source: Self::source(),
            requirement: VersionReq::parse(&one.requirement).expect("a requirement"),
            optional: false,
            default_features: false,
            features: if one.more { vec!["more".to_owned()] } else { Vec::new() },
        });
        let package =
            PackageRef { name: "work".to_owned(), version: Version::new(0, 1, 0), source: None };
        vec![UnlistedPackage {
            package,
            dependencies: dependencies.collect(),
            features: BTreeMap::new(),
        }]
    }
}

fn locked(selection: &Selection) -> BTreeSet<(usize, Version)> {
    selection.iter().map(|(one_slot, (version, _))| (one_slot.0, version.clone())).collect()
}

/// A world with a lockfile in which one version has to go.
struct Case {
    seed: u64,
    world: World,
    before: Selection,
    bad: (usize, Version),
}

impl Case {
    fn of(seed: u64) -> Option<Self> {
        let mut random = Random(seed * 7_919);
        let world = World::random(&mut random);
        let mut all = Vec::new();
        world.each_selection(&world.direct, &|_, _| true, &mut |one| {
            if all.len() < 40 {
                all.push(one.clone());
            }
        });
        let before = all.get(random.below(all.len()))?.clone();
        let slots: Vec<&Slot> = before.keys().collect();
        let bad = *slots[random.below(slots.len())];
        let bad = (bad.0, before[&bad].0.clone());
        Some(Self { seed, world, before, bad })
    }

    /// The number of packages that move at least, with these requirements of the workspace.
    fn least_moved(&self, direct: &[Dependency]) -> Option<usize> {
        let is_allowed =
            |package: usize, version: &Version| (package, version) != (self.bad.0, &self.bad.1);
        let had = locked(&self.before);
        let mut least: Option<usize> = None;
        self.world.each_selection(direct, &is_allowed, &mut |one| {
            let moved = had.difference(&locked(one)).count();
            least = Some(least.map_or(moved, |least| least.min(moved)));
        });
        least
    }

    /// What the requirements of the workspace may become, with the number of those that change.
    fn changed_requirements(&self) -> Vec<(usize, Vec<Dependency>)> {
        let mut all = vec![(0, Vec::new())];
        for stated in &self.world.direct {
            let requirement = VersionReq::parse(&stated.requirement).expect("a requirement");
            let of_it = self.before.iter().filter(|(one_slot, _)| one_slot.0 == stated.package);
            let mut of_it = of_it.map(|(_, (version, _))| version);
            let had = of_it.find(|version| requirement.matches(version)).expect("it is locked");
            let later = self.world.packages[stated.package].iter().map(|one| one.version.major);
            let later: BTreeSet<u64> = later.filter(|major| *major > had.major).collect();
            let raised = Dependency { requirement: format!("^{had}"), ..stated.clone() };
            let mut choices = vec![(0, stated.clone()), (1, raised)];
            choices.extend(later.into_iter().map(|major| {
                let requirement = format!("^{major}");
                (1, Dependency { requirement, may_lack: true, ..stated.clone() })
            }));
            let with = |(count, chosen): &(usize, Vec<Dependency>)| {
                let (count, chosen) = (*count, chosen.clone());
                let all = choices.iter().map(|(more, one)| {
                    (count + more, chosen.iter().chain([one]).cloned().collect())
                });
                all.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    fn plan<T>(
        &self,
        find: impl FnOnce(&Planner<'_>, &[Goal]) -> Result<T, NoPlan>,
    ) -> Result<T, NoPlan> {
        let (index, lockfile) = (self.world.index(), self.world.lockfile(&self.before));
        let unlisted = self.world.unlisted();
        let advisories = |_: &str| -> Vec<Arc<AdvisoryFacts>> { Vec::new() };
        let planner =
            Planner::new(&index, &lockfile, &unlisted, &advisories, BTreeSet::new(), &|| false);
        let package = PackageRef {
            name: World::name(self.bad.0),
            version: self.bad.1.clone(),
            source: Some(World::source()),
        };
        find(&planner, &[Goal { package, kind: GoalKind::Replace }])
    }

    /// How many requirements of the workspace a plan changes.
    fn changes(&self, plan: &Plan) -> usize {
        let is_changed = |stated: &&Dependency| {
            let requirement = VersionReq::parse(&stated.requirement).expect("a requirement");
            plan.steps.iter().any(|step| {
                step.is_direct
                    && step.package.name == World::name(stated.package)
                    && requirement.matches(&step.package.version)
                    && !requirement.matches(&step.to)
            })
        };
        self.world.direct.iter().filter(is_changed).count()
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let wanted = std::env::var("SUPERCARGO_WORLDS").ok().and_then(|one| one.parse().ok());
    (1..).filter_map(Case::of).take(wanted.unwrap_or(1000))
}

#[test]
fn plans_are_as_complete_and_small_as_an_exhaustive_search() {
    let options = PlanOptions { downgrade: true, ..PlanOptions::default() };
    let (mut solvable, mut minimal) = (0, 0);
    for case in cases() {
        let Case { seed, world, before, .. } = &case;
        let plan = case.plan(|planner, goals| planner.plan_without_manifests(goals, &options));
        match (case.least_moved(&world.direct), plan) {
            (None, Err(NoPlan::Impossible { .. })) => {}
            (Some(least), Ok(plan)) => {
                solvable += 1;
                assert!(
                    plan.dropped.len() >= least,
                    "seed {seed}: fewer than possible: {world:#?}"
                );
                minimal += usize::from(plan.dropped.len() == least);
            }
            (least, plan) => panic!("seed {seed}: {least:?}, {plan:?}\n{before:?}\n{world:#?}"),
        }
    }
    assert!(minimal * 100 >= solvable * 95, "{minimal} of {solvable} plans are minimal");
}

#[test]
fn plans_change_as_few_manifests_as_an_exhaustive_search() {
    let options = PlanOptions { breaking: true, downgrade: true, ..PlanOptions::default() };
    let (mut solvable, mut minimal) = (0, 0);
    for case in cases() {
        let Case { seed, world, before, .. } = &case;
        let choices = case.changed_requirements().into_iter();
        let possible = choices.filter(|(_, direct)| case.least_moved(direct).is_some());
        let least = possible.map(|(changed, _)| changed).min();
        match (least, case.plan(|planner, goals| planner.plan(goals, &options))) {
            (None, Err(NoPlan::Impossible { .. })) => {}
            (Some(least), Ok(plan)) => {
                solvable += 1;
                minimal += usize::from(case.changes(&plan) <= least);
            }
            (least, plan) => panic!("seed {seed}: {least:?}, {plan:?}\n{before:?}\n{world:#?}"),
        }
    }
    assert!(minimal * 100 >= solvable * 95, "{minimal} of {solvable} plans are minimal");
}

#[test]
fn no_options_help_where_a_proof_is_final() {
    let all =
        PlanOptions { breaking: true, newer_rust: true, downgrade: true, ..PlanOptions::default() };
    let (mut finals, mut helped) = (0, 0);
    for case in cases() {
        let none = PlanOptions::default();
        let Err(failed) = case.plan(|planner, goals| planner.can_plan(goals, &none).map(drop))
        else {
            continue;
        };
        let with_all = case.plan(|planner, goals| planner.plan(goals, &all));
        if failed.is_final() {
            finals += 1;
            assert!(with_all.is_err(), "seed {}: {with_all:?}\n{:#?}", case.seed, case.world);
        } else {
            helped += usize::from(with_all.is_ok());
        }
    }
    assert!(finals > 10 && helped > 10, "{finals} final proofs, {helped} plans with all options");
}
