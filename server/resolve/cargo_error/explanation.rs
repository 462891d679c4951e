//! Splits cargo's error output into a message, a remedy and notes.

use super::{PARSE_ERROR, requirements::Conflict};

/// Messages around a cause that contain no more than the location.
const WRAPPINGS: [&str; 7] = [
    "failed to parse manifest at ",
    "failed to load manifest for ",
    "failed to load source for ",
    "failed to download replaced source ",
    "failed to query replaced source ",
    "failed to get `",
    "unable to update ",
];

/// Cargo's words about an error.
pub(super) struct Explanation<'l> {
    /// The problem.
    pub(super) message: String,
    /// What to do about it, if cargo or rustup says so.
    pub(super) remedy: Option<String>,
    /// The other lines, in cargo's order.
    pub(super) notes: Vec<String>,
    /// The lines of the causes that are the problem, the deepest last.
    pub(super) problem: Vec<&'l str>,
}

impl<'l> Explanation<'l> {
    /// Splits the paragraphs of `lines`, one for the error and one for each cause.
    pub(super) fn of(lines: &[&'l str], conflict: Option<&Conflict<'_>>) -> Self {
        let (causes, mut helps) = causes(lines);
        let wraps = |cause: &[&str]| WRAPPINGS.iter().any(|prefix| cause[0].starts_with(prefix));
        let deepest = causes.len().saturating_sub(2);
        let relevant =
            causes.iter().position(|cause| !wraps(cause)).unwrap_or(deepest).max(deepest);
        let (wrappings, relevant) = causes.split_at(relevant);
        let further = relevant.iter().flat_map(|cause| &cause[1..]);
        let mut notes: Vec<_> =
            wrappings.iter().flatten().chain(further).map(|&note| note.to_owned()).collect();
        let mut message = relevant.iter().map(|cause| cause[0]).collect::<Vec<_>>().join(": ");
        if let Some(at) =
            notes.iter().position(|note| note.ends_with("does not have that feature."))
        {
            // The missing feature is the cause of the failed selection.
            std::mem::swap(&mut message, &mut notes[at]);
        } else if let Some(reason) = conflict.and_then(Conflict::reason) {
            message = format!("{}: {reason}", message.trim_end_matches('.'));
        }
        if message == "no matching package found" && !notes.is_empty() {
            message = format!("{message}: {}", notes.remove(0));
        }
        let message = message.trim_end_matches(['.', ':']);
        let message = if message.is_empty() { "cargo failed without a message" } else { message };
        let remedy = (!helps.is_empty()).then(|| helps.remove(0));
        notes.extend(helps);
        Self {
            message: message.to_owned(),
            remedy,
            notes,
            problem: relevant.iter().flatten().copied().collect(),
        }
    }
}

/// The lines of each cause without drawings, and what `help:` lines say.
fn causes<'l>(lines: &[&'l str]) -> (Vec<Vec<&'l str>>, Vec<String>) {
    let drawing = |line: &str| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let is_path = line.starts_with("... ");
        line.starts_with('|') || line.starts_with("-->") || line.starts_with("...") && !is_path
    };
    let mut causes: Vec<Vec<&str>> = vec![Vec::new()];
    let mut helps = Vec::new();
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        // rustup prints where in its own code it noticed the error.
        if line == "Stack backtrace:" {
            break;
        }
        let line = line.strip_prefix("= ").unwrap_or(line);
        match (line, causes.last_mut()) {
            ("Caused by:", _) => causes.push(Vec::new()),
            (line, _) if line.starts_with("help: ") => {
                helps.push(line.trim_start_matches("help: ").trim_end_matches('.').to_owned());
            }
            (line, Some(cause)) if !drawing(line) => {
                let line = line.strip_prefix("error: ").unwrap_or(line);
                cause.push(line.strip_prefix("note: ").unwrap_or(line));
            }
            _ => {}
        }
    }
    causes.retain(|cause| !cause.is_empty());
    for cause in causes.iter_mut().filter(|cause| cause[0].starts_with(PARSE_ERROR)) {
        // The message is the last line, after the location and the source.
        cause.rotate_right(1);
    }
    (causes, helps)
}
