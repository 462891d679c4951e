//! Kills the program before each system call that writes, and lets each of them fail: every file has its
//! old or its new content, and the message says which.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::PathBuf,
};

use expect_test::expect;
use nix::{errno::Errno, libc, sys::signal::Signal};

use super::{WORLD, arguments, fix, leftovers, texts, world};
use crate::{
    harness::World,
    killed::{kills, wait_for_children},
    tracer::{Call, Follow, Stop, Then, Traced, trace},
};

const RENAMES: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
];

const LINKS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    libc::SYS_linkat,
];

/// Whether a call writes below a folder.
fn writes_below(call: &Call, folder: &str) -> bool {
    let unlinks = [
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        libc::SYS_unlinkat,
    ];
    let by_path = RENAMES.contains(&call.number)
        || LINKS.contains(&call.number)
        || unlinks.contains(&call.number)
        || call.opens_for_writing();
    if by_path {
        return call.paths().iter().any(|path| path.starts_with(folder));
    }
    let by_number = [
        libc::SYS_write,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_ftruncate,
        libc::SYS_fchmod,
        libc::SYS_fchown,
        libc::SYS_flock,
    ];
    by_number.contains(&call.number) && file(call).starts_with(folder)
}

/// The file of a call's first argument, a descriptor.
fn file(call: &Call) -> PathBuf {
    let link = format!("/proc/{}/fd/{}", call.thread, call.arguments[0]);
    fs::read_link(link).unwrap_or_default()
}

/// What the file system does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lacks {
    Nothing,
    /// Exchanging two files.
    Exchange,
    /// That, and hard links.
    HardLinks,
}

impl Lacks {
    const ALL: [Self; 3] = [Self::Nothing, Self::Exchange, Self::HardLinks];

    fn refuses(self, call: &Call) -> Option<Errno> {
        let is_link = LINKS.contains(&call.number);
        let is_exchange = call.number == libc::SYS_renameat2
            && call.arguments[4] == u64::from(libc::RENAME_EXCHANGE);
        match self {
            Self::Exchange | Self::HardLinks if is_exchange => Some(Errno::EINVAL),
            Self::HardLinks if is_link => Some(Errno::EPERM),
            _ => None,
        }
    }
}

/// Runs the program; calls `at` with the index of each call that writes below `folder`, before it runs.
fn run(
    world: &World,
    arguments: &[&str],
    folder: &str,
    lacks: Lacks,
    mut at: impl FnMut(usize, &Call) -> Then + Send,
) -> Traced {
    let mut count = 0;
    let mut failing: Option<(i32, Errno)> = None;
    let mut traced = trace(&world.program(arguments), Follow::Program, |stop| {
        let call = match stop {
            Stop::Before(call) => call,
            Stop::After(call, result) => {
                if let Some((_, error)) = failing.take_if(|(thread, _)| *thread == call.thread) {
                    assert_eq!(result, -i64::from(error as i32), "{call:?} has not failed");
                }
                return Then::GoOn;
            }
        };
        if !writes_below(call, folder) {
            return Then::GoOn;
        }
        count += 1;
        let then = match (at(count - 1, call), lacks.refuses(call)) {
            (Then::GoOn, Some(error)) => Then::Fail(error),
            (then, _) => then,
        };
        if let Then::Fail(error) = then {
            failing = Some((call.thread, error));
        }
        then
    });
    wait_for_children(world);
    for text in [&mut traced.stdout, &mut traced.stderr] {
        *text = text.replace(&world.path(""), "[work]");
    }
    traced
}

/// A world in which `fix` is run repeatedly.
struct FixWorld {
    world: World,
    db: String,
    folder: String,
    old: (String, String),
    new: (String, String),
}

impl FixWorld {
    fn new() -> Self {
        let world = world();
        let (db, folder, old) = (world.path("../db"), world.path(""), texts(&world));
        assert_eq!(fix(&world, &[]).code, 0);
        let new = texts(&world);
        assert!(old.0 != new.0 && old.1 != new.1);
        let fix_world = Self { world, db, folder, old, new };
        fix_world.reset();
        fix_world
    }

    fn reset(&self) {
        self.world.write("Cargo.lock", &self.old.0);
        self.world.write("Cargo.toml", &self.old.1);
    }

