//! The names of gates in messages.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::message_text::join_with_and;

/// How many gates on one line are named.
const MAX_VARIANTS: usize = 3;

/// How a gate is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GateName {
    /// The line on which it was found: `ci.yml:23`.
    pub line: String,
    /// What distinguishes it from other gates on that line, as a value of a matrix.
    pub variant: Option<String>,
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)?;
        self.variant.iter().try_for_each(|variant| write!(f, " {variant}"))
    }
}

impl GateName {
    /// Names gates, each line once: `ci.yml:9 (linux and windows) and fuzz.yml:11`.
    pub(crate) fn joined(names: &[Self]) -> String {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in names {
            lines.entry(&name.line).or_default().extend(name.variant.clone());
        }
        let lines = lines.into_iter().map(|(line, mut variants)| {
            let more = variants.len().saturating_sub(MAX_VARIANTS);
            if more > 0 {
                variants.truncate(MAX_VARIANTS);
                variants.push(format!("{more} more"));
            }
            if variants.is_empty() {
                return line.to_owned();
            }
            format!("{line} ({})", join_with_and(&variants))
        });
        join_with_and(&lines.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_named_once() {
        let name = |line: &str, variant: &str| GateName {
            line: line.to_owned(),
            variant: (!variant.is_empty()).then(|| variant.to_owned()),
        };
        let joined = |names: &[(&str, &str)]| {
            GateName::joined(&names.iter().map(|(line, one)| name(line, one)).collect::<Vec<_>>())
        };
        assert_eq!(
            joined(&[("ci.yml:9", "linux"), ("fuzz.yml:3", "")]),
            "ci.yml:9 (linux) and fuzz.yml:3"
        );
        assert_eq!(joined(&[("ci.yml:9", "a"), ("ci.yml:9", "b")]), "ci.yml:9 (a and b)");
        let five = ["a", "b", "c", "d", "e"].map(|variant| ("ci.yml:9", variant));
        assert_eq!(joined(&five), "ci.yml:9 (a, b, c and 2 more)");
        assert_eq!(name("ci.yml:9", "linux").to_string(), "ci.yml:9 linux");
    }
}
