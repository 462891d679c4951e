//! The programs that are started: which ones, in what environment, and what they may write to.

use std::{fs, time::Duration};

use expect_test::expect;

use crate::harness::{DATABASE_URL, World};

const PACKAGE: &str = r#"
#- crate: plain 1.0.0 (MIT)
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
plain = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
#- notes
mine
"#;

/// Whether the kernel supports confining a process.
#[cfg(target_os = "linux")]
fn kernel_confines() -> bool {
    use landlock::{
        AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetStatus,
    };

    // It holds for the thread that asks.
    let asked = std::thread::spawn(|| {
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::SoftRequirement)
            .handle_access(AccessFs::Refer)
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self);
        rules.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    });
    asked.join().expect("no panic")
}

#[cfg(not(target_os = "linux"))]
fn kernel_confines() -> bool {
    false
}

/// Cargo, or what it starts, tries to write where it has no business.
fn try_to_write_elsewhere(mut world: World) {
    let (work, all) = (world.path(""), world.path("../"));
    let script = format!(
        "exec 2>/dev/null\n\
         for place in '{work}' '{all}' \"$HOME\" '{all}/temp'; do\n\
           echo x > \"$place/new\"; mkdir \"$place/folder\"; ln -s / \"$place/link\"\n\
         done\n\
         ln '{work}/notes' linked; mv '{work}/notes' \"$CARGO_HOME/notes\"\n\
         echo '[bans]' >> '{work}/deny.toml'\n\
         echo x > inside && pwd >> \"$CARGO_HOME/inside\"\n\
         echo x > \"$TMPDIR/inside\" && echo \"$TMPDIR\" >> \"$CARGO_HOME/temporary\""
    );
    world.before_cargo(&script);
    let db = world.path("../db");
    let run = world.run_that_writes_anywhere(&["check", "--offline", "--db", &db]);
    // In any case it has worked.
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let is_there = |path: String| fs::symlink_metadata(path).is_ok();
    let written = ["", "../", "../home", "../temp"].map(|folder| {
        ["new", "folder", "link"].map(|name| is_there(format!("{}/{name}", world.path(folder))))
    });
    let confined = kernel_confines();
    assert_eq!(written, [[!confined; 3]; 4]);
    assert_eq!(is_there(world.path("notes")), confined);
    assert_eq!(world.read("deny.toml").contains("[bans]"), !confined);
    if confined {
        // Where it runs in a copy, it may write there.
        let inside = fs::read_to_string(world.path("../cargo/inside")).unwrap_or_default();
        assert!(!inside.lines().any(|folder| folder == work), "{inside}");
        assert_eq!(inside.is_empty(), is_there(world.path("Cargo.lock")), "{inside}");
    }
    let temporary = world.read("../cargo/temporary");
    assert!(temporary.lines().count() > 0, "cargo has a place for temporary files");
    assert!(!confined || !temporary.contains(&format!("{all}/temp\n")), "{temporary}");
}

#[test]
fn cargo_in_the_workspace_cannot_write_to_it_or_its_parents() {
    try_to_write_elsewhere(World::locked(PACKAGE));
}

#[test]
fn cargo_in_a_copy_cannot_write_to_the_originals_or_their_parents() {
    try_to_write_elsewhere(World::new(PACKAGE));
}

/// What cargo needs to write is open to it, wherever it is.
#[test]
fn cargo_fetches_into_a_home_behind_a_link() {
    let mut world = World::new(&format!(
        "{PACKAGE}\n#- ../lib/Cargo.toml\n[package]\nname = \"lib\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n#- ../lib/src/lib.rs\n"
    ));
    let url = "https://git.example.org/lib";
    world.serve_git("../lib", url);
    world.edit(
        "Cargo.toml",
        "plain = \"1\"\n",
        &format!("plain = \"1\"\nlib = {{ git = \"{url}\" }}\n"),
    );
    world.write(
        "../cargo/config.toml",
        format!("{}\n[net]\ngit-fetch-with-cli = true\n", world.read("../cargo/config.toml")),
    );
    std::os::unix::fs::symlink(world.path("../cargo"), world.path("../home/.cargo-link"))
        .expect("a link");
    world.set("CARGO_HOME", &world.path("../home/.cargo-link"));
    let db = world.path("../db");
    let report = world.report(&["--db", &db, "--only", "bans,licenses"]);
    assert_eq!((report.code, report.with("resolution-failed").len()), (0, 0), "{}", report.shown());
    assert!(fs::read_dir(world.path("../cargo/git/db")).is_ok_and(|mut all| all.next().is_some()));
}

