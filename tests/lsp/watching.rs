//! Changes on disk (by cargo in a terminal, another editor, git) are noticed without reports of the
//! client, in every editor, and each once even if the client reports it, too.

use std::fs;

use serde_json::Value;

use crate::{
    harness::{Client, Editor, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const BROKEN: &str = "supercargo::resolution-failed";

/// A workspace with a member that matches a glob, a package outside it, and their possible dependencies.
const MEMBERS: &str = r#"
#- crate: plain 1.5.0
#- crate: other 1.0.0
#- crate: outer 1.0.0
#- advisory: RUSTSEC-2024-0436 plain unmaintained: No longer maintained
#- advisory: RUSTSEC-2026-0100 other: Another
#- advisory: RUSTSEC-2026-0200 outer: Outside
#- Cargo.toml
[workspace]
members = ["crates/*"]
resolver = "2"
#- crates/one/Cargo.toml
[package]
name = "one"
version = "0.1.0"
license = "MIT"

[dependencies]
plain = "1"
beside = { path = "../../../beside" }
#- ../beside/Cargo.toml
[package]
name = "beside"
version = "0.1.0"
license = "MIT"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

/// A session with the findings of [`SMALL`] and no open file.
fn started_with_findings(world: World, editor: Editor) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    client.diagnostics_with(MANIFEST, "rejected");
    client.diagnostics_with(POLICY, "license-not-encountered");
    client
}

/// Replaces a file by a new one, as editors and cargo write.
fn replace_file(world: &World, path: &str, text: &str) {
    let new_path = format!("{path}.new");
    world.write(&new_path, text);
    world.rename(&new_path, path);
}

/// Yanks a version, and then withdraws that.
fn yank_and_unyank(world: World, editor: Editor) {
    world.edit(POLICY, "ignore = []", "yanked = \"deny\"");
    let mut client = started_with_findings(world, editor);
    let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/pl/ai/plain";
    client.world.edit(index, "\"yanked\":false", "\"yanked\":true");
    client.diagnostics_with(MANIFEST, "yanked");
    client.world.edit(index, "\"yanked\":true", "\"yanked\":false");
    client.diagnostics_without(MANIFEST, "yanked");
}

each_editor! {
    fn lockfile_written_by_cargo_updates_the_findings(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        client.world.add("#- crate: time 0.3.47");
        client.world.lock_again();
        let shown = client.diagnostics_without(MANIFEST, TIME);
        assert!(shown.has("rejected") && shown.has(PLAIN), "{}", shown.drawn());
        client.ends_with(MANIFEST, "the end", |shown| shown.codes() == ["rejected", PLAIN]);
    }

    fn policy_edited_by_another_program_is_checked(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        let text = client.world.read(POLICY).replace("\"GPL-3.0-only\"", "\"Zlib\"");
        replace_file(&client.world, POLICY, &text);
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
    }

    fn created_and_deleted_policy_is_checked(editor) {
        let world = World::locked(SMALL);
        let policy = world.read(POLICY);
        world.delete(POLICY);
        let mut client = Session::of(world).editor(editor).start();
        client.diagnostics_with(MANIFEST, "supercargo::no-policy");
        for name in [POLICY, ".deny.toml", ".cargo/deny.toml", "../deny.toml"] {
            client.world.write(name, &policy);
            client.diagnostics_with(MANIFEST, "rejected");
            client.diagnostics_with(name, "license-not-encountered");
            client.world.delete(name);
            client.diagnostics_with(MANIFEST, "supercargo::no-policy");
            client.diagnostics_when(name, "nothing", Shown::is_empty);
        }
    }

    fn changed_exceptions_file_is_checked(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        let exceptions = "exceptions = [{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }]\n";
        client.world.write(".cargo/deny.exceptions.toml", exceptions);
        client.diagnostics_without(MANIFEST, "rejected");
        client.world.delete(".cargo/deny.exceptions.toml");
        client.diagnostics_with(MANIFEST, "rejected");
        client.ignore(POLICY);
        client.ignore(".cargo/deny.exceptions.toml");
    }

    fn deleted_lockfile_is_reported(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        let lock = client.world.read("Cargo.lock");
        client.world.delete("Cargo.lock");
        client.diagnostics_with(MANIFEST, "supercargo::no-lock-file");
        replace_file(&client.world, "Cargo.lock", &lock);
        client.diagnostics_without(MANIFEST, "supercargo::no-lock-file");
    }

    fn changed_member_manifests_are_checked_again(editor) {
        let mut client = Session::of(World::locked(MEMBERS)).editor(editor).start();
        client.diagnostics_with("crates/one/Cargo.toml", PLAIN);
        client.world.edit("crates/one/Cargo.toml", "plain = \"1\"\n", "");
        client.diagnostics_when("crates/one/Cargo.toml", "no finding", |shown| !shown.has(PLAIN));
        // A package outside of the workspace, and a new member.
        client.world.edit("../beside/Cargo.toml", "[package]", "[dependencies]\nouter = \"1\"\n[package]");
        client.diagnostics_with("../beside/Cargo.toml", "RUSTSEC-2026-0200");
        let member = "[package]\nname = \"two\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\n\
                      [dependencies]\nother = \"1\"\n";
        client.world.write("crates/two/src/lib.rs", "");
        client.world.write("crates/two/Cargo.toml", member);
        client.diagnostics_with("crates/two/Cargo.toml", "RUSTSEC-2026-0100");
        client.world.delete_folder("crates/two");
        client.diagnostics_when("crates/two/Cargo.toml", "nothing", Shown::is_empty);
        for file in [MANIFEST, "crates/one/Cargo.toml", "crates/two/Cargo.toml", "../beside/Cargo.toml"] {
            client.ignore(file);
        }
    }

    fn changed_cargo_configuration_is_checked(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        let home = client.world.read("../cargo/config.toml");
        for name in [".cargo/config.toml", "../.cargo/config", "../cargo/config.toml"] {
            let text = client.world.try_read(name);
            client.world.write(name, "= oops");
            client.diagnostics_with(name, BROKEN);
            match text {
                Some(text) => client.world.write(name, text),
                None => client.world.delete(name),
            }
            client.diagnostics_when(name, "nothing", Shown::is_empty);
        }
        assert_eq!(client.world.read("../cargo/config.toml"), home);
        // While the configuration changes, any findings may come; at the end they are right.
        client.ends_with(MANIFEST, "what it was", |shown| {
            shown.codes() == [TIME, "rejected", PLAIN]
        });
    }

    fn added_changed_and_withdrawn_advisories_are_checked(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        client.world.add("#- advisory: RUSTSEC-2026-0300 gpl: New\n");
        client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0300");
        client.world.add("#- advisory: RUSTSEC-2026-0300 gpl patched >=1: New\n");
        client.diagnostics_without(MANIFEST, "RUSTSEC-2026-0300");
        client.world.delete(&format!("../db/crates/plain/{PLAIN}.md"));
        client.diagnostics_without(MANIFEST, PLAIN);
    }

    fn truncated_advisory_ends_no_server(editor) {
        let mut client = started_with_findings(World::locked(SMALL), editor);
        let time = client.world.read(&format!("../db/crates/time/{TIME}.md"));
        client.world.write(&format!("../db/crates/time/{TIME}.md"), "");
        // The check reads the advisories again.
        client.world.edit(POLICY, "ignore = []", &format!("ignore = [\"{PLAIN}\"] # known"));
        client.diagnostics_without(MANIFEST, PLAIN);
        client.world.write(&format!("../db/crates/time/{TIME}.md"), time);
        client.world.edit(POLICY, &format!("ignore = [\"{PLAIN}\"] # known"), "ignore = []");
        client.ends_with(MANIFEST, "all", |shown| shown.codes() == [TIME, "rejected", PLAIN]);
    }

    fn database_fetched_in_a_terminal_is_checked(editor) {
        let world = World::locked(SMALL);
        let database = "../cargo/advisory-dbs/advisory-db-3157b0e258782691";
        let mut client = Session::of(world).editor(editor).option("db", Value::Null).start();
        client.diagnostics_with(MANIFEST, "supercargo::no-advisory-database");
        client.message("database");
        client.diagnostics(POLICY);
        // A clone appears, and is brought up to date.
        client.world.folder("../cargo/advisory-dbs");
        client.world.write("../db/.git/HEAD", "one");
        client.world.rename("../db", database);
        client.diagnostics_with(MANIFEST, PLAIN);
        client.world.delete(&format!("{database}/crates/plain/{PLAIN}.md"));
        client.world.write(&format!("{database}/.git/FETCH_HEAD"), "two");
        client.diagnostics_without(MANIFEST, PLAIN);
    }

    fn changed_index_is_checked(editor) {
        yank_and_unyank(World::locked(SMALL), editor);
    }

    fn changed_index_of_packages_without_lock_entry_is_checked(editor) {
        yank_and_unyank(World::new(SMALL), editor);
    }

    fn unedited_document_is_replaced_by_the_changed_file(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        for file in [MANIFEST, POLICY] {
            client.open(file);
            client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
        }
        client.open("Cargo.lock");
        client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        client.world.add("#- crate: time 0.3.47");
        client.world.lock("");
        client.diagnostics_without(MANIFEST, TIME);
        // After an edit of the user the document counts again.
        client.replace(POLICY, "\"Zlib\"", "\"ISC\"");
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
        // An edited document is not replaced.
        client.world.edit(POLICY, "[licenses]", "# later\n[licenses]");
        client.replace(POLICY, "ignore = []", &format!("ignore = [\"{PLAIN}\"]"));
        client.diagnostics_when(MANIFEST, "the rest", |shown| shown.codes() == ["rejected"]);
        client.ends_with(POLICY, "the entry", |shown| shown.has("license-not-encountered"));
    }

    fn created_and_deleted_workspaces_are_noticed(editor) {
        let below = |folder: &str| {
            SMALL
                .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
                .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
        };
        let world = World::new(&below("first"));
        world.lock("first");
        let mut client = Session::of(world).editor(editor).start();
        // The search has ended when its only workspace is checked.
        client.diagnostics_with("first/Cargo.toml", TIME);
        client.diagnostics_with("first/deny.toml", "license-not-encountered");
        client.world.add(&below("src/backend"));
        client.diagnostics_with("src/backend/Cargo.toml", TIME);
        client.diagnostics_with("src/backend/deny.toml", "license-not-encountered");
        client.ignore("src/backend/Cargo.toml");
        client.ignore("src/backend/deny.toml");
        client.world.delete("src/backend/Cargo.toml");
        client.diagnostics_when("src/backend/Cargo.toml", "nothing", Shown::is_empty);
        client.diagnostics_when("src/backend/deny.toml", "nothing", Shown::is_empty);
    }
}

each_editor! {
    fn member_opened_while_the_root_manifest_is_written_belongs_to_it(editor) {
        let (root, member) = (MANIFEST, "crates/one/Cargo.toml");
        let world = World::locked(MEMBERS);
        let text = world.read(root);
        world.write(root, "");
        let mut client = Session::of(world).editor(editor).start();
        client.open(member);
        client.wait_until("a verdict", |client| client.state_of("crates/one") == Some("failed"));
        client.world.write(root, &text);
        client.wait_until("a verdict", |client| client.state_of("") == Some("exact"));
        client.wait_until("the workspace's findings alone", |client| {
            let shown = client.shown().into_iter().filter(|(_, shown)| !shown.is_empty());
            let shown = shown.map(|(file, shown)| (client.world.with_placeholders(file), shown.codes()));
            shown.eq([("[work]/crates/one/Cargo.toml".to_owned(), vec![PLAIN])])
        });
        client.ignore(root);
        client.ends_with(member, "the end", |shown| shown.codes() == [PLAIN]);
    }

    fn excluded_member_is_checked_alone(editor) {
        const OTHER: &str = "#- crates/two/Cargo.toml\n[package]\nname = \"two\"\n\
            version = \"0.1.0\"\nlicense = \"MIT\"\n";
        let member = "crates/one/Cargo.toml";
        let world = World::locked(&format!("{MEMBERS}{OTHER}"));
        let mut client = Session::of(world).editor(editor).start();
        client.open(member);
        client.diagnostics_with(member, PLAIN);
        client.world.edit(MANIFEST, "resolver", "exclude = [\"crates/one\"]\nresolver");
        client.diagnostics_with(member, "supercargo::no-lock-file");
        client.wait_until("a verdict", |client| client.state_of("crates/one") == Some("exact"));
        client.world.edit(MANIFEST, "exclude = [\"crates/one\"]\n", "");
        client.ignore(MANIFEST);
        client.diagnostics_without(member, "supercargo::no-lock-file");
        client.ends_with(member, "the end", |shown| shown.codes() == [PLAIN]);
    }
}

#[cfg(unix)]
mod counted {
    use super::*;
    use crate::harness::FakeCargo;

    fn counted(fixture: &str) -> World {
        let mut world = World::locked(fixture);
        world.use_fake_cargo(FakeCargo::Counting);
        world
    }

    /// Only the cargo of checks is counted.
    fn started_with_findings(world: World, editor: Editor) -> Client {
        let session = Session::of(world).editor(editor);
        let mut client = session.option("proveWhenIdle", false.into()).start();
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
        client
    }

    /// A change that does not start cargo, and comes after all earlier changes.
    fn change_policy(client: &mut Client) {
        client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }

    each_editor! {
        fn change_reported_several_times_is_checked_once(editor) {
            let mut client = started_with_findings(counted(SMALL), editor);
            client.open(MANIFEST);
            client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
            let (calls, resolutions) = (client.world.cargo_calls(), client.world.resolutions());
            client.replace(MANIFEST, "0.1.0", "0.1.0\" # changed\n#\"");
            client.ignore(MANIFEST);
            client.write(MANIFEST);
            client.notify_changed(MANIFEST, 2);
            client.notify_saved(MANIFEST);
            client.world.wait_for_cargo_calls(calls + 1);
            client.notify_changed(MANIFEST, 2);
            client.notify_saved(MANIFEST);
            client.notify_changed(MANIFEST, 2);
            client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
            client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
            client.ends_with(MANIFEST, "the rest", |shown| shown.codes() == [TIME, PLAIN]);
            assert_eq!(client.world.resolutions(), resolutions + 1);
        }

        fn file_rewritten_with_the_same_text_is_not_checked(editor) {
            let mut client = started_with_findings(counted(SMALL), editor);
            let resolutions = client.world.resolutions();
            for file in [MANIFEST, "Cargo.lock"] {
                let text = client.world.read(file);
                client.world.write(file, &text);
                replace_file(&client.world, file, &text);
                client.notify_changed(file, 2);
            }
            change_policy(&mut client);
            assert_eq!(client.world.resolutions(), resolutions);
        }
    }

    /// The cause of the failure may be gone.
    #[test]
    fn saving_an_unchanged_file_repeats_a_failed_check() {
        let world = counted(SMALL);
        world.edit(MANIFEST, "1.5", "9.9");
        let mut client = Session::of(world).start();
        client.open(MANIFEST);
        client.diagnostics_with(MANIFEST, BROKEN);
        client.ignore(MANIFEST);
        // No watched file changes when a version is published.
        client.world.add("#- crate: plain 9.9.0");
        client.notify_saved(MANIFEST);
        client.diagnostics_without(MANIFEST, BROKEN);
        client.ignore(POLICY);
    }

    /// Hundreds of members, as a switch of branches changes them.
    #[test]
    fn hundreds_of_changed_files_are_checked_once() {
        const COUNT: usize = 300;
        let members = (0..COUNT).map(|number| {
            format!(
                "#- crates/m{number}/Cargo.toml\n[package]\nname = \"m{number}\"\n\
                 version = \"0.1.0\"\nlicense = \"MIT\"\n"
            )
        });
        let root = "[package]\nname = \"app\"";
        let fixture = SMALL.replace(
            root,
            &format!("[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n{root}"),
        );
        let world = counted(&format!("{fixture}{}", members.collect::<String>()));
        let mut files = vec![MANIFEST.to_owned(), "Cargo.lock".to_owned()];
        let before: Vec<_> = files.iter().map(|file| world.read(file)).collect();
        world.edit(MANIFEST, "gpl = \"1\"\n", "");
        world.lock("");
        // The files of the other branch are prepared in another folder.
        for (file, text) in files.iter().zip(before) {
            world.write(&format!("{file}.new"), world.read(file));
            world.write(file, text);
        }
        for number in 0..COUNT {
            let file = format!("crates/m{number}/Cargo.toml");
            let text = format!("# of the branch\n{}", world.read(&file));
            world.write(&format!("{file}.new"), text);
            files.push(file);
        }
        let mut client = Session::of(world)
            .option("workspace", true.into())
            .option("proveWhenIdle", false.into())
            .start();
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
        let resolutions = client.world.resolutions();
        for file in &files {
            client.world.rename(&format!("{file}.new"), file);
            client.notify_changed(file, 2);
        }
        client.diagnostics_without(MANIFEST, "rejected");
        client.world.edit(POLICY, "\"Zlib\"", "\"ISC\"");
        client.diagnostics_when(POLICY, "the later policy", |shown| {
            shown.has("license-not-encountered")
                && shown.covered("license-not-encountered") == "ISC"
        });
        assert_eq!(client.world.resolutions(), resolutions + 1);
    }

    /// An advisory or an index that has changed costs no resolution.
    #[test]
    fn changed_databases_and_index_do_not_start_cargo() {
        let mut client = started_with_findings(counted(SMALL), Editor::Neovim);
        let resolutions = client.world.resolutions();
        client.world.add("#- advisory: RUSTSEC-2026-0300 gpl: New\n");
        client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0300");
        let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/pl/ai/plain";
        client.world.edit(index, "\"yanked\":false", "\"yanked\":true");
        client.diagnostics_with(MANIFEST, "yanked");
        assert_eq!(client.world.resolutions(), resolutions);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn folders_of_removed_workspaces_are_not_watched() {
    use crate::harness::wait_until;
    use serde_json::json;

    fn watches(id: u32) -> usize {
        let files = fs::read_dir(format!("/proc/{id}/fdinfo")).expect("it is running");
        let texts = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        texts.map(|text| text.matches("inotify wd:").count()).sum()
    }

    let world = World::new(&SMALL.replace("#- Cargo.toml", "#- one/Cargo.toml"));
    world.lock("one");
    world.folder("empty");
    let mut client = Session::of(world).folders(&["empty"]).start();
    let id = client.process().id();
    let change = |client: &mut Client, added: &[&str], removed: &[&str]| {
        let listed = |folders: &[&str]| -> Vec<_> {
            let uri = |folder: &&str| json!({"uri": client.world.uri(folder), "name": folder});
            folders.iter().map(uri).collect()
        };
        let event = json!({"added": listed(added), "removed": listed(removed)});
        client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    };
    change(&mut client, &["one"], &["empty"]);
    client.diagnostics_with("one/Cargo.toml", TIME);
    client.diagnostics_with(POLICY, "license-not-encountered");
    client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    client.diagnostics_without("one/Cargo.toml", "rejected");
    client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    let before = watches(id);
    change(&mut client, &[], &["one"]);
    client.diagnostics_when("one/Cargo.toml", "nothing", Shown::is_empty);
    // The folders of the advisories stay watched: they belong to the settings.
    wait_until("the folders are let go", || watches(id) < before.saturating_sub(5));
}
