//! `check --base`: only what a change adds is new.

mod pull_requests;

use crate::harness::{Report, World};

const REPOSITORY: &str = "
#- crate: bad 1.0.0
#- crate: bad 1.0.1
#- crate: bad 2.0.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- crate: gpl 1.1.0 (GPL-3.0-only)
#- crate: mpl 1.0.0 (MPL-2.0)
#- crate: dup 1.0.0
#- crate: dup 2.0.0
#- crate: dup 3.0.0
#- crate: parent 1.0.0 -> bad 1.0
#- crate: parent 1.1.0 -> bad 1.0
#- crate: uses-dup-2 1.0.0 -> dup 2.0
#- crate: uses-dup-3 1.0.0 -> dup 3.0
#- crate: banned 1.0.0
#- crate: old 1.0.0
#- crate: fine 1.0.0
#- advisory: RUSTSEC-2026-0001 bad patched >=2: Bad
#- advisory: RUSTSEC-2026-0002 old unmaintained: Old
#- Cargo.toml
[workspace]
members = [\"m\", \"n\"]
resolver = \"2\"
#- m/Cargo.toml
[package]
name = \"m\"
version = \"0.1.0\"
edition = \"2021\"
license = \"MIT\"

[dependencies]
parent = \"1\"
dup = \"1\"
uses-dup-2 = \"1\"
#- m/src/lib.rs
#- n/Cargo.toml
[package]
name = \"n\"
version = \"0.1.0\"
edition = \"2021\"
license = \"MIT\"

[dependencies]
gpl = \"1\"
#- n/src/lib.rs
#- deny.toml
[advisories]
ignore = []

[licenses]
allow = [\"MIT\"]

[bans]
multiple-versions = \"deny\"
deny = [{ crate = \"banned\" }]
#- .gitignore
target
";

/// The repository with everything committed.
fn repository() -> World {
    let world = World::locked(REPOSITORY);
    lock_version(&world, "bad", "1.0.1", "1.0.0");
    world.git("", &["init", "--quiet", "--initial-branch=main"]);
    commit(&world, "base");
    world
}

fn commit(world: &World, message: &str) {
    world.git("", &["add", "--all"]);
    world.git("", &["commit", "--quiet", "--allow-empty", "--message", message]);
}

/// What the comparison says, without what was already there: `group code package`.
fn differences(report: &Report) -> Vec<String> {
    let mut all: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.severity.as_str(), "error" | "warning"))
        .filter(|finding| finding.check != "supercargo")
        .filter_map(|finding| {
            let group = finding.group.as_deref().expect("a group");
            let package = finding.package.as_ref().map_or("", |package| &package.name);
            let code = finding.code.as_deref().unwrap_or("-");
            (group != "already-there").then(|| format!("{group} {code} {package}"))
        })
        .collect();
    all.sort();
    all
}

/// Puts a dependency into a member.
fn depend(world: &World, member: &str, dependency: &str) {
    world.edit(
        &format!("{member}/Cargo.toml"),
        "[dependencies]\n",
        &format!("[dependencies]\n{dependency}\n"),
    );
}

/// Brings the lockfile up to date, without other changes.
fn update_lock(world: &World) {
    world.cargo_to_file(&["metadata", "--format-version=1", "--offline"], "target/metadata.json");
}

/// Locks another version.
fn lock_version(world: &World, package: &str, from: &str, to: &str) {
    let entry = |version: &str| {
        let file = format!("../vendor/{package}-{version}/.cargo-checksum.json");
        let checksums: serde_json::Value =
            serde_json::from_str(&world.read(&file)).expect("checksums");
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        let checksum = checksums["package"].as_str().expect("a checksum");
        format!(
            "name = \"{package}\"\nversion = \"{version}\"\nsource = \"{source}\"\nchecksum = \"{checksum}\""
        )
    };
    world.edit("Cargo.lock", &entry(from), &entry(to));
}

/// A check that prints an error.
fn failed(world: &World, arguments: &str) -> Report {
    let database = world.path("../db");
    let words = ["--offline", "--db", &database].into_iter().chain(arguments.split(' '));
    let report = world.report(&words.collect::<Vec<_>>());
    assert_eq!(report.code, 70, "{arguments}: {}", report.stderr);
    report
}

/// The group of each finding about a package.
fn groups(report: &Report, package: &str) -> Vec<String> {
    let about = |finding: &&crate::harness::Finding| {
        finding.package.as_ref().is_some_and(|one| one.name == package)
            && finding.severity == "error"
    };
    report.findings.iter().filter(about).filter_map(|finding| finding.group.clone()).collect()
}

#[test]
fn only_new_errors_and_those_that_the_policy_hides_fail() {
    let world = repository();
    assert_eq!(world.check("").code, 7);
    assert_eq!(world.check("--base main").code, 0);
    assert_eq!(world.check("--base main --base-gate all").code, 7);
    depend(&world, "m", "banned = \"1\"");
    update_lock(&world);
    assert_eq!(world.check("--base main").code, 2);
    assert_eq!(world.check("--base main advisories licenses").code, 0);
    // An excuse fails, too, unless it is permitted.
    world.edit(
        "deny.toml",
        "ignore = []",
        "ignore = [{ id = \"RUSTSEC-2026-0001\", reason = \"ours\" }]",
    );
    let report = world.check("--base main");
    assert_eq!(report.code, 3);
    let hidden: Vec<_> =
        report.findings.iter().filter_map(|one| one.policy_change.clone()).collect();
    assert_eq!(hidden.len(), 1);
    assert_eq!(hidden[0]["change"], "new `ignore` entry for `RUSTSEC-2026-0001`");
    assert_eq!(hidden[0]["reason"], "ours");
    assert_eq!(hidden[0]["location"]["start"]["line"], 2);
    assert_eq!(world.check("--base main --allow-policy-changes").code, 2);
    assert_eq!(world.check("--base main --base-gate all --allow-policy-changes").code, 6);
    // A warning fails nothing.
    world.edit("deny.toml", "multiple-versions = \"deny\"", "multiple-versions = \"warn\"");
    assert_eq!(world.check("--base main --allow-policy-changes").code, 2);
}

#[test]
fn finding_that_the_base_ignores_or_warns_of_is_a_new_error() {
    let world = repository();
    let ignore = "ignore = [\"RUSTSEC-2026-0001\"]";
    world.edit("deny.toml", "ignore = []", ignore);
    world.edit("deny.toml", "multiple-versions = \"deny\"", "multiple-versions = \"warn\"");
    commit(&world, "excuses");
    assert_eq!(differences(&world.check("--base main")), [""; 0]);
    world.edit("deny.toml", ignore, "ignore = []");
    let report = world.check("--base main");
    assert_eq!(differences(&report), ["new vulnerability bad"]);
    assert_eq!(report.code, 1);
    world.edit("deny.toml", "multiple-versions = \"warn\"", "multiple-versions = \"deny\"");
    let report = world.check("--base main");
    assert_eq!(differences(&report), ["new duplicate dup", "new vulnerability bad"]);
    assert_eq!(report.code, 3);
    // The other way round, nothing is new.
    commit(&world, "no excuses");
    world.edit("deny.toml", "multiple-versions = \"deny\"", "multiple-versions = \"warn\"");
    assert_eq!(differences(&world.check("--base main")), ["policy-loosened duplicate dup"]);
}

#[test]
fn summary_has_the_numbers_of_each_group() {
    let world = repository();
    depend(&world, "m", "banned = \"1\"");
    world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
    world.edit("deny.toml", "ignore = []", "ignore = [\"RUSTSEC-2026-0001\"]");
    update_lock(&world);
    let report = world.check("--base main");
    let comparison = report.summaries[0].comparison.clone().expect("a comparison");
    let errors = |group: &str| comparison["groups"][group]["errors"].as_u64();
    let groups = ["new", "policy-loosened", "already-there", "fixed"];
    assert_eq!(groups.map(errors), [Some(1), Some(1), Some(1), Some(1)]);
    assert_eq!((comparison["exit_code"].as_i64(), report.summaries[0].exit_code), (Some(3), 2));
    let name = comparison["base"].as_str().expect("a name");
    assert!(name.starts_with("main (") && name.len() == "main (123456789)".len(), "{name}");
}

#[test]
fn base_is_the_tip_of_the_branch_or_where_the_current_one_has_left_it() {
    let world = repository();
    world.git("", &["switch", "--quiet", "--create", "topic"]);
    world.write("m/src/main.rs", "fn main() {}");
    commit(&world, "topic");
    world.git("", &["switch", "--quiet", "main"]);
    world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
    update_lock(&world);
    commit(&world, "fixed on main");
    world.git("", &["switch", "--quiet", "topic"]);
    assert_eq!(differences(&world.check("--base main")), ["new rejected gpl"]);
    let nothing: [&str; 0] = [];
    assert_eq!(differences(&world.check("--base main --merge-base")), nothing);
    world.git("", &["merge", "--quiet", "--no-edit", "main"]);
    assert_eq!(differences(&world.check("--base main")), nothing);
    assert_eq!(differences(&world.check("--base HEAD~1")), ["fixed rejected gpl"]);
    world.git("", &["revert", "--mainline", "1", "--no-edit", "HEAD"]);
    assert_eq!(differences(&world.check("--base HEAD~1")), ["new rejected gpl"]);
    assert_eq!(differences(&world.check("--base HEAD~1 --merge-base")), ["new rejected gpl"]);
}

#[test]
fn advisory_that_is_published_meanwhile_is_not_new() {
    let world = repository();
    world.write("m/src/main.rs", "fn main() {}");
    let nothing: [&str; 0] = [];
    assert_eq!(differences(&world.check("--base main")), nothing);
    let world = world.with("#- advisory: RUSTSEC-2026-0003 dup patched >=4: Published now");
    let report = world.check("--base main");
    assert_eq!(differences(&report), nothing);
    assert_eq!(report.with("RUSTSEC-2026-0003").len(), 2);
    assert_eq!(report.code, 0);
}

#[test]
fn base_of_the_event_is_used() {
    let mut world = repository();
    let id = world.git("", &["rev-parse", "HEAD"]);
    depend(&world, "m", "banned = \"1\"");
    update_lock(&world);
    commit(&world, "banned");
    let report = failed(&world, "--base auto");
    assert!(report.stderr.contains("could not determine the base"), "{}", report.stderr);
    world.set("GITHUB_BASE_REF", "release");
    let report = failed(&world, "--base auto");
    assert!(report.stderr.contains("`origin/release`, `release`"), "{}", report.stderr);
    world.git("", &["branch", "release", &id]);
    assert_eq!(differences(&world.check("--base auto")), ["new banned banned"]);
    // The branch at the remote is the one that was merged into.
    world.git("", &["update-ref", "refs/remotes/origin/release", "HEAD"]);
    let nothing: [&str; 0] = [];
    assert_eq!(differences(&world.check("--base auto")), nothing);
    world.set("GITHUB_BASE_REF", "");
    world.write("../event.json", format!("{{\"before\": \"{id}\"}}"));
    world.set("GITHUB_EVENT_PATH", &world.path("../event.json"));
    assert_eq!(differences(&world.check("--base auto")), ["new banned banned"]);
}

#[test]
fn without_a_base_there_is_an_error_with_a_cure_and_the_findings() {
    let world = repository();
    let failed_with = |arguments: &str, words: &[&str]| {
        let report = failed(&world, arguments);
        for word in words {
            assert!(report.stderr.contains(word), "{arguments}: {word}: {}", report.stderr);
        }
        assert_eq!(report.with("rejected").len(), 1);
        assert!(report.findings.iter().all(|finding| finding.group.is_none()));
    };
    failed_with("--base nowhere", &["could not find the base `nowhere`", "git fetch origin"]);
    failed_with("--base=--all", &["could not find the base `--all`"]);
    failed_with("--base=HEAD:m", &["could not find the base `HEAD:m`"]);
    let usage = world.run(&["check", "--merge-base"]);
    assert_eq!(usage.code, 64);

    let clone = format!("file://{}", world.path(""));
    world.git("..", &["clone", "--quiet", "--depth=1", &clone, "shallow"]);
    let report = world.run(&["check", "../shallow", "--base", "HEAD~1"]);
    assert_eq!(report.code, 70);
    assert!(report.stderr.contains("the clone is shallow"), "{}", report.stderr);

    world.git("", &["rm", "-r", "--cached", "--quiet", "."]);
    world.folder("../outside");
    std::fs::rename(world.path(".git"), world.path("../outside/.git")).expect("moved");
    let report = failed(&world, "--base main");
    assert!(report.stderr.contains("is not in a git repository"), "{}", report.stderr);
}

#[cfg(unix)]
#[test]
fn policy_that_can_be_read_once_only_is_refused() {
    let world = repository();
    let script = "cat deny.toml | \"$0\" check --offline --config /dev/stdin --base main";
    let run = world.run_in_shell(script);
    assert!(run.stderr.contains("reads the policy more than once"), "{}", run.stderr);
    assert_eq!(run.code, 64, "{}", run.stdout);
}

#[test]
fn policy_without_a_workspace_is_compared() {
    let world = World::new("");
    world.git("", &["init", "--quiet", "--initial-branch=main"]);
    world.write("deny.toml", "[bans]\nhighlight = \"all\"\n");
    commit(&world, "policy");
    let report = world.check("--base main");
    assert_eq!((differences(&report), report.code), (Vec::new(), 0));
    world.write("deny.toml", "[bans]\nhighlight = \"loud\"\n");
    assert_eq!(differences(&world.check("--base main")), ["new unexpected-value "]);
}

#[test]
fn repository_in_a_folder_of_another_one_has_its_own_base() {
    let world = repository();
    let inner =
        "[package]\nname = \"inner\"\nversion = \"0.1.0\"\nlicense = \"MPL-2.0\"\n\n[workspace]\n";
    world.write("inner/Cargo.toml", inner);
    world.write("inner/src/lib.rs", "");
    world.lock("inner");
    world.git("inner", &["init", "--quiet", "--initial-branch=main"]);
    world.git("inner", &["add", "--all"]);
    world.git("inner", &["commit", "--quiet", "--message", "inner"]);
    let report = world.check(". --all --base main");
    assert_eq!(differences(&report), [""; 0]);
    assert_eq!(groups(&report, "inner"), ["already-there"]);
}

#[test]
fn entry_of_the_exceptions_file_is_named() {
    let world = repository();
    let text = "[[exceptions]]\ncrate = \"gpl\"\nallow = [\"GPL-3.0-only\"]\n";
    world.write("deny.exceptions.toml", text);
    let report = world.check("--base main");
    let change = report.findings.iter().find_map(|one| one.policy_change.clone());
    let change = change.expect("a change");
    assert_eq!(change["change"], "new `exceptions` entry for `gpl`");
    let file = change["location"]["file"].as_str().expect("a file");
    assert!(file.ends_with("deny.exceptions.toml"), "{file}");
}

#[test]
fn base_that_cargo_refuses_is_an_error() {
    let world = repository();
    world.edit("m/Cargo.toml", "parent = \"1\"", "parent = \"7\"");
    commit(&world, "refused");
    world.edit("m/Cargo.toml", "parent = \"7\"", "parent = \"1\"");
    let report = failed(&world, "--base main");
    let words = "could not check the base `main";
    assert!(report.stderr.contains(words), "{}", report.stderr);
    assert!(report.stderr.contains("parent"), "{}", report.stderr);
    world.edit("m/Cargo.toml", "[dependencies]", "[dependencies");
    commit(&world, "broken");
    world.edit("m/Cargo.toml", "[dependencies", "[dependencies]");
    let report = failed(&world, "--base main");
    assert!(report.stderr.contains(words), "{}", report.stderr);
}

#[test]
fn workspaces_that_come_move_and_go_are_compared() {
    let world = repository();
    let nested = "[workspace]\n[package]\nname = \"tool\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\n[dependencies]\nmpl = \"1\"\n";
    world.write("tool/Cargo.toml", nested);
    world.write("tool/src/lib.rs", "");
    world.lock("tool");
    assert_eq!(differences(&world.check(". --all --base main")), ["new rejected mpl"]);
    commit(&world, "tool");
    let nothing: [&str; 0] = [];
    assert_eq!(differences(&world.check(". --all --base main")), nothing);
    world.git("", &["mv", "tool", "tools"]);
    let moved = world.check(". --all --base main");
    assert_eq!(differences(&moved), nothing);
    assert_eq!(groups(&moved, "mpl"), ["already-there"]);
    world.git("", &["rm", "-r", "--quiet", "--force", "tools"]);
    assert_eq!(differences(&world.check(". --all --base main")), ["fixed rejected mpl"]);
    let human = world.human(". --all --base main");
    assert!(human.stdout.contains("tool is no workspace any more"), "{}", human.stdout);
}

#[test]
fn moved_workspace_is_compared_under_the_policy_that_the_base_has_in_its_folder() {
    let world = repository();
    let nested = "[workspace]\n[package]\nname = \"tool\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\n[dependencies]\ngpl = \"1\"\nmpl = \"1\"\n";
    world.write("tool/Cargo.toml", nested);
    world.write("tool/src/lib.rs", "");
    world.write("tool/deny.toml", "[licenses]\nallow = [\"MIT\", \"MPL-2.0\"]\n");
    world.lock("tool");
    commit(&world, "tool");
    world.git("", &["mv", "tool", "tools"]);
    let nothing: [&str; 0] = [];
    assert_eq!(differences(&world.check(". --all --base main")), nothing);
    world.edit("tools/deny.toml", "\"MIT\"", "\"MIT\", \"GPL-3.0-only\"");
    let hidden = ["policy-loosened rejected gpl"];
    assert_eq!(differences(&world.check(". --all --base main")), hidden);
}

#[test]
fn checkout_may_be_a_worktree_or_be_checked_from_a_folder_in_it() {
    let world = repository();
    world.git("", &["worktree", "add", "--quiet", "--detach", "../tree", "main"]);
    world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
    update_lock(&world);
    assert_eq!(differences(&world.check("../tree --base main")), [""; 0]);
    assert_eq!(differences(&world.check("n --base main")), ["fixed rejected gpl"]);
    assert_eq!(
        differences(&world.check("--manifest-path n/Cargo.toml --base main")),
        ["fixed rejected gpl"]
    );
    commit(&world, "fixed");
    let report = world.check("../tree --base main");
    assert_eq!(differences(&report), ["new rejected gpl"]);
}

#[cfg(unix)]
#[test]
fn links_and_submodules_of_the_base_are_read() {
    use std::os::unix::fs::symlink;

    let world = repository();
    // A license that is a link, a member behind a link, links that lead nowhere, in circles and outside.
    world.write("LICENSE-TEXT", "GPL");
    world.write("real/n/Cargo.toml", world.read("n/Cargo.toml"));
    world.write("real/n/src/lib.rs", "");
    world.git("", &["rm", "-r", "--quiet", "n"]);
    for (target, link) in [
        ("real/n", "n"),
        ("../LICENSE-TEXT", "m/LICENSE"),
        ("nowhere", "m/dangling"),
        ("../..", "m/outside"),
        ("/etc/passwd", "m/absolute"),
        ("loop-2", "loop-1"),
        ("loop-1", "loop-2"),
        ("..", "real/up"),
    ] {
        symlink(target, world.path(link)).expect("a link");
    }
    // A dependency in a submodule.
    world.write(
        "../inner/Cargo.toml",
        "[package]\nname = \"inner\"\nversion = \"0.1.0\"\nlicense = \"MPL-2.0\"\n",
    );
    world.write("../inner/src/lib.rs", "");
    world.git("../inner", &["init", "--quiet", "--initial-branch=main"]);
    world.git("../inner", &["add", "--all"]);
    world.git("../inner", &["commit", "--quiet", "--message", "inner"]);
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "inner"];
    let url = world.path("../inner");
    world.git("", &[&add[..5], &[url.as_str(), "inner"]].concat());
    depend(&world, "m", "inner = { path = \"../inner\" }");
    world.edit("Cargo.toml", "resolver", "exclude = [\"inner\"]\nresolver");
    update_lock(&world);
    commit(&world, "links and a submodule");
    let report = world.check("--base main");
    assert_eq!(report.code, 0, "{}{}", report.stderr, report.shown());
    assert_eq!(differences(&report), [""; 0]);
    assert_eq!(groups(&report, "inner"), ["already-there"]);
    assert_eq!(groups(&report, "gpl"), ["already-there"]);
}

/// A package in a folder above the repository, with a license that the policy does not allow.
#[cfg(unix)]
fn outside_package(world: &World, folder: &str, dependencies: &str) {
    let name = folder.rsplit('/').next().expect("a name");
    world.write(
        &format!("{folder}/Cargo.toml"),
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nlicense.workspace = true\n\n[dependencies]\n{dependencies}"
        ),
    );
    world.write(&format!("{folder}/src/lib.rs"), "");
}

