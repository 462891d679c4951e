//! `check --engine`: runs an installed cargo-deny on the same workspace with the same options, and shows where its
//! verdict differs. It is the user's program, so its verdict is shown and never used.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{
    arguments::Format, json::line, shown::ShownFindings, targets::absolute, terminal::escaped_line,
};
use crate::{
    gate::{GateOptions, Verdict},
    policy::effects::counted,
    process::{self, Output, TemporaryFolder},
    verdict::{Check, Code, DenyOptions, Finding, Severity},
};

/// What is printed, whatever its level.
const PRINT_ALL: [&str; 6] = ["--format", "json", "--log-level", "debug", "--color", "never"];

/// An installed cargo-deny.
pub(super) struct InstalledEngine {
    program: Utf8PathBuf,
    /// Such as `cargo-deny 0.20.2`.
    name: String,
    /// `--manifest-path`, as written.
    manifest_path: Option<Utf8PathBuf>,
}

/// Where the verdict of an installed cargo-deny differs.
pub(super) struct EngineComparison<'e> {
    engine: &'e InstalledEngine,
    workspace: String,
    differences: Vec<Difference>,
    /// Its exit code and ours; `None` if a signal ended it.
    exit_codes: (Option<i32>, u8),
    /// Why it has no verdict.
    failure: Option<String>,
}

/// A finding that one of both has more often.
struct Difference {
    finding: ComparedFinding,
    message: String,
    /// How often the other engine has it, and how often we do.
    counts: (usize, usize),
}

/// What is compared of a finding: not its texts and locations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ComparedFinding {
    /// `None` for a code that this program does not know.
    check: Option<Check>,
    code: Option<String>,
    severity: Severity,
    /// Names and versions, sorted.
    packages: Vec<(String, String)>,
    advisory: Option<String>,
}

/// A line of cargo-deny's standard error.
#[derive(Deserialize)]
#[serde(tag = "type", content = "fields", rename_all = "lowercase")]
enum EngineRecord {
    Log { level: String, message: String },
    Diagnostic(EngineDiagnostic),
    Summary(serde_json::Value),
}

#[derive(Deserialize)]
struct EngineDiagnostic {
    severity: String,
    message: String,
    code: Option<String>,
    /// Absent for findings about the policy itself.
    graphs: Option<Vec<EngineGraph>>,
    advisory: Option<EngineAdvisory>,
}

#[derive(Deserialize)]
struct EngineGraph {
    #[serde(rename = "Krate")]
    package: EnginePackage,
}

#[derive(Deserialize)]
struct EnginePackage {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct EngineAdvisory {
    id: String,
}

/// What cargo-deny has printed.
#[derive(Default)]
struct EngineOutput {
    findings: Vec<(ComparedFinding, String)>,
    has_verdict: bool,
    /// What it printed last besides findings, an error if there is one.
    last_words: Option<String>,
}

#[derive(Serialize)]
struct DifferenceRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    check: Option<&'a str>,
    code: Option<&'a str>,
    severity: &'a str,
    message: &'a str,
    packages: Vec<EnginePackageRecord<'a>>,
    advisory: Option<&'a str>,
    in_engine: usize,
    in_supercargo: usize,
}

#[derive(Serialize)]
struct EnginePackageRecord<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct EngineSummaryRecord<'a> {
    r#type: &'static str,
    workspace: &'a str,
    program: &'a str,
    version: &'a str,
    differences: usize,
    exit_code: Option<i32>,
    failure: Option<&'a str>,
}

impl InstalledEngine {
    /// Looks up a program and its version.
    ///
    /// # Errors
    ///
    /// When it cannot be run, or is not cargo-deny.
    pub(super) fn find(
        program: &Utf8Path,
        manifest_path: Option<&Utf8Path>,
        options: &GateOptions,
    ) -> anyhow::Result<Self> {
        let found = process::resolve_program(program.as_std_path())
            .with_context(|| format!("could not run `{program}`"))?;
        let found = Utf8PathBuf::from_path_buf(found)
            .map_err(|path| anyhow::anyhow!("the path `{}` is not UTF-8", path.display()))?;
        let output = Self::start(&found, Utf8Path::new("/"), &["--version".to_owned()], options)
            .with_context(|| format!("could not run `{program}`"))?;
        let name = output.stdout.trim();
        if !output.success || !name.starts_with("cargo-deny ") {
            bail!("`{program}` is not cargo-deny: `--version` printed `{}`", escaped_line(name));
        }
        Ok(Self {
            program: found,
            name: name.to_owned(),
            manifest_path: manifest_path.map(Into::into),
        })
    }

