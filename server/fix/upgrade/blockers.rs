//! What is said about versions that cannot be had, and about what can be had instead.

use semver::Version;

use crate::verdict::{AdvisoryFacts, PackageRef};

/// How many packages that are in the way are named.
const NAMED: usize = 3;

/// How long the names of alternatives may be together.
const LENGTH: usize = 160;

/// What is in the way of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Blocker {
    /// Even the newest version of a package requires another one that does not clear it.
    Requires { holder: String, newest: Version, package: String, requirement: String },
    /// A declared package would have to move to a version that is not compatible.
    Breaking { package: String, from: String, first: Version },
}

impl Blocker {
    pub(super) fn breaking(package: &PackageRef, first: &Version) -> Self {
        Self::Breaking {
            package: package.name.clone(),
            from: package.version.clone(),
            first: first.clone(),
        }
    }
}

/// Why a package stays, a sentence without its end.
pub(super) fn blocked(target: &PackageRef, blockers: &[Blocker]) -> String {
    let mut firm = Vec::new();
    let mut breaking = Vec::new();
    for blocker in blockers {
        match blocker {
            Blocker::Requires { holder, newest, package, requirement } => {
                firm.push(format!("{holder} {newest} (newest) requires {package} {requirement}"));
            }
            Blocker::Breaking { package, from, first } => {
                breaking.push(format!("{package} {from} -> {first} or later"));
            }
        }
    }
    let listed = |mut all: Vec<String>| {
        let more = all.len().saturating_sub(NAMED);
        all.truncate(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", all.join(", "))
    };
    match (firm.is_empty(), breaking.is_empty()) {
        (false, _) => listed(firm),
        (true, false) => format!(
            "only a breaking upgrade clears it: {} (`--breaking` tries that)",
            listed(breaking)
        ),
        (true, true) => format!("nothing that requires {} lets it go", target.name),
    }
}

/// The end of a title for versions that ask for a newer Rust than the workspace states.
pub(in crate::fix) fn needs_rust(newest: Option<&Version>, stated: Option<&Version>) -> String {
    match (newest, stated) {
        (Some(rust), Some(stated)) => {
            format!(", which needs Rust {rust} where the workspace states {stated}")
        }
        _ => String::new(),
    }
}

/// What the text of an advisory names as alternatives to its package: what stands in a list after
/// the word. From outside.
pub(in crate::fix) fn alternatives(advisory: &AdvisoryFacts) -> Option<String> {
    let mut lines = advisory.description.lines().map(str::trim);
    lines.find(|line| line.to_lowercase().contains("alternative"))?;
    let mut named: Vec<&str> = Vec::new();
    for line in lines.skip_while(|line| line.is_empty()) {
        let Some(item) = line.strip_prefix(['-', '*', '+']) else {
            if line.is_empty() && named.is_empty() || line.is_empty() {
                continue;
            }
            break;
        };
        named.extend(name(item.trim()).filter(|name| !named.contains(name)));
    }
    let mut all = String::new();
    for name in named {
        if all.len() + name.len() > LENGTH {
            break;
        }
        let comma = if all.is_empty() { "" } else { ", " };
        all.push_str(comma);
        all.push_str(&format!("`{name}`"));
    }
    (!all.is_empty()).then_some(all)
}

/// The name at the start of `[name](link): words`, `` `name` - words `` and the like.
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
    fn alternatives_are_what_the_list_after_the_word_names() {
        let check = |description: &str, expected: Option<&str>| {
            let advisory =
                AdvisoryFacts { description: description.to_owned(), ..AdvisoryFacts::default() };
            assert_eq!(alternatives(&advisory).as_deref(), expected);
        };
        check(
            "Nobody is there.\n\n## Possible Alternative(s)\n\n- [`pastey`](https://a): a fork.\n\
             * [with-builtin](https://b)\n\n- std::fmt: the library\n\nMore words - none\n",
            Some("`pastey`, `with-builtin`, `std::fmt`"),
        );
        check("There is no alternative to it.", None);
        check("- one\n- two\n", None);
    }

    #[test]
    fn who_is_in_the_way_comes_before_what_would_break() {
        let target = PackageRef { name: "time".into(), version: "0.1.0".into(), source: None };
        let requires = Blocker::Requires {
            holder: "a".into(),
            newest: Version::new(1, 2, 0),
            package: "time".into(),
            requirement: "^0.1".into(),
        };
        let breaking = Blocker::breaking(&target, &Version::new(0, 2, 0));
        assert_eq!(
            blocked(&target, &[breaking.clone(), requires]),
            "a 1.2.0 (newest) requires time ^0.1"
        );
        assert_eq!(
            blocked(&target, &[breaking]),
            "only a breaking upgrade clears it: time 0.1.0 -> 0.2.0 or later (`--breaking` tries that)"
        );
    }
}
