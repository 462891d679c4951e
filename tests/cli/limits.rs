//! Limits against malicious repositories: each is one finding on the line that causes it, and everything else is still
//! checked.

use std::fs;

use expect_test::expect;

use crate::harness::{Report, World};

const PACKAGE: &str = r#"
#- crate: a 1.0.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- advisory: RUSTSEC-2026-0001 a: Something
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
a = "1"
gpl = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

const OVER: &str = "supercargo::over-limit";

/// The only finding of its kind; the vulnerability is still found, and there is no verdict.
fn over_limit(report: &Report) -> (String, usize, String) {
    assert_eq!(report.code, 70, "{}", report.shown());
    assert_eq!(report.with("RUSTSEC-2026-0001").len(), 1, "{}", report.shown());
    let found = report.with(OVER);
    assert_eq!(found.len(), 1, "{}", report.shown());
    let location = &found[0].locations[0];
    (location.file.clone(), location.start.line, found[0].message.clone())
}

#[cfg(unix)]
mod license_texts {
    use super::*;

    /// The package states its license by a file.
    fn by_file(file: &str) -> World {
        let world = World::locked(PACKAGE);
        world.edit("Cargo.toml", "license = \"MIT\"", &format!("license-file = \"{file}\""));
        world
    }

    fn pipe(world: &World, path: &str) {
        let made = std::process::Command::new("mkfifo").arg(world.path(path)).status();
        assert!(made.expect("`mkfifo` runs").success());
    }

    fn link(world: &World, path: &str, to: &str) {
        std::os::unix::fs::symlink(to, world.path(path)).expect("a link can be made");
    }

    #[test]
    fn license_file_that_never_ends_is_reported_on_its_line() {
        type Made<'m> = (&'m str, &'m dyn Fn(&World));
        let named: [Made<'_>; 4] = [
            ("LICENSE", &|world| link(world, "LICENSE", "/dev/zero")),
            ("LICENSE", &|world| pipe(world, "LICENSE")),
            ("/dev/zero", &|_| {}),
            ("text", &|world| {
                let file = fs::File::create(world.path("text")).expect("a file");
                file.set_len(1 << 40).expect("a file with a hole");
            }),
        ];
        for (file, make) in named {
            let world = by_file(file);
            make(&world);
            let run = world.human("--format json");
            let report = World::read_again(run);
            let (location, line, message) = over_limit(&report);
            assert_eq!((location.as_str(), line), ("[work]/Cargo.toml", 5));
            let why = if file == "text" { "larger than 4 MiB" } else { "not a regular file" };
            let expected =
                format!("could not determine the license of `m` 0.1.0: `{file}` is {why}");
            assert_eq!(message, expected);
            assert_eq!(report.with("rejected").len(), 1, "the other packages: {}", report.shown());
        }
    }

    #[test]
    fn license_file_that_is_standard_input_is_not_opened() {
        let direct = by_file("/dev/stdin");
        let linked = by_file("LICENSE");
        link(&linked, "LICENSE", "/dev/stdin");
        let clarified = World::locked(PACKAGE);
        clarified.write(
            "deny.toml",
            "[licenses]\nallow = [\"MIT\"]\n[[licenses.clarify]]\ncrate = \"m\"\nexpression = \"MIT\"\nlicense-files = [{ path = \"/dev/stdin\", hash = 1 }]\n",
        );
        for world in [direct, linked, clarified] {
            let db = world.path("../db");
            // What is left of standard input comes after the report.
            let run = world.run_in_shell(&format!(
                "echo left | {{ \"$0\" check --offline --db '{db}'; echo \"code $?\"; cat; }}"
            ));
            assert!(run.stdout.ends_with("code 70\nleft\n"), "{}", run.stdout);
            assert!(run.stdout.contains("is not a regular file"), "{}", run.stdout);
        }
    }

    #[test]
    fn clarification_of_a_device_is_reported_in_the_policy() {
        let world = World::locked(PACKAGE);
        let clarify = "\n[[licenses.clarify]]\ncrate = \"gpl\"\nexpression = \"MIT\"\nlicense-files = [{ path = \"/dev/zero\", hash = 1 }]\n";
        world.write("deny.toml", world.read("deny.toml") + clarify);
        let report = world.check("");
        let (location, line, message) = over_limit(&report);
        assert_eq!((location.as_str(), line), ("[work]/deny.toml", 7));
        expect!["`/dev/zero` is not a regular file: this clarification is ignored, and the licenses check is incomplete"]
            .assert_eq(&message);
        assert_eq!(report.with("rejected").len(), 1, "{}", report.shown());
    }

    #[test]
    fn huge_license_text_skips_only_the_license_check() {
        let world = World::locked(PACKAGE);
        world.edit("Cargo.toml", "license = \"MIT\"\n", "");
        let file = fs::File::create(world.path("LICENSE-MIT")).expect("a file");
        file.set_len(1 << 40).expect("a file with a hole");
        drop(file);
        let run = world.run_in_shell(&format!(
            "\"$0\" check --offline --format json --db '{}'",
            world.path("../db")
        ));
        let report = World::read_again(run);
        let (location, line, message) = over_limit(&report);
        assert_eq!((location.as_str(), line), ("[work]/Cargo.toml", 2));
        expect!["could not determine the license of `m` 0.1.0: `LICENSE-MIT` is larger than 4 MiB"]
            .assert_eq(&message);
        assert!(report.with("rejected").is_empty());
    }

    #[test]
    fn unused_pipe_is_no_finding() {
        let world = World::locked(PACKAGE);
        pipe(&world, "LICENSE");
        let report = world.check("");
        assert_eq!((report.with(OVER).len(), report.code), (0, 5), "{}", report.shown());
    }
}

