//! Killed before each system call that writes, and each of them fails: old or new, never else, and
//! what is said about it is so.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::PathBuf,
};

use expect_test::expect;
use nix::{errno::Errno, libc, sys::signal::Signal};

use super::{WORLD, fix, left, texts, words, world};
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

/// Whether a call writes something below a folder.
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

/// The file that a call's first argument is the number of.
fn file(call: &Call) -> PathBuf {
    let link = format!("/proc/{}/fd/{}", call.thread, call.arguments[0]);
    fs::read_link(link).unwrap_or_default()
}

/// What the file system cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lacks {
    Nothing,
    /// Two files change places.
    Exchange,
    /// Nor hard links.
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

/// Runs the program; `at` is asked before each call that writes below `folder`, by its number.
fn run(
    world: &World,
    words: &[&str],
    folder: &str,
    lacks: Lacks,
    mut at: impl FnMut(usize, &Call) -> Then + Send,
) -> Traced {
    let mut count = 0;
    let mut failing: Option<(i32, Errno)> = None;
    let mut traced = trace(&world.program(words), Follow::Program, |stop| {
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

/// A world whose `fix` is run again and again.
struct Tried {
    world: World,
    db: String,
    folder: String,
    old: (String, String),
    new: (String, String),
}

impl Tried {
    fn new() -> Self {
        let world = world();
        let (db, folder, old) = (world.path("../db"), world.path(""), texts(&world));
        assert_eq!(fix(&world, &[]).code, 0);
        let new = texts(&world);
        assert!(old.0 != new.0 && old.1 != new.1);
        let tried = Self { world, db, folder, old, new };
        tried.reset();
        tried
    }

    fn reset(&self) {
        self.world.write("Cargo.lock", &self.old.0);
        self.world.write("Cargo.toml", &self.old.1);
    }

    /// Which files the two are.
    fn inodes(&self) -> [u64; 2] {
        ["Cargo.lock", "Cargo.toml"]
            .map(|name| fs::metadata(self.world.path(name)).expect("there").ino())
    }

    fn run(&self, lacks: Lacks, at: impl FnMut(usize, &Call) -> Then + Send) -> Traced {
        run(&self.world, &words(&self.db, &[]), &self.folder, lacks, at)
    }

    /// How many calls write.
    fn calls(&self, lacks: Lacks) -> usize {
        let mut calls = 0;
        let run = self.run(lacks, |index, _| {
            calls = index + 1;
            Then::GoOn
        });
        assert_eq!(
            (run.code, run.stderr.as_str(), texts(&self.world)),
            (Some(0), "", self.renewed())
        );
        assert_eq!(left(&self.world), [""; 0]);
        assert!(calls >= 4, "{calls} calls that write were seen");
        calls
    }

    /// The two files after an undisturbed run.
    fn renewed(&self) -> (String, String) {
        self.new.clone()
    }

    /// Each file is old or new, the lock file first, and the next run works and tidies up.
    fn is_old_or_new(&self, told: &str) {
        let (lock, manifest) = texts(&self.world);
        let is_new = (lock == self.new.0, manifest == self.new.1);
        assert!(is_new.0 || lock == self.old.0, "{told}: Cargo.lock:\n{lock}");
        assert!(is_new.1 || manifest == self.old.1, "{told}: Cargo.toml:\n{manifest}");
        assert!(is_new.0 || !is_new.1, "{told}: the manifest is new and the lock file is old");
        let again = fix(&self.world, &[]);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{told}");
        assert_eq!(left(&self.world), [""; 0], "{told}");
        assert_eq!(texts(&self.world).0, self.new.0, "{told}");
        assert_eq!(self.world.check("--only advisories --locked").code, 0, "{told}");
    }
}

#[test]
fn killed_before_each_call_that_writes_each_file_is_old_or_new() {
    let tried = Tried::new();
    for lacks in Lacks::ALL {
        let calls = tried.calls(lacks);
        for at in 0..calls {
            tried.reset();
            // Those who ask it to end do so at other moments too. (Whoever starts the tests in the
            // background may have made them ignore interrupts.)
            let signal = [Signal::SIGKILL, Signal::SIGTERM][at % 2];
            let mut told = String::new();
            let run = tried.run(lacks, |index, call| {
                if index != at {
                    return Then::GoOn;
                }
                told = format!("{lacks:?} {at}: {signal} before {call:?} {:?}", call.paths());
                Then::Signal(signal)
            });
            assert_eq!(run.code, None, "{told}");
            tried.is_old_or_new(&told);
        }
        tried.reset();
    }
}

#[test]
fn killed_at_any_call_each_file_is_old_or_new() {
    let tried = Tried::new();
    let mut calls = 0_u64;
    let program = |tried: &Tried| tried.world.program(&words(&tried.db, &[]));
    let whole = trace(&program(&tried), Follow::Program, |_| {
        calls += 1;
        Then::GoOn
    });
    assert_eq!(whole.code, Some(0));
    let count = u64::from(kills(10));
    for number in 0..count {
        tried.reset();
        // A prime that divides no number of kills that anybody asks for.
        let at = calls * ((number * 7919) % count) / count;
        let mut seen = 0;
        trace(&program(&tried), Follow::Program, |_| {
            seen += 1;
            if seen == at + 1 { Then::Signal(Signal::SIGKILL) } else { Then::GoOn }
        });
        wait_for_children(&tried.world);
        tried.is_old_or_new(&format!("killed at stop {at} of {calls}"));
    }
}

/// Whether a call makes, locks or deletes a temporary folder.
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
fn killed_where_a_temporary_folder_is_made_or_deleted_the_next_run_deletes_it() {
    let tried = Tried::new();
    let dry = words(&tried.db, &["--dry-run"]);
    let stopped_at = |at: Option<usize>| {
        let mut calls = 0;
        trace(&tried.world.program(&dry), Follow::Program, |stop| {
            let Stop::Before(call) = stop else { return Then::GoOn };
            if !is_of_temporary_folder(call) {
                return Then::GoOn;
            }
            calls += 1;
            if at == Some(calls - 1) { Then::Signal(Signal::SIGKILL) } else { Then::GoOn }
        });
        wait_for_children(&tried.world);
        calls
    };
    let calls = stopped_at(None);
    assert!(calls > 8, "{calls} calls make or delete temporary folders");
    // All of them where many kills are asked for.
    let step = if kills(0) == 0 { calls.div_ceil(25) } else { 1 };
    let (first, rest) = (0..calls.min(12), (12..calls).step_by(step));
    for at in first.chain(rest) {
        stopped_at(Some(at));
        // What has been left is looked for at the end of this one.
        assert_eq!(fix(&tried.world, &["--dry-run"]).code, 0, "killed at call {at}");
    }
}

#[test]
fn where_a_call_fails_nothing_has_changed_and_that_is_said() {
    const ERRORS: [Errno; 5] =
        [Errno::ENOSPC, Errno::EIO, Errno::EROFS, Errno::EACCES, Errno::EDQUOT];
    let tried = Tried::new();
    // All errors at each call where many kills are asked for.
    let each = if kills(0) == 0 { 1 } else { ERRORS.len() };
    let mut refused = 0;
    for lacks in Lacks::ALL {
        let calls = tried.calls(lacks);
        for (at, other) in (0..calls).flat_map(|at| (0..each).map(move |other| (at, other))) {
            tried.reset();
            let before = tried.inodes();
            let error = ERRORS[(at + other) % ERRORS.len()];
            let mut told = String::new();
            let run = tried.run(lacks, |index, call| {
                if index != at {
                    return Then::GoOn;
                }
                told = format!("{lacks:?} {at}: {error} from {call:?} {:?}", call.paths());
                Then::Fail(error)
            });
            told = format!("{told}\n{}", run.stderr);
            assert_eq!(left(&tried.world), [""; 0], "{told}");
            if run.code == Some(0) {
                // It was not needed, or there was another way.
                assert_eq!(
                    (texts(&tried.world), run.stderr),
                    (tried.renewed(), String::new()),
                    "{told}"
                );
            } else {
                refused += 1;
                assert_eq!((run.code, run.stdout.as_str()), (Some(70), ""), "{told}");
                assert!(run.stderr.contains("; nothing was changed"), "{told}");
                assert_eq!(texts(&tried.world), tried.old, "{told}");
                assert!(lacks == Lacks::HardLinks || tried.inodes() == before, "{told}");
            }
        }
        tried.reset();
    }
    assert!(refused > 20, "{refused} runs have failed");
}

#[test]
fn what_fails_is_said_in_plain_words() {
    let tried = Tried::new();
    let said = |number: i64, error: Errno| {
        tried.reset();
        let mut first = true;
        let run = tried.run(Lacks::Nothing, |_, call| {
            let is_meant = call.number == number
                && (number != libc::SYS_openat || call.paths()[0].contains("/.supercargo-"));
            if is_meant && std::mem::take(&mut first) { Then::Fail(error) } else { Then::GoOn }
        });
        assert_eq!((run.code, texts(&tried.world)), (Some(70), tried.old.clone()));
        run.stderr
    };
    expect![[r"
        error: could not create a file in `[work]`: permission denied; nothing was changed; make the folder writable: files are replaced as a whole
    "]]
    .assert_eq(&said(libc::SYS_openat, Errno::EACCES));
    expect![[r"
        error: could not create a file in `[work]`: the file system is mounted read-only; nothing was changed
    "]]
    .assert_eq(&said(libc::SYS_openat, Errno::EROFS));
    expect![[r"
        error: could not write `[work]/Cargo.lock`: the disk is full; nothing was changed; free some space and run the command again
    "]]
    .assert_eq(&said(libc::SYS_write, Errno::ENOSPC));
    expect![[r"
        error: could not write `[work]/Cargo.lock`: the disk quota is used up; nothing was changed; free some space and run the command again
    "]]
    .assert_eq(&said(libc::SYS_fsync, Errno::EDQUOT));
    expect![[r"
        error: could not replace `[work]/Cargo.lock`: Input/output error (os error 5); nothing was changed
    "]]
    .assert_eq(&said(libc::SYS_renameat2, Errno::EIO));
}

#[test]
fn a_file_whose_owner_cannot_be_kept_is_not_replaced() {
    let tried = Tried::new();
    // Who is not root has no files of others.
    let is_given_away = chown(tried.world.path("Cargo.toml"), Some(12345), Some(54321)).is_ok();
    let run = tried.run(Lacks::Nothing, |_, call| {
        if call.number == libc::SYS_fchown { Then::Fail(Errno::EPERM) } else { Then::GoOn }
    });
    if is_given_away {
        expect![[r"
            error: `[work]/Cargo.toml` belongs to user 12345 and group 54321, which its replacement could not keep; nothing was changed; run the command as that user, or take the file over
        "]]
        .assert_eq(&run.stderr);
        assert_eq!((run.code, texts(&tried.world)), (Some(70), tried.old));
    } else {
        assert_eq!((run.code, texts(&tried.world)), (Some(0), tried.renewed()));
    }
}

#[test]
fn where_even_undoing_fails_it_is_said_what_each_file_holds_and_where_the_old_text_is() {
    let tried = Tried::new();
    let is_rename = |call: &Call| RENAMES.contains(&call.number);
    // The second replacement fails and the way back from the first one; then also the attempt to
    // give the old text a name that stays.
    for failing in [2, usize::MAX] {
        tried.reset();
        let mut renames = 0;
        let run = tried.run(Lacks::Nothing, |_, call| {
            renames += usize::from(is_rename(call));
            let fails = is_rename(call) && renames > 1 && renames - 1 <= failing;
            if fails { Then::Fail(Errno::EIO) } else { Then::GoOn }
        });
        let [name] = left(&tried.world).try_into().expect("the old text");
        assert_eq!(name.starts_with(".supercargo-old-"), failing == 2, "{name}");
        assert_eq!(
            run.stderr,
            format!(
                "error: could not replace `[work]/Cargo.toml`: Input/output error (os error 5); the \
                 other changes could not be undone: `[work]/Cargo.lock` has its new content (the old \
                 one is in `[work]/{name}`), `[work]/Cargo.toml` is as it was\n"
            )
        );
        assert_eq!(tried.world.read(&name), tried.old.0);
        assert_eq!(texts(&tried.world), (tried.new.0.clone(), tried.old.1.clone()));
        assert_eq!(run.code, Some(70));
        assert_eq!(fix(&tried.world, &[]).code, 0);
        assert_eq!(left(&tried.world).len(), usize::from(failing == 2));
        for name in left(&tried.world) {
            tried.world.delete(&name);
        }
    }
}

#[test]
fn what_somebody_saves_meanwhile_is_never_lost() {
    const THEIRS: &str = "# Theirs\n";
    let tried = Tried::new();
    let calls = tried.calls(Lacks::Nothing);
    let manifest = tried.world.path("Cargo.toml");
    let other = tried.world.path("../theirs");
    let (mut refused, mut last) = (0, String::new());
    for at in 0..calls {
        // Editors write into the file, or replace it.
        for replaces in [false, true] {
            tried.reset();
            let mut told = String::new();
            let run = tried.run(Lacks::Nothing, |index, call| {
                if index == at {
                    told = format!("{at} {replaces}: {call:?} {:?}", call.paths());
                    let place = if replaces { &other } else { &manifest };
                    fs::write(place, THEIRS).expect("saved");
                    if replaces {
                        fs::rename(&other, &manifest).expect("saved");
                    }
                }
                Then::GoOn
            });
            told = format!("{told}\n{}", run.stderr);
            assert_eq!(tried.world.read("Cargo.toml"), THEIRS, "{told}");
            assert_eq!(left(&tried.world), [""; 0], "{told}");
            if run.code != Some(0) {
                refused += 1;
                assert_eq!(tried.world.read("Cargo.lock"), tried.old.0, "{told}");
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
fn a_policy_is_there_whole_or_not_at_all() {
    let world = World::locked(WORLD);
    let (db, folder) = (world.path("../db"), world.path(""));
    let words = ["init", "--offline", "--db", &db];
    let mut calls = 0;
    let whole = run(&world, &words, &folder, Lacks::Nothing, |index, _| {
        calls = index + 1;
        Then::GoOn
    });
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    let text = world.read("deny.toml");
    assert!(calls >= 4, "{calls} calls that write were seen");
    for at in 0..calls {
        for then in [Then::Signal(Signal::SIGKILL), Then::Fail(Errno::ENOSPC)] {
            let _ = fs::remove_file(world.path("deny.toml"));
            let done = run(&world, &words, &folder, Lacks::Nothing, |index, _| {
                if index == at { then } else { Then::GoOn }
            });
            let there = fs::read_to_string(world.path("deny.toml")).ok();
            assert!(there.is_none() || there.as_ref() == Some(&text), "{at} {then:?}: {there:?}");
            if then != Then::Signal(Signal::SIGKILL) {
                assert_eq!(left(&world), [""; 0], "{at}: {}", done.stderr);
                assert_eq!(done.code, Some(if there.is_some() { 0 } else { 73 }), "{at}");
                let said = done.stderr.contains("; nothing was changed");
                assert_eq!(said, there.is_none(), "{at}: {}", done.stderr);
            }
        }
    }
    let _ = fs::remove_file(world.path("deny.toml"));
    assert_eq!(run(&world, &words, &folder, Lacks::Nothing, |_, _| Then::GoOn).code, Some(0));
    assert_eq!(left(&world), [""; 0], "leftovers are deleted by the next one");
}

#[test]
fn a_packed_database_is_old_or_new() {
    let mut world = world();
    world.fetched_advisories(std::time::Duration::from_secs(60));
    world.folder("../out");
    world.let_write("../out");
    let (folder, file) = (world.path("../out"), world.path("../out/snapshot"));
    let words = ["db", "pack", &file];
    assert_eq!(world.run(&words).code, 0);
    let old = fs::read(&file).expect("a file");
    world = world.with("#- advisory: RUSTSEC-2027-0001 time: Another\n");
    let text = world.read("../db/crates/time/RUSTSEC-2027-0001.md");
    world.write(&format!("{}/crates/time/RUSTSEC-2027-0001.md", crate::harness::DATABASE), text);
    let mut calls = 0;
    let whole = run(&world, &words, &folder, Lacks::Nothing, |index, _| {
        calls = index + 1;
        Then::GoOn
    });
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    let new = fs::read(&file).expect("a file");
    assert!(old != new && calls >= 4, "{calls} calls that write were seen");
    for at in 0..calls {
        for then in [Then::Signal(Signal::SIGKILL), Then::Fail(Errno::ENOSPC)] {
            fs::write(&file, &old).expect("written");
            let done = run(&world, &words, &folder, Lacks::Nothing, |index, _| {
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
