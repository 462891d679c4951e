//! An extreme load: 200 edits per second in two files, a hover every 50 milliseconds, and meanwhile the
//! lockfile rewritten between two states, as by `cargo update`.
//!
//! The assertions hold on every machine: versions never decrease (the harness checks that), the last
//! publication has the newest text, the findings at the end are those of the text, and the same load
//! again needs no more memory. Times are not asserted; with
//! `--nocapture` they are printed, and `cargo xtask bench` measures them.
//!
//! A load takes two seconds; `SUPERCARGO_STRESS_SECONDS=30` makes it longer. It sleeps between edits; no
//! assertion depends on that.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    harness::{Client, Session, Shown, World},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

/// Between two edits.
const STEP: Duration = Duration::from_millis(5);

/// Between two lock files.
const UPDATE: Duration = Duration::from_millis(150);

/// How often the load is run.
const LOADS: usize = 3;

fn length() -> Duration {
    let seconds = env::var("SUPERCARGO_STRESS_SECONDS");
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().expect("seconds")))
}

/// Rewrites the lockfile repeatedly until it is stopped; then the lockfile has the last state.
struct Updates {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Updates {
    fn start(world: &World, states: [String; 2]) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let (asked, world) = (Arc::clone(&stop), world.clone());
        let write = move |text: &str| {
            world.write("Cargo.lock.new", text);
            world.rename("Cargo.lock.new", "Cargo.lock");
        };
        let thread = thread::spawn(move || {
            for text in states.iter().cycle() {
                write(text);
                if asked.load(Ordering::Relaxed) {
                    break;
                }
                thread::sleep(UPDATE);
            }
            write(&states[1]);
        });
        Self { stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic");
    }
}

/// Types for a while; returns the time of each hover.
fn load(client: &mut Client, length: Duration) -> Vec<Duration> {
    let mut hovers = Vec::new();
    let start = Instant::now();
    let mut last = ["# 0".to_owned(), "# 0".to_owned()];
    for number in 1.. {
        let due = STEP * number;
        if due >= length {
            break;
        }
        thread::sleep(due.saturating_sub(start.elapsed()));
        let which = (number % 2) as usize;
        let file = [MANIFEST, POLICY][which];
        match number % 40 {
            // One edit that cargo resolves, one that is only checked.
            4 => client.replace(MANIFEST, "gpl = \"1\"", "gpl = \"1.0\""),
            24 => client.replace(MANIFEST, "gpl = \"1.0\"", "gpl = \"1\""),
            5 => client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\""),
            25 => client.replace(POLICY, "\"GPL-3.0-only\"", "\"Zlib\""),
            _ => {
                let next = format!("# {number}");
                client.replace(file, &format!("{}\n", last[which]), &format!("{next}\n"));
                last[which] = next;
            }
        }
        if number % 10 == 0 {
            let asked = Instant::now();
            let hover = client.hover(MANIFEST, "0.18");
            hovers.push(asked.elapsed());
            assert!(hover.expect("it is declared there").value.contains("cookie"));
        }
    }
    for (file, last) in [MANIFEST, POLICY].into_iter().zip(last) {
        client.replace(file, &format!("{last}\n"), "# 0\n");
    }
    // The state after the load.
    for (file, wanted, other) in
        [(MANIFEST, "gpl = \"1\"", "gpl = \"1.0\""), (POLICY, "\"Zlib\"", "\"GPL-3.0-only\"")]
    {
        if client.text(file).contains(other) {
            client.replace(file, other, wanted);
        }
    }
    hovers
}

/// In kilobytes.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is running");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has some");
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
#[expect(clippy::print_stderr, reason = "for manual runs")]
fn quick_edits_during_cargo_update_end_in_the_right_findings_and_keep_no_memory() {
    let fixture = SMALL.replace("#- Cargo.toml\n", "#- Cargo.toml\n# 0\n");
    let fixture = fixture.replace("#- deny.toml\n", "#- deny.toml\n# 0\n");
    let world = World::locked(&fixture);
    let vulnerable = world.read("Cargo.lock");
    world.add("#- crate: time 0.3.47");
    world.lock_again();
    let patched = world.read("Cargo.lock");
    assert_ne!(vulnerable, patched);
    world.write("Cargo.lock", &vulnerable);
    let mut client = Session::of(world).start();
    for file in [MANIFEST, POLICY] {
        client.open(file);
        client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
    }
    let server = client.process().id();
    let mut memory = vec![resident(server)];
    let mut hovers = Vec::new();
    for round in 0..LOADS {
        let updates = Updates::start(&client.world, [vulnerable.clone(), patched.clone()]);
        hovers.extend(load(&mut client, length()));
        updates.end();
        // A last edit moves every finding: its version is the newest.
        for file in [MANIFEST, POLICY] {
            client.insert(file, "# 0\n", &format!("# end {round}\n"));
        }
        for (file, codes) in
            [(MANIFEST, &["rejected", PLAIN][..]), (POLICY, &["license-not-encountered"][..])]
        {
            let version = client.version(file);
            client.latest(file, "the end", |shown: &Shown| {
                shown.version == Some(version) && shown.codes() == codes
            });
        }
        // No check is running.
        client.status("exact");
        memory.push(resident(server));
    }
    assert!(!client.history(MANIFEST).is_empty() && client.history(MANIFEST)[0].has(TIME));
    for file in [MANIFEST, POLICY] {
        client.ignore(file);
    }
    hovers.sort();
    let part = |percent: usize| hovers[(hovers.len() - 1) * percent / 100];
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    eprintln!(
        "{} hovers: p50 {:?}, p99 {:?}, longest {:?}; resident {memory:?} kB; load {load}",
        hovers.len(),
        part(50),
        part(99),
        part(100),
    );
    // The first load fills caches and the allocator's arenas; no later one needs more.
    let (before, after) = (memory[LOADS - 1], memory[LOADS]);
    assert!(after < before + before / 4 + (16 << 10), "it grows: {memory:?} kB");
}
