//! A policy that rules no workspace, in the editor.

use crate::harness::{Session, World};

#[test]
fn mistakes_of_a_policy_without_a_workspace_are_shown_while_it_is_typed() {
    let world = World::new(
        "#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion\n#- deny.toml\n[advisories]\nignore = [\"RUSTSEC-0000-0000\"]\n[licenses]\nallow = [\"MIT\", \"Apache2\"]\n",
    );
    let mut client = Session::of(world).start();
    client.open("deny.toml");
    client.latest("deny.toml", "both mistakes", |shown| {
        shown.has("unknown-advisory") && shown.has("custom")
    });
    client.replace("deny.toml", "Apache2", "Apache-2.0");
    client.latest("deny.toml", "one mistake", |shown| {
        shown.has("unknown-advisory") && !shown.has("custom")
    });
    client.ignore("deny.toml");
}
