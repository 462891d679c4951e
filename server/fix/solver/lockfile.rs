//! The lockfile of a plan. It has what cargo needs to select the versions of the plan; cargo writes the rest.

use std::collections::BTreeMap;

use semver::Version;

use super::{Plan, SelectedPackage};
use crate::verdict::PackageRef;

/// The line that starts the entry of a package.
const ENTRY: &str = "[[package]]";

impl Plan {
    /// The lockfile with the versions of the plan instead of the dropped ones.
    pub(in crate::fix) fn lockfile(&self, before: &str) -> String {
        let before = before.replace("\r\n", "\n");
        let starts = |line: &str| line.starts_with("[metadata]") || line.starts_with("[[patch.");
        let mut offset = 0;
        let mut end = before.len();
        for line in before.split_inclusive('\n') {
            if starts(line) {
                end = offset;
                break;
            }
            offset += line.len();
        }
        let (packages, rest) = before.split_at(end);
        let mut text = String::new();
        let mut present = Vec::new();
        for (index, entry) in packages.split(ENTRY).enumerate() {
            if index == 0 {
                text.push_str(entry);
                continue;
            }
            let Some(package) = entry_package(entry) else { continue };
            if self.dropped.contains(&package) {
                continue;
            }
            text.push_str(ENTRY);
            text.push_str(&self.with_new_dependencies(&package, entry));
            present.push(package);
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
        for (package, selected) in &self.selected {
            if !present.contains(package) {
                text.push_str(&new_entry(package, selected));
            }
        }
        text.push_str(rest);
        // In the order and with the names that cargo writes.
        match text.parse::<cargo_lock::Lockfile>() {
            Ok(mut lockfile) => {
                lockfile.packages.sort();
                lockfile.to_string()
            }
            Err(_) => text,
        }
    }

    /// An entry whose dependencies are those of the plan.
    fn with_new_dependencies(&self, package: &PackageRef, entry: &str) -> String {
        let selected = self.selected.get(package);
        let moved = |reference: &str| -> Option<String> {
            // `name`, `name version` or `name version (source)`, as much as is unambiguous.
            let mut words = reference.split(' ');
            let name = words.next()?;
            let version = words.next().and_then(|version| Version::parse(version).ok());
            let source = words.next().map(|source| source.trim_matches(['(', ')']));
            let is_it = |one: &&PackageRef| {
                one.name == name
                    && version.as_ref().is_none_or(|version| one.version == *version)
                    && (source.is_none() || one.source.as_deref() == source)
            };
            let dropped = self.dropped.iter().find(is_it)?;
            let new = selected.and_then(|selected| {
                let mut all = selected.dependencies.iter();
                all.find(|one| one.name == name).map(|one| one.version.clone())
            });
            let stepped = || {
                let step = self.steps.iter().find(|step| step.package == *dropped)?;
                Some(step.to.clone())
            };
            new.or_else(stepped).map(|version| format!("{name} {version}"))
        };
        let lines = entry.split_inclusive('\n').map(|line| {
            let reference = line
                .trim()
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix("\",").or_else(|| line.strip_suffix('"')));
            let Some(reference) = reference.filter(|_| line.starts_with(' ')) else {
                return line.to_owned();
            };
            match moved(reference) {
                Some(new) => line.replacen(reference, &new, 1),
                None => line.to_owned(),
            }
        });
        lines.collect()
    }
}

fn entry_package(entry: &str) -> Option<PackageRef> {
    let values: BTreeMap<&str, &str> = entry
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect();
    let value = |key: &str| values.get(key).copied();
    Some(PackageRef {
        name: value("name")?.to_owned(),
        version: Version::parse(value("version")?).ok()?,
        source: value("source").map(str::to_owned),
    })
}

fn new_entry(package: &PackageRef, selected: &SelectedPackage) -> String {
    let PackageRef { name, version, source } = package;
    let mut text = format!("{ENTRY}\nname = \"{name}\"\nversion = \"{version}\"\n");
    if let Some(source) = source {
        text.push_str(&format!("source = \"{source}\"\n"));
    }
    if let Some(checksum) = &selected.checksum {
        text.push_str(&format!("checksum = \"{checksum}\"\n"));
    }
    if !selected.dependencies.is_empty() {
        text.push_str("dependencies = [\n");
        for PackageRef { name, version, .. } in &selected.dependencies {
            text.push_str(&format!(" \"{name} {version}\",\n"));
        }
        text.push_str("]\n");
    }
    text.push('\n');
    text
}
