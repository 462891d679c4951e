//! A case of our own: one text file that holds a whole small workspace and what it claims to test.
//!
//! ```text
//! # What the case is for.
//! #- covers: duplicate=warning !banned
//! #- exit: 0
//! #- Cargo.toml
//! [package]
//! ..
//! #- deny.toml
//! ..
//! ```
//!
//! A line `#- PATH` begins a file, a line `#- WORD: VALUE` says something about the case:
//!
//! | word | value |
//! |---|---|
//! | `exit` | cargo-deny's exit code, or `no verdict`; every case says it |
//! | `covers` | codes that cargo-deny must report, `CODE` or `CODE=SEVERITY`, and with `!` in front those that it must not; `none` is a finding without code |
//! | `args` | further arguments for both programs, of cargo-deny's program |
//! | `check-args` | the same, of its command `check` |
//! | `checks` | the checks to run, all four when absent |
//! | `cwd` | the directory in which both programs run, when it is not the case's own |
//! | `fetch` | further arguments for `cargo fetch`, or `none` to leave it out |
//! | `symlink` | `PATH -> TARGET` |
//!
//! Files below `{git}/NAME/` are committed to a git repository as they are, on the branch `main` and with the tag `v1`. In
//! other texts and in arguments `{git}` is the URL above these repositories, `{rev:NAME}` the commit in `NAME`, `{here}` the
//! case's own directory and `{cr}` a carriage return; in a path `%FF` is the byte 255. Every package without a target gets an
//! empty `src/lib.rs`, and every package below `vendor/` the checksum file that makes the folder a source of packages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::outcome::Outcome;

pub(crate) struct Case {
    /// The file's name without its extension.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Path and text, placeholders and escapes as written.
    pub(crate) files: Vec<(String, String)>,
    /// Path and target.
    pub(crate) symlinks: Vec<(String, String)>,
    pub(crate) arguments: Vec<String>,
    /// Those behind `check`.
    pub(crate) check_arguments: Vec<String>,
    pub(crate) checks: Vec<String>,
    pub(crate) cwd: String,
    /// Arguments for `cargo fetch`; `None` when it is not to be run.
    pub(crate) fetch: Option<Vec<String>>,
    pub(crate) claims: Claims,
}

/// What cargo-deny's verdict on a case must be, so that the case keeps testing what it says.
#[derive(Clone, Default)]
pub(crate) struct Claims {
    /// `None` when no verdict is to be reached.
    exit_code: Option<i32>,
    codes: Vec<Claim>,
}

#[derive(Clone)]
struct Claim {
    code: String,
    severity: Option<String>,
    present: bool,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(&name, path, &text).with_context(|| path.display().to_string())
    }

    fn parse(name: &str, path: &Path, text: &str) -> Result<Self> {
        let mut case = Self {
            name: name.to_owned(),
            path: path.to_owned(),
            files: Vec::new(),
            symlinks: Vec::new(),
            arguments: Vec::new(),
            check_arguments: Vec::new(),
            checks: Vec::new(),
            cwd: String::new(),
            fetch: None,
            claims: Claims::default(),
        };
        let mut exit = None;
        let mut fetch = None;
        if !text.starts_with("# ") {
            bail!("the first line is a comment that says what the case is for");
        }

        for line in text.split_inclusive('\n') {
            let Some(header) = line.strip_prefix("#- ") else {
                match case.files.last_mut() {
                    Some((_, content)) => content.push_str(line),
                    None if line.starts_with('#') || line.trim().is_empty() => {}
                    None => bail!("there is text before the first file: {line}"),
                }
                continue;
            };
            match header.trim_end().split_once(':') {
                Some(("exit", value)) => exit = Some(value.trim().to_owned()),
                Some(("covers", value)) => {
                    case.claims.codes.extend(words(value).iter().map(|word| Claim::parse(word)));
                }
                Some(("args", value)) => case.arguments.extend(words(value)),
                Some(("check-args", value)) => case.check_arguments.extend(words(value)),
                Some(("checks", value)) => case.checks.extend(words(value)),
                Some(("cwd", value)) => value.trim().clone_into(&mut case.cwd),
                Some(("fetch", value)) => fetch = Some(words(value)),
                Some(("symlink", value)) => {
                    let (link, target) =
                        value.split_once(" -> ").context("a symlink is `PATH -> TARGET`")?;
                    case.symlinks.push((link.trim().to_owned(), target.trim().to_owned()));
                }
                _ => case.files.push((header.trim().to_owned(), String::new())),
            }
        }

        case.claims.exit_code = match exit.as_deref() {
            Some("no verdict") => None,
            Some(code) => Some(code.parse().context("`exit` is a number or `no verdict`")?),
            None => bail!("the case does not say its `exit`"),
        };
        if fetch.as_deref() != Some(&["none".to_owned()]) {
            let locked = case.has_lock().then(|| "--locked".to_owned());
            case.fetch = Some(locked.into_iter().chain(fetch.unwrap_or_default()).collect());
        }
        Ok(case)
    }

    /// Whether a lock file is part of the case.
    pub(crate) fn has_lock(&self) -> bool {
        self.files.iter().any(|(path, _)| path == "Cargo.lock" || path.ends_with("/Cargo.lock"))
    }
}

