//! A manifest is checked while it is edited: it is resolved in a copy, and no file of the user is
//! written.

use crate::{
    harness::{Change, Client, Editor, FakeCargo, Session, Shown, World, each_editor},
    worlds::TIME,
};

const MANIFEST: &str = "Cargo.toml";
const BROKEN: &str = "supercargo::resolution-failed";
const NO_LOCK: &str = "supercargo::no-lock-file";

/// A requirement that can be changed to a patched version.
const BUMP: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: helper 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "=0.3.44"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

fn opened(editor: Editor) -> Client {
    let mut client = Session::of(World::locked(BUMP)).editor(editor).start();
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "the finding", |shown| {
        shown.version.is_some() && shown.has(TIME)
    });
    client
}

each_editor! {
    fn unsaved_upgrade_to_a_patched_version_clears_the_finding(editor) {
        let mut client = opened(editor);
        client.replace(MANIFEST, "=0.3.44", "=0.3.47");
        let shown = client.diagnostics_without(MANIFEST, TIME);
        assert!(shown.is_empty(), "{}", shown.drawn());
        client.replace(MANIFEST, "=0.3.47", "=0.3.44");
        let shown = client.diagnostics_with(MANIFEST, TIME);
        assert_eq!(shown.covered(TIME), "=0.3.44");
    }

    fn findings_stay_exact_when_their_line_is_rewritten(editor) {
        let mut client = opened(editor);
        let written = |requirement: &str| {
            BUMP.split("#- ").find_map(|file| file.strip_prefix("Cargo.toml\n")).expect("there")
                .replace("time = \"=0.3.44\"", requirement)
        };
        for requirement in ["time   =  '=0.3.44' # why", "time.version = \"=0.3.44\""] {
            client.change(MANIFEST, &[Change::whole(&format!("# ö\n{}", written(requirement)))]);
            client.diagnostics_when(MANIFEST, "the requirement alone", |shown| {
                shown.codes() == [TIME] && shown.covered(TIME) == "=0.3.44"
            });
        }
        client.ignore(MANIFEST);
    }

    fn unknown_version_is_reported_while_it_is_typed(editor) {
        let mut client = opened(editor);
        client.replace(MANIFEST, "=0.3.44", "=9.9.9");
        let shown = client.diagnostics_with(MANIFEST, BROKEN);
        assert_eq!(shown.covered(BROKEN), "=9.9.9");
        client.replace(MANIFEST, "=9.9.9", "=0.3.47");
        client.diagnostics_when(MANIFEST, "no finding", crate::harness::Shown::is_empty);
    }
}

each_editor! {
    fn half_typed_line_shows_its_error_with_the_last_findings(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "time = ", "helper = \"1\n");
        let shown = client.diagnostics_when(MANIFEST, "both", |shown| {
            shown.codes() == [BROKEN, TIME]
        });
        assert_eq!(
            shown.only(BROKEN).message,
            "cargo failed: invalid basic string, expected `\"`"
        );
        let at = client.find(MANIFEST, "helper");
        assert_eq!(shown.line(BROKEN), client.position(MANIFEST, at).line);
        // Another error, then none: each is gone with its text.
        client.replace(MANIFEST, "helper = \"1\n", "helper = \n");
        client.latest(MANIFEST, "the other error", |shown| {
            shown.codes() == [BROKEN, TIME] && shown.only(BROKEN).message.contains("literal string")
        });
        client.replace(MANIFEST, "helper = \n", "");
        client.ends_with(MANIFEST, "the finding alone", |shown| shown.codes() == [TIME]);
    }

    fn saved_syntax_error_is_shown_once_and_gone_with_the_text(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "time = ", "helper = \n");
        client.save(MANIFEST);
        client.status("failed");
        client.latest(MANIFEST, "both", |shown| shown.codes() == [BROKEN, TIME]);
        client.replace(MANIFEST, "helper = \n", "");
        client.ends_with(MANIFEST, "the finding alone", |shown| shown.codes() == [TIME]);
    }
}

#[test]
fn manifest_saved_half_typed_is_checked_when_completed() {
    let mut client = opened(Editor::Neovim);
    client.insert(MANIFEST, "time = ", "helper = \"1\n");
    client.save(MANIFEST);
    client.diagnostics_with(MANIFEST, BROKEN);
    client.replace(MANIFEST, "helper = \"1\n", "helper = \"1\"\n");
    let shown = client.diagnostics_without(MANIFEST, BROKEN);
    assert_eq!(shown.codes(), [TIME]);
    client.replace(MANIFEST, "=0.3.44", "=0.3.47");
    client.diagnostics_without(MANIFEST, TIME);
}

