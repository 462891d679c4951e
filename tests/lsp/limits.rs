//! The limits for repositories: while input beyond the limits is open, hovers respond, memory stays
//! small, everything else is checked, and a finding reports what was cut.

#![cfg(target_os = "linux")]

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use crate::{
    harness::{Client, Editor, Session, Shown, World},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const OVER: &str = "supercargo::over-limit";

/// The most memory that the server may use, in KiB.
const MEMORY_LIMIT: u64 = 300 << 10;

/// How long a hover may take on a busy machine.
const HOVER_LIMIT: Duration = Duration::from_secs(5);

fn untrusted(world: World) -> Client {
    let client = Session::of(world).editor(Editor::Neovim).option("trusted", false.into());
    let mut client = client.start();
    client.message("not trusted");
    client
}

/// The peak memory of the server, in KiB.
fn peak_memory(client: &mut Client) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", client.process().id()));
    let status = status.expect("the server runs");
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux has the value");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A hover has a response, and memory is within its limit.
fn assert_responds(client: &mut Client) {
    let asked = Instant::now();
    client.hover(MANIFEST, "cookie");
    let took = asked.elapsed();
    assert!(took < HOVER_LIMIT, "a hover took {took:?}");
    let memory = peak_memory(client);
    assert!(memory < MEMORY_LIMIT, "{memory} KiB");
}

fn entry(lock: &mut String, name: &str, dependencies: impl Iterator<Item = String>) {
    let source = "registry+https://github.com/rust-lang/crates.io-index";
    let all: Vec<_> = dependencies.map(|one| format!(" \"{one}\",\n")).collect();
    let all = all.concat();
    let _ = write!(
        lock,
        "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\ndependencies = [\n{all}]\n"
    );
}

/// `cookie` depends on `p00000` instead of `time`.
fn through_packages(
    world: &World,
    mut dependencies: impl FnMut(usize) -> Vec<String>,
    count: usize,
) {
    world.edit("Cargo.lock", " \"time\",", " \"p00000\",");
    let mut lock = world.read("Cargo.lock");
    for number in 0..count {
        entry(&mut lock, &format!("p{number:05}"), dependencies(number).into_iter());
    }
    world.write("Cargo.lock", lock);
}

#[test]
fn chain_of_ten_thousand_packages_is_checked_without_cargo() {
    const LENGTH: usize = 10_000;
    let world = World::locked(SMALL);
    let next = |number: usize| match number + 1 {
        LENGTH => vec!["time".to_owned()],
        next => vec![format!("p{next:05}")],
    };
    through_packages(&world, next, LENGTH);
    let mut client = untrusted(world);
    client.open(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, TIME);
    assert_eq!(shown.covered(TIME), "0.18");
    assert_responds(&mut client);
    let hover = client.hover(MANIFEST, "0.18").expect("a hover").value;
    assert!(hover.contains("a dependency path of 10003 packages is not listed"), "{hover}");
}

#[test]
fn twenty_thousand_packages_with_eleven_dependencies_are_checked_without_cargo() {
    const COUNT: usize = 20_000;
    let world = World::locked(SMALL);
    let below = |number: usize| {
        let all = (1..=11).map(|step| number + step * step * step);
        let mut all: Vec<_> =
            all.filter(|one| *one < COUNT).map(|one| format!("p{one:05}")).collect();
        if number + 1 == COUNT {
            all.push("time".to_owned());
        }
        all
    };
    through_packages(&world, below, COUNT);
    let mut client = untrusted(world);
    client.open(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, TIME);
    assert_eq!(shown.covered(TIME), "0.18");
    assert_responds(&mut client);
}

/// Each of ten thousand packages has an advisory, and a path through all before it.
#[test]
fn chain_of_vulnerable_packages_is_reported_with_the_paths_that_are_short() {
    const LENGTH: usize = 2_000;
    let world = World::locked(SMALL);
    let advisory = |number: usize| {
        format!("#- advisory: RUSTSEC-2026-{:04} p{number:05}: Something\n", number + 1000)
    };
    world.add(&(0..LENGTH).map(advisory).collect::<String>());
    let next = |number: usize| match number + 1 {
        LENGTH => vec!["time".to_owned()],
        next => vec![format!("p{next:05}")],
    };
    through_packages(&world, next, LENGTH);
    let mut client = untrusted(world);
    client.open(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, TIME);
    assert!(shown.only("RUSTSEC-2026-1010").message.contains("via cookie 0.18.1 -> p00000"));
    let far = &shown.only("RUSTSEC-2026-2999").message;
    assert!(far.contains("(a dependency path of 2002 packages is not listed)"), "{far}");
    assert_responds(&mut client);
}

#[test]
fn pattern_of_members_that_looks_at_22500_files_is_cut_where_it_is_written() {
    let world = World::locked(SMALL);
    for wide in 0..150 {
        let folder = world.path(&format!("../wide/{wide}"));
        fs::create_dir_all(&folder).expect("a folder");
        for file in 0..150 {
            fs::write(format!("{folder}/{file}"), "").expect("a file");
        }
    }
    let pattern = "../wide/*/*";
    let table = format!("[workspace]\nmembers = [\"{pattern}\"]\n[package]");
    world.edit(MANIFEST, "[package]", &table);
    let mut client = untrusted(world);
    client.open(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, OVER);
    assert_eq!(shown.covered(OVER), pattern);
    assert!(shown.has(TIME), "{:?}", shown.codes());
    assert_responds(&mut client);
}

#[test]
fn links_that_lead_back_are_expanded_once() {
    for pattern in [format!("{}*", "*/".repeat(30)), "**".to_owned()] {
        let world = World::locked(SMALL);
        for name in ["a", "b", "c"] {
            world.folder(name);
            for link in ["x", "y", "z"] {
                let at = world.path(&format!("{name}/{link}"));
                std::os::unix::fs::symlink(world.path(""), at).expect("a link");
            }
        }
        let table = format!("[workspace]\nmembers = [\"{pattern}\"]\n[package]");
        world.edit(MANIFEST, "[package]", &table);
        let mut client = untrusted(world.clone());
        client.open(MANIFEST);
        client.diagnostics_with(MANIFEST, TIME);
        assert_responds(&mut client);
        drop(client);
        // Cargo would follow every path through them.
        let mut client = Session::of(world).editor(Editor::Neovim).start();
        client.ignore(POLICY);
        client.open(MANIFEST);
        let shown = client.diagnostics_with(MANIFEST, OVER);
        assert_eq!(shown.covered(OVER), pattern);
        assert_responds(&mut client);
        let text = client.world.read(MANIFEST).replace(&table, "[package]");
        client.world.write(MANIFEST, text);
        let is_done = |shown: &Shown| shown.has(TIME) && !shown.has(OVER);
        client.diagnostics_when(MANIFEST, "the pattern is gone", is_done);
        client.ignore_all();
    }
}

/// A matcher that supports braces fails on them, and once ended the watch.
#[test]
fn two_hundred_nested_braces_keep_no_workspace_from_being_checked_and_watched() {
    let below = |folder: &str| {
        SMALL
            .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
            .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
    };
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let plain = world.read("one/Cargo.toml");
    let braces = "{a,".repeat(200) + &"}".repeat(200);
    let table = format!("[workspace]\nmembers = [\"{braces}*\"]\n[package]");
    world.write("one/Cargo.toml", plain.replace("[package]", &table));
    let mut client = Session::of(world).editor(Editor::Neovim).start();
    client.diagnostics_with("two/Cargo.toml", TIME);
    client.diagnostics_with("two/deny.toml", "license-not-encountered");
    client.ignore_all();
    // The client does not report the change: the server notices it on disk.
    client.world.write("one/Cargo.toml", &plain);
    client.diagnostics_with("one/Cargo.toml", TIME);
    let changed = plain.replace("cookie = \"0.18\"\n", "");
    client.world.write("one/Cargo.toml", changed);
    client.diagnostics_without("one/Cargo.toml", TIME);
}

fn unused(shown: &Shown) -> usize {
    shown.codes().iter().filter(|code| **code == "license-not-encountered").count()
}

#[test]
fn policy_with_200000_entries_is_open_and_the_other_checks_are_made() {
    let world = World::locked(SMALL);
    let strings: Vec<_> = (0..200_000).map(|number| format!("\"b{number}\",\n")).collect();
    let strings = strings.concat();
    let plain = world.read(POLICY);
    world.write(POLICY, format!("{plain}[bans]\ndeny = [\n{strings}]\n"));
    let mut client = Session::of(world).editor(Editor::Neovim).start();
    client.open(MANIFEST);
    client.open(POLICY);
    let shown = client.diagnostics_with(POLICY, OVER);
    assert_eq!(shown.covered(OVER), "deny");
    assert!(shown.has("license-not-encountered"), "{:?}", shown.codes());
    assert!(client.diagnostics_with(MANIFEST, TIME).has("rejected"));
    assert_responds(&mut client);
    let asked = Instant::now();
    client.hover(POLICY, "allow");
    client.insert(POLICY, "[bans]", "# one more line\n");
    client.hover(POLICY, "allow");
    let took = asked.elapsed();
    assert!(took < 2 * HOVER_LIMIT, "two hovers took {took:?}");
    assert_responds(&mut client);
    // Each edit is checked, and its memory is freed.
    for _ in 0..2 {
        client.replace(POLICY, "\"Zlib\"", "\"Zlib\", \"ISC\"");
        client.diagnostics_when(POLICY, "two licenses", |shown| unused(shown) == 2);
        client.replace(POLICY, ", \"ISC\"", "");
        client.diagnostics_when(POLICY, "one license", |shown| unused(shown) == 1);
    }
    assert_responds(&mut client);
    client.ignore_all();
}

#[test]
fn license_text_that_is_a_device_ends_neither_server_nor_protocol() {
    for file in ["/dev/zero", "/dev/stdin"] {
        let world = World::locked(SMALL);
        world.edit(MANIFEST, "license = \"MIT\"", "license-file = \"LICENSE\"");
        std::os::unix::fs::symlink(file, world.path("LICENSE")).expect("a link");
        let mut client = Session::of(world).editor(Editor::Neovim).start();
        client.open(MANIFEST);
        let shown = client.diagnostics_with(MANIFEST, OVER);
        assert_eq!(shown.covered(OVER), "LICENSE");
        assert!(shown.has(TIME) && shown.has("rejected"), "{:?}", shown.codes());
        for _ in 0..20 {
            assert_responds(&mut client);
        }
        client.ignore_all();
    }
}
