//! A dependency that is edited in its manifest.

use anyhow::{Context as _, Result};
use toml_edit::{Document, Item, Table};

/// A dependency that has a requirement alone (`name = "1.2"`).
pub(crate) struct EditedDependency {
    /// Its line, from 0.
    pub(crate) line: usize,
    /// Where the value begins and ends in it, in bytes.
    pub(crate) columns: [usize; 2],
    /// Requirements that accept the locked version.
    requirements: Vec<String>,
}

impl EditedDependency {
    /// The first suitable dependency of a manifest; `regex`, if there is one.
    pub(crate) fn of(manifest: &str, lock: &str) -> Result<Self> {
        let document = Document::parse(manifest).context("the manifest is invalid")?;
        let root = document.as_table();
        let dependencies = |table: &Table| -> Vec<(String, std::ops::Range<usize>)> {
            let entries = table.get("dependencies").and_then(Item::as_table_like);
            let entries = entries.into_iter().flat_map(|table| table.iter());
            entries
                .filter(|(_, item)| item.as_str().is_some())
                .filter_map(|(name, item)| Some((name.to_owned(), item.span()?)))
                .collect()
        };
        let mut all = dependencies(root);
        all.extend(
            root.get("workspace").and_then(Item::as_table).into_iter().flat_map(dependencies),
        );
        all.sort_by_key(|(name, _)| name != "regex");
        let suitable = |(name, span): &(String, std::ops::Range<usize>)| {
            let mut requirements = requirements(&locked_version(name, lock)?)?;
            // The first edit has to change something.
            requirements.retain(|one| *one != manifest[span.clone()].trim_matches('"'));
            let start = manifest[..span.start].rfind('\n').map_or(0, |at| at + 1);
            Some(Self {
                line: manifest[..span.start].matches('\n').count(),
                columns: [span.start - start, span.end - start],
                requirements,
            })
        };
        all.iter().find_map(suitable).context("no dependency has a requirement alone")
    }

    /// The value with another requirement for each edit, which the locked version meets.
    pub(crate) fn with_requirement(&self, edit: usize) -> String {
        format!("\"{}\"", self.requirements[edit % self.requirements.len()])
    }

    /// The value with other features for each edit.
    pub(crate) fn with_features(&self, edit: usize) -> String {
        let default = edit % 2 == 1;
        format!("{{ version = \"{}\", default-features = {default} }}", self.requirements[0])
    }
}

/// The version of a package of which only one is locked.
fn locked_version(name: &str, lock: &str) -> Option<String> {
    let line = format!("name = \"{name}\"\nversion = \"");
    let mut versions = lock.split(&line).skip(1);
    let only = versions.next().filter(|_| versions.next().is_none())?;
    Some(only.split('"').next()?.to_owned())
}

/// Requirements that accept a version.
fn requirements(version: &str) -> Option<Vec<String>> {
    let [major, minor, patch] = version.split('.').collect::<Vec<_>>().try_into().ok()?;
    let exact = format!("{major}.{minor}.{patch}");
    let mut all = vec![format!("{major}.{minor}"), exact.clone(), format!("^{exact}")];
    if major != "0" {
        all.extend([major.to_owned(), format!("{major}.0"), format!("{major}.0.0")]);
    }
    Some(all)
}
