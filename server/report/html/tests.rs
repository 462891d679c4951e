use std::sync::Arc;

use camino::Utf8Path;
use quick_xml::{Reader, events::Event};
use semver::Version;

use super::*;
use crate::{
    fix::{
        FileChange, FileDiff, FixReport, LockfileOutcome, NoFixReason, OtherLockfile, Overlay,
        RemainingFinding,
    },
    gate::Verdict,
    report::{Filters, FoundFixes, WorkspaceFixes, markup, text::line},
    text::SourceText,
    verdict::{
        Check, CheckSet, Code, DependencyEdge, DependencyGraph, DependencyKind, Finding,
        GraphFacts, GraphPackage, Location, PackageFacts, PackageRef, Role, Severity, own_finding,
    },
    workspace::Workspace,
};

/// Parts of names that are markup somewhere.
const PARTS: [&str; 40] = [
    "a",
    "<",
    ">",
    "</",
    "/>",
    "<b>",
    "</code>",
    "</li>",
    "</svg>",
    "</text>",
    "</style>",
    "</script>",
    "<script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "&",
    "&lt;",
    "&#60;",
    "&amp",
    "\"",
    "'",
    "`",
    "=",
    " onload=x",
    "\" onclick=\"x",
    "' x='",
    "javascript:",
    "https://x",
    "\0",
    "\u{8}",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{2066}",
    "\r\n",
    "\t",
    "\u{feff}",
    "\u{ffff}",
];

/// A generator of names (Knuth's MMIX).
struct Names(u64);

impl Names {
    fn next(&mut self) -> String {
        let mut name = String::new();
        for _ in 0..6 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(self.0 >> 33).expect("31 bits") % PARTS.len();
            name.push_str(PARTS[at]);
        }
        name
    }
}

/// A verdict about so many packages, all of whose texts come from `name`.
fn verdict(count: usize, name: &mut dyn FnMut() -> String) -> Verdict {
    let package = |text: String, at: usize| PackageRef {
        // In the same order whatever the names are.
        name: format!("{at:04}{text}"),
        version: Version::new(1, 0, 0),
        source: (at > 0).then(|| "registry".to_owned()),
    };
    let packages: Vec<PackageRef> = (0..count).map(|at| package(name(), at)).collect();
    let location = |text: String, at: usize| Location {
        file: format!("/w/{at:04}{text}/Cargo.toml").as_str().into(),
        text: SourceText::new("[package]\nname = \"a\"\n"),
        span: 18..19,
        role: Role::Primary,
        via: None,
    };
    let workspace = Workspace { manifest: "/w/Cargo.toml".into(), root: "/w".into() };
    let mut verdict = Verdict::empty(workspace);
    for (at, about) in packages.iter().enumerate().skip(1) {
        let message = format!("`{}` is banned: {}", name(), name());
        let own = own_finding(Code::Banned, Severity::Error, message, vec![location(name(), at)]);
        let path: Arc<[PackageRef]> =
            [&packages[0], &packages[at / 2], about].map(Clone::clone).into();
        verdict.findings.push(Finding {
            check: Check::Bans,
            remedy: Some(format!("remove `{}`", name())),
            packages: vec![about.clone()],
            paths: vec![path],
            path_count: 1,
            ..own
        });
    }
    let edge = |at: usize, features: Vec<String>, target: String| DependencyEdge {
        dependent: at / 2,
        dependency: at,
        kind: DependencyKind::Build,
        requirement: "^1".to_owned(),
        target: Some(target),
        is_optional: true,
        features,
    };
    let mut edges: Vec<_> = (1..count).map(|at| edge(at, vec![name()], name())).collect();
    edges.sort();
    let graph_packages = packages.iter().enumerate();
    let graph_packages = graph_packages
        .map(|(at, package)| GraphPackage { package: package.clone(), is_member: at == 0 });
    verdict.dependencies =
        Some(Arc::new(DependencyGraph { packages: graph_packages.collect(), edges }));
    let facts = packages.iter().map(|package| PackageFacts {
        name: package.name.as_str().into(),
        version: package.version.clone(),
        source: package.source.as_deref().map(Into::into),
        license: Some(name().into()),
        terms: Vec::new(),
        needs_text: false,
        features: Vec::new(),
        enabled: Vec::new(),
        member: false,
        direct: false,
        build_script: false,
        dependents: 0,
        via: None,
    });
    // Each license once, in the same order.
    let facts: Vec<_> = facts.take(1).collect();
    verdict.graph = Arc::new(GraphFacts { packages: facts, ..GraphFacts::default() });
    verdict.packages = count;
    verdict.complete = true;
    verdict
}

