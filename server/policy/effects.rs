//! The effect of each policy entry, according to a verdict.
//!
//! The labels of cargo-deny's diagnostics point to the entry that caused them; the packages of these
//! diagnostics are the effect of the entry. For licenses, the packages with that license are counted.
//! Entries without this information have no effect to show.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::entries::{self, PolicyEntry, PolicyList};
use crate::{
    text::{SourceText, Span},
    verdict::{
        Check, Code, Counts, Finding, GraphFacts, Location, MatchedEntry, PackageFacts, PackageRef,
        WithheldFinding, WithheldReason,
    },
};

pub(crate) use summary::{summary, unmatched};

/// The maximum number of packages that are listed by name.
const MAX_NAMED: usize = 8;

/// The parts of a verdict that show what a policy does.
#[derive(Clone, Copy)]
pub(crate) struct EffectInput<'v> {
    pub(crate) findings: &'v [Finding],
    /// The counts of the checks that finished
    pub(crate) counts: &'v BTreeMap<Check, Counts>,
    pub(crate) graph: &'v GraphFacts,
    /// Matches of entries that appear in no diagnostic
    pub(crate) matched: &'v [MatchedEntry],
    /// Findings about entries that other workspaces need
    pub(crate) withheld: &'v [WithheldFinding],
}

/// The effect of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) kind: EffectKind,
    /// The affected packages, sorted.
    pub(crate) packages: Vec<PackageRef>,
    /// The number of findings that the entry causes or suppresses.
    pub(crate) findings: usize,
    /// Which other workspaces need the entry, where this one does not.
    pub(crate) elsewhere: Option<WithheldReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EffectKind {
    /// Suppresses findings of an advisory or a yanked version
    Suppresses,
    /// Allows the license of packages
    AllowsLicense,
    /// Allows further licenses for packages
    AllowsExtraLicense,
    /// States the license of packages
    Clarifies,
    /// Allows packages by name
    Allows,
    /// Bans packages that are in the graph
    Bans,
    /// Bans packages that only their wrappers use
    BansExceptWrappers,
    /// May depend on banned packages
    Wraps,
    /// Excludes versions from the duplicate check
    Skips,
    /// Excludes the packages below one from the duplicate check
    SkipsTree,
    /// Reports enabled features
    RestrictsFeatures,
    /// Allows a file in a package
    Bypasses,
    /// Allows the source of packages
    AllowsSource,
    /// Matches nothing here, but perhaps in another workspace
    Elsewhere,
    /// Matches nothing
    Nothing,
}

/// The effects of all entries of one policy.
pub(crate) struct Effects<'v> {
    input: EffectInput<'v>,
    /// The findings on each entry, by the start of its subject
    findings_by_entry: BTreeMap<usize, Vec<&'v Finding>>,
    /// The packages of [`MatchedEntry`], by the start of the subject
    matched: BTreeMap<usize, &'v [PackageRef]>,
    /// Why a finding about an entry was withheld, by the start of the subject
    withheld: BTreeMap<usize, &'v WithheldReason>,
}

impl<'v> Effects<'v> {
    /// Assigns the findings of a verdict to the entries of the current text of `file`. `moved` maps a
    /// span of the checked text to the current text.
    pub(crate) fn new(
        entries: &[PolicyEntry],
        file: &Utf8Path,
        input: EffectInput<'v>,
        moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
    ) -> Self {
        let entry_of = |location: &Location| {
            if location.file != file {
                return None;
            }
            let span = moved(&location.text, &location.span)?;
            entries::holding(entries, &span).map(|entry| entry.subject.span.start)
        };
        let mut findings_by_entry: BTreeMap<usize, Vec<&Finding>> = BTreeMap::new();
        for finding in input.findings {
            let related = finding.related.iter().map(|related| &related.location);
            let locations = finding.locations.iter().chain(related);
            for at in locations.filter_map(entry_of).collect::<BTreeSet<_>>() {
                findings_by_entry.entry(at).or_default().push(finding);
            }
        }
        let matched = input.matched.iter();
        let matched = matched.filter_map(|one| Some((entry_of(&one.location)?, &*one.packages)));
        let matched = matched.collect();
        let unneeded = input.withheld.iter().filter(|one| matches_nothing(&one.finding));
        let withheld = unneeded
            .filter_map(|one| Some((entry_of(one.finding.locations.first()?)?, &one.reason)));
        let withheld = withheld.collect();
        Self { input, findings_by_entry, matched, withheld }
    }

