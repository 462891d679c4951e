//! `EmbarkStudios/cargo-deny-action`: its inputs, and which cargo-deny each of its releases has.

use super::{UnresolvedReason, variables::ExpandedWord, versions::VersionNumber};

/// The inputs as they are given; `None` for one that is not.
#[derive(Debug, Default)]
pub(super) struct ActionInputs {
    pub(super) command: Option<String>,
    pub(super) arguments: Option<String>,
    pub(super) command_arguments: Option<String>,
    pub(super) manifest_path: Option<String>,
    pub(super) log_level: Option<String>,
}

impl ActionInputs {
    /// The words for cargo-deny.
    pub(super) fn words(&self) -> Vec<ExpandedWord> {
        let mut all = Vec::new();
        let mut add = |text: &str| all.extend(words(text));
        let given = |input: &Option<String>, default: &str| {
            input.clone().unwrap_or_else(|| default.to_owned())
        };
        add("--log-level");
        add(&given(&self.log_level, "warn"));
        add("--manifest-path");
        add(&given(&self.manifest_path, "./Cargo.toml"));
        add(&given(&self.arguments, "--all-features"));
        add(&given(&self.command, "check"));
        add(&given(&self.command_arguments, ""));
        all
    }
}

/// Splits a text at its spaces, as the action does: quotes have no meaning.
pub(super) fn words(text: &str) -> Vec<ExpandedWord> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // An expression that is left has spaces of its own.
        let mut end = 0;
        let mut unknown = None;
        while let Some(c) = rest[end..].chars().next() {
            if rest[end..].starts_with("${{") {
                let length = rest[end..].find("}}").map_or(rest.len() - end, |at| at + 2);
                unknown.get_or_insert(&rest[end..end + length]);
                end += length;
            } else if c.is_whitespace() {
                break;
            } else {
                end += c.len_utf8();
            }
        }
        let written = rest[..end].to_owned();
        all.push(match unknown {
            Some(unknown) => {
                let reason = UnresolvedReason::Value((*unknown).to_owned());
                ExpandedWord::Unknown { written, reason }
            }
            None => ExpandedWord::Known(written),
        });
        rest = rest[end..].trim_start();
    }
    all
}

/// Releases of the action with their cargo-deny, as of 2026-11-28. For others of that time, see [`RANGES`].
const RELEASES: &[(&str, &str)] = &[
    ("1.3.0", "0.12.0"),
    ("1.3.1", "0.12.1"),
    ("1.3.2", "0.12.1"),
    ("1.4.0", "0.13.5"),
    ("1.5.0", "0.13.7"),
    ("1.5.2", "0.13.9"),
    ("1.5.3", "0.14.0"),
    ("1.5.15", "0.14.11"),
    ("1.6.0", "0.14.15"),
    ("1.6.1", "0.14.16"),
    ("1.6.2", "0.14.19"),
    ("1.6.3", "0.14.21"),
    ("2.0.0", "0.16.0"),
    ("2.0.1", "0.16.1"),
    ("2.0.2", "0.16.2"),
    ("2.0.3", "0.16.3"),
    ("2.0.4", "0.16.3"),
    ("2.0.5", "0.17.0"),
    ("2.0.6", "0.18.0"),
    ("2.0.7", "0.18.0"),
    ("2.0.8", "0.18.0"),
    ("2.0.9", "0.18.0"),
    ("2.0.10", "0.18.0"),
    ("2.0.11", "0.18.2"),
    ("2.0.12", "0.18.3"),
    ("2.0.13", "0.18.4"),
    ("2.0.14", "0.18.6"),
    ("2.0.15", "0.19.0"),
    ("2.0.16", "0.19.1"),
    ("2.0.17", "0.19.2"),
];

/// Releases of which only the first two numbers of cargo-deny's version are known.
const RANGES: &[(&str, &str, &str)] =
    &[("1.2.11", "1.2.17", "0.11"), ("1.5.1", "1.5.1", "0.13"), ("1.5.4", "1.5.14", "0.14")];

/// The cargo-deny of a release of the action: `v2.0.17`, or a commit with this tag in the comment behind it.
/// `None` for a tag that moves (`v2`), a branch, a commit alone, and releases that are not in the table.
pub(super) fn version(reference: &str, comment: Option<&str>) -> Option<VersionNumber> {
    let is_commit = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    let tag = if is_commit {
        comment?.split_whitespace().find_map(|word| number(word.trim_end_matches([',', ';', ')'])))
    } else if reference == "v1" {
        // The last release of a line that is over.
        number("v1.6.3")
    } else {
        number(reference)
    }?;
    let exact = RELEASES.iter().find(|(release, _)| number(release) == Some(tag));
    if let Some((_, version)) = exact {
        return VersionNumber::parse(version);
    }
    let row = RANGES.iter().find(|(first, last, _)| {
        number(first).is_some_and(|first| first <= tag)
            && number(last).is_some_and(|last| tag <= last)
    });
    row.and_then(|(_, _, version)| VersionNumber::parse(version))
}

/// The three numbers of a tag.
fn number(tag: &str) -> Option<[u32; 3]> {
    let tag = tag.strip_prefix("tag=").unwrap_or(tag);
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let mut parts = tag.split('.').map(|part| part.parse().ok());
    let number = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reference: &str, comment: Option<&str>) -> Option<String> {
        version(reference, comment).map(|version| version.to_string())
    }

    #[test]
    fn releases_have_the_version_of_the_table() {
        for (reference, expected) in [
            ("v2.0.17", Some("0.19.2")),
            ("2.0.6", Some("0.18.0")),
            ("v1.5.9", Some("0.14")),
            ("v1.2.12", Some("0.11")),
            ("v1", Some("0.14.21")),
            ("v2", None),
            ("main", None),
            ("v2.0.99", None),
            ("v3.0.0", None),
            ("", None),
        ] {
            assert_eq!(shown(reference, None).as_deref(), expected, "{reference}");
        }
        let commit = "30f817c6f72275c6d54dc744fbca09ebc958599f";
        assert_eq!(shown(commit, None), None);
        assert_eq!(shown(commit, Some(" v2.0.12")).as_deref(), Some("0.18.3"));
        assert_eq!(shown(commit, Some("tag=v2.0.0 (pinned)")).as_deref(), Some("0.16.0"));
        assert_eq!(shown(commit, Some(" v2")), None);
    }

    #[test]
    fn every_row_is_readable_and_in_order() {
        let releases: Vec<_> = RELEASES.iter().map(|(release, _)| number(release)).collect();
        assert!(releases.is_sorted(), "{releases:?}");
        assert!(releases.iter().all(Option::is_some));
        assert!(RELEASES.iter().all(|(_, version)| VersionNumber::parse(version).is_some()));
        assert!(RANGES.iter().all(|(first, last, _)| number(first) <= number(last)));
    }

    #[test]
    fn words_are_split_at_spaces_only() {
        let shown: Vec<_> = words(" a  \"b c\" x${{ d e }}y ")
            .iter()
            .map(|word| (word.shown().to_owned(), word.known().is_some()))
            .collect();
        let expected = [("a", true), ("\"b", true), ("c\"", true), ("x${{ d e }}y", false)];
        assert_eq!(shown, expected.map(|(word, known)| (word.to_owned(), known)));
    }
}
