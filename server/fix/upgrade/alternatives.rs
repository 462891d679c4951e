//! The alternative packages that the text of an advisory suggests.

use crate::verdict::AdvisoryFacts;

/// Before the name of a package.
const LINK: &str = "https://crates.io/crates/";

/// How many successors are tried.
const MAX_SUCCESSORS: usize = 3;

/// How long the listed names may be together.
const MAX_LENGTH: usize = 160;

/// The end of a reason: the alternatives that an advisory suggests, if it has any.
pub(in crate::fix) fn suggested_alternatives(advisory: &AdvisoryFacts) -> String {
    alternatives(advisory)
        .map_or_else(String::new, |names| format!("; the advisory suggests alternatives: {names}"))
}

/// The packages of crates.io that an advisory without a patched version names as successors: those of the list of
/// alternatives, then those that it links to.
pub(in crate::fix) fn successors(advisory: &AdvisoryFacts) -> Vec<String> {
    if !advisory.affected.patched().is_empty() {
        return Vec::new();
    }
    let linked = advisory.description.split(LINK).skip(1).filter_map(name);
    let mut all: Vec<String> = Vec::new();
    for one in listed(advisory).into_iter().chain(linked) {
        if one != advisory.package && !one.contains(':') && !all.iter().any(|other| other == one) {
            all.push(one.to_owned());
        }
    }
    all.truncate(MAX_SUCCESSORS);
    all
}

/// The names that an advisory suggests. The text is untrusted.
fn alternatives(advisory: &AdvisoryFacts) -> Option<String> {
    let mut all = String::new();
    for name in listed(advisory) {
        if all.len() + name.len() > MAX_LENGTH {
            break;
        }
        let comma = if all.is_empty() { "" } else { ", " };
        all.push_str(comma);
        all.push_str(&format!("`{name}`"));
    }
    (!all.is_empty()).then_some(all)
}

/// The package names in the list after the word "alternative".
fn listed(advisory: &AdvisoryFacts) -> Vec<&str> {
    let mut lines = advisory.description.lines().map(str::trim);
    let mut named: Vec<&str> = Vec::new();
    if !lines.any(|line| line.to_lowercase().contains("alternative")) {
        return named;
    }
    for line in lines.skip_while(|line| line.is_empty()) {
        let Some(item) = line.strip_prefix(['-', '*', '+']) else {
            if line.is_empty() && named.is_empty() || line.is_empty() {
                continue;
            }
            break;
        };
        named.extend(name(item.trim()).filter(|name| !named.contains(name)));
    }
    named
}

/// The package name at the start of `[name](link): words`, `` `name` - words `` and the like.
fn name(item: &str) -> Option<&str> {
    let item = item.trim_start_matches(['[', '`', '*', '_', ' ']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let end = item.find(|c| !is_part(c)).unwrap_or(item.len());
    let name = item[..end].trim_end_matches(':');
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_read_from_the_list_after_the_word() {
        let check = |description: &str, expected: Option<&str>| {
            let advisory =
                AdvisoryFacts { description: description.to_owned(), ..AdvisoryFacts::default() };
            assert_eq!(alternatives(&advisory).as_deref(), expected);
        };
        check(
            "It is not maintained.\n\n## Possible Alternative(s)\n\n- [`pastey`](https://a): a fork.\n\
             * [with-builtin](https://b)\n\n- std::fmt: the library\n\nMore words - none\n",
            Some("`pastey`, `with-builtin`, `std::fmt`"),
        );
        check("There is no alternative to it.", None);
        check("- one\n- two\n", None);
    }
}
