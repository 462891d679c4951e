//! Findings for failures: why a check could not run, at the location of the cause.

use std::io;

use camino::Utf8Path;

use super::Texts;
use crate::{
    model::{lockfile::Lockfile, manifest::Manifest},
    resolve::{CargoError, CargoErrorLocation, ResolveError, Resolver},
    text::{Edit, Edits, SourceText},
    verdict::{
        Code, DatabaseError, EngineError, Finding, Location, Related, Role, Severity, own_finding,
        sanitize,
    },
    workspace::Workspace,
};

pub(super) fn head(manifest: &Utf8Path, texts: &dyn Texts) -> Location {
    let text = texts.read(manifest).unwrap_or_else(|_| SourceText::new(""));
    let span = Manifest::parse(text.as_str()).head();
    Location { file: manifest.into(), text, span, role: Role::Primary, via: None }
}

pub(super) fn unreadable(path: &Utf8Path, error: &io::Error) -> Finding {
    let location = Location {
        file: path.into(),
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
    resolver: &Resolver,
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
    if let Some(finding) = lockfile_of_newer_cargo(workspace, stderr, resolver, texts) {
        return finding;
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
    let at = |location: CargoErrorLocation| {
        let CargoErrorLocation { file, text, span } = location;
        Location { file: file.into(), text, span, role: Role::Primary, via: None }
    };
    let message = format!("cargo failed: {}", sanitize(&cargo_error.message));
    let locations = vec![at(cargo_error.location)];
    let mut finding = own_finding(Code::ResolutionFailed, Severity::Error, message, locations);
    finding.remedy = cargo_error.remedy.as_deref().map(sanitize);
    finding.notes = cargo_error.notes.iter().map(|note| sanitize(note)).collect();
    let related = cargo_error.related.into_iter();
    finding.related = related
        .map(|(location, message)| Related { location: at(location), message: sanitize(&message) })
        .collect();
    finding
}

/// The syntax error of a manifest, in the words of [`resolution`], before cargo has read the text; cargo stops
/// at the first one.
pub(crate) fn manifest_syntax(file: &Utf8Path, text: &SourceText) -> Option<Finding> {
    let error = Manifest::parse(text.as_str()).errors.into_iter().next()?;
    let message = format!("cargo failed: {}", sanitize(&error.message));
    let file = file.to_owned();
    let location = Location {
        file: file.into(),
        text: text.clone(),
        span: error.span,
        role: Role::Primary,
        via: None,
    };
    Some(own_finding(Code::ResolutionFailed, Severity::Error, message, vec![location]))
}

/// Whether a finding is the syntax error of a manifest.
pub(crate) fn is_manifest_syntax(finding: &Finding) -> bool {
    finding.code == Some(Code::ResolutionFailed)
        && finding.locations.first().is_some_and(|location| {
            location.file.file_name() == Some("Cargo.toml")
                && !Manifest::parse(location.text.as_str()).errors.is_empty()
        })
}

pub(super) const LOCK_REMEDY: &str =
    "restore it from version control, or delete it to let cargo resolve again";

/// The formats of `Cargo.lock` and the first cargo that reads each (cargo's `core::resolver::encode`).
const LOCK_FORMATS: [(i64, &str); 2] = [(3, "1.53"), (4, "1.78")];

/// A lockfile in a format that this cargo does not know: the file is sound, the cargo is too old.
fn lockfile_of_newer_cargo(
    workspace: &Workspace,
    stderr: &str,
    resolver: &Resolver,
    texts: &dyn Texts,
) -> Option<Finding> {
    let cargo_words =
        stderr.lines().find(|line| line.trim().starts_with("lock file version `"))?.trim();
    let file = workspace.lockfile();
    let text = texts.read(&file).ok()?;
    let format = Lockfile::format(text.as_str())?;
    let version = resolver.version(workspace);
    let this_cargo = version.as_deref().unwrap_or("this cargo");
    let message = format!(
        "`Cargo.lock` has format version {}, written by a newer cargo than {}, which cannot read it",
        format.value,
        sanitize(this_cargo)
    );
    let known = LOCK_FORMATS.iter().find(|(known, _)| *known == format.value);
    let needed =
        match (known, version.as_deref().and_then(|version| version.split(' ').next_back())) {
            (Some((_, first)), _) => format!("cargo {first} or newer"),
            (None, Some(version)) => {
                format!("a cargo newer than {version}, such as the one that wrote it")
            }
            (None, None) => "the cargo that wrote it".to_owned(),
        };
    let location =
        Location { file: file.into(), text, span: format.span, role: Role::Primary, via: None };
    let mut finding = own_finding(Code::BrokenLockFile, Severity::Error, message, vec![location]);
    finding.remedy =
        Some(format!("use {needed} (`rustup update`, or the channel in `rust-toolchain.toml`)"));
    finding.notes.push(format!("cargo: {}", sanitize(cargo_words)));
    Some(finding)
}

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
    let location = Location { file: file.into(), text, span, role: Role::Primary, via: None };
    let message = format!("could not parse `Cargo.lock`: {}", sanitize(&error.value));
    let mut finding = own_finding(Code::BrokenLockFile, Severity::Error, message, vec![location]);
    finding.remedy = Some(LOCK_REMEDY.to_owned());
    Some(finding)
}
