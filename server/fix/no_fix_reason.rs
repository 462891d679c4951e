//! Why a finding was not fixed, or a change was not made. The values are rendered by `Display`, as sentences without a
//! final period.

use std::fmt;

use camino::Utf8PathBuf;
use semver::Version;

use super::upgrade::NoPlanReason;
use crate::verdict::{PackageRef, join_with_and};

/// How many dependents a reason names.
const MAX_DEPENDENTS: usize = 3;

/// Why a finding was not fixed, or a change was not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFixReason {
    /// Upgrades change the lockfile.
    #[error("there is no `Cargo.lock` to upgrade; run `cargo generate-lockfile` to create it")]
    NoLockfile,
    /// `--package` names other packages.
    #[error("not selected by `--package`")]
    NotSelected,
    /// The search for an upgrade found no plan.
    #[error("{0}")]
    NoPlan(Box<NoPlanReason>),
    /// Only versions for a newer Rust help.
    #[error(transparent)]
    NewerRust(Box<NewerRust>),
    /// No version is known that helps.
    #[error("no version fixes the finding")]
    NoVersion,
    /// The advisory has no patched version.
    #[error("no version of `{package}` is patched{alternatives}")]
    NotPatched {
        /// The package of the advisory.
        package: String,
        /// What the advisory suggests instead: empty, or a clause.
        alternatives: String,
    },
    /// The package is unmaintained.
    #[error("`{package}` is unmaintained{alternatives}")]
    Unmaintained {
        /// The package of the advisory.
        package: String,
        /// What the advisory suggests instead: empty, or a clause.
        alternatives: String,
    },
    /// The package may be replaced by one that its advisory names.
    #[error("{0}; pass `--allow replacement` to replace it")]
    Replaceable(Box<Self>),
    /// Only a change of the policy would help.
    #[error(transparent)]
    Policy(PolicyReason),
    /// Neither an upgrade nor a change of the policy was made.
    #[error("{upgrade}; {policy}")]
    UpgradeAndPolicy {
        /// Why there is no upgrade.
        upgrade: Box<Self>,
        /// Why the policy was not changed.
        policy: PolicyReason,
    },
    /// What the finding itself says to do.
    #[error("{0}")]
    Remedy(String),
    /// Nothing is known that would help.
    #[error("no upgrade fixes it; it needs a manual decision")]
    ManualDecision,
    /// A plan for manifests could not be made.
    #[error(transparent)]
    Manifest(#[from] ManifestReason),
    /// A planned change of a manifest was not verified.
    #[error("could not {title}: {reason}")]
    Change {
        /// What the change does.
        title: String,
        /// Why it was not verified.
        reason: Box<Self>,
    },
    /// A file that would change is not one that the user has named.
    #[error("{0}")]
    NotEditable(String),
    /// A requirement in a manifest would have to change in a way that is not known.
    #[error("the requirement `{requirement}` ({at}) does not accept {version}")]
    RequirementRejects {
        /// The requirement.
        requirement: String,
        /// The file and the line, counted from 1.
        at: String,
        /// The new version.
        version: Version,
    },
    /// A manifest is not the one that was checked.
    #[error("`{file}` has changed since the check")]
    Changed {
        /// Its path.
        file: Utf8PathBuf,
    },
    /// A file could not be read.
    #[error("could not read `{file}`: {error}")]
    Unreadable {
        /// Its path.
        file: Utf8PathBuf,
        /// The operating system's text.
        error: String,
    },
    /// A manifest could not be read.
    #[error("could not read a manifest: {0}")]
    UnreadableManifest(String),
    /// The text of a new policy could not be read.
    #[error("{0}")]
    UnreadablePolicy(String),
    /// Cargo refused the change, in its words.
    #[error("cargo: {0}")]
    Cargo(String),
    /// Cargo would have to download something.
    #[error(
        "could not verify offline: {missing} is not downloaded; try again with a network connection"
    )]
    Offline {
        /// The package.
        missing: String,
    },
    /// Cargo could not be run; the error's text.
    #[error("{0}")]
    Resolve(String),
    /// Cargo kept the version that has to go.
    #[error("cargo kept `{}` {}{}", package.name, package.version, Dependents(dependents))]
    Kept {
        /// The locked package.
        package: PackageRef,
        /// The packages that depend on it.
        dependents: Vec<PackageRef>,
    },
    /// Cargo selected another version.
    #[error(transparent)]
    NotChosen(Box<NotChosen>),
    /// The copy in which cargo resolved has no lockfile.
    #[error("the scratch copy has no `Cargo.lock`")]
    NoScratchLockfile,
    /// The upgrade was resolved and checked, but does not hold.
    #[error("{}", .0.sentence(.1))]
    Upgrade(Box<UpgradeTrial>, UpgradeProblem),
    /// There is no verdict with the lockfile that cargo writes.
    #[error("the check does not complete with the new `Cargo.lock`")]
    LockfileCheckIncomplete,
    /// The lockfile that cargo writes is not stable.
    #[error("cargo changes the new `Cargo.lock` again")]
    LockfileChangesAgain,
    /// The check of a change has an error that prevents a verdict; its message.
    #[error("{0}")]
    CheckFailed(String),
    /// The check of a change does not complete.
    #[error("the check does not complete")]
    CheckIncomplete,
    /// There is no verdict at all.
    #[error("no verdict can be reached")]
    NoVerdict,
    /// The change introduces an error; its message.
    #[error("it introduces an error: {0}")]
    Introduces(String),
    /// The change leaves the finding.
    #[error("it does not fix the finding")]
    FindingRemains,
    /// The search for fixes panicked.
    #[error("could not look for fixes: internal error, see the server's log")]
    Panicked,
    /// The lockfile of another workspace stays as it is.
    #[error(transparent)]
    OtherLockfile(#[from] OtherLockfileReason),
}

