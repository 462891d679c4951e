//! What changes on disk is seen without a word from the client, whichever editor it is: by cargo in
//! a terminal, by another editor, by git. Once, whoever else tells of it.

use std::fs;

use serde_json::Value;

use crate::{
    harness::{Client, Editor, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const BROKEN: &str = "supercargo::resolution-failed";

/// A workspace with a member that a glob finds, a package beside it, and what they may bring.
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

/// [`SMALL`] judged, with nothing open.
fn judged(world: World, editor: Editor) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    client.diagnostics_with(MANIFEST, "rejected");
    client.diagnostics_with(POLICY, "license-not-encountered");
    client
}

/// As editors and cargo write: another file takes the old one's place.
fn replace_file(world: &World, path: &str, text: &str) {
    let beside = format!("{path}.new");
    world.write(&beside, text);
    world.rename(&beside, path);
}

/// A version is yanked, and then no longer.
fn is_yanked_and_back(world: World, editor: Editor) {
    world.edit(POLICY, "ignore = []", "yanked = \"deny\"");
    let mut client = judged(world, editor);
    let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/pl/ai/plain";
    client.world.edit(index, "\"yanked\":false", "\"yanked\":true");
    client.diagnostics_with(MANIFEST, "yanked");
    client.world.edit(index, "\"yanked\":true", "\"yanked\":false");
    client.diagnostics_without(MANIFEST, "yanked");
}

each_editor! {
    fn a_lock_file_that_cargo_writes_renews_the_findings(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        client.world.add("#- crate: time 0.3.47");
        client.world.lock_again();
        let shown = client.diagnostics_without(MANIFEST, TIME);
        assert!(shown.has("rejected") && shown.has(PLAIN), "{}", shown.drawn());
        client.ends_with(MANIFEST, "the end", |shown| shown.codes() == ["rejected", PLAIN]);
    }

    fn a_policy_that_another_program_edits_is_judged(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        let text = client.world.read(POLICY).replace("\"GPL-3.0-only\"", "\"Zlib\"");
        replace_file(&client.world, POLICY, &text);
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
    }

    fn a_policy_that_is_created_and_deleted_is_judged(editor) {
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

    fn a_file_of_exceptions_is_judged(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        let exceptions = "exceptions = [{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }]\n";
        client.world.write(".cargo/deny.exceptions.toml", exceptions);
        client.diagnostics_without(MANIFEST, "rejected");
        client.world.delete(".cargo/deny.exceptions.toml");
        client.diagnostics_with(MANIFEST, "rejected");
        client.ignore(POLICY);
        client.ignore(".cargo/deny.exceptions.toml");
    }

    fn a_lock_file_that_is_deleted_is_said(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        let lock = client.world.read("Cargo.lock");
        client.world.delete("Cargo.lock");
        client.diagnostics_with(MANIFEST, "supercargo::no-lock-file");
        replace_file(&client.world, "Cargo.lock", &lock);
        client.diagnostics_without(MANIFEST, "supercargo::no-lock-file");
    }

    fn manifests_of_members_are_judged_anew(editor) {
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

    fn cargos_configuration_is_judged(editor) {
        let mut client = judged(World::locked(SMALL), editor);
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
        // What is judged while the configuration changes may be anything; in the end it is right.
        client.ends_with(MANIFEST, "what it was", |shown| {
            shown.codes() == [TIME, "rejected", PLAIN]
        });
    }

    fn advisories_that_are_added_changed_and_withdrawn_are_judged(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        client.world.add("#- advisory: RUSTSEC-2026-0300 gpl: New\n");
        client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0300");
        client.world.add("#- advisory: RUSTSEC-2026-0300 gpl patched >=1: New\n");
        client.diagnostics_without(MANIFEST, "RUSTSEC-2026-0300");
        client.world.delete(&format!("../db/crates/plain/{PLAIN}.md"));
        client.diagnostics_without(MANIFEST, PLAIN);
    }

    fn an_advisory_that_is_cut_off_ends_nobody(editor) {
        let mut client = judged(World::locked(SMALL), editor);
        let time = client.world.read(&format!("../db/crates/time/{TIME}.md"));
        client.world.write(&format!("../db/crates/time/{TIME}.md"), "");
        // The check reads the advisories again.
        client.world.edit(POLICY, "ignore = []", &format!("ignore = [\"{PLAIN}\"] # known"));
        client.diagnostics_without(MANIFEST, PLAIN);
        client.world.write(&format!("../db/crates/time/{TIME}.md"), time);
        client.world.edit(POLICY, &format!("ignore = [\"{PLAIN}\"] # known"), "ignore = []");
        client.ends_with(MANIFEST, "all", |shown| shown.codes() == [TIME, "rejected", PLAIN]);
    }

    fn a_database_that_is_fetched_in_a_terminal_is_judged(editor) {
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

    fn what_cargos_index_says_is_judged(editor) {
        is_yanked_and_back(World::locked(SMALL), editor);
    }

    fn what_cargos_index_says_of_packages_that_no_lock_file_names_is_judged(editor) {
        is_yanked_and_back(World::new(SMALL), editor);
    }

    fn buffers_that_are_open_and_unchanged_give_way_to_the_disk(editor) {
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
        // What the user edits rules again.
        client.replace(POLICY, "\"Zlib\"", "\"ISC\"");
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
        // An edited buffer does not give way.
        client.world.edit(POLICY, "[licenses]", "# later\n[licenses]");
        client.replace(POLICY, "ignore = []", &format!("ignore = [\"{PLAIN}\"]"));
        client.diagnostics_when(MANIFEST, "the rest", |shown| shown.codes() == ["rejected"]);
        client.ends_with(POLICY, "the entry", |shown| shown.has("license-not-encountered"));
    }

    fn workspaces_that_appear_in_the_folder_and_go_are_seen(editor) {
        let below = |folder: &str| {
            SMALL
                .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
                .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
        };
        let world = World::new(&below("first"));
        world.lock("first");
        let mut client = Session::of(world).editor(editor).start();
        // The search has ended when its only workspace is judged.
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
    fn a_member_opened_while_the_root_manifest_is_written_belongs_to_it(editor) {
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

    fn a_member_that_the_root_manifest_excludes_is_judged_for_itself(editor) {
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

    /// No cargo but that of the verdicts is counted.
    fn judged(world: World, editor: Editor) -> Client {
        let session = Session::of(world).editor(editor);
        let mut client = session.option("proveWhenIdle", false.into()).start();
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, "license-not-encountered");
        client
    }

    /// A change that starts no cargo, seen by the server after whatever was told before.
    fn change_policy(client: &mut Client) {
        client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }

    each_editor! {
        fn a_change_that_several_tell_is_judged_once(editor) {
            let mut client = judged(counted(SMALL), editor);
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

        fn a_file_that_is_written_as_it_was_is_not_judged(editor) {
            let mut client = judged(counted(SMALL), editor);
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

    /// Whatever kept cargo from resolving may be over.
    #[test]
    fn saving_a_file_as_it_was_tries_again_what_failed() {
        let world = counted(SMALL);
        world.edit(MANIFEST, "1.5", "9.9");
        let mut client = Session::of(world).start();
        client.open(MANIFEST);
        client.diagnostics_with(MANIFEST, BROKEN);
        client.ignore(MANIFEST);
        // Nothing is watched that tells of what is published.
        client.world.add("#- crate: plain 9.9.0");
        client.notify_saved(MANIFEST);
        client.diagnostics_without(MANIFEST, BROKEN);
        client.ignore(POLICY);
    }

    /// Hundreds of members, as a switch of branches changes them.
    #[test]
    fn hundreds_of_files_are_judged_once() {
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
        // The other branch lies ready beside this one.
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
    fn facts_that_have_changed_start_no_cargo() {
        let mut client = judged(counted(SMALL), Editor::Neovim);
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
fn folders_of_workspaces_that_are_forgotten_are_not_watched() {
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
