//! A finding as a plain value, which the language server and the command line render.

use std::{collections::BTreeMap, sync::Arc};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{AdvisoryFacts, Check, Code, GateName};
use crate::{
    cache::hash,
    text::{FilePath, SourceText, Span},
};

/// The number of hexadecimal digits of a finding's id.
const ID_LENGTH: usize = 16;

/// The severity of a finding; only errors fail the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Lowest.
    Help,
    /// Information only.
    Note,
    /// Does not fail the gate.
    Warning,
    /// Fails the gate.
    Error,
}

impl Severity {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One version of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its source as in the lock file, absent for local packages.
    pub source: Option<String>,
}

impl PackageRef {
    /// Whether a lock entry of its name and version with that source is this package's. cargo-deny shortens the
    /// URLs of git repositories.
    pub(crate) fn has_source(&self, locked: Option<&str>) -> bool {
        let is_git = |source: &str| source.starts_with("git+");
        self.source.as_deref() == locked
            || self.source.as_deref().is_some_and(is_git) && locked.is_some_and(is_git)
    }
}

/// The packages of a dependency path, from a member on; shared by all findings of a package.
pub type DependencyPath = Arc<[PackageRef]>;

/// The role of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// A line to change.
    Primary,
    /// A member's `x.workspace = true`, which inherits the line to change.
    Inherited,
}

/// A span of a file, with the text version that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, absolute.
    pub file: FilePath,
    /// The text that was checked. Not serialized: it is the content of the file.
    #[serde(skip)]
    pub text: SourceText,
    /// The span in that text.
    pub span: Span,
    /// Its role.
    pub role: Role,
    /// The index of the dependency path that starts with this dependency.
    pub via: Option<usize>,
}

impl Location {
    /// Whether both are the same span of the same file.
    pub fn is_at(&self, other: &Self) -> bool {
        self.file == other.file && self.span == other.span
    }
}

/// A related location that explains a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// The location.
    pub location: Location,
    /// How it relates to the finding.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check that reported it.
    pub check: Check,
    /// Its code; some of cargo-deny's findings about the policy have none.
    pub code: Option<Code>,
    /// Its severity.
    pub severity: Severity,
    /// One sentence: package, version and the problem.
    pub message: String,
    /// What to do about it, a clause without a period.
    pub remedy: Option<String>,
    /// The packages that it is about; all versions of a duplicate.
    pub packages: Vec<PackageRef>,
    /// The advisory that it reports.
    pub advisory: Option<Arc<AdvisoryFacts>>,
    /// Its locations; never empty if the workspace is readable. The first is the primary one, at which it
    /// is reported. The others are further dependencies through which it comes, or further lines to change.
    pub locations: Vec<Location>,
    /// The dependency paths: the shortest one through each direct dependency that brings in the
    /// package, from a member to the package (see [`Location::via`]).
    pub paths: Vec<DependencyPath>,
    /// The total number of dependency paths.
    pub path_count: u64,
    /// Further explanations of cargo-deny.
    pub notes: Vec<String>,
    /// Related locations.
    pub related: Vec<Related>,
    /// The gates that report it, if CI has several and not all of them do.
    #[serde(default)]
    pub gates: Vec<GateName>,
    /// The gates that do not report it, although they could.
    #[serde(default)]
    pub silent_gates: Vec<GateName>,
}

impl Finding {
    /// The page of the advisory, or of cargo-deny about the code; our own codes have none.
    pub fn link(&self) -> Option<String> {
        match &self.advisory {
            Some(advisory) => advisory.link(),
            None => self.code.filter(|code| code.check() != Check::Supercargo).map(Code::link),
        }
    }

    /// Identifies it among the findings of its verdict; the same wherever its line moves.
    pub fn id(&self) -> String {
        let at = self.locations.first();
        let source = at.and_then(|at| at.text.as_str().get(at.span.clone()));
        let content = (self.check, self.shown_code(), self.severity, &self.packages, &self.message);
        let mut id = hash(format!("{content:?} {:?} {source:?}", at.map(|at| &at.file)).as_bytes());
        id.truncate(ID_LENGTH);
        id
    }

