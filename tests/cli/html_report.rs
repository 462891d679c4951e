//! `check --report`: one HTML file for people.

use std::collections::BTreeSet;

use expect_test::expect;
use quick_xml::{Reader, events::Event};
use sha2::{Digest as _, Sha256};

use crate::harness::World;

/// Dependencies of all kinds, an optional one, duplicates, an ignored advisory with its reason.
const WORKSPACE: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: session 2.0.0 -> cookie 0.18
#- crate: syn 1.0.0
#- crate: syn 2.0.0
#- crate: derive 1.0.0 -> syn 1
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- crate: more 1.0.0 (GPL-3.0-only)
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date can exhaust the stack
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is no longer maintained
#- Cargo.toml
[workspace]
members = ["core", "app"]
resolver = "2"
#- core/Cargo.toml
[package]
name = "core-lib"
version = "0.1.0"
edition = "2021"
license = "MIT"

[features]
default = ["login"]
login = ["dep:session"]

[dependencies]
paste = "1.0"
session = { version = "2", optional = true }

[target.'cfg(unix)'.dependencies]
cookie = "0.18"

[build-dependencies]
time = "0.3"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
core-lib = { path = "../core", version = "0.1" }
derive = "1"
gnu = "1"
syn = "2"

[dev-dependencies]
cookie = "0.18.1"
#- deny.toml
[advisories]
ignore = [{ id = "RUSTSEC-2024-0436", reason = "only <b>macros</b> use it, until 2030-01-01" }]

[licenses]
allow = ["MIT"]

[bans]
multiple-versions = "deny"
"#;

fn with_output(mut world: World) -> World {
    world.folder("../out");
    world.let_write("../out");
    world
}

fn world() -> World {
    with_output(World::locked(WORKSPACE))
}

/// The page that a run with these words writes, and its exit code.
fn page(world: &World, words: &str) -> (String, i32) {
    let code = world.human(&format!("--report ../out/r.html {words}")).code;
    (world.read("../out/r.html"), code)
}

