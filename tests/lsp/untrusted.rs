//! An untrusted workspace starts no program, opens no connection and writes no file but our own cache,
//! according to the kernel.
//!
//! The system calls of the server are a list of [`Event`]s, read from `strace`.
//!
//! ```text
//! SUPERCARGO_WORKSPACES=5000 cargo test --test lsp untrusted   that many generated workspaces
//! ```

use std::{fmt::Write as _, fs, path::Path};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    harness::{Client, Session, World},
    hostile_workspaces::{first_seed, go_through, number_of_workspaces},
    untouched::{opened, use_all_workspaces, wait_for_verdicts, world},
};

/// How many workspaces one server has open.
const TOGETHER: u64 = 16;

/// The traced system calls; a machine need not have all of them.
const CALLS: &str = "trace=?execve,?execveat,?connect,?sendto,?open,?openat,?openat2,?creat,?rename,\
                     ?renameat,?renameat2,?unlink,?unlinkat,?rmdir,?mkdir,?mkdirat,?link,?linkat,\
                     ?symlink,?symlinkat,?mknod,?mknodat,?chmod,?fchmodat,?chown,?lchown,?fchownat,\
                     ?truncate,?utimensat,?setxattr,?lsetxattr";

/// A system call with an effect outside the process.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Started(String),
    Connected(String),
    /// Opened for writing, created, replaced, deleted or changed; the path is absolute.
    Changed(Utf8PathBuf),
}

/// Fails unless the only effects are the start of the server and writes to the cache.
fn assert_harmless(events: &[Event], world: &World) {
    let cache = world.path("../home/.cache");
    let own = env!("CARGO_BIN_EXE_supercargo");
    let mut starts = 0;
    let harmful = events.iter().filter(|event| match event {
        // The first is the start of the server.
        Event::Started(program) => {
            starts += 1;
            starts > 1 || program != own
        }
        Event::Connected(_) => true,
        Event::Changed(path) => !path.starts_with(&cache) && path != "/dev/null",
    });
    let harmful: Vec<_> = harmful.collect();
    assert!(harmful.is_empty(), "in a workspace that is not trusted: {harmful:#?}");
    assert_eq!(starts, 1, "the trace has one start of the server");
}

/// Parses the output of `strace -f -y`, relative to a folder.
fn events(trace: &str, folder: &Utf8Path) -> Vec<Event> {
    let mut events = Vec::new();
    for line in trace.lines() {
        // `PID call(arguments) = result`, or the arguments only where another thread comes between.
        let Some((_, call)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        match name {
            "execve" | "execveat" => {
                let failed = arguments.contains("ENOENT");
                events.extend(texts(arguments).next().filter(|_| !failed).map(Event::Started));
            }
            "connect" => events.push(Event::Connected(arguments.to_owned())),
            "sendto" => {
                // A pipe between threads has no address.
                let to = arguments.contains("sa_family");
                events.extend(to.then(|| Event::Connected(arguments.to_owned())));
            }
            "open" | "openat" | "openat2" if !opens_for_writing(arguments) => {}
            _ => events.extend(changed(arguments, folder)),
        }
    }
    events
}

/// Whether the flags of an open allow writing.
fn opens_for_writing(arguments: &str) -> bool {
    // File names are in quotation marks.
    let outside: String = arguments.split('"').step_by(2).collect();
    ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"]
        .iter()
        .any(|flag| outside.contains(flag))
}

/// All paths of a call, relative to the folder of the descriptor before them.
fn changed(arguments: &str, folder: &Utf8Path) -> Vec<Event> {
    let mut base = folder.to_owned();
    let mut events = Vec::new();
    for (at, part) in arguments.split('"').enumerate() {
        if at % 2 == 0 {
            // `AT_FDCWD</folder>` or `5</folder>`
            let named = part.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
            base = named.map_or_else(|| folder.to_owned(), |(path, _)| path.into());
        } else {
            events.push(Event::Changed(lexical(&base.join(part))));
        }
    }
    events
}

fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    let mut clean = Utf8PathBuf::new();
    for part in path.components() {
        if part.as_str() == ".." {
            clean.pop();
        } else {
            clean.push(part);
        }
    }
    clean
}

