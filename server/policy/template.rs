//! The first policy of a workspace: what it needs and no more, with a word about each part.

use std::{collections::BTreeSet, fmt::Write as _};

use spdx::Expression;

use super::{
    licenses::{self, ByLicense, Choice, USUAL},
    sources::{CRATES_IO, Permitted},
    spec::entry as spec,
};
use crate::verdict::{PackageRef, harmless};

/// How many packages are named in a comment.
const NAMED: usize = 4;

/// What a policy is made for.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// The packages whose license is judged, each with the expression that it is judged by.
    pub licensed: Vec<(PackageRef, Expression)>,
    /// Those of whose license nothing can be told.
    pub unlicensed: Vec<PackageRef>,
    /// Packages of the workspace that are never published state no license.
    pub private: bool,
    /// The packages that are there in several versions.
    pub duplicates: Vec<Vec<PackageRef>>,
    /// Which requirements accept any version.
    pub wildcards: Wildcards,
    /// The sources of all packages, as the lock file names them.
    pub sources: BTreeSet<String>,
}

/// Which requirements accept any version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wildcards {
    /// None.
    #[default]
    None,
    /// Only those of local packages by their path.
    Paths,
    /// Those of these manifests' packages.
    Of(Vec<String>),
}

/// A policy that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its text.
    pub text: String,
    /// The licenses that are named in it and not permitted: somebody has to decide.
    pub undecided: ByLicense,
}

/// The text of a policy. cargo-deny reads it whatever it is made for.
pub fn made(ground: &Ground) -> Made {
    let Choice { permitted, undecided } = licenses::chosen(&ground.licensed);
    let mut text = HEAD.to_owned();
    write_licenses(&mut text, &permitted, &undecided, ground);
    write_bans(&mut text, ground);
    write_sources(&mut text, &ground.sources);
    Made { text, undecided }
}

const HEAD: &str = r#"# What `cargo deny check` and `supercargo check` judge this workspace by.
# Every key: https://embarkstudios.github.io/cargo-deny/checks/cfg.html

[graph]
# Packages that are needed on other platforms only are not judged. None named: all count.
# targets = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]

[advisories]
# Known vulnerabilities always fail. So do versions that were withdrawn, and packages that nobody
# maintains or that are unsound, however they come in.
yanked = "deny"
unmaintained = "all"
unsound = "all"
# What is accepted all the same, each with a reason, and best with a date:
#     { id = "RUSTSEC-2000-0001", reason = "we never parse untrusted input; until 2030-12-31" },
ignore = []
"#;

