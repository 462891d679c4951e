//! The fixes that an editor offers for a finding, from the library itself in the environment of the world.

use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use expect_test::{Expect, expect};
use supercargo::{
    cache::Cache,
    facts::RefreshPolicy,
    fix::{CheckedTexts, FixScope, FixVerifier, Overlay, fix_all, fix_until_canceled},
    gate::{Databases, Gate, GateOptions, Progress},
    process::Children,
    resolve::Resolver,
    verdict::{DenyOptions, Severity},
    workspace::Workspace,
};

use crate::harness::World;

fn package(dependencies: &str) -> String {
    format!(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         license = \"MIT\"\n[dependencies]\n{dependencies}\n"
    )
}

fn check(world: &World, expected: &Expect) {
    expected.assert_eq(&world.run_test("fix_results::print_fix_results"));
}

#[expect(clippy::print_stdout, reason = "the test that started this one reads it")]
fn print(line: &str) {
    println!("| {line}");
}

/// Prints the fixes for each error and warning of the world that it is started in. Not a test by
/// itself.
#[test]
fn print_fix_results() {
    let Some(work) = work() else { return };
    let options = options(&work);
    let workspace = Workspace::of_manifest(&work.join("Cargo.toml"));
    let (databases, quiet) = (Databases::default(), |_: &str| {});
    let texts = Overlay::default();
    let mut gate = Gate::new(workspace.clone());
    let verdict = gate.check(&options, &texts, &databases, &quiet).expect("it is awaited");
    let mut proving = Gate::new(workspace);
    let mut prover = FixVerifier {
        gate: &mut proving,
        options: &options,
        databases: &databases,
        progress: &quiet,
    };
    for finding in verdict.findings.iter().filter(|one| one.severity >= Severity::Warning) {
        let now = CheckedTexts { verdict: &verdict, texts: &texts };
        let result = prover.upgrades(now, finding).expect("it is awaited");
        print(&finding.message);
        for fix in result.fixes {
            let changed: Vec<_> =
                fix.texts.changes().keys().filter_map(|path| path.file_name()).collect();
            print(&format!("  {} [{}]", fix.title, changed.join(", ")));
        }
        result.no_fix_reason.iter().for_each(|reason| print(&format!("  no: {reason}")));
    }
}

/// The workspace of the world that a test is started in.
fn work() -> Option<Utf8PathBuf> {
    std::env::var("SUPERCARGO_IN_WORLD").ok().map(Utf8PathBuf::from)
}

fn options(work: &Utf8Path) -> GateOptions {
    GateOptions {
        deny: DenyOptions::default(),
        policy_files: None,
        advisories: Some(work.join("../db")),
        refresh: RefreshPolicy::Never,
        helps: false,
        releases: false,
        dependency_graph: false,
        skip_licenses_without_policy: true,
        other_uses: std::sync::Arc::default(),
        command_lines: Vec::new(),
        gate_versions: Vec::new(),
        resolver: Resolver {
            cargo: Resolver::default_cargo(),
            offline: true,
            locked: false,
            children: Children::default(),
            cache: Cache::off(),
        },
    }
}

