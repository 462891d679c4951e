//! Every code that a finding can have, and where such a finding is placed.

use serde::{Deserialize, Serialize};

use super::Check;

/// Where findings of a code belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationRule {
    /// The declarations through which the package comes.
    Package,
    /// The same, on the `git` or `path` value or the `[patch]` that decides the source.
    Source,
    /// The entry of the policy that cargo-deny points to.
    Policy,
    /// The part of a manifest of the workspace that cargo-deny points to.
    Manifest,
    /// The head of the judged manifest.
    Workspace,
}

impl LocationRule {
    /// The words for the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Self::Package => "the requirement of every declaration that brings the package",
            Self::Source => {
                "the `git` or `path` value, `[patch]` or requirement that brings the package"
            }
            Self::Policy => "the entry of the policy",
            Self::Manifest => "the declaration or key in the manifest",
            Self::Workspace => "the name of the judged package, or `[workspace]`",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $check:ident $name:literal $placing:ident $words:literal;)*) => {
        /// What kind of finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $words] $variant,)*
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name at the edge: cargo-deny's own, ours with the prefix `supercargo::`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The check that the code belongs to.
            pub fn check(self) -> Check {
                match self { $(Self::$variant => Check::$check,)* }
            }

            /// Where its findings are placed.
            pub fn placing(self) -> LocationRule {
                match self { $(Self::$variant => LocationRule::$placing,)* }
            }

            /// What it means, one sentence.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

codes! {
    Vulnerability Advisories "vulnerability" Package "the package has a known vulnerability";
    Notice Advisories "notice" Package "there is a notice about the package";
    Unmaintained Advisories "unmaintained" Package "the package is no longer maintained";
    Unsound Advisories "unsound" Package "safe code can misuse the package's memory";
    Yanked Advisories "yanked" Package "the locked version was withdrawn from its registry";
    AdvisoryIgnored Advisories "advisory-ignored" Policy "an advisory was found and the policy ignores it";
    YankedIgnored Advisories "yanked-ignored" Policy "a yanked version was found and the policy ignores it";
    IndexFailure Advisories "index-failure" Package "the registry's index says nothing about the package, so whether it was yanked is unknown";
    IndexCacheLoadFailure Advisories "index-cache-load-failure" Workspace "cargo's index cache cannot be read";
    AdvisoryNotDetected Advisories "advisory-not-detected" Policy "an ignored advisory matches no crate in the graph";
    YankedNotDetected Advisories "yanked-not-detected" Policy "an ignored yanked package was not found";
    UnknownAdvisory Advisories "unknown-advisory" Policy "an ignored advisory is in no database";

    Banned Bans "banned" Package "the policy bans the package";
    Allowed Bans "allowed" Policy "the policy allows the package by name";
    NotAllowed Bans "not-allowed" Package "the policy allows only named packages, not this one";
    Duplicate Bans "duplicate" Package "the package is there in several versions";
    Skipped Bans "skipped" Policy "the policy leaves a version out of the search for duplicates";
    Wildcard Bans "wildcard" Manifest "a requirement accepts any version";
    UnmatchedSkip Bans "unmatched-skip" Policy "a `skip` entry matches no package";
    UnnecessarySkip Bans "unnecessary-skip" Policy "a `skip` entry matches a package that has one version only";
    AllowedByWrapper Bans "allowed-by-wrapper" Policy "a banned package is used by an allowed wrapper";
    UnmatchedWrapper Bans "unmatched-wrapper" Package "a banned package is used by a package that is no wrapper of it";
    SkippedByRoot Bans "skipped-by-root" Policy "a `skip-tree` entry hides a package";
    UnmatchedSkipRoot Bans "unmatched-skip-root" Policy "a `skip-tree` entry matches no package";
    BuildScriptNotAllowed Bans "build-script-not-allowed" Package "the package has a build script that the policy does not allow";
    ExactFeaturesMismatch Bans "exact-features-mismatch" Package "the enabled features are not exactly those of the policy";
    FeatureNotExplicitlyAllowed Bans "feature-not-explicitly-allowed" Package "a feature is enabled that the policy does not name";
    FeatureBanned Bans "feature-banned" Package "a feature is enabled that the policy denies";
    UnknownFeature Bans "unknown-feature" Policy "the policy names a feature that the package does not have";
    DefaultFeatureEnabled Bans "default-feature-enabled" Package "the default features are enabled";
    PathBypassed Bans "path-bypassed" Policy "the policy allows a file by its path";
    PathBypassedByGlob Bans "path-bypassed-by-glob" Policy "the policy allows a file by a glob";
    ChecksumMatch Bans "checksum-match" Policy "a file has the checksum that the policy states";
    ChecksumMismatch Bans "checksum-mismatch" Policy "a file does not have the checksum that the policy states";
    DeniedByExtension Bans "denied-by-extension" Package "the package has a file with a denied extension";
    DetectedExecutable Bans "detected-executable" Package "the package contains a native executable";
    DetectedExecutableScript Bans "detected-executable-script" Package "the package contains an executable script";
    UnableToCheckPath Bans "unable-to-check-path" Package "a file of the package cannot be read";
    FeaturesEnabled Bans "features-enabled" Policy "features are enabled that make the policy look at the package's files";
    UnmatchedBypass Bans "unmatched-bypass" Policy "a `bypass` entry matches no package";
    UnmatchedPathBypass Bans "unmatched-path-bypass" Policy "an allowed path was not found";
    UnmatchedGlob Bans "unmatched-glob" Policy "an allowed glob matches no file";
    UnusedWrapper Bans "unused-wrapper" Policy "a wrapper does not use the banned package";
    WorkspaceDuplicate Bans "workspace-duplicate" Manifest "several members declare the package, not all through the workspace";
    UnresolvedWorkspaceDependency Bans "unresolved-workspace-dependency" Manifest "cargo-deny could not follow a workspace dependency";
    UnusedWorkspaceDependency Bans "unused-workspace-dependency" Manifest "a workspace dependency is used by nothing";
    NonUtf8Path Bans "non-utf8-path" Package "a path of the package is not UTF-8";
    NonRootPath Bans "non-root-path" Package "a path of the package lies outside of it";
    ReplacedInStd Bans "replaced-in-std" Package "the standard library can replace the package";
    UnmatchedReplacementIgnore Bans "unmatched-replacement-ignore" Policy "an ignored replacement was not found";

    Accepted Licenses "accepted" Package "the package's license satisfies the policy";
    Rejected Licenses "rejected" Package "the policy does not allow the package's license";
    Unlicensed Licenses "unlicensed" Package "could not determine the license of the package";
    SkippedPrivateWorkspaceCrate Licenses "skipped-private-workspace-crate" Package "the policy leaves private packages out";
    LicenseNotEncountered Licenses "license-not-encountered" Policy "an allowed license is used by no package";
    LicenseExceptionNotEncountered Licenses "license-exception-not-encountered" Policy "a license exception is used by no package";
    MissingClarificationFile Licenses "missing-clarification-file" Policy "a file that a clarification names does not exist";
    ParseError Licenses "parse-error" Package "the package's license is not a valid SPDX expression";
    EmptyLicenseField Licenses "empty-license-field" Package "the package's license field is empty";
    NoLicenseField Licenses "no-license-field" Package "the package has no `license` field";
    GatherFailure Licenses "gather-failure" Package "a license text of the package is not recognized";

    GitSourceUnderspecified Sources "git-source-underspecified" Source "a git source is pinned less than the policy asks for";
    AllowedSource Sources "allowed-source" Source "the policy allows the source";
    AllowedByOrganization Sources "allowed-by-organization" Source "the policy allows the source's organization";
    SourceNotAllowed Sources "source-not-allowed" Source "the policy does not allow the source";
    UnmatchedSource Sources "unmatched-source" Policy "an allowed source is used by no package";
    UnmatchedOrganization Sources "unmatched-organization" Policy "an allowed organization is used by no package";

    Deprecated Config "deprecated" Policy "a key of the policy was moved or removed";
    UnexpectedEof Config "unexpected-eof" Policy "the policy ends too early";
    InvalidCharInString Config "invalid-char-in-string" Policy "a string holds a character that it must not";
    InvalidEscape Config "invalid-escape" Policy "a string holds an unknown escape";
    InvalidHexEscape Config "invalid-hex-escape" Policy "a string holds an invalid hexadecimal escape";
    InvalidEscapeValue Config "invalid-escape-value" Policy "an escape names no character";
    Unexpected Config "unexpected" Policy "a character is out of place";
    UnterminatedString Config "unterminated-string" Policy "a string does not end";
    InvalidNumber Config "invalid-number" Policy "a number cannot be read";
    OutOfRange Config "out-of-range" Policy "a number is too large or too small";
    Wanted Config "wanted" Policy "a value has the wrong type";
    DuplicateTable Config "duplicate-table" Policy "a table is defined twice";
    DuplicateKey Config "duplicate-key" Policy "a key is defined twice";
    RedefineAsArray Config "redefine-as-array" Policy "a table is defined again as an array";
    MultilineStringKey Config "multiline-string-key" Policy "a key spans lines";
    Custom Config "custom" Policy "a value is not valid";
    DottedKeyInvalidType Config "dotted-key-invalid-type" Policy "a dotted key extends something that is no table";
    UnexpectedKeys Config "unexpected-keys" Policy "a table holds keys that cargo-deny does not know";
    UnquotedString Config "unquoted-string" Policy "a string lacks its quotes";
    MissingField Config "missing-field" Policy "a required key is missing";
    UnexpectedValue Config "unexpected-value" Policy "a value is none of those that are possible";

    PolicySyntax Supercargo "supercargo::policy-syntax" Policy "the policy is not valid TOML";
    ResolutionFailed Supercargo "supercargo::resolution-failed" Manifest "cargo rejects the workspace";
    BrokenLockFile Supercargo "supercargo::broken-lock-file" Manifest "`Cargo.lock` cannot be read";
    NoLockFile Supercargo "supercargo::no-lock-file" Workspace "there is no `Cargo.lock`: what is judged was resolved just now";
    StaleLockFile Supercargo "supercargo::stale-lock-file" Workspace "`Cargo.lock` does not fit the manifests: what is judged was resolved just now";
    NoPolicy Supercargo "supercargo::no-policy" Workspace "no policy was found: cargo-deny's defaults hold";
    MemberNotJudged Supercargo "supercargo::member-not-judged" Workspace "the gate does not judge this member";
    NoAdvisoryDatabase Supercargo "supercargo::no-advisory-database" Workspace "advisories cannot be judged without a usable advisory database";
    OldAdvisories Supercargo "supercargo::old-advisories" Workspace "there is no advisory database: the advisories that came with the program stand in for it";
    ClarificationOutdated Supercargo "supercargo::clarification-outdated" Policy "a clarification does not hold, because the license text has changed since";
    MissingReason Supercargo "supercargo::missing-reason" Policy "an entry that looks away does not say why, or its reason is still to be written";
    PastDue Supercargo "supercargo::past-due" Policy "the day until which an entry was to hold has passed";
    UnreadableDate Supercargo "supercargo::unreadable-date" Policy "the day until which an entry is to hold cannot be read";
    BroadEntry Supercargo "supercargo::broad-entry" Policy "an entry holds for every version of a package that is there in one";
    AllowedForOne Supercargo "supercargo::allowed-for-one" Policy "a license is allowed for every package and needed by one";
    WholeOrganization Supercargo "supercargo::whole-organization" Policy "every repository of an organization is allowed";
    IgnoresNothing Supercargo "supercargo::ignores-nothing" Policy "an ignored package was not yanked, and its advisories are not ignored by it";
    IgnoreHasFix Supercargo "supercargo::ignore-has-fix" Policy "an ignored advisory does not concern a version that the requirement admits";
    CheckTurnedOff Supercargo "supercargo::check-turned-off" Policy "a check is turned off, and no comment says why";
    LowConfidence Supercargo "supercargo::low-confidence" Policy "texts are taken for licenses that they have little in common with";
    ShadowedPolicy Supercargo "supercargo::shadowed-policy" Policy "a policy is not read, because another one in its folder is asked for first";
    UnreadPolicy Supercargo "supercargo::unread-policy" Policy "a policy in the folder of a member is not read by the gate of its workspace";
    CheckFailed Supercargo "supercargo::check-failed" Workspace "a check of cargo-deny broke off";
    OverLimit Supercargo "supercargo::over-limit" Workspace "something in the workspace is larger than what is checked";
    UnreadableFile Supercargo "supercargo::unreadable-file" Workspace "a file cannot be read";
}

impl Code {
    /// Finds a code by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether it says of an entry of the policy that it has no effect.
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
