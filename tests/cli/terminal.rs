//! Whatever a repository writes into names, paths, requirements, comments and policies: nothing of it moves
//! the cursor of a terminal, hides what is shown, or turns its direction.

use std::fs;

use crate::harness::{Run, World};

/// What a test shows of a run: colored, as at a terminal.
fn colored(world: &mut World, words: &[&str]) -> Run {
    world.set("CLICOLOR_FORCE", "1");
    world.run(words)
}

/// `text` without the colors and links that the program itself writes.
fn without_colors(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        let digits = |c: char| c.is_ascii_digit() || c == ';';
        if let Some(color) = after.strip_prefix('[') {
            let end = color.trim_start_matches(digits);
            let (numbers, _) = color.split_at(color.len() - end.len());
            // Bold, dimmed and colors; never hidden, blinking or reversed.
            let ours = |one: &str| {
                matches!(one.parse(), Ok(0..=2 | 30..=39 | 90..=97)) || one.is_empty() || one == "5"
            };
            if end.starts_with('m') && numbers.split(';').all(ours) {
                rest = &end[1..];
                continue;
            }
        }
        if let Some((link, end)) =
            after.strip_prefix("]8;;").and_then(|link| link.split_once('\u{1b}'))
            && let Some(end) = end.strip_prefix('\\')
        {
            plain.push_str(link);
            rest = end;
            continue;
        }
        plain.push('\u{1b}');
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Nothing harmful is in what is written, and `traces` are.
fn check(run: &Run, traces: &[&str]) {
    for (name, text) in [("output", &run.stdout), ("error", &run.stderr)] {
        let text = without_colors(text).replace("\r\n", "\n");
        let harmful = |c: char| {
            c.is_control() && !matches!(c, '\n' | '\t')
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let found = text.find(harmful);
        let around = found.map(|at| text[..at].lines().next_back().unwrap_or_default());
        assert_eq!(around, None, "standard {name}:\n{}", text.escape_debug());
    }
    let both = without_colors(&format!("{}{}", run.stdout, run.stderr));
    for trace in traces {
        assert!(both.contains(trace), "no `{trace}` in:\n{both}");
    }
}

/// What turns the direction of a text, and what clears a terminal, hides a text and sets a title.
const BIDI: &str = "\u{202e}\u{2066}\u{200f}\u{61c}";

fn vulnerable(comment: &str) -> World {
    let manifest = format!(
        "#- crate: time 0.3.44\n#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n\
         edition = \"2021\"\nlicense = \"MIT\" # above {comment}\n[dependencies]\n\
         time = \"0.3.44\" # here {comment}\n# below {comment}\n"
    );
    World::locked(&manifest).with(
        "#- crate: time 0.3.47\n\
         #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A \u{202e}date\u{9b}2J\n",
    )
}

#[test]
fn diff_of_a_fix_escapes_bidirectional_characters() {
    let mut world = vulnerable(BIDI);
    let db = world.path("../db");
    let words = ["fix", "--dry-run", "--offline", "--only", "advisories", "--db", &db];
    let run = colored(&mut world, &words);
    check(
        &run,
        &[
            "+time = \"0.3.47\" # here \\u{202e}\\u{2066}\\u{200f}\\u{61c}",
            " # below \\u{202e}\\u{2066}\\u{200f}\\u{61c}",
        ],
    );
}

#[test]
fn source_line_of_a_finding_is_escaped() {
    let mut world = vulnerable(BIDI);
    let db = world.path("../db");
    let run = colored(&mut world, &["check", "--offline", "--db", &db]);
    check(&run, &["RUSTSEC-2026-0009", "# here"]);
    check(&colored(&mut world, &["explain", "RUSTSEC-2026-0009", "--db", &db]), &["time"]);
    check(&colored(&mut world, &["explain", "time", "--offline", "--db", &db]), &["0.3.44"]);
}

#[cfg(unix)]
#[test]
fn folder_names_with_control_characters_are_escaped() {
    let folder = "a\u{1b}c\u{202e}\u{9b}31m\n\u{7}";
    let mut world = World::new("");
    for file in ["deny.toml", "Cargo.toml", "src/lib.rs"] {
        let text = match file {
            "deny.toml" => "[licenses]\nallow = [\"Zlib\"]\n",
            "Cargo.toml" => {
                "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n"
            }
            _ => "",
        };
        world.write(&format!("{folder}/{file}"), text);
    }
    world.lock(folder);
    let db = world.path("../db");
    let escaped = "a\\u{1b}c\\u{202e}\\u{9b}31m\\n\\u{7}";
    let at_line = format!("{escaped}/Cargo.toml:");
    let run = colored(&mut world, &["check", "--offline", "--db", &db]);
    check(&run, &[&at_line, escaped]);
    check(&colored(&mut world, &["fix", "--dry-run", "--offline", "--db", &db]), &[escaped]);
    check(&colored(&mut world, &["init", folder, "--offline", "--db", &db]), &[escaped]);
    // An error may have lines.
    let missing = colored(&mut world, &["check", &format!("{folder}/none")]);
    check(&missing, &["a\\u{1b}c\\u{202e}\\u{9b}31m"]);
    check(&colored(&mut world, &["explain", "m", &format!("--path={folder}"), "--db", &db]), &[]);
}

#[test]
fn values_of_manifests_and_policies_are_escaped() {
    let harm = r"\u001b[2J\u001b]0;title\u0007\u001b[8m\u202e\u009b2J\u000d";
    let manifest = |line: &str| {
        format!(
            "#- crate: time 0.3.44\n#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n\
             edition = \"2021\"\n{line}\n"
        )
    };
    let lines = [
        format!("license = \"MIT OR {harm}\""),
        format!("license = \"MIT\"\nlicense-file = \"{harm}\""),
        format!("license = \"MIT\"\n[dependencies]\ntime = \"0.3{harm}\""),
        format!(
            "license = \"MIT\"\n[dependencies]\ntime = {{ version = \"0.3\", registry = \"{harm}\" }}"
        ),
        format!("license = \"MIT\"\n[dependencies]\ntime = {{ path = \"{harm}\" }}"),
        format!("license = \"MIT\"\n[dependencies]\ntime = {{ git = \"file:///{harm}\" }}"),
        format!("license = \"MIT\"\n[dependencies]\n\"{harm}\" = \"1\""),
        format!("license = \"MIT\"\n[workspace]\nmembers = [\"{harm}\"]"),
        format!("license = \"MIT\"\n[features]\n\"{harm}\" = []"),
    ];
    let policies = [
        format!("\"{harm}\" = 1"),
        format!("advisories.ignore = [{{ id = \"RUSTSEC-2000-0002\", reason = \"{harm}\" }}]"),
        format!("advisories.db-urls = [\"https://example.org/{harm}\"]"),
        format!("licenses.allow = [\"MIT\", \"{harm}\"]"),
        format!("bans.deny = [{{ crate = \"time\", reason = \"{harm}\" }}, \"{harm}\"]"),
        format!("sources.allow-registry = [\"{harm}\"]"),
    ];
    let plain = "license = \"MIT\"\n[dependencies]\ntime = \"0.3\"".to_owned();
    let worlds = lines.iter().map(|line| (line, None));
    let worlds = worlds.chain(policies.iter().map(|policy| (&plain, Some(policy))));
    for (line, policy) in worlds {
        let mut world = World::new(&manifest(line));
        if let Some(policy) = policy {
            world.write("deny.toml", policy);
        }
        let db = world.path("../db");
        for words in [
            &["check", "--offline", "--db", &db][..],
            &["fix", "--dry-run", "--offline", "--db", &db],
            &["explain", "m", "--offline", "--db", &db],
            &["db", "status"],
        ] {
            check(&colored(&mut world, words), &[]);
        }
    }
}

#[test]
fn printed_policy_equals_the_written_one() {
    let mut world = vulnerable("");
    let db = world.path("../db");
    let printed = colored(&mut world, &["init", "--print", "--offline", "--db", &db]).stdout;
    world.run_that_writes(&["init", "--offline", "--db", &db]);
    let written = fs::read_to_string(world.path("deny.toml")).expect("it was written");
    assert_eq!(printed, written);
}
