//! A graph on which cargo-deny's checks run.

use std::sync::{Arc, OnceLock};

use camino::Utf8PathBuf;
use cargo_deny::{
    CheckCtx, Krates,
    advisories::{self, Indices, NoneReporter},
    bans,
    diag::{ErrorSink, FileId, Files, KrateSpans, Pack},
    licenses::{self, Gatherer},
    sources,
};
use codespan_reporting::files::Files as _;

use super::graph_cache::GraphCache;
use crate::{
    threads::{self, Panic},
    verdict::{
        Check, CheckSet, Database, EngineRequest, LintLevels, PolicyText,
        license_lines::LicenseLines,
        message_text::{join_with_and, sanitize},
        policy::DenyConfig,
    },
};

/// A graph with the text spans that cargo-deny makes for it.
pub(super) struct DenyGraph<'g> {
    pub(super) cache: &'g GraphCache<'g>,
    pub(super) krates: &'g Krates,
    pub(super) spans: KrateSpans<'g>,
    /// The files that the spans refer to, after the policy, in the order of their ids.
    pub(super) files: Vec<(Utf8PathBuf, String)>,
    /// Those of the cache for other files.
    pub(super) license_lines: OnceLock<LicenseLines>,
}

impl<'g> DenyGraph<'g> {
    pub(super) fn new(cache: &'g GraphCache<'g>) -> Self {
        let krates = cache.krates;
        let mut files = Files::new();
        // The policy's id is taken before those of the files that the spans refer to.
        files.add("", "");
        let root = krates.workspace_root().as_str();
        let spans = KrateSpans::synthesize(krates, root, &mut files);
        let mut span_files = Vec::new();
        for id in 1.. {
            let Ok(name) = files.name(id) else { break };
            span_files.push((name.to_owned(), files.source(id).to_owned()));
        }
        Self { cache, krates, spans, files: span_files, license_lines: OnceLock::new() }
    }

    pub(super) fn run_checks(
        &self,
        config: DenyConfig,
        request: &EngineRequest,
        checks: CheckSet,
        files: &mut Files,
        summary: Option<licenses::Summary<'g>>,
    ) -> Vec<(Check, DenyOutput)> {
        let is_enabled = |check| checks.contains(check);
        let gathered = is_enabled(Check::Licenses)
            .then(|| summary.map_or_else(|| self.gather(&config.licenses, files), Ok));
        let (files, levels) = (&*files, &request.levels);
        let mut results = Vec::new();
        if is_enabled(Check::Advisories)
            && let Some(database) = &request.database
        {
            results.push((
                Check::Advisories,
                self.check_advisories(config.advisories, database, files, request),
            ));
        }
        if is_enabled(Check::Bans) {
            let result = collected(levels, |sink| {
                bans::check(self.context(config.bans, files), None, sink);
            });
            results.push((Check::Bans, result));
        }
        match gathered {
            Some(Ok(summary)) => {
                let result = collected(levels, |sink| {
                    licenses::check(self.context(config.licenses, files), summary, sink);
                });
                results.push((Check::Licenses, result));
            }
            Some(Err(panic)) => {
                results.push((
                    Check::Licenses,
                    DenyOutput { packs: Vec::new(), failure: Some(sanitize(&panic.message)) },
                ));
            }
            None => {}
        }
        if is_enabled(Check::Sources) {
            let result = collected(levels, |sink| {
                sources::check(self.context(config.sources, files), sink);
            });
            results.push((Check::Sources, result));
        }
        results
    }

    /// The files to which diagnostics refer, and the id of the policy among them.
    pub(super) fn files_with(&self, policy: &PolicyText) -> (Files, FileId) {
        let mut files = Files::new();
        let policy_id = files.add(policy.name(), policy.text.as_str());
        for (name, source) in &self.files {
            files.add(name.clone(), source.clone());
        }
        (files, policy_id)
    }

    /// Gathers the licenses of all packages.
    pub(super) fn gather(
        &self,
        config: &licenses::cfg::ValidConfig,
        files: &mut Files,
    ) -> Result<licenses::Summary<'g>, Panic> {
        let lines = || {
            let all = self.cache.license_lines.get_or_init(|| LicenseLines::read(self.krates));
            all.without(&self.files)
        };
        self.license_lines.get_or_init(lines).add_to(files);
        threads::catch_and_warn(|| {
            Gatherer::default()
                .with_store(self.cache.license_store())
                .with_confidence_threshold(config.confidence_threshold)
                .gather(self.krates, files, config)
        })
    }

    fn check_advisories(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        request: &EngineRequest,
    ) -> DenyOutput {
        let result = self.run_advisories(config, database, files, request);
        // cargo-deny panics when an advisory of an unknown kind affects a package. The other
        // advisories are checked all the same, and the message names those that were not.
        let Some(failure) = &result.failure else { return result };
        let is_there = |name: &str| self.krates.krates_by_name(name).next().is_some();
        let Some((supported, left_out)) = database.without_unknown_kinds(is_there) else {
            return result;
        };
        let again =
            request.policy.parse(0, &mut Files::new()).ok().and_then(|parsed| parsed.config);
        let Some(again) = again else { return result };
        let packs = self.run_advisories(again.advisories, &supported, files, request).packs;
        let failure = format!("{failure}; not checked: {}", join_with_and(&left_out));
        DenyOutput { packs, failure: Some(failure) }
    }

    fn run_advisories(
        &self,
        config: advisories::cfg::ValidConfig,
        database: &Database,
        files: &Files,
        request: &EngineRequest,
    ) -> DenyOutput {
        let needs_index = !config.disable_yank_checking;
        collected(&request.levels, move |mut sink| {
            let context = self.context(config, files);
            let indices = match needs_index
                .then(|| self.cache.index_entries(request.index, &request.waits))
            {
                None => None,
                Some(Ok(entries)) => Some(Indices { indices: Vec::new(), cache: entries }),
                Some(Err(error)) => {
                    sink.push(context.diag_for_index_load_failure(format!(
                        "unable to find cargo home directory: {error}"
                    )));
                    None
                }
            };
            advisories::check(
                context,
                &database.set,
                None::<NoneReporter>,
                cargo_deny::SerializeAdvisory::Json,
                indices,
                sink,
            );
        })
    }

    fn context<'c, C>(&'c self, cfg: C, files: &'c Files) -> CheckCtx<'c, C>
    where
        'g: 'c,
    {
        CheckCtx {
            cfg,
            krates: self.krates,
            krate_spans: &self.spans,
            colorize: false,
            log_level: log::LevelFilter::Warn,
            files,
        }
    }
}

/// The diagnostics of one of cargo-deny's checks.
pub(super) struct DenyOutput {
    pub(super) packs: Vec<Pack>,
    /// The message of the panic that ended it early.
    pub(super) failure: Option<String>,
}

/// Runs a check and keeps its diagnostics, even if it panics. cargo-deny gives them the levels.
fn collected(levels: &LintLevels, check: impl FnOnce(ErrorSink)) -> DenyOutput {
    let (sender, receiver) = crossbeam::channel::unbounded();
    let overrides = levels.overrides().map(Arc::new);
    let panic = threads::catch_and_warn(|| check(ErrorSink { overrides, channel: sender })).err();
    let failure = panic.map(|panic| sanitize(&panic.message));
    DenyOutput { packs: receiver.into_iter().collect(), failure }
}
