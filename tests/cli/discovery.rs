//! Which workspaces a run is about.

use expect_test::expect;

use crate::harness::{Report, Summary, World};

fn package(folder: &str, name: &str) -> String {
    format!(
        "#- {folder}Cargo.toml\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"
    )
}

fn world(folders: &[&str]) -> World {
    let packages = folders.iter().map(|folder| {
        let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        package(folder, if name.is_empty() { "root" } else { name })
    });
    World::new(&packages.collect::<String>())
}

/// The checked workspaces with their exit codes, in the order of the output.
fn checked(report: &Report) -> Vec<String> {
    let one = |summary: &Summary| {
        let folder = summary.workspace.strip_prefix("[work]").unwrap_or(&summary.workspace);
        format!("{} {}", folder.trim_start_matches('/'), summary.exit_code)
    };
    report.summaries.iter().map(one).collect()
}

#[test]
fn workspace_at_the_root_hides_nested_ones() {
    let report = world(&["", "tools/helper/"]).check("--only bans");
    assert_eq!(checked(&report), [" 0"]);
}

#[test]
fn nested_workspaces_without_a_root_are_checked_in_order() {
    let world = world(&["src/b/", "src/a/", "top/"]);
    assert_eq!(checked(&world.check("--only bans")), ["src/a 0", "src/b 0", "top 0"]);
    assert_eq!(checked(&world.check("--only bans src")), ["src/a 0", "src/b 0"]);
}

#[test]
fn option_all_adds_nested_workspaces() {
    let world = world(&["", "tools/helper/", "fixtures/case/"]);
    let report = world.check("--only bans --all");
    assert_eq!(checked(&report), [" 0", "tools/helper 0"]);
    let report = world.check("--only bans --all --exclude-dir tools");
    assert_eq!(checked(&report), [" 0", "fixtures/case 0"]);
}

#[test]
fn workspace_given_twice_is_checked_once() {
    let world = world(&["a/", "b/"]);
    let report = world.check("--only bans b . a/Cargo.toml ./b/../b");
    assert_eq!(checked(&report), ["b 0", "a 0"]);
}

#[test]
fn build_output_vendored_hidden_and_ignored_folders_are_skipped() {
    let world = world(&[
        "app/",
        "app/target/package/copy/",
        "node_modules/native/",
        "vendor/time/",
        ".cache/x/",
        "ignored/y/",
        "sources/z/",
    ]);
    world.write(".gitignore", "/ignored\n");
    world.write("sources/z/.cargo-checksum.json", "{\"files\":{}}");
    assert_eq!(checked(&world.check("--only bans")), ["app 0"]);
    assert_eq!(checked(&world.check("--only bans ignored/y")), ["ignored/y 0"]);
    assert_eq!(checked(&world.check("--only bans vendor")), ["vendor/time 0"]);
}

#[test]
fn exit_code_combines_the_bits_of_all_workspaces() {
    let world = world(&["a/", "b/", "c/"])
        .with("#- crate: time 0.3.44\n#- advisory: RUSTSEC-2026-0009 time: A crafted date\n");
    world.write(
        "a/Cargo.toml",
        "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n",
    );
    world.write("b/deny.toml", "[bans]\ndeny = [\"b\"]\n");
    let report = world.check("--only advisories,bans");
    assert_eq!(checked(&report), ["a 1", "b 2", "c 0"]);
    assert_eq!(report.code, 3);
}

#[test]
fn missing_path_does_not_prevent_other_checks() {
    let report = world(&["a/"]).report(&["--offline", "--only", "bans", "nowhere", "a"]);
    assert_eq!(checked(&report), ["a 0"]);
    assert_eq!(report.code, 70);
    expect![[r#"
        error: `nowhere` does not exist
    "#]]
    .assert_eq(&report.stderr);
}

#[test]
fn manifest_of_a_member_checks_only_that_member() {
    let world = world(&["a/", "b/"]);
    world.write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n");
    world.write("deny.toml", "[bans]\ndeny = [\"a\", \"b\"]\n");
    let banned = |words: &str| {
        let report = world.check(words);
        let names = report.with("banned").into_iter().map(|finding| {
            finding.package.as_ref().map(|package| package.name.clone()).unwrap_or_default()
        });
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(banned("--only bans"), "a b");
    assert_eq!(banned("--only bans a"), "a");
    assert_eq!(banned("--only bans b/Cargo.toml"), "b");
    assert_eq!(banned("--only bans --manifest-path b/Cargo.toml"), "b");
    assert_eq!(banned("--only bans --workspace b"), "a b");
}

#[test]
fn unchecked_member_is_reported_on_its_name() {
    let world = world(&["", "used/", "unused/"]);
    world.edit(
        "Cargo.toml",
        "edition = \"2021\"\n",
        "edition = \"2021\"\n[workspace]\nmembers = [\"used\", \"unused\"]\n[dependencies]\nused = { path = \"used\" }\n",
    );
    world.lock("");
    expect![[r#"
        help supercargo::member-not-judged: this member is not checked: it is not in the graph of the checked package
          unused/Cargo.toml:2
            name = "unused"
                    ^^^^^^
          help set the option `workspace` to check all members
        exit 0
    "#]]
    .assert_eq(&world.check("--only bans").shown());
    expect![[r#"
        exit 0
    "#]]
    .assert_eq(&world.check("--only bans --workspace").shown());
}

#[test]
fn members_below_a_virtual_root_are_one_workspace() {
    let world = world(&["repo/crates/a/", "repo/crates/b/", "repo/alone/"]);
    world.write(
        "repo/Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"alone\"]\nresolver = \"2\"\n",
    );
    assert_eq!(checked(&world.check("--only bans")), ["repo 0", "repo/alone 0"]);
    assert_eq!(checked(&world.check("--only bans repo/crates")), ["repo 0"]);
}

#[cfg(unix)]
#[test]
fn loop_of_symbolic_links_ends() {
    let world = world(&["a/"]);
    std::os::unix::fs::symlink(world.path(""), world.path("a/again")).expect("a link can be made");
    std::os::unix::fs::symlink("self", world.path("self")).expect("a link can be made");
    assert_eq!(checked(&world.check("--only bans")), ["a 0"]);
}

#[cfg(unix)]
#[test]
fn symbolic_link_to_a_workspace_is_not_another_workspace() {
    let world = world(&["real/"]);
    std::os::unix::fs::symlink("real", world.path("link")).expect("a link can be made");
    assert_eq!(checked(&world.check("--only bans")), ["real 0"]);
}

#[cfg(unix)]
#[test]
fn workspace_behind_a_symbolic_link_keeps_the_users_path() {
    let world = world(&["real/"]).with("#- crate: time 0.3.44\n");
    world.write(
        "real/Cargo.toml",
        "[package]\nname = \"real\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n",
    );
    world.write("real/deny.toml", "[bans]\ndeny = [\"time\"]\n");
    world.lock("real");
    std::os::unix::fs::symlink("real", world.path("link")).expect("a link can be made");
    expect![[r#"
        error banned: `time` 0.3.44 is banned by the policy
          link/Cargo.toml:6
            time = "0.3"
                    ^^^
        exit 2
    "#]]
    .assert_eq(&world.check("--only bans link").shown());
}
