//! Machines and workspaces at their limits: an unusable cache costs only speed, huge or deep input is
//! checked or rejected with a clear message, and endless input does not block.

use std::fs;

use expect_test::expect;

use crate::harness::World;

const PACKAGE: &str = r#"
#- crate: a 1.0.0
#- advisory: RUSTSEC-2026-0001 a: Something
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
a = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

/// One vulnerability and nothing else.
fn assert_checked(world: &World) {
    let report = world.check("");
    assert_eq!((report.with("RUSTSEC-2026-0001").len(), report.code), (1, 1), "{}", report.shown());
}

fn in_every_cache_folder(world: &World, act: impl Fn(&str)) {
    for kind in ["metadata", "verdicts"] {
        act(&world.path(&format!("../home/.cache/supercargo/v1/{kind}")));
    }
}

#[cfg(unix)]
mod caches {
    use super::*;

    #[test]
    fn unwritable_cache_folder_is_ignored() {
        let mut world = World::locked(PACKAGE);
        world.write("../a file", "");
        for folder in ["/proc/nowhere", "/dev/full", &world.path("../a file/below")] {
            world.set("SUPERCARGO_CACHE_DIR", folder);
            let run = world.human("--format json");
            assert_eq!(run.code, 1, "{}", run.stderr);
        }
    }

    #[test]
    fn read_only_cache_folder_is_used() {
        use std::os::unix::fs::PermissionsExt as _;

        let world = World::locked(PACKAGE);
        assert_checked(&world);
        let set = |folder: &str, mode| {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("a mode");
        };
        let folder = world.path("../home/.cache/supercargo/v1/metadata");
        set(&folder, 0o555);
        assert_checked(&world);
        world.edit("Cargo.toml", "0.1.0", "0.2.0");
        world.lock("");
        let run = world.human("--format json");
        assert_eq!(run.code, 1, "{}", run.stderr);
        set(&folder, 0o755);
    }

    /// No file may grow beyond a kilobyte; that it may not is an error instead of a signal, as on a
    /// disk that is full.
    #[test]
    fn full_disk_leaves_no_partial_cache_entry() {
        let world = World::locked(PACKAGE);
        let script = |words: &str| {
            let db = world.path("../db");
            format!("trap '' XFSZ; ulimit -f 2; exec \"$0\" check --offline --db '{db}' {words}")
        };
        let run = world.run_in_shell(&script(""));
        assert_eq!(run.code, 1, "{}", run.stderr);
        in_every_cache_folder(&world, |folder| {
            let left: Vec<_> = fs::read_dir(folder).into_iter().flatten().collect();
            assert!(left.is_empty(), "{left:?}");
        });
        assert_checked(&world);
    }

    #[test]
    fn pipe_is_not_a_cache_entry() {
        let world = World::locked(PACKAGE);
        assert_checked(&world);
        in_every_cache_folder(&world, |folder| {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                fs::remove_file(entry.path()).expect("it can be deleted");
                make_pipe(&entry.path().to_string_lossy());
            }
        });
        assert_checked(&world);
    }
}

#[test]
fn cache_of_a_newer_version_is_neither_used_nor_changed() {
    let world = World::locked(PACKAGE);
    assert_checked(&world);
    in_every_cache_folder(&world, |folder| {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let text = fs::read_to_string(entry.path()).expect("an entry is a text");
            let newer = text.replacen("supercargo v1", "supercargo v2", 1);
            fs::write(entry.path(), newer).expect("it can be written");
        }
    });
    world.write("../home/.cache/supercargo/v2/metadata/one", "newer");
    assert_checked(&world);
    assert_eq!(world.read("../home/.cache/supercargo/v2/metadata/one"), "newer");
}

#[cfg(unix)]
fn make_pipe(path: &str) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("`mkfifo` runs");
    assert!(made.success());
}

#[cfg(unix)]
#[test]
fn endless_file_does_not_block() {
    for file in ["deny.toml", "deny.exceptions.toml", "Cargo.lock"] {
        let world = World::locked(PACKAGE);
        let _ = fs::remove_file(world.path(file));
        make_pipe(&world.path(file));
        let run = world.human("");
        assert_eq!(run.code, 70, "{file}: {}", run.stdout);
        assert!(run.stdout.contains("not a regular file"), "{file}: {}", run.stdout);
    }
}

#[test]
fn manifest_of_five_megabytes_is_checked() {
    let world = World::locked(PACKAGE);
    let mut text = world.read("Cargo.toml");
    text.push_str("[package.metadata.many]\n");
    for number in 0..105_000 {
        text.push_str(&format!("key{number} = \"{}\"\n", "x".repeat(36)));
    }
    assert!(text.len() > 5_000_000, "{}", text.len());
    world.write("Cargo.toml", text);
    assert_checked(&world);
}

