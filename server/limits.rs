//! How much of what a repository writes is read and computed: every limit of the program in one place.
//!
//! Whoever opens a repository has not read it. So each file is looked at before it is opened, and only
//! a regular file that is not larger than its kind allows is read; patterns are expanded, graphs are
//! walked and policies are checked only as far as the limits below go. What exceeds a limit is one
//! finding (`supercargo::over-limit`, or the one that says that a file cannot be read) on the line that
//! causes it. Everything else is still checked, and where a check is left out the exit code is 70.
//!
//! | what | limit |
//! |---|---|
//! | `Cargo.toml`, `deny.toml`, `deny.exceptions.toml`, cargo's configuration, any other text | [`TEXT`], 16 MiB |
//! | `Cargo.lock` | [`LOCK_FILE`], 32 MiB |
//! | values in one of these | [`VALUES`]; a value takes some 100 bytes of memory |
//! | a license text | [`LICENSE_TEXT`], 4 MiB |
//! | an entry of our own cache | [`CACHE_ENTRY`], 1 GiB |
//! | entries of one list in `deny.toml`, `deny.exceptions.toml` | [`LIST_ENTRIES`]; the check that the list belongs to is left out |
//! | a policy for which the editor's own help is given (hover on keys and entries, completion, hints) | [`EDITED_POLICY`], 1 MiB; its findings are shown all the same |
//! | license texts of one package | [`LICENSE_TEXTS`], together [`LICENSE_TEXTS_SIZE`], 16 MiB; the check of licenses is left out |
//! | entries of folders that the patterns of `workspace.members` look at | [`GLOB_ENTRIES`]; a warning on the pattern, what it matches further is not looked at |
//! | entries that cargo would look at for one pattern, by every way through links | [`GLOB_WALK`]; cargo is not started |
//! | folders that are watched for one workspace because a pattern looks there | [`WATCHED_FOLDERS`] |
//! | edges of a graph that are looked at to find the dependency paths of all findings | [`PATH_STEPS`]; then each package has its nearest dependency path only |
//! | packages on one dependency path | [`PATH_LENGTH`]; a longer path is not listed, the finding says how long it is |
//! | packages on the dependency paths of all findings | [`PATH_NODES`]; further paths are not listed |
//! | locations of one finding | [`LOCATIONS`]; the finding says how many more there are |
//!
//! What a person names on the command line (`--config <(generate)`) may be a pipe; its size is limited
//! all the same.

use camino::Utf8Path;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes of a manifest, a policy, a configuration, and of whatever has no limit of its own.
pub(crate) const TEXT: u64 = 16 * MIB;

/// Bytes of a lock file: some 100,000 packages.
pub(crate) const LOCK_FILE: u64 = 32 * MIB;

/// Keys and values of a TOML file.
pub(crate) const VALUES: usize = 2_000_000;

/// Bytes of a license text. The longest of the SPDX list has 50 KiB; lists of third-party licenses are
/// longer.
pub(crate) const LICENSE_TEXT: u64 = 4 * MIB;

/// Bytes of an entry in the cache, which only this program writes.
pub(crate) const CACHE_ENTRY: u64 = 1 << 30;

/// Entries of one list in a policy.
pub(crate) const LIST_ENTRIES: usize = 10_000;

/// Bytes of a policy that is read anew for each hover, completion and hint.
pub(crate) const EDITED_POLICY: usize = 1 << 20;

/// License texts of one package.
pub(crate) const LICENSE_TEXTS: usize = 1000;

/// Bytes of all license texts of one package.
pub(crate) const LICENSE_TEXTS_SIZE: u64 = 16 * MIB;

/// Entries of folders that all patterns of `workspace.members` of one workspace look at. Links are
/// followed as by cargo, but each real folder once for each part of a pattern.
pub(crate) const GLOB_ENTRIES: usize = 20_000;

/// Entries of folders that cargo, which takes every way that leads through links, may look at for one
/// pattern of `workspace.members`: some seconds.
pub(crate) const GLOB_WALK: u64 = 1_000_000;

/// Folders that are watched because a pattern of `workspace.members` looks there.
pub(crate) const WATCHED_FOLDERS: usize = 512;

/// Edges of a graph that are looked at to find the dependency paths of all findings: some seconds. A
/// workspace of 1,000 packages with a finding on each needs a twentieth of it.
pub(crate) const PATH_STEPS: usize = 50_000_000;

/// Packages on one dependency path that is listed.
pub(crate) const PATH_LENGTH: usize = 128;

/// Packages on all dependency paths that are listed, some 200 bytes each.
pub(crate) const PATH_NODES: usize = 250_000;

/// Locations of one finding.
pub(crate) const LOCATIONS: usize = 2000;

/// How many bytes of a file are read, by its name.
pub(crate) fn of_file(path: &Utf8Path) -> u64 {
    match path.file_name() {
        Some("Cargo.lock") => LOCK_FILE,
        _ => TEXT,
    }
}

/// A number of bytes in the largest unit that gives a whole number: `16 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0 => "0 bytes".to_owned(),
        _ if count.is_multiple_of(MIB) => format!("{} MiB", count / MIB),
        _ if count.is_multiple_of(KIB) => format!("{} KiB", count / KIB),
        _ => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_largest_whole_unit() {
        let shown = [0, 17, 2048, TEXT, LOCK_FILE].map(bytes);
        assert_eq!(shown, ["0 bytes", "17 bytes", "2 KiB", "16 MiB", "32 MiB"]);
    }
}
