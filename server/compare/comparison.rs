//! The comparison of the verdicts on a workspace and on its base.

use std::collections::BTreeSet;

use camino::Utf8Path;
use toml::Table;

use super::{
    Base, Group, Matches, Side,
    policy_changes::{PolicyChange, PolicyChanges},
};
use crate::{
    gate::{NO_VERDICT, Verdict, errors_and_warnings},
    text::FilePath,
    verdict::{Check, Code, Counts, Finding, LocationRule, Severity},
};

/// A finding that only the changes of the policy hide.
#[derive(Clone, Debug)]
pub struct LoosenedFinding {
    /// The finding, as the base's policy reports it.
    pub finding: Finding,
    /// What hides it.
    pub change: PolicyChange,
}

impl LoosenedFinding {
    /// What hides it: `` new `ignore` entry for `RUSTSEC-..` (deny.toml:7), reason: ..``. `shown` shortens a path.
    pub fn cause(&self, shown: &dyn Fn(&Utf8Path) -> String) -> String {
        let mut text = self.change.what.clone();
        if let Some(entry) = &self.change.entry {
            let line = entry.text.line_column(entry.span.start).line;
            text.push_str(&format!(" ({}:{line})", shown(&entry.file)));
        }
        if let Some(reason) = &self.change.reason {
            text.push_str(&format!(", reason: {reason}"));
        }
        text
    }
}

/// What is new since the base.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The base, as it is shown.
    pub base: String,
    /// The group of each finding of the verdict: new, or already there.
    pub groups: Vec<Group>,
    /// The findings that only the base has, with the paths of the checkout and the texts of the base.
    pub fixed: Vec<Finding>,
    /// The errors and warnings that only the changes of the policy hide.
    pub loosened: Vec<LoosenedFinding>,
}

impl Comparison {
    /// Compares a verdict with that on the base; without one, everything is new.
    pub fn new(head: &Verdict, base: Option<&Verdict>, of: &Base) -> Self {
        let nothing = Vec::new();
        let base_findings = base.map_or(&nothing, |base| &base.findings);
        let matches = Matches::of(
            Side { findings: &head.findings, root: of.checkout() },
            Side { findings: base_findings, root: of.root() },
        );
        // What the base only notes, or warns of, is a new error.
        let group = |(finding, other): (&Finding, &Option<usize>)| match other {
            Some(other) if level(finding) <= level(&base_findings[*other]) => Group::AlreadyThere,
            _ => Group::New,
        };
        // A check that could not run has fixed nothing.
        let has_run = |finding: &Finding| head.complete || head.counts.contains_key(&finding.check);
        let fixed = base_findings.iter().zip(&matches.of_base);
        let fixed = fixed.filter(|(finding, kept)| !**kept && has_run(finding));
        Self {
            base: of.shown_name(),
            groups: head.findings.iter().zip(&matches.of_head).map(group).collect(),
            fixed: fixed.map(|(finding, _)| in_checkout(finding, of)).collect(),
            loosened: Vec::new(),
        }
    }

    /// The findings of a workspace that the checkout does not have any more.
    pub fn removed(before: &Verdict, of: &Base) -> Vec<Finding> {
        before.findings.iter().map(|finding| in_checkout(finding, of)).collect()
    }

    /// Adds findings that only the changes of the policy hide.
    pub fn hide(&mut self, hidden: Vec<LoosenedFinding>, of: &Base) {
        // What is hidden is not fixed.
        let findings: Vec<Finding> = hidden.iter().map(|one| one.finding.clone()).collect();
        let fixed = Matches::of(
            Side { findings: &self.fixed, root: of.checkout() },
            Side { findings: &findings, root: of.checkout() },
        );
        let mut is_hidden = fixed.of_head.iter().map(Option::is_some);
        self.fixed.retain(|_| !is_hidden.next().unwrap_or_default());
        self.loosened.extend(hidden);
    }

    /// The findings of a group.
    pub fn findings<'a>(&'a self, verdict: &'a Verdict, group: Group) -> Vec<&'a Finding> {
        match group {
            Group::Fixed => self.fixed.iter().collect(),
            Group::PolicyLoosened => self.loosened.iter().map(|one| &one.finding).collect(),
            Group::New | Group::AlreadyThere => {
                let findings = verdict.findings.iter().zip(&self.groups);
                findings.filter(|(_, of)| **of == group).map(|(finding, _)| finding).collect()
            }
        }
    }

    /// The numbers of errors and warnings of a group.
    pub fn counts(&self, verdict: &Verdict, group: Group) -> Counts {
        let mut counts = Counts::default();
        for finding in self.findings(verdict, group) {
            counts.add(finding.severity);
        }
        counts
    }

