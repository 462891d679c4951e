//! `fix`, `init` and `db pack` write all of the user's files or none, whatever fails.

#[cfg(target_os = "linux")]
mod traced;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
};

use expect_test::expect;

use crate::harness::{Run, World};

/// Its fix changes the lockfile and the manifest.
const WORLD: &str = "#- crate: time 0.3.44
#- Cargo.toml
[package]
name = \"m\"
version = \"0.1.0\"
edition = \"2021\"
[dependencies]
time = \"0.3.44\"
";

/// Published after the lockfile was written.
const LATER: &str = "#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
";

fn world() -> World {
    World::locked(WORLD).with(LATER)
}

fn arguments<'w>(db: &'w str, more: &[&'w str]) -> Vec<&'w str> {
    [&["fix", "--offline", "--only", "advisories", "--db", db], more].concat()
}

fn fix(world: &World, more: &[&str]) -> Run {
    world.run_that_writes(&arguments(&world.path("../db"), more))
}

fn texts(world: &World) -> (String, String) {
    (world.read("Cargo.lock"), world.read("Cargo.toml"))
}

/// The temporary files in the user's folder.
fn leftovers(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("")).expect("the user's folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".supercargo")).collect()
}

#[test]
fn linked_lockfile_is_written_only_with_allow_links() {
    let world = world();
    world.write("../elsewhere/Cargo.lock", world.read("Cargo.lock"));
    world.delete("Cargo.lock");
    symlink("../elsewhere/Cargo.lock", world.path("Cargo.lock")).expect("a link");
    let before = texts(&world);
    let run = fix(&world, &[]);
    expect![[r"
        70error: `[work]/Cargo.lock` is a symbolic link to `../elsewhere/Cargo.lock`; nothing was changed; replace the link `[work]/Cargo.lock` with what it points to, or pass `--allow links` to write there
    "]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    assert_eq!(texts(&world), before);

    let run = fix(&world, &["--allow", "links"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(world.read("../elsewhere/Cargo.lock").contains("0.3.47"));
    let link = fs::read_link(world.path("Cargo.lock")).expect("it is still a link");
    assert_eq!(link.to_str(), Some("../elsewhere/Cargo.lock"));
    assert_eq!(leftovers(&world), [""; 0]);
}

#[test]
fn mode_and_owner_are_kept() {
    let world = world();
    let file = |name: &str| world.path(name);
    for (name, mode) in [("Cargo.toml", 0o640), ("Cargo.lock", 0o604)] {
        fs::set_permissions(file(name), fs::Permissions::from_mode(mode)).expect("the mode is set");
        // Only root can give files away.
        let _ = chown(file(name), Some(12345), Some(54321));
    }
    let kept = |name: &str| {
        let metadata = fs::metadata(file(name)).expect("there");
        (metadata.mode(), metadata.uid(), metadata.gid())
    };
    let before = (kept("Cargo.toml"), kept("Cargo.lock"));
    let run = fix(&world, &[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(texts(&world).1.contains("0.3.47"));
    assert_eq!((kept("Cargo.toml"), kept("Cargo.lock")), before);
}

#[test]
fn hard_links_keep_the_old_content_with_a_warning() {
    let mut world = world();
    world.let_write("../other");
    fs::hard_link(world.path("Cargo.toml"), world.path("../other")).expect("a hard link");
    let before = world.read("Cargo.toml");
    let run = fix(&world, &[]);
    expect![[r#"
        0warning: `[work]/Cargo.toml` has other hard links, which keep the old content
    "#]]
    .assert_eq(&format!("{}{}", run.code, run.stderr));
    assert!(world.read("Cargo.toml").contains("0.3.47"));
    assert_eq!(world.read("../other"), before);
}

#[test]
fn immutable_file_is_reported_with_the_cure() {
    let world = world();
    let before = texts(&world);
    let chattr = |sign: &str, path: &str| {
        let run = std::process::Command::new("chattr").args([sign, &world.path(path)]).output();
        run.is_ok_and(|output| output.status.success())
    };
    for (path, what) in [
        ("Cargo.toml", "`[work]/Cargo.toml` is immutable"),
        ("", "could not create a file in `[work]`: the folder is immutable"),
    ] {
        // Only root can set the attribute, and not on every file system. Otherwise the file is ordinary.
        let is_set = chattr("+i", path);
        let run = fix(&world, &[]);
        assert_eq!(is_set, chattr("-i", path) && is_set);
        if is_set {
            assert!(run.stderr.contains(what), "{}", run.stderr);
            assert!(run.stderr.contains("; nothing was changed; run `chattr -i"), "{}", run.stderr);
            assert_eq!((run.code, texts(&world)), (70, before.clone()));
        } else {
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        assert_eq!(leftovers(&world), [""; 0]);
    }
}

#[test]
fn leftovers_of_a_killed_run_are_deleted_even_without_changes() {
    let world = world();
    assert_eq!(fix(&world, &[]).code, 0);
    for name in [".supercargo-aB3dE6.tmp", ".supercargo-old-123456"] {
        world.write(name, "left");
    }
    let dry = fix(&world, &["--dry-run"]);
    assert_eq!((dry.code, leftovers(&world).len()), (0, 2));
    assert_eq!(fix(&world, &[]).code, 0);
    assert_eq!(leftovers(&world), [".supercargo-old-123456"], "its name was reported to the user");
}

#[test]
fn policy_does_not_replace_a_link() {
    let world = World::locked(WORLD);
    symlink("../nowhere", world.path("deny.toml")).expect("a link");
    let db = world.path("../db");
    let run = world.run(&["init", "--offline", "--db", &db]);
    expect![[r"
        73error: `[work]/deny.toml` already exists; nothing was changed
    "]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
}

#[test]
fn packed_database_does_not_replace_other_files() {
    let mut world = World::locked(WORLD).with(LATER);
    world.fetched_advisories(std::time::Duration::from_secs(60));
    world.let_write("../snapshot");
    let run = world.run(&["db", "pack", "Cargo.toml"]);
    expect![[r"
        70error: `[work]/Cargo.toml` exists and is not an advisory snapshot; nothing was written; choose another file
    "]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    let snapshot = world.path("../snapshot");
    let pack = || world.run(&["db", "pack", &snapshot]);
    let inode = || fs::metadata(&snapshot).expect("there").ino();
    world.write("../snapshot", "");
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o600)).expect("the mode is set");
    assert_eq!(pack().code, 0);
    let first = (inode(), fs::read(&snapshot).expect("a file"));
    assert_eq!(pack().code, 0, "an older snapshot is replaced");
    assert_ne!(inode(), first.0);
    assert_eq!(fs::read(&snapshot).expect("a file"), first.1);
    assert_eq!(fs::metadata(&snapshot).expect("there").mode() & 0o777, 0o600);
}
