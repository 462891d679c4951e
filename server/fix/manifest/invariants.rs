//! Invariants of plans for any manifest, asserted by the tests and the fuzzer.

use super::{DependencyLocation, pinned, shared, unused, valid_plan, wildcard};
use crate::{
    fix::{RemovedFeatures, requirement},
    model::{manifest::Manifest, tree},
    verdict::PackageRef,
};

/// Makes plans for an arbitrary text and asserts their invariants.
///
/// # Panics
///
/// If an invariant is violated.
#[doc(hidden)]
pub fn fuzz_manifest(text: &str) {
    let manifest = Manifest::parse(text);
    let package = |source: &str| PackageRef {
        name: "x".to_owned(),
        version: "1.2.3+build".parse().expect("a version"),
        source: Some(source.to_owned()),
    };
    let crates_io = package("registry+https://github.com/rust-lang/crates.io-index");
    let git = package("git+https://example.org/x?branch=main#0123456789abcdef");
    for declared in manifest.all_dependencies() {
        let (location, source) = (declared.location(), declared.source_location());
        for at in [&declared.key.span, &location, &source] {
            for package in [&crates_io, &git] {
                for plan_function in [wildcard, pinned, unused] {
                    let located = DependencyLocation { text, span: at, package: Some(package) };
                    if let Some((title, after)) = valid_plan(plan_function, &located) {
                        assert!(tree::parse(&after).1.is_empty(), "{title} breaks:\n{after}");
                        assert!(
                            keeps_others(text, &after, &declared.key.value),
                            "{title} changes more:\n{text}\n{after}"
                        );
                    }
                }
            }
        }
        shared::check_invariants(text, declared.key.span.start);
        let features: Vec<_> = declared.features.iter().map(|one| one.value.clone()).collect();
        if let (Some(first), true) = (features.first(), manifest.errors.is_empty()) {
            let removed = RemovedFeatures {
                package: declared.package.clone(),
                features: vec![first.clone()],
            };
            removed.check_invariants(text);
        }
        if let Some(stated) = &declared.requirement {
            let version = semver::Version::new(1, 2, 3);
            if let Some(raised) = requirement::raised(&stated.value, &version) {
                let again = requirement::raised(&raised, &version);
                assert_eq!(again.as_ref(), Some(&raised), "`{}` raised twice", stated.value);
            }
        }
    }
}

/// Whether everything but the dependencies with this key stays the same.
fn keeps_others(before: &str, after: &str, name: &str) -> bool {
    let others = |text: &str| -> (Vec<_>, Vec<_>) {
        let manifest = Manifest::parse(text);
        let declared = manifest.all_dependencies().filter(|one| one.key.value != name);
        let declared =
            declared.map(|one| (one.table, one.key.value.clone(), text[one.location()].to_owned()));
        let enabled_features = manifest.enabled_features.iter().map(|one| one.value.clone());
        (declared.collect(), enabled_features.collect())
    };
    others(before) == others(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every layout of a dependency, in every table.
    #[test]
    fn invariants_hold_in_every_layout() {
        let values = [
            "\"1\"",
            "'*'",
            "{ version = \"1\" }",
            "{version='1.0',features=[\"f\",'g'],optional=true}",
            "{ git = \"https://example.org/x\", branch = \"main\", default-features = false }",
            "{ path = '../x', version = \"1.2\", default_features = false, features = [\n  \"f\", # why\n] }",
            "{ package = \"y\", registry = \"r\", version = \"=1.0.0\" }",
            "{ workspace = true, features = [\"f\"] }",
            "{}",
            "1",
        ];
        let tables = [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
            "workspace.dependencies",
        ];
        for (value, table) in values.iter().flat_map(|value| tables.map(|table| (value, table))) {
            for newline in ["\n", "\r\n"] {
                let head = "[package]\nname = \"p\" # p\n\n[features]\nf = [\"x/f\"]\n\n";
                let in_lines = |text: String| text.replace('\n', newline);
                fuzz_manifest(&in_lines(format!(
                    "{head}[{table}]\nx = {value} # why\nz = \"1\"\n"
                )));
                fuzz_manifest(&in_lines(format!("{table}.x = {value}\n{head}")));
                fuzz_manifest(&in_lines(format!("{head}[{table}]\n\"x\"={value}")));
                if let Some(fields) = value.strip_prefix('{').and_then(|all| all.strip_suffix('}'))
                {
                    // Skips fields that contain line breaks or commas.
                    let lines = fields.replace(", ", "\n").replace(" # why\n", "");
                    fuzz_manifest(&in_lines(format!("{head}[{table}.x]\n{}\n[z]\n", lines.trim())));
                    let dotted = lines.trim().lines().map(|line| format!("x.{}\n", line.trim()));
                    fuzz_manifest(&in_lines(format!(
                        "{head}[{table}]\n{}",
                        dotted.collect::<String>()
                    )));
                }
            }
        }
        for broken in
            ["", "\u{feff}", "[dependencies]\nx = ", "[dependencies]\nx = \"1\"\nx = \"2\"\n"]
        {
            fuzz_manifest(broken);
        }
    }
}