/// A search for fixes that was cut, all of whose texts come from `name`.
fn fixes(verdict: &Verdict, name: &mut dyn FnMut() -> String) -> WorkspaceFixes {
    let remaining = verdict.findings.iter().map(|finding| RemainingFinding {
        finding: finding.clone(),
        reason: Some(NoFixReason::Cargo(name())),
    });
    let report = FixReport {
        fixes: Vec::new(),
        remaining: remaining.collect(),
        texts: Overlay::default(),
        before: verdict.clone(),
        verdict: verdict.clone(),
        lockfiles: vec![OtherLockfile {
            path: format!("/w/{}/Cargo.lock", name()).into(),
            outcome: LockfileOutcome::NoLongerFits(NoFixReason::Cargo(name())),
        }],
        old_index: Some(NoFixReason::Cargo(name())),
        is_canceled: true,
    };
    let mut diff = |file: &str| {
        let mut text = |key: &str| SourceText::new(&format!("{key} = \"{}\"\n", line(&name())));
        let change = FileChange { before: text("a"), after: text("b"), is_new: false };
        FileDiff::of("/nowhere".into(), format!("{}/{file}", name()).into(), &change)
    };
    let diffs = vec![diff("Cargo.lock"), diff("Cargo.toml")];
    WorkspaceFixes::Found(Box::new(FoundFixes { report, folder: "/w/x".into(), diffs }))
}

fn page(verdict: &Verdict) -> String {
    page_with(verdict, None)
}

fn page_with(verdict: &Verdict, fixes: Option<&WorkspaceFixes>) -> String {
    let mut report = Report::new(Utf8Path::new("/w"), true);
    let filters = Filters { records: &|_| true, listed: &|_| true };
    report.add(verdict, CheckSet::of(&[Check::Bans]), 2, None, fixes, filters);
    report.exit_code = 2;
    html(&report)
}

