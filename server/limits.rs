//! All limits on what is read and computed.
//!
//! A repository may be malicious. So only regular files up to a size limit are read, and patterns, graphs and
//! policies are processed only up to the limits below. What exceeds a limit is one finding
//! (`supercargo::over-limit`, or `supercargo::unreadable-file`) on the line that causes it. Everything else is still
//! checked; if a check is skipped, the exit code is 70.
//!
//! | what | limit |
//! |---|---|
//! | `Cargo.toml`, `deny.toml`, `deny.exceptions.toml`, cargo's configuration, any other text | [`TEXT`], 16 MiB |
//! | `Cargo.lock` | [`LOCK_FILE`], 32 MiB |
//! | values in one of these | [`VALUES`]; a value takes some 100 bytes of memory |
//! | a license text | [`LICENSE_TEXT`], 4 MiB |
//! | a file with the output of `cargo metadata` that the user names | [`METADATA`], 1 GiB |
//! | an entry of our own cache | [`CACHE_ENTRY`], 1 GiB |
//! | entries of one list in `deny.toml`, `deny.exceptions.toml` | [`LIST_ENTRIES`]; the check that the list belongs to is skipped |
//! | a policy with editor features (hover on keys and entries, completion, hints) | [`EDITED_POLICY`], 1 MiB; its findings are still shown |
//! | license texts of one package | [`LICENSE_TEXTS`], together [`LICENSE_TEXTS_SIZE`], 16 MiB; the license check is skipped |
//! | folder entries that the patterns of `workspace.members` visit | [`GLOB_ENTRIES`]; a warning on the pattern, further members are not checked |
//! | folder entries that cargo would visit for one pattern, over every path through links | [`GLOB_WALK`]; cargo is not started |
//! | packages of a workspace that are copied to be resolved | [`COPIED_PACKAGES`]; cargo is not started |
//! | sources of targets that are created in a copy | [`COPIED_SOURCES`] |
//! | files of a commit that the workspace is compared with | [`BASE_FILES`]; the comparison is refused |
//! | packages and folders outside of its repository that it uses | [`BASE_LINKS`]; cargo names the first one that it misses |
//! | folders that are watched for one workspace because a pattern searches them | [`WATCHED_FOLDERS`] |
//! | edges of a graph that are visited to find the dependency paths of all findings | [`PATH_STEPS`]; then each package has its nearest dependency path only |
//! | packages on one dependency path | [`PATH_LENGTH`]; a longer path is not listed, the finding says how long it is |
//! | packages on the dependency paths of all findings | [`PATH_NODES`]; further paths are not listed |
//! | lockfiles of other workspaces that a fix brings along | [`OTHER_LOCKFILES`]; the others are named |
//! | workspaces that are checked because they share a policy | [`RULED_WORKSPACES`]; if there are more, entries are reported only where all of them are checked anyway |
//! | locations of one finding | [`LOCATIONS`]; the finding says how many more there are |
//! | files and folders that are visited to find the commands of the continuous integration | [`CI_ENTRIES`] |
//! | files that are read for them | [`CI_FILES`] of each kind and together |
//! | a YAML file | [`CI_YAML`], 4 MiB; values in it, also behind aliases, [`CI_VALUES`]; levels [`CI_DEPTH`] |
//! | combinations of a matrix | [`CI_COMBINATIONS`], as GitHub has it |
//! | commands that are read, and those that run cargo-deny | [`CI_COMMANDS`], [`CI_GATES`]; the search says that it is not complete |
//!
//! A file that the user names on the command line (`--config <(generate)`) may be a pipe; its size is limited too.

use camino::Utf8Path;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes of a manifest, a policy, a configuration, and any file without a limit of its own.
pub(crate) const TEXT: u64 = 16 * MIB;

/// Bytes of a lockfile: about 100,000 packages.
pub(crate) const LOCK_FILE: u64 = 32 * MIB;

/// Keys and values of a TOML file.
pub(crate) const VALUES: usize = 2_000_000;

/// Bytes of a license text. The longest of the SPDX list has 50 KiB; lists of third-party licenses are
/// longer.
pub(crate) const LICENSE_TEXT: u64 = 4 * MIB;

/// Bytes of an entry in the cache, which only this program writes.
pub(crate) const CACHE_ENTRY: u64 = 1 << 30;

/// Bytes of a file with the output of `cargo metadata`: about 50,000 packages.
pub(crate) const METADATA: u64 = 1 << 30;
/// Workspaces that are checked only to find out which entries of their policy are needed.
pub(crate) const RULED_WORKSPACES: usize = 24;

/// Workspaces whose lockfiles a change of manifests brings along.
pub(crate) const OTHER_LOCKFILES: usize = 24;

/// Entries of one list in a policy.
pub(crate) const LIST_ENTRIES: usize = 10_000;

/// Bytes of a policy that is parsed again for each hover, completion and hint.
pub(crate) const EDITED_POLICY: usize = 1 << 20;

/// Number of license texts of one package.
pub(crate) const LICENSE_TEXTS: usize = 1000;

/// Bytes of all license texts of one package.
pub(crate) const LICENSE_TEXTS_SIZE: u64 = 16 * MIB;

/// Folder entries that all patterns of `workspace.members` of one workspace visit. Links are followed as cargo
/// does, but each real folder is visited once for each part of a pattern.
pub(crate) const GLOB_ENTRIES: usize = 20_000;

/// Folder entries that cargo, which follows every path through links, may visit for one pattern of
/// `workspace.members`: a few seconds.
pub(crate) const GLOB_WALK: u64 = 1_000_000;

/// Packages that are copied to be resolved, under each of the names that links give them.
pub(crate) const COPIED_PACKAGES: usize = 10_000;

/// Sources of targets that are created in a copy.
pub(crate) const COPIED_SOURCES: usize = 200_000;

/// Files of a commit, with its submodules, that are written to be checked.
pub(crate) const BASE_FILES: usize = 300_000;

/// Packages and folders outside of a repository that the files of a commit use.
pub(crate) const BASE_LINKS: usize = 2000;

/// Folders that are watched because a pattern of `workspace.members` searches them.
pub(crate) const WATCHED_FOLDERS: usize = 512;

/// Edges of a graph that are visited to find the dependency paths of all findings: a few seconds. A workspace of
/// 1,000 packages with a finding on each needs a twentieth of it.
pub(crate) const PATH_STEPS: usize = 50_000_000;

/// Packages on one dependency path that is listed.
pub(crate) const PATH_LENGTH: usize = 128;

/// Packages on all dependency paths that are listed, about 200 bytes each.
pub(crate) const PATH_NODES: usize = 250_000;

/// Locations of one finding.
pub(crate) const LOCATIONS: usize = 2000;

/// Files and folders of a repository that are visited to find the commands of its continuous integration.
pub(crate) const CI_ENTRIES: usize = 100_000;

/// Files that are read for these commands.
pub(crate) const CI_FILES: usize = 2000;

/// Bytes of a YAML file. A workflow of GitHub has at most 1 MiB.
pub(crate) const CI_YAML: u64 = 4 * MIB;

/// Values of a YAML file, those behind aliases included.
pub(crate) const CI_VALUES: usize = 500_000;

/// Levels of a YAML file.
pub(crate) const CI_DEPTH: usize = 64;

/// Combinations of a matrix that are read.
pub(crate) const CI_COMBINATIONS: usize = 256;

/// Commands of scripts that are read, each time that they are called.
pub(crate) const CI_COMMANDS: usize = 200_000;

/// Commands that run cargo-deny.
pub(crate) const CI_GATES: usize = 10_000;

/// The size limit of a file, by its name.
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
