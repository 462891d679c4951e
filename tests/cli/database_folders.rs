//! Where advisory databases are written, and what is run for that: never anything of a repository.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use expect_test::expect;

use crate::harness::{DATABASE, DATABASE_URL, World};

const FIXTURE: &str = r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#;

/// The folder's name, below whatever `db-path` says.
const NAME: &str = "advisory-db-3157b0e258782691";

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Sets the time of a file that is there.
fn set_time(world: &World, path: &str, time: SystemTime) {
    let file = fs::File::options().append(true).open(world.path(path)).expect("the file is there");
    file.set_modified(time).expect("times of files can be set");
}

/// A clone that was last fetched so long ago that it is fetched again.
fn age(world: &World, clone: &str) {
    for name in ["HEAD", "FETCH_HEAD"] {
        if fs::metadata(world.path(&format!("{clone}/.git/{name}"))).is_ok() {
            set_time(world, &format!("{clone}/.git/{name}"), SystemTime::now() - 2 * HOUR);
        }
    }
}

/// Makes the user's folder a repository, whose origin is that of the database, with work that was
/// never committed.
fn repository(world: &World) {
    world.write("notes.txt", "committed");
    world.git("", &["init", "--quiet", "--initial-branch=main"]);
    world.git("", &["add", "."]);
    world.git("", &["commit", "--quiet", "--message=all"]);
    world.git("", &["remote", "add", "origin", DATABASE_URL]);
    world.write("notes.txt", "never committed");
    world.write("new.txt", "not even added");
    age(world, "");
}

/// The clone of a database at that place, last fetched long ago.
fn clone(world: &World, folder: &str) {
    world.git("", &["clone", "--quiet", DATABASE_URL, &world.path(folder)]);
    world.write(&format!("{folder}/.git/FETCH_HEAD"), "");
    age(world, folder);
}

fn publish_one_more(world: World) -> World {
    let world = world.with("#- advisory: RUSTSEC-2026-0080 time patched >=0.3.48: Another\n");
    world.git("../db", &["add", "."]);
    world.git("../db", &["commit", "--quiet", "--message=more"]);
    world
}

/// Which advisories are found, and the exit code. Fails on any change in the user's folder.
fn check_with(world: &World, words: &[&str]) -> (usize, usize, i32) {
    let report = world.report(&[&["--only", "advisories"], words].concat());
    let count = |id| report.with(id).len();
    (count("RUSTSEC-2026-0009"), count("RUSTSEC-2026-0080"), report.code)
}

fn exists(world: &World, path: &str) -> bool {
    fs::symlink_metadata(world.path(path)).is_ok()
}

#[test]
fn database_that_links_to_the_users_clone_leaves_it_untouched() {
    let world = World::locked(FIXTURE);
    world.serve_git("../db", DATABASE_URL);
    world.write("deny.toml", "[advisories]\ndb-path = \".\"\n");
    symlink(".", world.path(NAME)).expect("a link");
    repository(&world);
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    assert_eq!(world.run(&["db", "update"]).code, 0);
    assert_eq!(world.read("notes.txt"), "never committed");
    assert_eq!(world.read("new.txt"), "not even added");
    assert!(exists(&world, &format!("{DATABASE}/.git")), "fetched into cargo's home instead");
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1), "the same advisories offline");
}