/// The elements of a page with the names of their attributes, without those of names in messages, and all its texts.
fn read(page: &str) -> (Vec<String>, String) {
    let inline = |page: &str, text: &str| page.replace(text, "");
    let page = inline(&inline(page, STYLE), SCRIPT);
    let mut reader = Reader::from_str(&page);
    reader.config_mut().check_end_names = true;
    let (mut elements, mut texts) = (Vec::new(), String::new());
    let mut depth = 0;
    loop {
        match reader.read_event().expect("markup") {
            event @ (Event::Start(_) | Event::Empty(_)) => {
                let is_start = matches!(event, Event::Start(_));
                let (Event::Start(element) | Event::Empty(element)) = event else { continue };
                depth += usize::from(is_start);
                let mut shown = element.name().0.to_owned();
                for attribute in element.attributes() {
                    let attribute = attribute.expect("an attribute");
                    let name = attribute.key.0.to_owned();
                    let value = attribute.value.to_string();
                    assert!(!name.starts_with("on") && name != "style", "{name}");
                    if ["href", "src", "action"].contains(&name.as_str()) {
                        assert!(value.starts_with('#') || value.starts_with("https://"), "{value}");
                    }
                    assert!(!value.contains('<'), "{value}");
                    shown.push_str(&format!(" {name}"));
                }
                if shown != "code" {
                    elements.push(shown);
                }
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => {
                assert!(!text.contains('<'), "{text:?}");
                texts.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                texts.push(match &*reference {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "#39" => '\'',
                    other => panic!("&{other};"),
                });
            }
            Event::DocType(_) => {}
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(depth, 0);
    (elements, texts)
}

#[test]
fn names_of_a_repository_leave_no_markup() {
    const PACKAGES: usize = 40;
    let same = &mut || "x".to_owned();
    let expected = verdict(PACKAGES, same);
    let expected_fixes = fixes(&expected, same);
    let (expected, _) = read(&page_with(&expected, Some(&expected_fixes)));
    let mut names = Names(1);
    let mut count = 0;
    for _ in 0..40 {
        let mut made = Vec::new();
        let hostile = verdict(PACKAGES, &mut || {
            made.push(names.next());
            made.last().cloned().unwrap_or_default()
        });
        let found = fixes(&hostile, &mut || line(&names.next()));
        let page = page_with(&hostile, Some(&found));
        let (elements, texts) = read(&page);
        let differs = elements.iter().zip(&expected).position(|(one, other)| one != other);
        assert_eq!((differs, elements.len()), (None, expected.len()));
        // They are all there, as text.
        let shown = hostile.findings.iter().flat_map(|finding| &finding.packages);
        for package in shown {
            assert!(texts.contains(&line(&package.name)), "{:?}", package.name);
        }
        let is_unsafe = |c: &char| crate::verdict::is_unsafe_char(*c) && *c != '\n';
        assert_eq!(page.replace(STYLE, "").replace(SCRIPT, "").chars().find(is_unsafe), None);
        count += made.len();
    }
    assert!(count > 10_000, "{count}");
}

#[test]
fn cut_search_for_fixes_is_shown_as_cut() {
    let verdict = verdict(3, &mut || "x".to_owned());
    let found = fixes(&verdict, &mut || "y".to_owned());
    let (_, texts) = read(&page_with(&verdict, Some(&found)));
    for sentence in [
        "The search ended after 30 seconds: supercargo fix may find more.",
        "Could not fetch new versions from the registries, so newer ones may exist: cargo: y.",
        "y/Cargo.lock no longer fits the manifests: cargo: y",
    ] {
        assert!(texts.contains(sentence), "{sentence} in {texts}");
    }
    assert_eq!(texts.matches("no verified fix: cargo: y").count(), 2);
}

#[test]
fn fixes_of_many_workspaces_have_room() {
    let long = "long".repeat(200);
    let verdicts: Vec<_> = (0..200).map(|_| verdict(3, &mut || "x".to_owned())).collect();
    let all: Vec<_> = verdicts.iter().map(|one| fixes(one, &mut || long.clone())).collect();
    let mut report = Report::new(Utf8Path::new("/w"), true);
    let filters = Filters { records: &|_| true, listed: &|_| true };
    for (verdict, fixes) in verdicts.iter().zip(&all) {
        report.add(verdict, CheckSet::of(&[Check::Bans]), 2, None, Some(fixes), filters);
    }
    let page = html(&report);
    assert!(page.len() <= MAX_LENGTH, "{}", page.len());
    let (_, texts) = read(&page);
    assert!(texts.contains("The fixes of 1"), "the section has a limit");
}

#[test]
fn hundred_thousand_names_are_one_text_each() {
    let mut names = Names(2);
    for _ in 0..100_000 {
        let name = names.next();
        let (elements, texts) = read(&format!("<p title=\"{0}\">{0}</p>", markup::escaped(&name)));
        assert_eq!((elements, texts), (vec!["p title".to_owned()], line(&name)), "{name:?}");
    }
}

#[test]
fn graphs_of_many_packages_have_room() {
    let many = verdict(600, &mut || "some-name".to_owned());
    let page = page(&many);
    assert!(page.len() <= MAX_LENGTH, "{}", page.len());
    read(&page);
    assert!(page.contains("are not shown."), "graphs have a limit");
    assert_eq!(page.matches("<li id=\"f").count(), 599);
}

#[test]
fn headings_of_many_workspaces_have_room() {
    let long = "long".repeat(100);
    let verdicts: Vec<_> = (0..150).map(|_| verdict(12, &mut || long.clone())).collect();
    let mut report = Report::new(Utf8Path::new("/w"), true);
    let filters = Filters { records: &|_| true, listed: &|_| true };
    for verdict in &verdicts {
        report.add(verdict, CheckSet::of(&[Check::Bans]), 2, None, None, filters);
    }
    let page = html(&report);
    assert!(page.len() <= MAX_LENGTH, "{}", page.len());
    let listed = page.matches("<li id=\"f").count();
    assert!(page.contains(&format!("{} findings left out", 150 * 11 - listed)), "{listed}");
    read(&page);
}

#[test]
fn hashes_are_those_of_the_standards() {
    let of = |text: &str| base64(text.as_bytes());
    assert_eq!([of(""), of("f"), of("fo"), of("foo")], ["", "Zg==", "Zm8=", "Zm9v"]);
    assert_eq!([of("foob"), of("fooba"), of("foobar")], ["Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    assert_eq!(digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}
