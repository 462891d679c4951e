//! What is said about the policy besides cargo-deny's findings, with what only the disk tells: which
//! versions there are, which other policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use semver::{Version, VersionReq};

use super::{GateOptions, Texts};
use crate::{
    policy::lints::{self, LintInput, SiblingPolicy},
    verdict::{
        AdvisoryFacts, Answer, Check, Declared, Finding, GraphFacts, PackageRef, PolicyText,
        Release, Severity, releases,
    },
    workspace::{POLICY_NAMES, Workspace, shadowed_by},
};

/// What was read for lints, as long as it holds.
#[derive(Debug, Default)]
pub(super) struct Lints {
    /// The versions of packages, by the state of cargo's index.
    versions: (u64, BTreeMap<PackageRef, Arc<Vec<Release>>>),
    /// The policies in the folders of a graph's members.
    below: Option<(Arc<GraphFacts>, Vec<Utf8PathBuf>)>,
}

impl Lints {
    /// What is to be said. `index` is another number whenever cargo's index has changed.
    pub(super) fn of(
        &mut self,
        policy: &PolicyText,
        answer: &Answer,
        index: u64,
        workspace: &Workspace,
        options: &GateOptions,
        texts: &dyn Texts,
    ) -> Vec<Finding> {
        if self.versions.0 != index {
            self.versions = (index, BTreeMap::new());
        }
        let reachable = self.reachable(answer, workspace);
        let of = |policy: &PolicyText| {
            let (findings, graph) = (&answer.findings, &answer.graph);
            lints::lints(&LintInput { policy, findings, graph, reachable: &reachable, today: today() })
        };
        let mut said = of(policy);
        said.extend(exceptions(policy).iter().flat_map(of));
        // A named policy was not looked for.
        if options.config.is_none() {
            said.extend(lints::files(policy, &self.beside(policy, answer, workspace, texts)));
        }
        said
    }

    fn beside(
        &mut self,
        policy: &PolicyText,
        answer: &Answer,
        workspace: &Workspace,
        texts: &dyn Texts,
    ) -> Vec<SiblingPolicy> {
        let Some(rules) = &policy.path else { return Vec::new() };
        let shadowed = shadowed_by(rules).into_iter().filter_map(|path| {
            let text = texts.read(&path).ok()?;
            Some(SiblingPolicy::Shadowed(path, text))
        });
        let shadowed: Vec<_> = shadowed.collect();
        let known = self.below.take().filter(|(graph, _)| Arc::ptr_eq(graph, &answer.graph));
        let (graph, below) =
            known.unwrap_or_else(|| (Arc::clone(&answer.graph), below(answer, workspace)));
        // Cargo names a folder without the links that lead to it.
        let real = |path: &Utf8Path| path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        let ruling = (!below.is_empty()).then(|| real(rules));
        let unread = below.iter().filter(|path| Some(real(path)) != ruling).filter_map(|path| {
            let text = texts.read(path).ok()?;
            Some(SiblingPolicy::Below(path.clone(), text))
        });
        let all = shadowed.into_iter().chain(unread).collect();
        self.below = Some((graph, below));
        all
    }

    /// A version for each ignored advisory that all requirements of the package admit. Only for
    /// packages that manifests of the workspace declare: what others require of them is not asked.
    fn reachable(
        &mut self,
        answer: &Answer,
        workspace: &Workspace,
    ) -> BTreeMap<String, (PackageRef, Version)> {
        let mut found: BTreeMap<String, (PackageRef, Version)> = BTreeMap::new();
        let mut out_of_reach = BTreeSet::new();
        let ignored = answer.findings.iter().filter(|finding| {
            finding.check == Check::Advisories && finding.severity == Severity::Note
        });
        for finding in ignored {
            let (Some(advisory), [package]) = (&finding.advisory, finding.packages.as_slice())
            else {
                continue;
            };
            let requirements = requirements(&answer.declared, package);
            let versions =
                if requirements.is_empty() { None } else { self.versions(package, workspace) };
            let admitted =
                versions.and_then(|versions| clear(&versions, package, advisory, &requirements));
            match admitted {
                Some(version) => {
                    found.insert(advisory.id.clone(), (package.clone(), version));
                }
                None => {
                    out_of_reach.insert(advisory.id.clone());
                }
            }
        }
        // Where one of several versions stays affected, the entry is needed.
        found.retain(|id, _| !out_of_reach.contains(id));
        found
    }

