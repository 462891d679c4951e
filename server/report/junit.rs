//! The XML of `JUnit`: a suite for each check of each workspace. Errors are failed tests, warnings are output of their suite, and a
//! check that could not run is an error.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{
    CheckedWorkspace, Report, ReportedFinding, WorkspaceState,
    github::news,
    text::{code, details, first_line, line, lines, relative_file},
};
use crate::verdict::{Check, Severity};

/// The checks that may have findings besides those that were requested.
const OWN_CHECKS: [Check; 2] = [Check::Config, Check::Supercargo];

struct Suite {
    name: String,
    cases: Vec<Case>,
    /// The warnings.
    output: String,
}

struct Case {
    name: String,
    /// The class, by which reports group tests.
    class: String,
    at: Option<(String, u32)>,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// A finding: the message, its code and the whole text.
    Failure(String, String, String),
    /// A check that could not run.
    Error(String),
}

/// The text of the file.
pub(crate) fn junit(report: &Report<'_>) -> io::Result<String> {
    let mut suites = Vec::new();
    if !report.failures.is_empty() {
        let cases = report.failures.iter().map(|failure| Case {
            name: line(failure),
            class: "supercargo".to_owned(),
            at: None,
            outcome: Outcome::Error(line(failure)),
        });
        let name = "supercargo".to_owned();
        suites.push(Suite { name, cases: cases.collect(), output: String::new() });
    }
    for workspace in &report.workspaces {
        for check in workspace.checks.iter() {
            suites.push(suite(report, workspace, check));
        }
        for check in OWN_CHECKS {
            let suite = suite(report, workspace, check);
            // Its only test is that there is nothing.
            let is_empty = suite.cases.iter().all(|case| matches!(case.outcome, Outcome::Passed));
            if !is_empty || !suite.output.is_empty() {
                suites.push(suite);
            }
        }
    }
    written(&suites)
}

fn suite(report: &Report<'_>, workspace: &CheckedWorkspace<'_>, check: Check) -> Suite {
    let class = format!("{}.{}", line(&workspace.folder), check.name());
    let mut cases = Vec::new();
    let mut output = String::new();
    for one in news(workspace).filter(|one| one.finding.check == check) {
        if one.finding.severity == Severity::Error {
            cases.push(case(report, one, &class));
        } else {
            output.push_str(&format!("{}\n", whole_text(report, one)));
        }
    }
    let counts = workspace.verdict.counts.get(&check);
    let is_requested = workspace.checks.contains(check);
    let alone =
        |outcome| Case { name: check.name().to_owned(), class: class.clone(), at: None, outcome };
    if is_requested && counts.is_none() {
        cases.push(alone(Outcome::Error(format!("{} could not run", check.name()))));
    } else if check == Check::Licenses
        && let Some(sentence) = workspace.verdict.rejected_without_policy()
    {
        cases.push(alone(Outcome::Failure(sentence.clone(), "rejected".to_owned(), sentence)));
    } else if cases.is_empty() {
        // Errors that are not listed: of a gate of CI that only reports, or already there.
        let errors = counts.map_or(0, |counts| counts.errors);
        if errors > 0 {
            output.push_str(&format!("{errors} errors are not listed here\n"));
        }
        cases.push(alone(Outcome::Passed));
    }
    let is_no_verdict = workspace.state() == WorkspaceState::NoVerdict;
    if is_no_verdict && OWN_CHECKS.contains(&check) {
        for case in &mut cases {
            if let Outcome::Failure(message, _, _) = &case.outcome {
                case.outcome = Outcome::Error(message.clone());
            }
        }
    }
    Suite { name: format!("{}: {}", line(&workspace.folder), check.name()), cases, output }
}

