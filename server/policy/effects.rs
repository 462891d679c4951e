//! What each entry of a policy does at this moment, told from a verdict.
//!
//! cargo-deny's diagnostics say which entry they come from by their labels; the packages of the
//! diagnostics are what the entry does. Licenses are counted over what the packages state. Where
//! neither tells anything, nothing is said.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::entries::{self, PolicyEntry, PolicyList};
use crate::{
    text::{SourceText, Span},
    verdict::{
        Check, Code, Counts, Finding, GraphFacts, Location, Matched, PackageFacts, PackageRef,
    },
};

pub(crate) use summary::{summary, unmatched};

/// How many packages are named.
const NAMED: usize = 8;

/// A verdict, as far as it tells what a policy does.
#[derive(Clone, Copy)]
pub(crate) struct EffectInput<'v> {
    pub(crate) findings: &'v [Finding],
    /// The checks that came to their end are those that are counted.
    pub(crate) counts: &'v BTreeMap<Check, Counts>,
    pub(crate) graph: &'v GraphFacts,
    /// What the entries match of which the diagnostics say nothing.
    pub(crate) matched: &'v [Matched],
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) kind: EffectKind,
    /// The packages that it concerns, sorted.
    pub(crate) packages: Vec<PackageRef>,
    /// How many findings say so.
    pub(crate) findings: usize,
}

/// What kind of effect it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EffectKind {
    /// It suppresses findings of an advisory or of a yanked version.
    Suppresses,
    /// Packages state the license that it allows.
    AllowsLicense,
    /// It permits further licenses for packages.
    AllowsExtraLicense,
    /// It states the license of packages.
    Clarifies,
    /// It allows packages by name.
    Allows,
    /// It bans packages that are there.
    Bans,
    /// It bans packages that are there, which only wrappers use.
    BansExceptWrappers,
    /// It wraps banned packages.
    Wraps,
    /// It leaves versions out of the search for duplicates.
    Skips,
    /// It leaves the packages below one out of that search.
    SkipsTree,
    /// It finds fault with enabled features.
    RestrictsFeatures,
    /// It allows a file to be in a package.
    Bypasses,
    /// It allows where packages come from.
    AllowsSource,
    /// It matches nothing.
    Nothing,
}

/// What the entries of one policy do.
pub(crate) struct Effects<'v> {
    judged: EffectInput<'v>,
    /// The findings that point to each entry, by where its subject starts.
    findings_by_entry: BTreeMap<usize, Vec<&'v Finding>>,
    /// The packages that [`Matched`] tells of each.
    matched: BTreeMap<usize, &'v [PackageRef]>,
}

impl<'v> Effects<'v> {
    /// Sorts what a verdict tells by the entries of the policy as it stands in `file` now.
    pub(crate) fn new(
        entries: &[PolicyEntry],
        file: &Utf8Path,
        judged: EffectInput<'v>,
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
        for finding in judged.findings {
            let related = finding.related.iter().map(|related| &related.location);
            let locations = finding.locations.iter().chain(related);
            for at in locations.filter_map(entry_of).collect::<BTreeSet<_>>() {
                findings_by_entry.entry(at).or_default().push(finding);
            }
        }
        let matched = judged.matched.iter();
        let matched = matched.filter_map(|one| Some((entry_of(&one.location)?, &*one.packages)));
        Self { judged, findings_by_entry, matched: matched.collect() }
    }

    /// What an entry does in all that are ruled by the policy; `None` where none tells.
    pub(crate) fn combined(all: &[Self], entry: &PolicyEntry) -> Option<Effect> {
        let mut told = all.iter().filter_map(|effects| effects.of(entry));
        let mut effect = told.next()?;
        for other in told {
            match (effect.kind, other.kind) {
                (_, EffectKind::Nothing) => {}
                (EffectKind::Nothing, _) => effect = other,
                _ => effect.add(other),
            }
        }
        Some(effect)
    }

    /// The findings that point to an entry.
    pub(crate) fn findings_on(&self, entry: &PolicyEntry) -> &[&'v Finding] {
        self.findings_by_entry.get(&entry.subject.span.start).map_or(&[], Vec::as_slice)
    }