#[test]
fn findings_move_when_the_first_dependency_becomes_the_last() {
    let mut client = opened(Editor::Helix);
    client.replace(MANIFEST, "\n[dependencies]\ntime = \"=0.3.44\"\n", "");
    let rest = client.text(MANIFEST);
    let rotated = format!("[dependencies]\ntime = \"=0.3.44\"\n\n{rest}");
    client.replace(MANIFEST, &rest, &rotated);
    client.diagnostics_when(MANIFEST, "the finding on its new line", |shown| {
        shown.has(TIME) && shown.line(TIME) == 1 && shown.covered(TIME) == "=0.3.44"
    });
    // Replace the requirement by a table.
    client.replace(MANIFEST, "\"=0.3.44\"", "{ version = \"=0.3.44\" }");
    client.ends_with(MANIFEST, "the finding on the version", |shown| {
        shown.codes() == [TIME]
            && shown.only(TIME).range.start.character == 20
            && shown.covered(TIME) == "=0.3.44"
    });
}

/// While it has an error on disk, no verdict says which packages belong to the workspace.
#[test]
fn path_dependency_with_an_error_on_disk_is_checked_with_its_unsaved_text() {
    let world = World::new(BUMP);
    let sound = world.read(MANIFEST).replace("app", "beside");
    world.write("../beside/Cargo.toml", sound.replace("=0.3.44", "=9.9.9"));
    world.write("../beside/src/lib.rs", "");
    world.edit(MANIFEST, "time = \"=0.3.44\"", "beside = { path = \"../beside\" }");
    let mut client = Session::of(world).start();
    client.diagnostics_with("../beside/Cargo.toml", BROKEN);
    client.open_with("../beside/Cargo.toml", "toml", &sound);
    client.ends_with("../beside/Cargo.toml", "the verdict", |shown| {
        shown.has(TIME) && !shown.has(BROKEN)
    });
    client.ignore(MANIFEST);
    client.ignore("deny.toml");
}

#[test]
fn path_dependency_opened_with_unsaved_text_is_checked_with_it() {
    let world = World::new(BUMP);
    world.write("../beside/Cargo.toml", world.read(MANIFEST).replace("app", "beside"));
    world.write("../beside/src/lib.rs", "");
    let unsaved = world.read("../beside/Cargo.toml").replace("=0.3.44", "=0.3.47");
    world.edit(MANIFEST, "time = \"=0.3.44\"", "beside = { path = \"../beside\" }");
    world.lock("");
    let mut client = Session::of(world).start();
    client.open_with("../beside/Cargo.toml", "toml", &unsaved);
    client.status_when("both are clean", |status| {
        status["state"] == "exact" && status["exitCode"] == 0
    });
    client.ends_with("../beside/Cargo.toml", "no finding", |shown| !shown.has(TIME));
    client.ignore(MANIFEST);
    client.ignore("deny.toml");
}

#[test]
fn members_are_checked_while_the_root_manifest_has_an_error_on_disk() {
    let world = World::new(BUMP);
    let package = world.read(MANIFEST);
    world.write("member/Cargo.toml", package);
    world.write("member/src/lib.rs", "");
    world.write(MANIFEST, "[workspace]\nmembers = [\"member\"]\nresolver = \"2\"\n");
    world.lock("");
    let mut client = Session::of(world).start();
    client.diagnostics_with("member/Cargo.toml", TIME);
    client.open(MANIFEST);
    client.insert(MANIFEST, "resolver", "resol\n");
    client.save(MANIFEST);
    client.diagnostics_with(MANIFEST, BROKEN);
    client.replace(MANIFEST, "resol\n", "");
    client.diagnostics_without(MANIFEST, BROKEN);
    client.status("exact");
    client.ends_with("member/Cargo.toml", "the finding", |shown| shown.codes() == [TIME]);
}

#[test]
fn error_on_disk_stays_when_the_manifest_is_rewritten() {
    let world = World::new(BUMP);
    world.edit(MANIFEST, "name = \"app\"", "name =");
    let broken = world.read(MANIFEST);
    let mut client = Session::of(world).start();
    client.diagnostics_with(MANIFEST, BROKEN);
    client.open_with(MANIFEST, "toml", "# half typed\n[pack\nnothing = 1\n");
    client.diagnostics_when(MANIFEST, "the error of cargo", |shown| {
        shown.version == Some(1) && shown.has(BROKEN)
    });
    client.change(MANIFEST, &[Change::whole(&broken)]);
    client.ends_with(MANIFEST, "the error of cargo", |shown| {
        shown.has(BROKEN) && (shown.version, shown.line(BROKEN)) == (Some(2), 1)
    });
    client.ignore("deny.toml");
}