fn case(report: &Report<'_>, one: &ReportedFinding<'_>, class: &str) -> Case {
    let finding = one.finding;
    let subject = match finding.packages.first() {
        Some(package) if finding.packages.len() == 1 => {
            format!("{} {}: ", line(&package.name), package.version)
        }
        Some(package) => format!("{}: ", line(&package.name)),
        None => String::new(),
    };
    let at = finding.locations.first();
    Case {
        name: format!("{subject}{}", line(code(finding))),
        class: class.to_owned(),
        at: at.map(|at| (line(&relative_file(report.root, &at.file)), first_line(at))),
        outcome: Outcome::Failure(
            line(&finding.message),
            line(code(finding)),
            whole_text(report, one),
        ),
    }
}

/// The message with its location and what is below it.
fn whole_text(report: &Report<'_>, one: &ReportedFinding<'_>) -> String {
    let finding = one.finding;
    let mut text =
        format!("{}[{}]: {}", finding.severity.name(), line(code(finding)), line(&finding.message));
    if let Some(at) = finding.locations.first() {
        let file = line(&relative_file(report.root, &at.file));
        text.push_str(&format!("\n  --> {file}:{}", first_line(at)));
    }
    for detail in details(one, report.paths) {
        text.push_str(&format!("\n  {detail}"));
    }
    text
}

fn written(suites: &[Suite]) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let numbers = |suites: &[Suite]| {
        let cases = || suites.iter().flat_map(|suite| &suite.cases);
        let count = |of: fn(&Outcome) -> bool| cases().filter(|case| of(&case.outcome)).count();
        [
            ("tests", cases().count()),
            ("failures", count(|it| matches!(it, Outcome::Failure(..)))),
            ("errors", count(|it| matches!(it, Outcome::Error(_)))),
        ]
        .map(|(name, count)| (name, count.to_string()))
    };
    let all = numbers(suites);
    let attributes = all.iter().map(|(name, count)| (*name, count.as_str()));
    writer
        .create_element("testsuites")
        .with_attribute(("name", "supercargo"))
        .with_attributes(attributes)
        .write_inner_content(|writer| {
            for suite in suites {
                let of_suite = numbers(std::slice::from_ref(suite));
                let attributes = of_suite.iter().map(|(name, count)| (*name, count.as_str()));
                writer
                    .create_element("testsuite")
                    .with_attribute(("name", xml(&suite.name).as_str()))
                    .with_attributes(attributes)
                    .write_inner_content(|writer| {
                        for case in &suite.cases {
                            write_case(writer, case)?;
                        }
                        if !suite.output.is_empty() {
                            let output = xml(&suite.output);
                            let element = writer.create_element("system-out");
                            element.write_text_content(BytesText::new(&output))?;
                        }
                        Ok(())
                    })?;
            }
            Ok(())
        })?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let (name, class) = (xml(&case.name), xml(&case.class));
    let at = case.at.as_ref().map(|(file, line)| [("file", xml(file)), ("line", line.to_string())]);
    let attributes =
        [("name", name), ("classname", class)].into_iter().chain(at.into_iter().flatten());
    let attributes: Vec<_> = attributes.collect();
    let element = writer
        .create_element("testcase")
        .with_attributes(attributes.iter().map(|(name, value)| (*name, value.as_str())));
    match &case.outcome {
        Outcome::Passed => element.write_empty()?,
        Outcome::Failure(message, kind, text) => element.write_inner_content(|writer| {
            let (message, kind, text) = (xml(message), xml(kind), xml(text));
            let element = writer.create_element("failure");
            let element =
                element.with_attributes([("message", message.as_str()), ("type", kind.as_str())]);
            element.write_text_content(BytesText::new(&text))?;
            Ok(())
        })?,
        Outcome::Error(message) => element.write_inner_content(|writer| {
            let message = xml(message);
            let element = writer.create_element("error");
            let attributes = [("message", message.as_str()), ("type", "no verdict")];
            element.with_attributes(attributes).write_empty()?;
            Ok(())
        })?,
    };
    Ok(())
}

/// A text with only the characters that XML 1.0 allows (2.2).
fn xml(text: &str) -> String {
    let is_no_character = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    lines(text).replace(is_no_character, "\u{fffd}")
}