    /// The inodes of both files.
    fn inodes(&self) -> [u64; 2] {
        ["Cargo.lock", "Cargo.toml"]
            .map(|name| fs::metadata(self.world.path(name)).expect("there").ino())
    }

    fn run(&self, lacks: Lacks, at: impl FnMut(usize, &Call) -> Then + Send) -> Traced {
        run(&self.world, &arguments(&self.db, &[]), &self.folder, lacks, at)
    }

    /// The number of calls that write.
    fn calls(&self, lacks: Lacks) -> usize {
        let mut calls = 0;
        let run = self.run(lacks, |index, _| {
            calls = index + 1;
            Then::GoOn
        });
        assert_eq!(
            (run.code, run.stderr.as_str(), texts(&self.world)),
            (Some(0), "", self.new_texts())
        );
        assert_eq!(leftovers(&self.world), [""; 0]);
        assert!(calls >= 4, "{calls} calls that write were seen");
        calls
    }

    /// Both files after a complete run.
    fn new_texts(&self) -> (String, String) {
        self.new.clone()
    }

    /// Asserts that each file is old or new, the lockfile first, and that the next run works and cleans up.
    fn is_old_or_new(&self, details: &str) {
        let (lock, manifest) = texts(&self.world);
        let is_new = (lock == self.new.0, manifest == self.new.1);
        assert!(is_new.0 || lock == self.old.0, "{details}: Cargo.lock:\n{lock}");
        assert!(is_new.1 || manifest == self.old.1, "{details}: Cargo.toml:\n{manifest}");
        assert!(is_new.0 || !is_new.1, "{details}: the manifest is new and the lockfile is old");
        let again = fix(&self.world, &[]);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{details}");
        assert_eq!(leftovers(&self.world), [""; 0], "{details}");
        assert_eq!(texts(&self.world).0, self.new.0, "{details}");
        assert_eq!(self.world.check("--only advisories --locked").code, 0, "{details}");
    }
}

#[test]
fn kill_before_each_write_leaves_old_or_new_files() {
    let fix_world = FixWorld::new();
    for lacks in Lacks::ALL {
        let calls = fix_world.calls(lacks);
        for at in 0..calls {
            fix_world.reset();
            // SIGTERM may come at any moment as well. (Not SIGINT: tests in the background may ignore it.)
            let signal = [Signal::SIGKILL, Signal::SIGTERM][at % 2];
            let mut details = String::new();
            let run = fix_world.run(lacks, |index, call| {
                if index != at {
                    return Then::GoOn;
                }
                details = format!("{lacks:?} {at}: {signal} before {call:?} {:?}", call.paths());
                Then::Signal(signal)
            });
            assert_eq!(run.code, None, "{details}");
            fix_world.is_old_or_new(&details);
        }
        fix_world.reset();
    }
}

#[test]
fn kill_at_any_call_leaves_old_or_new_files() {
    let fix_world = FixWorld::new();
    let mut calls = 0_u64;
    let program = |fix_world: &FixWorld| fix_world.world.program(&arguments(&fix_world.db, &[]));
    let whole = trace(&program(&fix_world), Follow::Program, |_| {
        calls += 1;
        Then::GoOn
    });
    assert_eq!(whole.code, Some(0));
    let count = u64::from(kills(10));
    for number in 0..count {
        fix_world.reset();
        // A prime that is no divisor of the usual numbers of kills.
        let at = calls * ((number * 7919) % count) / count;
        let mut seen = 0;
        trace(&program(&fix_world), Follow::Program, |_| {
            seen += 1;
            if seen == at + 1 { Then::Signal(Signal::SIGKILL) } else { Then::GoOn }
        });
        wait_for_children(&fix_world.world);
        fix_world.is_old_or_new(&format!("killed at stop {at} of {calls}"));
    }
}

/// Whether a call creates, locks or deletes a temporary folder.
fn is_of_temporary_folder(call: &Call) -> bool {
    let deletes = [
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rmdir,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        libc::SYS_unlinkat,
    ];
    let is_folder = |path: &str| {
        path.rsplit_once('/').is_some_and(|(_, name)| name.starts_with("supercargo-temp-"))
    };
    deletes.contains(&call.number)
        || call.number == libc::SYS_flock
        || call.paths().iter().any(|path| {
            let makes = !call.opens_for_writing() && is_folder(path);
            makes || path.ends_with("/.new") || path.ends_with(".in-use")
        })
}