/// Some users keep the large folders on another disk.
#[test]
fn cargo_writes_to_linked_folders_in_its_home() {
    let mut world = World::locked(PACKAGE);
    let links = [
        ("registry", "../disk/registry"),
        ("git", "../disk/git"),
        (".global-cache", "../disk/cache"),
    ];
    world.folder("../disk");
    for (name, target) in links {
        let link = world.path(&format!("../cargo/{name}"));
        if fs::metadata(&link).is_ok() {
            fs::rename(&link, world.path(target)).expect("it can be moved");
        } else if name.starts_with('.') {
            world.write(target, "");
        } else {
            world.folder(target);
        }
        std::os::unix::fs::symlink(world.path(target), &link).expect("a link can be made");
    }
    world.folder("../disk/cache-of-registry");
    let inner = world.path("../disk/registry/new");
    std::os::unix::fs::symlink(world.path("../disk/cache-of-registry"), inner).expect("a link");
    world.let_write("../disk");
    world.before_cargo(
        "for file in registry/package registry/new/package git/package .global-cache; do\n\
           echo x >> \"$CARGO_HOME/$file\" || exit 1\n\
         done",
    );
    let report = world.check("");
    assert_eq!(report.code, 0, "{}", report.shown());
}

/// The variables of a child that decide what it says and does, in order.
fn variables(world: &World, file: &str, starts: &[&str]) -> String {
    let all = world.read(file);
    let mut lines: Vec<_> =
        all.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn environment_of_cargo_does_not_depend_on_the_users() {
    let mut world = World::locked(PACKAGE);
    world.before_cargo("env > \"$CARGO_HOME/variables\"");
    world.let_write("../cargo/variables");
    for (name, value) in [
        ("RUST_BACKTRACE", "full"),
        ("RUST_LIB_BACKTRACE", "1"),
        ("CARGO_LOG", "trace"),
        ("CARGO_LOG_PROFILE", "true"),
        ("CARGO_TERM_COLOR", "always"),
        ("CARGO_TERM_QUIET", "true"),
        ("CARGO_TERM_VERBOSE", "true"),
        ("CARGO_TERM_PROGRESS_WHEN", "always"),
        ("CARGO_TERM_PROGRESS_WIDTH", "80"),
        ("RUSTC_WRAPPER", "/nowhere/sccache"),
        ("RUSTUP_AUTO_INSTALL", "1"),
        ("RUSTUP_LOG", "debug"),
    ] {
        world.set(name, value);
    }
    // The configuration has no say either.
    world.write(
        ".cargo/config.toml",
        "[term]\nverbose = true\nquiet = true\n[build]\nrustc-wrapper = \"/nowhere/sccache\"\nbuild-dir = \"built\"\n",
    );
    let starts = [
        "CARGO_LOG",
        "CARGO_TERM_",
        "RUST_",
        "RUST_LIB_",
        "RUSTC_",
        "RUSTUP_AUTO",
        "RUSTUP_DIST",
        "RUSTUP_LOG",
    ];
    assert_eq!(world.check("").code, 0);
    expect![[r#"
        CARGO_TERM_COLOR=never
        CARGO_TERM_HYPERLINKS=false
        CARGO_TERM_PROGRESS_WHEN=never
        CARGO_TERM_PROGRESS_WIDTH=80
        CARGO_TERM_QUIET=false
        CARGO_TERM_UNICODE=false
        CARGO_TERM_VERBOSE=false
        RUSTC_WORKSPACE_WRAPPER=
        RUSTC_WRAPPER=
        RUSTUP_AUTO_INSTALL=0
        RUSTUP_DIST_SERVER=file:///nowhere
        RUST_BACKTRACE=0
        RUST_LIB_BACKTRACE=0"#]]
    .assert_eq(&variables(&world, "../cargo/variables", &starts));
    // With a network rustup may do what it does for cargo.
    let db = world.path("../db");
    assert_eq!(world.report(&["--db", &db, "--no-cache"]).code, 0);
    expect!["RUSTUP_AUTO_INSTALL=1"].assert_eq(&variables(
        &world,
        "../cargo/variables",
        &["RUSTUP_AUTO", "RUSTUP_DIST"],
    ));
}

/// Cargo keeps what rustc says of itself for the next time, as it does for the user.
#[test]
fn rustc_is_not_started_again_for_each_check() {
    let mut world = World::locked(PACKAGE);
    world.write(
        "../fake/rustc",
        "#!/bin/sh\necho \"$*\" >> \"$CARGO_HOME/started\"\nunset RUSTC\nexec rustc \"$@\"\n",
    );
    world.make_executable("../fake/rustc");
    world.set("RUSTC", &world.path("../fake/rustc"));
    world.let_write("../cargo/started");
    let started = |world: &World| {
        let all = fs::read_to_string(world.path("../cargo/started")).unwrap_or_default();
        all.lines().count()
    };
    assert_eq!(world.check("").code, 0);
    let first = started(&world);
    assert!(first > 0, "cargo asks rustc");
    // Each of the next checks starts cargo, in the workspace and, after another edit, in a copy.
    for (before, after) in [("plain = \"1\"", "plain = \"1.0\""), ("0.1.0", "0.1.1")] {
        world.edit("Cargo.toml", before, after);
        assert_eq!(world.check("").code, 0);
        assert_eq!(started(&world), first, "after {after}");
    }
    // A wrapper is off, wherever it is named.
    world.write(".cargo/config.toml", "[build]\nrustc-wrapper = \"/nowhere/sccache\"\n");
    assert_eq!(world.check("").code, 0);
    fs::remove_dir_all(world.path(".cargo")).expect("it was written");
    #[cfg(unix)]
    {
        // Cargo looks above the real folder of a link.
        let configuration = "[build]\nrustc-wrapper = \"/nowhere/sccache\"\n";
        world.write("../elsewhere/.cargo/config.toml", configuration);
        for file in ["Cargo.toml", "Cargo.lock", "deny.toml"] {
            world.write(&format!("../elsewhere/work/{file}"), world.read(file));
        }
        world.write("../elsewhere/work/src/lib.rs", "");
        let link = world.path("../opened");
        std::os::unix::fs::symlink(world.path("../elsewhere/work"), &link).expect("a link");
        assert_eq!(world.check(&format!("--manifest-path {link}/Cargo.toml")).code, 0);
    }
    world.set("CARGO_BUILD_RUSTC_WRAPPER", "/nowhere/sccache");
    assert_eq!(world.check("").code, 0);
}

#[test]
fn git_uses_english_and_ignores_repository_variables() {
    let mut world = World::locked(PACKAGE);
    world.fetched_advisories(Duration::from_secs(2 * 60 * 60));
    world.write(
        "../fake/git",
        format!(
            "#!/bin/sh\nenv > '{}'\nPATH=${{PATH#*:}}\nexec git \"$@\"\n",
            world.path("../variables")
        ),
    );
    world.make_executable("../fake/git");
    world.let_write("../variables");
    for (name, value) in [
        ("GIT_DIR", "/nowhere"),
        ("GIT_COMMON_DIR", "/nowhere"),
        // The user's own configuration counts, what it may not turn on is off all the same.
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
        ("GIT_CONFIG_VALUE_0", "/nowhere/monitor"),
        ("GIT_NAMESPACE", "other"),
        ("GIT_SSL_NO_VERIFY", "0"),
        ("GIT_TRACE", "2"),
        ("LC_ALL", "de_DE.UTF-8"),
    ] {
        world.set(name, value);
    }
    world.first_on_path("../fake");
    let report = world.report(&[]);
    assert_eq!(report.code, 0, "{}", report.shown());
    assert_eq!(report.with("no-advisory-database").len(), 0);
    let kept = variables(&world, "../variables", &["GIT_", "LC_ALL"]);
    for expected in [
        "GIT_CONFIG_KEY_0=core.fsmonitor",
        "GIT_SSL_NO_VERIFY=0",
        "GIT_TERMINAL_PROMPT=0",
        "LC_ALL=C",
    ] {
        assert!(kept.lines().any(|line| line == expected), "{kept}");
    }
    for other in ["GIT_DIR", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_TRACE"] {
        assert!(!kept.contains(other), "{kept}");
    }
}

/// Programs of these names in the checked folder, each of which would leave a mark.
fn with_programs_of_its_own() -> World {
    let world = World::locked(PACKAGE);
    world.serve_git("../db", DATABASE_URL);
    for program in ["cargo", "git", "sh", "bin/cargo", "bin/git", "bin/sh"] {
        world.write(program, format!("#!/bin/sh\necho >> '{}'\n", world.path("../cargo/started")));
        world.make_executable(program);
    }
    world
}

#[test]
fn cargo_with_relative_path_is_refused() {
    for path in ["./cargo", "bin/cargo", "../work/cargo"] {
        let mut world = with_programs_of_its_own();
        world.set("CARGO", path);
        let report = world.check("--only bans");
        let shown = report.shown();
        assert_eq!(report.code, 70, "{shown}");
        let expected = format!(
            "could not start `{path}`: relative paths are not allowed, as they could name a program of the checked folder; \
             use an absolute path, or a name that is looked up in `PATH`"
        );
        assert!(shown.contains(&expected), "{shown}");
        assert!(fs::metadata(world.path("../cargo/started")).is_err(), "{path}");
    }
}

#[test]
fn relative_entries_of_path_are_skipped() {
    let mut world = with_programs_of_its_own();
    let path = world.variable("PATH").to_owned();
    world.set("PATH", &format!(".::bin:./bin:{path}"));
    // Cargo and git are found further on.
    let report = world.report(&[]);
    assert_eq!(report.code, 0, "{}", report.shown());
    world.set("PATH", ".::bin");
    let report = world.report(&["--no-cache"]);
    assert_eq!(report.code, 70, "{}", report.shown());
    assert!(report.shown().contains("not found in any absolute folder of `PATH`"));
    let update = world.run(&["db", "update"]);
    assert!(
        update.stderr.contains("not found in any absolute folder of `PATH`"),
        "{}",
        update.stderr
    );
    assert!(
        fs::metadata(world.path("../cargo/started")).is_err(),
        "a program of the folder was started"
    );
}

#[test]
fn program_name_is_looked_up_in_path() {
    let mut world = World::locked(PACKAGE);
    world.set("CARGO", "cargo");
    assert_eq!(world.check("").code, 0);
    world.set("CARGO", "cargo-that-is-not-there");
    assert!(
        world
            .check("")
            .shown()
            .contains("`cargo-that-is-not-there`: not found in any absolute folder")
    );
}

/// As on a machine where cargo has never run: a proxy of rustup makes its home, and cargo its own.
#[test]
fn missing_homes_of_the_tools_are_created() {
    let mut world = World::new(PACKAGE);
    world.set("CARGO_HOME", &world.path("../home/new/cargo"));
    world.let_write("../home/new");
    world.set("RUSTUP_HOME", &world.path("../home/new/rustup"));
    world.write(
        "../tools/cargo",
        "#!/bin/sh\nmkdir -p \"$RUSTUP_HOME/tmp\" \"$CARGO_HOME/registry\"\necho '{\"packages\": 1}'\n",
    );
    world.write("../tools/rustup", "#!/bin/sh\n");
    for tool in ["../tools/cargo", "../tools/rustup"] {
        world.make_executable(tool);
    }
    world.set("CARGO", &world.path("../tools/cargo"));
    let report = world.check("--only bans");
    assert_eq!(report.code, 70, "{}", report.shown());
    for made in ["rustup/tmp", "cargo/registry"] {
        assert!(fs::metadata(world.path(&format!("../home/new/{made}"))).is_ok(), "{made}");
    }
}