#[test]
fn refused_database_path_is_reported_with_a_remedy() {
    let world = World::locked(FIXTURE);
    world.write("deny.toml", "[advisories]\ndb-path = \".\"\n");
    symlink(".", world.path(NAME)).expect("a link");
    let run = world.run(&["db", "status"]);
    expect![[r#"
        https://github.com/RustSec/advisory-db
          [world]/cargo/advisory-dbs/advisory-db-3157b0e258782691
          not on this machine; fetch it with `supercargo db update`
          could not write to `./advisory-db-3157b0e258782691`: it is a symbolic link; delete the link, or set `db-path` in `[advisories]` to a folder outside of any repository
    "#]]
    .assert_eq(&run.stdout);
    world.write("deny.toml", "[advisories]\ndb-path = \"dbs\"\n");
    world.serve_git("../db", DATABASE_URL);
    world.git("../db", &["branch", "--move", "trunk"]);
    let run = world.run(&["db", "update"]);
    expect![[r#"
        error: could not fetch `https://github.com/RustSec/advisory-db`: Remote branch main not found in upstream origin; `db-path` is not used: could not write to `dbs/advisory-db-3157b0e258782691`: it is inside the package `[work]`; set `db-path` in `[advisories]` to a folder outside of any repository
    "#]]
    .assert_eq(&run.stderr.replace("[work]/`", "[work]`"));
    assert_eq!(run.code, 70);
}

#[test]
fn folder_in_a_repository_or_behind_its_link_is_not_written() {
    for (path, link) in [
        ("dbs", None),
        ("dbs", Some("../outside")),
        ("deep/dbs", None),
        ("../neighbor", None),
        ("../neighbor/dbs", None),
    ] {
        let world = World::locked(FIXTURE);
        world.serve_git("../db", DATABASE_URL);
        world.write("deny.toml", format!("[advisories]\ndb-path = \"{path}\"\n"));
        for folder in ["../outside", "../neighbor/.git"] {
            world.write(&format!("{folder}/file"), "");
        }
        if let Some(target) = link {
            symlink(target, world.path(path)).expect("a link");
        }
        assert_eq!(check_with(&world, &[]), (1, 0, 1), "{path} {link:?}");
        for folder in ["../outside", "../neighbor", "../neighbor/dbs"] {
            for name in ["db.lock", NAME] {
                assert!(!exists(&world, &format!("{folder}/{name}")), "{path} {link:?}: {folder}");
            }
        }
        assert!(exists(&world, DATABASE), "{path} {link:?}");
    }
}

#[test]
fn database_in_the_workspace_is_read_and_fetched_to_cargos_home() {
    let world = World::locked(FIXTURE);
    world.serve_git("../db", DATABASE_URL);
    world.write("deny.toml", "[advisories]\ndb-path = \"dbs\"\n");
    clone(&world, &format!("dbs/{NAME}"));
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
    assert!(!exists(&world, DATABASE), "nothing is fetched offline");
    let world = publish_one_more(world);
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
    assert_eq!(check_with(&world, &[]), (1, 1, 1), "the fetched one is newer");
    let world = world.with("#- advisory: RUSTSEC-2026-0081 time: Not fetched yet\n");
    assert_eq!(check_with(&world, &[]), (1, 1, 1), "and is not fetched again within an hour");
}

#[test]
fn fresh_database_in_the_workspace_is_not_fetched_again() {
    let world = World::locked(FIXTURE);
    world.serve_git("../db", DATABASE_URL);
    world.write("deny.toml", "[advisories]\ndb-path = \"db\"\n");
    let folder = format!("db/{NAME}");
    world.git("", &["clone", "--quiet", DATABASE_URL, &world.path(&folder)]);
    world.write(&format!("{folder}/.git/FETCH_HEAD"), "");
    let world = publish_one_more(world);
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    assert!(!exists(&world, DATABASE), "nothing is fetched into cargo's home");
}

/// Configures a clone so that nearly every command of git starts `../marker.sh`.
fn make_hostile(world: &World, clone: &str) {
    world.write("../marker.sh", "#!/bin/sh\necho \"$0 $*\" >> \"$HOME/marker\"\ncat\n");
    world.make_executable("../marker.sh");
    let marker = world.path("../marker.sh");
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "credential.helper",
        "filter.evil.clean",
        "filter.evil.smudge",
        "remote.origin.uploadpack",
    ] {
        world.git(clone, &["config", key, &marker]);
    }
    world.write(&format!("{clone}/.git/info/attributes"), "* filter=evil\n");
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "post-merge"] {
        let path = format!("{clone}/.git/hooks/{hook}");
        world.write(&path, format!("#!/bin/sh\nexec {marker} {hook} < /dev/null\n"));
        world.make_executable(&path);
    }
}

#[test]
fn programs_in_a_databases_configuration_are_never_run() {
    for folder in [format!("dbs/{NAME}"), DATABASE.to_owned()] {
        let world = World::locked(FIXTURE);
        world.serve_git("../db", DATABASE_URL);
        if folder != DATABASE {
            world.write("deny.toml", "[advisories]\ndb-path = \"dbs\"\n");
        }
        clone(&world, &folder);
        make_hostile(&world, &folder);
        let world = publish_one_more(world);
        let _ = fs::remove_file(world.path("../home/marker"));
        // Changed, so that filters would be asked about it.
        world.write(&format!("{folder}/crates/time/RUSTSEC-2026-0009.md"), "changed");
        assert_eq!(check_with(&world, &[]), (1, 1, 1), "{folder}");
        world.run(&["db", "status"]);
        assert!(!exists(&world, "../home/marker"), "{}", world.read("../home/marker"));
    }
}

#[test]
fn users_hooks_filters_and_templates_are_not_run_for_a_database() {
    let world = World::locked(FIXTURE);
    world.write("../db/.gitattributes", "* filter=evil\n");
    world.serve_git("../db", DATABASE_URL);
    world.write("../marker.sh", "#!/bin/sh\necho \"$0 $*\" >> \"$HOME/marker\"\ncat\n");
    world.make_executable("../marker.sh");
    let marker = world.path("../marker.sh");
    for folder in ["../home/hooks", "../home/template/hooks"] {
        world.write(&format!("{folder}/post-checkout"), format!("#!/bin/sh\nexec {marker}\n"));
        world.make_executable(&format!("{folder}/post-checkout"));
    }
    let known = world.read("../home/.gitconfig");
    let (hooks, template) = (world.path("../home/hooks"), world.path("../home/template"));
    world.write(
        "../home/.gitconfig",
        format!(
            "{known}[core]\n\thooksPath = {hooks}\n\tfsmonitor = {marker}\n[init]\n\ttemplateDir = {template}\n\
             [clone]\n\tdefaultRemoteName = other\n[filter \"evil\"]\n\tsmudge = {marker}\n\tclean = {marker}\n"
        ),
    );
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    age(&world, DATABASE);
    assert_eq!(check_with(&world, &[]), (1, 0, 1), "the clone is recognized");
    assert!(!exists(&world, "../home/marker"), "{}", world.read("../home/marker"));
}

#[test]
fn url_with_a_program_as_transport_is_refused() {
    let mut world = World::locked(FIXTURE);
    world.write("../programs/git-remote-marker", "#!/bin/sh\necho x > \"$HOME/marker\"\n");
    world.make_executable("../programs/git-remote-marker");
    let programs = world.path("../programs");
    let path = std::env::join_paths(
        std::iter::once(programs.into())
            .chain(std::env::split_paths(&std::env::var_os("PATH").expect("a path"))),
    );
    world.set("PATH", &path.expect("a path").to_string_lossy());
    world.write("deny.toml", "[advisories]\ndb-urls = [\"marker://example.org/db\"]\n");
    let run = world.run(&["db", "update"]);
    expect![[r#"
        error: could not fetch `marker://example.org/db`: only https, http, ssh, git and file URLs are allowed
    "#]]
    .assert_eq(&run.stderr);
    assert!(!exists(&world, "../home/marker"));
    assert_eq!(run.code, 70);
}

#[test]
fn variables_of_another_repository_do_not_reach_git() {
    let mut world = World::locked(FIXTURE);
    world.serve_git("../db", DATABASE_URL);
    repository(&world);
    // As in a hook of git.
    for (name, value) in [
        ("GIT_DIR", world.path(".git")),
        ("GIT_WORK_TREE", world.path("")),
        ("GIT_INDEX_FILE", world.path(".git/index")),
        ("GIT_COMMON_DIR", world.path(".git")),
        ("GIT_NAMESPACE", "other".to_owned()),
        ("GIT_TEMPLATE_DIR", world.path("../home")),
        ("GIT_CONFIG_PARAMETERS", "'core.bare'='true'".to_owned()),
        ("GIT_TRACE", world.path("../home/trace")),
    ] {
        world.set(name, &value);
    }
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    assert!(!exists(&world, "../home/trace"));
}

#[test]
fn cargo_deny_can_fetch_into_our_clone() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(2 * HOUR);
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    let time = fs::metadata(world.path(&format!("{DATABASE}/.git/FETCH_HEAD")));
    let time = time.expect("cargo-deny reads the time of this file").modified().expect("a time");
    assert!(time.elapsed().is_ok_and(|age| age < HOUR));
    assert_eq!(world.git(DATABASE, &["status", "--porcelain"]), "");
    let world = publish_one_more(world);
    for words in [
        &["reset", "--hard"][..],
        &["fetch", "--depth=1", "-u", "origin", "+main:main"],
        &["reset", "--hard", "FETCH_HEAD"],
        &["fsck", "--strict"],
    ] {
        world.git(DATABASE, words);
    }
    assert_eq!(check_with(&world, &["--offline"]), (1, 1, 1));
    // And what cargo-deny fetched is what we replace.
    age(&world, DATABASE);
    let world = world.with("#- advisory: RUSTSEC-2026-0081 time: One more\n");
    world.git("../db", &["add", "."]);
    world.git("../db", &["commit", "--quiet", "--message=more"]);
    assert_eq!(world.report(&["--only", "advisories"]).with("RUSTSEC-2026-0081").len(), 1);
    let all: Vec<_> = fs::read_dir(world.path("../cargo/advisory-dbs"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(all.len(), 2, "the database and its lock: {all:?}");
}

#[test]
fn folder_that_is_not_our_clone_is_left_unchanged() {
    type Lay = fn(&World);
    let lay: [(&str, &str, Lay); 6] = [
        ("", "it is not a folder", |world| world.write(DATABASE, "a file")),
        ("", "it is a symbolic link", |world| {
            world.write("../mine/file", "mine");
            world.folder("../cargo/advisory-dbs");
            symlink("../../mine", world.path(DATABASE)).expect("a link");
        }),
        ("file", "it is not a git clone", |world| world.write(&format!("{DATABASE}/file"), "mine")),
        ("crates/file", "which is not part of the database", |world| {
            clone(world, DATABASE);
            world.write(&format!("{DATABASE}/crates/file"), "mine");
        }),
        (".git/HEAD", "`refs/heads/mine`", |world| {
            clone(world, DATABASE);
            world.git(DATABASE, &["branch", "mine"]);
        }),
        (".git/config", "it is not a clone of", |world| {
            clone(world, DATABASE);
            world.git(DATABASE, &["config", "remote.origin.url", "https://example.org/other"]);
        }),
    ];
    for (file, reason, lay) in lay {
        let world = World::locked(FIXTURE);
        world.serve_git("../db", DATABASE_URL);
        lay(&world);
        let path = format!("{DATABASE}{}{file}", if file.is_empty() { "" } else { "/" });
        let before = fs::read(world.path(&path)).ok();
        let run = world.run(&["db", "update"]);
        assert!(run.stderr.contains(reason), "{reason}: {}", run.stderr);
        assert_eq!(run.code, 70, "{reason}");
        assert_eq!(fs::read(world.path(&path)).ok(), before, "{reason}");
        assert!(exists(&world, &path), "{reason}");
    }
}

#[test]
fn fetch_time_in_the_future_counts_as_unknown() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(Duration::ZERO);
    let world = publish_one_more(world);
    let head = format!("{DATABASE}/.git/FETCH_HEAD");
    set_time(&world, &head, SystemTime::now() + 24 * 365 * HOUR);
    let run = world.run(&["db", "status"]);
    assert!(run.stdout.contains("unknown age: the time of its last fetch is in the future"));
    assert_eq!(
        check_with(&world, &["--offline"]),
        (1, 0, 1),
        "as for cargo-deny it is not too old"
    );
    assert_eq!(check_with(&world, &[]), (1, 1, 1));
    let time = fs::metadata(world.path(&head)).and_then(|data| data.modified()).expect("a time");
    assert!(time <= SystemTime::now());
}

#[test]
fn reading_a_database_creates_no_files_next_to_it() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(Duration::ZERO);
    assert_eq!(check_with(&world, &["--offline", "--no-cache"]), (1, 0, 1));
    assert!(!exists(&world, "../cargo/advisory-dbs/db.lock"));
}

#[test]
fn head_that_points_to_an_endless_file_is_not_read() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(Duration::ZERO);
    let pipe = world.path("../pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("`mkfifo`");
    assert!(made.success());
    let heads = [pipe.as_str(), "/dev/zero", "../../../../../../../../../../dev/zero"];
    for head in heads {
        world.write(&format!("{DATABASE}/.git/HEAD"), format!("ref: {head}\n"));
        // Far less memory than there are zeros, and no program writes to the pipe.
        let limits = "ulimit -v 4000000; exec timeout 100 \"$0\"";
        let run = world.run_in_shell(&format!("{limits} check --offline --only advisories"));
        assert_eq!(run.code, 1, "{head}: {}", run.stderr);
    }
    for name in ["HEAD", "packed-refs", "FETCH_HEAD"] {
        let path = format!("{DATABASE}/.git/{name}");
        let _ = fs::remove_file(world.path(&path));
        symlink("/dev/zero", world.path(&path)).expect("a link");
        let run = world.run_in_shell("ulimit -v 4000000; exec \"$0\" check --offline --only bans");
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        let run = world.run_in_shell("ulimit -v 4000000; exec \"$0\" db status");
        assert!([0, 70].contains(&run.code), "{name}: {}", run.stderr);
    }
}

#[test]
fn endless_or_huge_advisory_is_reported() {
    let world = World::locked(FIXTURE);
    let path = world.path("../db/crates/time/RUSTSEC-2026-0009.md");
    fs::File::options()
        .append(true)
        .open(&path)
        .and_then(|file| file.set_len(4 << 30))
        .expect("a sparse file");
    let report = world.check("--only advisories");
    assert_eq!(report.code, 70);
    expect![[r#"
        error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/db`: failed to read `[world]/db/crates/time/RUSTSEC-2026-0009.md`: larger than 1 MiB; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn advisories_truncated_while_they_are_read_do_not_crash() {
    let world = World::locked(FIXTURE);
    // Longer than a page: what is missing of a mapped one cannot be read.
    let path = "../db/crates/time/RUSTSEC-2026-0009.md";
    world.write(path, format!("{}{}", world.read(path), "text\n".repeat(20_000)));
    world.fetched_advisories(Duration::ZERO);
    let file = world.path(&format!("{DATABASE}/crates/time/RUSTSEC-2026-0009.md"));
    let text = fs::read(&file).expect("an advisory");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let open = fs::File::options().write(true).open(&file).expect("the file is there");
                open.set_len(300).expect("cut off");
                thread::yield_now();
                drop(open);
                fs::write(&file, &text).expect("written");
            }
        });
        // Also when the harness panics, as it does on a program that a signal ends.
        let _done = Done(&done);
        for _ in 0..10 {
            let words = ["check", "--offline", "--no-cache", "--only", "advisories"];
            let run = world.run(&words);
            assert!([0, 1, 70].contains(&run.code), "{}", run.stderr);
        }
    });
}

/// Says so when it is dropped.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