    /// What an entry does; `None` where that is not told.
    pub(crate) fn of(&self, entry: &PolicyEntry) -> Option<Effect> {
        let was_checked = |check| self.judged.counts.contains_key(&check);
        // What no package needs is said by cargo-deny.
        if self.findings_on(entry).iter().any(|one| matches_nothing(one)) {
            return Some(Effect { kind: EffectKind::Nothing, packages: Vec::new(), findings: 0 });
        }
        let by = |codes: &[Code], kind| self.by(entry, codes, kind);
        let otherwise_nothing = |check, effect: Option<Effect>| {
            let nothing = || Effect { kind: EffectKind::Nothing, packages: Vec::new(), findings: 0 };
            effect.or_else(|| was_checked(check).then(nothing))
        };
        match entry.list {
            PolicyList::Ignore => by(&[Code::AdvisoryIgnored, Code::YankedIgnored], EffectKind::Suppresses),
            PolicyList::License if was_checked(Check::Licenses) => self.allows_license(entry),
            PolicyList::Exception if was_checked(Check::Licenses) => {
                let packages = self.matched.get(&entry.subject.span.start)?;
                // Of a file of exceptions cargo-deny never says that one is not needed.
                otherwise_nothing(Check::Licenses, packaged(packages.to_vec(), EffectKind::AllowsExtraLicense))
            }
            // An expression that a clarification states is labeled where it stands.
            PolicyList::Clarify => otherwise_nothing(
                Check::Licenses,
                by(&[Code::Accepted, Code::Rejected], EffectKind::Clarifies),
            ),
            PolicyList::Allow => otherwise_nothing(Check::Bans, by(&[Code::Allowed], EffectKind::Allows)),
            PolicyList::Deny if !entry.about_duplicates => {
                let banned = by(&[Code::Banned], EffectKind::Bans);
                let banned = banned.or_else(|| by(&[Code::AllowedByWrapper], EffectKind::BansExceptWrappers));
                otherwise_nothing(Check::Bans, banned)
            }
            PolicyList::Wrapper => by(&[Code::AllowedByWrapper], EffectKind::Wraps),
            PolicyList::Skip => by(&[Code::Skipped], EffectKind::Skips),
            PolicyList::SkipTree => by(&[Code::SkippedByRoot], EffectKind::SkipsTree),
            PolicyList::Features => by(
                &[
                    Code::ExactFeaturesMismatch,
                    Code::FeatureNotExplicitlyAllowed,
                    Code::FeatureBanned,
                ],
                EffectKind::RestrictsFeatures,
            ),
            PolicyList::Bypass => by(
                &[Code::PathBypassed, Code::PathBypassedByGlob, Code::ChecksumMatch],
                EffectKind::Bypasses,
            ),
            PolicyList::Registry | PolicyList::Git | PolicyList::Organization => {
                let allowed = [Code::AllowedSource, Code::AllowedByOrganization];
                by(&allowed, EffectKind::AllowsSource).or_else(|| self.allows_crates_io(entry))
            }
            _ => None,
        }
    }

    /// The packages of the findings of these codes that point to the entry.
    fn by(&self, entry: &PolicyEntry, codes: &[Code], kind: EffectKind) -> Option<Effect> {
        let meant = self.findings_on(entry).iter();
        let meant = meant.filter(|one| one.code.is_some_and(|code| codes.contains(&code)));
        let meant: Vec<_> = meant.collect();
        let packages = meant.iter().filter_map(|one| one.packages.first().cloned()).collect();
        let effect = Effect { kind, packages: sorted(packages), findings: meant.len() };
        (effect.findings > 0).then_some(effect)
    }

    fn allows_license(&self, entry: &PolicyEntry) -> Option<Effect> {
        let naming = self.judged.graph.naming(&entry.subject.value);
        packaged(naming.into_iter().map(PackageFacts::package).collect(), EffectKind::AllowsLicense)
    }

    /// cargo-deny says nothing of what comes from crates.io, since that is nearly everything.
    fn allows_crates_io(&self, entry: &PolicyEntry) -> Option<Effect> {
        if entry.list != PolicyList::Registry || !entry.subject.value.contains("crates.io-index") {
            return None;
        }
        let listed = self.judged.graph.packages.iter().filter(|one| one.is_from_crates_io());
        packaged(listed.map(PackageFacts::package).collect(), EffectKind::AllowsSource)
    }
}

/// Whether a finding says that an entry is for nothing.
fn matches_nothing(finding: &Finding) -> bool {
    finding.code.is_some_and(Code::is_without_effect) || finding.code == Some(Code::UnknownAdvisory)
}

fn packaged(packages: Vec<PackageRef>, kind: EffectKind) -> Option<Effect> {
    let packages = sorted(packages);
    let findings = packages.len();
    (findings > 0).then_some(Effect { kind, packages, findings })
}

fn sorted(mut packages: Vec<PackageRef>) -> Vec<PackageRef> {
    packages.sort();
    packages.dedup();
    packages
}

impl Effect {
    /// What another one does, too.
    fn add(&mut self, other: Self) {
        self.findings += other.findings;
        self.packages.extend(other.packages);
        self.packages = sorted(std::mem::take(&mut self.packages));
    }

