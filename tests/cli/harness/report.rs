//! The output of `--format json` as values, and as a text that shows the location of each finding.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;

use super::Run;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Finding {
    workspace: String,
    pub(crate) check: String,
    pub(crate) code: Option<String>,
    pub(crate) severity: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
    pub(crate) package: Option<Package>,
    packages: Vec<Package>,
    pub(crate) advisory: Option<String>,
    location: Option<Location>,
    #[serde(rename = "places")]
    pub(crate) locations: Vec<Location>,
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) path_count: u64,
    pub(crate) notes: Vec<String>,
    /// The gates that report it, if not all do.
    #[serde(default)]
    pub(crate) gates: Vec<String>,
    /// With `--base`: what the comparison says of it.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// What hides it.
    #[serde(default)]
    pub(crate) policy_change: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    version: String,
    source: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) file: String,
    pub(crate) start: Position,
    pub(crate) end: Position,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) workspace: String,
    checks: BTreeMap<String, BTreeMap<String, usize>>,
    pub(crate) exit_code: i32,
    #[serde(default)]
    gates: Vec<Gate>,
    /// With `--base`.
    #[serde(default)]
    pub(crate) comparison: Option<serde_json::Value>,
}

/// One of several gates of CI.
#[derive(Clone, Debug, Deserialize)]
struct Gate {
    blocks: bool,
    exit_code: i32,
}

/// The findings and summaries of a run.
pub(crate) struct Report {
    pub(crate) code: i32,
    pub(crate) stderr: String,
    pub(crate) findings: Vec<Finding>,
    pub(crate) summaries: Vec<Summary>,
    /// The texts of the locations.
    texts: BTreeMap<String, String>,
}

impl Finding {
    /// Not one that only the base has, or only its policy reports.
    fn is_in_the_verdict(&self) -> bool {
        !matches!(self.group.as_deref(), Some("fixed" | "policy-loosened"))
    }
}

