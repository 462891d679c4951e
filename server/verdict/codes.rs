//! Every code that a finding can have, and where its findings are reported.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::Check;

/// Where findings of a code are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocationRule {
    /// The direct dependencies that bring in the package, the nearest first; a member of the workspace in
    /// its own manifest.
    Package,
    /// The same, and a member of the workspace at the dependencies on it.
    Dependents,
    /// The same as `Dependents`, for several versions: those of the oldest version first.
    Oldest,
    /// The same, on the `git` or `path` value or the `[patch]` entry that sets the source.
    Source,
    /// The entry of the policy that cargo-deny points to.
    Policy,
    /// The part of a manifest of the workspace that cargo-deny points to.
    Manifest,
    /// The name of the checked package, or its `[workspace]` table.
    Workspace,
}

impl LocationRule {
    /// The description in the documentation.
    pub fn description(self) -> &'static str {
        match self {
            Self::Package => "the requirement of the nearest dependency that brings in the crate",
            Self::Dependents => {
                "the requirement of the nearest dependency that brings in the crate and is not allowed to"
            }
            Self::Oldest => {
                "the requirement of the nearest dependency that brings in the oldest version"
            }
            Self::Source => {
                "the `git` or `path` value, `[patch]` entry or requirement that brings in the crate"
            }
            Self::Policy => "the entry of the policy",
            Self::Manifest => "the dependency or key in the manifest",
            Self::Workspace => "the name of the checked package, or `[workspace]`",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $check:ident $name:literal $location_rule:ident $words:literal;)*) => {
        /// What kind of finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $words] $variant,)*
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reports: cargo-deny's own, ours with the prefix `supercargo::`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The check that the code belongs to.
            pub fn check(self) -> Check {
                match self { $(Self::$variant => Check::$check,)* }
            }

            /// Where its findings are reported.
            pub fn location_rule(self) -> LocationRule {
                match self { $(Self::$variant => LocationRule::$location_rule,)* }
            }

            /// What it means, one clause.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

codes! {
    Vulnerability Advisories "vulnerability" Package "the crate has a known vulnerability";
    Notice Advisories "notice" Package "the crate has an informational advisory";
    Unmaintained Advisories "unmaintained" Package "the crate is unmaintained";
    Unsound Advisories "unsound" Package "the crate is unsound: safe code can cause undefined behavior";
    Yanked Advisories "yanked" Package "the locked version is yanked";
    AdvisoryIgnored Advisories "advisory-ignored" Policy "an advisory was found, and the policy ignores it";
    YankedIgnored Advisories "yanked-ignored" Policy "a yanked version was found, and the policy ignores it";
    IndexFailure Advisories "index-failure" Package "the crate is missing from the registry's index, so it is unknown whether it is yanked";
    IndexCacheLoadFailure Advisories "index-cache-load-failure" Workspace "could not read cargo's copy of the index";
    AdvisoryNotDetected Advisories "advisory-not-detected" Policy "an ignored advisory matches no crate in the graph";
    YankedNotDetected Advisories "yanked-not-detected" Policy "an ignored crate is not yanked or not in the graph";
    UnknownAdvisory Advisories "unknown-advisory" Policy "an ignored advisory is not in any database";

    Banned Bans "banned" Dependents "the policy bans the crate";
    Allowed Bans "allowed" Policy "the policy allows the crate by name";
    NotAllowed Bans "not-allowed" Package "the crate is not in `bans.allow`";
    Duplicate Bans "duplicate" Oldest "the graph has several versions of the crate";
    Skipped Bans "skipped" Policy "a `skip` entry excludes a version from the search for duplicates";
    Wildcard Bans "wildcard" Manifest "a requirement accepts any version";
    UnmatchedSkip Bans "unmatched-skip" Policy "a `skip` entry matches no crate";
    UnnecessarySkip Bans "unnecessary-skip" Policy "a `skip` entry matches a crate that has only one version";
    AllowedByWrapper Bans "allowed-by-wrapper" Policy "a banned crate is used through an allowed wrapper";
    UnmatchedWrapper Bans "unmatched-wrapper" Dependents "a banned crate is used by a crate that is not one of its wrappers";
    SkippedByRoot Bans "skipped-by-root" Policy "a `skip-tree` entry excludes the crate";
    UnmatchedSkipRoot Bans "unmatched-skip-root" Policy "a `skip-tree` entry matches no crate";
    BuildScriptNotAllowed Bans "build-script-not-allowed" Package "the crate has a build script that the policy does not allow";
    ExactFeaturesMismatch Bans "exact-features-mismatch" Package "the enabled features are not exactly those of the policy";
    FeatureNotExplicitlyAllowed Bans "feature-not-explicitly-allowed" Package "an enabled feature is not in the policy's list of allowed features";
    FeatureBanned Bans "feature-banned" Package "an enabled feature is denied by the policy";
    UnknownFeature Bans "unknown-feature" Policy "the policy names a feature that the crate does not have";
    DefaultFeatureEnabled Bans "default-feature-enabled" Package "the default features are enabled";
    PathBypassed Bans "path-bypassed" Policy "the policy allows a file by its path";
    PathBypassedByGlob Bans "path-bypassed-by-glob" Policy "the policy allows a file by a glob";
    ChecksumMatch Bans "checksum-match" Policy "a file has the checksum in the policy";
    ChecksumMismatch Bans "checksum-mismatch" Policy "a file does not have the checksum in the policy";
    DeniedByExtension Bans "denied-by-extension" Package "the crate has a file with a denied extension";
    DetectedExecutable Bans "detected-executable" Package "the crate contains a native executable";
    DetectedExecutableScript Bans "detected-executable-script" Package "the crate contains an executable script";
    UnableToCheckPath Bans "unable-to-check-path" Package "could not read a file of the crate";
    FeaturesEnabled Bans "features-enabled" Policy "enabled features require a check of the crate's files";
    UnmatchedBypass Bans "unmatched-bypass" Policy "a `bypass` entry matches no crate";
    UnmatchedPathBypass Bans "unmatched-path-bypass" Policy "an allowed path does not exist";
    UnmatchedGlob Bans "unmatched-glob" Policy "an allowed glob matches no file";
    UnusedWrapper Bans "unused-wrapper" Policy "a wrapper does not depend on the banned crate";
    WorkspaceDuplicate Bans "workspace-duplicate" Manifest "several members declare the dependency without inheriting it from the workspace";
    UnresolvedWorkspaceDependency Bans "unresolved-workspace-dependency" Manifest "could not resolve a workspace dependency";
    UnusedWorkspaceDependency Bans "unused-workspace-dependency" Manifest "no member inherits the workspace dependency";
    NonUtf8Path Bans "non-utf8-path" Package "a path of the crate is not UTF-8";
    NonRootPath Bans "non-root-path" Package "a path leads out of the crate's folder";
    ReplacedInStd Bans "replaced-in-std" Package "the standard library can replace the crate";
    UnmatchedReplacementIgnore Bans "unmatched-replacement-ignore" Policy "an ignored replacement was not found";

    Accepted Licenses "accepted" Package "the policy allows the crate's license";
    Rejected Licenses "rejected" Package "the policy does not allow the crate's license";
    Unlicensed Licenses "unlicensed" Package "could not determine the license of the crate";
    SkippedPrivateWorkspaceCrate Licenses "skipped-private-workspace-crate" Package "the policy excludes private workspace members from the license check";
    LicenseNotEncountered Licenses "license-not-encountered" Policy "no crate in the graph uses an allowed license";
    LicenseExceptionNotEncountered Licenses "license-exception-not-encountered" Policy "no crate in the graph needs a license exception";
    MissingClarificationFile Licenses "missing-clarification-file" Policy "a license file of a `clarify` entry does not exist";
    ParseError Licenses "parse-error" Package "the crate's license is not a valid SPDX expression";
    EmptyLicenseField Licenses "empty-license-field" Package "the crate's `license` field is empty";
    NoLicenseField Licenses "no-license-field" Package "the crate has no `license` field";
    GatherFailure Licenses "gather-failure" Package "could not identify a license text of the crate";

    GitSourceUnderspecified Sources "git-source-underspecified" Source "a git dependency is not pinned as precisely as the policy requires";
    AllowedSource Sources "allowed-source" Source "the policy allows the source";
    AllowedByOrganization Sources "allowed-by-organization" Source "the policy allows the organization of the source";
    SourceNotAllowed Sources "source-not-allowed" Source "the policy does not allow the source";
    UnmatchedSource Sources "unmatched-source" Policy "no crate in the graph comes from an allowed source";
    UnmatchedOrganization Sources "unmatched-organization" Policy "no crate in the graph comes from an allowed organization";

    Deprecated Config "deprecated" Policy "a key of the policy is deprecated";
    UnexpectedEof Config "unexpected-eof" Policy "the policy ends unexpectedly";
    InvalidCharInString Config "invalid-char-in-string" Policy "a string contains an invalid character";
    InvalidEscape Config "invalid-escape" Policy "a string contains an invalid escape sequence";
    InvalidHexEscape Config "invalid-hex-escape" Policy "a string contains an invalid hexadecimal escape sequence";
    InvalidEscapeValue Config "invalid-escape-value" Policy "an escape sequence is not a valid character";
    Unexpected Config "unexpected" Policy "unexpected character";
    UnterminatedString Config "unterminated-string" Policy "unterminated string";
    InvalidNumber Config "invalid-number" Policy "invalid number";
    OutOfRange Config "out-of-range" Policy "a number is out of range";
    Wanted Config "wanted" Policy "a value has the wrong type";
    DuplicateTable Config "duplicate-table" Policy "duplicate table";
    DuplicateKey Config "duplicate-key" Policy "duplicate key";
    RedefineAsArray Config "redefine-as-array" Policy "a table is redefined as an array";
    MultilineStringKey Config "multiline-string-key" Policy "a key spans several lines";
    Custom Config "custom" Policy "invalid value";
    DottedKeyInvalidType Config "dotted-key-invalid-type" Policy "a dotted key extends a value that is not a table";
    UnexpectedKeys Config "unexpected-keys" Policy "unknown key";
    UnquotedString Config "unquoted-string" Policy "a string has no quotes";
    MissingField Config "missing-field" Policy "a required key is missing";
    UnexpectedValue Config "unexpected-value" Policy "unknown value";

    PolicySyntax Supercargo "supercargo::policy-syntax" Policy "the policy is not valid TOML";
    ResolutionFailed Supercargo "supercargo::resolution-failed" Manifest "cargo cannot resolve the workspace";
    BrokenLockFile Supercargo "supercargo::broken-lock-file" Manifest "could not parse `Cargo.lock`";
    NoLockFile Supercargo "supercargo::no-lock-file" Workspace "no `Cargo.lock`: checked a fresh resolution, results may change";
    StaleLockFile Supercargo "supercargo::stale-lock-file" Workspace "`Cargo.lock` does not match the manifests: checked a fresh resolution";
    NoPolicy Supercargo "supercargo::no-policy" Workspace "no policy found: checked with cargo-deny's defaults";
    MemberNotChecked Supercargo "supercargo::member-not-judged" Workspace "this workspace member is not checked";
    NoAdvisoryDatabase Supercargo "supercargo::no-advisory-database" Workspace "no usable advisory database: advisories are not checked";
    OldAdvisories Supercargo "supercargo::old-advisories" Workspace "no advisory database: checked with the advisories that are built into the program";
    ClarificationOutdated Supercargo "supercargo::clarification-outdated" Policy "a clarification does not apply, because the license text has changed";
    MissingReason Supercargo "supercargo::missing-reason" Policy "an entry that suppresses findings has no `reason`, or only a placeholder";
    PastDue Supercargo "supercargo::past-due" Policy "an entry has expired";
    UnreadableDate Supercargo "supercargo::unreadable-date" Policy "could not parse the expiry date of an entry";
    BroadEntry Supercargo "supercargo::broad-entry" Policy "an entry applies to every version of a crate, although the graph has only one";
    AllowedForOne Supercargo "supercargo::allowed-for-one" Policy "a license is allowed for all crates, although only one needs it";
    WholeOrganization Supercargo "supercargo::whole-organization" Policy "the policy allows every repository of an organization";
    IgnoresNothing Supercargo "supercargo::ignores-nothing" Policy "an ignored crate is not yanked; the entry does not ignore its advisories";
    IgnoreHasFix Supercargo "supercargo::ignore-has-fix" Policy "an advisory no longer needs to be ignored: a fixed version satisfies the requirement";
    CheckTurnedOff Supercargo "supercargo::check-turned-off" Policy "a check is disabled, and no comment says why";
    LowConfidence Supercargo "supercargo::low-confidence" Policy "the confidence threshold for license texts is too low";
    ShadowedPolicy Supercargo "supercargo::shadowed-policy" Policy "a policy is not used, because another policy in the same folder takes precedence";
    NewerThanGate Supercargo "supercargo::newer-than-gate" Policy "a gate runs a cargo-deny that is too old for a key of the policy";
    UnreadPolicy Supercargo "supercargo::unread-policy" Policy "the policy of a workspace member is not used by the gate of its workspace";
    CheckFailed Supercargo "supercargo::check-failed" Workspace "a check of cargo-deny failed";
    OverLimit Supercargo "supercargo::over-limit" Workspace "something in the workspace exceeds a limit";
    UnreadableFile Supercargo "supercargo::unreadable-file" Workspace "could not read a file";
}

impl Code {
    /// Finds a code by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether it reports that an entry of the policy has no effect.
    pub fn is_without_effect(self) -> bool {
        matches!(
            self,
            Self::AdvisoryNotDetected
                | Self::YankedNotDetected
                | Self::UnmatchedSkip
                | Self::UnnecessarySkip
                | Self::UnmatchedSkipRoot
                | Self::UnmatchedBypass
                | Self::UnmatchedPathBypass
                | Self::UnmatchedGlob
                | Self::UnusedWrapper
                | Self::UnmatchedReplacementIgnore
                | Self::LicenseNotEncountered
                | Self::LicenseExceptionNotEncountered
                | Self::UnmatchedSource
                | Self::UnmatchedOrganization
        )
    }

    /// The first version of cargo-deny that can give the code a level, if that is later than 0.13.0, which
    /// introduced levels. No version has removed a code.
    pub fn since(self) -> Option<Version> {
        Some(match self {
            Self::IndexCacheLoadFailure => Version::new(0, 14, 0),
            Self::ChecksumMatch
            | Self::ChecksumMismatch
            | Self::DeniedByExtension
            | Self::DetectedExecutable
            | Self::DetectedExecutableScript
            | Self::FeaturesEnabled
            | Self::PathBypassed
            | Self::PathBypassedByGlob
            | Self::UnableToCheckPath
            | Self::UnmatchedBypass
            | Self::UnmatchedGlob
            | Self::UnmatchedPathBypass => Version::new(0, 14, 2),
            Self::UnusedWrapper => Version::new(0, 14, 6),
            Self::AdvisoryIgnored | Self::YankedIgnored | Self::YankedNotDetected => {
                Version::new(0, 14, 12)
            }
            Self::Deprecated => Version::new(0, 14, 13),
            Self::UnresolvedWorkspaceDependency
            | Self::UnusedWorkspaceDependency
            | Self::WorkspaceDuplicate => Version::new(0, 15, 0),
            Self::UnnecessarySkip => Version::new(0, 16, 3),
            Self::ParseError => Version::new(0, 18, 4),
            Self::EmptyLicenseField
            | Self::GatherFailure
            | Self::NoLicenseField
            | Self::NonRootPath
            | Self::NonUtf8Path => Version::new(0, 18, 5),
            Self::ReplacedInStd | Self::UnmatchedReplacementIgnore => Version::new(0, 20, 0),
            _ => return None,
        })
    }

    /// The page that explains it.
    pub fn link(self) -> String {
        let chapter = match self.check() {
            Check::Advisories | Check::Bans | Check::Licenses | Check::Sources => {
                self.check().name()
            }
            Check::Config | Check::Supercargo => {
                return "https://embarkstudios.github.io/cargo-deny/checks/cfg.html".to_owned();
            }
        };
        let name = self.name();
        format!("https://embarkstudios.github.io/cargo-deny/checks/{chapter}/diags.html#{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_cargo_deny_is_known_in_the_right_check() {
        use cargo_deny::diag::DiagnosticCode;
        let mut count = 0;
        for theirs in DiagnosticCode::iter() {
            let ours = Code::by_name(theirs.as_str());
            let check = match theirs {
                DiagnosticCode::Advisory(_) => Check::Advisories,
                DiagnosticCode::Bans(_) => Check::Bans,
                DiagnosticCode::License(_) => Check::Licenses,
                DiagnosticCode::Source(_) => Check::Sources,
                DiagnosticCode::General(_) => Check::Config,
            };
            assert_eq!(ours.map(Code::check), Some(check), "{theirs}");
            count += 1;
        }
        assert_eq!(count, 68, "the documentation speaks of 68 codes");
    }

    #[test]
    fn no_name_is_used_twice() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
