//! Changes the requirements in manifests: those that reject the new version are raised.

use std::{collections::BTreeMap, io};

use camino::Utf8PathBuf;
use semver::VersionReq;

use crate::{
    fix::{NoFixReason, Overlay, requirement, solver::UpgradeStep},
    gate::{Texts as _, Verdict},
    model::manifest::Manifest,
    text::{FilePath, SourceText, Span},
    verdict::PackageRef,
};

/// Whether requirements are raised that accept the new version but name the locked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum RequirementUpdate {
    /// They are raised, so that they no longer resolve to the old version.
    Raise,
    /// They stay, and only the lockfile changes.
    KeepAccepting,
}

/// Manifests with raised requirements.
pub(in crate::fix) struct RaisedRequirements {
    /// The texts.
    pub(in crate::fix) texts: Overlay,
    /// Requirements were raised that accept the new version, and none that reject it.
    pub(in crate::fix) raised_accepting: bool,
}

/// The span of a requirement in a file, and the raised requirement.
type RequirementEdits = BTreeMap<Utf8PathBuf, BTreeMap<usize, (Span, String)>>;

/// A requirement in a manifest.
struct StatedRequirement {
    file: Utf8PathBuf,
    /// The text of the file.
    text: SourceText,
    span: Span,
}

/// Raises the requirements that reject the versions of `steps` or name the locked ones. `verdict` belongs to
/// `texts`. Upper bounds are raised only if the upgrade is `breaking`.
///
/// # Errors
///
/// Why a requirement cannot be raised.
pub(in crate::fix) fn with_requirements(
    texts: &Overlay,
    verdict: &Verdict,
    steps: &[UpgradeStep],
    update: RequirementUpdate,
    breaking: bool,
) -> Result<RaisedRequirements, NoFixReason> {
    let mut raised = RaisedRequirements { texts: texts.clone(), raised_accepting: false };
    let mut edits = RequirementEdits::new();
    let mut forbidden = false;
    for UpgradeStep { package, to: version, .. } in steps.iter().filter(|step| step.is_direct) {
        for StatedRequirement { file, text, span } in stated_requirements(texts, verdict, package) {
            let shown = file.strip_prefix(verdict.workspace.folder()).unwrap_or(&file);
            let Some(stated) = text.as_str().get(span.clone()) else { continue };
            let Ok(parsed) = VersionReq::parse(stated) else { continue };
            let accepts = parsed.matches(version);
            let names_locked = requirement::names_version(stated, &package.version.to_string());
            forbidden |= !accepts;
            if accepts && (update == RequirementUpdate::KeepAccepting || !names_locked) {
                continue;
            }
            if let Some(reason) = texts.refusal(&file, &verdict.workspace.root) {
                if !accepts {
                    return Err(NoFixReason::NotEditable(reason));
                }
                let name = &package.name;
                raised
                    .texts
                    .leave_out(format!("the requirement of `{name}` was not raised: {reason}"));
                continue;
            }
            raised.raised_accepting |= accepts;
            let bounded = || requirement::raised_past_bounds(stated, version).filter(|_| breaking);
            let changed = requirement::raised(stated, version).or_else(bounded);
            let Some(changed) = changed else {
                if accepts {
                    continue;
                }
                let line = text.line_column(span.start).line;
                return Err(NoFixReason::RequirementRejects {
                    requirement: stated.to_owned(),
                    at: format!("{shown}:{line}"),
                    version: version.clone(),
                });
            };
            if texts.read(&file).ok().is_none_or(|now| now.as_str() != text.as_str()) {
                return Err(NoFixReason::Changed { file: shown.to_owned() });
            }
            edits.entry(file).or_default().insert(span.start, (span, changed));
        }
    }
    raised.raised_accepting &= !forbidden;
    for (file, edits) in edits {
        let unreadable = |error: io::Error| {
            let (file, error) = (file.clone(), error.to_string());
            NoFixReason::Unreadable { file, error }
        };
        let mut edited = texts.read(&file).map_err(unreadable)?.as_str().to_owned();
        for (span, changed) in edits.into_values().rev() {
            edited.replace_range(span, &changed);
        }
        raised.texts.set(&file, SourceText::new(&edited)).map_err(unreadable)?;
    }
    Ok(raised)
}

/// The requirements that resolve to a locked package.
fn stated_requirements(
    texts: &Overlay,
    verdict: &Verdict,
    package: &PackageRef,
) -> Vec<StatedRequirement> {
    let declared = verdict.declared.iter().filter(|one| one.package == *package);
    // An inherited dependency has its requirement in the workspace manifest.
    let declared = declared.filter(|one| one.key != one.location);
    let mut all: Vec<_> = declared
        .map(|one| StatedRequirement {
            file: one.file.to_path_buf(),
            text: one.text.clone(),
            span: one.location.clone(),
        })
        .collect();
    if !all.is_empty() {
        return all;
    }
    // Not in the graph, such as a dependency of another platform.
    let mut files: Vec<FilePath> = verdict.declared.iter().map(|one| one.file.clone()).collect();
    files.push(FilePath::from(&verdict.workspace.manifest));
    files.push(verdict.workspace.root.join("Cargo.toml").into());
    files.sort();
    files.dedup();
    for file in files {
        let Ok(text) = texts.read(&file) else { continue };
        for one in Manifest::parse(text.as_str()).all_dependencies() {
            let Some(stated) = &one.requirement else { continue };
            let resolves =
                VersionReq::parse(&stated.value).is_ok_and(|req| req.matches(&package.version));
            if one.package == package.name && one.git.is_none() && resolves {
                let (file, text, span) = (file.to_path_buf(), text.clone(), stated.span.clone());
                all.push(StatedRequirement { file, text, span });
            }
        }
    }
    all
}
