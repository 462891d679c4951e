//! A policy that rules several workspaces: entries without effect are reported only if none of the workspaces needs
//! them, whichever of them is open.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Client, FakeCargo, Session, Shown, TEST_TIMEOUT, World};

const POLICY: &str = "deny.toml";

/// `core` and `bindings/python` each need entries that the other one does not. Nothing needs `RUSTSEC-2024-0388`.
fn world() -> World {
    let world = World::new(
        r#"
#- crate: itoa 0.4.8
#- crate: itoa 1.0.0
#- crate: memchr 2.0.0 (ISC)
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is unmaintained
#- advisory: RUSTSEC-2024-0388 derivative unmaintained: derivative is unmaintained
#- deny.toml
[advisories]
ignore = [
    { id = "RUSTSEC-2024-0436", reason = "only a macro" },
    { id = "RUSTSEC-2024-0388", reason = "from before" },
]
[licenses]
allow = ["MIT", "ISC"]
[bans]
multiple-versions = "deny"
skip = [{ crate = "itoa@0.4", reason = "the old API" }]
#- core/Cargo.toml
[package]
name = "core-part"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
itoa = "1"
memchr = "2"
[workspace]
#- bindings/python/Cargo.toml
[package]
name = "bindings"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
paste = "1"
itoa = "1"
itoa-old = { package = "itoa", version = "0.4" }
[workspace]
"#,
    );
    for folder in ["core", "bindings/python"] {
        world.lock(folder);
    }
    world
}

const UNNEEDED: [&str; 4] =
    ["advisory-not-detected", "unmatched-skip", "unnecessary-skip", "license-not-encountered"];

/// Whether the only entry that is reported as without effect is the one that nothing needs.
fn is_right(shown: &Shown) -> bool {
    let codes = shown.codes();
    let unneeded: Vec<_> = codes.iter().filter(|code| UNNEEDED.contains(code)).collect();
    unneeded == [&"advisory-not-detected"]
        && shown.covered("advisory-not-detected") == "RUSTSEC-2024-0388"
}

fn never_reported_what_is_needed(client: &Client) {
    for shown in client.history(POLICY) {
        let needed = ["RUSTSEC-2024-0436", "itoa@0.4", "ISC"];
        let drawn = shown.drawn();
        let is_wrong = |line: &str| {
            UNNEEDED.iter().any(|code| line.contains(code))
                && needed.iter().any(|entry| line.contains(&format!("`{entry}`")))
        };
        assert!(!drawn.lines().any(is_wrong), "{drawn}");
    }
}

#[test]
fn what_is_open_makes_no_difference_for_the_policy() {
    for (folders, open) in [
        (vec!["core"], None),
        (vec!["bindings/python"], None),
        (vec![], Some(POLICY)),
        (vec![], Some("core/Cargo.toml")),
        (vec![""], None),
    ] {
        let mut client = Session::of(world()).folders(&folders).start();
        if let Some(path) = open {
            client.open(path);
        }
        client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
        never_reported_what_is_needed(&client);
        client.ignore_all();
    }
}

#[test]
fn workspace_that_is_not_open_has_no_diagnostics_of_its_own() {
    let world = world();
    world.edit("bindings/python/Cargo.toml", "license = \"MIT\"", "license = \"Zlib\"");
    let mut client = Session::of(world).folders(&["core"]).start();
    client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
    assert_eq!(client.published_files(), ["[work]/deny.toml"]);
    client.open("bindings/python/Cargo.toml");
    client.diagnostics_with("bindings/python/Cargo.toml", "rejected");
    client.ignore_all();
}

