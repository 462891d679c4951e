//! Checks a workspace with every command line with which CI checks it, and unites the verdicts.
//!
//! All graphs come from one resolution. They are kept for the next check, as far as memory allows.

use std::sync::Arc;

use super::{
    CheckRun, Databases, Gate, GateOptions, GateOutcome, PolicyUse, Progress, Texts, Verdict,
    databases::wants_fetch,
    policy_use::{moved_to, texts_of, withhold},
    united::{GateVerdict, unite},
    unsaved::Unsaved,
    verdict_cache,
};
use crate::{
    cache::Inputs,
    verdict::{DenyOptions, GateName, PolicyText},
};

/// A command line with which CI checks a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandLine {
    /// How it is named.
    pub name: GateName,
    /// The options of cargo-deny. Its paths are absolute.
    pub deny: DenyOptions,
    /// Whether its failure fails CI; some gates only report.
    pub blocks: bool,
}

impl CommandLine {
    fn outcome(&self, exit_code: u8) -> GateOutcome {
        GateOutcome {
            name: self.name.clone(),
            options: self.deny.clone(),
            blocks: self.blocks,
            exit_code,
        }
    }
}

impl Gate {
    /// Checks the workspace; `None` if canceled.
    pub fn check(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        progress: &dyn Progress,
    ) -> Option<Verdict> {
        let lines = &options.command_lines;
        self.has_several_lines = lines.len() > 1;
        self.resolve_error = None;
        self.kept.begin();
        self.unsaved = Arc::new(Unsaved::of(texts, self.unsaved.valid.clone()));
        let verdict = if lines.is_empty() {
            self.check_with(options, texts, databases, progress)
        } else {
            self.check_lines(options, texts, databases, progress)
        };
        // A check that takes the place of a canceled one may need them.
        if verdict.is_some() {
            self.kept.end(lines.len().max(1));
            self.shared_resolution = None;
        }
        verdict
    }

