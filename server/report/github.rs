//! Annotations of GitHub Actions: workflow commands, which the runner reads from the output of a step.
//!
//! The runner takes each line that begins with `::name::`, and each that contains `##[name]`, for a command. So the texts of a repository are
//! escaped in our commands, and the commands are off while other text with such lines is printed.

use super::{
    CheckedWorkspace, Report, ReportedFinding,
    text::{code, details, first_line, line, region, relative_file},
};
use crate::{
    cache::hash, compare::Group, gate::errors_and_warnings, policy::effects::counted,
    verdict::Severity,
};

/// How many annotations of a level GitHub shows for a step.
const MAX_PER_LEVEL: usize = 10;

/// The number of hexadecimal digits of the word that turns commands on again.
const TOKEN_LENGTH: usize = 32;

/// The commands for the findings that are listed: errors first, then warnings, then how many there are besides.
pub(crate) fn annotations(report: &Report<'_>) -> String {
    let mut text = String::new();
    let failures = report.failures.len();
    for failure in report.failures.iter().take(MAX_PER_LEVEL) {
        text.push_str(&command("error", &[("title", "supercargo")], failure));
    }
    let mut left_out = [failures.saturating_sub(MAX_PER_LEVEL), 0, 0];
    let mut written = [failures.min(MAX_PER_LEVEL), 0, 0];
    let (mut known, mut fixed) = (0, 0);
    for (_, one) in report.listed() {
        match one.group {
            Some(Group::AlreadyThere) => {
                known += 1;
                continue;
            }
            Some(Group::Fixed) => {
                fixed += 1;
                continue;
            }
            Some(Group::New | Group::PolicyLoosened) | None => {}
        }
        let level = match one.finding.severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Note | Severity::Help => 2,
        };
        // The last notice is the count.
        let limit = if level == 2 { MAX_PER_LEVEL - 1 } else { MAX_PER_LEVEL };
        if written[level] < limit {
            written[level] += 1;
            text.push_str(&annotation(report, one));
        } else {
            left_out[level] += 1;
        }
    }
    let mut more = Vec::new();
    let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    more.extend(errors_and_warnings(of(left_out[0]), of(left_out[1])));
    more.extend((left_out[2] > 0).then(|| format!("{} notes", left_out[2])));
    let mut sentences = Vec::new();
    if !more.is_empty() {
        sentences.push(format!("not annotated: {}; see the log", more.join(", ")));
    }
    if known > 0 {
        sentences.push(format!("already there: {}", counted(known, "finding")));
    }
    if fixed > 0 {
        sentences.push(format!("fixed: {}", counted(fixed, "finding")));
    }
    let rejected = report.workspaces.iter().filter_map(|workspace| {
        let sentence = workspace.verdict.rejected_without_policy()?;
        Some(match workspace.folder.as_str() {
            "." => sentence,
            folder => format!("{folder}: {sentence}"),
        })
    });
    sentences.extend(rejected);
    if !sentences.is_empty() {
        let message = sentences.join("\n");
        text.push_str(&command("notice", &[("title", "supercargo")], &message));
    }
    text
}

fn annotation(report: &Report<'_>, one: &ReportedFinding<'_>) -> String {
    let finding = one.finding;
    let name = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note | Severity::Help => "notice",
    };
    let title = format!("{} ({})", code(finding), finding.check.name());
    let message = [vec![line(&finding.message)], details(one, report.paths)].concat();
    let mut properties = Vec::new();
    if let Some(at) = finding.locations.first() {
        properties.push(("file", relative_file(report.root, &at.file)));
        properties.push(("line", first_line(at).to_string()));
        if let Some((start, end)) = region(at) {
            properties.push(("endLine", end.line.to_string()));
            // GitHub refuses columns of several lines.
            if start.line == end.line {
                properties.push(("col", start.column.to_string()));
                properties.push(("endColumn", end.column.to_string()));
            }
        }
    }
    properties.push(("title", title));
    let properties: Vec<_> =
        properties.iter().map(|(name, value)| (*name, value.as_str())).collect();
    command(name, &properties, &message.join("\n"))
}

/// `::error file=..,line=..::message`, as the runner's `toolkit` escapes it.
fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let message = super::text::lines(message);
    let message = message.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let properties: Vec<_> = properties
        .iter()
        .map(|(name, value)| {
            let value = line(value).replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
            format!("{name}={value}")
        })
        .collect();
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{name}{space}{}::{message}\n", properties.join(","))
}

/// A text for the log in which the runner finds no command. Commands are off while it is printed, if there are any in it; the
/// word that turns them on again is made from the text, so the text cannot contain it.
pub(crate) fn without_commands(text: &str) -> String {
    let is_command = |line: &str| {
        // Colors are removed before.
        let plain: String = anstream::adapter::strip_str(line).to_string();
        // Not `:::`, which comes before the path of a further file.
        let is_named = |rest: &str| rest.contains("::");
        plain.trim_start().strip_prefix("::").is_some_and(is_named) || plain.contains("##[")
    };
    if !text.split(['\n', '\r']).any(is_command) {
        return text.to_owned();
    }
    let mut token = hash(text.as_bytes());
    token.truncate(TOKEN_LENGTH);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("::stop-commands::{token}\n{text}{end}::{token}::\n")
}

/// The number of listed findings that are reported one by one.
pub(super) fn news<'w, 'a>(
    workspace: &'w CheckedWorkspace<'a>,
) -> impl Iterator<Item = &'w ReportedFinding<'a>> {
    workspace.listed.iter().filter(|one| one.is_news())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_commands_are_escaped() {
        assert_eq!(
            command("error", &[("file", "a:b,c%.toml"), ("title", "x\n::")], "50%\n::warning::\r"),
            "::error file=a%3Ab%2Cc%25.toml,title=x %3A%3A::50%25%0A::warning::\u{fffd}\n"
        );
    }

    #[test]
    fn text_with_commands_is_printed_while_they_are_off() {
        for text in ["error: a::b\n", "  ::: a/Cargo.toml:1:2\n"] {
            assert_eq!(without_commands(text), text);
        }
        for text in ["a\n  ::error::x\n", "note: ##[error]x", "\u{1b}[31m::add-mask::a\u{1b}[0m\n"]
        {
            let safe = without_commands(text);
            let lines: Vec<_> = safe.lines().collect();
            let token = lines[0].strip_prefix("::stop-commands::").expect("commands are off");
            assert_eq!(*lines.last().expect("a line"), format!("::{token}::"));
            assert!(safe.contains(text) && !text.contains(token));
        }
    }
}