#[test]
fn next_run_deletes_temporary_folders_of_a_killed_run() {
    let fix_world = FixWorld::new();
    let dry = arguments(&fix_world.db, &["--dry-run"]);
    let stopped_at = |at: Option<usize>| {
        let mut calls = 0;
        trace(&fix_world.world.program(&dry), Follow::Program, |stop| {
            let Stop::Before(call) = stop else { return Then::GoOn };
            if !is_of_temporary_folder(call) {
                return Then::GoOn;
            }
            calls += 1;
            if at == Some(calls - 1) { Then::Signal(Signal::SIGKILL) } else { Then::GoOn }
        });
        wait_for_children(&fix_world.world);
        calls
    };
    let calls = stopped_at(None);
    assert!(calls > 8, "{calls} calls make or delete temporary folders");
    // All calls if many kills are requested.
    let step = if kills(0) == 0 { calls.div_ceil(25) } else { 1 };
    let (first, rest) = (0..calls.min(12), (12..calls).step_by(step));
    for at in first.chain(rest) {
        stopped_at(Some(at));
        // The world asserts at the end of this run that nothing is left.
        assert_eq!(fix(&fix_world.world, &["--dry-run"]).code, 0, "killed at call {at}");
    }
}

#[test]
fn failing_call_changes_nothing_and_is_reported() {
    const ERRORS: [Errno; 5] =
        [Errno::ENOSPC, Errno::EIO, Errno::EROFS, Errno::EACCES, Errno::EDQUOT];
    let fix_world = FixWorld::new();
    // All errors at each call if many kills are requested.
    let each = if kills(0) == 0 { 1 } else { ERRORS.len() };
    let mut refused = 0;
    for lacks in Lacks::ALL {
        let calls = fix_world.calls(lacks);
        for (at, other) in (0..calls).flat_map(|at| (0..each).map(move |other| (at, other))) {
            fix_world.reset();
            let before = fix_world.inodes();
            let error = ERRORS[(at + other) % ERRORS.len()];
            let mut details = String::new();
            let run = fix_world.run(lacks, |index, call| {
                if index != at {
                    return Then::GoOn;
                }
                details = format!("{lacks:?} {at}: {error} from {call:?} {:?}", call.paths());
                Then::Fail(error)
            });
            details = format!("{details}\n{}", run.stderr);
            assert_eq!(leftovers(&fix_world.world), [""; 0], "{details}");
            if run.code == Some(0) {
                // The call was not needed, or there was an alternative.
                assert_eq!(
                    (texts(&fix_world.world), run.stderr),
                    (fix_world.new_texts(), String::new()),
                    "{details}"
                );
            } else {
                refused += 1;
                assert_eq!((run.code, run.stdout.as_str()), (Some(70), ""), "{details}");
                assert!(run.stderr.contains("; nothing was changed"), "{details}");
                assert_eq!(texts(&fix_world.world), fix_world.old, "{details}");
                assert!(lacks == Lacks::HardLinks || fix_world.inodes() == before, "{details}");
            }
        }
        fix_world.reset();
    }
    assert!(refused > 20, "{refused} runs have failed");
}

