//! `supercargo cache`: what is kept between runs.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;

use super::arguments::CacheWord;
use crate::cache::Cache;

/// Runs the word.
///
/// # Errors
///
/// When something cannot be deleted or standard output cannot be written.
pub(super) fn run(word: CacheWord) -> anyhow::Result<ExitCode> {
    let cache = Cache::of_user();
    let folder = cache.folder().context("there is no home folder, so nothing is kept")?;
    if word == CacheWord::Clean {
        cache.clean().with_context(|| format!("could not delete what is kept in `{folder}`"))?;
    }
    let mut text = format!("{folder}\n");
    for (kind, usage) in cache.usage() {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let megabytes = usage.bytes as f64 / 1e6;
        text.push_str(&format!("  {:<9} {:>4}  {megabytes:>6.1} MB\n", kind.name(), usage.entries));
    }
    std::io::stdout().write_all(text.as_bytes()).context("standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
