//! The entries of the policies: what each does, with its reason and the dates that are known.

use std::collections::BTreeMap;

use crate::report::markup::{code, escaped, shortened};
use crate::{
    limits,
    policy::{
        effects::{Effects, summary},
        entries::{PolicyEntry, PolicyList, entries},
        lints::{Explanation, explanations},
    },
    report::{Report, text::relative_file},
    text::SourceText,
};

/// The maximum number of characters of the subject of an entry.
const LONGEST_SUBJECT: usize = 100;

/// The section about all policies, in about so many bytes at most; empty without any.
pub(super) fn section(report: &Report<'_>, most: usize) -> String {
    let files: BTreeMap<_, _> = report
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.verdict.policy_use.files())
        .filter(|(_, text)| !text.as_str().is_empty())
        .collect();
    let mut text = String::new();
    for (file, policy) in files {
        let shown = code(&relative_file(report.root, file));
        text.push_str(&format!("<section><h3>{shown}</h3>"));
        if policy.as_str().len() > limits::EDITED_POLICY {
            text.push_str("<p>The policy is too long to list its entries.</p></section>");
            continue;
        }
        let entries = entries(policy.as_str());
        let all: Vec<_> = report
            .workspaces
            .iter()
            .map(|workspace| workspace.verdict)
            .filter(|verdict| verdict.policy_use.files().contains_key(file))
            .map(|verdict| {
                let input = verdict.effect_input();
                Effects::new(&entries, file, input, &|_, span| Some(span.clone()))
            })
            .collect();
        text.push_str(&tables(policy, &entries, &all, most.saturating_sub(text.len())));
        text.push_str("</section>");
    }
    if text.is_empty() {
        text
    } else {
        format!("<section><h2 id=\"policy\">Policy</h2>{text}</section>")
    }
}

/// A table for each list of a policy, in about so many bytes at most.
fn tables(
    policy: &SourceText,
    entries: &[PolicyEntry],
    all: &[Effects<'_>],
    most: usize,
) -> String {
    let mut by_list: BTreeMap<PolicyList, Vec<&PolicyEntry>> = BTreeMap::new();
    for entry in entries {
        by_list.entry(entry.list).or_default().push(entry);
    }
    if by_list.is_empty() {
        return "<p>The policy has no entries.</p>".to_owned();
    }
    let explained = explanations(policy.as_str());
    let of_entry = |entry: &PolicyEntry| EntryTexts {
        reason: reason(entry, explained.get(&entry.subject.span.start)),
        dates: dates(entry, explained.get(&entry.subject.span.start), all),
    };
    let mut text = String::new();
    let mut left_out = 0;
    for (list, listed) in by_list {
        let about = summary(list, entries, all).map_or_else(
            || match listed.len() {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            },
            |about| escaped(&about),
        );
        let texts: Vec<_> = listed.iter().map(|entry| of_entry(entry)).collect();
        let columns = Columns {
            reasons: texts.iter().any(|one| !one.reason.is_empty()),
            dates: texts.iter().any(|one| !one.dates.is_empty()),
        };
        text.push_str(&format!(
            "<details><summary>{} {about}</summary><table class=\"wide\"><thead><tr><th scope=\"col\">line</th>\
             <th scope=\"col\">entry</th><th scope=\"col\">effect</th>{}{}</tr></thead><tbody>",
            code(list.key()),
            if columns.reasons { "<th scope=\"col\">reason</th>" } else { "" },
            if columns.dates { "<th scope=\"col\">dates</th>" } else { "" },
        ));
        for (entry, texts) in listed.into_iter().zip(texts) {
            let row = row(policy, entry, all, &texts, columns);
            if text.len() + row.len() > most {
                left_out += 1;
            } else {
                text.push_str(&row);
            }
        }
        text.push_str("</tbody></table></details>");
    }
    match left_out {
        0 => {}
        1 => text.push_str("<p class=\"note\">1 entry is left out.</p>"),
        count => text.push_str(&format!("<p class=\"note\">{count} entries are left out.</p>")),
    }
    text
}

/// Which columns a table has besides the others.
#[derive(Clone, Copy)]
struct Columns {
    reasons: bool,
    dates: bool,
}

/// What is known of an entry besides its effect; empty where nothing is.
struct EntryTexts {
    reason: String,
    dates: String,
}

fn row(
    policy: &SourceText,
    entry: &PolicyEntry,
    all: &[Effects<'_>],
    texts: &EntryTexts,
    columns: Columns,
) -> String {
    let subject = match &entry.version {
        Some(version) => format!("{} {}", entry.subject.value, version.value),
        None => entry.subject.value.clone(),
    };
    let effect = Effects::combined(all, entry).map(|effect| escaped(&effect.sentence()));
    let cell = |is_shown: bool, text: &str| {
        if is_shown { format!("<td>{}</td>", escaped(text)) } else { String::new() }
    };
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td>{}{}</tr>",
        policy.line_column(entry.span.start).line,
        code(&shortened(&subject, LONGEST_SUBJECT)),
        effect.unwrap_or_default(),
        cell(columns.reasons, &texts.reason),
        cell(columns.dates, &texts.dates),
    )
}

/// Why an entry is there: its `reason`, or its comments.
fn reason(entry: &PolicyEntry, explained: Option<&Explanation>) -> String {
    let stated = entry.reason.as_ref().map(|(reason, _)| reason.value.clone());
    stated.or_else(|| Some(explained?.reason.clone())).unwrap_or_default()
}

/// Until when an entry is valid, and when the advisory that it ignores was published.
fn dates(entry: &PolicyEntry, explained: Option<&Explanation>, all: &[Effects<'_>]) -> String {
    let until = explained.and_then(|one| one.until).map(|date| format!("until {date}"));
    let mut advisories = all
        .iter()
        .flat_map(|effects| effects.findings_on(entry))
        .filter_map(|finding| finding.advisory.as_ref())
        .filter(|advisory| advisory.id == entry.subject.value && !advisory.date.is_empty());
    let published = advisories.next().map(|advisory| format!("advisory of {}", advisory.date));
    until.into_iter().chain(published).collect::<Vec<_>>().join(", ")
}
