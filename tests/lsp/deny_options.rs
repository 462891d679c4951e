//! The options of cargo-deny as settings: what belongs to the graph, which checks run, levels, and the policy.

use serde_json::{Value, json};

use crate::harness::{Client, Session, Shown, World, each_editor};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const CONFIG: &str = "tools/ci/deny.toml";
const TIME: &str = "RUSTSEC-2026-0009";
const NOT_DETECTED: &str = "advisory-not-detected";

/// The default features do not reach `time`, whose vulnerability the policy ignores; the dev-dependency is banned.
const OPTIONAL: &str = r#"
#- crate: time 0.3.40
#- crate: for-tests 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[features]
net = ["dep:time"]

[dependencies]
time = { version = "=0.3.40", optional = true }

[dev-dependencies]
for-tests = "1"
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2026-0009"]

[bans]
deny = ["for-tests"]

[licenses]
allow = ["MIT"]
#- tools/ci/deny.toml
[licenses]
allow = ["MIT", "Zlib"]
"#;

/// The text of the status, when it is this one.
fn status_text(client: &mut Client, text: &str) -> Value {
    client.status_when(text, |status| status["text"] == text)
}

each_editor! {
    fn ignore_entry_that_all_features_need_is_needed(editor) {
        let mut client = Session::of(World::locked(OPTIONAL)).editor(editor).start();
        client.diagnostics_with(MANIFEST, "banned");
        client.diagnostics_with(POLICY, NOT_DETECTED);
        assert_eq!(client.status("exact")["text"], "1 error, 1 warning");
        for settings in [json!({"allFeatures": true}), json!({"features": ["net"]})] {
            let words = if settings["allFeatures"] == true { "--all-features" } else { "--features net" };
            client.configure(settings);
            client.diagnostics_without(POLICY, NOT_DETECTED);
            let status = status_text(&mut client, &format!("1 error ({words})"));
            assert_eq!(status["options"], words);
            client.configure(json!({}));
            client.diagnostics_with(POLICY, NOT_DETECTED);
            let status = status_text(&mut client, "1 error, 1 warning");
            assert_eq!(status["options"], Value::Null);
        }
    }

    fn packages_that_options_exclude_have_no_findings(editor) {
        let mut client = Session::of(World::locked(OPTIONAL)).editor(editor).start();
        client.ignore(POLICY);
        client.diagnostics_with(MANIFEST, "banned");
        for settings in [json!({"excludeDev": true}), json!({"excludePackages": ["for-tests"]})] {
            client.configure(settings);
            client.diagnostics_when(MANIFEST, "nothing", Shown::is_empty);
            client.configure(Value::Null);
            client.diagnostics_with(MANIFEST, "banned");
        }
    }

    fn levels_and_checks_change_the_gate(editor) {
        let session = Session::of(World::locked(OPTIONAL)).editor(editor);
        let mut client = session.option("levels", json!({"warnings": "deny"})).start();
        client.diagnostics_with(MANIFEST, "banned");
        assert_eq!(client.diagnostics_with(POLICY, NOT_DETECTED).only(NOT_DETECTED).severity, 1);
        let status = client.status("exact");
        assert_eq!((&status["text"], &status["exitCode"]), (&json!("2 errors (check -D warnings)"), &json!(3)));
        client.configure(json!({"levels": {"warnings": "warn", "banned": "allow"}}));
        client.diagnostics_when(MANIFEST, "nothing", Shown::is_empty);
        client.diagnostics_when(POLICY, "a warning", |shown| shown.only(NOT_DETECTED).severity == 2);
        client.status_when("no error", |status| status["exitCode"] == 0);
        client.configure(json!({"levels": {"warnings": "allow"}, "only": ["bans"]}));
        client.diagnostics_with(MANIFEST, "banned");
        client.diagnostics_without(POLICY, NOT_DETECTED);
        let status = status_text(&mut client, "1 error (check -A warnings bans)");
        assert_eq!(status["checks"], json!({"bans": {"errors": 1, "warnings": 0}}));
    }

    fn policy_of_the_settings_is_used_and_its_edits_count(editor) {
        let mut client = Session::of(World::locked(OPTIONAL)).editor(editor).start();
        client.diagnostics_with(MANIFEST, "banned");
        client.diagnostics_with(POLICY, NOT_DETECTED);
        client.configure(json!({"config": CONFIG}));
        client.diagnostics_when(MANIFEST, "nothing", Shown::is_empty);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        client.diagnostics_with(CONFIG, "license-not-encountered");
        client.open(CONFIG);
        client.diagnostics_when(CONFIG, "its version", |shown| shown.version.is_some());
        client.insert(CONFIG, "[licenses]", "[bans]\ndeny = [\"for-tests\"]\n\n");
        client.diagnostics_with(MANIFEST, "banned");
        client.diagnostics_when(CONFIG, "the moved entry", |shown| {
            shown.line("license-not-encountered") == 4
        });
        // The other policy bans it, too.
        client.ignore(MANIFEST);
        client.configure(Value::Null);
        client.diagnostics_with(POLICY, NOT_DETECTED);
        client.diagnostics_when(CONFIG, "nothing", Shown::is_empty);
    }

    fn policy_with_another_name_is_checked_when_it_is_written(editor) {
        let world = World::locked(OPTIONAL);
        world.write("ci/strict.toml", "[licenses]\nallow = [\"MIT\"]\n");
        let session = Session::of(world).editor(editor);
        let mut client = session.option("config", "ci/strict.toml".into()).start();
        client.status_when("no finding", |status| status["exitCode"] == 0);
        client.world.write("ci/strict.toml", "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [\"for-tests\"]\n");
        client.diagnostics_with(MANIFEST, "banned");
    }

    fn repository_sets_no_option_before_it_is_trusted(editor) {
        let theirs = json!({
            "levels": {"vulnerability": "allow"}, "only": ["bans"], "config": CONFIG, "excludePackages": ["time"],
        });
        let world = World::locked(OPTIONAL);
        world.edit("deny.toml", "ignore = [\"RUSTSEC-2026-0009\"]", "");
        let session = Session::of(world).editor(editor).option("trusted", false.into());
        let mut client = session.settings(theirs).start();
        client.message("not trusted");
        client.wait_for_request("workspace/configuration");
        client.diagnostics_with(MANIFEST, TIME);
        client.latest(MANIFEST, "the vulnerability", |shown| shown.has(TIME));
    }

    fn own_options_apply_without_trust(editor) {
        let world = World::locked(OPTIONAL);
        world.edit("deny.toml", "ignore = [\"RUSTSEC-2026-0009\"]", "");
        let session = Session::of(world).editor(editor).option("trusted", false.into());
        let mut client = session.option("levels", json!({"vulnerability": "warn"})).start();
        client.message("not trusted");
        assert_eq!(client.diagnostics_with(MANIFEST, TIME).only(TIME).severity, 2);
        let counts = json!({"errors": 0, "warnings": 1});
        client.status_when("a warning", |status| status["checks"]["advisories"] == counts);
    }
}
