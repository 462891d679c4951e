//! What lies outside of the named folder is changed only with `--allow outside`; diffs apply in the named folder.

use expect_test::expect;

use super::{LATER, TIME, fix, package};
use crate::harness::{Run, World};

/// A workspace in `app` that depends on a package in `lib`, which has this requirement.
fn world(requirement: &str) -> World {
    let lib = format!(
        "#- lib/Cargo.toml\n[package]\nname = \"lib\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
         [dependencies]\ntime = \"{requirement}\"\n"
    );
    let app = package("lib = { path = \"../lib\" }\ntime = \"0.3.44\"").replace("#- ", "#- app/");
    let world = World::new(&format!("{TIME}{app}{lib}"));
    world.lock("app");
    world.with(LATER)
}

fn shown(run: &Run) -> String {
    format!("{}{}exit {}\n", run.stdout, run.stderr, run.code)
}

#[test]
fn requirement_outside_is_kept_if_it_accepts_the_version() {
    let world = world("0.3.44");
    let lib = world.read("lib/Cargo.toml");
    let run = fix(&world, "app");
    expect![[r#"
        app
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          warning: the requirement of `time` was not raised: `../lib/Cargo.toml` is outside `[work]/app`; pass `--allow outside` to change it
          2 files changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&shown(&run));
    assert_eq!(world.read("lib/Cargo.toml"), lib);
    assert!(world.read("app/Cargo.toml").contains("0.3.47"));
}

#[test]
fn requirement_outside_that_rejects_the_version_is_the_reason() {
    let world = world("=0.3.44");
    let run = fix(&world, "app");
    expect![[r#"
        app
          error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            `../lib/Cargo.toml` is outside `[work]/app`; pass `--allow outside` to change it
          nothing to change; gate: fails
        exit 1
    "#]]
    .assert_eq(&shown(&run));
    let run = fix(&world, "app --allow outside");
    expect![[r#"
        app
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          changed `lib/Cargo.toml` (outside of the named folders)
          3 files changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&shown(&run));
    assert!(world.read("lib/Cargo.toml").contains("=0.3.47"));
}

#[test]
fn vendored_copies_and_other_repositories_are_outside() {
    for (folder, mark) in [("vendor/x", None), ("x", Some("x/.git")), ("x", Some("x/.cargo-ok"))] {
        let other = format!(
            "#- {folder}/Cargo.toml\n[package]\nname = \"x\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
             [dependencies]\ntime = \"=0.3.44\"\n"
        );
        let own = package(&format!("x = {{ path = \"{folder}\" }}"));
        let world = World::locked(&format!("{TIME}{own}{other}")).with(LATER);
        if let Some(mark) = mark {
            world.write(mark, "");
        }
        let run = fix(&world, "");
        assert!(run.stdout.contains("pass `--allow outside` to change it"), "{}", run.stdout);
        assert!(world.read(&format!("{folder}/Cargo.toml")).contains("=0.3.44"));
        assert_eq!(fix(&world, "--allow outside").code, 0);
        assert!(world.read(&format!("{folder}/Cargo.toml")).contains("=0.3.47"));
    }
}

#[cfg(unix)]
#[test]
fn member_through_a_link_is_where_the_link_leads() {
    for (to, is_inside) in [("../real/m", true), ("../../elsewhere/m", false)] {
        let real = to.trim_start_matches("../");
        let real = if is_inside { real.to_owned() } else { format!("../{real}") };
        let world = World::new(&format!(
            "{TIME}#- Cargo.toml\n[workspace]\nmembers = [\"crates/m\"]\nresolver = \"2\"\n\
             #- {real}/Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [dependencies]\ntime = \"=0.3.44\"\n"
        ));
        world.folder("crates");
        std::os::unix::fs::symlink(to, world.path("crates/m")).expect("a link");
        world.lock("");
        let world = world.with(LATER);
        let run = fix(&world, "");
        let manifest = world.read(&format!("{real}/Cargo.toml"));
        if is_inside {
            assert_eq!((run.code, manifest.contains("=0.3.47")), (0, true), "{}", shown(&run));
        } else {
            assert_eq!((run.code, manifest.contains("=0.3.44")), (1, true), "{}", shown(&run));
            assert!(run.stdout.contains("`../elsewhere/m/Cargo.toml` is outside `[work]`"));
            let run = fix(&world, "--allow outside");
            assert_eq!(run.code, 0, "{}", shown(&run));
            assert!(world.read(&format!("{real}/Cargo.toml")).contains("=0.3.47"));
        }
        assert!(std::fs::symlink_metadata(world.path("crates/m")).expect("there").is_symlink());
    }
}

/// The files as a `fix` writes them, and as `git apply` makes them from the diff of `--dry-run`.
fn check_diff(world: &World, words: &str, folder: &str, files: &[&str]) {
    let dry = fix(world, &format!("--dry-run {words}"));
    let before: Vec<_> = files.iter().map(|file| world.read(file)).collect();
    world.write("../change.diff", &dry.stdout);
    world.git(folder, &["apply", "--whitespace=nowarn", &world.path("../change.diff")]);
    let applied: Vec<_> = files.iter().map(|file| world.read(file)).collect();
    for (file, text) in files.iter().zip(&before) {
        world.write(file, text);
    }
    fix(world, words);
    let written: Vec<_> = files.iter().map(|file| world.read(file)).collect();
    assert_eq!(applied, written, "{}", dry.stdout);
    assert!(applied.iter().zip(&before).all(|(after, before)| after != before), "{}", dry.stdout);
}

#[test]
fn diff_applies_in_the_named_folder() {
    check_diff(&world("=0.3.44"), "app --allow outside", "", &["app/Cargo.toml", "lib/Cargo.toml"]);
    check_diff(&world("0.3"), "app", "app", &["app/Cargo.toml", "app/Cargo.lock"]);
    let world = world("0.3");
    let dry = fix(&world, "--dry-run app");
    let first = dry.stdout.lines().next();
    assert_eq!(first, Some("changes in `app`, for `git apply` there:"));
}

#[test]
fn diff_of_a_member_applies_in_the_root() {
    let member = package("time = \"0.3.44\"").replace("#- ", "#- m/");
    let world = World::locked(&format!(
        "{TIME}#- Cargo.toml\n[workspace]\nmembers = [\"m\"]\nresolver = \"2\"\n{member}"
    ));
    check_diff(&world.with(LATER), "m", "", &["m/Cargo.toml", "Cargo.lock"]);
}

#[test]
fn diff_of_unusual_texts_applies() {
    let texts: [fn(&str) -> String; 3] = [
        |text| text.replace('\n', "\r\n"),
        |text| {
            format!(
                "\u{feff}{}",
                text.replace(
                    "[package]\nname = \"m\"\n",
                    "package.name = \"m\"\n[package.metadata]\n[package.badges]\n"
                )
            )
        },
        |text| text.trim_end().to_owned(),
    ];
    for (index, with) in texts.into_iter().enumerate() {
        let world = World::locked(&format!("{TIME}{}", package("time = \"0.3.44\""))).with(LATER);
        let manifest = world.read("Cargo.toml");
        if index == 1 {
            // The first line, with the byte order mark, is near the change.
            let inline = "package = { name = \"m\", version = \"0.1.0\", edition = \"2021\" }\n[dependencies]\ntime = \"0.3.44\"\n";
            world.write("Cargo.toml", format!("\u{feff}{inline}"));
        } else {
            world.write("Cargo.toml", with(&manifest));
        }
        check_diff(&world, "", "", &["Cargo.toml", "Cargo.lock"]);
    }
}

#[test]
fn diffs_of_several_workspaces_apply_one_after_the_other() {
    let fuzz = package("m = { path = \"..\" }\ntime = \"0.3.44\"\n[workspace]")
        .replace("#- ", "#- a b/")
        .replace("name = \"m\"", "name = \"f\"");
    let world = World::locked(&format!("{TIME}{}{fuzz}", package("time = \"0.3.44\"")));
    world.lock("a b");
    let world = world.with(LATER);
    let files = ["Cargo.toml", "Cargo.lock", "a b/Cargo.toml", "a b/Cargo.lock"];
    let db = world.path("../db");
    let words = ["fix", "--offline", "--only", "advisories", "--db", &db, ".", "a b"];
    let dry = world.run(&[&words[..], &["--dry-run"]].concat());
    world.write("../change.diff", &dry.stdout);
    let before = files.map(|file| world.read(file));
    world.git("", &["apply", &world.path("../change.diff")]);
    let applied = files.map(|file| world.read(file));
    for (file, text) in files.iter().zip(&before) {
        world.write(file, text);
    }
    world.run_that_writes_anywhere(&words);
    assert_eq!(applied, files.map(|file| world.read(file)), "{}", dry.stdout);
    let locks = applied.iter().filter(|text| text.contains("[[package]]"));
    assert!(locks.clone().count() == 2 && locks.clone().all(|text| text.contains("0.3.47")));
}
