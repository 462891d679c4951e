//! Opening any repository in an editor, typing in it and closing it changes no file on disk: no byte,
//! inode or time of the workspace or around it. (In every test the harness compares all of them when a
//! server ends.)
//!
//! ```text
//! SUPERCARGO_WORKSPACES=5000 cargo test --test lsp untouched   that many generated workspaces
//! SUPERCARGO_SEED=17 ..      the workspace of a failure again, as the first one
//! ```

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, TEST_TIMEOUT, World},
    hostile_workspaces::{
        self as hostile, Workspace, first_seed, go_through, number_of_workspaces,
    },
    worlds::{SMALL, TIME},
};

/// How many workspaces one server has open.
const TOGETHER: u64 = 8;

const DATABASE_URL: &str = "https://github.com/RustSec/advisory-db";

/// A world with these workspaces, and their folders.
pub(crate) fn world(workspaces: &[Workspace]) -> (World, Vec<String>) {
    let world = World::new(hostile::REGISTRY);
    world.serve_git("../db", DATABASE_URL);
    let vendor = world.path("../vendor");
    let folders = workspaces.iter().map(|workspace| {
        let case = world.path(&format!("c{}", workspace.seed));
        let lock = |folder: &Path| lock_within_limit(&world, folder);
        workspace.layout(&case).write(case.as_ref(), vendor.as_ref(), &lock);
        format!("c{}/ws", workspace.seed)
    });
    let folders = folders.collect();
    (world, folders)
}

/// Writes a lockfile with cargo, if cargo can and ends soon.
fn lock_within_limit(world: &World, folder: &Path) {
    let mut command = Command::new(&world.variables()["CARGO"]);
    command.args(["generate-lockfile", "--quiet", "--offline"]).current_dir(folder);
    command.env_clear().envs(world.variables());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("cargo starts");
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().expect("it can be waited for").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A server with all of them open, whose findings are ignored.
pub(crate) fn opened(session: Session, folders: &[String]) -> Client {
    let folders: Vec<_> = folders.iter().map(String::as_str).collect();
    let mut client = session.folders(&folders).start();
    client.ignore_all();
    client
}

/// Opens all files, types in them without saving, and sends the requests of editors.
pub(crate) fn use_all_workspaces(client: &mut Client, folders: &[String]) {
    let mut files = Vec::new();
    for folder in folders {
        for name in [
            "Cargo.toml",
            "crates/a/Cargo.toml",
            "third_party/mine/Cargo.toml",
            "vendor/mine/Cargo.toml",
            "deny.toml",
        ] {
            let file = format!("{folder}/{name}");
            let is_file = Path::new(&client.world.path(&file)).is_file();
            let text = client.world.try_read(&file).filter(|_| is_file);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                client.open_with(&file, "toml", &text);
                files.push(file);
            }
        }
    }
    wait_for_verdicts(client);
    for file in &files {
        let text = client.text(file);
        let typed = if text.contains("cookie = \"0.18\"") {
            text.replace("cookie = \"0.18\"", "cookie = \"0.18.1\" # unsaved")
        } else {
            text.replace("license = ", "description = \"unsaved\"\nlicense = ")
        };
        if typed != text {
            client.replace(file, &text, &typed);
        }
    }
    wait_for_verdicts(client);
    for file in &files {
        send_all_requests(client, file);
    }
    // Upgrades are searched in the background after the checks.
    wait_for_verdicts(client);
    for file in &files {
        client.close(file);
    }
    wait_for_verdicts(client);
}

fn send_all_requests(client: &mut Client, file: &str) {
    let uri = client.world.uri(file);
    let document = json!({"uri": uri});
    let lines = u32::try_from(client.text(file).lines().count()).expect("a short text");
    let all = json!({"start": {"line": 0, "character": 0}, "end": {"line": lines, "character": 0}});
    let actions = json!({"textDocument": document, "range": all, "context": {"diagnostics": []}});
    let mut asked = vec![client.send_request("textDocument/codeAction", actions)];
    asked.push(
        client.send_request(
            "textDocument/inlayHint",
            json!({"textDocument": document, "range": all}),
        ),
    );
    for method in ["documentLink", "documentSymbol", "codeLens"] {
        let params = json!({"textDocument": document});
        asked.push(client.send_request(&format!("textDocument/{method}"), params));
    }
    for line in 0..lines {
        let position = json!({"line": line, "character": 3});
        let params = json!({"textDocument": document, "position": position});
        asked.push(client.send_request("textDocument/hover", params.clone()));
        asked.push(client.send_request("textDocument/definition", params));
    }
    for id in asked {
        let _: Result<Value, _> = client.response(id);
    }
}

/// Waits until every workspace has a verdict or a failure.
pub(crate) fn wait_for_verdicts(client: &mut Client) {
    let deadline = Instant::now() + TEST_TIMEOUT + TEST_TIMEOUT;
    loop {
        client.receive_until(Instant::now() + Duration::from_millis(100));
        let states = client.last_states();
        let is_final = |state: &&str| ["exact", "failed", "untrusted"].contains(state);
        if !states.is_empty() && states.values().all(is_final) {
            return;
        }
        assert!(Instant::now() < deadline, "no verdict and no failure: {states:?}");
    }
}

#[test]
fn hostile_workspaces_stay_unchanged_when_opened_edited_and_closed() {
    go_through(first_seed(3001), number_of_workspaces(32), TOGETHER, |workspaces| {
        let (world, folders) = world(workspaces);
        let editor = Editor::ALL[(workspaces[0].seed % 3) as usize];
        let session = Session::of(world.clone()).editor(editor);
        let session = session.option("offline", false.into()).option("db", Value::Null);
        let mut client = opened(session, &folders);
        use_all_workspaces(&mut client, &folders);
        client.end();
        hostile::assert_nothing_escaped(world.path("../").as_ref());
    });
}

/// Modes do not restrict root, but even then no file is changed, created or replaced.
#[cfg(unix)]
#[test]
fn read_only_workspace_has_findings_and_fixes() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let world = World::locked(SMALL);
    world.add("#- crate: time 0.3.47");
    let set_modes = |mode: u32, folder_mode: u32| {
        for file in ["Cargo.toml", "Cargo.lock", "deny.toml", "src/lib.rs", "src", ""] {
            let path = world.path(file);
            let mode = if Path::new(&path).is_dir() { folder_mode } else { mode };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode is set");
        }
    };
    set_modes(0o444, 0o555);
    let mut client = Session::of(world.clone()).start();
    client.ignore_all();
    client.open("Cargo.toml");
    client.diagnostics_with("Cargo.toml", TIME);
    let actions = client.actions("Cargo.toml", "0.18");
    assert!(actions.iter().any(|action| action.title().contains("time")), "{actions:?}");
    client.replace("Cargo.toml", "gpl = \"1\"", "gpl = \"1.0\" # unsaved");
    client.diagnostics_when("Cargo.toml", "a newer version", |shown| shown.version == Some(2));
    client.status("exact");
    client.close("Cargo.toml");
    client.end();
    world.change_as_test(|| set_modes(0o644, 0o755));
}
