//! Dependencies of members that move to the workspace.

use expect_test::{Expect, expect};

use crate::harness::World;

const FILES: [&str; 3] = ["Cargo.toml", "a/Cargo.toml", "b/Cargo.toml"];

/// A workspace with the members `a` and `b`. With a replaced crates.io, cargo-deny reports every workspace
/// dependency as unused.
fn world(crates: &str, root: &str, a: &str, b: &str) -> World {
    let package = |name: &str, edition: &str| {
        format!(
            "#- {name}/Cargo.toml\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \
             \"{edition}\"\nlicense = \"MIT\"\n"
        )
    };
    World::locked(&format!(
        "{crates}#- Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n{root}\n{}{a}\n{}{b}\n\
         #- deny.toml\n[bans]\nmultiple-versions = \"allow\"\n[bans.workspace-dependencies]\n\
         unused = \"allow\"\n",
        package("a", "2024"),
        package("b", "2021"),
    ))
}

/// Compares the output of `fix` and the manifests; asserts that a check agrees and a second run changes
/// nothing.
fn check(world: &World, expected: &Expect) {
    let words = ["fix", "--offline", "--only", "bans"];
    let before = world.read("Cargo.lock");
    let run = world.run_that_writes(&words);
    let texts = FILES.map(|file| world.read(file));
    let shown = texts.iter().zip(FILES).map(|(text, file)| {
        let declared = text.lines().skip_while(|line| !line.contains("dependencies"));
        format!("--- {file}\n{}\n", declared.collect::<Vec<_>>().join("\n"))
    });
    let shown: String = shown.collect();
    expected.assert_eq(&format!("{}{}exit {}\n{shown}", run.stdout, run.stderr, run.code));
    assert_eq!(world.check("--only bans").code, run.code, "check agrees with fix");
    assert_eq!(world.read("Cargo.lock"), before, "the lockfile is unchanged");
    assert_eq!(world.run_that_writes(&words).code, run.code);
    assert_eq!(texts, FILES.map(|file| world.read(file)), "a second run changes nothing");
}

const LIB: &str = "#- crate: lib 1.2.3\n#- ../vendor/lib-1.2.3/Cargo.toml\n[package]\nname = \"lib\"\n\
                   version = \"1.2.3\"\nedition = \"2021\"\nlicense = \"MIT\"\n[features]\n\
                   default = []\nfast = []\n";