    /// Checks the workspace of a verdict and compares.
    ///
    /// # Errors
    ///
    /// When the program cannot be run.
    pub(super) fn compare(
        &self,
        verdict: &Verdict,
        options: &GateOptions,
    ) -> anyhow::Result<EngineComparison<'_>> {
        let deny =
            DenyOptions { manifest_path: self.manifest_path.clone(), ..options.deny.clone() };
        let words: Vec<_> = PRINT_ALL.map(str::to_owned).into_iter().chain(deny.words()).collect();
        // As the user would run it; a manifest path is relative to the current folder.
        let here = absolute(Utf8Path::new("."))?;
        let folder = if self.manifest_path.is_some() { &here } else { verdict.workspace.folder() };
        let output = Self::start(&self.program, folder, &words, options)
            .with_context(|| format!("could not run `{}`", self.program))?;
        let theirs = EngineOutput::read(&output.stderr);
        let failure = (!theirs.has_verdict).then(|| {
            theirs.last_words.clone().unwrap_or_else(|| "it printed no summary".to_owned())
        });
        // How much is printed before a failure is a matter of chance.
        let both = theirs.has_verdict && verdict.complete;
        let is_compared = |finding: &ComparedFinding| both || finding.check == Some(Check::Config);
        let ours = verdict.findings.iter().filter(|finding| finding.check != Check::Supercargo);
        let ours = ours.map(|finding| (ComparedFinding::of(finding), finding.message.clone()));
        Ok(EngineComparison {
            engine: self,
            workspace: verdict.workspace.folder().to_string(),
            differences: differences(
                theirs.findings.into_iter().filter(|(finding, _)| is_compared(finding)),
                ours.filter(|(finding, _)| is_compared(finding)),
            ),
            exit_codes: (output.code, verdict.exit_code()),
            failure,
        })
    }

    /// Runs it without the right to write to the workspace, where the system can enforce that.
    fn start(
        program: &Utf8Path,
        folder: &Utf8Path,
        words: &[String],
        options: &GateOptions,
    ) -> anyhow::Result<Output> {
        let children = &options.resolver.children;
        let temporary = TemporaryFolder::new(children)?;
        let mut command = process::cargo(Path::new(program), options.resolver.offline);
        command.args(words).current_dir(folder);
        crate::resolve::turn_off_wrappers(&mut command, folder);
        Ok(children.confined(&[temporary.path()]).run(command)?)
    }
}

impl EngineOutput {
    fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut error = None;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(EngineRecord::Diagnostic(diagnostic)) => {
                    if diagnostic.severity == "error" {
                        error.get_or_insert_with(|| diagnostic.message.clone());
                    }
                    let message = diagnostic.message.clone();
                    read.findings.push((ComparedFinding::read(diagnostic), message));
                }
                Ok(EngineRecord::Summary(checks)) => read.has_verdict = checks.is_object(),
                Ok(EngineRecord::Log { level, message }) if level == "ERROR" => {
                    error = Some(message);
                }
                // A panic, or the refusal of an option, whose first line has the reason.
                Err(_) if read.last_words.is_none() => read.last_words = Some(line.to_owned()),
                Ok(EngineRecord::Log { .. }) | Err(_) => {}
            }
        }
        read.last_words = error.or(read.last_words);
        read
    }
}

impl ComparedFinding {
    fn of(finding: &Finding) -> Self {
        let packages = finding.packages.iter();
        let packages = packages.map(|it| (it.name.clone(), it.version.to_string())).collect();
        Self {
            check: Some(finding.check),
            code: finding.code.map(|code| code.name().to_owned()),
            severity: finding.severity,
            packages: sorted(packages),
            advisory: finding.advisory.as_ref().map(|advisory| advisory.id.clone()),
        }
    }