    /// The effect of an entry in all workspaces with this policy; `None` if it is unknown.
    pub(crate) fn combined(all: &[Self], entry: &PolicyEntry) -> Option<Effect> {
        let mut known = all.iter().filter_map(|effects| effects.of(entry));
        let mut effect = known.next()?;
        for other in known {
            match (effect.kind, other.kind) {
                (_, EffectKind::Nothing | EffectKind::Elsewhere) => {}
                (EffectKind::Nothing | EffectKind::Elsewhere, _) => effect = other,
                _ => effect.add(other),
            }
        }
        Some(effect)
    }

    /// The findings on an entry.
    pub(crate) fn findings_on(&self, entry: &PolicyEntry) -> &[&'v Finding] {
        self.findings_by_entry.get(&entry.subject.span.start).map_or(&[], Vec::as_slice)
    }

    /// The effect of an entry; `None` if it is unknown.
    pub(crate) fn of(&self, entry: &PolicyEntry) -> Option<Effect> {
        let was_checked = |check| self.input.counts.contains_key(&check);
        // cargo-deny reports entries that match nothing.
        if self.findings_on(entry).iter().any(|one| matches_nothing(one)) {
            return Some(Effect::nothing());
        }
        if let Some(reason) = self.withheld.get(&entry.subject.span.start) {
            let elsewhere = Some((*reason).clone());
            return Some(Effect { kind: EffectKind::Elsewhere, elsewhere, ..Effect::nothing() });
        }
        let from_codes = |codes: &[Code], kind| self.effect_of_findings(entry, codes, kind);
        let otherwise_nothing = |check, effect: Option<Effect>| {
            effect.or_else(|| was_checked(check).then(Effect::nothing))
        };
        match entry.list {
            PolicyList::Ignore => {
                from_codes(&[Code::AdvisoryIgnored, Code::YankedIgnored], EffectKind::Suppresses)
            }
            PolicyList::License if was_checked(Check::Licenses) => self.allows_license(entry),
            PolicyList::Exception if was_checked(Check::Licenses) => {
                let packages = self.matched.get(&entry.subject.span.start)?;
                // cargo-deny reports no unused exception of `deny.exceptions.toml`.
                otherwise_nothing(
                    Check::Licenses,
                    on_packages(packages.to_vec(), EffectKind::AllowsExtraLicense),
                )
            }
            // The label of a license diagnostic points into the clarification that states the expression.
            PolicyList::Clarify => otherwise_nothing(
                Check::Licenses,
                from_codes(&[Code::Accepted, Code::Rejected], EffectKind::Clarifies),
            ),
            PolicyList::Allow => {
                otherwise_nothing(Check::Bans, from_codes(&[Code::Allowed], EffectKind::Allows))
            }
            PolicyList::Deny if !entry.about_duplicates => {
                let banned = from_codes(&[Code::Banned], EffectKind::Bans);
                let banned = banned.or_else(|| {
                    from_codes(&[Code::AllowedByWrapper], EffectKind::BansExceptWrappers)
                });
                otherwise_nothing(Check::Bans, banned)
            }
            PolicyList::Wrapper => from_codes(&[Code::AllowedByWrapper], EffectKind::Wraps),
            PolicyList::Skip => from_codes(&[Code::Skipped], EffectKind::Skips),
            PolicyList::SkipTree => from_codes(&[Code::SkippedByRoot], EffectKind::SkipsTree),
            PolicyList::Features => from_codes(
                &[
                    Code::ExactFeaturesMismatch,
                    Code::FeatureNotExplicitlyAllowed,
                    Code::FeatureBanned,
                ],
                EffectKind::RestrictsFeatures,
            ),
            PolicyList::Bypass => from_codes(
                &[Code::PathBypassed, Code::PathBypassedByGlob, Code::ChecksumMatch],
                EffectKind::Bypasses,
            ),
            PolicyList::Registry | PolicyList::Git | PolicyList::Organization => {
                let allowed = [Code::AllowedSource, Code::AllowedByOrganization];
                from_codes(&allowed, EffectKind::AllowsSource)
                    .or_else(|| self.allows_crates_io(entry))
            }
            _ => None,
        }
    }

