//! Whatever was done before, what is shown is what a fresh server shows: random sequences of edits,
//! opens, closes, saves and changes on disk over generated workspaces.
//!
//! After each sequence the server has to come to show what a server does that is started in the
//! same world with the same open documents and `--no-cache`, and has to stay at that. The server
//! under test goes on with the next sequence, or is started again with the cache that it has filled.
//!
//! What may depend on the past is left out: a half-typed manifest is completed, a buffer that the
//! disk has overtaken is loaded again, and trust is given before anything is compared; where there
//! is no verdict, only why there is none has to be the same.
//!
//! [`fuzz`] does the same with messages that no editor sends.
//!
//! ```text
//! SUPERCARGO_SEQUENCES=2000 cargo test --test lsp sequences   so many in each test
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

/// How many sequences one server goes through.
const IN_ONE_WORLD: u64 = 20;

/// Who answers for cargo.
#[derive(Clone, Copy, Debug)]
enum Cargo {
    /// Nobody.
    Real,
    /// A script that has cargo's answers from the first time that it was asked.
    #[cfg(unix)]
    Recorded,
}

#[cfg(unix)]
#[test]
fn any_sequence_ends_as_a_fresh_server_begins() {
    go_through(Cargo::Recorded, 100, 160);
}

#[test]
fn any_sequence_ends_as_a_fresh_server_begins_with_the_real_cargo() {
    go_through(Cargo::Real, 1, 60);
}

/// The first seed and the number of sequences are what they are where nobody asks for others.
fn go_through(cargo: Cargo, first_seed: u64, sequences: u64) {
    let number = |name: &str| -> Option<u64> {
        let value = env::var(name).ok()?;
        Some(value.parse().unwrap_or_else(|_| panic!("{name} is to be a number")))
    };
    let wanted = number("SUPERCARGO_SEQUENCES");
    let first_seed = match number("SUPERCARGO_SEED") {
        Some(seed) if wanted.is_none() => return one_after_the_other(cargo, &[seed]),
        Some(seed) => seed,
        None => first_seed,
    };
    let worlds = wanted.unwrap_or(sequences).div_ceil(IN_ONE_WORLD);
    let seeds: Vec<_> = (first_seed..first_seed + worlds).collect();
    for two in seeds.chunks(2) {
        one_after_the_other(cargo, two);
    }
}

/// Worlds take turns: before a world's next turn it has to show what it showed at the end of its
/// last one.
fn one_after_the_other(cargo: Cargo, seeds: &[u64]) {
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