/// Cancels when a step begins.
struct UntilStep(&'static str, AtomicBool);

impl Progress for UntilStep {
    fn report(&self, message: &str) {
        self.1.fetch_or(message == self.0, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

/// Prints the fixes of a search that is canceled after those that are made together. Not a test by itself.
#[test]
fn print_canceled_search() {
    let Some(work) = work() else { return };
    let (options, databases) = (options(&work), Databases::default());
    let mut gate = Gate::new(Workspace::of_manifest(&work.join("Cargo.toml")));
    let mut search = |all: bool| {
        let step = "searching for an upgrade of `ring`";
        let mut verifier = FixVerifier {
            gate: &mut gate,
            options: &options,
            databases: &databases,
            progress: &UntilStep(step, AtomicBool::new(false)),
        };
        let find = if all { fix_all } else { fix_until_canceled };
        find(&mut verifier, &FixScope::default(), Overlay::default())
    };
    assert!(search(true).is_none());
    let report = search(false).expect("there is a verdict");
    print(&format!("canceled: {}", report.is_canceled));
    report.fixes.iter().for_each(|fix| print(&fix.title));
    for one in &report.remaining {
        let reason = one.reason.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        print(&format!("remains: {}: {reason}", one.finding.message));
    }
}

#[test]
fn canceled_search_has_the_fixes_until_then() {
    let world = World::locked(&format!(
        "#- crate: a 1.0.0\n#- crate: b 1.0.0\n#- crate: ring 0.17.9 ()\n{}#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n",
        package("a = \"1\"\nb = \"1\"\nring = \"0.17\"")
    ))
    .with(
        "#- crate: a 1.0.1\n#- crate: b 1.0.1\n#- crate: ring 0.17.14 (MIT)\n\
         #- advisory: RUSTSEC-2026-0001 a patched >=1.0.1: One\n\
         #- advisory: RUSTSEC-2026-0002 b patched >=1.0.1: Two\n",
    );
    expect![[r#"
        canceled: true
        upgrade `a` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0001)
        upgrade `b` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0002)
        remains: `ring` 0.17.9 has no `license` field: ?
        remains: could not determine the license of `ring` 0.17.9: ?
        remains: could not determine the license of `ring` 0.17.9: ?
    "#]]
    .assert_eq(&world.run_test("fix_results::print_canceled_search"));
}

#[test]
fn smallest_then_lockfile_only_then_newest_upgrade_are_offered() {
    let world = World::locked(&format!("#- crate: time 0.3.44\n{}", package("time = \"0.3.44\"")))
        .with(
            "#- crate: time 0.3.46\n#- crate: time 0.3.47\n#- crate: time 0.3.48\n\
             #- crate: time 0.3.49 yanked\n#- crate: time 0.4.0\n\
             #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n",
        );
    check(
        &world,
        &expect![[r#"
        `time` 0.3.44 has a vulnerability: A crafted date
          upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009) [Cargo.lock, Cargo.toml]
          upgrade `time` 0.3.44 to 0.3.47 in `Cargo.lock` only (fixes RUSTSEC-2026-0009) [Cargo.lock]
          upgrade `time` 0.3.44 to 0.3.48 (fixes RUSTSEC-2026-0009) [Cargo.lock, Cargo.toml]
    "#]],
    );
}

#[test]
fn breaking_upgrade_is_offered_if_no_other_clears() {
    let world = World::locked(&format!("#- crate: time 0.3.44\n{}", package("time = \"0.3\"")))
        .with(
            "#- crate: time 0.4.0\n#- crate: time 0.5.0\n#- crate: time 0.5.1\n\
             #- advisory: RUSTSEC-2026-0009 time patched >=0.5.1: A crafted date\n",
        );
    check(
        &world,
        &expect![[r#"
        `time` 0.3.44 has a vulnerability: A crafted date
          upgrade `time` 0.3.44 to 0.5.1, a breaking upgrade past 0.4.0, 0.5.0 that resolves but was not compiled (fixes RUSTSEC-2026-0009) [Cargo.lock, Cargo.toml]
    "#]],
    );
}

#[test]
fn first_fix_clears_every_finding_of_a_package() {
    let world = World::locked(&format!(
        "#- crate: ring 0.17.9 ()\n{}#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n",
        package("ring = \"0.17\"")
    ))
    .with(
        "#- crate: ring 0.17.12 ()\n#- crate: ring 0.17.13 ()\n#- crate: ring 0.17.14 (MIT)\n\
         #- advisory: RUSTSEC-2025-0009 ring patched >=0.17.12: A panic\n\
         #- advisory: RUSTSEC-2025-0010 ring patched >=0.17.13: Another one\n",
    );
    check(
        &world,
        &expect![[r#"
        `ring` 0.17.9 has a vulnerability: A panic
          upgrade `ring` 0.17.9 to 0.17.14 (fixes RUSTSEC-2025-0009, RUSTSEC-2025-0010, unlicensed and 1 more) [Cargo.lock]
        `ring` 0.17.9 has a vulnerability: Another one
          upgrade `ring` 0.17.9 to 0.17.14 (fixes RUSTSEC-2025-0009, RUSTSEC-2025-0010, unlicensed and 1 more) [Cargo.lock]
        `ring` 0.17.9 has no `license` field
          upgrade `ring` 0.17.9 to 0.17.14 (fixes RUSTSEC-2025-0009, RUSTSEC-2025-0010, unlicensed and 1 more) [Cargo.lock]
        could not determine the license of `ring` 0.17.9
          upgrade `ring` 0.17.9 to 0.17.14 (fixes RUSTSEC-2025-0009, RUSTSEC-2025-0010, unlicensed and 1 more) [Cargo.lock]
        could not determine the license of `ring` 0.17.9
          upgrade `ring` 0.17.9 to 0.17.14 (fixes RUSTSEC-2025-0009, RUSTSEC-2025-0010, unlicensed and 1 more) [Cargo.lock]
    "#]],
    );
}

#[test]
fn duplicate_is_removed_where_its_dependent_needs_the_package_no_longer() {
    let world = World::locked(&format!(
        "#- crate: base 0.1.0\n#- crate: base 0.2.0\n#- crate: old 1.0.0 -> base 0.1\n\
         #- crate: new 1.0.0 -> base 0.2\n{}#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n",
        package("old = \"1\"\nnew = \"1\"")
    ))
    .with("#- crate: old 1.1.0\n");
    check(
        &world,
        &expect![[r#"
        found 2 versions of `base`: 0.1.0 and 0.2.0
          upgrade `old` 1.0.0 to 1.1.0 to remove `base` 0.1.0 (fixes duplicate) [Cargo.lock]
    "#]],
    );
}

#[test]
fn duplicates_yanked_versions_and_rejected_licenses_are_upgraded() {
    let world = World::locked(&format!(
        "#- crate: base 0.1.0\n#- crate: base 0.2.0\n#- crate: old 1.0.0 -> base 0.1\n\
         #- crate: new 1.0.0 -> base 0.2\n#- crate: gone 1.0.0\n#- crate: gpl 1.0.0 (GPL-3.0-only)\n\
         {}#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n[advisories]\nyanked = \"deny\"\n",
        package("old = \"1\"\nnew = \"1\"\ngone = \"1.0.0\"\ngpl = \"1\"")
    ))
    .with("#- crate: old 1.1.0 -> base 0.2\n#- crate: gone 1.0.1\n#- crate: gpl 1.1.0 (MIT)\n");
    let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/go/ne/gone";
    let listed = std::fs::read(world.path(index)).expect("it is published");
    let listed = String::from_utf8(listed).expect("this one is text");
    world.write(index, listed.replacen("\"yanked\":false", "\"yanked\":true", 1));
    check(
        &world,
        &expect![[r#"
        `gone` 1.0.0 is yanked
          upgrade `gone` 1.0.0 to 1.0.1 (fixes yanked) [Cargo.lock, Cargo.toml]
          upgrade `gone` 1.0.0 to 1.0.1 in `Cargo.lock` only (fixes yanked) [Cargo.lock]
        found 2 versions of `base`: 0.1.0 and 0.2.0
          upgrade `old` 1.0.0 to 1.1.0 to get `base` 0.2.0 (fixes duplicate) [Cargo.lock]
        `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow
          upgrade `gpl` 1.0.0 to 1.1.0 (fixes rejected) [Cargo.lock]
    "#]],
    );
}
