//! The engine remembers what each check said: whatever is edited, its answer is that of an engine
//! that never saw another policy.

use std::{collections::BTreeMap, fs, sync::Arc};

use camino::Utf8PathBuf;
use supercargo::{
    cache::Cache,
    fix::policy::{PolicyFacts, plans},
    process::{Children, WaitReports},
    resolve::{Resolution, ResolveHooks, Resolver},
    text::SourceText,
    verdict::{
        Check, CheckResults, CheckSet, Code, Engine, EngineRequest, Finding, KnownFindings,
        LintLevels, LoadedPolicy, PolicyText, Severity,
    },
    workspace::Workspace,
};

const POLICY: &str = r#"[advisories]
ignore = ["RUSTSEC-2020-0001"]

[licenses]
allow = [
    "MIT",
    "Zlib",
]
exceptions = [{ crate = "one", allow = ["ISC"] }]

[[licenses.clarify]]
crate = "three"
expression = "MIT"
license-files = [{ path = "LICENSE", hash = 1 }]

[bans]
multiple-versions = "deny"
deny = [{ crate = "two", reason = "no" }, "absent"]
skip = ["one@9"]

[sources]
unknown-git = "deny"
allow-git = ["https://example.org/x"]
"#;

struct World {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    resolution: Resolution,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().expect("a path"));
        let root = root.expect("UTF-8");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
        };
        write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"one\", \"two\", \"three\"]\nresolver = \"2\"\n",
        );
        for (name, license, dependency) in [
            (
                "one",
                "license = \"MIT OR ISC\"",
                "two = { path = \"../two\" }\n\n[features]\ndefault = [\"x\"]\nx = []\ny = []",
            ),
            (
                "two",
                "license = \"GPL-3.0-only\"",
                "three = { path = \"../three\", version = \"*\" }",
            ),
            ("three", "", ""),
        ] {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{license}\n\n\
                 [dependencies]\n{dependency}\n"
            );
            write(&format!("{name}/Cargo.toml"), &manifest);
            write(&format!("{name}/src/lib.rs"), "");
        }
        let workspace = Workspace::of_manifest(&root.join("Cargo.toml"));
        let resolver = Resolver {
            cargo: Resolver::default_cargo(),
            offline: true,
            locked: false,
            children: Children::default(),
            cache: Cache::off(),
        };
        let LoadedPolicy { graph, .. } = policy(&workspace, POLICY).load().expect("a policy");
        let resolution = resolver
            .resolve(&workspace, &graph.metadata, &ResolveHooks::NONE)
            .expect("a resolution");
        Self { _folder: folder, workspace, resolution }
    }

    fn engine(&self) -> Engine {
        let LoadedPolicy { graph, .. } = policy(&self.workspace, POLICY).load().expect("a policy");
        Engine::start(&self.workspace, self.resolution.clone(), &graph, &Arc::default())
            .expect("an engine")
    }

    fn check(&self, engine: &Engine, text: &str) -> CheckResults {
        self.check_with(engine, text, None)
    }

    fn check_with(
        &self,
        engine: &Engine,
        text: &str,
        licenses: Option<KnownFindings>,
    ) -> CheckResults {
        let request = EngineRequest {
            policy: policy(&self.workspace, text),
            database: None,
            index: 0,
            manifests: BTreeMap::new(),
            checks: CheckSet::ALL,
            levels: LintLevels::default(),
            helps: true,
            releases: false,
            dependency_graph: false,
            waits: WaitReports::default(),
            licenses,
        };
        engine.check(&self.workspace, request).expect("an answer")
    }
}

fn policy(workspace: &Workspace, text: &str) -> PolicyText {
    PolicyText {
        path: Some(workspace.root.join("deny.toml")),
        text: SourceText::new(text),
        exceptions: None,
    }
}

/// A small generator of numbers: the same edits on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }
}

/// One edit as people make them; it may leave the policy broken.
fn edited(text: &str, dice: &mut Dice) -> String {
    let swaps = [
        ("\"MIT\"", "'MIT'"),
        ("'MIT'", "\"MIT\""),
        ("Zlib", "ISC"),
        ("ISC", "GPL-3.0-only"),
        ("GPL-3.0-only", "Zlib"),
        ("\"deny\"", "\"warn\""),
        ("\"warn\"", "\"deny\""),
        ("one@9", "one"),
        ("\"one\"]", "\"one@9\"]"),
        ("reason = \"no\"", "reason = \"never\""),
        ("hash = 1", "hash = 22"),
        ("example.org/x", "example.org/longer/name"),
        ("[bans]", "[bans] # the rest"),
    ];
    let lines: Vec<&str> = text.lines().collect();
    match dice.roll(4) {
        0 => {
            let at = dice.roll(lines.len() + 1);
            let mut lines = lines;
            lines.insert(at, "# a comment");
            lines.join("\n") + "\n"
        }
        1 => {
            let comment = lines.iter().position(|line| line.starts_with("# a comment"));
            let kept = lines.iter().enumerate().filter(|(at, _)| Some(*at) != comment);
            kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\n") + "\n"
        }
        2 => {
            let at = dice.roll(lines.len());
            let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            lines[at] = format!("{}  ", lines[at]);
            lines.join("\n") + "\n"
        }
        _ => {
            let (old, new) = swaps[dice.roll(swaps.len())];
            text.replacen(old, new, 1)
        }
    }
}