/// The text of each element with one of these names, in their order; parts of elements inside of it are its own.
fn texts(page: &str, names: &[&str]) -> Vec<String> {
    let page = without_inline(page);
    let mut reader = Reader::from_str(&page);
    let (mut found, mut depth, mut text) = (Vec::new(), 0, String::new());
    loop {
        match reader.read_event().expect("markup") {
            Event::Start(element) => {
                let is_it = names.contains(&element.name().0);
                depth += usize::from(depth > 0 || is_it);
            }
            Event::End(_) if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push(std::mem::take(&mut text));
                }
            }
            Event::Text(part) if depth > 0 => text.push_str(&part),
            Event::GeneralRef(part) if depth > 0 => {
                text.push_str(match &*part {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    _ => "?",
                });
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// The page without its style and its script, which are no markup.
fn without_inline(page: &str) -> String {
    ["style", "script"].iter().fold(page.to_owned(), |page, name| match inline(&page, name) {
        "" => page,
        text => page.replace(text, ""),
    })
}

/// The inline style or script; a page without findings has no script.
fn inline<'p>(page: &'p str, name: &str) -> &'p str {
    let rest = page.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{name}>")).map_or("", |(text, _)| text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The bytes of a text in Base64.
fn decoded(text: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = text.trim_end_matches('=').chars().map(|c| digits.find(c).expect("a digit"));
    let bits = values.map(|value| format!("{value:06b}")).collect::<Vec<_>>().concat();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes
        .map(|byte| {
            u8::from_str_radix(std::str::from_utf8(byte).expect("digits"), 2).expect("bits")
        })
        .collect()
}

#[test]
fn page_has_findings_graphs_policy_and_licenses() {
    let world = world();
    let without = world.human("");
    let (page, code) = page(&world, "");
    assert_eq!((without.code, code), (7, 7));
    expect![[r#"
        Supercargo: failed
        Workspaces
        To fix
        Findings
        advisories: 1 error
        bans: 1 error
        licenses: 1 error
        Packages with findings
        Verified fixes
        Policy
        deny.toml
        Packages by license"#]]
    .assert_eq(&texts(&page, &["h1", "h2", "h3", "h4"]).join("\n"));
    let cells = texts(&page, &["th", "td"]);
    for cell in [
        "failed: 3 errors",
        "suppresses 1 finding: paste 1.0.15",
        "only <b>macros</b> use it, until 2030-01-01",
        "until 2030-01-01, advisory of 2026-02-05",
        "derive 1.0.0 (^1)",
        "app 0.1.0 (^2)",
    ] {
        assert!(cells.iter().any(|one| one == cell), "{cell} in {cells:#?}");
    }
    assert_eq!(page.matches("<li id=\"f").count(), 3);
    assert!(page.contains("<a href=\"https://rustsec.org/advisories/RUSTSEC-2026-0009\""));
    // Again: the same.
    world.human("--report ../out/r.html");
    assert_eq!(world.read("../out/r.html"), page);
}

#[test]
fn inline_texts_have_the_hashes_that_the_page_permits() {
    let (page, _) = page(&world(), "");
    let (_, policy) = page.split_once("content=\"default-src 'none'; ").expect("a policy");
    let (policy, _) = policy.split_once('"').expect("its end");
    for (name, source) in [("style", "style-src"), ("script", "script-src")] {
        assert_eq!(page.matches(&format!("<{name}")).count(), 1);
        let (_, hash) = policy.split_once(&format!("{source} 'sha256-")).expect("a hash");
        let (hash, _) = hash.split_once('\'').expect("its end");
        assert_eq!(
            hexadecimal(&decoded(hash)),
            hexadecimal(&Sha256::digest(inline(&page, name))),
            "{name}"
        );
    }
    for address in ["src=", "url(", "@import", "http-equiv=\"refresh"] {
        let of_repository = page.replace("url(#arrow)", "");
        assert!(!of_repository.contains(address), "{address}");
    }
}

/// The dependencies of the graph of a finding: `app 0.1.0 > cookie 0.18.1`.
fn edges(page: &str, finding: &str) -> BTreeSet<String> {
    let (_, rest) = page.split_once(finding).expect("the finding");
    let (_, list) = rest.split_once("<summary>As a list</summary><ul>").expect("its list");
    let (list, _) = list.split_once("</ul>").expect("its end");
    let mut edges = BTreeSet::new();
    for line in texts(&format!("<style></style><script></script>{list}"), &["li"]) {
        let (dependent, all) = line.split_once(" → ").expect("an arrow");
        for one in all.split("), ") {
            let (dependency, _) = one.split_once(" (").expect("conditions");
            edges.insert(format!("{dependent} > {dependency}"));
        }
    }
    edges
}

/// The same, as `cargo tree` shows them.
fn edges_of_cargo(world: &World, options: &str, package: &str) -> BTreeSet<String> {
    let words = "tree --offline --no-dedupe --edges normal,build,dev --prefix depth";
    let words = format!("{words} {options} --invert {package}");
    let words: Vec<_> = words.split(' ').collect();
    world.cargo_to_file(&words, "../tree");
    let mut above: Vec<String> = Vec::new();
    let mut edges = BTreeSet::new();
    for line in world.read("../tree").lines() {
        let name = line.trim_start_matches(|c: char| c.is_ascii_digit());
        // Headings such as `[build-dependencies]` have no depth.
        let Ok(depth) = line[..line.len() - name.len()].parse::<usize>() else { continue };
        let mut words = name.split(' ');
        let (name, version) = (words.next().expect("a name"), words.next().expect("a version"));
        above.truncate(depth);
        above.push(format!("{name} {}", version.trim_start_matches('v')));
        if let [.., dependency, dependent] = above.as_slice() {
            edges.insert(format!("{dependent} > {dependency}"));
        }
    }
    edges
}

#[test]
fn graph_of_a_finding_has_the_dependencies_that_cargo_tree_shows() {
    let world = world();
    let (page, _) = page(&world, "");
    for (finding, packages) in [
        ("RUSTSEC-2026-0009</a>", vec!["time"]),
        ("duplicate</a>", vec!["syn@1.0.0", "syn@2.0.0"]),
        ("rejected</a>", vec!["gnu"]),
    ] {
        let expected: BTreeSet<_> = packages
            .iter()
            .flat_map(|package| edges_of_cargo(&world, "--target all", package))
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(edges(&page, finding), expected, "{finding}");
    }
    let list = texts(&page, &["li"]);
    let about_time = list.iter().find(|text| text.contains("has a vulnerability")).expect("it");
    for dependency in [
        "app 0.1.0 → cookie 0.18.1 (^0.18.1, dev), core-lib 0.1.0 (^0.1)",
        "cookie 0.18.1 → time 0.3.44 (^0.3)",
        "core-lib 0.1.0 → cookie 0.18.1 (^0.18, cfg(unix)), session 2.0.0 (^2, feature login), time 0.3.44 (^0.3, build)",
    ] {
        assert!(about_time.contains(dependency), "{about_time}");
    }
}

#[test]
fn graph_is_that_of_the_targets_and_features_of_the_gate() {
    let world = world();
    let options = "--no-default-features --target x86_64-pc-windows-msvc";
    let (page, _) = page(&world, options);
    let edges = edges(&page, "RUSTSEC-2026-0009</a>");
    assert_eq!(edges, edges_of_cargo(&world, options, "time"));
    assert!(!edges.contains("core-lib 0.1.0 > cookie 0.18.1"), "{edges:?}");
}

#[test]
fn run_without_a_verdict_has_a_report() {
    let world = world();
    world.edit("app/Cargo.toml", "derive = \"1\"", "derive = \"7\"");
    let (page, code) = page(&world, "");
    assert_eq!(code, 70);
    assert_eq!(texts(&page, &["h1"]), ["Supercargo: no verdict"]);
    assert!(texts(&page, &["li"]).iter().any(|text| text.contains("derive")), "{page}");
    let run = world.human("--report ../out/r.html missing");
    assert_eq!(run.code, 70);
    let text = texts(&world.read("../out/r.html"), &["p"]).join("\n");
    assert!(
        text.contains("`missing` does not exist") || text.contains("missing does not exist"),
        "{text}"
    );
}

#[test]
fn groups_of_a_comparison_are_shown() {
    let world = world();
    world.git(".", &["init", "-q", "-b", "main"]);
    world.git(".", &["add", "-A"]);
    world.git(".", &["commit", "-q", "-m", "base"]);
    world.edit("app/Cargo.toml", "gnu = \"1\"\n", "more = \"1\"\n");
    world.lock(".");
    let run = world.human("--base main --report ../out/r.html");
    assert_eq!(run.code, 4, "{}", run.stdout);
    let page = world.read("../out/r.html");
    let headings = texts(&page, &["h1", "h3", "h4"]);
    expect![[r#"
        Supercargo: failed
        New
        licenses: 1 error
        Fixed
        licenses: 1 error
        Already there
        advisories: 1 error
        bans: 1 error
        deny.toml"#]]
    .assert_eq(&headings.join("\n"));
}

#[test]
fn report_goes_to_standard_output() {
    let run = world().human("--report -");
    assert!(run.stdout.starts_with("<!doctype html>\n") && run.stdout.ends_with("</html>\n"));
}

/// Dependencies with comments and names that are markup; `time` 0.3.47 was published later.
const FIXABLE: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date can exhaust the stack
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is no longer maintained
#- Cargo.toml
[workspace]
members = ["a&<b>", "other"]
resolver = "2"
#- a&<b>/Cargo.toml
[package]
name = "own"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
paste = "1.0"
time = "0.3.44" # <script>alert(1)</script>
#- other/Cargo.toml
[package]
name = "other"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
cookie = "0.18"
#- deny.toml
[advisories]
# Until the successor is known.
ignore = []

[licenses]
allow = ["MIT"]
"#;

fn fixable() -> World {
    with_output(World::locked(FIXABLE).with("#- crate: time 0.3.47\n"))
}

/// The section about the fixes.
fn section_of_fixes(page: &str) -> String {
    let (_, rest) = page.split_once("<h2 id=\"fixes\">").expect("the section");
    let (section, _) = rest.split_once("</section>").expect("its end");
    format!("<h2>{section}")
}

#[test]
fn verified_fix_is_shown_as_a_diff() {
    let world = fixable();
    let (page, code) = page(&world, "");
    assert_eq!(code, 1);
    let dry = world.run(&["fix", "--dry-run", "--offline", "--db", &world.path("../db")]);
    let (diff, _) = dry.stdout.split_once("\n.\n").expect("the end of the diff");
    let of_fixes = section_of_fixes(&page);
    // The manifests come first.
    let mut files: Vec<_> = diff.split_inclusive("\n\n").map(str::trim_end).collect();
    files.sort_by_key(|file| file.contains("Cargo.lock"));
    assert_eq!(texts(&of_fixes, &["pre"]), files);
    expect!["upgrade time 0.3.44 to 0.3.47fixes RUSTSEC-2026-0009: time 0.3.44 has a vulnerability: A crafted date can exhaust the stack"]
    .assert_eq(&texts(&of_fixes, &["li"]).join("\n"));
    let findings = texts(&page, &["li"]);
    let about_time = findings.iter().find(|text| text.contains("time 0.3.44")).expect("it");
    let own = about_time.split_once("verified fix: ").expect("a fix").1;
    let own = own.split_once("Dependency graph").expect("the graph").0;
    expect![[r#"
        upgrade time 0.3.44 to 0.3.47 (all changes)a&<b>/Cargo.toml
        -time = "0.3.44" # <script>alert(1)</script>
        +time = "0.3.47" # <script>alert(1)</script>
        Cargo.lock
         name = "time"
        -version = "0.3.44"
        +version = "0.3.47"
        -checksum = "74696d6520302e332e343474696d6520302e332e343474696d6520302e332e34"
        +checksum = "74696d6520302e332e343774696d6520302e332e343774696d6520302e332e34""#]]
    .assert_eq(own);
    let about_paste = findings.iter().find(|text| text.contains("paste 1.0.15")).expect("it");
    assert!(
        about_paste.contains("no verified fix: no version of paste is patched"),
        "{about_paste}"
    );
}

#[test]
fn clean_workspace_has_no_section_of_fixes() {
    let world = fixable();
    world.edit(
        "deny.toml",
        "ignore = []",
        "ignore = [\"RUSTSEC-2026-0009\", \"RUSTSEC-2024-0436\"]",
    );
    let (page, code) = page(&world, "");
    assert_eq!(code, 0);
    assert!(!page.contains("id=\"fixes\""));
}

#[test]
fn fixes_need_cargo() {
    let world = fixable();
    world.cargo_to_file(&["metadata", "--format-version", "1", "--offline"], "../metadata.json");
    let (page, code) = page(&world, "--metadata-path ../metadata.json");
    assert_eq!(code, 1);
    expect!["No fixes were searched: cargo verifies them, and --metadata-path takes a file in its place."].assert_eq(&texts(&section_of_fixes(&page), &["p"]).concat());
}