/// The texts in quotation marks.
fn texts(arguments: &str) -> impl Iterator<Item = String> {
    arguments.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// A server in an untrusted workspace, and the path of its trace.
fn traced(world: &World, folders: &[String]) -> (Client, String) {
    let strace = ["/usr/bin/strace", "/bin/strace", "/usr/local/bin/strace"];
    let strace = strace.into_iter().find(|path| Path::new(path).is_file());
    let strace =
        strace.expect("install `strace` (`apt-get install strace`): this test asks the kernel");
    // In a folder that is not watched.
    let trace = world.path("../cache/trace");
    fs::create_dir_all(world.path("../cache")).expect("a folder");
    let session = Session::of(world.clone())
        .under(&[
            strace,
            "-f",
            "-y",
            "-qq",
            "-s",
            "4096",
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
            &trace,
        ])
        .option("trusted", false.into())
        .option("offline", false.into())
        .option("db", serde_json::Value::Null);
    (opened(session, folders), trace)
}

fn assert_trace_harmless(world: &World, trace: &str) {
    let trace = fs::read_to_string(trace).expect("`strace` has written it");
    assert_harmless(&events(&trace, world.path("").as_str().into()), world);
}

#[test]
fn untrusted_hostile_workspaces_start_no_program_open_no_connection_and_write_nothing() {
    go_through(first_seed(5001), number_of_workspaces(32), TOGETHER, |workspaces| {
        let (world, folders) = world(workspaces);
        let (mut client, trace) = traced(&world, &folders);
        use_all_workspaces(&mut client, &folders);
        client.end();
        assert_trace_harmless(&world, &trace);
    });
}

const PACKAGE: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\n\
                       [dependencies]\np0 = \"1\"\n";

fn chain(length: usize, each: usize) -> String {
    let mut text = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"p0\",\n]\n".to_owned();
    for number in 0..length {
        let _ = write!(
            text,
            "\n[[package]]\nname = \"p{number}\"\nversion = \"1.0.0\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\ndependencies = [\n"
        );
        for next in number + 1..(number + 1 + each).min(length) {
            let _ = writeln!(text, " \"p{next}\",");
        }
        text.push_str("]\n");
    }
    text
}

/// Workspaces that take all memory or time without limits.
#[test]
fn untrusted_endless_workspaces_can_be_closed_without_a_trace() {
    let world = World::new("#- advisory: RUSTSEC-2026-0001 p9999 patched >=2: Deep down\n");
    world.serve_git("../db", "https://github.com/RustSec/advisory-db");
    let git = "[core]\nrepositoryformatversion = 0\nfsmonitor = \"touch ran\"\nsshCommand = \"touch ran\"\n\
               [remote \"origin\"]\nurl = \"ext::touch ran\"\n[filter \"x\"]\nsmudge = \"touch ran\"\n";
    for (folder, lock) in
        [("chain", chain(10_000, 1)), ("wide", chain(20_000, 11)), ("git", chain(2, 1))]
    {
        world.write(&format!("{folder}/Cargo.toml"), PACKAGE);
        world.write(&format!("{folder}/src/lib.rs"), "");
        world.write(&format!("{folder}/Cargo.lock"), lock);
    }
    world.write("git/deny.toml", "[advisories]\ndb-path = \".\"\ngit-fetch-with-cli = true\n");
    world.write("git/.git/config", git);
    world.write("git/.git/HEAD", "ref: refs/heads/main\n");
    world.write("git/.git/hooks/post-checkout", "#!/bin/sh\ntouch ran\n");
    world.link("git/advisory-db-3157b0e258782691", ".");
    world.write(
        "git/.cargo/config.toml",
        "[build]\nrustc = \"./ran.sh\"\n[alias]\nmetadata = \"run\"\n",
    );
    world.write("git/rust-toolchain.toml", "[toolchain]\nchannel = \"nightly-2001-01-01\"\n");
    let folders = ["chain", "wide", "git"].map(str::to_owned);
    let (mut client, trace) = traced(&world, &folders);
    wait_for_verdicts(&mut client);
    use_all_workspaces(&mut client, &folders);
    client.end();
    assert_trace_harmless(&world, &trace);
}

/// cargo-deny reads advisories from a copy of ours only, which is in the cache.
#[test]
fn advisory_database_is_copied_into_the_cache_only() {
    let world = World::new("#- advisory: RUSTSEC-2026-0001 p1 patched >=2: Deep down\n");
    world.serve_git("../db", "https://github.com/RustSec/advisory-db");
    let databases = world.path("../databases");
    let database = format!("{databases}/advisory-db-3157b0e258782691");
    fs::create_dir_all(&databases).expect("a folder");
    fs::rename(world.path("../db"), &database).expect("renamed");
    fs::write(format!("{database}/.git/FETCH_HEAD"), "").expect("written");
    world.write("app/Cargo.toml", PACKAGE);
    world.write("app/src/lib.rs", "");
    world.write("app/Cargo.lock", chain(2, 1));
    world.write("app/deny.toml", format!("[advisories]\ndb-path = \"{databases}\"\n"));
    let (mut client, trace) = traced(&world, &["app".to_owned()]);
    client.latest("app/Cargo.toml", "the advisory", |shown| shown.has("RUSTSEC-2026-0001"));
    use_all_workspaces(&mut client, &["app".to_owned()]);
    client.end();
    assert_trace_harmless(&world, &trace);
}

#[test]
fn events_are_parsed_from_a_trace() {
    let trace = "\
7 execve(\"/bin/x\", [\"x\"], 0x7 /* 3 vars */) = 0
7 openat(AT_FDCWD</w>, \"a/O_CREAT\", O_RDONLY|O_CLOEXEC) = 3</w/a>
8 openat(AT_FDCWD</w>, \"../b\", O_WRONLY|O_CREAT|O_CLOEXEC, 0666 <unfinished ...>
8 <... openat resumed>) = 4</b>
8 mkdirat(5</w/c>, \"d\", 0777) = -1 EACCES (Permission denied)
8 rename(\"/e\", \"f\") = 0
9 connect(4<socket:[1]>, {sa_family=AF_UNIX, sun_path=\"/run/nscd\"}, 110) = -1 ENOENT
9 sendto(3<socket:[2]>, \"x\", 1, 0, NULL, 0) = 1
";
    let changed = |path: &str| Event::Changed(path.into());
    let events = events(trace, "/w".into());
    assert_eq!(events[0], Event::Started("/bin/x".to_owned()));
    assert_eq!(events[1..5], ["/b", "/w/c/d", "/e", "/w/f"].map(changed));
    assert!(matches!(&events[5..], [Event::Connected(to)] if to.contains("nscd")));
}
