//! What a new verdict changes in the diagnostics of a file, so that those of all other files are not computed again.

use std::collections::{BTreeMap, HashMap};

use crate::{
    gate::Verdict,
    text::FilePath,
    verdict::{Finding, Location, Related},
};

/// The change in the diagnostics of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lsp) enum FileChange {
    /// Only links to other files, such as the policy that is being edited, have moved.
    Links,
    /// There may be any difference.
    Any,
}

/// The files in which the diagnostics may change; in all others they stay the same.
pub(in crate::lsp) fn changed_files(
    before: &Verdict,
    after: &Verdict,
) -> BTreeMap<FilePath, FileChange> {
    let mut changes = HashMap::new();
    let (mut old, mut new) = (&before.findings[..], &after.findings[..]);
    // A verdict has its findings in a stable order: those that come or go are in between.
    while let ([one, old_rest @ ..], [other, new_rest @ ..]) = (old, new) {
        if !note_pair(one, other, &mut changes) {
            break;
        }
        (old, new) = (old_rest, new_rest);
    }
    while let ([old_rest @ .., one], [new_rest @ .., other]) = (old, new) {
        if !note_pair(one, other, &mut changes) {
            break;
        }
        (old, new) = (old_rest, new_rest);
    }
    for finding in old.iter().chain(new) {
        note(finding, FileChange::Any, &mut changes);
    }
    if before.declared != after.declared {
        // The file may belong to another number of workspaces.
        let files = before.files().chain(after.files());
        let moved = files.filter(|file| before.declares_in(file) != after.declares_in(file));
        changes.extend(moved.map(|file| (file, FileChange::Any)));
    }
    changes.into_iter().collect()
}

/// Notes how a finding has changed; `false` where it is another finding.
fn note_pair(one: &Finding, other: &Finding, changes: &mut HashMap<FilePath, FileChange>) -> bool {
    if !is_same_finding(one, other) {
        return false;
    }
    let locations = one.locations.iter().zip(&other.locations);
    let mut has_moved = one.related != other.related;
    for (_, moved) in locations.filter(|(before, after)| before != after) {
        has_moved = true;
        changes.insert(moved.file.clone(), FileChange::Any);
    }
    if has_moved {
        note(one, FileChange::Links, changes);
    }
    true
}

fn note(finding: &Finding, change: FileChange, changes: &mut HashMap<FilePath, FileChange>) {
    let mut last = None;
    for location in &finding.locations {
        if last != Some(&location.file) {
            let known = changes.entry(location.file.clone()).or_insert(change);
            *known = change.max(*known);
            last = Some(&location.file);
        }
    }
}

/// Whether two findings differ at most in the texts and the positions in which they are located.
fn is_same_finding(before: &Finding, after: &Finding) -> bool {
    let Finding {
        check,
        code,
        severity,
        message,
        remedy,
        packages,
        advisory,
        locations,
        paths,
        path_count,
        notes,
        related,
        gates,
        silent_gates,
    } = before;
    let shown_at = |one: &Location| (one.file.clone(), one.role, one.via);
    let link = |one: &Related| (one.location.file.clone(), one.message.clone());
    // It is a part of the finding's id.
    let source = |finding: &Finding| {
        let primary = finding.locations.first()?;
        primary.text.as_str().get(primary.span.clone()).map(str::to_owned)
    };
    *check == after.check
        && *code == after.code
        && *severity == after.severity
        && *message == after.message
        && *remedy == after.remedy
        && *packages == after.packages
        && *advisory == after.advisory
        && *paths == after.paths
        && *path_count == after.path_count
        && *notes == after.notes
        && *gates == after.gates
        && *silent_gates == after.silent_gates
        && locations.iter().map(shown_at).eq(after.locations.iter().map(shown_at))
        && related.iter().map(link).eq(after.related.iter().map(link))
        && source(before) == source(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        text::SourceText,
        verdict::{Code, Role, Severity, own_finding},
        workspace::Workspace,
    };

    fn location(file: &str, text: &str, start: usize) -> Location {
        let (file, text, span) = (file.into(), SourceText::new(text), start..start + 1);
        Location { file, text, span, role: Role::Primary, via: None }
    }

    fn verdict(findings: Vec<Finding>) -> Verdict {
        Verdict { findings, ..Verdict::empty(Workspace::of_manifest("/w/Cargo.toml".into())) }
    }

    fn finding(message: &str, locations: Vec<Location>) -> Finding {
        own_finding(Code::NoLockFile, Severity::Warning, message.to_owned(), locations)
    }

    fn changed(before: Vec<Finding>, after: Vec<Finding>) -> Vec<(String, FileChange)> {
        let changes = changed_files(&verdict(before), &verdict(after));
        changes.into_iter().map(|(file, change)| (file.to_string(), change)).collect()
    }

    #[test]
    fn files_whose_findings_stay_the_same_do_not_change() {
        let at = |file: &str| vec![location(file, "a", 0)];
        let one = || finding("one", at("/w/one"));
        let (two, three) = (finding("two", at("/w/two")), finding("three", at("/w/three")));
        assert_eq!(changed(vec![one(), three.clone()], vec![one(), three.clone()]), []);
        let with_two = vec![one(), two, three.clone()];
        let any = |file: &str| (file.to_owned(), FileChange::Any);
        assert_eq!(changed(vec![one(), three.clone()], with_two.clone()), [any("/w/two")]);
        assert_eq!(changed(with_two, vec![one(), three]), [any("/w/two")]);
        assert_eq!(changed(vec![one()], vec![finding("four", at("/w/one"))]), [any("/w/one")]);
    }

    #[test]
    fn other_files_have_only_links_to_the_text_that_was_edited() {
        let both = |text: &str, start| {
            vec![finding("one", vec![location("/w/a", "x", 0), location("/w/b", text, start)])]
        };
        let expected =
            [("/w/a".to_owned(), FileChange::Links), ("/w/b".to_owned(), FileChange::Any)];
        assert_eq!(changed(both("y", 0), both(" y", 1)), expected);
        // Another text at the primary location gives the finding another id, which hints name.
        let first = |text: &str| {
            vec![finding("one", vec![location("/w/a", text, 0), location("/w/b", "y", 0)])]
        };
        let expected = ["/w/a", "/w/b"].map(|file| (file.to_owned(), FileChange::Any));
        assert_eq!(changed(first("1"), first("2")), expected);
    }
}
