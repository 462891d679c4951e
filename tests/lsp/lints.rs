//! Lints of a policy and their fixes in an editor.

use serde_json::json;

use crate::harness::{Client, Session, World, each_editor};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

const APP: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: stuck 1.0.0 (ISC)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2026-0011 stuck patched >=2: Worse
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "0.3"
stuck = "1"
#- deny.toml
[advisories]
unmaintained = "none"
ignore = [
    { id = "RUSTSEC-2026-0009", reason = "we read no dates" },
    "RUSTSEC-2026-0011", # until 2020-06-30
]

[licenses]
allow = ["MIT"]
exceptions = [{ crate = "stuck", allow = ["ISC"] }]
"#;

/// A workspace with the older version in `Cargo.lock`.
fn world() -> World {
    let world = World::new(APP);
    world.edit(MANIFEST, "time = \"0.3\"", "time = \"=0.3.44\"");
    world.lock("");
    world.edit(MANIFEST, "time = \"=0.3.44\"", "time = \"0.3\"");
    world
}

fn action(client: &mut Client, needle: &str, title: &str) -> crate::harness::Action {
    let actions = client.actions(POLICY, needle);
    let titles: Vec<_> = actions.iter().map(|action| action.title().to_owned()).collect();
    let found = actions.into_iter().find(|action| action.title().starts_with(title));
    found.unwrap_or_else(|| panic!("no action `{title}` among {titles:?}"))
}

each_editor! {
    fn lints_are_shown_on_their_entries_and_fixed_there(editor) {
        let mut client = Session::of(world()).editor(editor).start();
        client.open(MANIFEST);
        client.open(POLICY);
        client.status("exact");
        let shown = client.diagnostics_with(POLICY, "supercargo::past-due");
        let covered = |code: &str| shown.covered(&format!("supercargo::{code}"));
        assert_eq!(covered("past-due"), "2020-06-30");
        assert_eq!(covered("ignore-has-fix"), "RUSTSEC-2026-0009");
        assert_eq!(covered("check-turned-off"), "none");
        assert_eq!(covered("broad-entry"), "stuck");
        assert_eq!(covered("missing-reason"), "stuck");
        assert_eq!(shown.only("supercargo::missing-reason").severity, 4);
        assert_eq!(shown.codes().len(), 5);

        let on = action(&mut client, "none", "set `advisories.unmaintained` to `all`");
        client.take_action(&on);
        let narrow = action(&mut client, "\"stuck\"", "narrow the entry to `stuck` 1.0.0");
        client.take_action(&narrow);
        let reason = action(&mut client, "\"stuck@1.0.0\"", "add a comment with a reason");
        assert!(!reason.is_preferred());
        client.take_action(&reason);
        let text = client.text(POLICY);
        assert!(text.contains("[{ crate = \"stuck@1.0.0\", allow = [\"ISC\"] }] # TODO"), "{text}");
        client.diagnostics_when(POLICY, "the placeholder is reported", |shown| {
            shown.has("supercargo::missing-reason")
                && shown.only("supercargo::missing-reason").severity == 2
        });
        // The ignored finding comes back, and the title names it.
        let past = action(&mut client, "2020-06-30", "remove the entry that expired on 2020-06-30");
        assert!(past.title().contains("introduces RUSTSEC-2026-0011"), "{}", past.title());
        assert!(!past.is_preferred());
        client.ignore(MANIFEST);
        client.ignore(POLICY);
    }

    fn unused_policy_can_be_deleted(editor) {
        let world = world();
        world.write(".deny.toml", "[bans]\n");
        let mut client = Session::of(world).editor(editor).start();
        for file in [MANIFEST, POLICY] {
            client.ignore(file);
        }
        client.open(".deny.toml");
        client.diagnostics_with(".deny.toml", "supercargo::shadowed-policy");
        client.status("exact");
        let actions = client.actions(".deny.toml", "[bans]");
        let [action] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(action.title(), "delete unused policy `.deny.toml`");
        assert!(!action.is_preferred());
        client.take_action(action);
        assert_eq!(client.world.try_read(".deny.toml"), None);
        client.ends_with(".deny.toml", "nothing", crate::harness::Shown::is_empty);
    }

    fn upgrade_replaces_an_ignore_entry(editor) {
        let mut client = Session::of(world()).editor(editor).start();
        client.open(MANIFEST);
        client.open(POLICY);
        client.status("exact");
        client.diagnostics_with(POLICY, "supercargo::ignore-has-fix");
        let upgrade = action(
            &mut client,
            "RUSTSEC-2026-0009",
            "upgrade `time` 0.3.44 to 0.3.47 and remove `RUSTSEC-2026-0009` from `advisories.ignore`",
        );
        client.take_action(&upgrade);
        assert!(!client.text(POLICY).contains("RUSTSEC-2026-0009"));
        assert!(client.text("Cargo.lock").contains("0.3.47"));
        client.save("Cargo.lock");
        client.save(POLICY);
        client.diagnostics_without(POLICY, "supercargo::ignore-has-fix");
        client.ignore(MANIFEST);
        client.ignore(POLICY);
        client.ignore("Cargo.lock");
    }
}

#[test]
fn lints_can_be_disabled() {
    let codes = json!({
        "supercargo::missing-reason": "off", "supercargo::broad-entry": "off",
        "supercargo::past-due": "off", "supercargo::ignore-has-fix": "off",
        "supercargo::check-turned-off": "information",
    });
    let mut client = Session::of(world()).option("codes", codes).start();
    let shown = client.diagnostics_with(POLICY, "supercargo::check-turned-off");
    assert_eq!(shown.codes(), ["supercargo::check-turned-off"]);
    assert_eq!(shown.only("supercargo::check-turned-off").severity, 3);
    client.ignore(MANIFEST);
}
