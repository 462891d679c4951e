//! Resolving and verifying in a scratch copy does not change the user's files in any layout: no byte, inode
//! or time.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use crate::{
    copy_untouched::Untouched,
    harness::{Client, Session, TEST_TIMEOUT, World},
    worlds::TIME,
};

const SOURCES: &str =
    "[source.crates-io]\nreplace-with = \"ours\"\n[source.ours]\ndirectory = \"third_party\"\n";

/// Two vulnerable versions and an upgrade for one of them.
const TIMES: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: worse 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2026-0010 worse patched >=2: Worse
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

fn package(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}\n")
}

/// A world with the published packages in `third_party` in the user's folder, which also holds a
/// package that depends on `time`.
fn vendored(root: &str, requirement: &str) -> World {
    let world = World::new(TIMES);
    fs::rename(world.path("../vendor"), world.path("third_party")).expect("it can be moved");
    world.write(".cargo/config.toml", SOURCES);
    world.write("../cargo/config.toml", "");
    world.write("Cargo.toml", root);
    world.write("src/lib.rs", "");
    let manifest = format!("license = \"MIT\"\n\n[dependencies]\ntime = \"{requirement}\"");
    world.write("third_party/m/Cargo.toml", package("m", &manifest));
    world.write("third_party/m/src/lib.rs", "");
    world.write("third_party/m/.cargo-checksum.json", "{\"files\":{}}");
    world
}

fn untouched(client: &Client) -> Untouched {
    Untouched::now(client.world.path("../").trim_end_matches('/'))
}

/// Edits a manifest, and waits for a finding that needs cargo.
fn depend_on_worse(client: &mut Client, path: &str) {
    client.replace(path, "time = \"=0.3.44\"", "worse = \"1\"");
    client.diagnostics_with(path, "RUSTSEC-2026-0010");
}

/// Waits until the server has verified a fix without a request.
fn wait_for_verified_fixes(client: &mut Client, path: &str) {
    let uri = client.world.uri(path);
    let began = Instant::now();
    loop {
        let params = serde_json::json!({"textDocument": {"uri": uri}});
        let lenses = client.request("textDocument/codeLens", params).expect("lenses");
        let title = lenses[0]["command"]["title"].as_str().unwrap_or_default().to_owned();
        if title.contains("verified") {
            return;
        }
        assert!(began.elapsed() < TEST_TIMEOUT, "{lenses}");
        client.receive_until(Instant::now() + Duration::from_millis(20));
    }
}

#[test]
fn idle_verification_keeps_a_member_inside_vendored_sources() {
    let root = "[workspace]\nmembers = [\"third_party/m\"]\nresolver = \"2\"\n";
    let world = vendored(root, "=0.3.44");
    world.lock("");
    let mut client = Session::of(world).start();
    let before = untouched(&client);
    client.open("third_party/m/Cargo.toml");
    client.open("Cargo.toml");
    client.diagnostics_with("third_party/m/Cargo.toml", TIME);
    wait_for_verified_fixes(&mut client, "Cargo.toml");
    before.assert();
    client.ignore_all();
    client.end();
    before.assert();
}

#[test]
fn unsaved_path_dependency_inside_vendored_sources_is_not_written() {
    let root =
        package("app", "license = \"MIT\"\n[dependencies]\nm = { path = \"third_party/m\" }\n");
    let world = vendored(&root, "=0.3.44");
    world.lock("");
    let mut client = Session::of(world).option("proveWhenIdle", false.into()).start();
    let before = untouched(&client);
    client.open("third_party/m/Cargo.toml");
    client.open("Cargo.toml");
    client.diagnostics_with("third_party/m/Cargo.toml", TIME);
    depend_on_worse(&mut client, "third_party/m/Cargo.toml");
    before.assert();
    client.ignore_all();
}

#[test]
fn unsaved_manifest_that_is_a_license_file_is_not_written() {
    let world = World::new(TIMES);
    world.write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n");
    world.write("a/Cargo.toml", package("a", "license-file = \"../b/Cargo.toml\""));
    let manifest = "license = \"MIT\"\n[dependencies]\ntime = \"=0.3.44\"";
    world.write("b/Cargo.toml", package("b", manifest));
    world.write("a/src/lib.rs", "");
    world.write("b/src/lib.rs", "");
    world.lock("");
    let mut client = Session::of(world).option("proveWhenIdle", false.into()).start();
    let before = untouched(&client);
    client.open("b/Cargo.toml");
    client.diagnostics_with("b/Cargo.toml", TIME);
    depend_on_worse(&mut client, "b/Cargo.toml");
    before.assert();
    client.ignore_all();
}

#[test]
fn opened_vendored_crate_gets_no_lockfile() {
    let world = vendored(&package("app", "license = \"MIT\""), "=0.3.44");
    world.lock("");
    let mut client = Session::of(world).start();
    let before = untouched(&client);
    client.open("third_party/m/Cargo.toml");
    client.diagnostics_with("third_party/m/Cargo.toml", "supercargo::no-lock-file");
    client.status("exact");
    before.assert();
    client.ignore_all();
}

#[test]
fn unsaved_linked_member_is_checked_and_not_written() {
    let world = World::new(TIMES);
    world.write("Cargo.toml", "[workspace]\nmembers = [\"m\"]\nresolver = \"2\"\n");
    let manifest = "license = \"MIT\"\n[dependencies]\ntime = \"=0.3.44\"";
    world.write("../elsewhere/Cargo.toml", package("m", manifest));
    world.write("../elsewhere/src/lib.rs", "");
    symlink("../elsewhere", world.path("m")).expect("a link");
    let mut client = Session::of(world).option("proveWhenIdle", false.into()).start();
    let before = untouched(&client);
    client.open("m/Cargo.toml");
    client.diagnostics_with("m/Cargo.toml", TIME);
    depend_on_worse(&mut client, "m/Cargo.toml");
    before.assert();
    client.ignore_all();
}

#[test]
fn unsaved_member_that_cargos_home_patches_another_package_with_is_checked() {
    for path in ["work/m", "absolute"] {
        let world = World::new(TIMES);
        let path = if path == "absolute" { world.path("m") } else { path.to_owned() };
        let vendored = world.read("../cargo/config.toml");
        let patch = format!("[patch.crates-io]\nm = {{ path = \"{path}\" }}\n");
        world.write("../cargo/config.toml", vendored + &patch);
        let root = "license = \"MIT\"\n[dependencies]\nm = \"0.1\"\n[workspace]\nmembers = [\"m\"]";
        world.write("Cargo.toml", package("app", root));
        world.write("src/lib.rs", "");
        let manifest = "license = \"MIT\"\n[dependencies]\ntime = \"=0.3.44\"";
        world.write("m/Cargo.toml", package("m", manifest));
        world.write("m/src/lib.rs", "");
        world.lock("");
        let mut client = Session::of(world).option("proveWhenIdle", false.into()).start();
        let before = untouched(&client);
        client.open("m/Cargo.toml");
        client.diagnostics_with("m/Cargo.toml", TIME);
        depend_on_worse(&mut client, "m/Cargo.toml");
        client.status("exact");
        before.assert();
        client.ignore_all();
    }
}