#[test]
fn policy_with_200000_entries_skips_only_that_check() {
    let world = World::locked(PACKAGE);
    let plain = world.read("deny.toml");
    let strings: Vec<_> = (0..200_000).map(|number| format!("\"b{number}\",\n")).collect();
    let strings = strings.concat();
    let tables = "[[bans.skip]]\ncrate = \"s\"\n".repeat(200_000);
    for (text, list, line) in [
        (format!("{plain}[bans]\ndeny = [\n{strings}]\n"), "bans.deny", 4),
        (format!("{plain}[bans]\nskip = [\n{strings}]\n"), "bans.skip", 4),
        (format!("{plain}{tables}"), "bans.skip", 3),
    ] {
        world.write("deny.toml", text);
        let report = world.check("");
        let (location, at, message) = over_limit(&report);
        assert_eq!((location.as_str(), at), ("[work]/deny.toml", line));
        let expected =
            format!("`{list}` has 200000 entries, more than 10000: the bans check is not run");
        assert_eq!(message, expected);
        assert_eq!(report.with("rejected").len(), 1, "{}", report.shown());
    }
    let exceptions = "{ crate = \"x\", allow = [\"MIT\"] },\n".repeat(10_001);
    world.write("deny.toml", plain);
    world.write("deny.exceptions.toml", format!("exceptions = [\n{exceptions}]\n"));
    let report = world.check("");
    let (location, at, message) = over_limit(&report);
    assert_eq!((location.as_str(), at), ("[work]/deny.exceptions.toml", 1));
    expect!["`exceptions` has 10001 entries, more than 10000: the licenses check is not run"]
        .assert_eq(&message);
}

#[test]
fn policy_with_10000_entries_is_checked() {
    let world = World::locked(PACKAGE);
    let strings: Vec<_> = (0..10_000).map(|number| format!("\"b{number}\",\n")).collect();
    let strings = strings.concat();
    let plain = world.read("deny.toml");
    world.write("deny.toml", format!("{plain}[bans]\nskip = [\n{strings}]\n"));
    let report = world.check("");
    assert_eq!((report.with(OVER).len(), report.code), (0, 5));
    assert_eq!(report.with("unmatched-skip").len(), 10_000);
}

#[cfg(unix)]
mod members {
    use super::*;

    #[test]
    fn braces_in_a_member_are_reported_by_cargo() {
        let world = World::locked(PACKAGE);
        let braces = "{a,".repeat(200) + &"}".repeat(200);
        let table = format!("[workspace]\nmembers = [\"{braces}\"]\n[package]");
        world.edit("Cargo.toml", "[package]", &table);
        let report = world.check("");
        assert_eq!((report.with("supercargo::resolution-failed").len(), report.code), (1, 70));
    }

    /// Cargo would wait for it.
    #[test]
    fn manifest_that_is_a_pipe_is_reported_on_its_member_or_path() {
        let world = World::locked(PACKAGE);
        world.edit("Cargo.toml", "[package]", "[workspace]\nmembers = [\"m/*\"]\n[package]");
        world.edit("Cargo.toml", "gpl = \"1\"", "local = { path = \"local\" }");
        for folder in ["m/one", "local"] {
            world.folder(folder);
            let path = world.path(&format!("{folder}/Cargo.toml"));
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.expect("`mkfifo` runs").success());
        }
        let run = world.human("--format json");
        let report = World::read_again(run);
        let found = report.with(OVER);
        let lines: Vec<_> = found
            .iter()
            .map(|one| format!("{} {}", one.locations[0].start.line, one.message))
            .collect();
        expect![[r#"
            2 `[work]/m/one/Cargo.toml` is not a regular file
            11 `[work]/local/Cargo.toml` is not a regular file"#]]
        .assert_eq(&lines.join("\n"));
        assert_eq!(report.code, 70);
    }

    #[test]
    fn configuration_that_is_a_pipe_is_reported() {
        for file in [".cargo/config.toml", "rust-toolchain.toml"] {
            let world = World::locked(PACKAGE);
            world.folder(".cargo");
            let made = std::process::Command::new("mkfifo").arg(world.path(file)).status();
            assert!(made.expect("`mkfifo` runs").success());
            let run = world.human("--format json");
            let report = World::read_again(run);
            let found = report.with("supercargo::unreadable-file");
            assert_eq!((found.len(), report.code), (1, 70), "{}", report.shown());
            assert_eq!(found[0].locations[0].file, format!("[work]/{file}"));
        }
    }

    #[test]
    fn huge_files_are_not_read() {
        for (file, limit) in
            [("Cargo.lock", "32 MiB"), ("Cargo.toml", "16 MiB"), ("deny.toml", "16 MiB")]
        {
            let world = World::locked(PACKAGE);
            let old =
                fs::OpenOptions::new().write(true).open(world.path(file)).expect("it is there");
            old.set_len(1 << 40).expect("a file with a hole");
            drop(old);
            let db = world.path("../db");
            let run =
                world.run_in_shell(&format!("\"$0\" check --offline --format json --db '{db}'"));
            assert_eq!(run.code, 70, "{file}: {}", run.stdout);
            let message = format!("could not read `[work]/{file}`: larger than {limit}");
            assert!(run.stdout.contains(&message), "{file}: {}", run.stdout);
        }
    }

    #[test]
    fn config_option_accepts_a_pipe() {
        let world = World::locked(PACKAGE);
        let db = world.path("../db");
        let run = world.run_in_shell(&format!(
            "echo '[licenses]\nallow = [\"MIT\", \"GPL-3.0-only\"]' | \"$0\" check --offline --db '{db}' --config /dev/stdin"
        ));
        assert_eq!(run.code, 1, "{}", run.stdout);
    }
}