    fn versions(
        &mut self,
        package: &PackageRef,
        workspace: &Workspace,
    ) -> Option<Arc<Vec<Release>>> {
        if let Some(known) = self.versions.1.get(package) {
            return Some(Arc::clone(known));
        }
        let read = Arc::new(releases(package, &workspace.root)?);
        self.versions.1.insert(package.clone(), Arc::clone(&read));
        Some(read)
    }
}

/// The file that adds exceptions to a policy.
fn exceptions(policy: &PolicyText) -> Option<PolicyText> {
    let file = policy.exceptions.as_ref()?;
    let text = file.text()?.clone();
    Some(PolicyText { path: Some(file.path.clone()), text, exceptions: None })
}

/// The lowest later version that has not the advisory and that all requirements admit.
fn clear(
    versions: &[Release],
    package: &PackageRef,
    advisory: &AdvisoryFacts,
    requirements: &[VersionReq],
) -> Option<Version> {
    let locked = Version::parse(&package.version).ok()?;
    let good = advisory.patched.iter().chain(&advisory.unaffected);
    let good: Vec<VersionReq> = good.filter_map(|one| one.parse().ok()).collect();
    let is_clear = |release: &&Release| {
        let version = &release.version;
        *version > locked
            && !release.yanked
            && version.pre.is_empty()
            && good.iter().any(|one| one.matches(version))
            && requirements.iter().all(|one| one.matches(version))
    };
    versions.iter().filter(is_clear).map(|release| release.version.clone()).min()
}

/// What manifests require of a package, as far as they name versions.
fn requirements(declared: &[Declared], package: &PackageRef) -> Vec<VersionReq> {
    let of_package = declared.iter().filter(|one| one.package == *package);
    of_package.filter_map(|one| one.text.as_str().get(one.location.clone())?.parse().ok()).collect()
}

/// The policies in the folders of members.
fn below(answer: &Answer, workspace: &Workspace) -> Vec<Utf8PathBuf> {
    let members = answer.graph.packages.iter().filter(|package| package.member);
    let folders = members.filter_map(|member| answer.folders.get(&member.package()));
    let folders = folders.map(|at| &at.folder).filter(|folder| **folder != workspace.folder());
    let policies = folders.flat_map(|folder| POLICY_NAMES.map(|name| folder.join(name)));
    policies.filter(|path| path.is_file()).collect()
}

/// The day as the world counts it: reasons are read by people in several places.
fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_version_that_is_clear_and_admitted() {
        let release = |version: &str| Release::named(Version::parse(version).expect("a version"));
        let mut versions: Vec<_> =
            ["1.0.0", "1.0.1", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.3.0", "2.0.0"]
                .map(release)
                .into();
        versions[2].yanked = true;
        let package =
            PackageRef { name: "a".to_owned(), version: "1.0.1".to_owned(), source: None };
        let advisory =
            AdvisoryFacts { patched: vec![">=1.1.0".to_owned()], ..AdvisoryFacts::default() };
        let reached = |requirements: &[&str]| {
            let requirements = requirements.iter().map(|one| one.parse().expect("a requirement"));
            let requirements: Vec<_> = requirements.collect();
            clear(&versions, &package, &advisory, &requirements).map(|version| version.to_string())
        };
        assert_eq!(reached(&["1"]).as_deref(), Some("1.2.0"));
        assert_eq!(reached(&["1", ">=1.3"]).as_deref(), Some("1.3.0"));
        assert_eq!(reached(&["~1.0"]), None);
        assert_eq!(reached(&["=1.0.1", "1"]), None);
    }
}