/// Entries that nothing needs: cargo leaves them out, which makes the file a stale one.
#[test]
fn lockfile_with_twenty_thousand_packages_is_checked() {
    let world = World::locked(PACKAGE);
    let mut text = world.read("Cargo.lock");
    for number in 0..20_000 {
        text.push_str(&format!("\n[[package]]\nname = \"p{number:05}\"\nversion = \"1.0.0\"\n"));
        text.push_str("source = \"registry+https://github.com/rust-lang/crates.io-index\"\n");
        text.push_str(&format!("checksum = \"{}\"\n", "0".repeat(64)));
    }
    world.write("Cargo.lock", text);
    let report = world.check("");
    assert_eq!((report.with("RUSTSEC-2026-0001").len(), report.code), (1, 1));
    assert_eq!(report.with("supercargo::stale-lock-file").len(), 1);
}

#[test]
fn workspace_with_a_thousand_members_is_checked() {
    let world = World::new(PACKAGE);
    world.edit("Cargo.toml", "[package]", "[workspace]\nmembers = [\"crates/*\"]\n\n[package]");
    for number in 0..1000 {
        let manifest = format!(
            "[package]\nname = \"m{number}\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\n[dependencies]\na = \"1\"\n"
        );
        world.write(&format!("crates/m{number}/Cargo.toml"), manifest);
        world.write(&format!("crates/m{number}/src/lib.rs"), "");
    }
    world.lock("");
    let report = world.check("--workspace");
    assert_eq!(report.code, 1, "{}", report.stderr);
    let finding = report.with("RUSTSEC-2026-0001")[0];
    assert_eq!(finding.locations.len(), 1001, "each dependency has a location");
}

#[test]
fn policy_that_is_nested_too_deeply_is_rejected_at_its_location() {
    let world = World::locked(PACKAGE);
    for text in [
        format!("[bans]\na = {}", "[".repeat(100_000)),
        format!("[bans]\na = {}", "{a = ".repeat(100_000)),
        format!("[bans]\n{}a = 1", "a.".repeat(100_000)),
    ] {
        world.write("deny.toml", &text);
        let report = world.check("");
        let finding = report.with("supercargo::policy-syntax")[0];
        expect!["the policy is nested deeper than 64 levels"].assert_eq(&finding.message);
        assert_eq!((finding.locations[0].start.line, report.code), (2, 70));
    }
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\"]\n");
    world.write("deny.exceptions.toml", "[".repeat(100_000));
    let report = world.check("");
    let finding = report.with("supercargo::unreadable-file")[0];
    expect!["`[work]/deny.exceptions.toml` is nested deeper than 64 levels"]
        .assert_eq(&finding.message);
    assert_eq!(report.code, 70);
}

#[test]
fn manifest_that_is_nested_too_deeply_has_cargos_error() {
    let world = World::locked(PACKAGE);
    let sound = world.read("Cargo.toml");
    for deep in ["[", "{a = "] {
        let text = format!("{sound}[package.metadata]\na = {}\n", deep.repeat(100_000));
        world.write("Cargo.toml", text);
        let report = world.check("");
        assert_eq!((report.with("supercargo::resolution-failed").len(), report.code), (1, 70));
    }
}

#[test]
fn lockfile_that_is_nested_too_deeply_is_rejected() {
    let world = World::locked(PACKAGE);
    let sound = world.read("Cargo.lock");
    world.write("Cargo.lock", format!("{sound}\n[metadata]\na = {}\n", "[".repeat(100_000)));
    assert_eq!(world.check("").code, 70);
}

#[test]
fn deep_folders_with_unusual_names_are_supported() {
    let deep = "deep/".repeat(200);
    for folder in ["with blanks", "Ünïcödé ☃ 日本", "100% %41 %zz", "#[a]{b}*?", deep.as_str()]
    {
        let folder = folder.trim_end_matches('/');
        let at = |file: &str| format!("#- {folder}/{file}\n");
        let fixture = PACKAGE
            .replace("#- Cargo.toml\n", &at("Cargo.toml"))
            .replace("#- deny.toml\n", &at("deny.toml"));
        let world = World::new(&fixture);
        world.lock(folder);
        let db = world.path("../db");
        for lock in [true, false] {
            if !lock {
                fs::remove_file(world.path(&format!("{folder}/Cargo.lock"))).expect("deleted");
            }
            let report = world.report(&["--offline", "--db", &db, folder]);
            let found = report.with("RUSTSEC-2026-0001");
            assert_eq!((found.len(), report.code), (1, 1), "{folder}: {}", report.shown());
            let file = &found[0].locations[0].file;
            assert_eq!(*file, format!("[work]/{folder}/Cargo.toml"));
        }
    }
}