    /// The effect that the findings with these codes on the entry have.
    fn effect_of_findings(
        &self,
        entry: &PolicyEntry,
        codes: &[Code],
        kind: EffectKind,
    ) -> Option<Effect> {
        let findings = self.findings_on(entry).iter();
        let findings = findings.filter(|one| one.code.is_some_and(|code| codes.contains(&code)));
        let findings: Vec<_> = findings.collect();
        let packages = findings.iter().filter_map(|one| one.packages.first().cloned()).collect();
        let packages = sorted(packages);
        let effect = Effect { kind, packages, findings: findings.len(), elsewhere: None };
        (effect.findings > 0).then_some(effect)
    }

    fn allows_license(&self, entry: &PolicyEntry) -> Option<Effect> {
        let naming = self.input.graph.with_license(&entry.subject.value);
        on_packages(
            naming.into_iter().map(PackageFacts::package).collect(),
            EffectKind::AllowsLicense,
        )
    }

    /// cargo-deny has no diagnostics for packages from crates.io.
    fn allows_crates_io(&self, entry: &PolicyEntry) -> Option<Effect> {
        if entry.list != PolicyList::Registry || !entry.subject.value.contains("crates.io-index") {
            return None;
        }
        let listed = self.input.graph.packages.iter().filter(|one| one.is_from_crates_io());
        on_packages(listed.map(PackageFacts::package).collect(), EffectKind::AllowsSource)
    }
}

/// Whether a finding says that an entry matches nothing.
fn matches_nothing(finding: &Finding) -> bool {
    finding.code.is_some_and(Code::is_without_effect) || finding.code == Some(Code::UnknownAdvisory)
}

fn on_packages(packages: Vec<PackageRef>, kind: EffectKind) -> Option<Effect> {
    let packages = sorted(packages);
    let findings = packages.len();
    (findings > 0).then_some(Effect { kind, packages, findings, elsewhere: None })
}

fn sorted(mut packages: Vec<PackageRef>) -> Vec<PackageRef> {
    packages.sort();
    packages.dedup();
    packages
}

impl Effect {
    fn nothing() -> Self {
        Self { kind: EffectKind::Nothing, packages: Vec::new(), findings: 0, elsewhere: None }
    }

    /// Adds the effect on another workspace.
    fn add(&mut self, other: Self) {
        self.findings += other.findings;
        self.packages.extend(other.packages);
        self.packages = sorted(std::mem::take(&mut self.packages));
    }

