//! The message of a finding on a line, for editors that show nothing else.

use crate::verdict::{Code, Finding, Location, Role};

/// The maximum length of a message, in characters; titles and reasons are untrusted.
const MAX_LENGTH: usize = 400;

/// How many lines of cargo's explanation are in a message.
const MAX_LINES: usize = 6;

/// The message at one of the finding's locations: the problem, the dependency path, and the remedy; for a failure of cargo,
/// also the first lines of its explanation.
pub(crate) fn at_location(finding: &Finding, location: &Location) -> String {
    let mut message = problem(finding);
    if let Some(via) = via(finding, location) {
        message.push_str(&format!(", via {via}"));
    }
    if let Some(gates) = finding.gates_text() {
        message.push_str(&format!(", {gates}"));
    }
    if let Some(remedy) = remedy(finding, location) {
        message.push_str(&format!("; {remedy}"));
    }
    for line in explanation(finding).0 {
        message.push_str(&format!("\n{line}"));
    }
    message
}

/// Cargo's explanation of a failure: the lines that belong to the message, and the others.
pub(crate) fn explanation(finding: &Finding) -> (Vec<String>, Vec<String>) {
    if finding.code != Some(Code::ResolutionFailed) {
        return (Vec::new(), Vec::new());
    }
    let mut lines: Vec<_> = finding.notes.iter().map(|note| one_line(note)).collect();
    let others = lines.split_off(lines.len().min(MAX_LINES));
    (lines, others)
}

/// The problem, on one line.
pub(crate) fn problem(finding: &Finding) -> String {
    one_line(&finding.message)
}

/// The title of the advisory, on one line.
pub(crate) fn title(finding: &Finding) -> Option<String> {
    finding.advisory.as_ref().map(|advisory| one_line(&advisory.title))
}

/// The remedy at this location.
pub(crate) fn remedy<'f>(finding: &'f Finding, location: &Location) -> Option<&'f str> {
    match location.role {
        Role::Inherited => Some("the requirement is in the workspace manifest"),
        Role::Primary => finding.remedy.as_deref(),
    }
}

/// `a 1.2.0 -> b 0.4.1 -> time 0.3.44`: the path from the direct dependency to the package, and the
/// number of other paths. `None` if the package is the direct dependency.
pub(crate) fn via(finding: &Finding, location: &Location) -> Option<String> {
    let path = finding.paths.get(location.via?)?;
    // The first package is the member itself.
    let steps = path.get(1..).filter(|steps| steps.len() > 1)?;
    let names: Vec<_> =
        steps.iter().map(|step| format!("{} {}", step.name, step.version)).collect();
    let others = finding.path_count.saturating_sub(1);
    Some(match others {
        0 => names.join(" -> "),
        1 => format!("{} (and 1 other path)", names.join(" -> ")),
        _ => format!("{} (and {others} other paths)", names.join(" -> ")),
    })
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_one_line_and_capped() {
        assert_eq!(one_line("a\n\n b"), "a b");
        assert_eq!(one_line(&"é".repeat(MAX_LENGTH + 1)), format!("{}…", "é".repeat(MAX_LENGTH)));
    }
}
