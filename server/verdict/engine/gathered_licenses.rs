//! The licenses of all packages, gathered ahead. To recognize license texts and to read the expressions of a thousand packages
//! takes cargo-deny longer than to check an edited policy, and it does not depend on what is allowed. A summary cannot be
//! copied, so the next one is made after a check.

use std::{
    cell::{Cell, RefCell},
    fs,
    time::SystemTime,
};

use camino::Utf8PathBuf;
use cargo_deny::{
    Krate, Krates,
    diag::{FileId, Files},
    licenses::{Summary, cfg::ValidConfig},
};
use codespan_reporting::files::Files as _;

use super::deny_graph::DenyGraph;
use crate::verdict::{
    Check, EngineRequest, PolicyText,
    license_files::{has_changing_files, is_license_name, needs_text},
};

/// The file that cargo-deny adds to the files when it reads a policy with `enable-builtin-globs`. It panics if the file is
/// there already.
const BUILTIN_GLOBS: &str = "builtin_globs.toml";

/// The summary for the next check of the same graph.
#[derive(Default)]
pub(super) struct GatheredLicenses<'g> {
    next: RefCell<Option<Gathered<'g>>>,
    /// There was a check, so that another one is likely: a policy is being edited.
    had_check: Cell<bool>,
}

/// A summary with the files that it refers to.
pub(super) struct Gathered<'g> {
    pub(super) files: Files,
    pub(super) policy_id: FileId,
    pub(super) summary: Summary<'g>,
    pub(super) inputs: GatherInputs,
}

/// What a summary depends on besides the graph.
#[derive(PartialEq)]
pub(super) struct GatherInputs {
    include_dev: bool,
    include_build: bool,
    threshold: f32,
    /// With their offsets in the policy.
    clarifications: Vec<String>,
    /// The license texts that may change, with their sizes and times.
    texts: Vec<(Utf8PathBuf, u64, Option<SystemTime>)>,
}

impl GatherInputs {
    pub(super) fn of(krates: &Krates, config: &ValidConfig) -> Self {
        let clarifications = config.clarifications.iter().map(|one| {
            let files = one.license_files.iter();
            let files: Vec<_> = files.map(|file| (file.path.value.as_str(), file.hash)).collect();
            format!("{} {} {} {files:?}", one.spec, one.expr_offset, one.expression)
        });
        let changing = krates
            .krates()
            .filter(|krate| needs_text(krate.license.as_deref()) && has_changing_files(krate));
        Self {
            include_dev: config.include_dev,
            include_build: config.include_build,
            threshold: config.confidence_threshold,
            clarifications: clarifications.collect(),
            texts: changing.flat_map(texts_of).collect(),
        }
    }
}

/// The license texts of a package that cargo-deny would read.
fn texts_of(krate: &Krate) -> Vec<(Utf8PathBuf, u64, Option<SystemTime>)> {
    let Some(folder) = krate.manifest_path.parent() else { return Vec::new() };
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let named = entries.filter(|entry| is_license_name(entry.file_name()));
    let mut files: Vec<_> = named.map(|entry| entry.path().to_owned()).collect();
    files.extend(krate.license_file.iter().map(|file| folder.join(file)));
    files.sort();
    let with_state = files.into_iter().map(|file| {
        let data = fs::metadata(&file);
        let size = data.as_ref().map_or(0, fs::Metadata::len);
        (file, size, data.and_then(|data| data.modified()).ok())
    });
    with_state.collect()
}

impl<'g> GatheredLicenses<'g> {
    /// The summary for a request, if there is one. Whether its [`Gathered::inputs`] are the same is known once the policy is
    /// parsed.
    pub(super) fn take(&self, request: &EngineRequest) -> Option<Gathered<'g>> {
        let is_of_policy = |next: &Gathered<'_>| {
            next.files.name(next.policy_id).is_ok_and(|name| name == request.policy.name().as_str())
        };
        let next = self.next.take().filter(is_of_policy);
        next.filter(|_| can_be_gathered_ahead(request))
    }

    /// Keeps a summary that was not used.
    pub(super) fn put_back(&self, unused: Gathered<'g>) {
        if unused.files.id_for_path(BUILTIN_GLOBS.into()).is_none() {
            self.next.replace(Some(unused));
        }
    }

    /// Gathers for the next check after one with this request; not after the first one, which may be the only one.
    pub(super) fn prepare_next(&self, graph: &DenyGraph<'g>, request: &EngineRequest) {
        let is_first = !self.had_check.replace(true);
        if !is_first && can_be_gathered_ahead(request) {
            self.prepare(graph, &request.policy);
        }
    }

    /// Gathers for the next check, which probably has this policy.
    pub(super) fn prepare(&self, graph: &DenyGraph<'g>, policy: &PolicyText) {
        self.had_check.set(true);
        if self.next.borrow().is_some() {
            return;
        }
        let (mut files, policy_id) = graph.files_with(policy);
        // The check parses the policy with these files, so nothing is added to them here.
        let Ok(parsed) = policy.parse(policy_id, &mut Files::new()) else { return };
        let Some(config) = parsed.config.map(|config| config.licenses) else { return };
        let inputs = GatherInputs::of(graph.krates, &config);
        // A panic is reported by the check.
        if let Ok(summary) = graph.gather(&config, &mut files) {
            self.next.replace(Some(Gathered { files, policy_id, summary, inputs }));
        }
    }
}

/// A file of exceptions would be added to the files each time the policy is parsed.
pub(super) fn can_be_gathered_ahead(request: &EngineRequest) -> bool {
    request.checks.contains(Check::Licenses) && request.policy.exceptions.is_none()
}