impl Report {
    pub(super) fn of(run: Run, read: impl Fn(&str) -> String) -> Self {
        let mut report = Self {
            code: run.code,
            stderr: run.stderr,
            findings: Vec::new(),
            summaries: Vec::new(),
            texts: BTreeMap::new(),
        };
        for line in run.stdout.lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("a record a line");
            let kind = record["type"].as_str().expect("a record has a type").to_owned();
            match kind.as_str() {
                "finding" => report.findings.push(understood(record)),
                "summary" => report.summaries.push(understood(record)),
                other => panic!("there is no record of type {other}"),
            }
        }
        report.assert_consistent();
        let now = report.findings.iter().filter(|finding| finding.is_in_the_verdict());
        for location in now.flat_map(|finding| &finding.locations) {
            report.texts.entry(location.file.clone()).or_insert_with(|| read(&location.file));
        }
        report
    }

    /// Values that are in the output twice are equal.
    fn assert_consistent(&self) {
        for finding in &self.findings {
            assert_eq!(finding.location.as_ref(), finding.locations.first());
            assert_eq!(finding.package.as_ref(), finding.packages.first());
            for path in &finding.paths {
                let last = path.last().map(String::as_str).unwrap_or_default();
                let named = |package: &Package| format!("{} {}", package.name, package.version);
                assert!(finding.packages.iter().any(|package| named(package) == last));
            }
        }
        for summary in &self.summaries {
            let mut code = 0;
            for (check, counts) in &summary.checks {
                for (severity, count) in counts {
                    let found = self.findings.iter().filter(|finding| {
                        finding.workspace == summary.workspace
                            && finding.check == *check
                            && format!("{}s", finding.severity) == *severity
                            && !finding.is_a_bug()
                            && finding.is_in_the_verdict()
                    });
                    assert_eq!(found.count(), *count, "{severity} of {check}");
                }
                let bits = [("advisories", 1), ("bans", 2), ("licenses", 4), ("sources", 8)];
                let bit = bits.iter().find(|(name, _)| name == check).expect("a check").1;
                code |= if counts["errors"] > 0 { bit } else { 0 };
            }
            let blocking = summary.gates.iter().filter(|gate| gate.blocks);
            if !summary.gates.is_empty() {
                code = blocking.fold(0, |all, gate| all | gate.exit_code);
            }
            assert_eq!(summary.exit_code, code);
        }
    }

    /// The findings with this code (an advisory's id is one too).
    pub(crate) fn with(&self, code: &str) -> Vec<&Finding> {
        let same = |finding: &&Finding| {
            finding.code.as_deref() == Some(code) || finding.advisory.as_deref() == Some(code)
        };
        self.findings.iter().filter(same).collect()
    }

    /// The findings of this severity, with their places, and the exit code.
    pub(crate) fn of_severity(&self, severity: &str) -> String {
        let same: Vec<_> =
            self.findings.iter().filter(|finding| finding.severity == severity).collect();
        format!("{}exit {}\n", self.drawn(&same), self.code)
    }

    /// What a person would see: every finding but accepted licenses, with its places, and the exit
    /// code.
    pub(crate) fn shown(&self) -> String {
        let shown: Vec<_> = self.findings.iter().filter(|finding| finding.is_shown()).collect();
        format!("{}exit {}\n", self.drawn(&shown), self.code)
    }

    /// Findings with their places.
    pub(crate) fn drawn(&self, findings: &[&Finding]) -> String {
        let mut text = String::new();
        for finding in findings {
            self.draw(&mut text, finding).expect("strings can be written to");
        }
        text
    }

    fn draw(&self, text: &mut String, finding: &Finding) -> std::fmt::Result {
        let code = finding.advisory.as_ref().or(finding.code.as_ref());
        let code = code.map_or_else(|| format!("({})", finding.check), Clone::clone);
        writeln!(text, "{} {code}: {}", finding.severity, finding.message)?;
        for location in &finding.locations {
            let file = location.file.replace("[work]/", "");
            writeln!(text, "  {file}:{}", location.start.line)?;
            let source = self.texts[&location.file].trim_start_matches('\u{feff}');
            let line = source.lines().nth(location.start.line - 1).unwrap_or_default();
            let one_line = location.end.line == location.start.line;
            let end = if one_line { location.end.column } else { line.chars().count() + 1 };
            let carets = "^".repeat(end.saturating_sub(location.start.column));
            let more = if one_line { "" } else { ".." };
            if !line.is_empty() || !carets.is_empty() {
                writeln!(text, "    {line}")?;
                writeln!(text, "    {}{carets}{more}", " ".repeat(location.start.column - 1))?;
            }
        }
        for path in finding.paths.iter().filter(|path| path.len() > 2) {
            writeln!(text, "  via {}", path.join(" -> "))?;
        }
        if finding.path_count > 1 {
            writeln!(text, "  {} paths", finding.path_count)?;
        }
        // The notes of an advisory are its own text, and cargo's change with its version.
        let theirs = finding.advisory.is_some()
            || finding.code.as_deref() == Some("supercargo::resolution-failed");
        for note in finding.notes.iter().filter(|_| !theirs) {
            writeln!(text, "  note {}", note.lines().next().unwrap_or_default())?;
        }
        if let Some(remedy) = &finding.remedy {
            writeln!(text, "  help {remedy}")?;
        }
        Ok(())
    }
}

fn understood<T: serde::de::DeserializeOwned>(record: serde_json::Value) -> T {
    serde_json::from_value(record).expect("a record has its fields")
}

impl Finding {
    /// cargo-deny's own failures, which it does not count.
    fn is_a_bug(&self) -> bool {
        self.code.as_deref() == Some("unresolved-workspace-dependency")
    }

    fn is_shown(&self) -> bool {
        self.code.as_deref() != Some("accepted")
    }
}
