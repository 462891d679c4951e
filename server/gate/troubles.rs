//! Why something could not be judged, as findings at the place that causes it.

use std::io;

use camino::Utf8Path;

use super::Texts;
use crate::{
    model::{lockfile::Lockfile, manifest::Manifest},
    resolve::{ResolveError, Trouble},
    text::{Edit, Edits, SourceText},
    verdict::{Code, DatabaseError, EngineError, Finding, Location, Role, Severity, harmless, own},
    workspace::Workspace,
};

pub(super) fn head(manifest: &Utf8Path, texts: &dyn Texts) -> Location {
    let text = texts.read(manifest).unwrap_or_else(|_| SourceText::new(""));
    let span = Manifest::parse(text.as_str()).head();
    Location { file: manifest.to_owned(), text, span, role: Role::Mend, via: None }
}

pub(super) fn unreadable(path: &Utf8Path, error: &io::Error) -> Finding {
    let location = Location {
        file: path.to_owned(),
        text: SourceText::new(""),
        span: 0..0,
        role: Role::Mend,
        via: None,
    };
    let message = format!("`{path}` cannot be read: {error}");
    let mut finding = own(Code::UnreadableFile, Severity::Error, message, vec![location]);
    finding.remedy = Some("nothing can be judged without it".to_owned());
    finding
}

pub(super) fn no_policy(workspace: &Workspace, texts: &dyn Texts) -> Finding {
    let mut finding = own(
        Code::NoPolicy,
        Severity::Help,
        "no `deny.toml` was found: advisories, bans and sources are judged by cargo-deny's defaults, \
         licenses are not"
            .to_owned(),
        vec![head(&workspace.manifest, texts)],
    );
    finding.remedy = Some("`supercargo init` writes one".to_owned());
    finding
}

pub(super) fn no_database(
    workspace: &Workspace,
    error: &DatabaseError,
    texts: &dyn Texts,
) -> Finding {
    let message = format!("advisories are not judged: {}", harmless(&error.to_string()));
    own(Code::NoAdvisoryDatabase, Severity::Error, message, vec![head(&workspace.manifest, texts)])
}

/// The advisories are those that came with the program.
pub(super) fn stand_in(
    workspace: &Workspace,
    reason: &str,
    date: Option<&str>,
    texts: &dyn Texts,
) -> Finding {
    let date = date.unwrap_or("the day of its release");
    let message = format!(
        "advisories are judged by those of {date}, which came with this program: {}",
        harmless(reason)
    );
    let location = head(&workspace.manifest, texts);
    own(Code::OldAdvisories, Severity::Warning, message, vec![location])
}

pub(super) fn engine(workspace: &Workspace, error: &EngineError, texts: &dyn Texts) -> Finding {
    let message = format!("could not {}", harmless(&error.to_string()));
    own(Code::CheckFailed, Severity::Error, message, vec![head(&workspace.manifest, texts)])
}

/// The same finding where its places stand in these texts.
pub(super) fn followed(finding: &Finding, texts: &dyn Texts) -> Finding {
    let mut finding = finding.clone();
    for location in &mut finding.locations {
        let Ok(text) = texts.read(&location.file) else { continue };
        if text != location.text {
            let mut edits = Edits::default();
            edits.push(Edit::between(location.text.as_str(), text.as_str()));
            location.span = edits.moved(&location.span);
            location.text = text;
        }
    }
    finding
}

/// A lock file that cargo cannot read is named itself; else cargo's words, where they belong.
pub(super) fn resolution(
    workspace: &Workspace,
    error: &ResolveError,
    texts: &dyn Texts,
) -> Finding {
    let ResolveError::Cargo { stderr, .. } = error else {
        let message = format!("could not {}", harmless(&error.to_string()));
        return own(
            Code::ResolutionFailed,
            Severity::Error,
            message,
            vec![head(&workspace.manifest, texts)],
        );
    };
    if let Err(error) = texts.read(&workspace.manifest) {
        return unreadable(&workspace.manifest, &error);
    }
    if (stderr.contains("lock file") || stderr.contains("Cargo.lock"))
        && let Some(finding) = broken_lock_file(workspace, texts)
    {
        return finding;
    }
    let trouble = Trouble::from_stderr(stderr, &workspace.manifest, &workspace.root, |path| {
        texts.read(path).ok()
    });
    let location = Location {
        file: trouble.location.file,
        text: trouble.location.text,
        span: trouble.location.span,
        role: Role::Mend,
        via: None,
    };
    let message = format!("cargo rejects the workspace: {}", harmless(&trouble.message));
    let mut finding = own(Code::ResolutionFailed, Severity::Error, message, vec![location]);
    finding.notes = trouble.notes.iter().map(|note| harmless(note)).collect();
    finding
}

pub(super) const LOCK_REMEDY: &str =
    "restore it from version control, or delete it and let cargo resolve anew";

fn broken_lock_file(workspace: &Workspace, texts: &dyn Texts) -> Option<Finding> {
    let file = workspace.lock_file();
    let text = match texts.read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let mut finding = unreadable(&file, &error);
            finding.remedy = Some(LOCK_REMEDY.to_owned());
            return Some(finding);
        }
    };
    let error = Lockfile::parse(text.as_str()).error?;
    let span = if error.span.is_empty() { text.line_span(error.span.start) } else { error.span };
    let location = Location { file, text, span, role: Role::Mend, via: None };
    let message = format!("`Cargo.lock` cannot be used: {}", harmless(&error.value));
    let mut finding = own(Code::BrokenLockFile, Severity::Error, message, vec![location]);
    finding.remedy = Some(LOCK_REMEDY.to_owned());
    Some(finding)
}
