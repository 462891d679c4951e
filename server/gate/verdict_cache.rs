//! Caches the last complete verdict on disk together with its inputs. While no input has changed, an editor shows it
//! at once when the workspace is opened again, and `check` reports it without a new check.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{
    GateOptions, GateOutcome, OnDisk, Texts, Verdict, lints::today, stored_findings::StoredFindings,
};
use crate::{
    cache::{Cache, CacheKind, Input, Inputs, hash},
    facts::RefreshPolicy,
    text::SourceText,
    verdict::{
        Check, Counts, DatabaseSource, KnownFindings, LoadedPolicy, PolicyText, WithheldFinding,
        WithheldReason,
    },
    workspace::Workspace,
};

/// A verdict without the texts of its locations: they are inputs, so they are on disk.
#[derive(Serialize, Deserialize)]
struct CachedVerdict {
    inputs: Inputs,
    /// See [`conditions`].
    conditions: String,
    policy: Option<Utf8PathBuf>,
    exceptions: Option<Utf8PathBuf>,
    /// First those that are reported, then those that are withheld.
    findings: StoredFindings,
    counts: BTreeMap<Check, Counts>,
    packages: usize,
    database_date: Option<String>,
    gates: Vec<GateOutcome>,
    /// The index and the reason of each finding that is withheld because of other gates of the workspace.
    withheld: Vec<(usize, WithheldReason)>,
}

/// The cache key: of the program, the settings and the policy's text.
pub(super) fn key(
    workspace: &Workspace,
    options: &GateOptions,
    policy: &PolicyText,
    loaded: &LoadedPolicy,
) -> Option<String> {
    // These checks read files that are not listed as inputs.
    if loaded.std_replacements || loaded.build_scripts {
        return None;
    }
    let reads_advisories = options.deny.checks.contains(Check::Advisories);
    if reads_advisories && !options.database_source(loaded).has_known_state() {
        return None;
    }
    // Each check warns about it.
    if loaded.graph.has_invalid_exclusion() {
        return None;
    }
    let GateOptions { deny, advisories, helps, releases, gate_versions, .. } = options;
    let skip_licenses = options.skip_licenses_without_policy;
    let program = std::env::current_exe().ok()?;
    let data = std::fs::metadata(&program).ok()?;
    let program = (program, data.len(), data.modified().ok());
    let settings = (deny, advisories, helps, releases, skip_licenses, gate_versions);
    let exceptions = policy.exceptions.as_ref().map(|file| &file.path);
    let policy = (&policy.path, exceptions, hash(policy.text.as_str().as_bytes()));
    let lock = crate::cache::on_disk(&workspace.lockfile()).map(|bytes| hash(&bytes));
    Some(hash(format!("{workspace:?}{program:?}{settings:?}{policy:?}{lock:?}").as_bytes()))
}

/// The inputs of a verdict besides those of the resolution and the engine. Their state is recorded now, so call
/// this before they are read.
pub(super) fn other_inputs(
    policy: &PolicyText,
    database: &DatabaseSource,
    texts: &dyn Texts,
) -> Inputs {
    let mut inputs: BTreeSet<_> = database.inputs();
    inputs.extend(
        policy
            .path
            .iter()
            .chain(policy.exceptions.as_ref().map(|file| &file.path))
            .cloned()
            .map(Input::Text),
    );
    Inputs::now(inputs, &|path| bytes(texts, path))
}

/// What a verdict depends on besides its inputs: the date, since entries of the policy have dates of expiry, the cargo
/// that is run, and whether the network may be used.
pub(super) fn conditions(options: &GateOptions) -> String {
    let resolver = &options.resolver;
    let network = (resolver.offline, options.refresh == RefreshPolicy::Never);
    hash(format!("{}\0{}\0{network:?}", today(), resolver.environment()).as_bytes())
}

