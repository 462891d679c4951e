//! What two programs say differently about a workspace.

use std::collections::BTreeMap;

use super::outcome::{Counts, Finding, Outcome};

/// The exit codes of supercargo when no verdict could be reached: the checks could not run, or an argument is refused.
const NO_VERDICT: [i32; 2] = [70, 64];

/// Every difference, one sentence each; none when the programs agree.
///
/// The findings are compared as multisets: the order of the checks is not determined, and a finding can rightly be there twice.
/// Where neither program reached a verdict, only what they say about the policy counts: supercargo goes on to check what it
/// can, and how much cargo-deny prints before it gives up is a matter of chance.
pub(crate) fn differences(theirs: &Outcome, ours: &Outcome) -> Vec<String> {
    let (Some(their_summary), Some(our_summary)) = (&theirs.summary, &ours.summary) else {
        return without_verdict(theirs, ours);
    };

    let mut differences = findings(&theirs.findings, &ours.findings);
    differences.extend(summaries(their_summary, our_summary));
    if theirs.exit_code != ours.exit_code {
        let (theirs, ours) = (theirs.exit(), ours.exit());
        differences.push(format!("exit code: cargo-deny {theirs}, supercargo {ours}"));
    }
    differences
}

fn without_verdict(theirs: &Outcome, ours: &Outcome) -> Vec<String> {
    let (their_exit, our_exit) = (theirs.exit(), ours.exit());
    if theirs.summary.is_some() {
        return vec![format!(
            "only cargo-deny reached a verdict; supercargo ended with {our_exit}"
        )];
    }
    if ours.summary.is_some() {
        return vec![format!(
            "only supercargo reached a verdict; cargo-deny ended with {their_exit}"
        )];
    }

    let mut differences = findings(&about_policy(theirs), &about_policy(ours));
    // cargo-deny ends with 1 or 2 then, as it does for findings; ours must be unmistakable.
    if !ours.exit_code.is_some_and(|code| NO_VERDICT.contains(&code)) {
        let [failed, refused] = NO_VERDICT;
        differences.push(format!(
            "no verdict: supercargo must end with {failed} or {refused}, but ended with {our_exit}"
        ));
    }
    if theirs.exit_code == Some(0) {
        differences.push("cargo-deny succeeded without a verdict".to_owned());
    }
    differences
}

fn about_policy(outcome: &Outcome) -> Vec<Finding> {
    outcome.findings.iter().filter(|finding| finding.check == "config").cloned().collect()
}

fn findings(theirs: &[Finding], ours: &[Finding]) -> Vec<String> {
    let mut counts = BTreeMap::<&Finding, (usize, usize)>::new();
    for finding in theirs {
        counts.entry(finding).or_default().0 += 1;
    }
    for finding in ours {
        counts.entry(finding).or_default().1 += 1;
    }

    counts
        .into_iter()
        .filter(|(_, (theirs, ours))| theirs != ours)
        .map(|(finding, counts)| match counts {
            (theirs, 0) => format!("only cargo-deny: {finding}{}", times(theirs)),
            (0, ours) => format!("only supercargo: {finding}{}", times(ours)),
            (theirs, ours) => {
                format!("cargo-deny {theirs} times, supercargo {ours} times: {finding}")
            }
        })
        .collect()
}

fn summaries(theirs: &BTreeMap<String, Counts>, ours: &BTreeMap<String, Counts>) -> Vec<String> {
    let checks: std::collections::BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    checks
        .into_iter()
        .filter(|check| theirs.get(*check) != ours.get(*check))
        .map(|check| {
            let say = |counts: Option<&Counts>| {
                counts.map_or_else(|| "not run".to_owned(), Counts::to_string)
            };
            format!(
                "summary of {check}: cargo-deny {}; supercargo {}",
                say(theirs.get(check)),
                say(ours.get(check))
            )
        })
        .collect()
}

fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" ({count} times)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, severity: &str, packages: &[(&str, &str)]) -> Finding {
        let packages = packages
            .iter()
            .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
            .collect();
        Finding::new("bans", Some(code.to_owned()), severity, packages, None)
    }

    fn outcome(findings: Vec<Finding>, exit_code: i32) -> Outcome {
        let errors = findings.iter().filter(|finding| finding.severity == "error").count();
        let summary = BTreeMap::from([("bans".to_owned(), Counts { errors, ..Counts::default() })]);
        Outcome { findings, summary: Some(summary), exit_code: Some(exit_code), remarks: vec![] }
    }

    fn failed(exit_code: i32) -> Outcome {
        Outcome { exit_code: Some(exit_code), ..Outcome::default() }
    }

    #[test]
    fn the_same_in_another_order_is_no_difference() {
        let duplicate = finding("duplicate", "error", &[("b", "1.0.0"), ("b", "2.0.0")]);
        let reversed = finding("duplicate", "error", &[("b", "2.0.0"), ("b", "1.0.0")]);
        let banned = finding("banned", "error", &[("c", "1.0.0")]);
        let theirs = outcome(vec![duplicate, banned.clone()], 2);
        let ours = outcome(vec![banned, reversed], 2);
        assert_eq!(differences(&theirs, &ours), Vec::<String>::new());
    }

    #[test]
    fn each_side_s_own_findings_are_listed() {
        let theirs = outcome(vec![finding("banned", "error", &[("c", "1.0.0")])], 2);
        let ours = outcome(vec![finding("banned", "error", &[("c", "1.0.1")])], 2);
        assert_eq!(
            differences(&theirs, &ours),
            [
                "only cargo-deny: bans error banned: c 1.0.0",
                "only supercargo: bans error banned: c 1.0.1"
            ]
        );
    }

    #[test]
    fn severity_and_advisory_count() {
        let mut with_id = finding("vulnerability", "error", &[("c", "1.0.0")]);
        let without = with_id.clone();
        with_id.advisory = Some("RUSTSEC-2099-0001".to_owned());
        assert_eq!(
            differences(&outcome(vec![with_id], 1), &outcome(vec![without.clone()], 1)).len(),
            2
        );
        let mut note = without.clone();
        note.severity = "note".to_owned();
        assert_eq!(findings(&[without], &[note]).len(), 2);
    }

    #[test]
    fn how_often_counts() {
        let unlicensed = finding("unlicensed", "error", &[("c", "1.0.0")]);
        assert_eq!(
            findings(&[unlicensed.clone(), unlicensed.clone()], std::slice::from_ref(&unlicensed)),
            ["cargo-deny 2 times, supercargo 1 times: bans error unlicensed: c 1.0.0"]
        );
        assert_eq!(
            findings(&[unlicensed.clone(), unlicensed], &[]),
            ["only cargo-deny: bans error unlicensed: c 1.0.0 (2 times)"]
        );
    }

    #[test]
    fn summaries_and_exit_codes_count() {
        let mut ours = outcome(vec![], 2);
        ours.summary =
            Some(BTreeMap::from([("bans".to_owned(), Counts { notes: 1, ..Counts::default() })]));
        assert_eq!(
            differences(&outcome(vec![], 0), &ours),
            [
                "summary of bans: cargo-deny 0 errors, 0 warnings, 0 notes, 0 helps; \
                 supercargo 0 errors, 0 warnings, 1 notes, 0 helps",
                "exit code: cargo-deny 0, supercargo 2",
            ]
        );
        ours.summary = Some(BTreeMap::new());
        ours.exit_code = Some(0);
        assert_eq!(
            differences(&outcome(vec![], 0), &ours),
            [
                "summary of bans: cargo-deny 0 errors, 0 warnings, 0 notes, 0 helps; supercargo not run"
            ]
        );
    }

    #[test]
    fn a_verdict_is_reached_by_both_or_by_none() {
        assert_eq!(
            differences(&outcome(vec![], 0), &failed(70)),
            ["only cargo-deny reached a verdict; supercargo ended with 70"]
        );
        assert_eq!(
            differences(&failed(1), &outcome(vec![], 0)),
            ["only supercargo reached a verdict; cargo-deny ended with 1"]
        );
        assert_eq!(differences(&failed(1), &failed(70)), Vec::<String>::new());
        assert_eq!(
            differences(&failed(1), &failed(1)),
            ["no verdict: supercargo must end with 70 or 64, but ended with 1"]
        );
        assert_eq!(
            differences(&failed(0), &failed(70)),
            ["cargo-deny succeeded without a verdict"]
        );
    }

    #[test]
    fn without_a_verdict_only_the_policy_counts() {
        let config = |severity| Finding::new("config", None, severity, vec![], None);
        let (mut theirs, mut ours) = (failed(1), failed(70));
        ours.findings = vec![finding("banned", "error", &[])];
        assert_eq!(differences(&theirs, &ours), Vec::<String>::new());

        theirs.findings = vec![config("error")];
        ours.findings.push(config("warning"));
        assert_eq!(
            differences(&theirs, &ours),
            ["only cargo-deny: config error none", "only supercargo: config warning none"]
        );
    }
}