    /// `only in ci.yml:23 and ci.yml:31`, or `not in fuzz.yml:11`, if CI has several gates and not all report it.
    pub fn gates_text(&self) -> Option<String> {
        if self.gates.is_empty() || self.silent_gates.is_empty() {
            return None;
        }
        Some(if self.gates.len() <= self.silent_gates.len() {
            format!("only in {}", GateName::joined(&self.gates))
        } else {
            format!("not in {}", GateName::joined(&self.silent_gates))
        })
    }

    /// The shortest dependency path to each package, unless it is a direct dependency; the last one with the number of other
    /// paths.
    pub(crate) fn shortest_paths(&self) -> Vec<String> {
        let mut shown: Vec<String> = self
            .packages
            .iter()
            .filter_map(|package| {
                let to_it = self.paths.iter().filter(|path| path.last() == Some(package));
                let shortest = to_it.min_by_key(|path| path.len())?;
                // A path of two packages is the dependency on the shown line.
                (shortest.len() > 2).then(|| path_text(shortest))
            })
            .collect();
        let others = self.path_count.saturating_sub(self.packages.len() as u64);
        if let Some(last) = shown.last_mut() {
            match others {
                0 => {}
                1 => last.push_str(" (and 1 other path)"),
                _ => last.push_str(&format!(" (and {others} other paths)")),
            }
        }
        shown
    }

    /// The code to show: the advisory's id, else the code's name.
    pub fn shown_code(&self) -> Option<&str> {
        match &self.advisory {
            Some(advisory) => Some(&advisory.id),
            None => self.code.map(Code::name),
        }
    }
}

/// `app 0.1.0 -> cookie 0.18.1 -> time 0.3.44`
pub(crate) fn path_text(path: &[PackageRef]) -> String {
    let names = path.iter().map(|package| format!("{} {}", package.name, package.version));
    names.collect::<Vec<_>>().join(" -> ")
}

/// A finding of our own.
pub(crate) fn own_finding(
    code: Code,
    severity: Severity,
    message: String,
    locations: Vec<Location>,
) -> Finding {
    Finding {
        check: Check::Supercargo,
        code: Some(code),
        severity,
        message,
        remedy: None,
        packages: Vec::new(),
        advisory: None,
        locations,
        paths: Vec::new(),
        path_count: 0,
        notes: Vec::new(),
        related: Vec::new(),
        gates: Vec::new(),
        silent_gates: Vec::new(),
    }
}

/// The number of findings of each severity, as cargo-deny counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Errors.
    pub errors: u32,
    /// Warnings.
    pub warnings: u32,
    /// Notes.
    pub notes: u32,
    /// Helps.
    pub helps: u32,
}

impl Counts {
    /// Counts one more finding.
    pub(crate) fn add(&mut self, severity: Severity) {
        let number = self.of(severity);
        *number = number.saturating_add(1);
    }

    /// Counts one finding less.
    pub(crate) fn remove(&mut self, severity: Severity) {
        let number = self.of(severity);
        *number = number.saturating_sub(1);
    }

    fn of(&mut self, severity: Severity) -> &mut u32 {
        match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
            Severity::Help => &mut self.helps,
        }
    }

    /// The exit code that cargo-deny would end with.
    pub fn exit_code(counts: &BTreeMap<Check, Self>) -> u8 {
        let failed = counts.iter().filter(|(_, counts)| counts.errors > 0);
        failed.fold(0, |code, (check, _)| code | check.exit_bit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_is_locked_from_its_own_source_only() {
        let has = |source: Option<&str>, locked: Option<&str>| {
            let source = source.map(str::to_owned);
            let package =
                PackageRef { name: "a".to_owned(), version: Version::new(1, 0, 0), source };
            package.has_source(locked)
        };
        let (crates_io, corp) =
            ("registry+https://github.com/rust-lang/crates.io-index", "sparse+https://corp/");
        assert!(has(Some(crates_io), Some(crates_io)) && has(None, None));
        assert!(!has(Some(crates_io), Some(corp)) && !has(Some(crates_io), None));
        // cargo-deny drops `.git` and `branch=master`.
        assert!(has(
            Some("git+https://x.org/a#1"),
            Some("git+https://x.org/a.git?branch=master#1")
        ));
        assert!(!has(Some("git+https://x.org/a#1"), Some(crates_io)) && !has(None, Some(corp)));
    }
}
