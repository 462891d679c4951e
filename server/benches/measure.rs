//! Time and peak memory of a program, without its children's memory.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) milliseconds: f64,
    /// The peak resident size of the program itself; 0 if unknown.
    pub(crate) megabytes: f64,
}

/// The exit codes of `supercargo` for wrong usage and for no verdict (`sysexits.h`).
const REFUSED: [i32; 2] = [64, 70];

/// Runs a program to its end, its output thrown away. A run that was refused is an error.
pub(crate) fn run(command: &mut Command) -> Result<Measured> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("a program cannot be started")?;
    let mut megabytes: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        megabytes = megabytes.max(peak_megabytes(child.id()));
        thread::sleep(Duration::from_millis(2));
    };
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    if status.code().is_some_and(|code| REFUSED.contains(&code)) {
        bail!("{command:?} was refused: {status}");
    }
    Ok(Measured { milliseconds, megabytes })
}

/// The highest resident size of a running process so far.
pub(crate) fn peak_megabytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

/// The middle of the figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    quantile(figures, 0.5)
}

/// The figure below which that part of the figures lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number of figures is small"
)]
pub(crate) fn quantile(figures: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    figures.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