    fn check_lines(
        &mut self,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        progress: &dyn Progress,
    ) -> Option<Verdict> {
        let lines = &options.command_lines;
        let mut verdicts = Vec::new();
        let mut cacheable = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            // Another check starts from the beginning.
            if index > 0 && (progress.is_outdated() || progress.is_cancelled()) {
                return None;
            }
            let line_options = options.of_command_line(line);
            let verdict = if index == 0 {
                self.check_with(&line_options, texts, databases, progress)?
            } else {
                let progress = WithoutProvisional(progress);
                self.check_with(&line_options, texts, databases, &progress)?
            };
            if self.engine_panicked {
                return Some(verdict);
            }
            cacheable.push(self.cacheable.take());
            let checked = GateVerdict { outcome: line.outcome(verdict.exit_code()), verdict };
            if index == 0
                && lines.len() > 1
                && checked.verdict.complete
                && let Some(known) = self.with_new(&checked, index, lines)
            {
                let mut united = unite(known)?;
                withhold(&mut united, &options.other_uses);
                progress.provisional_verdict(united);
            }
            verdicts.push(checked);
        }
        if lines.len() > 1 {
            self.checked_lines.clone_from(&verdicts);
        }
        let mut united = unite(verdicts)?;
        self.cacheable = together(cacheable).filter(|_| united.complete);
        withhold(&mut united, &options.other_uses);
        Some(united)
    }

    /// The last verdicts of all command lines with a new one among them: the others have the findings that they had, where
    /// these are in the texts now. `None` if the command lines have changed.
    fn with_new(
        &self,
        new: &GateVerdict,
        index: usize,
        lines: &[CommandLine],
    ) -> Option<Vec<GateVerdict>> {
        let is_same = |(known, line): (&GateVerdict, &CommandLine)| {
            known.outcome == line.outcome(known.outcome.exit_code)
        };
        let same_lines = self.line_verdicts.len() == lines.len()
            && self.line_verdicts.iter().zip(lines).all(is_same);
        same_lines.then(|| {
            let texts = texts_of(&new.verdict);
            let mut all: Vec<_> = self
                .line_verdicts
                .iter()
                .map(|known| GateVerdict {
                    outcome: known.outcome.clone(),
                    verdict: moved_to(known.verdict.clone(), &new.verdict, &texts),
                })
                .collect();
            all[index] = new.clone();
            all
        })
    }

    /// The cached verdict, if none of its inputs has changed. Starts no program and opens no connection. Another date or
    /// another cargo may give other findings.
    pub fn recall(&self, options: &GateOptions, texts: &dyn Texts) -> Option<Verdict> {
        self.recall_under(None, options, texts)
    }

    /// The verdict that a check would give now, if it is cached: neither its inputs nor the conditions have changed, and
    /// no advisories would be fetched. Starts no program and opens no connection.
    pub fn recall_exact(&self, options: &GateOptions, texts: &dyn Texts) -> Option<Verdict> {
        let conditions = verdict_cache::conditions(options);
        self.recall_under(Some(&conditions), options, texts)
    }

    fn recall_under(
        &self,
        conditions: Option<&str>,
        options: &GateOptions,
        texts: &dyn Texts,
    ) -> Option<Verdict> {
        if self.workspace.is_policy_alone() || options.dependency_graph {
            return None;
        }
        let lines = &options.command_lines;
        let key_of = |options: &GateOptions| self.cache_key(options, texts, conditions.is_some());
        let each: Vec<_> = if lines.is_empty() {
            vec![key_of(options)?]
        } else {
            let keys = lines.iter().map(|line| key_of(&options.of_command_line(line)));
            keys.collect::<Option<_>>()?
        };
        let key = match each.as_slice() {
            [(key, _)] if lines.is_empty() => key.clone(),
            _ => verdict_cache::joined(each.iter().map(|(key, _)| key.as_str())),
        };
        let cache = &options.resolver.cache;
        let mut verdict = verdict_cache::recall(cache, &key, conditions, &self.workspace, texts)?;
        let uses: Vec<_> = each.iter().map(|(_, policy)| PolicyUse::of(&verdict, policy)).collect();
        verdict.policy_use = PolicyUse::common(&uses.iter().collect::<Vec<_>>());
        withhold(&mut verdict, &options.other_uses);
        Some(verdict)
    }

    /// The key of the cached verdict of one command line, and its policy. `None` with advisories that are too old or, if
    /// `is_exact`, would be fetched.
    fn cache_key(
        &self,
        options: &GateOptions,
        texts: &dyn Texts,
        is_exact: bool,
    ) -> Option<(String, PolicyText)> {
        // A missing file is reported once, and a pipe is read once: by the check.
        if options.deny.config.as_ref().is_some_and(|named| !named.is_file()) {
            return None;
        }
        let mut run = CheckRun::new(&self.workspace, options);
        let policy = run.read_policy(options, texts)?;
        let loaded = run.load_policy(&policy, options)?;
        let source = options.database_source(&loaded);
        if !source.is_fresh_enough() || is_exact && wants_fetch(&source, options.refresh) {
            return None;
        }
        let key = verdict_cache::key(&self.workspace, options, &policy, &loaded)?;
        Some((key, policy))
    }
}

/// The key and the inputs of all command lines together; `None` if one of the verdicts may not be cached.
fn together(each: Vec<Option<(String, Inputs)>>) -> Option<(String, Inputs)> {
    let each: Vec<(String, Inputs)> = each.into_iter().collect::<Option<_>>()?;
    let key = verdict_cache::joined(each.iter().map(|(key, _)| key.as_str()));
    let inputs = each.into_iter().map(|(_, inputs)| inputs).reduce(Inputs::and)?;
    Some((key, inputs))
}

/// Passes on everything but provisional verdicts: there is one for all command lines.
struct WithoutProvisional<'p>(&'p dyn Progress);

impl Progress for WithoutProvisional<'_> {
    fn report(&self, message: &str) {
        self.0.report(message);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn is_outdated(&self) -> bool {
        self.0.is_outdated()
    }
}