/// The message is cargo's error in the workspace, not in an incomplete copy.
#[test]
fn error_on_disk_is_reported_during_any_edit() {
    let world = World::new(BUMP);
    let package = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             license = \"MIT\"\n\n[dependencies]\n{more}"
        )
    };
    world.write("crates/a/Cargo.toml", package("a", ""));
    world.write("crates/b/Cargo.toml", package("b", "a = { path = \"../a\" }\n"));
    world.write("crates/c/Cargo.toml", package("c", "helper.workspace = true\n"));
    for name in ["a", "b", "c"] {
        world.write(&format!("crates/{name}/src/lib.rs"), "");
    }
    world.write(MANIFEST, "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n");
    let mut client = Session::of(world).start();
    let has_error = |shown: &Shown| {
        shown.covered(BROKEN) == "workspace"
            && shown.only(BROKEN).message.contains("`workspace.dependencies` was not defined")
    };
    client.diagnostics_when("crates/c/Cargo.toml", "the error of cargo", has_error);
    client.open("crates/b/Cargo.toml");
    client.insert("crates/b/Cargo.toml", "a = ", "time = \"=0.3.44\"\n");
    client.insert("crates/b/Cargo.toml", "time", "helper = \"1\"\n");
    client.status_when("the edit was checked", |status| status["state"] == "failed");
    client.open("crates/c/Cargo.toml");
    client.replace("crates/c/Cargo.toml", "helper.workspace = true", "helper = \"1\"");
    client.status("exact");
    client.ends_with("crates/c/Cargo.toml", "nothing", Shown::is_empty);
    client.ends_with("crates/b/Cargo.toml", "the finding", |shown| shown.codes() == [TIME]);
    client.ends_with(MANIFEST, "that there is no lock file", |shown| shown.codes() == [NO_LOCK]);
    let blamed = client.history(MANIFEST).iter().any(|shown| shown.has(BROKEN));
    assert!(!blamed, "{:?}", client.history(MANIFEST));
}

#[test]
fn closing_without_saving_returns_to_the_text_on_disk() {
    let mut client = opened(Editor::Neovim);
    client.replace(MANIFEST, "=0.3.44", "=0.3.47");
    client.diagnostics_without(MANIFEST, TIME);
    client.close(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, TIME);
    assert_eq!(shown.version, None);
}

#[cfg(unix)]
#[test]
fn outdated_cargo_is_ended() {
    let mut world = World::locked(BUMP);
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.open(MANIFEST);
    client.diagnostics_with(MANIFEST, TIME);
    client.replace(MANIFEST, "=0.3.44", "=0.3.47");
    client.diagnostics_without(MANIFEST, TIME);
    client.status_when("the exact verdict", |status| {
        status["state"] == "exact" && status["exitCode"] == 0
    });
    let resolutions = client.world.resolutions();

    client.world.use_fake_cargo(FakeCargo::Held);
    client.replace(MANIFEST, "=0.3.47", "=0.3.45");
    client.world.wait_for_resolutions(resolutions + 1);
    // An edit without effect on the resolution keeps it running; another edit replaces it.
    client.replace(MANIFEST, "[dependencies]", "# a comment\n[dependencies]");
    client.replace(MANIFEST, "=0.3.45", "=0.3.44");
    client.world.wait_for_resolutions(resolutions + 2);
    client.world.release_cargo();
    client.status_when("the exact verdict", |status| {
        status["state"] == "exact" && status["exitCode"] == 1
    });
    client.ends_with(MANIFEST, "the finding", |shown| {
        shown.codes() == [TIME] && shown.covered(TIME) == "=0.3.44"
    });
    assert!(client.history(MANIFEST).iter().all(|shown| !shown.has(BROKEN)));
    assert_eq!(client.world.resolutions(), resolutions + 2);
}

#[test]
fn unsaved_text_of_a_former_path_dependency_is_ignored() {
    let world = World::locked(BUMP);
    let package = world.read(MANIFEST).replace("app", "beside");
    world.write("../beside/Cargo.toml", &package);
    world.write("../beside/src/lib.rs", "");
    world.edit(MANIFEST, "time = \"=0.3.44\"", "beside = { path = \"../beside\" }");
    world.delete("Cargo.lock");
    let mut client = Session::of(world).start();
    client.open(MANIFEST);
    client.diagnostics_with(MANIFEST, NO_LOCK);
    client.open("../beside/Cargo.toml");
    client.replace("../beside/Cargo.toml", "=0.3.44", "=0.3.47");
    client.ends_with("../beside/Cargo.toml", "no finding", |shown| !shown.has(TIME));
    client.replace(MANIFEST, "beside = { path = \"../beside\" }", "time = \"=0.3.44\"");
    client.save(MANIFEST);
    client.ends_with(MANIFEST, "the finding and the note", |shown| {
        shown.has(TIME) && shown.has(NO_LOCK)
    });
    client.ignore("../beside/Cargo.toml");
}
