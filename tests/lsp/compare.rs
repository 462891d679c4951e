//! The comparison with a base: new findings are marked, the status and the lenses count them.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const COMMAND: &str = "supercargo.server.compareWithBase";

/// [`SMALL`] in a repository. Its first commit has only the dependency `gpl`.
fn repository() -> World {
    let world = World::locked(SMALL);
    let with_all = world.read(MANIFEST);
    world.edit(MANIFEST, "cookie = \"0.18\"\n", "");
    world.edit(MANIFEST, "plain = \"1.5\"\n", "");
    world.lock("");
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    world.commit("base");
    world.git(&["switch", "--quiet", "--create", "topic"]);
    world.write(MANIFEST, with_all);
    world.lock("");
    world
}

/// Waits until the last status has this text about the comparison; returns its comparison.
fn compared(client: &mut Client, text: &str) -> Value {
    let has_text = |status: &Value| {
        status["state"] == "exact" && status["comparison"]["text"].as_str() == Some(text)
    };
    client.status_when(text, has_text)["comparison"].clone()
}

/// The codes of the diagnostics that are shown now, the new ones with `new`.
fn marks(client: &mut Client, path: &str) -> Vec<String> {
    let is_compared = |status: &Value| status["comparison"]["counts"].is_object();
    let is_compared = is_compared(&client.status("exact"));
    let shown = client.history(path).last().copied().expect("something was published").clone();
    let marked = shown.diagnostics.iter().map(|one| {
        let code = one.code.as_deref().unwrap_or("-");
        let is_new = one.message.starts_with("new: ");
        if let Some(data) = one.data.as_ref().filter(|_| is_compared) {
            let group = if is_new { "new" } else { "already-there" };
            assert_eq!(data["group"], group, "{}", one.message);
        }
        format!("{}{code}", if is_new { "new " } else { "" })
    });
    marked.collect()
}

fn execute(client: &mut Client, arguments: &Value) {
    let params = json!({"command": COMMAND, "arguments": arguments});
    assert_eq!(client.request("workspace/executeCommand", params), Ok(Value::Null));
}

