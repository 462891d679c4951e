//! The one message that a finding shows on a line, for editors that show nothing else of it.

use crate::verdict::{Finding, Location, Role};

/// How much of what is wrong is said on a line, in characters; titles and reasons come from outside.
const LONGEST: usize = 400;

/// The message at one of the finding's places: what is wrong, through which packages, what to do.
pub(crate) fn at_place(finding: &Finding, location: &Location) -> String {
    let mut message = what(finding);
    if let Some(via) = via(finding, location) {
        message.push_str(&format!(", via {via}"));
    }
    if let Some(remedy) = remedy(finding, location) {
        message.push_str(&format!("; {remedy}"));
    }
    message
}

/// What is wrong, in one line.
pub(crate) fn what(finding: &Finding) -> String {
    one_line(&finding.message)
}

/// The title of the advisory that a finding is about, in one line.
pub(crate) fn title(finding: &Finding) -> Option<String> {
    finding.advisory.as_ref().map(|advisory| one_line(&advisory.title))
}

/// What to do about it at this place.
pub(crate) fn remedy<'f>(finding: &'f Finding, location: &Location) -> Option<&'f str> {
    match location.role {
        Role::Inherited => Some("the requirement is in the workspace manifest"),
        Role::Primary => finding.remedy.as_deref(),
    }
}

/// `a 1.2.0 -> b 0.4.1 -> time 0.3.44`: the way from the declaration to the package, and how many
/// other ways there are. `None` where the package is declared itself.
pub(crate) fn via(finding: &Finding, location: &Location) -> Option<String> {
    let path = finding.paths.get(location.via?)?;
    // The first is the member whose line this is.
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
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_not_too_long() {
        assert_eq!(one_line("a\n\n b"), "a b");
        assert_eq!(one_line(&"é".repeat(LONGEST + 1)), format!("{}…", "é".repeat(LONGEST)));
    }
}