    fn read(diagnostic: EngineDiagnostic) -> Self {
        let known = diagnostic.code.as_deref().map(Code::by_name);
        let check = match (known, &diagnostic.graphs) {
            (Some(Some(code)), _) => Some(code.check()),
            (_, None) => Some(Check::Config),
            (_, Some(_)) => None,
        };
        let severity = match diagnostic.severity.as_str() {
            "error" => Severity::Error,
            "note" => Severity::Note,
            "help" => Severity::Help,
            // Also `bug`, which is a warning here.
            _ => Severity::Warning,
        };
        let packages = diagnostic.graphs.unwrap_or_default().into_iter();
        let packages = packages.map(|graph| (graph.package.name, graph.package.version)).collect();
        Self {
            check,
            code: diagnostic.code,
            severity,
            packages: sorted(packages),
            advisory: diagnostic.advisory.map(|advisory| advisory.id),
        }
    }

    fn shown(&self, message: &str) -> String {
        let code = self.code.as_ref().map_or(String::new(), |code| format!("[{code}]"));
        let advisory = self.advisory.as_ref().map_or(String::new(), |id| format!(" {id}"));
        let packages: Vec<_> =
            self.packages.iter().map(|(name, version)| format!("`{name}` {version}")).collect();
        let packages = match packages.as_slice() {
            [] => String::new(),
            all => format!(" for {}", all.join(", ")),
        };
        let text = format!("{}{code}{advisory}{packages}: {message}", self.severity.name());
        escaped_line(&text).into_owned()
    }
}

impl EngineComparison<'_> {
    /// Why the program has no verdict that can be compared.
    pub(super) fn failure(&self) -> Option<String> {
        let reason = self.failure.as_ref()?;
        Some(format!("`{}` has no verdict: {reason}", self.engine.name))
    }

    /// A line for each difference of a shown severity, or one sentence: versions can differ in thousands of notes. As
    /// JSON, a record for each difference and one about the program.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON.
    pub(super) fn output(&self, format: Format, shown: ShownFindings) -> anyhow::Result<Vec<u8>> {
        Ok(match format {
            Format::Human => self.human(shown).into_bytes(),
            Format::Json => self.json()?,
        })
    }

    fn human(&self, shown: ShownFindings) -> String {
        let Self { engine: InstalledEngine { name, .. }, differences, exit_codes, failure, .. } =
            self;
        let name = escaped_line(name);
        let mut text = String::new();
        let is_shown = |it: &&Difference| {
            shown.lowest_severity.is_some_and(|lowest| it.finding.severity >= lowest)
        };
        let hidden = differences.iter().filter(|it| !is_shown(it)).count();
        for Difference { finding, message, counts } in differences.iter().filter(is_shown) {
            let finding = finding.shown(message);
            let times = |count: usize| match count {
                1 => String::new(),
                count => format!(" ({})", counted(count, "time")),
            };
            text.push_str(&match *counts {
                (theirs, 0) => format!("only {name}{}: {finding}\n", times(theirs)),
                (0, ours) => format!("only supercargo{}: {finding}\n", times(ours)),
                (theirs, ours) => {
                    format!("{name} {theirs} times, supercargo {ours} times: {finding}\n")
                }
            });
        }
        let code = exit_codes.0.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        if let Some(failure) = failure {
            text.push_str(&format!("{name} has no verdict ({code}): {}\n", escaped_line(failure)));
        } else if exit_codes.0 != Some(exit_codes.1.into()) {
            text.push_str(&format!("{name} ends with {code}, supercargo with {}\n", exit_codes.1));
        }
        if hidden > 0 {
            let count = counted(hidden, "more finding");
            text.push_str(&format!(
                "{name} differs in {count}; show all with `--log-level debug`\n"
            ));
        } else if text.is_empty() {
            text = format!("{name} has the same findings and the same exit code\n");
        }
        text
    }

    fn json(&self) -> anyhow::Result<Vec<u8>> {
        let mut lines = Vec::new();
        for Difference { finding, message, counts: (in_engine, in_supercargo) } in &self.differences
        {
            let packages = finding.packages.iter();
            let record = DifferenceRecord {
                r#type: "engine-difference",
                workspace: &self.workspace,
                check: finding.check.map(Check::name),
                code: finding.code.as_deref(),
                severity: finding.severity.name(),
                message,
                packages: packages
                    .map(|(name, version)| EnginePackageRecord { name, version })
                    .collect(),
                advisory: finding.advisory.as_deref(),
                in_engine: *in_engine,
                in_supercargo: *in_supercargo,
            };
            line(&mut lines, &record)?;
        }
        let summary = EngineSummaryRecord {
            r#type: "engine",
            workspace: &self.workspace,
            program: self.engine.program.as_str(),
            version: self.engine.name.trim_start_matches("cargo-deny "),
            differences: self.differences.len(),
            exit_code: self.exit_codes.0,
            failure: self.failure.as_deref(),
        };
        line(&mut lines, &summary)?;
        Ok(lines)
    }
}