    /// Whether the entry matches nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.kind == EffectKind::Nothing
    }

    /// A short phrase: `suppresses 2 findings`, `allowed license of 214 packages`, `matches nothing`.
    pub(crate) fn short(&self) -> String {
        let packages = counted(self.packages.len(), "package");
        match self.kind {
            EffectKind::Suppresses => format!("suppresses {}", counted(self.findings, "finding")),
            EffectKind::AllowsLicense => format!("allowed license of {packages}"),
            EffectKind::AllowsExtraLicense => format!("applies to {packages}"),
            EffectKind::Clarifies => format!("states the license of {packages}"),
            EffectKind::Allows => format!("allows {packages}"),
            EffectKind::Bans => format!("bans {packages}"),
            EffectKind::BansExceptWrappers => format!("bans {packages}, used only by its wrappers"),
            EffectKind::Wraps => format!("wrapper of {packages}"),
            EffectKind::Skips | EffectKind::SkipsTree => format!("skips {packages}"),
            EffectKind::RestrictsFeatures => {
                format!("{} about {packages}", counted(self.findings, "finding"))
            }
            EffectKind::Bypasses => format!("allows {}", counted(self.findings, "file")),
            EffectKind::AllowsSource => format!("allowed source of {packages}"),
            EffectKind::Elsewhere => {
                self.elsewhere.as_ref().map_or_else(String::new, WithheldReason::text)
            }
            EffectKind::Nothing => "matches nothing".to_owned(),
        }
    }

    /// The phrase with the names of the first packages.
    pub(crate) fn sentence(&self) -> String {
        match named(&self.packages) {
            names if names.is_empty() => self.short(),
            names => format!("{}: {names}", self.short()),
        }
    }
}

