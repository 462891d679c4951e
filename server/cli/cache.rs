//! `supercargo cache`: shows or deletes the cache.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;

use super::arguments::CacheCommand;
use crate::cache::Cache;

/// Runs the command.
///
/// # Errors
///
/// When something cannot be deleted or standard output cannot be written.
pub(super) fn run(command: CacheCommand) -> anyhow::Result<ExitCode> {
    let cache = Cache::of_user();
    let folder = cache.folder().context("could not find the home folder, so there is no cache")?;
    if command == CacheCommand::Clean {
        cache.clean().with_context(|| format!("could not delete the cache in `{folder}`"))?;
    }
    let mut text = format!("{folder}\n");
    let kinds = cache.usage().into_iter().map(|(kind, usage)| (kind.name(), usage));
    for (name, usage) in kinds.chain([cache.usage_of_folders()]) {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let megabytes = usage.bytes as f64 / 1e6;
        text.push_str(&format!("  {:<10} {:>4}  {megabytes:>6.1} MB\n", name, usage.entries));
    }
    std::io::stdout().write_all(text.as_bytes()).context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
