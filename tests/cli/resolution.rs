//! Where there is no lockfile the workspace is resolved in a copy: as cargo would resolve it at its
//! own place, with nothing written there, and every place the user's own.

use expect_test::{Expect, expect};

use crate::harness::World;

fn check(world: &World, arguments: &str, expected: &Expect) {
    expected.assert_eq(&world.check(arguments).shown());
}

#[test]
fn paths_with_spaces_and_unicode_are_supported() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Zoë's (new) projékt/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
near = { path = "../näher dran" }
#- näher dran/Cargo.toml
[package]
name = "near"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    check(
        &world,
        "--only advisories",
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              Zoë's (new) projékt/Cargo.toml:2
                name = "m"
                        ^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Zoë's (new) projékt/Cargo.toml:6
                time = "0.3"
                        ^^^
              näher dran/Cargo.toml:6
                time = "0.3"
                        ^^^
              via m 0.1.0 -> near 0.1.0 -> time 0.3.44
              2 paths
              help upgrade to >=0.3.47
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              näher dran/Cargo.toml:2
                name = "near"
                        ^^^^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              näher dran/Cargo.toml:6
                time = "0.3"
                        ^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
    world.lock("Zoë's (new) projékt");
    check(
        &world,
        "--only advisories",
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Zoë's (new) projékt/Cargo.toml:6
                time = "0.3"
                        ^^^
              näher dran/Cargo.toml:6
                time = "0.3"
                        ^^^
              via m 0.1.0 -> near 0.1.0 -> time 0.3.44
              2 paths
              help upgrade to >=0.3.47
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              näher dran/Cargo.toml:2
                name = "near"
                        ^^^^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              näher dran/Cargo.toml:6
                time = "0.3"
                        ^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn path_dependencies_outside_the_workspace_are_resolved() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
one = { path = "../shared/one" }
#- shared/Cargo.toml
[workspace]
members = ["one", "two"]
resolver = "2"
[workspace.package]
version = "0.5.0"
edition = "2021"
[workspace.dependencies]
two = { path = "two" }
time = "0.3.44"
#- shared/one/Cargo.toml
[package]
name = "one"
version.workspace = true
edition.workspace = true
[dependencies]
two.workspace = true
#- shared/two/Cargo.toml
[package]
name = "two"
version.workspace = true
edition.workspace = true
[dependencies]
time.workspace = true
"#,
    );
    check(
        &world,
        "--only advisories app",
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              app/Cargo.toml:2
                name = "app"
                        ^^^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              shared/Cargo.toml:9
                time = "0.3.44"
                        ^^^^^^
              shared/two/Cargo.toml:6
                time.workspace = true
                     ^^^^^^^^^
              via app 0.1.0 -> one 0.5.0 -> two 0.5.0 -> time 0.3.44
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn patch_with_a_folder_is_resolved() {
    let world = World::new(
        r#"
#- crate: time 0.3.40
#- crate: cookie 0.18.1 -> time 0.3
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
cookie = "0.18"
[patch.crates-io]
time = { path = "patched/time" }
#- patched/time/Cargo.toml
[package]
name = "time"
version = "0.3.99"
edition = "2021"
#- deny.toml
[bans]
deny = ["time"]
"#,
    );
    check(
        &world,
        "--only bans",
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              Cargo.toml:2
                name = "m"
                        ^
            error banned: `time` 0.3.99 is banned by the policy
              Cargo.toml:6
                cookie = "0.18"
                          ^^^^
              via m 0.1.0 -> cookie 0.18.1 -> time 0.3.99
            exit 2
        "#]],
    );
}

#[test]
fn cargo_configuration_of_the_workspace_is_used() {
    let world = World::new(
        r#"
#- .cargo/config.toml
[source.crates-io]
replace-with = "ours"
[source.ours]
directory = "third-party"
[patch.crates-io]
log = { path = "patched/log" }
#- patched/log/Cargo.toml
[package]
name = "log"
version = "0.4.9"
edition = "2021"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
log = "0.4"
time = "0.3"
#- app/deny.toml
[bans]
deny = ["log", "time"]
"#,
    )
    .with("#- crate: time 0.3.44\n#- crate: log 0.4.0");
    std::fs::rename(world.path("../vendor"), world.path("third-party")).expect("it can be moved");
    world.write("../cargo/config.toml", "");
    check(
        &world,
        "--only bans app",
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              app/Cargo.toml:2
                name = "app"
                        ^^^
            error banned: `log` 0.4.9 is banned by the policy
              app/Cargo.toml:6
                log = "0.4"
                       ^^^
            error banned: `time` 0.3.44 is banned by the policy
              app/Cargo.toml:7
                time = "0.3"
                        ^^^
            exit 2
        "#]],
    );
}

#[test]
fn every_kind_of_target_exists_in_the_copy() {
    let world = World::new(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
build = "scripts/build.rs"
[lib]
path = "lib/main.rs"
[[bin]]
name = "tool"
path = "tool.rs"
[[bench]]
name = "speed"
harness = false
#- lib/main.rs
#- tool.rs
#- scripts/build.rs
#- benches/speed.rs
#- examples/one.rs
#- tests/it/main.rs
"#,
    );
    let report = world.check("--only bans");
    assert_eq!((report.with("supercargo::no-lock-file").len(), report.code), (1, 0));
}

#[test]
fn license_texts_are_read_from_the_users_folder() {
    let world = World::new(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license-file = "LICENSE"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    let text = format!("{}/LICENSE-MIT", crate::harness::repository());
    world.write("LICENSE", std::fs::read(text).expect("the project has a license"));
    let report = world.check("--only licenses");
    assert_eq!((report.with("accepted").len(), report.code), (1, 0));
}

#[cfg(unix)]
#[test]
fn workspace_behind_a_symbolic_link_is_resolved() {
    let world = World::new(
        "#- crate: time 0.3.44\n#- real/Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n#- deny.toml\n[bans]\ndeny = [\"time\"]\n",
    );
    std::os::unix::fs::symlink("real", world.path("link")).expect("a link can be made");
    check(
        &world,
        "--only bans link",
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              link/Cargo.toml:2
                name = "m"
                        ^
            error banned: `time` 0.3.44 is banned by the policy
              link/Cargo.toml:6
                time = "0.3"
                        ^^^
            exit 2
        "#]],
    );
}

#[test]
fn single_member_uses_the_lockfile_of_its_workspace() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[workspace]
members = ["a"]
resolver = "2"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    )
    .with("#- crate: time 0.3.47");
    check(
        &world,
        "--only advisories a",
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              a/Cargo.toml:6
                time = "0.3"
                        ^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn stale_lockfile_in_a_copy_keeps_git_dependencies() {
    let world = World::new(
        r#"
#- ../repositories/time/Cargo.toml
[package]
name = "time"
version = "0.3.44"
edition = "2021"
#- crate: log 0.4.0
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { git = "https://example.org/time" }
#- deny.toml
[bans]
deny = ["time"]
"#,
    );
    world.serve_git("../repositories/time", "https://example.org/time");
    world.lock("");
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    check(
        &world,
        "--only bans",
        &expect![[r#"
            note supercargo::stale-lock-file: `Cargo.lock` is out of date: checked a fresh resolution, results may change
              Cargo.toml:2
                name = "m"
                        ^
            error banned: `time` 0.3.44 is banned by the policy
              Cargo.toml:7
                time = { git = "https://example.org/time" }
                                ^^^^^^^^^^^^^^^^^^^^^^^^
            exit 2
        "#]],
    );
}
