//! Whatever a repository consists of, looking at it changes nothing: not one byte, inode or time of the
//! workspace or of what is around it.
//!
//! ```text
//! SUPERCARGO_WORKSPACES=5000 cargo test --test cli untouched   so many generated workspaces
//! SUPERCARGO_SEED=17 ..      the workspace of a failure again, as the first one
//! ```

use std::{fs, path::Path};

use crate::{
    harness::{DATABASE_URL, World},
    hostile::{self, Workspace, first_seed, go_through, number_of_workspaces},
};

/// How many workspaces are checked by one run.
const TOGETHER: u64 = 12;

/// A world with these workspaces, and the folders that are to be checked.
fn world(workspaces: &[Workspace]) -> (World, Vec<String>) {
    let world = World::new(hostile::REGISTRY);
    // The default database, for policies that set no other folder.
    world.serve_git("../db", DATABASE_URL);
    let vendor = world.path("../vendor");
    let folders = workspaces.iter().map(|workspace| {
        let case = world.path(&format!("c{}", workspace.seed));
        let lock = |folder: &Path| world.try_lock(folder);
        workspace.layout(&case).write(case.as_ref(), vendor.as_ref(), &lock);
        format!("c{}/ws", workspace.seed)
    });
    let folders = folders.collect();
    (world, folders)
}

/// Runs the program over all workspaces: it reports each, and the exit code is a documented one.
fn run(world: &World, folders: &[String], words: &[&str]) {
    let format = ["--format", "json"];
    let words = words.iter().copied().chain(format).chain(folders.iter().map(String::as_str));
    let words: Vec<_> = words.collect();
    let run = world.run_within_limit(&words);
    assert!(run.code == 70 || (0..16).contains(&run.code), "exit {}: {}", run.code, run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    for folder in folders {
        // One may name another root.
        let case = format!("[work]/{}/", folder.trim_end_matches("/ws"));
        let is_reported = run.stdout.contains(&case) || run.stderr.contains(&case);
        assert!(is_reported, "no output about {folder}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn check_leaves_generated_hostile_workspaces_untouched() {
    go_through(first_seed(1), number_of_workspaces(36), TOGETHER, |workspaces| {
        let (world, folders) = world(workspaces);
        run(&world, &folders, &["check"]);
        run(&world, &folders, &["check", "--offline", "--workspace", "--db", &world.path("../db")]);
        hostile::assert_nothing_escaped(world.path("../").as_ref());
    });
}

#[test]
fn dry_run_leaves_generated_hostile_workspaces_untouched() {
    go_through(first_seed(1001), number_of_workspaces(24), TOGETHER, |workspaces| {
        let (world, folders) = world(workspaces);
        let db = world.path("../db");
        run(
            &world,
            &folders,
            &["fix", "--dry-run", "--offline", "--db", &db, "--allow", "clarify,exception"],
        );
        hostile::assert_nothing_escaped(world.path("../").as_ref());
    });
}

/// Root ignores file modes; the workspace must stay untouched anyway.
#[cfg(unix)]
#[test]
fn read_only_workspace_is_checked_explained_and_dry_run_fixed() {
    use std::os::unix::fs::PermissionsExt as _;

    fn set_modes(path: &Path, change: &impl Fn(u32) -> u32) {
        let metadata = fs::symlink_metadata(path).expect("it is there");
        if metadata.is_symlink() {
            return;
        }
        if metadata.is_dir() {
            for entry in fs::read_dir(path).expect("a folder").flatten() {
                set_modes(&entry.path(), change);
            }
        }
        let mode = change(metadata.permissions().mode());
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode is set");
    }

    let package = "#- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                   license = \"MIT\"\n[dependencies]\ntime = \"=0.3.44\"\n";
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    for with_lock in [true, false] {
        let world = World::new(&format!("{}{package}{policy}", hostile::REGISTRY));
        if with_lock {
            world.lock("");
        }
        let db = world.path("../db");
        let work = world.path("");
        set_modes(work.as_ref(), &|mode| mode & !0o222);
        assert_eq!(world.check("").code, 1);
        assert_eq!(world.check("--no-cache").code, 1);
        let offline = ["--offline", "--db", &db];
        let dry = world.run(&[&["fix", "--dry-run"], &offline[..]].concat());
        // What is locked nowhere cannot be upgraded.
        let expected = if with_lock { "would upgrade time" } else { "there is no `Cargo.lock`" };
        assert!(dry.stdout.contains(expected), "{}{}", dry.stdout, dry.stderr);
        let explained = world.run(&["explain", "time@0.3.44", "--db", &db]);
        assert_eq!(explained.code, 0, "{}", explained.stderr);
        assert_eq!(world.run(&["init", "--print", "--offline", "--db", &db]).code, 0);
        assert_eq!(world.run(&["db", "status"]).stderr, "");
        set_modes(work.as_ref(), &|mode| mode | 0o200);
    }
}