#[cfg(unix)]
#[test]
fn packages_outside_of_the_repository_are_those_of_the_base_too() {
    let world = repository();
    // They belong to a workspace of their own, and use each other.
    world.write(
        "../shared/Cargo.toml",
        "[workspace]\nmembers = [\"*\"]\n[workspace.package]\nlicense = \"MPL-2.0\"\n",
    );
    outside_package(&world, "../shared/one", "two = { path = \"../two\" }\n");
    outside_package(&world, "../shared/two", "");
    depend(&world, "m", "one = { path = \"../../shared/one\" }");
    update_lock(&world);
    commit(&world, "outside");
    depend(&world, "m", "banned = \"1\"");
    update_lock(&world);
    let report = world.check("--base main");
    assert_eq!(report.code, 2, "{}{}", report.stderr, report.shown());
    assert_eq!(differences(&report), ["new banned banned"]);
    for name in ["one", "two"] {
        assert_eq!(groups(&report, name), ["already-there"]);
    }
    // They are read as they are now, also when the base was written before.
    outside_package(&world, "../three", "");
    world.edit("../three/Cargo.toml", "license.workspace = true", "license = \"MPL-2.0\"");
    world.edit(
        "../shared/two/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nthree = { path = \"../../three\" }\n",
    );
    update_lock(&world);
    let report = world.check("--base main");
    assert_eq!(differences(&report), ["new banned banned"], "{}", report.stderr);
    assert_eq!(groups(&report, "three"), ["already-there"]);
}

