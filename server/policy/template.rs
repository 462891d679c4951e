//! The policy that `supercargo init` writes: what the workspace needs, with short comments.

use std::{collections::BTreeSet, fmt::Write as _};

use spdx::Expression;

use super::{
    licenses::{self, COMMON_LICENSES, LicenseChoice, PackagesByLicense},
    sources::{CRATES_IO, SourceEntry},
    spec::entry as spec,
};
use crate::verdict::{PackageRef, sanitize};

/// The maximum number of packages that a comment names.
const MAX_NAMED: usize = 4;

/// The facts about a workspace that its policy is written for.
#[derive(Clone, Debug, Default)]
pub struct TemplateInput {
    /// The packages whose license is checked, with their license expressions.
    pub licensed: Vec<(PackageRef, Expression)>,
    /// The packages whose license is unknown.
    pub unlicensed: Vec<PackageRef>,
    /// Whether unpublished packages of the workspace have no license.
    pub private: bool,
    pub duplicates: Duplicates,
    pub wildcards: Wildcards,
    /// The sources of all packages, as in `Cargo.lock`.
    pub sources: BTreeSet<String>,
}

/// How the policy treats packages with several versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// All of them are warnings.
    #[default]
    Warn,
    /// New ones are errors; these, each with all its versions, are skipped.
    Deny(Vec<Vec<PackageRef>>),
}

/// The requirements that accept any version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wildcards {
    #[default]
    None,
    /// Only path dependencies have them.
    Paths,
    /// The packages with these names have them.
    Of(Vec<String>),
}

/// A policy for a workspace.
#[derive(Clone, Debug)]
pub struct Template {
    pub text: String,
    /// The licenses that a comment names but the policy does not allow: the user has to decide.
    pub undecided: PackagesByLicense,
}

impl Template {
    /// Writes a policy. cargo-deny accepts it for every input.
    pub fn new(input: &TemplateInput) -> Self {
        let LicenseChoice { permitted, undecided } = licenses::choose(&input.licensed);
        let mut text = HEAD.to_owned();
        write_licenses(&mut text, &permitted, &undecided, input);
        write_bans(&mut text, input);
        write_sources(&mut text, &input.sources);
        Self { text, undecided }
    }
}

const HEAD: &str = r#"# Policy of `cargo deny check` and `supercargo check`
# All keys: https://embarkstudios.github.io/cargo-deny/checks/cfg.html

[graph]
# Limit the checks to the targets you build for:
# targets = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]

[advisories]
yanked = "deny"
unmaintained = "all"
unsound = "all"
# Advisories you accept, each with a reason:
# { id = "RUSTSEC-2000-0001", reason = "no untrusted input; until 2030-12-31" },
ignore = []
"#;

fn write_licenses(
    text: &mut String,
    permitted: &PackagesByLicense,
    undecided: &PackagesByLicense,
    input: &TemplateInput,
) {
    // A license that only one package needs is not allowed for all.
    let (single, common): (Vec<_>, Vec<_>) = permitted.iter().partition(|(license, packages)| {
        packages.len() == 1
            && packages[0].source.is_some()
            && !COMMON_LICENSES.contains(&license.as_str())
    });
    text.push_str("\n[licenses]\n");
    if common.is_empty() {
        text.push_str("allow = []\n");
    } else {
        text.push_str("allow = [\n");
        for (license, _) in common {
            let _ = writeln!(text, "    {},", quoted(license));
        }
        text.push_str("]\n");
    }
    if !undecided.is_empty() {
        text.push_str(
            "# Not allowed (copyleft, or not on the SPDX list); add to `allow` or `exceptions` to accept:\n",
        );
        for (license, packages) in undecided {
            let _ = writeln!(text, "# {}, # {}", quoted(license), shown(packages));
        }
    }
    if !input.unlicensed.is_empty() {
        let _ = writeln!(
            text,
            "# Unknown license; add a `clarify` entry: {}",
            shown(&input.unlicensed)
        );
    }
    let mut exceptions: Vec<(&PackageRef, Vec<&str>)> = Vec::new();
    for (license, packages) in single {
        match exceptions.iter_mut().find(|(package, _)| *package == &packages[0]) {
            Some((_, licenses)) => licenses.push(license),
            None => exceptions.push((&packages[0], vec![license])),
        }
    }
    exceptions.sort();
    if !exceptions.is_empty() {
        if text.lines().last().is_some_and(|line| line.starts_with('#')) {
            text.push('\n');
        }
        // The comment is also the reason for these entries.
        text.push_str("# Licenses that only one crate needs\nexceptions = [\n");
        for (package, licenses) in exceptions {
            let licenses: Vec<_> = licenses.into_iter().map(quoted).collect();
            let _ = writeln!(
                text,
                "    {{ crate = {}, allow = [{}] }},",
                quoted(&spec::compatible(package)),
                licenses.join(", ")
            );
        }
        text.push_str("]\n");
    }
    if input.private {
        text.push_str(
            "\n[licenses.private]\n# Unpublished workspace crates need no license\nignore = true\n",
        );
    }
}

