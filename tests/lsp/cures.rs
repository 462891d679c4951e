//! Fixes that clear a finding where the obvious one does not fit: private members, path dependencies, bans.

use crate::harness::{Client, Editor, Session, Shown, World, each_editor};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn opened(editor: Editor, world: World, files: &[&str]) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    for file in files {
        client.open(file);
    }
    client.status("exact");
    for file in files {
        client.ignore(file);
    }
    client
}

fn titles(client: &mut Client, file: &str, needle: &str) -> Vec<String> {
    client.actions(file, needle).iter().map(|action| action.title().to_owned()).collect()
}

/// Takes the action whose title starts with this, and returns the whole title.
fn take(client: &mut Client, file: &str, needle: &str, start: &str) -> String {
    let actions = client.actions(file, needle);
    let action = actions.iter().find(|action| action.title().starts_with(start));
    let action = action.unwrap_or_else(|| panic!("no `{start}` in {actions:?}"));
    assert!(!action.is_preferred(), "{}", action.title());
    client.take_action(action);
    action.title().to_owned()
}

const LICENSE_FILE: &str = r#"
#- LICENSE
All rights reserved. No use without a contract.
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license-file = "LICENSE"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

each_editor! {
    fn member_with_a_license_file_is_made_private_on_its_line(editor) {
        let mut client = opened(editor, World::locked(LICENSE_FILE), &[MANIFEST, POLICY]);
        let title = take(&mut client, MANIFEST, "\"LICENSE\"", "make `app` private");
        assert!(
            title.starts_with(
                "make `app` private and leave it out of the license check \
                 (`publish = false` and `licenses.private.ignore = true`)"
            ),
            "{title}"
        );
        assert!(client.text(MANIFEST).contains("publish = false\n"));
        assert!(client.text(POLICY).contains("ignore = true"));
        client.ends_with(MANIFEST, "no finding", Shown::is_empty);
    }
}

#[test]
fn rejected_license_of_a_private_member_needs_the_policy_alone() {
    let world = World::new(LICENSE_FILE);
    world.edit(MANIFEST, "license-file = \"LICENSE\"", "license = \"Zlib\"\npublish = false");
    world.lock("");
    let mut client = opened(Editor::VsCode, world, &[MANIFEST, POLICY]);
    let before = client.text(MANIFEST);
    take(&mut client, MANIFEST, "\"Zlib\"", "`app` is private: leave it out of the license check");
    assert_eq!(client.text(MANIFEST), before);
    client.ends_with(MANIFEST, "no finding", Shown::is_empty);
}

#[test]
fn member_that_names_its_registries_stays_public() {
    let world = World::new(LICENSE_FILE);
    world.edit(MANIFEST, "license-file = \"LICENSE\"", "license = \"Zlib\"\npublish = [\"corp\"]");
    world.lock("");
    let mut client = opened(Editor::VsCode, world, &[MANIFEST, POLICY]);
    let titles = titles(&mut client, MANIFEST, "\"Zlib\"");
    assert!(titles.iter().all(|title| !title.contains("private")), "{titles:?}");
}

const WILDCARD: &str = r#"
#- crate: plain 1.0.0
#- Cargo.toml
[workspace]
members = ["app", "lib"]
resolver = "2"

[workspace.dependencies]
lib = { path = "lib" }
#- lib/Cargo.toml
[package]
name = "lib"
version = "0.2.0"
edition = "2021"
license = "MIT"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
lib = { path = "../lib" }
#- deny.toml
[licenses]
allow = ["MIT"]

[bans]
wildcards = "deny"
"#;

each_editor! {
    fn path_dependency_without_a_version_is_allowed_in_a_private_member(editor) {
        let mut client = opened(editor, World::locked(WILDCARD), &["app/Cargo.toml", POLICY]);
        let offered = titles(&mut client, "app/Cargo.toml", "\"../lib\"");
        assert!(offered[0].starts_with("require `lib` 0.2.0 next to its `path`"), "{offered:?}");
        let start = "make `app` private and allow its path dependencies without a version \
                     (`publish = false` and `bans.allow-wildcard-paths = true`)";
        take(&mut client, "app/Cargo.toml", "\"../lib\"", start);
        assert!(client.text("app/Cargo.toml").contains("publish = false\n"));
        assert!(client.text(POLICY).contains("allow-wildcard-paths = true"));
        client.ends_with("app/Cargo.toml", "no finding", Shown::is_empty);
    }
}

#[test]
fn inherited_path_dependency_makes_the_member_private() {
    let world = World::new(WILDCARD);
    world.edit("app/Cargo.toml", "{ path = \"../lib\" }", "{ workspace = true }");
    world.lock("");
    let mut client = opened(Editor::VsCode, world, &[MANIFEST, "app/Cargo.toml", POLICY]);
    take(&mut client, MANIFEST, "\"lib\" }", "make `app` private and allow");
    assert!(client.text("app/Cargo.toml").contains("publish = false\n"));
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("wildcard"));
}

