//! The entries of the policies: what each does, with its reason.

use std::collections::BTreeMap;

use crate::report::markup::{code, escaped, shortened};
use crate::{
    limits,
    policy::{
        effects::{Effects, summary},
        entries::{PolicyEntry, PolicyList, entries},
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
        let has_reasons = listed.iter().any(|entry| entry.reason.is_some());
        text.push_str(&format!(
            "<details><summary>{} {about}</summary><table class=\"wide\"><thead><tr><th scope=\"col\">line</th>\
             <th scope=\"col\">entry</th><th scope=\"col\">effect</th>{}</tr></thead><tbody>",
            code(list.key()),
            if has_reasons { "<th scope=\"col\">reason</th>" } else { "" },
        ));
        for entry in listed {
            let row = row(policy, entry, all, has_reasons);
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

fn row(policy: &SourceText, entry: &PolicyEntry, all: &[Effects<'_>], has_reasons: bool) -> String {
    let subject = match &entry.version {
        Some(version) => format!("{} {}", entry.subject.value, version.value),
        None => entry.subject.value.clone(),
    };
    let effect = Effects::combined(all, entry).map(|effect| escaped(&effect.sentence()));
    let reason = entry.reason.as_ref().map(|(reason, _)| escaped(&reason.value));
    let reason = format!("<td>{}</td>", reason.unwrap_or_default());
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td>{}</tr>",
        policy.line_column(entry.span.start).line,
        code(&shortened(&subject, LONGEST_SUBJECT)),
        effect.unwrap_or_default(),
        if has_reasons { reason } else { String::new() },
    )
}