    /// Whether the entry could as well not be there.
    pub(crate) fn is_nothing(&self) -> bool {
        self.kind == EffectKind::Nothing
    }

    /// A few words: `suppresses 2 findings`, `214 packages state it`, `matches nothing`.
    pub(crate) fn short(&self) -> String {
        let packages = counted(self.packages.len(), "package");
        match self.kind {
            EffectKind::Suppresses => format!("suppresses {}", counted(self.findings, "finding")),
            EffectKind::AllowsLicense => format!("allowed license of {packages}"),
            EffectKind::AllowsExtraLicense => format!("applies to {packages}"),
            EffectKind::Clarifies => format!("states the license of {packages}"),
            EffectKind::Allows => format!("allows {packages}"),
            EffectKind::Bans => format!("bans {packages}"),
            EffectKind::BansExceptWrappers => format!("bans {packages}, used by wrappers only"),
            EffectKind::Wraps => format!("wraps {packages}"),
            EffectKind::Skips => format!("skips {packages}"),
            EffectKind::SkipsTree => format!("hides {packages}"),
            EffectKind::RestrictsFeatures => {
                format!("{} about {packages}", counted(self.findings, "finding"))
            }
            EffectKind::Bypasses => format!("lets {} pass", counted(self.findings, "file")),
            EffectKind::AllowsSource => format!("allowed source of {packages}"),
            EffectKind::Nothing => "matches nothing".to_owned(),
        }
    }

    /// The same with the packages, the first few by name.
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
    let names = packages.iter().take(NAMED);
    let names: Vec<_> = names.map(|one| format!("{} {}", one.name, one.version)).collect();
    let names = names.join(", ");
    match packages.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Related, Role, Severity};

    const FILE: &str = "/w/deny.toml";

    /// What the entries of a policy do: each finding is `code subject package..`, and points to the
    /// first `subject` of the text.
    fn check(text: &str, findings: &[&str], graph: &GraphFacts, expected: &[&str]) {
        let source = SourceText::new(text);
        let location = |subject: &str| Location {
            file: FILE.into(),
            text: source.clone(),
            span: text
                .find(&format!("\"{subject}\""))
                .map(|at| at + 1..at + 1 + subject.len())
                .expect("the subject"),
            role: Role::Mend,
            via: None,
        };
        let mut matched = Vec::new();
        let findings: Vec<Finding> = findings
            .iter()
            .filter_map(|told| {
                let mut words = told.split(' ');
                let code = words.next().expect("a code");
                let location = location(words.next().expect("a subject"));
                let packages: Vec<_> = words.map(package).collect();
                let Some(code) = Code::by_name(code) else {
                    matched.push(Matched { location, packages });
                    return None;
                };
                let mut finding =
                    crate::verdict::own(code, Severity::Note, String::new(), Vec::new());
                finding.check = code.check();
                finding.packages = packages;
                finding.related.push(Related { location, message: String::new() });
                Some(finding)
            })
            .collect();
        let counts: BTreeMap<_, _> =
            Check::JUDGED.iter().map(|check| (*check, Counts::default())).collect();
        let judged = EffectInput { findings: &findings, counts: &counts, graph, matched: &matched };
        let entries = entries::entries(text);
        let effects = Effects::new(&entries, FILE.into(), judged, &|_, span| Some(span.clone()));
        let told = entries.iter().filter_map(|entry| {
            Some(format!("{} {}", entry.subject.value, effects.of(entry)?.sentence()))
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    fn package(named: &str) -> PackageRef {
        let (name, version) = named.split_once('@').expect("a version");
        PackageRef { name: name.to_owned(), version: version.to_owned(), source: None }
    }

    #[test]
    fn ignores_tell_what_they_suppress() {
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
    fn bans_tell_whom_they_concern() {
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
                "b bans 1 package, used by wrappers only: b 1.0.0",
                "w wraps 1 package: b 1.0.0",
                "v matches nothing",
                "c matches nothing",
                "s@1 skips 1 package: s 1.0.0",
                "t matches nothing",
                "tree hides 2 packages: x 1.0.0, y 1.0.0",
            ],
        );
    }

    #[test]
    fn licenses_are_counted_and_clarifications_told_by_whose_license_they_state() {
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
    fn sources_tell_how_many_come_from_there() {
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
    fn the_first_few_packages_are_named() {
        let many: Vec<_> = (0..12).map(|minor| package(&format!("a@0.{minor}.0"))).collect();
        assert!(named(&many).ends_with("a 0.7.0 and 4 more"), "{}", named(&many));
    }

    fn package_facts() -> PackageFacts {
        PackageFacts {
            name: "p".into(),
            version: "1.0.0".into(),
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