#[test]
fn lens_and_hover_say_which_workspace_needs_an_entry() {
    let world = world();
    // The workspace at the root is the one of the policy; the nested one is not open.
    let manifest = world
        .read("core/Cargo.toml")
        .replace("[workspace]", "[workspace]\nexclude = [\"bindings\"]");
    world.write("Cargo.toml", manifest);
    world.write("src/lib.rs", "");
    world.delete_folder("core");
    world.lock(".");
    let mut client = Session::of(world).start();
    client.open(POLICY);
    client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
    let hover = client.hover(POLICY, "RUSTSEC-2024-0436").expect("a hover").value;
    assert!(hover.contains("needed by") && hover.contains("bindings/python"), "{hover}");
    let uri = client.world.uri(POLICY);
    let lenses = client.request("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    let lenses = lenses.expect("lenses");
    let titles: Vec<_> = lenses.as_array().into_iter().flatten().collect();
    let titles: Vec<_> =
        titles.iter().filter_map(|lens| lens["command"]["title"].as_str()).collect();
    assert!(titles.contains(&"gate: 1 warning"), "{titles:?}");
    assert!(titles.contains(&"needed by `bindings/python`"), "{titles:?}");
    assert!(titles.contains(&"matches nothing"), "{titles:?}");
    client.ignore_all();
}

#[test]
fn only_the_entry_that_nothing_needs_can_be_removed() {
    let mut client = Session::of(world()).folders(&["core"]).start();
    client.open(POLICY);
    client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
    let removes = |client: &mut Client, entry: &str| {
        let actions = client.actions(POLICY, entry);
        actions.iter().any(|action| action.title().contains("remove"))
    };
    assert!(!removes(&mut client, "RUSTSEC-2024-0436"));
    assert!(!removes(&mut client, "itoa@0.4"));
    assert!(removes(&mut client, "RUSTSEC-2024-0388"));
    client.ignore_all();
}

#[test]
fn entry_is_reported_when_the_last_workspace_that_needs_it_is_gone() {
    let mut client = Session::of(world()).folders(&["core"]).start();
    client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
    client.world.delete_folder("bindings");
    client.diagnostics_when(POLICY, "all entries that `core` does not need", |shown| {
        shown.has("unmatched-skip") || shown.has("unnecessary-skip")
    });
    client.ignore_all();
}

#[test]
fn status_of_each_workspace_counts_the_entry_that_nothing_needs() {
    for folder in ["core", "bindings/python"] {
        let mut client = Session::of(world()).start();
        client.status_when("one warning", |status| {
            status["workspace"].as_str().is_some_and(|uri| uri.ends_with(folder))
                && status["state"] == "exact"
                && status["checks"]["advisories"]["warnings"] == 1
        });
        client.ignore_all();
    }
}

#[test]
fn status_counts_only_what_is_shown() {
    let mut client = Session::of(world()).folders(&["core"]).start();
    client.diagnostics_when(POLICY, "the entry that nothing needs", is_right);
    client.status_when("one warning", |status| {
        status["state"] == "exact"
            && status["checks"]["advisories"]["warnings"] == 1
            && status["checks"]["bans"]["warnings"] == 0
    });
    client.ignore_all();
}

/// Whether an action narrows the exception of `gpl`, which `bindings` needs for 2.0.0, to that version.
fn narrows(version_in_core: &str) -> bool {
    let world = world();
    world.add("#- crate: gpl 1.0.0 (GPL-3.0-only)\n#- crate: gpl 2.0.0 (GPL-3.0-only)\n");
    world.edit(
        POLICY,
        "[bans]",
        "[[licenses.exceptions]]\ncrate = \"gpl\"\nallow = [\"GPL-3.0-only\"]\n[bans]",
    );
    world.edit("bindings/python/Cargo.toml", "paste = \"1\"", "paste = \"1\"\ngpl = \"2\"");
    let gpl = format!("memchr = \"2\"\ngpl = \"={version_in_core}\"");
    world.edit("core/Cargo.toml", "memchr = \"2\"", &gpl);
    for folder in ["core", "bindings/python"] {
        world.lock(folder);
    }
    let mut client = Session::of(world).folders(&["bindings/python"]).start();
    client.open(POLICY);
    client.diagnostics_with(POLICY, "supercargo::broad-entry");
    let actions = client.actions(POLICY, "\"gpl\"");
    client.ignore_all();
    actions.iter().any(|action| action.title().contains("narrow the entry"))
}

#[test]
fn entry_is_narrowed_only_where_no_other_workspace_fails() {
    assert!(narrows("2.0.0"));
    assert!(!narrows("1.0.0"));
}

/// The package at the root is a dependency of the workspace of its fuzz targets, which has another lockfile.
#[test]
fn finding_in_a_shared_manifest_names_the_workspace_that_has_it() {
    let world = World::new(
        r#"
#- crate: time 0.3.40
#- crate: old 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- advisory: RUSTSEC-2026-0011 old unmaintained: Old
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
old = "1"
time = "0.3"
[workspace]
exclude = ["fuzz"]
#- fuzz/Cargo.toml
[package]
name = "app-fuzz"
version = "0.1.0"
edition = "2021"
license = "MIT"
publish = false
[dependencies]
app = { path = ".." }
[workspace]
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    // Each is locked with the newest version of its day.
    world.lock("fuzz");
    world.add("#- crate: time 0.3.44\n");
    world.lock(".");
    world.add("#- crate: time 0.3.47\n");
    let mut client = Session::of(world).start();
    client.open("Cargo.toml");
    client.open("fuzz/Cargo.toml");
    let shown = client.diagnostics_when("Cargo.toml", "both versions", |shown| {
        let drawn = shown.drawn();
        drawn.contains("`time` 0.3.44") && drawn.contains("`time` 0.3.40")
    });
    let drawn = shown.drawn();
    let line =
        |words: &str| drawn.lines().find(|line| line.contains(words)).expect("a line").to_owned();
    assert!(line("`time` 0.3.44").ends_with("(in workspace `.`)"), "{drawn}");
    assert!(line("`time` 0.3.40").ends_with("(in workspace `fuzz`)"), "{drawn}");
    assert!(!line("`old` 1.0.0").contains("in workspace"), "{drawn}");
    assert_eq!(drawn.matches("`old` 1.0.0").count(), 1, "{drawn}");
    let titles: Vec<_> =
        client.actions("Cargo.toml", "\"0.3\"").iter().map(|one| one.title().to_owned()).collect();
    assert!(titles.iter().any(|title| title.ends_with("in workspace `fuzz`")), "{titles:?}");
    client.ignore_all();
}

#[cfg(unix)]
#[test]
fn workspace_whose_first_check_fails_does_not_hold_up_the_others() {
    let mut world = world();
    let manifest = world.read("core/Cargo.toml").replace("core-part", "broken");
    world.write("broken/Cargo.toml", manifest.replace("itoa = \"1\"", "absent = \"1\""));
    world.write("broken/src/lib.rs", "");
    world.use_fake_cargo(FakeCargo::HeldIn("broken"));
    let mut client = Session::of(world).start();
    client.ignore_all();
    client.open(POLICY);
    client.wait_until("the others", |client| {
        let exact = |folder| client.status_of(folder).is_some_and(|one| one["state"] == "exact");
        exact("core") && exact("bindings/python")
    });
    client.world.release_cargo();
    client.wait_until("the failure", |client| {
        client.status_of("broken").is_some_and(|one| one["state"] == "failed")
    });
    let uri = client.world.uri(POLICY);
    let began = Instant::now();
    loop {
        let params = json!({"textDocument": {"uri": uri}});
        let lenses = client.request("textDocument/codeLens", params).expect("lenses").to_string();
        // Each of both knows what the other one needs.
        if lenses.contains("not needed by the 2 of 3 workspaces checked") {
            assert!(lenses.contains("gate of `bindings/python` and `core`: clean"), "{lenses}");
            assert!(lenses.contains("gate of `broken`: no verdict"), "{lenses}");
            break;
        }
        assert!(began.elapsed() < TEST_TIMEOUT, "{lenses}");
        client.receive_until(Instant::now() + Duration::from_millis(20));
    }
}