/// `1 package`, `2 packages`
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `a 1.0.0, b 2.0.0 and 12 more`
pub(crate) fn named(packages: &[PackageRef]) -> String {
    let names = packages.iter().take(MAX_NAMED);
    let names: Vec<_> = names.map(|one| format!("{} {}", one.name, one.version)).collect();
    let names = names.join(", ");
    match packages.len().saturating_sub(MAX_NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Related, Role, Severity};

    const FILE: &str = "/w/deny.toml";

    /// Checks the effects of all entries. Each finding is `code subject package..` and points to the
    /// first `subject` in the text.
    fn check(text: &str, findings: &[&str], graph: &GraphFacts, expected: &[&str]) {
        let source = SourceText::new(text);
        let location = |subject: &str| Location {
            file: FILE.into(),
            text: source.clone(),
            span: text
                .find(&format!("\"{subject}\""))
                .map(|at| at + 1..at + 1 + subject.len())
                .expect("the subject"),
            role: Role::Primary,
            via: None,
        };
        let mut matched = Vec::new();
        let findings: Vec<Finding> = findings
            .iter()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let code = words.next().expect("a code");
                let location = location(words.next().expect("a subject"));
                let packages: Vec<_> = words.map(package).collect();
                let Some(code) = Code::by_name(code) else {
                    matched.push(MatchedEntry { location, packages });
                    return None;
                };
                let mut finding =
                    crate::verdict::own_finding(code, Severity::Note, String::new(), Vec::new());
                finding.check = code.check();
                finding.packages = packages;
                finding.related.push(Related { location, message: String::new() });
                Some(finding)
            })
            .collect();
        let counts: BTreeMap<_, _> =
            Check::CARGO_DENY.iter().map(|check| (*check, Counts::default())).collect();
        let input = EffectInput {
            findings: &findings,
            counts: &counts,
            graph,
            matched: &matched,
            withheld: &[],
        };
        let entries = entries::entries(text);
        let effects = Effects::new(&entries, FILE.into(), input, &|_, span| Some(span.clone()));
        let shown = entries.iter().filter_map(|entry| {
            Some(format!("{} {}", entry.subject.value, effects.of(entry)?.sentence()))
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    fn package(spec: &str) -> PackageRef {
        let (name, version) = spec.split_once('@').expect("a version");
        let version = version.parse().expect("a version");
        PackageRef { name: name.to_owned(), version, source: None }
    }

    #[test]
    fn ignore_entries_suppress_findings() {
        check(
            "[advisories]\nignore = [\"A-1\", { id = \"A-2\" }, \"A-3\", \"A-4\", \"y@1\"]\n",
            &[
                "advisory-ignored A-1 time@0.1.0",
                "advisory-ignored A-1 time@0.3.0",
                "advisory-not-detected A-2",
                "unknown-advisory A-3",
                "yanked-ignored y@1 y@1.2.0",
            ],
            &GraphFacts::default(),
            &[
                "A-1 suppresses 2 findings: time 0.1.0, time 0.3.0",
                "A-2 matches nothing",
                "A-3 matches nothing",
                "y@1 suppresses 1 finding: y 1.2.0",
            ],
        );
    }

    #[test]
    fn bans_entries_affect_packages() {
        check(
            "[bans]\ndeny = [\"a\", { crate = \"b\", wrappers = [\"w\", \"v\"] }, \"c\", { crate = \"d\", deny-multiple-versions = true }]\nskip = [\"s@1\", \"t\"]\nskip-tree = [\"tree\"]\n",
            &[
                "banned a a@1.0.0",
                "allowed-by-wrapper w b@1.0.0",
                "allowed-by-wrapper b b@1.0.0",
                "unused-wrapper v",
                "skipped s@1 s@1.0.0",
                "unmatched-skip t",
                "skipped-by-root tree x@1.0.0",
                "skipped-by-root tree y@1.0.0",
            ],
            &GraphFacts::default(),
            &[
                "a bans 1 package: a 1.0.0",
                "b bans 1 package, used only by its wrappers: b 1.0.0",
                "w wrapper of 1 package: b 1.0.0",
                "v matches nothing",
                "c matches nothing",
                "s@1 skips 1 package: s 1.0.0",
                "t matches nothing",
                "tree skips 2 packages: x 1.0.0, y 1.0.0",
            ],
        );
    }

    #[test]
    fn license_entries_count_the_packages_they_apply_to() {
        let mut graph = GraphFacts::default();
        for (name, term) in [("a", "MIT"), ("b", "MIT"), ("c", "ISC")] {
            let package =
                PackageFacts { name: name.into(), terms: vec![term.into()], ..package_facts() };
            graph.packages.push(package);
            *graph.terms.entry(term.into()).or_default() += 1;
        }
        check(
            "[licenses]\nallow = [\"MIT\", \"Zlib\", \"0BSD\"]\nexceptions = [{ crate = \"r\", allow = [\"ISC\"] }]\nclarify = [{ crate = \"k\", expression = \"ABC\", license-files = [] }, { crate = \"l\", expression = \"X\" }]\n",
            &["license-not-encountered Zlib", "matched r ring@0.17.9", "accepted ABC k@1.0.0"],
            &graph,
            &[
                "MIT allowed license of 2 packages: a 1.0.0, b 1.0.0",
                "Zlib matches nothing",
                "r applies to 1 package: ring 0.17.9",
                "k states the license of 1 package: k 1.0.0",
                "l matches nothing",
            ],
        );
    }

    #[test]
    fn source_entries_count_their_packages() {
        let mut graph = GraphFacts::default();
        let listed = "registry+https://github.com/rust-lang/crates.io-index";
        graph.packages.push(PackageFacts { source: Some(listed.into()), ..package_facts() });
        check(
            "[sources]\nallow-registry = [\"https://github.com/rust-lang/crates.io-index\"]\nallow-git = [\"https://x.org/a\", \"https://x.org/b\"]\n",
            &["allowed-source https://x.org/a g@1.0.0", "unmatched-source https://x.org/b"],
            &graph,
            &[
                "https://github.com/rust-lang/crates.io-index allowed source of 1 package: p 1.0.0",
                "https://x.org/a allowed source of 1 package: g 1.0.0",
                "https://x.org/b matches nothing",
            ],
        );
    }

    #[test]
    fn long_package_lists_are_shortened() {
        let many: Vec<_> = (0..12).map(|minor| package(&format!("a@0.{minor}.0"))).collect();
        assert!(named(&many).ends_with("a 0.7.0 and 4 more"), "{}", named(&many));
    }

    fn package_facts() -> PackageFacts {
        PackageFacts {
            name: "p".into(),
            version: semver::Version::new(1, 0, 0),
            source: None,
            license: None,
            terms: Vec::new(),
            needs_text: false,
            features: Vec::new(),
            enabled: Vec::new(),
            member: false,
            direct: false,
            build_script: false,
            dependents: 0,
            via: None,
        }
    }
}