/// The findings that both do not have equally often.
fn differences(
    theirs: impl Iterator<Item = (ComparedFinding, String)>,
    ours: impl Iterator<Item = (ComparedFinding, String)>,
) -> Vec<Difference> {
    let mut all: BTreeMap<ComparedFinding, (String, (usize, usize))> = BTreeMap::new();
    for (finding, message) in theirs {
        all.entry(finding).or_insert((message, (0, 0))).1.0 += 1;
    }
    for (finding, message) in ours {
        all.entry(finding).or_insert((message, (0, 0))).1.1 += 1;
    }
    all.into_iter()
        .filter(|(_, (_, (theirs, ours)))| theirs != ours)
        .map(|(finding, (message, counts))| Difference { finding, message, counts })
        .collect()
}

fn sorted(mut packages: Vec<(String, String)>) -> Vec<(String, String)> {
    packages.sort();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_read_with_unknown_codes_and_texts() {
        let text = r#"{"type":"diagnostic","fields":{"severity":"error","message":"m","code":"vulnerability","graphs":[{"Krate":{"name":"b","version":"1.0.0","kind":"dev"}}],"advisory":{"id":"RUSTSEC-2099-0001"}}}
{"type":"diagnostic","fields":{"severity":"warning","message":"old","code":"removed-code","graphs":[]}}
{"type":"diagnostic","fields":{"severity":"bug","message":"d","code":"deprecated"}}
{"type":"log","fields":{"level":"WARN","message":"w","timestamp":"t"}}
{"type":"other","fields":{}}
{"type":"summary","fields":{"advisories":{"errors":1,"warnings":0,"notes":0,"helps":0}}}
"#;
        let read = EngineOutput::read(text);
        assert!(read.has_verdict);
        let shown: Vec<_> = read
            .findings
            .iter()
            .map(|(finding, message)| (finding.check.map(Check::name), finding.shown(message)))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    Some("advisories"),
                    "error[vulnerability] RUSTSEC-2099-0001 for `b` 1.0.0: m".to_owned()
                ),
                (None, "warning[removed-code]: old".to_owned()),
                (Some("config"), "warning[deprecated]: d".to_owned()),
            ]
        );
    }

    #[test]
    fn reason_of_a_missing_verdict_is_the_error() {
        let log = r#"{"type":"log","fields":{"level":"ERROR","message":"no lockfile"}}"#;
        let read = EngineOutput::read(&format!("thread panicked\n{log}\n"));
        assert_eq!((read.has_verdict, read.last_words.as_deref()), (false, Some("no lockfile")));
        let refused = EngineOutput::read("error: unexpected argument\n\nUsage: cargo-deny\n");
        assert_eq!(refused.last_words.as_deref(), Some("error: unexpected argument"));
    }

    #[test]
    fn differences_are_those_of_multisets() {
        let finding = |version: &str| ComparedFinding {
            check: Some(Check::Bans),
            code: Some("banned".to_owned()),
            severity: Severity::Error,
            packages: vec![("a".to_owned(), version.to_owned())],
            advisory: None,
        };
        let all = |versions: &[&str]| {
            let all: Vec<_> = versions.iter().map(|it| (finding(it), "m".to_owned())).collect();
            all.into_iter()
        };
        let counts = |theirs: &[&str], ours: &[&str]| -> Vec<_> {
            differences(all(theirs), all(ours)).into_iter().map(|it| it.counts).collect()
        };
        assert_eq!(counts(&["1", "2"], &["2", "1"]), []);
        assert_eq!(counts(&["1", "1"], &["1"]), [(2, 1)]);
        assert_eq!(counts(&["1"], &["2"]), [(1, 0), (0, 1)]);
    }
}
