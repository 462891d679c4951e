//! Finds files that must not be read: pipes, devices, and files over the size limit. Checked before cargo is
//! started, as cargo would wait for them or read them completely.

use std::{
    collections::{HashSet, VecDeque},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Texts, failures};
use crate::{
    limits,
    model::manifest::Manifest,
    text::{SourceText, Span, Spanned, unusable},
    verdict::{Code, Finding, Location, Role, Severity, own_finding, sanitize},
    workspace::{CONFIGURATION_NAMES, MemberFolders, TOOLCHAIN_NAMES, Workspace, lexical},
};

/// What exceeds the limits in a workspace.
#[derive(Debug, Default)]
pub(super) struct Exceeded {
    /// The workspace cannot be resolved with these.
    pub(super) failures: Vec<Finding>,
    /// These are skipped; the rest is checked.
    pub(super) warnings: Vec<Finding>,
}

/// Checks every file that cargo reads for a workspace: the lockfile, the manifests of members and of path
/// dependencies, and cargo's configuration in their parent folders.
pub(super) fn exceeded(workspace: &Workspace, texts: &dyn Texts) -> Exceeded {
    let mut exceeded = Exceeded::default();
    exceeded.failures.extend(lockfile(workspace));
    for above in workspace.folder().ancestors() {
        for name in CONFIGURATION_NAMES.iter().chain(&TOOLCHAIN_NAMES) {
            let path = above.join(name);
            exceeded.failures.extend(refused(&path).map(|why| in_file(&path, &why)));
        }
    }
    let root = workspace.root.join("Cargo.toml");
    let mut queue = VecDeque::from([(root.clone(), None), (workspace.manifest.clone(), None)]);
    let mut seen = HashSet::new();
    while let Some((path, named)) = queue.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if let Some(why) = refused(&path) {
            let finding =
                named.map_or_else(|| in_file(&path, &why), |by| in_dependent(by, &path, &why));
            exceeded.failures.push(finding);
            continue;
        }
        let Ok(text) = texts.read(&path) else { continue };
        let folder = path.parent().unwrap_or(Utf8Path::new(""));
        let model = Manifest::parse(text.as_str());
        let location = |span: &Span| location(&path, &text, span);
        if let Some(table) = model.workspace.as_ref().filter(|_| path == root) {
            let found = MemberFolders::of(folder, &table.members);
            let cut = found.cut.iter().filter_map(|index| table.members.get(*index));
            exceeded
                .warnings
                .extend(cut.map(|pattern| cut_pattern(pattern, location(&pattern.span))));
            let cyclic = found.cyclic.iter().filter_map(|index| table.members.get(*index));
            let cyclic = cyclic.map(|pattern| endless_pattern(pattern, location(&pattern.span)));
            exceeded.failures.extend(cyclic);
            for (index, member) in found.folders {
                let named = table.members.get(index).map(|entry| location(&entry.span));
                queue.push_back((member.join("Cargo.toml"), named));
            }
        }
        for declared in model.all_dependencies() {
            let Some(named) = &declared.path else { continue };
            let package = lexical(&folder.join(&named.value)).join("Cargo.toml");
            queue.push_back((package, Some(location(&named.span))));
        }
    }
    exceeded
}

/// A finding if the lockfile must not be read.
pub(super) fn lockfile(workspace: &Workspace) -> Option<Finding> {
    let path = workspace.lockfile();
    let why = refused(&path)?;
    let mut finding = failures::unreadable(&path, &why);
    finding.remedy = Some(failures::LOCK_REMEDY.to_owned());
    Some(finding)
}

/// Why a file must not be read. A folder is left to cargo, which reports it.
fn refused(path: &Utf8Path) -> Option<io::Error> {
    unusable(path, limits::of_file(path)).filter(|why| why.kind() == io::ErrorKind::Other)
}

fn in_file(path: &Utf8Path, why: &io::Error) -> Finding {
    failures::unreadable(path, why)
}

fn in_dependent(location: Location, path: &Utf8Path, why: &io::Error) -> Finding {
    let message = format!("`{}` is {why}", sanitize(path.as_str()));
    let mut finding = own_finding(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("the check cannot run with it".to_owned());
    finding
}

fn cut_pattern(pattern: &Spanned<String>, location: Location) -> Finding {
    let message = format!(
        "the pattern `{}` matches in more than {} files and folders; further members are not checked",
        sanitize(&pattern.value),
        limits::GLOB_ENTRIES,
    );
    let mut finding = own_finding(Code::OverLimit, Severity::Warning, message, vec![location]);
    finding.remedy = Some("list the members, or use a pattern that matches only them".to_owned());
    finding
}

/// Cargo would follow the links without end.
fn endless_pattern(pattern: &Spanned<String>, location: Location) -> Finding {
    let message = format!(
        "cargo would visit more than {} files and folders for the pattern `{}`, because of cyclic links",
        limits::GLOB_WALK,
        sanitize(&pattern.value),
    );
    let mut finding = own_finding(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("list the members, or remove the links".to_owned());
    finding
}

fn location(path: &Utf8PathBuf, text: &SourceText, span: &Span) -> Location {
    let (file, text, span) = (path.clone(), text.clone(), span.clone());
    Location { file: file.into(), text, span, role: Role::Primary, via: None }
}