/// The cached verdict, if no input has changed; with `conditions` only if it was made under the same ones.
pub(super) fn recall(
    cache: &Cache,
    key: &str,
    conditions: Option<&str>,
    workspace: &Workspace,
    texts: &dyn Texts,
) -> Option<Verdict> {
    // Most inputs have locations, too.
    let read: RefCell<HashMap<Utf8PathBuf, Option<SourceText>>> = RefCell::default();
    let text_of = |path: &Utf8Path| {
        let mut read = read.borrow_mut();
        let known = read.entry(path.to_owned());
        known.or_insert_with(|| texts.read(path).ok()).clone()
    };
    let stored: CachedVerdict =
        serde_json::from_slice(&cache.get(CacheKind::Verdict, key)?).ok()?;
    if conditions.is_some_and(|now| now != stored.conditions)
        || !stored.inputs.hold(&|path| Some(text_of(path)?.as_str().as_bytes().to_owned()))
    {
        return None;
    }
    let (mut findings, declared) = stored.findings.restored(|file| text_of(file))?;
    let withheld = findings.split_off(findings.len().checked_sub(stored.withheld.len())?);
    let withheld = withheld.into_iter().zip(stored.withheld);
    let withheld =
        withheld.map(|(finding, (index, reason))| WithheldFinding { index, finding, reason });
    Some(Verdict {
        policy: stored.policy,
        exceptions: stored.exceptions,
        findings,
        counts: stored.counts,
        complete: true,
        packages: stored.packages,
        declared: declared.into(),
        database_date: stored.database_date,
        gates: stored.gates,
        withheld: withheld.collect(),
        ..Verdict::empty(workspace.clone())
    })
}

/// What a check found, if the cached verdict has exactly these inputs. Its locations are in the files on disk: a buffer with
/// syntax errors is not checked.
pub(super) fn known_findings(
    cache: &Cache,
    key: &str,
    inputs: &Inputs,
    check: Check,
) -> Option<KnownFindings> {
    // With one command line, the verdict has the key of several.
    let joined = joined([key]);
    let content = [key, &joined].into_iter().find_map(|key| cache.get(CacheKind::Verdict, key))?;
    let stored: CachedVerdict = serde_json::from_slice(&content).ok()?;
    if stored.inputs != *inputs || !stored.withheld.is_empty() {
        return None;
    }
    let counts = *stored.counts.get(&check)?;
    let (mut findings, _) = stored.findings.restored(|file| OnDisk.read(file).ok())?;
    findings.retain(|finding| finding.check == check);
    Some(KnownFindings { findings, counts })
}

/// The key of several command lines together.
pub(super) fn joined<'k>(keys: impl IntoIterator<Item = &'k str>) -> String {
    hash(keys.into_iter().collect::<Vec<_>>().join(" ").as_bytes())
}

/// Caches a complete verdict, if all its locations are in files that are inputs.
pub(super) fn remember(options: &GateOptions, key: &str, inputs: &Inputs, verdict: &Verdict) {
    if !verdict.complete {
        return;
    }
    let withheld = verdict.withheld.iter().map(|withheld| &withheld.finding);
    let findings = StoredFindings::of(verdict.findings.iter().chain(withheld), &verdict.declared);
    let files = inputs.texts();
    if !findings.files().iter().all(|file| files.contains(file.as_path())) {
        return;
    }
    let withheld = verdict.withheld.iter().map(|one| (one.index, one.reason.clone()));
    let stored = CachedVerdict {
        inputs: inputs.clone(),
        conditions: conditions(options),
        policy: verdict.policy.clone(),
        exceptions: verdict.exceptions.clone(),
        findings,
        counts: verdict.counts.clone(),
        packages: verdict.packages,
        database_date: verdict.database_date.clone(),
        gates: verdict.gates.clone(),
        withheld: withheld.collect(),
    };
    if let Ok(content) = serde_json::to_vec(&stored) {
        options.resolver.cache.put(CacheKind::Verdict, key, &content);
    }
}

fn bytes(texts: &dyn Texts, path: &Utf8Path) -> Option<Vec<u8>> {
    Some(texts.read(path).ok()?.as_str().as_bytes().to_owned())
}