fn write_bans(text: &mut String, input: &TemplateInput) {
    let level = match &input.duplicates {
        Duplicates::Warn => "warn",
        Duplicates::Deny(_) => "deny",
    };
    let _ = write!(text, "\n[bans]\nmultiple-versions = \"{level}\"\n");
    text.push_str(&match &input.wildcards {
        Wildcards::None => "wildcards = \"deny\"\n".to_owned(),
        Wildcards::Paths => "wildcards = \"deny\"\nallow-wildcard-paths = true\n".to_owned(),
        Wildcards::Of(names) => {
            let names = joined(names.iter().map(|name| format!("`{}`", line(name))).collect());
            format!(
                "# Wildcard requirements in {names}; set to \"deny\" once they are gone\n\
                 wildcards = \"allow\"\n"
            )
        }
    });
    let Duplicates::Deny(duplicates) = &input.duplicates else { return };
    let skipped = skipped(duplicates);
    if skipped.is_empty() {
        return;
    }
    text.push_str("skip = [\n");
    for spec in skipped {
        let _ = writeln!(
            text,
            "    {{ crate = {}, reason = \"present when this policy was created\" }},",
            quoted(&spec)
        );
    }
    text.push_str("]\n");
}

/// Specs for all versions but the newest of each package. A spec admits compatible versions, unless
/// the newest is one of them.
fn skipped(duplicates: &[Vec<PackageRef>]) -> BTreeSet<String> {
    let mut specs = BTreeSet::new();
    for versions in duplicates {
        let mut versions: Vec<_> = versions.iter().collect();
        versions.sort_by_key(|package| &package.version);
        let Some((newest, older)) = versions.split_last() else { continue };
        for package in older {
            let compatible = spec::compatible(package);
            let covers_newest = spec::matches(&toml::Value::String(compatible.clone()), newest);
            specs.insert(if covers_newest { spec::exactly(package) } else { compatible });
        }
    }
    specs
}