fn write_licenses(
    text: &mut String,
    permitted: &ByLicense,
    undecided: &ByLicense,
    ground: &Ground,
) {
    // A license that one package needs is no license for all.
    let (single, common): (Vec<_>, Vec<_>) = permitted.iter().partition(|(license, packages)| {
        packages.len() == 1 && packages[0].source.is_some() && !USUAL.contains(&license.as_str())
    });
    text.push_str("\n[licenses]\n# What the packages here need, and no more.\n");
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
            "# Copyleft, or no license of SPDX's list: for you to decide. Until one stands in `allow`, or in an\n\
             # exception for one package, the packages behind it are rejected.\n",
        );
        for (license, packages) in undecided {
            let _ = writeln!(text, "#     {}, # {}", quoted(license), shown(packages));
        }
    }
    if !ground.unlicensed.is_empty() {
        let _ = writeln!(
            text,
            "# What the license of these is cannot be told, `clarify` states it: {}.",
            shown(&ground.unlicensed)
        );
    }
    text.push_str(
        "# How like its original a license text has to be.\nconfidence-threshold = 0.8\n",
    );
    let mut excepted: Vec<(&PackageRef, Vec<&str>)> = Vec::new();
    for (license, packages) in single {
        match excepted.iter_mut().find(|(package, _)| *package == &packages[0]) {
            Some((_, licenses)) => licenses.push(license),
            None => excepted.push((&packages[0], vec![license])),
        }
    }
    excepted.sort();
    if excepted.is_empty() {
        text.push_str(
            "# For one package alone, with the reason in a comment:\n\
             #     { crate = \"foldhash@0.1\", allow = [\"Zlib\"] }, # small and permissive\n\
             exceptions = []\n",
        );
    } else {
        text.push_str(
            "# Each for one package: what else such a license would admit is looked at when it comes.\n\
             exceptions = [\n",
        );
        for (package, licenses) in excepted {
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
    if ground.private {
        text.push_str(
            "\n[licenses.private]\n# What is never published needs no license.\nignore = true\n",
        );
    }
}

fn write_bans(text: &mut String, ground: &Ground) {
    text.push_str("\n[bans]\n# Each package once.\nmultiple-versions = \"deny\"\n");
    text.push_str(&match &ground.wildcards {
        Wildcards::None => {
            "# No requirement accepts any version.\nwildcards = \"deny\"\n".to_owned()
        }
        Wildcards::Paths => {
            "# No requirement accepts any version, but for packages of this repository.\n\
                             wildcards = \"deny\"\nallow-wildcard-paths = true\n"
                .to_owned()
        }
        Wildcards::Of(names) => {
            let names = named(names.iter().map(|name| format!("`{}`", line(name))).collect());
            format!(
                "# Requirements of {names} accept any version; \"deny\" once they do not.\n\
                 wildcards = \"allow\"\n"
            )
        }
    });
    let skipped = skipped(&ground.duplicates);
    if skipped.is_empty() {
        text.push_str(
            "# Versions that may be there beside others:\n\
             #     { crate = \"syn@1\", reason = \"derive macros move to syn 2 one by one\" },\n\
             skip = []\n",
        );
        return;
    }
    text.push_str("# Versions that may be there beside others; those that come now are looked at.\nskip = [\n");
    for spec in skipped {
        let _ = writeln!(
            text,
            "    {{ crate = {}, reason = \"there when this policy was made\" }},",
            quoted(&spec)
        );
    }
    text.push_str("]\n");
}

/// All versions but the newest, as those that are compatible where that leaves the newest out.
fn skipped(duplicates: &[Vec<PackageRef>]) -> BTreeSet<String> {
    let mut specs = BTreeSet::new();
    for versions in duplicates {
        let mut versions: Vec<_> = versions.iter().collect();
        versions.sort_by_key(|package| semver::Version::parse(&package.version).ok());
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
    text.push_str(
        "\n[sources]\n# Where packages may come from.\nunknown-registry = \"deny\"\nunknown-git = \"deny\"\n",
    );
    let mut registries = BTreeSet::new();
    let mut repositories = BTreeSet::new();
    for permitted in sources.iter().filter_map(|source| Permitted::of(source)) {
        match permitted {
            Permitted::Registry(url) => registries.insert(url),
            Permitted::Repository(url) => repositories.insert(url.to_string()),
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

/// Text from outside for a comment.
fn line(text: &str) -> String {
    harmless(text).replace(['\n', '\r'], " ")
}

fn shown(packages: &[PackageRef]) -> String {
    named(packages.iter().map(|one| line(&format!("{} {}", one.name, one.version))).collect())
}

fn named(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
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
        policy::licenses::stated,
        text::SourceText,
        verdict::{PolicyText, Severity},
    };

    const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, source: Option<&str>) -> PackageRef {
        let source = source.map(str::to_owned);
        PackageRef { name: name.to_owned(), version: version.to_owned(), source }
    }

    /// That cargo-deny has nothing to say of it.
    fn is_accepted(text: &str) {
        let policy = PolicyText {
            path: Some("/w/deny.toml".into()),
            text: SourceText::new(text),
            exceptions: None,
        };
        match policy.load(false) {
            Ok(loaded) => {
                let said: Vec<_> = loaded.findings.iter().map(|one| &one.message).collect();
                assert!(said.is_empty(), "{said:?}\n{text}");
            }
            Err(findings) => panic!("{:?}\n{text}", findings[0].message),
        }
    }

    #[test]
    fn it_speaks_of_what_is_there() {
        let one = |name, version, license| {
            (package(name, version, Some(CRATES)), stated(license).expect("an expression"))
        };
        let mut ground = Ground {
            licensed: vec![
                (package("app", "0.1.0", None), stated("MIT").expect("an expression")),
                one("a", "1.2.3", "MIT OR Apache-2.0"),
                one("b", "0.3.1", "Zlib"),
                one("c", "0.0.7", "ISC"),
                one("d", "2.0.0", "ISC AND BSD-3-Clause"),
                one("e", "1.0.0", "MPL-2.0"),
            ],
            unlicensed: vec![package("ring", "0.17.9", Some(CRATES))],
            private: true,
            duplicates: vec![vec![
                package("syn", "2.0.1", Some(CRATES)),
                package("syn", "1.0.9", Some(CRATES)),
                package("syn", "2.0.9", Some(CRATES)),
            ]],
            wildcards: Wildcards::Paths,
            ..Ground::default()
        };
        ground.sources.insert(CRATES.to_owned());
        ground.sources.insert("git+https://user@example.org/x/y?rev=1#0123".to_owned());
        ground.sources.insert("sparse+https://index.example.org/all/".to_owned());
        let made = made(&ground);
        is_accepted(&made.text);
        assert_eq!(made.undecided.keys().collect::<Vec<_>>(), ["MPL-2.0"]);
        let from_licenses = &made.text[made.text.find("[licenses]").expect("a section")..];
        expect![[r#"
            [licenses]
            # What the packages here need, and no more.
            allow = [
                "ISC",
                "MIT",
            ]
            # Copyleft, or no license of SPDX's list: for you to decide. Until one stands in `allow`, or in an
            # exception for one package, the packages behind it are rejected.
            #     "MPL-2.0", # e 1.0.0
            # What the license of these is cannot be told, `clarify` states it: ring 0.17.9.
            # How like its original a license text has to be.
            confidence-threshold = 0.8
            # Each for one package: what else such a license would admit is looked at when it comes.
            exceptions = [
                { crate = "b@0.3", allow = ["Zlib"] },
                { crate = "d@2", allow = ["BSD-3-Clause"] },
            ]

            [licenses.private]
            # What is never published needs no license.
            ignore = true

            [bans]
            # Each package once.
            multiple-versions = "deny"
            # No requirement accepts any version, but for packages of this repository.
            wildcards = "deny"
            allow-wildcard-paths = true
            # Versions that may be there beside others; those that come now are looked at.
            skip = [
                { crate = "syn@1", reason = "there when this policy was made" },
                { crate = "syn@2.0.1", reason = "there when this policy was made" },
            ]

            [sources]
            # Where packages may come from.
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
    fn cargo_deny_reads_it_whatever_it_is_made_for() {
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
        let versions = ["1.0.0", "0.3.4", "0.0.1", "2.0.0-rc.1", "1.9.0+meta", "3.0.0", "x"];
        for _ in 0..2_000 {
            let mut ground = Ground::default();
            let one = |roll: &mut dyn FnMut(u64) -> usize| {
                package(
                    ["a", "b-c", "d_e"][roll(3)],
                    versions[roll(7)],
                    [None, Some(CRATES)][roll(2)],
                )
            };
            for _ in 0..roll(8) {
                let expression = stated(licenses[roll(13)]).expect("an expression");
                ground.licensed.push((one(&mut roll), expression));
            }
            for _ in 0..roll(3) {
                ground.unlicensed.push(one(&mut roll));
                let versions = (0..roll(4)).map(|_| one(&mut roll)).collect();
                ground.duplicates.push(versions);
                ground.sources.insert(sources[roll(8)].to_owned());
            }
            ground.private = roll(2) == 0;
            ground.wildcards =
                [Wildcards::None, Wildcards::Paths, Wildcards::Of(vec!["a\nb\"".into()])][roll(3)]
                    .clone();
            let made = made(&ground);
            let policy = PolicyText {
                path: Some("/w/deny.toml".into()),
                text: SourceText::new(&made.text),
                exceptions: None,
            };
            match policy.load(false) {
                Ok(loaded) => {
                    let errors =
                        loaded.findings.iter().filter(|one| one.severity == Severity::Error);
                    assert_eq!(errors.count(), 0, "{}", made.text);
                }
                Err(findings) => panic!("{:?}\n{}", findings[0].message, made.text),
            }
        }
    }
}