#[test]
fn all_wildcards_of_a_member_are_fixed_together() {
    let world = World::new(WILDCARD);
    world.write("other/Cargo.toml", world.read("lib/Cargo.toml").replace("\"lib\"", "\"other\""));
    world.write("other/src/lib.rs", "");
    let shared = "lib.workspace = true\nother = { path = \"../other\" }";
    world.edit("app/Cargo.toml", "lib = { path = \"../lib\" }", shared);
    world.lock("");
    let mut client = opened(Editor::VsCode, world, &[MANIFEST, "app/Cargo.toml", POLICY]);
    let actions = client.actions("app/Cargo.toml", "\"../other\"");
    let title = actions[0].title();
    assert!(title.starts_with("require the locked versions of `lib` and `other` ("), "{title}");
    client.take_action(&actions[0]);
    assert!(client.text(MANIFEST).contains("version = \"0.2.0\""));
    assert!(
        client
            .text("app/Cargo.toml")
            .contains("other = { path = \"../other\", version = \"0.2.0\" }")
    );
    client.ends_with("app/Cargo.toml", "no finding", |shown| !shown.has("wildcard"));
}

#[test]
fn wildcard_of_a_registry_is_no_reason_to_be_private() {
    let world = World::new(WILDCARD);
    world.edit("app/Cargo.toml", "{ path = \"../lib\" }", "{ path = \"../lib\" }\nplain = \"*\"");
    world.lock("");
    let mut client = opened(Editor::VsCode, world, &["app/Cargo.toml", POLICY]);
    let titles = titles(&mut client, "app/Cargo.toml", "\"*\"");
    assert!(titles.iter().all(|title| !title.contains("private")), "{titles:?}");
}

const BANNED: &str = r#"
#- crate: plain 1.0.0
#- crate: around 1.0.0 -> plain 1
#- Cargo.toml
[workspace]
members = ["domain", "server", "client"]
resolver = "2"
#- domain/Cargo.toml
[package]
name = "domain"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
plain = "1"
#- server/Cargo.toml
[package]
name = "server"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
domain = { path = "../domain" }
plain = "1"
#- client/Cargo.toml
[package]
name = "client"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
server = { path = "../server" }
#- deny.toml
[licenses]
allow = ["MIT"]

[bans]
deny = [
    { crate = "plain", wrappers = ["server"], reason = "not in the domain" },
    { crate = "server", reason = "not in the client" },
]
"#;

each_editor! {
    fn first_action_on_a_ban_does_not_loosen_it(editor) {
        let files = ["domain/Cargo.toml", "server/Cargo.toml", "client/Cargo.toml", POLICY];
        let mut client = opened(editor, World::locked(BANNED), &files);
        let actions = client.actions("domain/Cargo.toml", "plain = \"1\"");
        assert!(actions.iter().all(|action| !action.is_preferred()), "{actions:?}");
        let first = "remove the banned dependency `plain` (fixes banned";
        assert!(actions[0].title().starts_with(first), "{actions:?}");
        let removals = actions.iter().filter(|one| one.title().starts_with("remove"));
        assert_eq!(removals.count(), 1, "{actions:?}");
        // A member is in the graph also without the dependency.
        let of_member = [("client/Cargo.toml", "\"../server\""), ("server/Cargo.toml", "\"server\"")]
            .map(|(file, needle)| titles(&mut client, file, needle))
            .concat();
        let edits = of_member.iter().filter(|title| !title.starts_with("no "));
        assert_eq!(edits.count(), 0, "{of_member:?}");
        let policy = client.text(POLICY);
        take(&mut client, "domain/Cargo.toml", "plain = \"1\"", "remove the banned");
        assert_eq!(client.text(POLICY), policy);
        assert!(!client.text("domain/Cargo.toml").contains("plain"));
        client.ends_with("domain/Cargo.toml", "no finding", |shown| !shown.has("banned"));
        client.ignore("Cargo.lock");
    }
}

#[test]
fn dependency_that_brings_a_banned_package_is_removed() {
    let world = World::new(BANNED);
    world.edit("domain/Cargo.toml", "plain = \"1\"", "around = \"1\"");
    world.edit("server/Cargo.toml", "plain = \"1\"\n", "");
    world.lock("");
    let mut client =
        opened(Editor::VsCode, world, &["domain/Cargo.toml", "client/Cargo.toml", POLICY]);
    let start = "remove the dependency `around`, which brings the banned `plain`";
    let titles = titles(&mut client, "domain/Cargo.toml", "around");
    assert!(titles[0].starts_with(start), "{titles:?}");
    client.ignore("Cargo.lock");
}