fn write_sources(text: &mut String, sources: &BTreeSet<String>) {
    text.push_str("\n[sources]\nunknown-registry = \"deny\"\nunknown-git = \"deny\"\n");
    let mut registries = BTreeSet::new();
    let mut repositories = BTreeSet::new();
    for entry in sources.iter().filter_map(|source| SourceEntry::of(source)) {
        match entry {
            SourceEntry::Registry(url) => registries.insert(url),
            SourceEntry::Repository(url) => repositories.insert(url.to_string()),
        };
    }
    let list = |urls: &BTreeSet<String>| -> String {
        let lines = urls.iter().map(|url| format!("    {},\n", quoted(url)));
        format!("[\n{}]\n", lines.collect::<String>())
    };
    if registries.iter().any(|url| url != CRATES_IO) {
        let _ = write!(text, "allow-registry = {}", list(&registries));
    } else {
        let _ = writeln!(text, "allow-registry = [{}]", quoted(CRATES_IO));
    }
    if repositories.is_empty() {
        text.push_str("allow-git = []\n");
    } else {
        let _ = write!(text, "allow-git = {}", list(&repositories));
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Untrusted text, safe for a comment.
fn line(text: &str) -> String {
    sanitize(text).replace(['\n', '\r'], " ")
}

fn shown(packages: &[PackageRef]) -> String {
    joined(packages.iter().map(|one| line(&format!("{} {}", one.name, one.version))).collect())
}

fn joined(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        policy::licenses::parse_license_field,
        text::SourceText,
        verdict::{PolicyText, Severity},
    };

    const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, source: Option<&str>) -> PackageRef {
        let source = source.map(str::to_owned);
        let version = version.parse().expect("a version");
        PackageRef { name: name.to_owned(), version, source }
    }

    /// Asserts that cargo-deny accepts it without a finding.
    fn assert_accepted(text: &str) {
        let policy = PolicyText {
            path: Some("/w/deny.toml".into()),
            text: SourceText::new(text),
            exceptions: None,
        };
        match policy.load() {
            Ok(loaded) => {
                let messages: Vec<_> = loaded.findings.iter().map(|one| &one.message).collect();
                assert!(messages.is_empty(), "{messages:?}\n{text}");
            }
            Err(findings) => panic!("{:?}\n{text}", findings[0].message),
        }
    }

    #[test]
    fn policy_allows_what_the_workspace_needs() {
        let one = |name, version, license| {
            (
                package(name, version, Some(CRATES)),
                parse_license_field(license).expect("an expression"),
            )
        };
        let mut input = TemplateInput {
            licensed: vec![
                (package("app", "0.1.0", None), parse_license_field("MIT").expect("an expression")),
                one("a", "1.2.3", "MIT OR Apache-2.0"),
                one("b", "0.3.1", "Zlib"),
                one("c", "0.0.7", "ISC"),
                one("d", "2.0.0", "ISC AND BSD-3-Clause"),
                one("e", "1.0.0", "MPL-2.0"),
            ],
            unlicensed: vec![package("ring", "0.17.9", Some(CRATES))],
            private: true,
            duplicates: Duplicates::Deny(vec![vec![
                package("syn", "2.0.1", Some(CRATES)),
                package("syn", "1.0.9", Some(CRATES)),
                package("syn", "2.0.9", Some(CRATES)),
            ]]),
            wildcards: Wildcards::Paths,
            ..TemplateInput::default()
        };
        input.sources.insert(CRATES.to_owned());
        input.sources.insert("git+https://user@example.org/x/y?rev=1#0123".to_owned());
        input.sources.insert("sparse+https://index.example.org/all/".to_owned());
        let template = Template::new(&input);
        assert_accepted(&template.text);
        assert_eq!(template.undecided.keys().collect::<Vec<_>>(), ["MPL-2.0"]);
        let from_licenses = &template.text[template.text.find("[licenses]").expect("a section")..];
        expect![[r#"
            [licenses]
            allow = [
                "ISC",
                "MIT",
            ]
            # Not allowed (copyleft, or not on the SPDX list); add to `allow` or `exceptions` to accept:
            # "MPL-2.0", # e 1.0.0
            # Unknown license; add a `clarify` entry: ring 0.17.9

            # Licenses that only one crate needs
            exceptions = [
                { crate = "b@0.3", allow = ["Zlib"] },
                { crate = "d@2", allow = ["BSD-3-Clause"] },
            ]

            [licenses.private]
            # Unpublished workspace crates need no license
            ignore = true

            [bans]
            multiple-versions = "deny"
            wildcards = "deny"
            allow-wildcard-paths = true
            skip = [
                { crate = "syn@1", reason = "present when this policy was created" },
                { crate = "syn@2.0.1", reason = "present when this policy was created" },
            ]

            [sources]
            unknown-registry = "deny"
            unknown-git = "deny"
            allow-registry = [
                "https://github.com/rust-lang/crates.io-index",
                "sparse+https://index.example.org/all/",
            ]
            allow-git = [
                "https://example.org/x/y",
            ]
        "#]].assert_eq(from_licenses);
    }

    #[test]
    fn cargo_deny_accepts_every_template() {
        let mut seed = 7_u64;
        let mut roll = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from((seed >> 33) % sides).expect("small")
        };
        let licenses = [
            "MIT",
            "Apache-2.0 OR MIT",
            "GPL-3.0+",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "MPL-2.0",
            "LicenseRef-x",
            "(MIT OR Zlib) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "CDDL-1.0+",
            "LGPL-2.1-or-later OR ISC",
            "Unlicense/MIT",
            "apache",
            "CC0-1.0",
        ];
        let sources = [
            CRATES,
            "git+https://example.org/a/b.git?branch=\"x'y#1",
            "git+ssh://git@example.org/a/b#1",
            "git+file:///srv/a#1",
            "registry+https://example.org/it's",
            "sparse+https://example.org/index/",
            "nonsense",
            "git+nonsense",
        ];
        let versions = ["1.0.0", "0.3.4", "0.0.1", "2.0.0-rc.1", "1.9.0+meta", "3.0.0", "0.0.0-0"];
        for _ in 0..2_000 {
            let mut input = TemplateInput::default();
            let one = |roll: &mut dyn FnMut(u64) -> usize| {
                package(
                    ["a", "b-c", "d_e"][roll(3)],
                    versions[roll(7)],
                    [None, Some(CRATES)][roll(2)],
                )
            };
            for _ in 0..roll(8) {
                let expression = parse_license_field(licenses[roll(13)]).expect("an expression");
                input.licensed.push((one(&mut roll), expression));
            }
            let mut duplicates = Vec::new();
            for _ in 0..roll(3) {
                input.unlicensed.push(one(&mut roll));
                let versions = (0..roll(4)).map(|_| one(&mut roll)).collect();
                duplicates.push(versions);
                input.sources.insert(sources[roll(8)].to_owned());
            }
            if roll(2) == 0 {
                input.duplicates = Duplicates::Deny(duplicates);
            }
            input.private = roll(2) == 0;
            input.wildcards =
                [Wildcards::None, Wildcards::Paths, Wildcards::Of(vec!["a\nb\"".into()])][roll(3)]
                    .clone();
            let template = Template::new(&input);
            let policy = PolicyText {
                path: Some("/w/deny.toml".into()),
                text: SourceText::new(&template.text),
                exceptions: None,
            };
            match policy.load() {
                Ok(loaded) => {
                    let errors =
                        loaded.findings.iter().filter(|one| one.severity == Severity::Error);
                    assert_eq!(errors.count(), 0, "{}", template.text);
                }
                Err(findings) => panic!("{:?}\n{}", findings[0].message, template.text),
            }
        }
    }
}
