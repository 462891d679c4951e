//! After random sequences of edits, opens, closes, saves and changes on disk in generated workspaces, a
//! server shows the same findings as a fresh one.
//!
//! After each sequence the server must reach the findings of a server that is started in the same world
//! with the same open documents and `--no-cache`, and must keep them. The tested server continues with
//! the next sequence, or is restarted with its cache.
//!
//! State that may depend on the past is excluded: before the comparison a half-typed manifest is
//! completed, a document whose file has changed is loaded again, and the workspace is trusted. Without a
//! verdict only the failures are compared.
//!
//! [`fuzz`] does the same with messages that no editor sends.
//!
//! ```text
//! SUPERCARGO_SEQUENCES=2000 cargo test --test lsp sequences   that many in each test
//! SUPERCARGO_SEED=17 ..       the world of a failure again; with a number of sequences the first of several
//! ```

mod fuzz;
mod layouts;
mod recorder;
mod run;
mod shorter;
mod steps;
mod texts;

use std::env;

use crate::dice::Dice;
use run::Run;
use steps::Step;

/// How many sequences one server runs.
const IN_ONE_WORLD: u64 = 20;

/// Which cargo runs.
#[derive(Clone, Copy, Debug)]
enum Cargo {
    /// The real cargo.
    Real,
    /// A script that repeats the recorded output of cargo.
    #[cfg(unix)]
    Recorded,
}

#[cfg(unix)]
#[test]
fn any_sequence_ends_like_a_fresh_server() {
    run_sequences(Cargo::Recorded, 100, 160);
}

#[test]
fn any_sequence_with_the_real_cargo_ends_like_a_fresh_server() {
    run_sequences(Cargo::Real, 1, 60);
}

/// Runs sequences from a first seed; environment variables can change both numbers.
fn run_sequences(cargo: Cargo, first_seed: u64, sequences: u64) {
    let number = |name: &str| -> Option<u64> {
        let value = env::var(name).ok()?;
        Some(value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
    };
    let wanted = number("SUPERCARGO_SEQUENCES");
    let first_seed = match number("SUPERCARGO_SEED") {
        Some(seed) if wanted.is_none() => return run_worlds_in_turns(cargo, &[seed]),
        Some(seed) => seed,
        None => first_seed,
    };
    let worlds = wanted.unwrap_or(sequences).div_ceil(IN_ONE_WORLD);
    let seeds: Vec<_> = (first_seed..first_seed + worlds).collect();
    for two in seeds.chunks(2) {
        run_worlds_in_turns(cargo, two);
    }
}

/// Worlds take turns: at the start of a turn a world must show the findings of its last turn.
fn run_worlds_in_turns(cargo: Cargo, seeds: &[u64]) {
    let mut runs: Vec<_> = seeds.iter().map(|seed| Run::start(*seed, cargo)).collect();
    let mut sequences: Vec<_> = seeds.iter().map(|seed| (Dice(*seed), Vec::new())).collect();
    for _ in 0..IN_ONE_WORLD {
        for (run, (dice, done)) in runs.iter_mut().zip(&mut sequences) {
            let steps = Step::sequence(dice);
            done.extend(steps.iter().copied());
            if let Err(why) = shorter::attempt(|| run.go(&steps)) {
                shorter::fail(run.seed, cargo, done, run, &why);
            }
        }
    }
    for run in runs {
        run.end();
    }
}
