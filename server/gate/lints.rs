//! Runs the policy's lints with facts from disk: the versions in cargo's index, and other policies.

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
        AdvisoryFacts, Check, CheckResults, Finding, GraphFacts, PackageRef, PolicyText, Release,
        ResolvedDependency, Severity, releases,
    },
    workspace::{POLICY_NAMES, Workspace, shadowed_by},
};

/// The facts that lints need, kept while they are valid.
#[derive(Debug, Default)]
pub(super) struct LintFacts {
    /// The versions of packages, by the state of cargo's index.
    versions: (u64, BTreeMap<PackageRef, Arc<Vec<Release>>>),
    /// The policies in the folders of a graph's members.
    below: Option<(Arc<GraphFacts>, Vec<Utf8PathBuf>)>,
}

impl LintFacts {
    /// The findings of all lints. `index` changes whenever cargo's index does.
    pub(super) fn lint(
        &mut self,
        policy: &PolicyText,
        results: &CheckResults,
        index: u64,
        workspace: &Workspace,
        options: &GateOptions,
        texts: &dyn Texts,
    ) -> Vec<Finding> {
        if self.versions.0 != index {
            self.versions = (index, BTreeMap::new());
        }
        let reachable = self.reachable(results, workspace);
        let lint = |policy: &PolicyText| {
            let (findings, graph) = (&results.findings, &results.graph);
            lints::lints(&LintInput {
                policy,
                findings,
                graph,
                reachable: &reachable,
                today: today(),
            })
        };
        let mut findings = lint(policy);
        findings.extend(exceptions(policy).iter().flat_map(lint));
        findings.extend(lints::newer_than_gates(policy, &options.gate_versions));
        // A given policy has no shadowed ones.
        if options.deny.config.is_none() {
            findings.extend(lints::files(
                policy,
                &self.sibling_policies(policy, results, workspace, texts),
            ));
        }
        findings
    }

    fn sibling_policies(
        &mut self,
        policy: &PolicyText,
        results: &CheckResults,
        workspace: &Workspace,
        texts: &dyn Texts,
    ) -> Vec<SiblingPolicy> {
        let Some(policy_path) = &policy.path else { return Vec::new() };
        let shadowed = shadowed_by(policy_path).into_iter().filter_map(|path| {
            let text = texts.read(&path).ok()?;
            Some(SiblingPolicy::Shadowed(path, text))
        });
        let shadowed: Vec<_> = shadowed.collect();
        let kept = self.below.take().filter(|(graph, _)| Arc::ptr_eq(graph, &results.graph));
        let (graph, below) =
            kept.unwrap_or_else(|| (Arc::clone(&results.graph), below(results, workspace)));
        // Cargo names folders by their real paths.
        let real = |path: &Utf8Path| path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        let ruling = (!below.is_empty()).then(|| real(policy_path));
        let unread = below.iter().filter(|path| Some(real(path)) != ruling).filter_map(|path| {
            let text = texts.read(path).ok()?;
            Some(SiblingPolicy::Below(path.clone(), text))
        });
        let all = shadowed.into_iter().chain(unread).collect();
        self.below = Some((graph, below));
        all
    }

    /// For each ignored advisory, a fixed version that all requirements for the package accept. Only for direct
    /// dependencies; requirements of other packages are not considered.
    fn reachable(
        &mut self,
        results: &CheckResults,
        workspace: &Workspace,
    ) -> BTreeMap<String, (PackageRef, Version)> {
        let mut found: BTreeMap<String, (PackageRef, Version)> = BTreeMap::new();
        let mut out_of_reach = BTreeSet::new();
        let ignored = results.findings.iter().filter(|finding| {
            finding.check == Check::Advisories && finding.severity == Severity::Note
        });
        for finding in ignored {
            let (Some(advisory), [package]) = (&finding.advisory, finding.packages.as_slice())
            else {
                continue;
            };
            let requirements = requirements(&results.declared, package);
            let versions =
                if requirements.is_empty() { None } else { self.versions(package, workspace) };
            let fixed = versions
                .and_then(|versions| fixed_version(&versions, package, advisory, &requirements));
            match fixed {
                Some(version) => {
                    found.insert(advisory.id.clone(), (package.clone(), version));
                }
                None => {
                    out_of_reach.insert(advisory.id.clone());
                }
            }
        }
        // If one of several versions stays affected, the entry is needed.
        found.retain(|id, _| !out_of_reach.contains(id));
        found
    }

    fn versions(
        &mut self,
        package: &PackageRef,
        workspace: &Workspace,
    ) -> Option<Arc<Vec<Release>>> {
        if let Some(versions) = self.versions.1.get(package) {
            return Some(Arc::clone(versions));
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

/// The lowest later version that is not affected and that all requirements accept.
fn fixed_version(
    versions: &[Release],
    package: &PackageRef,
    advisory: &AdvisoryFacts,
    requirements: &[VersionReq],
) -> Option<Version> {
    let is_fixed = |release: &&Release| {
        let version = &release.version;
        *version > package.version
            && !release.yanked
            && version.pre.is_empty()
            && !advisory.affects(version)
            && requirements.iter().all(|one| one.matches(version))
    };
    versions.iter().filter(is_fixed).map(|release| release.version.clone()).min()
}

/// The version requirements for a package in the workspace's manifests.
fn requirements(declared: &[ResolvedDependency], package: &PackageRef) -> Vec<VersionReq> {
    let of_package = declared.iter().filter(|one| one.package == *package);
    of_package.filter_map(|one| one.text.as_str().get(one.location.clone())?.parse().ok()).collect()
}

/// The policies in the folders of members.
fn below(results: &CheckResults, workspace: &Workspace) -> Vec<Utf8PathBuf> {
    let members = results.graph.packages.iter().filter(|package| package.member);
    let folders = members.filter_map(|member| results.folders.get(&member.package()));
    let folders = folders.map(|at| &at.folder).filter(|folder| **folder != workspace.folder());
    let policies = folders.flat_map(|folder| POLICY_NAMES.map(|name| folder.join(name)));
    policies.filter(|path| path.is_file()).collect()
}

/// Today in UTC, so that the result does not depend on the time zone.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::AffectedPackages;

    #[test]
    fn fixed_version_is_the_lowest_unaffected_and_accepted_one() {
        let release = |version: &str| Release::named(Version::parse(version).expect("a version"));
        let mut versions: Vec<_> =
            ["1.0.0", "1.0.1", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.3.0", "2.0.0"]
                .map(release)
                .into();
        versions[2].yanked = true;
        let package =
            PackageRef { name: "a".to_owned(), version: Version::new(1, 0, 1), source: None };
        let patched = vec![">=1.1.0".parse().expect("a requirement")];
        let affected = AffectedPackages::except(patched, Vec::new());
        let advisory = AdvisoryFacts { affected, ..AdvisoryFacts::default() };
        let reached = |requirements: &[&str]| {
            let requirements = requirements.iter().map(|one| one.parse().expect("a requirement"));
            let requirements: Vec<_> = requirements.collect();
            fixed_version(&versions, &package, &advisory, &requirements)
                .map(|version| version.to_string())
        };
        assert_eq!(reached(&["1"]).as_deref(), Some("1.2.0"));
        assert_eq!(reached(&["1", ">=1.3"]).as_deref(), Some("1.3.0"));
        assert_eq!(reached(&["~1.0"]), None);
        assert_eq!(reached(&["=1.0.1", "1"]), None);
    }
}
