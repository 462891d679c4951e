//! Which findings of a workspace were already reported on its base.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::FindingIdentity;
use crate::verdict::Finding;

/// What a comparison says of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The base does not have it.
    New,
    /// Only the changes of the policy hide it.
    PolicyLoosened,
    /// The base has it, too.
    AlreadyThere,
    /// Only the base has it.
    Fixed,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::New, Self::PolicyLoosened, Self::Fixed, Self::AlreadyThere];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PolicyLoosened => "policy-loosened",
            Self::AlreadyThere => "already-there",
            Self::Fixed => "fixed",
        }
    }
}

/// Findings of one side, with the folder of their checkout.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The findings.
    pub findings: &'a [Finding],
    /// The folder of the checkout, which is no part of a finding.
    pub root: &'a Utf8Path,
}

/// The pairs of findings of a head and its base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// For each finding of the head the one of the base; `None` for new ones.
    pub of_head: Vec<Option<usize>>,
    /// For each finding of the base, whether the head has it.
    pub of_base: Vec<bool>,
}

impl Matches {
    /// Pairs the findings of both sides. A finding with the same versions comes first, so that an added version is
    /// the new one.
    pub fn of(head: Side<'_>, base: Side<'_>) -> Self {
        let mut matches = Self {
            of_head: vec![None; head.findings.len()],
            of_base: vec![false; base.findings.len()],
        };
        let mut by_identity: BTreeMap<FindingIdentity, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (at, finding) in head.findings.iter().enumerate() {
            by_identity.entry(FindingIdentity::of(finding, head.root)).or_default().0.push(at);
        }
        for (at, finding) in base.findings.iter().enumerate() {
            by_identity.entry(FindingIdentity::of(finding, base.root)).or_default().1.push(at);
        }
        for (mut in_head, mut in_base) in by_identity.into_values() {
            in_head.sort_by(|one, other| {
                head.findings[*one].packages.cmp(&head.findings[*other].packages)
            });
            in_base.sort_by(|one, other| {
                base.findings[*one].packages.cmp(&base.findings[*other].packages)
            });
            for exact in [true, false] {
                in_head.retain(|at| {
                    let finding = &head.findings[*at];
                    let position = in_base.iter().position(|other| {
                        !exact || base.findings[*other].packages == finding.packages
                    });
                    let Some(position) = position else { return true };
                    let other = in_base.remove(position);
                    matches.of_base[other] = true;
                    // A duplicate with one more version is new.
                    if finding.packages.len() <= base.findings[other].packages.len() {
                        matches.of_head[*at] = Some(other);
                    }
                    false
                });
            }
        }
        matches
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use semver::Version;

    use super::*;
    use crate::verdict::{Check, Code, PackageRef, Severity, own_finding};

    fn finding(code: Code, message: &str, packages: &[(&str, u64)]) -> Finding {
        let packages = packages.iter().map(|(name, major)| PackageRef {
            name: (*name).to_owned(),
            version: Version::new(*major, 0, 0),
            source: None,
        });
        let own = own_finding(code, Severity::Error, message.to_owned(), Vec::new());
        Finding { check: Check::Bans, packages: packages.collect(), ..own }
    }

    fn matched(head: &[Finding], base: &[Finding]) -> (Vec<Option<usize>>, Vec<bool>) {
        let side = |findings, root| Side { findings, root: Utf8Path::new(root) };
        let Matches { of_head, of_base } = Matches::of(side(head, "/head"), side(base, "/base"));
        (of_head, of_base)
    }

    #[test]
    fn finding_about_another_version_is_the_same_and_a_further_version_is_new() {
        let banned =
            |major| finding(Code::Banned, &format!("`a` {major}.0.0 is banned"), &[("a", major)]);
        assert_eq!(matched(&[banned(2)], &[banned(1)]), (vec![Some(0)], vec![true]));
        assert_eq!(
            matched(&[banned(1), banned(2)], &[banned(2)]),
            (vec![None, Some(0)], vec![true])
        );
        assert_eq!(matched(&[], &[banned(2)]), (vec![], vec![false]));
    }

    #[test]
    fn duplicate_with_a_further_version_is_new_and_with_one_less_is_not() {
        let duplicate = |majors: &[u64]| {
            let packages: Vec<_> = majors.iter().map(|major| ("a", *major)).collect();
            finding(Code::Duplicate, &format!("found {} versions of `a`", majors.len()), &packages)
        };
        let (two, three) = (duplicate(&[1, 2]), duplicate(&[1, 2, 3]));
        assert_eq!(matched(from_ref(&three), from_ref(&two)), (vec![None], vec![true]));
        assert_eq!(matched(from_ref(&two), &[three]), (vec![Some(0)], vec![true]));
        assert_eq!(matched(&[duplicate(&[2, 4])], &[two]), (vec![Some(0)], vec![true]));
    }

    #[test]
    fn path_of_the_checkout_is_no_difference() {
        let of =
            |root: &str| finding(Code::Banned, &format!("`{root}/deny.toml` is not valid"), &[]);
        assert_eq!(matched(&[of("/head")], &[of("/base")]), (vec![Some(0)], vec![true]));
        let other = finding(Code::Banned, "`/base/other.toml` is not valid", &[]);
        assert_eq!(matched(&[of("/head")], &[other]), (vec![None], vec![false]));
    }
}
