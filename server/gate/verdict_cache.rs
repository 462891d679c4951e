//! Caches the last complete verdict on disk together with its inputs. While no input has changed, an editor shows it
//! at once when the workspace is opened again, and `check` reports it without a new check.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{GateOptions, GateOutcome, Texts, Verdict, lints::today};
use crate::{
    cache::{Cache, CacheKind, Input, Inputs, hash},
    facts::RefreshPolicy,
    text::{FilePath, SourceText},
    verdict::{
        Check, Counts, DatabaseSource, Finding, LoadedPolicy, Location, PolicyText,
        ResolvedDependency, WithheldFinding,
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
    findings: Vec<Finding>,
    counts: BTreeMap<Check, Counts>,
    packages: usize,
    declared: Vec<ResolvedDependency>,
    database_date: Option<String>,
    gates: Vec<GateOutcome>,
    /// Because of other gates of the workspace.
    withheld: Vec<WithheldFinding>,
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
    let stored: CachedVerdict =
        serde_json::from_slice(&cache.get(CacheKind::Verdict, key)?).ok()?;
    if conditions.is_some_and(|now| now != stored.conditions)
        || !stored.inputs.hold(&|path| bytes(texts, path))
    {
        return None;
    }
    let mut verdict = Verdict {
        policy: stored.policy,
        exceptions: stored.exceptions,
        findings: stored.findings,
        counts: stored.counts,
        complete: true,
        packages: stored.packages,
        database_date: stored.database_date,
        gates: stored.gates,
        withheld: stored.withheld,
        ..Verdict::empty(workspace.clone())
    };
    let mut declared = stored.declared;
    let mut read: HashMap<FilePath, SourceText> = HashMap::new();
    // The path is that of the first location, which all others share.
    let mut text_of = |file: &mut FilePath| -> Option<SourceText> {
        if let Some((known, text)) = read.get_key_value(file) {
            file.clone_from(known);
            return Some(text.clone());
        }
        let text = texts.read(file).ok()?;
        read.insert(file.clone(), text.clone());
        Some(text)
    };
    let withheld = verdict.withheld.iter_mut().map(|withheld| &mut withheld.finding);
    for location in verdict.findings.iter_mut().chain(withheld).flat_map(locations_of) {
        location.text = text_of(&mut location.file)?;
    }
    for one in &mut declared {
        one.text = text_of(&mut one.file)?;
    }
    verdict.declared = declared.into();
    Some(verdict)
}

/// Caches a complete verdict, if all its locations are in files that are inputs.
pub(super) fn remember(options: &GateOptions, key: &str, inputs: &Inputs, verdict: &Verdict) {
    let mut findings = verdict.findings.clone();
    let files = inputs.texts();
    let are_inputs = findings
        .iter_mut()
        .flat_map(locations_of)
        .all(|location| files.contains(location.file.as_path()))
        && verdict.declared.iter().all(|one| files.contains(one.file.as_path()));
    if !are_inputs || !verdict.complete {
        return;
    }
    let stored = CachedVerdict {
        inputs: inputs.clone(),
        conditions: conditions(options),
        policy: verdict.policy.clone(),
        exceptions: verdict.exceptions.clone(),
        findings,
        counts: verdict.counts.clone(),
        packages: verdict.packages,
        declared: verdict.declared.to_vec(),
        database_date: verdict.database_date.clone(),
        gates: verdict.gates.clone(),
        withheld: verdict.withheld.clone(),
    };
    if let Ok(content) = serde_json::to_vec(&stored) {
        options.resolver.cache.put(CacheKind::Verdict, key, &content);
    }
}

fn locations_of(finding: &mut Finding) -> impl Iterator<Item = &mut Location> {
    let related = finding.related.iter_mut().map(|related| &mut related.location);
    finding.locations.iter_mut().chain(related)
}

fn bytes(texts: &dyn Texts, path: &Utf8Path) -> Option<Vec<u8>> {
    Some(texts.read(path).ok()?.as_str().as_bytes().to_owned())
}
