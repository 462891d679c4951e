//! A graph as a part of an HTML page.

use super::list::lines;
use crate::verdict::WhyGraph;

/// A drawing that has its own scroll bars; the label is a part of an attribute.
pub(in crate::report) fn scrollable(label: &str, svg: &str) -> String {
    format!("<div class=\"graph\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{svg}</div>")
}

/// How many packages are left out; empty if there are none.
pub(in crate::report) fn left_out_note(graph: &WhyGraph<'_>) -> String {
    match graph.left_out {
        0 => String::new(),
        1 => "<p class=\"note\">1 package on other dependency paths is not shown.</p>".to_owned(),
        count => format!(
            "<p class=\"note\">{count} packages on other dependency paths are not shown.</p>"
        ),
    }
}

/// The dependencies as a list, an item for each package that depends on others.
pub(in crate::report) fn list_of_dependencies(graph: &WhyGraph<'_>) -> String {
    let items: Vec<_> = lines(graph).iter().map(|line| format!("<li>{line}</li>")).collect();
    format!("<ul>{}</ul>", items.concat())
}