fn lenses(client: &mut Client) -> Vec<String> {
    let uri = client.world.uri(MANIFEST);
    let response = client.request("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    let response = response.expect("lenses");
    let titles = response.as_array().expect("a list").iter();
    titles.filter_map(|lens| lens["command"]["title"].as_str().map(str::to_owned)).collect()
}

fn started(world: World, base: &str) -> Client {
    let mut client = Session::of(world).option("base", base.into()).start();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    client
}

/// A client that compares with the last commit, which has all of a world, and has the policy open.
fn compared_with_last_commit(world: World) -> Client {
    world.commit("all");
    let mut client = started(world, "HEAD");
    compared(&mut client, "nothing new since HEAD");
    client.open(POLICY);
    client
}

each_editor! {
    fn new_findings_are_marked_and_counted(editor) {
        let session = Session::of(repository()).editor(editor).option("base", "main".into());
        let mut client = session.start();
        client.ignore(POLICY);
        let comparison = compared(&mut client, "2 new since main");
        assert_eq!(comparison["base"], "main");
        let counts = &comparison["counts"];
        assert!(counts["base"].as_str().is_some_and(|base| base.starts_with("main (")), "{counts}");
        assert_eq!(counts["new"], json!({"errors": 2, "warnings": 0}));
        assert_eq!(counts["fixed"], json!({"errors": 0, "warnings": 0}));
        assert_eq!(counts["alreadyThere"], json!({"errors": 1, "warnings": 1}));
        let status = client.status("exact");
        assert_eq!(status["text"], "3 errors, 1 warning; 2 new since main");
        let marked = format!("new {TIME}");
        client.latest(MANIFEST, "the marks", |shown| {
            shown.diagnostics.iter().any(|one| one.message.starts_with("new: "))
        });
        assert_eq!(marks(&mut client, MANIFEST), [&marked, "rejected", &format!("new {PLAIN}")]);
        assert_eq!(marks(&mut client, POLICY), ["license-not-encountered"]);
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        let gate = "gate: 3 errors, 1 warning · 2 new since main";
        let lenses = lenses(&mut client);
        assert!(lenses.iter().any(|lens| lens.starts_with(gate)), "{lenses:?}");
    }

    fn unsaved_edits_change_the_marks(editor) {
        let session = Session::of(repository()).editor(editor).option("base", "main".into());
        let mut client = session.start();
        client.ignore(MANIFEST);
        client.ignore(POLICY);
        compared(&mut client, "2 new since main");
        client.open(MANIFEST);
        client.replace(MANIFEST, "plain = \"1.5\"\n", "");
        compared(&mut client, "1 new since main");
        client.replace(MANIFEST, "gpl = \"1\"\n", "");
        compared(&mut client, "1 new since main, 1 fixed");
        assert_eq!(marks(&mut client, MANIFEST), [format!("new {TIME}")]);
        client.replace(MANIFEST, "cookie = \"0.18\"\n", "gpl = \"1\"\n");
        compared(&mut client, "nothing new since main");
        assert_eq!(marks(&mut client, MANIFEST), ["rejected"]);
    }

    fn command_turns_the_comparison_on_and_off(editor) {
        let mut client = Session::of(repository()).editor(editor).start();
        client.ignore(MANIFEST);
        client.ignore(POLICY);
        let status = client.status("exact");
        assert_eq!(status.get("comparison"), None);
        assert_eq!(marks(&mut client, POLICY), ["license-not-encountered"]);
        execute(&mut client, &json!(["main"]));
        compared(&mut client, "2 new since main");
        execute(&mut client, &json!(["HEAD"]));
        compared(&mut client, "2 new since HEAD");
        for off in [json!([""]), json!([null]), json!([])] {
            execute(&mut client, &off);
            client.status_when("no comparison", |status| status.get("comparison").is_none());
            assert_eq!(marks(&mut client, MANIFEST), [TIME, "rejected", PLAIN]);
            execute(&mut client, &json!(["main", true]));
            compared(&mut client, "2 new since main");
        }
        let wrong = json!({"command": COMMAND, "arguments": ["--all"]});
        let error = client.request("workspace/executeCommand", wrong).expect_err("no revision");
        assert!(error.message.contains("expected a branch, tag or commit"), "{error:?}");
    }
}

#[test]
fn setting_takes_effect_at_once_and_overrides_the_command_when_it_changes() {
    let mut client = started(repository(), "main");
    compared(&mut client, "2 new since main");
    execute(&mut client, &json!(["HEAD"]));
    compared(&mut client, "2 new since HEAD");
    client.configure(json!({"base": "main~0"}));
    compared(&mut client, "2 new since main~0");
    client.configure(json!({"base": ""}));
    client.status_when("no comparison", |status| status.get("comparison").is_none());
    assert_eq!(marks(&mut client, MANIFEST), [TIME, "rejected", PLAIN]);
    client.configure(json!({"base": "--all"}));
    assert!(client.message("setting").contains("invalid setting `base`: expected a branch"));
}

#[test]
fn both_sides_are_checked_with_the_options_of_the_settings() {
    let mut client = started(repository(), "main");
    compared(&mut client, "2 new since main");
    client.configure(json!({"base": "main", "only": ["licenses"]}));
    let licenses = |status: &Value| {
        status["text"] == "1 error, 1 warning; nothing new since main (check licenses)"
    };
    client.status_when("the licenses", licenses);
    client.configure(json!({"base": "main", "levels": {"unmaintained": "allow"}}));
    compared(&mut client, "1 new since main");
}

#[test]
fn commit_moves_the_base() {
    let mut client = started(repository(), "HEAD");
    compared(&mut client, "2 new since HEAD");
    client.world.commit("all");
    compared(&mut client, "nothing new since HEAD");
    client.world.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
    compared(&mut client, "2 new since HEAD");
    client.world.git(&["branch", "--quiet", "--force", "other"]);
    execute(&mut client, &json!(["other"]));
    compared(&mut client, "2 new since other");
    client.world.commit("all");
    client.world.git(&["branch", "--quiet", "--force", "other"]);
    compared(&mut client, "nothing new since other");
}

#[test]
fn base_is_the_tip_of_the_branch_or_where_the_current_one_has_left_it() {
    let world = repository();
    world.commit("topic");
    world.git(&["switch", "--quiet", "main"]);
    world.edit(MANIFEST, "gpl = \"1\"\n", "");
    world.lock("");
    world.commit("fixed on main");
    world.git(&["switch", "--quiet", "topic"]);
    let mut client = started(world, "main");
    compared(&mut client, "3 new since main");
    client.configure(json!({"mergeBase": true}));
    compared(&mut client, "2 new since main");
}

#[test]
fn unknown_revision_is_shown_once_until_it_exists() {
    let mut client = started(repository(), "origin/next");
    let message = client.message("origin/next");
    assert!(
        message.starts_with(
            "supercargo: could not compare with `origin/next`: could not find the base"
        ),
        "{message}"
    );
    let comparison = compared(&mut client, "not compared with origin/next");
    assert!(comparison["message"].as_str().is_some_and(|why| why.contains("git fetch")));
    assert_eq!(marks(&mut client, POLICY), ["license-not-encountered"]);
    // It is looked for again, without another message.
    client.open(MANIFEST);
    client.save(MANIFEST);
    client.world.git(&["update-ref", "refs/remotes/origin/next", "main"]);
    compared(&mut client, "2 new since origin/next");
}

#[test]
fn folder_without_a_repository_is_checked_all_the_same() {
    let mut client = started(World::locked(SMALL), "main");
    let message = client.message("could not compare with `main`");
    assert!(message.contains("is not in a git repository"), "{message}");
    compared(&mut client, "not compared with main");
    assert_eq!(marks(&mut client, MANIFEST), [TIME, "rejected", PLAIN]);
}

#[test]
fn base_that_cannot_be_checked_is_named_with_its_reason() {
    let world = repository();
    let manifest = world.read(MANIFEST);
    world.write(MANIFEST, "[package\n");
    world.commit("broken");
    world.write(MANIFEST, manifest);
    let mut client = started(world, "HEAD");
    let message = client.message("could not compare with `HEAD`");
    assert!(message.contains("could not check the base `HEAD ("), "{message}");
    compared(&mut client, "not compared with HEAD");
}

#[cfg(unix)]
#[test]
fn untrusted_workspace_is_not_compared_and_starts_no_git() {
    use std::os::unix::fs::PermissionsExt;

    let mut world = repository();
    world.write("../fake/git", "#!/bin/sh\ntouch \"$HOME/../cargo/git-ran\"\n");
    let git = world.path("../fake/git");
    let mode = std::fs::Permissions::from_mode(0o755);
    world.change_as_test(|| std::fs::set_permissions(&git, mode).expect("a mode is set"));
    let path = format!("{}:{}", world.path("../fake"), world.variables()["PATH"]);
    world.set("PATH", &path);
    let session = Session::of(world).option("base", "main".into());
    let mut client = session.option("trusted", false.into()).start();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    client.message("not trusted");
    let status = client.status("untrusted");
    assert_eq!(status["comparison"]["text"], "not compared with main");
    let why = status["comparison"]["message"].as_str().expect("a reason");
    assert!(why.contains("trusted workspace"), "{why}");
    execute(&mut client, &json!(["HEAD"]));
    client.status_when("the other base", |status| status["comparison"]["base"] == "HEAD");
    assert_eq!(client.world.try_read("../cargo/git-ran"), None);
}

#[test]
fn comparison_follows_the_trust() {
    let mut client = started(repository(), "main");
    compared(&mut client, "2 new since main");
    client.notify("supercargo/didChangeTrust", json!({"trusted": false}));
    client.message("not trusted");
    client.status("untrusted");
    client.notify("supercargo/didChangeTrust", json!({"trusted": true}));
    compared(&mut client, "2 new since main");
}

#[test]
fn entry_that_hides_a_finding_is_marked_until_it_is_removed() {
    let mut client = compared_with_last_commit(repository());
    client.replace(POLICY, "ignore = []", &format!("ignore = [\"{TIME}\"]"));
    let comparison =
        compared(&mut client, "nothing new since HEAD, 1 hidden by changes of the policy");
    assert_eq!(comparison["counts"]["policyLoosened"], json!({"errors": 1, "warnings": 0}));
    let shown = client.history(POLICY).last().copied().expect("published").clone();
    let of_entry = shown.diagnostics.iter().find(|one| one.code.is_none()).expect("on the entry");
    assert_eq!(of_entry.severity, 3);
    assert_eq!(
        of_entry.message,
        format!(
            "new `ignore` entry for `{TIME}` hides an error that HEAD reports: `time` 0.3.44 has a \
             vulnerability: Stack exhaustion"
        )
    );
    assert_eq!(
        client.encoding.covered(&client.text(POLICY), of_entry.range),
        format!("\"{TIME}\"")
    );
    // A broken policy hides nothing more.
    client.replace(POLICY, "ignore = [", "ignore = [[");
    client.status("failed");
    client.replace(POLICY, "ignore = [[", "ignore = [");
    compared(&mut client, "nothing new since HEAD, 1 hidden by changes of the policy");
    client.replace(POLICY, &format!("\"{TIME}\""), "");
    compared(&mut client, "nothing new since HEAD");
    client.ends_with(POLICY, "no entry that hides a finding", |shown| {
        shown.diagnostics.iter().all(|one| one.code.is_some())
    });
}

#[test]
fn key_that_hides_a_finding_is_marked() {
    let world = repository();
    world.edit(POLICY, "[advisories]\n", "[advisories]\nunmaintained = \"all\"\n");
    let mut client = compared_with_last_commit(world);
    client.replace(POLICY, "unmaintained = \"all\"", "unmaintained = \"none\"");
    // The new one is ours about this value.
    compared(&mut client, "1 new since HEAD, 1 hidden by changes of the policy");
    let shown = client.history(POLICY).last().copied().expect("published").clone();
    let of_key = shown.diagnostics.iter().find(|one| one.code.is_none()).expect("on the key");
    assert_eq!(
        of_key.message,
        "`advisories.unmaintained = \"none\"`, which was `\"all\"`, hides an error that HEAD reports: \
         `plain` 1.5.0 is unmaintained: No longer maintained"
    );
    assert_eq!(client.encoding.covered(&client.text(POLICY), of_key.range), "unmaintained");
    client.replace(POLICY, "unmaintained = \"none\"", "unmaintained = \"all\"");
    compared(&mut client, "nothing new since HEAD");
}

#[test]
fn graph_of_the_policy_that_leaves_a_package_out_hides_its_finding() {
    let mut client = compared_with_last_commit(repository());
    client.insert(POLICY, "[licenses]", "[graph]\nexclude = [\"cookie\"]\n\n");
    compared(&mut client, "nothing new since HEAD, 1 hidden by changes of the policy");
    client.replace(POLICY, "[graph]\nexclude = [\"cookie\"]\n\n", "");
    compared(&mut client, "nothing new since HEAD");
}

#[test]
fn panicked_check_of_the_base_is_reported_and_repeated_after_a_save() {
    let mut world = repository();
    world.set("SUPERCARGO_PANIC_IN", "base-check");
    let mut client = started(world, "main");
    client.expect_panics();
    client.message("internal error while checking the base of");
    client.message("could not compare with `main`: internal error");
    compared(&mut client, "not compared with main");
    client.open(MANIFEST);
    client.save(MANIFEST);
    compared(&mut client, "2 new since main");
}

#[test]
fn panicked_check_with_the_policy_of_the_base_is_repeated_with_the_next_verdict() {
    let mut world = repository();
    world.commit("all");
    world.set("SUPERCARGO_PANIC_IN", "policy-check");
    let mut client = started(world, "HEAD");
    client.expect_panics();
    compared(&mut client, "nothing new since HEAD");
    client.open(POLICY);
    client.replace(POLICY, "ignore = []", &format!("ignore = [\"{TIME}\"]"));
    client.message("internal error while checking the changes of the policy of");
    client.replace(POLICY, "ignore = [", "ignore = [ ");
    compared(&mut client, "nothing new since HEAD, 1 hidden by changes of the policy");
}

#[test]
fn worktree_has_a_head_of_its_own() {
    let world = repository();
    world.commit("all");
    let tree = world.path("../tree");
    world.git(&["worktree", "add", "--quiet", "--detach", &tree, "main"]);
    let manifest = world.read(MANIFEST);
    world.write("../tree/Cargo.toml", manifest);
    world.write("../tree/Cargo.lock", world.read("Cargo.lock"));
    let session = Session::of(world).folders(&["../tree"]).option("base", "HEAD".into());
    let mut client = session.start();
    client.ignore_all();
    compared(&mut client, "2 new since HEAD");
    client.world.git(&["-C", &tree, "commit", "--quiet", "--all", "--message", "the same"]);
    compared(&mut client, "nothing new since HEAD");
}

#[test]
fn advisory_that_is_published_meanwhile_is_not_new() {
    let mut client = started(repository(), "main");
    compared(&mut client, "2 new since main");
    client.world.add("#- advisory: RUSTSEC-2026-0077 gpl patched >=2: Published now\n");
    client.status_when("the advisory", |status| {
        status["state"] == "exact"
            && status["checks"]["advisories"]["errors"] == 3
            && status["comparison"]["text"] == "2 new since main"
    });
}

#[test]
fn workspace_that_the_base_does_not_have_is_new() {
    let world = World::locked(SMALL);
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    world.write("README.md", "");
    world.git(&["add", "README.md"]);
    world.git(&["commit", "--quiet", "--message", "base"]);
    let mut client = started(world, "main");
    compared(&mut client, "4 new since main");
}

#[test]
fn entry_that_another_workspace_needs_is_not_fixed() {
    let world = World::new(
        r#"
#- crate: plain 1.5.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- one/Cargo.toml
[package]
name = "one"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
plain = "1"
#- two/Cargo.toml
[package]
name = "two"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
gpl = "1"
#- deny.toml
[licenses]
allow = ["MIT", "GPL-3.0-only"]
"#,
    );
    world.lock("one");
    world.lock("two");
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    world.commit("base");
    let mut client = started(world, "HEAD");
    client.ignore_all();
    client.wait_until("both are compared", |client| {
        ["one", "two"].into_iter().all(|folder| {
            let status = client.status_of(folder);
            status.is_some_and(|status| {
                status["text"] == "no errors or warnings; nothing new since HEAD"
            })
        })
    });
}

#[cfg(unix)]
#[test]
fn check_of_the_base_does_not_delay_the_verdict() {
    use crate::harness::FakeCargo;

    let mut world = repository();
    world.use_fake_cargo(FakeCargo::Held);
    world.release_cargo();
    let mut client = started(world, "");
    client.status("exact");
    // From now on cargo does not end.
    client.world.delete("../released");
    let calls = client.world.cargo_calls();
    execute(&mut client, &json!(["main"]));
    client.world.wait_for_cargo_calls(calls + 1);
    client.open(MANIFEST);
    client.open(POLICY);
    client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    client.status_when("the edit", |status| status["text"] == "2 errors; checking main");
    // Another base takes the place of the check that runs.
    execute(&mut client, &json!(["HEAD"]));
    client.status_when("the other base", |status| status["text"] == "2 errors; checking HEAD");
    client.world.release_cargo();
    // The finding about the entry is fixed.
    compared(&mut client, "2 new since HEAD, 1 hidden by changes of the policy, 1 fixed");
}

/// [`SMALL`] in the folder `old` of a repository, all of it in the last commit.
fn repository_with_folder() -> World {
    let fixture = SMALL.replace("#- Cargo.toml", "#- old/Cargo.toml");
    let world = World::new(&fixture.replace("#- deny.toml", "#- old/deny.toml"));
    world.lock("old");
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    world.commit("base");
    world
}

#[test]
fn moved_workspace_is_compared_with_the_one_that_the_base_has_in_another_folder() {
    let world = repository_with_folder();
    world.edit("old/deny.toml", "ignore = []", &format!("ignore = [\"{PLAIN}\"]"));
    world.commit("policy");
    world.git(&["mv", "old", "new"]);
    let mut client = Session::of(world).option("base", "HEAD".into()).start();
    client.ignore_all();
    compared(&mut client, "nothing new since HEAD");
    // The policy has moved, too.
    client.open("new/deny.toml");
    let ignored = format!("\"{PLAIN}\"");
    client.replace("new/deny.toml", &ignored, &format!("{ignored}, \"{TIME}\""));
    compared(&mut client, "nothing new since HEAD, 1 hidden by changes of the policy");
}

#[test]
fn workspace_without_a_finding_of_those_that_are_gone_is_new() {
    let world = repository_with_folder();
    world.git(&["mv", "old", "new"]);
    let manifest = world.read("new/Cargo.toml");
    world.write("new/deny.toml", "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [\"cookie\"]\n");
    let manifest = manifest.replace("gpl = \"1\"\nplain = \"1.5\"\n", "");
    world.write("new/Cargo.toml", manifest.replace("cookie = \"0.18\"", "other = \"1\""));
    world.add("#- crate: cookie 0.17.0\n#- crate: other 1.0.0 -> cookie 0.17");
    world.lock("new");
    let mut client = Session::of(world).option("base", "HEAD".into()).start();
    client.ignore_all();
    compared(&mut client, "1 new since HEAD");
}

/// A repository whose folder `old` was moved to `first`, of which `second` is a copy.
fn repository_with_moved_and_copied_folder() -> World {
    let world = repository_with_folder();
    world.git(&["mv", "old", "first"]);
    for file in ["Cargo.toml", "Cargo.lock", "deny.toml", "src/lib.rs"] {
        world.write(&format!("second/{file}"), world.read(&format!("first/{file}")));
    }
    world
}

/// The states of the comparisons of both folders, sorted.
fn both_comparisons(client: &Client) -> [String; 2] {
    let mut texts = ["first", "second"].map(|folder| {
        let status = client.status_of(folder);
        let text = status.and_then(|status| status["comparison"]["text"].as_str());
        text.unwrap_or_default().to_owned()
    });
    texts.sort_unstable();
    texts
}

#[test]
fn only_one_workspace_is_the_one_that_was_moved() {
    let world = repository_with_moved_and_copied_folder();
    let mut client = Session::of(world).option("base", "HEAD".into()).start();
    client.ignore_all();
    client.wait_until("two comparisons", |client| {
        both_comparisons(client) == ["4 new since HEAD", "nothing new since HEAD"]
    });
}

#[cfg(unix)]
#[test]
fn only_one_workspace_is_the_one_that_was_moved_if_both_are_compared_at_once() {
    use crate::harness::FakeCargo;

    let mut world = repository_with_moved_and_copied_folder();
    world.use_fake_cargo(FakeCargo::Held);
    world.release_cargo();
    let mut client = Session::of(world).option("base", "".into()).start();
    client.ignore_all();
    client.wait_until("two verdicts", |client| {
        let exact = |folder| client.status_of(folder).is_some_and(|one| one["state"] == "exact");
        exact("first") && exact("second")
    });
    client.world.delete("../released");
    let calls = client.world.cargo_calls();
    execute(&mut client, &json!(["HEAD"]));
    client.wait_until("both wait", |client| {
        both_comparisons(client).iter().all(|text| text == "checking HEAD")
    });
    client.world.wait_for_cargo_calls(calls + 1);
    client.world.release_cargo();
    client.wait_until("two comparisons", |client| {
        let both = both_comparisons(client);
        assert_ne!(both, ["nothing new since HEAD"; 2]);
        both == ["4 new since HEAD", "nothing new since HEAD"]
    });
}
