//! What makes two findings of different commits, or of different checkouts, the same finding: the check, the code, the
//! package with its source, the advisory and the cause. Lines, files and versions may differ.

use camino::Utf8Path;
use semver::Version;

use crate::{
    cache::hash,
    verdict::{Check, Code, Finding, PackageRef},
};

/// Replaces a version or a commit in a message.
const ANY_VERSION: &str = "*";

/// The number of hexadecimal digits of a git commit (SHA-1).
const COMMIT_LENGTH: usize = 40;

/// The number of hexadecimal digits of a fingerprint.
const FINGERPRINT_LENGTH: usize = 32;

/// What stays the same of a finding wherever its line moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingIdentity {
    check: Check,
    code: Option<Code>,
    advisory: Option<String>,
    /// Names and sources, each once.
    packages: Vec<(String, Option<String>)>,
    /// What else distinguishes it from other findings: the message without versions, and the text at its location where the
    /// message names nothing.
    cause: String,
}

impl FindingIdentity {
    /// The identity of a finding in a workspace below `root`, the folder of the checkout.
    pub fn of(finding: &Finding, root: &Utf8Path) -> Self {
        let mut packages: Vec<_> = finding.packages.iter().map(name_and_source).collect();
        packages.sort();
        packages.dedup();
        let is_named = finding.advisory.is_some() || finding.code == Some(Code::Duplicate);
        // The title of an advisory may change; how many versions a duplicate has is no cause.
        let mut cause = if is_named && !finding.packages.is_empty() {
            String::new()
        } else {
            without_versions(&finding.message, root)
        };
        if finding.packages.is_empty() && !finding.message.contains('`') {
            cause.push_str(&entry_text(finding));
        }
        Self {
            check: finding.check,
            code: finding.code,
            advisory: finding.advisory.as_ref().map(|advisory| advisory.id.clone()),
            packages,
            cause,
        }
    }
}

/// A fingerprint for each finding of a workspace: the same in another checkout, after edits that move lines, and after
/// upgrades that leave the finding. Different findings have different ones.
///
/// `workspace` is the workspace's folder relative to `root`, the folder of the checkout.
pub fn fingerprints(findings: &[&Finding], root: &Utf8Path, workspace: &Utf8Path) -> Vec<String> {
    let identities: Vec<_> =
        findings.iter().map(|finding| FindingIdentity::of(finding, root)).collect();
    // Findings with one identity are numbered in the order of what distinguishes them.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    let sorted_by = |at: &usize| {
        let Finding { packages, message, severity, .. } = findings[*at];
        (&identities[*at], packages, message, *severity, *at)
    };
    order.sort_by(|one, other| sorted_by(one).cmp(&sorted_by(other)));
    let mut fingerprints = vec![String::new(); findings.len()];
    let mut number = 0;
    for (position, at) in order.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| &identities[order[before]]);
        number = if before == Some(&identities[*at]) { number + 1 } else { 0 };
        let content = format!("{workspace} {:?} {number}", identities[*at]);
        fingerprints[*at] = hash(content.as_bytes());
        fingerprints[*at].truncate(FINGERPRINT_LENGTH);
    }
    fingerprints
}

/// The name and source of a package. A git repository is the same at each commit.
fn name_and_source(package: &PackageRef) -> (String, Option<String>) {
    let without_commit = |source: &str| match source.strip_prefix("git+") {
        Some(url) => url.split(['?', '#']).next().unwrap_or(url).to_owned(),
        None => source.to_owned(),
    };
    let source = package.source.as_deref().map(without_commit);
    (package.name.clone(), source)
}

/// The text at the primary location, without its layout.
fn entry_text(finding: &Finding) -> String {
    let at = finding.locations.first();
    let text = at.and_then(|at| at.text.as_str().get(at.span.clone()));
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message without versions, commits and the path of the checkout.
fn without_versions(message: &str, root: &Utf8Path) -> String {
    let message = message.replace(root.as_str(), "");
    let is_in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
    let mut text = String::with_capacity(message.len());
    let mut rest = message.as_str();
    while let Some(start) = rest.find(is_in_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_in_word(c)).unwrap_or(from.len()));
        let end = word.trim_end_matches(['.', '-', '+']).len();
        let (word, tail) = word.split_at(end);
        text.push_str(before);
        text.push_str(if is_version(word) { ANY_VERSION } else { word });
        text.push_str(tail);
        rest = after;
    }
    text.push_str(rest);
    text
}

fn is_version(word: &str) -> bool {
    Version::parse(word).is_ok()
        || word.len() == COMMIT_LENGTH && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_commits_and_the_checkout_are_no_part_of_a_cause() {
        let cause = |message| without_versions(message, Utf8Path::new("/home/x/repo"));
        assert_eq!(cause("`a` 1.0.0-beta.1+x has no license."), "`a` * has no license.");
        assert_eq!(
            cause("found 2 versions of `a`: 1.0.0 and 2.0.0."),
            "found 2 versions of `a`: * and *."
        );
        assert_eq!(cause("unused license `Apache-2.0`"), "unused license `Apache-2.0`");
        assert_eq!(cause("see `/home/x/repo/deny.toml`"), "see `/deny.toml`");
        assert_eq!(
            cause("git+https://x.org/a#0123456789012345678901234567890123456789 is"),
            "git+https://x.org/a#* is"
        );
        assert_eq!(cause("ä 1.2.3 ö"), "ä * ö");
    }
}
