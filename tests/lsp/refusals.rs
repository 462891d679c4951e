//! What cargo refuses, in the editor: the whole reason, where it is caused, and nothing about files that are gone.

use crate::{
    harness::{Session, Shown, World},
    worlds::SMALL,
};

const REFUSED: &str = "supercargo::resolution-failed";

#[test]
fn conflict_shows_both_requirements_and_all_of_cargos_reason() {
    let fixture = r#"
#- crate: one 1.0.0
#- crate: one 1.0.1
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
one = "=1.0.0"
[build-dependencies]
one = "=1.0.1"
"#;
    let mut client = Session::of(World::new(fixture)).start();
    client.open("Cargo.toml");
    let shown = client.diagnostics_with("Cargo.toml", REFUSED);
    let refused = shown.only(REFUSED);
    let mut lines = refused.message.lines();
    assert_eq!(
        lines.next(),
        Some(
            "cargo failed: failed to select a version for `one`: `one = \"=1.0.1\"` of `m` conflicts with `one = \"=1.0.0\"` of `m`"
        )
    );
    assert_eq!(lines.count(), 6, "{}", refused.message);
    assert_eq!(shown.line(REFUSED), 7);
    let related = &refused.related_information[0];
    assert_eq!(
        (related.location.range.start.line, related.message.as_str()),
        (5, "`one` is also required here")
    );
    let hover = client.hover("Cargo.toml", "=1.0.1").expect("a hover");
    assert!(hover.value.contains("all possible versions conflict"), "{}", hover.value);
}

#[test]
fn package_that_no_workspace_lists_is_refused_until_it_is_listed() {
    let listed = "[package]\nname = \"gen\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"GPL-3.0-only\"\n";
    let world = World::locked(&SMALL.replace("[package]", "[workspace]\n[package]"));
    world.add(&format!("#- tools/gen/Cargo.toml\n{listed}"));
    let mut client = Session::of(world).start();
    client.ignore("deny.toml");
    client.ignore("Cargo.toml");
    client.open("tools/gen/Cargo.toml");
    let shown = client.diagnostics_with("tools/gen/Cargo.toml", REFUSED);
    assert_eq!(shown.covered(REFUSED), "gen");
    assert!(shown.only(REFUSED).message.contains("Alternatively, to keep it out of the workspace"));
    client.open("Cargo.toml");
    client.replace("Cargo.toml", "[workspace]", "[workspace]\nmembers = [\"tools/*\"]");
    client.save("Cargo.toml");
    client.latest("tools/gen/Cargo.toml", "the hint of a member", |shown| {
        shown.codes() == ["supercargo::member-not-judged"]
    });
}

#[test]
fn refusal_in_a_file_that_is_deleted_is_gone() {
    let world = World::locked(SMALL);
    world.add("#- tools/gen/Cargo.toml\n[package]\nname = \"gen\"\nversion = \"0.1.0\"\nedition = \"2042\"\n[workspace]\n");
    let mut client = Session::of(world).start();
    client.ignore("deny.toml");
    client.ignore("Cargo.toml");
    client.open("tools/gen/Cargo.toml");
    client.diagnostics_with("tools/gen/Cargo.toml", REFUSED);
    client.close("tools/gen/Cargo.toml");
    client.world.delete("tools/gen/Cargo.toml");
    client.notify_changed("tools/gen/Cargo.toml", 3);
    client.latest("tools/gen/Cargo.toml", "nothing", Shown::is_empty);
}