/// A version that requires a newer Rust than the workspace states.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{package}` {version} requires Rust {required}, newer than the workspace's `rust-version` {stated}; pass `--allow rust-version` to take it"
)]
pub struct NewerRust {
    /// The package that requires it.
    pub package: String,
    /// Its version.
    pub version: Version,
    /// The required Rust version.
    pub required: Version,
    /// That of the workspace.
    pub stated: Version,
}

/// Why the policy was not changed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyReason {
    /// A local package states no license.
    #[error("add `license = \"..\"` to its manifest")]
    StateLicense,
    /// The same, and it may be made private.
    #[error(
        "add `license = \"..\"` to its manifest, or pass `--allow exception` to make it private and leave it out"
    )]
    StateLicenseOrAllow,
    /// Its license texts are not clear.
    #[error("its license files do not determine its license; add a `licenses.clarify` entry")]
    Clarify,
    /// They may be clear.
    #[error(
        "pass `--allow clarify` to add a `licenses.clarify` entry if its license files determine its license"
    )]
    AllowClarify,
    /// An exception would not help.
    #[error("no license exception for this version fixes it")]
    NoException,
    /// An exception may help.
    #[error("pass `--allow exception` to allow its license for this version only")]
    AllowException,
    /// Two versions are needed.
    #[error("the crates that require the older version accept none of the others")]
    Duplicate,
}

/// Why a dependency of several members was not moved to the workspace. Files are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestReason {
    /// The text is not the one that was checked.
    #[error("`{0}` has changed since the check")]
    Changed(String),
    /// A dependency is written in an unknown way.
    #[error("could not read a dependency in `{0}`")]
    UnreadableDependency(String),
    /// A manifest could not be read.
    #[error("could not read `{0}`")]
    Unreadable(String),
    /// The change would touch more than the dependency.
    #[error("could not edit `{0}` without changing more")]
    Uneditable(String),
    /// The members call the package by several names.
    #[error("the members use different names for it: `{}`", .0.join("` and `"))]
    DifferentNames(Vec<String>),
    /// There is nothing to do.
    #[error("every member inherits it already")]
    AllInherit,
    /// There is no workspace manifest.
    #[error("`{0}` has no `[workspace]` table")]
    NoWorkspaceTable(String),
    /// The members take it from several sources.
    #[error("the members use different sources for it")]
    DifferentSources,
    /// The requirements have no common one.
    #[error("no single requirement satisfies all of `{}`", .0.join("`, `"))]
    NoSingleRequirement(Vec<String>),
    /// A member cannot disable default features that the workspace enables.
    #[error("a member disables the default features that `{0}` enables for all members")]
    DefaultFeatures(String),
    /// The workspace's dependency has no requirement, but those of members do.
    #[error("the workspace dependency in `{0}` has no version requirement")]
    NoRequirement(String),
}

/// Why the lockfile of another workspace was not brought along.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtherLockfileReason {
    /// It is a symbolic link, and those are not followed.
    #[error("it is a symbolic link; pass `--allow links` to write what it leads to")]
    Link,
    /// The limit of workspaces is reached.
    #[error("there are too many workspaces to check whether it fits")]
    TooMany,
    /// It is in no folder that the editor has open; its path.
    #[error("`{0}` is not in an open folder")]
    NotOpen(Utf8PathBuf),
    /// Its gate would fail; the new error's message.
    #[error("its update would introduce an error: {0}")]
    Introduces(String),
    /// Its gate would have no verdict.
    #[error("the check of its workspace does not complete with its update")]
    CheckIncomplete,
}