#[test]
fn failing_call_has_a_plain_message() {
    let fix_world = FixWorld::new();
    let message = |number: i64, error: Errno| {
        fix_world.reset();
        let mut first = true;
        let run = fix_world.run(Lacks::Nothing, |_, call| {
            let is_failing_call = call.number == number
                && (number != libc::SYS_openat || call.paths()[0].contains("/.supercargo-"));
            if is_failing_call && std::mem::take(&mut first) {
                Then::Fail(error)
            } else {
                Then::GoOn
            }
        });
        assert_eq!((run.code, texts(&fix_world.world)), (Some(70), fix_world.old.clone()));
        run.stderr
    };
    expect![[r#"
        error: could not create a file in `[work]`: permission denied; nothing was changed; make the folder writable, as whole files are replaced
    "#]]
    .assert_eq(&message(libc::SYS_openat, Errno::EACCES));
    expect![[r"
        error: could not create a file in `[work]`: the file system is mounted read-only; nothing was changed
    "]]
    .assert_eq(&message(libc::SYS_openat, Errno::EROFS));
    expect![[r"
        error: could not write `[work]/Cargo.lock`: the disk is full; nothing was changed; free some space and run the command again
    "]]
    .assert_eq(&message(libc::SYS_write, Errno::ENOSPC));
    expect![[r"
        error: could not write `[work]/Cargo.lock`: the disk quota is used up; nothing was changed; free some space and run the command again
    "]]
    .assert_eq(&message(libc::SYS_fsync, Errno::EDQUOT));
    expect![[r"
        error: could not replace `[work]/Cargo.lock`: Input/output error (os error 5); nothing was changed
    "]]
    .assert_eq(&message(libc::SYS_renameat2, Errno::EIO));
}

#[test]
fn file_is_not_replaced_if_its_owner_would_change() {
    let fix_world = FixWorld::new();
    // Only root can give files away.
    let is_given_away = chown(fix_world.world.path("Cargo.toml"), Some(12345), Some(54321)).is_ok();
    let run = fix_world.run(Lacks::Nothing, |_, call| {
        if call.number == libc::SYS_fchown { Then::Fail(Errno::EPERM) } else { Then::GoOn }
    });
    if is_given_away {
        expect![[r#"
            error: could not keep the owner of `[work]/Cargo.toml` (user 12345, group 54321); nothing was changed; run the command as that user, or change the owner of the file
        "#]]
        .assert_eq(&run.stderr);
        assert_eq!((run.code, texts(&fix_world.world)), (Some(70), fix_world.old));
    } else {
        assert_eq!((run.code, texts(&fix_world.world)), (Some(0), fix_world.new_texts()));
    }
}

#[test]
fn failed_undo_reports_the_content_of_each_file() {
    let fix_world = FixWorld::new();
    let is_rename = |call: &Call| RENAMES.contains(&call.number);
    // The second replacement fails, and so does undoing the first; then also the attempt to give the old
    // text a permanent name.
    for failing in [2, usize::MAX] {
        fix_world.reset();
        let mut renames = 0;
        let run = fix_world.run(Lacks::Nothing, |_, call| {
            renames += usize::from(is_rename(call));
            let fails = is_rename(call) && renames > 1 && renames - 1 <= failing;
            if fails { Then::Fail(Errno::EIO) } else { Then::GoOn }
        });
        let [name] = leftovers(&fix_world.world).try_into().expect("the old text");
        assert_eq!(name.starts_with(".supercargo-old-"), failing == 2, "{name}");
        assert_eq!(
            run.stderr,
            format!(
                "error: could not replace `[work]/Cargo.toml`: Input/output error (os error 5); the \
                 other changes could not be undone: `[work]/Cargo.lock` has its new content (the old \
                 one is in `[work]/{name}`), `[work]/Cargo.toml` is unchanged\n"
            )
        );
        assert_eq!(fix_world.world.read(&name), fix_world.old.0);
        assert_eq!(texts(&fix_world.world), (fix_world.new.0.clone(), fix_world.old.1.clone()));
        assert_eq!(run.code, Some(70));
        assert_eq!(fix(&fix_world.world, &[]).code, 0);
        assert_eq!(leftovers(&fix_world.world).len(), usize::from(failing == 2));
        for name in leftovers(&fix_world.world) {
            fix_world.world.delete(&name);
        }
    }
}

#[test]
fn concurrent_save_is_never_lost() {
    const THEIRS: &str = "# Theirs\n";
    let fix_world = FixWorld::new();
    let calls = fix_world.calls(Lacks::Nothing);
    let manifest = fix_world.world.path("Cargo.toml");
    let other = fix_world.world.path("../theirs");
    let (mut refused, mut last) = (0, String::new());
    for at in 0..calls {
        // Editors overwrite the file, or replace it.
        for replaces in [false, true] {
            fix_world.reset();
            let mut details = String::new();
            let run = fix_world.run(Lacks::Nothing, |index, call| {
                if index == at {
                    details = format!("{at} {replaces}: {call:?} {:?}", call.paths());
                    let path = if replaces { &other } else { &manifest };
                    fs::write(path, THEIRS).expect("saved");
                    if replaces {
                        fs::rename(&other, &manifest).expect("saved");
                    }
                }
                Then::GoOn
            });
            details = format!("{details}\n{}", run.stderr);
            assert_eq!(fix_world.world.read("Cargo.toml"), THEIRS, "{details}");
            assert_eq!(leftovers(&fix_world.world), [""; 0], "{details}");
            if run.code != Some(0) {
                refused += 1;
                assert_eq!(fix_world.world.read("Cargo.lock"), fix_world.old.0, "{details}");
                last = run.stderr;
            }
        }
    }
    assert!(refused > calls, "{refused} of {} were seen", 2 * calls);
    expect![[r"
        error: `[work]/Cargo.toml` has changed since it was read; nothing was changed; run the command again
    "]]
    .assert_eq(&last);
}

#[test]
fn policy_is_created_completely_or_not_at_all() {
    let world = World::locked(WORLD);
    let (db, folder) = (world.path("../db"), world.path(""));
    let arguments = ["init", "--offline", "--db", &db];
    let mut calls = 0;
    let whole = run(&world, &arguments, &folder, Lacks::Nothing, |index, _| {
        calls = index + 1;
        Then::GoOn
    });
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    let text = world.read("deny.toml");
    assert!(calls >= 4, "{calls} calls that write were seen");
    for at in 0..calls {
        for then in [Then::Signal(Signal::SIGKILL), Then::Fail(Errno::ENOSPC)] {
            let _ = fs::remove_file(world.path("deny.toml"));
            let done = run(&world, &arguments, &folder, Lacks::Nothing, |index, _| {
                if index == at { then } else { Then::GoOn }
            });
            let there = fs::read_to_string(world.path("deny.toml")).ok();
            assert!(there.is_none() || there.as_ref() == Some(&text), "{at} {then:?}: {there:?}");
            if then != Then::Signal(Signal::SIGKILL) {
                assert_eq!(leftovers(&world), [""; 0], "{at}: {}", done.stderr);
                assert_eq!(done.code, Some(if there.is_some() { 0 } else { 73 }), "{at}");
                let reports_nothing_changed = done.stderr.contains("; nothing was changed");
                assert_eq!(reports_nothing_changed, there.is_none(), "{at}: {}", done.stderr);
            }
        }
    }
    let _ = fs::remove_file(world.path("deny.toml"));
    assert_eq!(run(&world, &arguments, &folder, Lacks::Nothing, |_, _| Then::GoOn).code, Some(0));
    assert_eq!(leftovers(&world), [""; 0], "leftovers are deleted by the next one");
}

#[test]
fn packed_database_is_old_or_new() {
    let mut world = world();
    world.fetched_advisories(std::time::Duration::from_secs(60));
    world.folder("../out");
    world.let_write("../out");
    let (folder, file) = (world.path("../out"), world.path("../out/snapshot"));
    let arguments = ["db", "pack", &file];
    assert_eq!(world.run(&arguments).code, 0);
    let old = fs::read(&file).expect("a file");
    world = world.with("#- advisory: RUSTSEC-2027-0001 time: Another\n");
    let text = world.read("../db/crates/time/RUSTSEC-2027-0001.md");
    world.write(&format!("{}/crates/time/RUSTSEC-2027-0001.md", crate::harness::DATABASE), text);
    let mut calls = 0;
    let whole = run(&world, &arguments, &folder, Lacks::Nothing, |index, _| {
        calls = index + 1;
        Then::GoOn
    });
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    let new = fs::read(&file).expect("a file");
    assert!(old != new && calls >= 4, "{calls} calls that write were seen");
    for at in 0..calls {
        for then in [Then::Signal(Signal::SIGKILL), Then::Fail(Errno::ENOSPC)] {
            fs::write(&file, &old).expect("written");
            let done = run(&world, &arguments, &folder, Lacks::Nothing, |index, _| {
                if index == at { then } else { Then::GoOn }
            });
            let there = fs::read(&file).expect("a file");
            assert!(there == old || there == new, "{at} {then:?}");
            if done.code == Some(70) {
                assert!(there == old, "{at} {then:?}");
                assert!(done.stderr.contains("; nothing was changed"), "{at}: {}", done.stderr);
            }
        }
    }
}