#[cfg(unix)]
#[test]
fn missing_package_outside_of_the_repository_is_named() {
    let world = repository();
    outside_package(&world, "../one", "");
    world.edit("../one/Cargo.toml", "license.workspace = true", "license = \"MIT\"");
    depend(&world, "m", "one = { path = \"../../one\" }");
    update_lock(&world);
    commit(&world, "outside");
    world.edit("m/Cargo.toml", "one = { path = \"../../one\" }\n", "");
    update_lock(&world);
    world.delete("../one/Cargo.toml");
    let run = world.human("--base main");
    assert_eq!(run.code, 70);
    assert!(run.stderr.contains("failed to read `[world]/one/Cargo.toml`"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn configurations_of_cargo_above_the_repository_are_those_of_the_base_too() {
    let mut world = repository();
    // The cache is not below the folder of the configuration.
    let cache = tempfile::tempdir().expect("a temporary folder");
    world.set("SUPERCARGO_CACHE_DIR", cache.path().to_str().expect("UTF-8"));
    // Paths in a configuration are relative to the parent of its folder.
    let text = world.read("../cargo/config.toml");
    let vendor = world.path("../vendor");
    assert!(text.contains(&vendor), "{text}");
    world.write("../.cargo/config.toml", text.replace(&vendor, "vendor"));
    world.delete("../cargo/config.toml");
    depend(&world, "m", "banned = \"1\"");
    update_lock(&world);
    let report = world.check("--base main");
    assert_eq!(report.code, 2, "{}{}", report.stderr, report.shown());
    assert_eq!(differences(&report), ["new banned banned"]);
}

/// The repository's own configuration could name programs: none is started, and pointers of LFS stay what they are.
#[cfg(unix)]
#[test]
fn no_program_of_the_repository_is_started() {
    let world = repository();
    let program = world.path("program");
    world.write("program", "#!/bin/sh\ntouch started\ncat\n");
    world.make_executable("program");
    world.write(".gitattributes", "* filter=own\n*.toml diff=own\n");
    commit(&world, "attributes");
    for (key, value) in [
        ("filter.own.smudge", program.as_str()),
        ("filter.own.process", &program),
        ("filter.own.required", "true"),
        ("core.fsmonitor", &program),
        ("core.pager", &program),
        ("diff.own.textconv", &program),
        ("core.hooksPath", &world.path("hooks")),
    ] {
        world.git("", &["-c", "core.fsmonitor=false", "config", key, value]);
    }
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        world.write(&format!("hooks/{hook}"), "#!/bin/sh\ntouch started\n");
        world.make_executable(&format!("hooks/{hook}"));
    }
    let report = world.check("--base main");
    assert_eq!(report.code, 0, "{}", report.stderr);
    assert_eq!(differences(&report), [""; 0]);
    assert!(!std::path::Path::new(&world.path("started")).exists());
}

#[test]
fn gates_of_ci_are_compared() {
    let world = repository();
    let workflow = "jobs:\n  deny:\n    steps:\n      - run: cargo deny check advisories\n      - run: cargo deny --all-features check bans\n";
    world.write(".github/workflows/ci.yml", workflow);
    commit(&world, "gates");
    depend(&world, "m", "banned = \"1\"");
    world.edit("n/Cargo.toml", "gpl = \"1\"", "mpl = \"1\"");
    update_lock(&world);
    let report = world.check("--as-ci --base main");
    assert_eq!(differences(&report), ["new banned banned"]);
    assert_eq!(report.code, 2);
    // Both sides are checked with the options of the checkout.
    world.edit(".github/workflows/ci.yml", "check bans", "check bans licenses");
    let report = world.check("--as-ci --base main");
    assert_eq!(
        differences(&report),
        ["fixed rejected gpl", "new banned banned", "new rejected mpl"]
    );
    assert_eq!(report.code, 6);
}

#[test]
fn base_is_written_once_and_its_verdict_is_kept() {
    let world = repository();
    let count = || {
        let status = world.run(&["cache", "status"]).stdout;
        let line = status.lines().find(|line| line.contains("bases")).map(str::to_owned);
        line.expect("a line").split_whitespace().nth(1).map(str::to_owned)
    };
    world.check("--base main");
    assert_eq!(count().as_deref(), Some("1"));
    world.git("", &["commit", "--quiet", "--allow-empty", "--message", "same files"]);
    world.check("--base HEAD");
    assert_eq!(count().as_deref(), Some("1"));
    world.edit("deny.toml", "\"MIT\"", "\"MIT\", \"GPL-3.0-only\"");
    commit(&world, "other files");
    world.check("--base HEAD");
    assert_eq!(count().as_deref(), Some("2"));
    assert_eq!(world.check("--base HEAD --no-cache").code, 0);
    assert_eq!(count().as_deref(), Some("2"));
}

#[test]
fn new_findings_are_shown_and_the_others_are_counted() {
    let world = repository();
    depend(&world, "m", "banned = \"1\"");
    world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
    world.edit(
        "deny.toml",
        "ignore = []",
        "ignore = [{ id = \"RUSTSEC-2026-0001\", reason = \"not reachable\" }]",
    );
    update_lock(&world);
    let output = world.human("--base main");
    assert_eq!(output.code, 3);
    let id = world.git("", &["rev-parse", "--short=9", "main"]);
    expect_test::expect![[r#"
        error[banned]: `banned` 1.0.0 is banned by the policy
         --> m/Cargo.toml:8:11
          |
        8 | banned = "1"
          |           ^

        error[RUSTSEC-2026-0001]: `bad` 1.0.0 has a vulnerability: Bad
         --> m/Cargo.toml:9:11
          |
        9 | parent = "1"
          |           ^
          |
          = via: m 0.1.0 -> parent 1.1.0 -> bad 1.0.0
          = note: only changes of the policy hide it: new `ignore` entry for `RUSTSEC-2026-0001` (deny.toml:2), reason: not reachable
          = help: upgrade to >=2
          = see: https://rustsec.org/advisories/RUSTSEC-2026-0001

        fixed[rejected]: `gpl` 1.1.0 is licensed under `GPL-3.0-only`, which the policy does not allow

        . (policy deny.toml, 8 packages)
          advisories  clean
          bans        2 errors
          licenses    clean
          sources     clean
          since main (123456789): 1 error new; 1 error hidden by changes of the policy; 1 error fixed; 1 error already there
          gate: fails
    "#]].assert_eq(&output.stdout.replace(&id, "123456789"));
}
