//! The result, the checked workspaces, the commands that fix findings, and the filters of the findings.

use super::{SCRIPT, findings::kinds};
use crate::report::{
    Report, WorkspaceState,
    headings::{ABOUT_FIX_COMMANDS, fix_commands, state_of_all},
    markup::{escaped, message, path_code},
    text::relative_file,
};

/// All that comes before the findings.
pub(super) fn sections(report: &Report<'_>) -> String {
    let state = state_of_all(report);
    let class = state.replace(' ', "-");
    let mut text = format!(
        "<a class=\"skip\" href=\"#findings\">Skip to the findings</a><header><h1>Supercargo: <span class=\"state {class}\">{state}</span></h1>\
         <p>The findings of <code>cargo deny check</code>, by supercargo {}.</p></header>{}<main>",
        env!("CARGO_PKG_VERSION"),
        filters(report)
    );
    for failure in &report.failures {
        text.push_str(&format!(
            "<p><span class=\"severity error\">error</span> {}</p>",
            message(failure)
        ));
    }
    if !report.workspaces.is_empty() {
        text.push_str(&workspaces(report));
    }
    let commands = fix_commands(report);
    if !commands.is_empty() {
        text.push_str(&format!(
            "<section><h2>To fix</h2><p>{}</p><pre tabindex=\"0\">{}</pre></section>",
            message(ABOUT_FIX_COMMANDS),
            commands.iter().map(|one| escaped(one)).collect::<Vec<_>>().join("\n")
        ));
    }
    text
}

fn workspaces(report: &Report<'_>) -> String {
    let mut rows = String::new();
    let has_date = report.workspaces.iter().any(|one| one.verdict.database_date.is_some());
    for workspace in &report.workspaces {
        let (class, state) = match workspace.state() {
            WorkspaceState::Passed => ("passed", "passed"),
            WorkspaceState::Failed => ("failed", "failed"),
            WorkspaceState::NoVerdict => ("no-verdict", "no verdict"),
        };
        let verdict = workspace.verdict;
        let numbers =
            verdict.totals().text().map_or(String::new(), |numbers| format!(": {numbers}"));
        let compared = workspace.compared.as_deref();
        let compared = compared.map_or(String::new(), |text| format!("<br/>{}", message(text)));
        let policy = match &verdict.policy {
            Some(policy) => path_code(&relative_file(report.root, policy)),
            None => "none found".to_owned(),
        };
        let packages = match verdict.packages {
            0 => String::new(),
            count => format!("{count}<span class=\"unit\"> packages</span>"),
        };
        let date = verdict.database_date.as_deref();
        let date = date.map_or("<td></td>".to_owned(), |date| {
            format!("<td><span class=\"unit\">advisories of </span>{}</td>", escaped(date))
        });
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td><span class=\"state {class}\">{state}</span>{numbers}{compared}</td><td>{policy}</td>\
             <td>{packages}</td>{}</tr>",
            path_code(&workspace.folder),
            if has_date { date } else { String::new() },
        ));
    }
    let date = if has_date { "<th scope=\"col\">advisories of</th>" } else { "" };
    format!(
        "<section><h2>Workspaces</h2><table class=\"wide\"><thead><tr><th scope=\"col\">workspace</th><th scope=\"col\">result</th>\
         <th scope=\"col\">policy</th><th scope=\"col\">packages</th>{date}</tr></thead>\
         <tbody>{rows}</tbody></table></section>"
    )
}

/// The filters, which only the script shows, with it.
fn filters(report: &Report<'_>) -> String {
    let (severities, checks) = kinds(report);
    if severities.is_empty() {
        return String::new();
    }
    let severities: Vec<_> = severities
        .iter()
        .map(|severity| {
            let name = severity.0.name();
            format!("<label><input type=\"checkbox\" name=\"severity\" value=\"{name}\" checked=\"\"/> {name}</label>")
        })
        .collect();
    let severities = severities.concat();
    let checks: Vec<_> =
        checks.iter().map(|check| format!("<option>{}</option>", check.name())).collect();
    let checks = checks.concat();
    format!(
        "<form id=\"filters\" role=\"search\" hidden=\"\"><label>Search <input type=\"search\" name=\"text\" \
         placeholder=\"package, code, text\"/></label><fieldset><legend>Severity</legend>{severities}</fieldset>\
         <label>Check <select name=\"check\"><option value=\"\">all</option>{checks}</select></label>\
         <output id=\"shown\" role=\"status\"></output></form><script>{SCRIPT}</script>"
    )
}