impl Claims {
    /// What is not as claimed, one sentence each.
    pub(crate) fn broken_by(&self, outcome: &Outcome) -> Vec<String> {
        let mut broken = Vec::new();
        match (self.exit_code, &outcome.summary) {
            (None, Some(_)) => broken
                .push("the case claims that cargo-deny reaches no verdict, but it did".to_owned()),
            (Some(_), None) => broken.push("cargo-deny reached no verdict".to_owned()),
            (Some(code), Some(_)) if outcome.exit_code != Some(code) => {
                broken.push(format!(
                    "the case claims exit code {code}, but cargo-deny ended with {}",
                    outcome.exit()
                ));
            }
            _ => {}
        }
        for Claim { code, severity, present } in &self.codes {
            let found = outcome.findings.iter().any(|finding| {
                finding.code() == code
                    && severity.as_ref().is_none_or(|severity| finding.severity == *severity)
            });
            if found != *present {
                let severity = severity
                    .as_ref()
                    .map_or(String::new(), |severity| format!(" with severity {severity}"));
                let verb = if *present { "covers" } else { "excludes" };
                let fact = if found { "reports it" } else { "does not report it" };
                broken.push(format!("the case {verb} `{code}`{severity}, but cargo-deny {fact}"));
            }
        }
        broken
    }
}

impl Claim {
    fn parse(word: &str) -> Self {
        let (present, word) = word.strip_prefix('!').map_or((true, word), |word| (false, word));
        let (code, severity) = match word.split_once('=') {
            Some((code, severity)) => (code, Some(severity.to_owned())),
            None => (word, None),
        };
        Self { code: code.to_owned(), severity, present }
    }
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Finding;
    use super::*;

    fn parse(text: &str) -> Result<Case> {
        Case::parse("case", Path::new("case.case"), text)
    }

    #[test]
    fn sections_are_files_and_words() {
        let case = parse(
            "# What for.\n#- exit: 2\n#- covers: duplicate=warning\n#- args: --workspace\n#- check-args: -D warnings\n#- Cargo.toml\n[package]\n\n#- a/b.txt\n# c\n",
        )
        .expect("the case is well formed");
        assert_eq!(
            case.files,
            [
                ("Cargo.toml".to_owned(), "[package]\n\n".to_owned()),
                ("a/b.txt".to_owned(), "# c\n".to_owned())
            ]
        );
        assert_eq!(case.arguments, ["--workspace"]);
        assert_eq!(case.check_arguments, ["-D", "warnings"]);
        assert_eq!(case.fetch.as_deref(), Some([].as_slice()));
    }

    #[test]
    fn a_lockfile_is_kept_as_it_is_and_fetch_can_be_left_out() {
        let locked =
            parse("# A.\n#- exit: 0\n#- sub/Cargo.lock\n").expect("the case is well formed");
        assert_eq!(locked.fetch.as_deref(), Some(["--locked".to_owned()].as_slice()));
        let unfetched =
            parse("# A.\n#- exit: 0\n#- fetch: none\n").expect("the case is well formed");
        assert_eq!(unfetched.fetch, None);
    }

    #[test]
    fn a_case_says_what_it_is_for_and_how_it_ends() {
        assert!(parse("#- exit: 0\n").is_err());
        assert!(parse("# What for.\n#- Cargo.toml\n").is_err());
        assert!(parse("# What for.\nstray text\n#- exit: 0\n").is_err());
    }

    #[test]
    fn claims_are_tested_in_both_directions() {
        let case = parse("# A.\n#- exit: 0\n#- covers: duplicate=warning !banned none=error\n")
            .expect("well formed");
        let mut outcome =
            Outcome { summary: Some(std::collections::BTreeMap::new()), ..Outcome::default() };
        outcome.exit_code = Some(2);
        outcome.findings = vec![
            Finding::new("bans", Some("duplicate".to_owned()), "error", vec![], None),
            Finding::new("bans", Some("banned".to_owned()), "error", vec![], None),
        ];
        assert_eq!(
            case.claims.broken_by(&outcome),
            [
                "the case claims exit code 0, but cargo-deny ended with 2",
                "the case covers `duplicate` with severity warning, but cargo-deny does not report it",
                "the case excludes `banned`, but cargo-deny reports it",
                "the case covers `none` with severity error, but cargo-deny does not report it",
            ]
        );
    }
}
