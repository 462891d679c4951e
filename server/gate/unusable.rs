//! Files that nobody may read on behalf of a repository: pipes, devices, and those that are too large.
//! Found before cargo is started, which would wait for them or read them to their end.

use std::{
    collections::{HashSet, VecDeque},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Texts, troubles};
use crate::{
    limits,
    model::manifest::Manifest,
    text::{SourceText, Span, Spanned, unusable},
    verdict::{Code, Finding, Location, Role, Severity, harmless, own},
    workspace::{CONFIGURATION_NAMES, MemberFolders, TOOLCHAIN_NAMES, Workspace, lexical},
};

/// What of a workspace exceeds the limits.
#[derive(Debug, Default)]
pub(super) struct Exceeded {
    /// Without these nothing can be resolved.
    pub(super) failures: Vec<Finding>,
    /// What is left out, and the rest is looked at.
    pub(super) warnings: Vec<Finding>,
}

/// Looks at every file that cargo reads of a workspace: the lock file, the manifests of members and of
/// the local packages that they name, and the configuration beside and above them.
pub(super) fn exceeded(workspace: &Workspace, texts: &dyn Texts) -> Exceeded {
    let mut exceeded = Exceeded::default();
    exceeded.failures.extend(lock_file(workspace));
    for above in workspace.folder().ancestors() {
        for name in CONFIGURATION_NAMES.iter().chain(&TOOLCHAIN_NAMES) {
            let path = above.join(name);
            exceeded.failures.extend(refused(&path).map(|why| itself(&path, &why)));
        }
    }
    let root = workspace.root.join("Cargo.toml");
    let mut wanted = VecDeque::from([(root.clone(), None), (workspace.manifest.clone(), None)]);
    let mut seen = HashSet::new();
    while let Some((path, named)) = wanted.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if let Some(why) = refused(&path) {
            let finding = named.map_or_else(|| itself(&path, &why), |by| at(by, &path, &why));
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
            let endless = found.endless.iter().filter_map(|index| table.members.get(*index));
            let endless = endless.map(|pattern| endless_pattern(pattern, location(&pattern.span)));
            exceeded.failures.extend(endless);
            for (index, member) in found.folders {
                let named = table.members.get(index).map(|entry| location(&entry.span));
                wanted.push_back((member.join("Cargo.toml"), named));
            }
        }
        for declared in model.all_dependencies() {
            let Some(named) = &declared.path else { continue };
            let package = lexical(&folder.join(&named.value)).join("Cargo.toml");
            wanted.push_back((package, Some(location(&named.span))));
        }
    }
    exceeded
}

/// The lock file, where it must not be read.
pub(super) fn lock_file(workspace: &Workspace) -> Option<Finding> {
    let path = workspace.lock_file();
    let why = refused(&path)?;
    let mut finding = troubles::unreadable(&path, &why);
    finding.remedy = Some(troubles::LOCK_REMEDY.to_owned());
    Some(finding)
}

/// A folder is refused by cargo in its own words.
fn refused(path: &Utf8Path) -> Option<io::Error> {
    unusable(path, limits::of_file(path)).filter(|why| why.kind() == io::ErrorKind::Other)
}

fn itself(path: &Utf8Path, why: &io::Error) -> Finding {
    troubles::unreadable(path, why)
}

fn at(location: Location, path: &Utf8Path, why: &io::Error) -> Finding {
    let message = format!("`{}` is {why}", harmless(path.as_str()));
    let mut finding = own(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("the workspace cannot be resolved with it".to_owned());
    finding
}

fn cut_pattern(pattern: &Spanned<String>, location: Location) -> Finding {
    let message = format!(
        "the pattern `{}` looks at more than {} files and folders; members that it finds later are not looked at",
        harmless(&pattern.value),
        limits::GLOB_ENTRIES,
    );
    let mut finding = own(Code::OverLimit, Severity::Warning, message, vec![location]);
    finding.remedy = Some("name the members, or use a pattern that matches only them".to_owned());
    finding
}

/// Cargo would follow the links for as long as nobody ends it.
fn endless_pattern(pattern: &Spanned<String>, location: Location) -> Finding {
    let message = format!(
        "cargo would look at more than {} files and folders for the pattern `{}`, through links that lead back",
        limits::GLOB_WALK,
        harmless(&pattern.value),
    );
    let mut finding = own(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("name the members, or remove the links".to_owned());
    finding
}

fn location(path: &Utf8PathBuf, text: &SourceText, span: &Span) -> Location {
    let (file, text, span) = (path.clone(), text.clone(), span.clone());
    Location { file, text, span, role: Role::Mend, via: None }
}
