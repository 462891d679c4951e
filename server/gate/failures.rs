//! Findings for failures: why a check could not run, at the location of the cause.

use std::io;

use camino::Utf8Path;

use super::Texts;
use crate::{
    model::{lockfile::Lockfile, manifest::Manifest},
    resolve::{CargoError, ResolveError},
    text::{Edit, Edits, SourceText},
    verdict::{
        Code, DatabaseError, EngineError, Finding, Location, Role, Severity, own_finding, sanitize,
    },
    workspace::Workspace,
};

pub(super) fn head(manifest: &Utf8Path, texts: &dyn Texts) -> Location {
    let text = texts.read(manifest).unwrap_or_else(|_| SourceText::new(""));
    let span = Manifest::parse(text.as_str()).head();
    Location { file: manifest.to_owned(), text, span, role: Role::Primary, via: None }
}

pub(super) fn unreadable(path: &Utf8Path, error: &io::Error) -> Finding {
    let location = Location {
        file: path.to_owned(),
        text: SourceText::new(""),
        span: 0..0,
        role: Role::Primary,
        via: None,
    };
    let message = format!("could not read `{path}`: {error}");
    let mut finding = own_finding(Code::UnreadableFile, Severity::Error, message, vec![location]);
    finding.remedy = Some("the check cannot run without it".to_owned());
    finding
}

pub(super) fn no_policy(workspace: &Workspace, texts: &dyn Texts) -> Finding {
    let mut finding = own_finding(
        Code::NoPolicy,
        Severity::Help,
        "no `deny.toml`: checked advisories, bans and sources with cargo-deny's defaults, skipped licenses"
            .to_owned(),
        vec![head(&workspace.manifest, texts)],
    );
    finding.remedy = Some("create one with `supercargo init`".to_owned());
    finding
}

pub(super) fn no_database(
    workspace: &Workspace,
    error: &DatabaseError,
    texts: &dyn Texts,
) -> Finding {
    let message = format!("could not check advisories: {}", sanitize(&error.to_string()));
    own_finding(
        Code::NoAdvisoryDatabase,
        Severity::Error,
        message,
        vec![head(&workspace.manifest, texts)],
    )
}

/// The check used the advisories that are built into the program.
pub(super) fn built_in_advisories(
    workspace: &Workspace,
    reason: &str,
    date: Option<&str>,
    texts: &dyn Texts,
) -> Finding {
    let date = date.unwrap_or("the day of its release");
    let message =
        format!("checked against the built-in advisories of {date}: {}", sanitize(reason));
    let location = head(&workspace.manifest, texts);
    own_finding(Code::OldAdvisories, Severity::Warning, message, vec![location])
}

pub(super) fn engine(workspace: &Workspace, error: &EngineError, texts: &dyn Texts) -> Finding {
    let message = format!("could not {}", sanitize(&error.to_string()));
    own_finding(Code::CheckFailed, Severity::Error, message, vec![head(&workspace.manifest, texts)])
}

/// Moves a finding's locations to where they are in these texts.
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

/// The finding for cargo's error, at the location that cargo names. A lockfile that cargo cannot read is a
/// finding in that file.
pub(super) fn resolution(
    workspace: &Workspace,
    error: &ResolveError,
    texts: &dyn Texts,
) -> Finding {
    let ResolveError::Cargo { stderr, .. } = error else {
        let message = format!("could not {}", sanitize(&error.to_string()));
        return own_finding(
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
        && let Some(finding) = broken_lockfile(workspace, texts)
    {
        return finding;
    }
    let cargo_error =
        CargoError::from_stderr(stderr, &workspace.manifest, &workspace.root, |path| {
            texts.read(path).ok()
        });
    let location = Location {
        file: cargo_error.location.file,
        text: cargo_error.location.text,
        span: cargo_error.location.span,
        role: Role::Primary,
        via: None,
    };
    let message = format!("cargo failed: {}", sanitize(&cargo_error.message));
    let mut finding = own_finding(Code::ResolutionFailed, Severity::Error, message, vec![location]);
    finding.notes = cargo_error.notes.iter().map(|note| sanitize(note)).collect();
    finding
}

pub(super) const LOCK_REMEDY: &str =
    "restore it from version control, or delete it to let cargo resolve again";

fn broken_lockfile(workspace: &Workspace, texts: &dyn Texts) -> Option<Finding> {
    let file = workspace.lockfile();
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
    let location = Location { file, text, span, role: Role::Primary, via: None };
    let message = format!("could not parse `Cargo.lock`: {}", sanitize(&error.value));
    let mut finding = own_finding(Code::BrokenLockFile, Severity::Error, message, vec![location]);
    finding.remedy = Some(LOCK_REMEDY.to_owned());
    Some(finding)
}