/// A package of a plan that cargo did not move to the planned version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChosen {
    /// The locked package.
    pub package: PackageRef,
    /// The planned version.
    pub to: Version,
    /// What cargo did instead.
    pub instead: Instead,
}

/// What cargo did instead of a planned step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// It kept the locked version, because of these dependents.
    Kept(Vec<PackageRef>),
    /// It selected these versions.
    Selected(Vec<Version>),
}

/// An upgrade that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeTrial {
    /// The package with the finding.
    pub package: PackageRef,
    /// Its version after the upgrade; `None` if it is removed.
    pub to: Option<Version>,
}

/// What is wrong with an upgrade that cargo has resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeProblem {
    /// The check does not complete.
    CheckIncomplete,
    /// The lockfile is not stable.
    ChangesAgain,
    /// The finding remains.
    FindingRemains,
    /// There is a new error; its message.
    Introduces(String),
}

impl UpgradeTrial {
    fn sentence(&self, problem: &UpgradeProblem) -> String {
        match problem {
            UpgradeProblem::CheckIncomplete => format!("the check does not complete with {self}"),
            UpgradeProblem::ChangesAgain => format!("cargo changes `Cargo.lock` again with {self}"),
            UpgradeProblem::FindingRemains => format!("{self} does not fix the finding"),
            UpgradeProblem::Introduces(message) => {
                format!("{self} introduces an error: {message}")
            }
        }
    }
}

impl fmt::Display for UpgradeTrial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            Some(to) => write!(formatter, "`{}` {to}", self.package.name),
            None => write!(formatter, "the removal of `{}`", self.package.name),
        }
    }
}

impl std::error::Error for NotChosen {}

impl fmt::Display for NotChosen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, to, instead } = self;
        write!(formatter, "cargo did not select `{}` {to}", package.name)?;
        match instead {
            Instead::Kept(dependents) => {
                write!(formatter, " and kept {}{}", package.version, Dependents(dependents))
            }
            Instead::Selected(versions) if versions.is_empty() => Ok(()),
            Instead::Selected(versions) => {
                let versions: Vec<_> = versions.iter().map(Version::to_string).collect();
                write!(formatter, " but {}", versions.join(", "))
            }
        }
    }
}

/// The packages that require a kept version.
struct Dependents<'d>(&'d [PackageRef]);

impl fmt::Display for Dependents<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().take(MAX_DEPENDENTS);
        let named: Vec<_> = named.map(|one| format!("`{}` {}", one.name, one.version)).collect();
        match named.as_slice() {
            [] => Ok(()),
            [one] => write!(formatter, ", which {one} requires"),
            several => write!(formatter, ", which {} require", join_with_and(several)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> PackageRef {
        PackageRef { name: name.to_owned(), version: Version::new(1, 0, 0), source: None }
    }

    #[test]
    fn cargo_has_kept_a_version_for_up_to_three_dependents() {
        let kept = |names: &[&str]| {
            let dependents = names.iter().map(|name| package(name)).collect();
            NoFixReason::Kept { package: package("a"), dependents }.to_string()
        };
        assert_eq!(kept(&[]), "cargo kept `a` 1.0.0");
        assert_eq!(kept(&["b"]), "cargo kept `a` 1.0.0, which `b` 1.0.0 requires");
        assert_eq!(
            kept(&["b", "c", "d", "e"]),
            "cargo kept `a` 1.0.0, which `b` 1.0.0, `c` 1.0.0 and `d` 1.0.0 require"
        );
    }

    #[test]
    fn cargo_has_not_selected_a_planned_version() {
        let reason = |instead: Instead| {
            let to = Version::new(1, 2, 0);
            NoFixReason::NotChosen(Box::new(NotChosen { package: package("a"), to, instead }))
                .to_string()
        };
        assert_eq!(reason(Instead::Selected(Vec::new())), "cargo did not select `a` 1.2.0");
        assert_eq!(
            reason(Instead::Selected(vec![Version::new(1, 3, 0), Version::new(2, 0, 0)])),
            "cargo did not select `a` 1.2.0 but 1.3.0, 2.0.0"
        );
        assert_eq!(
            reason(Instead::Kept(vec![package("b")])),
            "cargo did not select `a` 1.2.0 and kept 1.0.0, which `b` 1.0.0 requires"
        );
    }

    #[test]
    fn removed_package_is_named_as_such() {
        let trial = UpgradeTrial { package: package("a"), to: None };
        let reason =
            NoFixReason::Upgrade(Box::new(trial), UpgradeProblem::Introduces("worse".to_owned()));
        assert_eq!(reason.to_string(), "the removal of `a` introduces an error: worse");
    }
}