#[test]
fn edited_policy_has_the_same_results_as_with_a_fresh_engine() {
    let world = World::new();
    let kept = world.engine();
    let mut dice = Dice(2026);
    let mut text = POLICY.to_owned();
    let mut checked = 0;
    for step in 0..400 {
        text = edited(&text, &mut dice);
        if policy(&world.workspace, &text).load().is_err() {
            continue;
        }
        checked += 1;
        let results = world.check(&kept, &text);
        let fresh = world.check(&world.engine(), &text);
        assert_eq!(results.counts, fresh.counts, "step {step}:\n{text}");
        assert_eq!(results.findings.len(), fresh.findings.len(), "step {step}:\n{text}");
        for (ours, theirs) in results.findings.iter().zip(&fresh.findings) {
            assert_eq!(ours, theirs, "step {step}:\n{text}");
        }
    }
    assert!(checked > 300, "only {checked} policies were valid");
    let findings = world.check(&kept, POLICY).findings.len();
    assert!(findings > 8, "the policy has too few findings for this test: {findings}");
}

#[test]
fn known_licenses_are_used_until_their_section_changes() {
    let world = World::new();
    let all = world.check(&world.engine(), POLICY);
    let of_licenses = |results: &CheckResults| {
        let findings = results.findings.iter();
        findings.filter(|one| one.check == Check::Licenses).cloned().collect::<Vec<_>>()
    };
    let counts = all.counts[&Check::Licenses];
    let mut findings = of_licenses(&all);
    // Only who is given it can report it.
    findings[0].message = "known before".to_owned();
    let known = KnownFindings { findings: findings.clone(), counts };
    let engine = world.engine();
    let first = world.check_with(&engine, POLICY, Some(known));
    assert_eq!(of_licenses(&first), findings);
    assert_eq!(first.counts, all.counts);
    let commented = format!("# a comment\n{POLICY}");
    assert_eq!(of_licenses(&world.check(&engine, &commented))[0].message, "known before");
    let edited = POLICY.replace("\"Zlib\"", "\"ISC\"");
    let fresh = world.check(&world.engine(), &edited);
    assert_eq!(of_licenses(&world.check(&engine, &edited)), of_licenses(&fresh));
}

/// Every plan is checked: its finding is gone, and there are no new findings about the policy except those
/// that the plan announces.
#[test]
fn policy_plans_clear_their_findings() {
    let world = World::new();
    fs::write(world.workspace.root.join("three/LICENSE"), "Be kind.\n").expect("a file");
    let policies = [
        POLICY.to_owned(),
        POLICY.replace("[bans]", "[bans]\nallow = [\"one\", \"two@1\"]"),
        POLICY
            .replace("crate = \"two\", reason", "crate = \"two\", wrappers = [\"absent\"], reason"),
        POLICY.replace("allow = [\"ISC\"]", "allow = [\"0BSD\"]").replace('\n', "\r\n"),
        "[[bans.features]]\ncrate = \"one\"\nallow = [\"y\"]\n".to_owned(),
        "bans.features = [{ crate = \"one\", exact = true, allow = [\"x\", \"y\"] }]\n".to_owned(),
        String::new(),
    ];
    let mut cleared = std::collections::BTreeSet::new();
    for text in policies {
        let engine = world.engine();
        let results = world.check(&engine, &text);
        let policy = policy(&world.workspace, &text);
        let facts = PolicyFacts { policy: &policy, packages: &results.folders };
        for finding in &results.findings {
            for plan in plans(finding, &facts) {
                let then = world.check(&engine, &plan.after);
                let description = format!("{}: {}\n{}", finding.message, plan.title, plan.after);
                assert!(!then.counts.is_empty(), "refused: {description}");
                assert!(
                    !then.findings.iter().any(|other| is_same(other, finding)),
                    "{description}"
                );
                cleared.insert(finding.code.map(Code::name).unwrap_or_default());
            }
        }
    }
    let expected = [
        "exact-features-mismatch",
        "feature-not-explicitly-allowed",
        "license-exception-not-encountered",
        "license-not-encountered",
        "no-license-field",
        "not-allowed",
        "rejected",
        "supercargo::clarification-outdated",
        "unlicensed",
        "unmatched-skip",
        "unmatched-source",
        "unmatched-wrapper",
        "unused-wrapper",
    ];
    for code in expected {
        assert!(cleared.contains(code), "nothing cleared `{code}`: {cleared:?}");
    }
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    let weighs = one.severity >= other.severity.min(Severity::Warning);
    weighs
        && one.code == other.code
        && one.packages == other.packages
        && one.message == other.message
}

#[test]
fn graph_facts_have_packages_features_licenses_and_paths() {
    let world = World::new();
    let results = world.check(&world.engine(), POLICY);
    let description: Vec<_> = results
        .graph
        .packages
        .iter()
        .map(|one| {
            let path = results.graph.path(one);
            let path: Vec<_> = path.iter().map(|one| one.name.to_string()).collect();
            format!(
                "{} {} {:?} features {:?} enabled {:?} member {} direct {} dependents {} path {path:?}",
                one.name,
                one.version,
                one.terms,
                one.features,
                one.enabled,
                one.member,
                one.direct,
                one.dependents,
            )
        })
        .collect();
    assert_eq!(
        description,
        [
            "one 1.0.0 [\"MIT\", \"ISC\"] features [\"default\", \"x\", \"y\"] \
             enabled [\"default\", \"x\"] member true direct false dependents 0 path [\"one\"]",
            "three 1.0.0 [] features [] enabled [] member true direct true dependents 1 path [\"three\"]",
            "two 1.0.0 [\"GPL-3.0-only\"] features [] enabled [] member true direct true dependents 1 path [\"two\"]",
        ]
    );
    let terms: Vec<_> = results.graph.terms.iter().map(|(term, count)| (&**term, *count)).collect();
    assert_eq!(terms, [("GPL-3.0-only", 1), ("ISC", 1), ("MIT", 1)]);
    let needs_text = results.graph.packages.iter().filter(|one| one.needs_text);
    assert_eq!(needs_text.map(|one| &*one.name).collect::<Vec<_>>(), ["three"]);
}