#[test]
fn dependencies_of_members_become_one_workspace_dependency() {
    let world = world(
        "#- crate: lib 1.2.3\n",
        "",
        "[dependencies]\nlib = \"1.2\"",
        "[dependencies]\nlib = { version = \"1\" } # parses\n[dev-dependencies.lib]\nversion = \"1.1\"",
    );
    check(
        &world,
        &expect![[r#"
            .
              changed the manifests: move `lib` 1.2 to `[workspace.dependencies]` and inherit it (fixes workspace-duplicate)
                fixes workspace-duplicate: crate `lib` 1.2.3 is used 3 times in the workspace, and there is no shared workspace dependency for it
              3 files changed; gate: clean
            exit 0
            --- Cargo.toml
            [workspace.dependencies]
            lib = "1.2"

            --- a/Cargo.toml
            [dependencies]
            lib.workspace = true
            --- b/Cargo.toml
            [dependencies]
            lib = { workspace = true } # parses
            [dev-dependencies.lib]
            workspace = true
        "#]],
    );
}

#[test]
fn members_keep_features_and_default_features() {
    let world = world(
        LIB,
        "[workspace.dependencies]",
        "[dependencies]\nlib = { version = \"1\", default-features = false }",
        "[target.'cfg(unix)'.dependencies]\nlib = { version = \"1\", features = [\"fast\"] }",
    );
    check(
        &world,
        &expect![[r#"
            .
              changed the manifests: move `lib` 1 to `[workspace.dependencies]` and inherit it (fixes workspace-duplicate)
                fixes workspace-duplicate: crate `lib` 1.2.3 is used 2 times in the workspace, and there is no shared workspace dependency for it
              3 files changed; gate: clean
            exit 0
            --- Cargo.toml
            [workspace.dependencies]
            lib = { version = "1", default-features = false }
            --- a/Cargo.toml
            [dependencies]
            lib = { workspace = true }
            --- b/Cargo.toml
            [target.'cfg(unix)'.dependencies]
            lib = { workspace = true, features = ["fast"], default-features = true }
        "#]],
    );
}

#[test]
fn existing_workspace_dependency_is_inherited() {
    let world = world(
        "#- crate: lib 1.2.3\n",
        "[workspace.dependencies]\nlib = { version = '1.0' }",
        "[dependencies]\nlib.workspace = true",
        "[dependencies]\nlib.version = \"1.2\"",
    );
    check(
        &world,
        &expect![[r#"
            .
              changed the manifests: inherit the workspace dependency `lib` and raise its requirement to 1.2 (fixes workspace-duplicate)
                fixes workspace-duplicate: crate `lib` 1.2.3 is used 2 times in the workspace, and there is no shared workspace dependency for it
              2 files changed; gate: clean
            exit 0
            --- Cargo.toml
            [workspace.dependencies]
            lib = { version = '1.2' }
            --- a/Cargo.toml
            [dependencies]
            lib.workspace = true
            --- b/Cargo.toml
            [dependencies]
            lib.workspace = true
        "#]],
    );
}

#[test]
fn path_is_relative_to_the_root() {
    let near = "#- near/Cargo.toml\n[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \
                \"2021\"\nlicense = \"MIT\"\n";
    let declared = "[dependencies]\nnear = { path = \"../near\" }";
    let world = world(near, "exclude = [\"near\"]", declared, declared);
    check(
        &world,
        &expect![[r#"
            .
              changed the manifests: move `near` to `[workspace.dependencies]` and inherit it (fixes workspace-duplicate)
                fixes workspace-duplicate: crate `near` 0.1.0 is used 2 times in the workspace, and there is no shared workspace dependency for it
              3 files changed; gate: clean
            exit 0
            --- Cargo.toml
            [workspace.dependencies]
            near = { path = "near" }
            --- a/Cargo.toml
            [dependencies]
            near = { workspace = true }
            --- b/Cargo.toml
            [dependencies]
            near = { workspace = true }
        "#]],
    );
}

#[test]
fn dependency_that_cannot_be_shared_is_kept() {
    let crates = "#- crate: lib 1.2.3\n";
    for (root, a, b, why) in [
        (
            "[workspace.dependencies]\nlib = \"1\"",
            "[dependencies]\nlib.workspace = true",
            "[dependencies]\nlib = { version = \"1\", default-features = false }",
            "a member disables the default features that `Cargo.toml` enables for all members",
        ),
        (
            "",
            "[dependencies]\nlib = \"1\"",
            "[dependencies]\nl = { package = \"lib\", version = \"1\" }",
            "the members use different names for it: `l` and `lib`",
        ),
        (
            "",
            "[dependencies]\nlib = \"1\"",
            "[dependencies]\nlib = \">=1, <1.4\"",
            "no single requirement satisfies all of `1`, `>=1, <1.4`",
        ),
    ] {
        let world = world(crates, root, a, b);
        let before = FILES.map(|file| world.read(file));
        let run = world.run_that_writes(&["fix", "--offline", "--only", "bans"]);
        assert!(run.stdout.contains("error remains: workspace-duplicate"), "{}", run.stdout);
        assert!(run.stdout.contains(why), "{}", run.stdout);
        assert_eq!(before, FILES.map(|file| world.read(file)));
    }
}

#[test]
fn reported_cleared_findings_are_cleared() {
    let crates = "#- crate: lib 1.2.3\n#- crate: off 1.0.0\n";
    let world = world(
        crates,
        "[workspace.dependencies]\ngone = \"1\"\noff = \"1\"",
        "[dependencies]\nlib = \"1\"",
        "[dependencies]\noff = { workspace = true, optional = true }",
    );
    world.edit("deny.toml", "unused = \"allow\"", "unused = \"deny\"");
    check(
        &world,
        &expect![[r#"
            .
              changed the manifests: remove the unused workspace dependency `gone` (fixes unused-workspace-dependency)
                fixes unused-workspace-dependency: unused workspace dependency `gone`: no member inherits it
              error remains: unused-workspace-dependency: workspace dependency `off` is reported as unused, but `b` inherits it
                could not remove the unused workspace dependency `off`: cargo failed: error inheriting `off` from workspace root manifest's `workspace.dependencies.off`: `dependency.off` was not found in `workspace.dependencies`
              1 file changed; gate: fails
            exit 2
            --- Cargo.toml
            [workspace.dependencies]
            off = "1"
            --- a/Cargo.toml
            [dependencies]
            lib = "1"
            --- b/Cargo.toml
            [dependencies]
            off = { workspace = true, optional = true }
        "#]],
    );
}