    /// `2 new since origin/main, 1 hidden by changes of the policy, 3 fixed`: errors and warnings together.
    pub fn short_text(&self, verdict: &Verdict, name: &str) -> String {
        let of = |group| {
            let Counts { errors, warnings, .. } = self.counts(verdict, group);
            errors.saturating_add(warnings)
        };
        let mut text = match of(Group::New) {
            0 => format!("nothing new since {name}"),
            new => format!("{new} new since {name}"),
        };
        for (group, what) in
            [(Group::PolicyLoosened, "hidden by changes of the policy"), (Group::Fixed, "fixed")]
        {
            let count = of(group);
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }

    /// `since main (1a2b3c4d5): 1 error new; 2 warnings fixed; 40 errors already there`
    pub fn text(&self, verdict: &Verdict) -> String {
        let parts: Vec<_> = Group::ALL
            .into_iter()
            .filter_map(|group| {
                let Counts { errors, warnings, .. } = self.counts(verdict, group);
                let counts = errors_and_warnings(errors, warnings)?;
                Some(match group {
                    Group::New => format!("{counts} new"),
                    Group::PolicyLoosened => format!("{counts} hidden by changes of the policy"),
                    Group::Fixed => format!("{counts} fixed"),
                    Group::AlreadyThere => format!("{counts} already there"),
                })
            })
            .collect();
        match parts.as_slice() {
            [] => format!("since {}: nothing new", self.base),
            parts => format!("since {}: {}", self.base, parts.join("; ")),
        }
    }

    /// cargo-deny's exit code for the new errors, or [`NO_VERDICT`]. With `loosened`, also for those that only the changes
    /// of the policy hide.
    pub fn exit_code(&self, verdict: &Verdict, loosened: bool) -> u8 {
        let all = verdict.exit_code();
        if all == NO_VERDICT {
            return all;
        }
        let bits = |findings: Vec<&Finding>| {
            let failing = findings.into_iter().filter(|finding| fails(finding, verdict));
            failing.fold(0, |code, finding| code | finding.check.exit_bit())
        };
        // Only what cargo-deny counts fails the gate.
        let new = bits(self.findings(verdict, Group::New)) & all;
        let hidden = if loosened { bits(self.findings(verdict, Group::PolicyLoosened)) } else { 0 };
        new | hidden
    }
}

/// The findings that the changes of the policy hide: those of `strict`, the verdict on the checkout with the base's policy,
/// that the verdict does not have at the same severity.
pub fn loosened(head: &Verdict, strict: &Verdict, of: &Base) -> Vec<LoosenedFinding> {
    let is_compared = |finding: &&Finding| {
        let rule = finding.code.map(Code::location_rule);
        finding.severity >= Severity::Warning
            && Check::CARGO_DENY.contains(&finding.check)
            && rule != Some(LocationRule::Policy)
    };
    let strict_findings: Vec<Finding> =
        strict.findings.iter().filter(is_compared).cloned().collect();
    // A finding at a lower severity is hidden, too.
    let head_findings: Vec<Finding> = head.findings.iter().filter(is_compared).cloned().collect();
    let matches = Matches::of(
        Side { findings: &strict_findings, root: of.checkout() },
        Side { findings: &head_findings, root: of.checkout() },
    );
    let changes = PolicyChanges::between(strict.policy_use.files(), head.policy_use.files());
    let hidden = strict_findings.into_iter().zip(matches.of_head).filter(|(finding, other)| {
        other.is_none_or(|other| head_findings[other].severity < finding.severity)
    });
    hidden
        .map(|(finding, _)| {
            let change = changes.hiding(&finding);
            LoosenedFinding { finding, change }
        })
        .collect()
}

/// Whether the text of a policy file has changed. Without a policy on the base there is nothing that could be hidden.
pub fn has_other_policy(head: &Verdict, base: &Verdict) -> bool {
    let texts = |verdict: &Verdict| -> BTreeSet<String> {
        let texts = verdict.policy_use.files().values();
        texts.map(|text| text.as_str().to_owned()).collect()
    };
    base.policy.is_some() && texts(base) != texts(head)
}

/// Whether the policies may select other packages: what they say besides the checks differs.
pub fn has_other_graph(head: &Verdict, base: &Verdict) -> bool {
    let rest = |verdict: &Verdict| -> Vec<Table> {
        let texts = verdict.policy_use.files().values();
        let tables = texts.map(|text| {
            let mut table = text.as_str().parse::<Table>().unwrap_or_default();
            table.retain(|key, _| !Check::CARGO_DENY.iter().any(|check| check.name() == key));
            table
        });
        tables.filter(|table| !table.is_empty()).collect()
    };
    rest(head) != rest(base)
}

/// How loud a finding is; notes and helps are not.
fn level(finding: &Finding) -> Severity {
    finding.severity.max(Severity::Note)
}

/// Whether a finding fails the gate: an error that not only gates report that do not fail CI.
fn fails(finding: &Finding, verdict: &Verdict) -> bool {
    let blocking: BTreeSet<_> =
        verdict.gates.iter().filter(|gate| gate.blocks).map(|gate| &gate.name).collect();
    let is_in_blocking = finding.gates.is_empty()
        || verdict.gates.is_empty()
        || finding.gates.iter().any(|gate| blocking.contains(gate));
    finding.severity == Severity::Error
        && Check::CARGO_DENY.contains(&finding.check)
        && is_in_blocking
}

/// A finding of the base with the paths of the checkout.
fn in_checkout(finding: &Finding, base: &Base) -> Finding {
    let mut finding = finding.clone();
    let locations = finding.locations.iter_mut();
    for location in locations.chain(finding.related.iter_mut().map(|one| &mut one.location)) {
        if let Some(path) = base.path_in_checkout(&location.file) {
            location.file = FilePath::from(path);
        }
    }
    let here = base.checkout().as_str();
    for text in finding.notes.iter_mut().chain([&mut finding.message]).chain(&mut finding.remedy) {
        *text = text.replace(base.root().as_str(), here);
    }
    finding
}
