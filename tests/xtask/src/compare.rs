//! `cargo xtask compare`: `check --base` on real workspaces, each with ten commits made from its own files. What is new and what
//! was already there are together what a plain check finds, and the comparison takes not much longer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::parity::corpus::Shared;
use crate::parity::home::Home;
use crate::{commands, tools};

/// How many commits each workspace gets.
const COMMITS: usize = 10;

/// How many runs a time is the median of.
const RUNS: usize = 5;

/// The policy of all workspaces: their own may be for other versions of cargo-deny.
const POLICY: &str = "\
[advisories]
yanked = \"deny\"
unmaintained = \"all\"

[licenses]
allow = [\"Apache-2.0\", \"MIT\", \"BSD-3-Clause\", \"Unicode-3.0\"]

[bans]
multiple-versions = \"warn\"
";

/// Words at the start of a manifest's line that are no dependencies.
const NO_DEPENDENCIES: [&str; 22] = [
    "authors",
    "build",
    "categories",
    "debug",
    "default",
    "description",
    "documentation",
    "edition",
    "exclude",
    "homepage",
    "include",
    "keywords",
    "license",
    "lto",
    "members",
    "name",
    "opt-level",
    "publish",
    "readme",
    "repository",
    "resolver",
    "version",
];

struct Comparison {
    supercargo: PathBuf,
    home: Home,
    database: PathBuf,
}

/// A run of `check`.
struct Checked {
    code: Option<i32>,
    /// The findings of the checkout, sorted.
    now: Vec<String>,
    /// The numbers of errors and warnings by group.
    groups: BTreeMap<String, usize>,
    time: Duration,
}

/// Runs all workspaces, or those whose name contains the argument; `true` when the comparisons are right.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let root = tools::root()?;
    let shared = Shared::find(&root).context("the workspaces of `../shared/data` are not here")?;
    let scratch = tempfile::Builder::new().prefix("supercargo-compare-").tempdir()?;
    let home = shared.home(scratch.path())?;
    let database = home.database();
    let comparison = Comparison { supercargo: tools::supercargo(&root)?, home, database };
    let folder = scratch.path().join("workspaces");
    let mut names = shared.unpack(&folder)?;
    names.retain(|name| arguments.first().is_none_or(|part| name.contains(part.as_str())));
    let mut is_right = true;
    for name in names {
        is_right &= comparison.workspace(&folder.join(&name), &name)?;
    }
    Ok(is_right)
}

impl Comparison {
    fn workspace(&self, folder: &Path, name: &str) -> Result<bool> {
        fs::write(folder.join("deny.toml"), POLICY)?;
        // The checks are offline.
        let mut cargo = self.home.command("cargo");
        commands::output(cargo.args(["fetch", "--quiet"]).current_dir(folder))?;
        self.git(folder, &["init", "--quiet", "--initial-branch=main"])?;
        self.commit(folder)?;
        let cold = self.check(folder, &["--no-cache"])?.time;
        let compared = self.check(folder, &["--no-cache", "--base", "main"])?.time;
        println!(
            "{name}: nothing cached {:.2} s, compared {:.2} s ({:.2} times)",
            cold.as_secs_f64(),
            compared.as_secs_f64(),
            compared.as_secs_f64() / cold.as_secs_f64()
        );
        self.print_warm(folder)?;
        let manifests = manifests_below(folder);
        let mut is_right = true;
        for number in 0..COMMITS {
            let manifest = &manifests[number * 7 % manifests.len()];
            let what = self.change(folder, manifest, number)?;
            let plain = self.check(folder, &[])?;
            let compared = self.check(folder, &["--base", "HEAD"])?;
            let is_same = plain.now == compared.now;
            is_right &= is_same;
            println!(
                "  {what}: {}, exit {:?} and {:?}, {:?}",
                if is_same { "the same findings" } else { "OTHER FINDINGS" },
                plain.code,
                compared.code,
                compared.groups
            );
            self.commit(folder)?;
            let merged = self.check(folder, &["--base", "HEAD"])?;
            let is_quiet = merged.groups.keys().all(|group| group == "already-there");
            if !is_quiet {
                println!("  MERGED, but not quiet: {:?}", merged.groups);
            }
            is_right &= is_quiet;
        }
        Ok(is_right)
    }

    /// The times with everything cached, when a comment of a manifest has changed.
    fn print_warm(&self, folder: &Path) -> Result<()> {
        let manifest = folder.join("Cargo.toml");
        let before = fs::read_to_string(&manifest)?;
        let mut times = [Vec::new(), Vec::new()];
        self.check(folder, &["--base", "main"])?;
        for run in 0..RUNS * 2 {
            fs::write(&manifest, format!("# {run}\n{before}"))?;
            let words: &[&str] = if run % 2 == 0 { &[] } else { &["--base", "main"] };
            times[run % 2].push(self.check(folder, words)?.time.as_secs_f64());
        }
        fs::write(&manifest, before)?;
        let [plain, compared] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        println!(
            "  a manifest was changed: {plain:.3} s, compared {compared:.3} s ({:.2} times)",
            compared / plain
        );
        Ok(())
    }

    /// Makes one change and says which.
    fn change(&self, folder: &Path, manifest: &Path, number: usize) -> Result<String> {
        let text = fs::read_to_string(manifest)?;
        let shown = manifest.strip_prefix(folder).unwrap_or(manifest).display().to_string();
        let policy = folder.join("deny.toml");
        let policy_text = fs::read_to_string(&policy).unwrap_or_default();
        match number % 5 {
            0 => {
                fs::write(manifest, format!("{}{text}", "# a comment\n".repeat(10)))?;
                Ok(format!("comments in {shown}"))
            }
            1 if !policy_text.is_empty() => {
                let changed = policy_text.replacen("allow = [", "allow = [\"MPL-2.0\", ", 1);
                fs::write(&policy, changed)?;
                Ok("MPL-2.0 allowed".to_owned())
            }
            2 if policy_text.contains("\"warn\"") => {
                fs::write(&policy, policy_text.replace("\"warn\"", "\"deny\""))?;
                Ok("warnings denied".to_owned())
            }
            _ => {
                let lines: Vec<_> = text.lines().collect();
                let dependencies: Vec<_> =
                    (0..lines.len()).filter(|at| is_dependency(lines[*at])).collect();
                let Some(at) = dependencies.get(number % dependencies.len().max(1)) else {
                    return Ok(format!("nothing in {shown}"));
                };
                let left = lines.iter().enumerate().filter(|(line, _)| line != at);
                let left: Vec<_> = left.map(|(_, line)| *line).collect();
                fs::write(manifest, left.join("\n") + "\n")?;
                // The lockfile follows, unless cargo refuses the manifest.
                let mut cargo = self.home.command("cargo");
                cargo.args(["metadata", "--format-version=1", "--offline"]).current_dir(folder);
                let is_refused = commands::output(&mut cargo).is_err();
                if is_refused {
                    fs::write(manifest, &text)?;
                    return Ok(format!("nothing: {shown} needs `{}`", lines[*at]));
                }
                Ok(format!("{shown} without `{}`", lines[*at]))
            }
        }
    }

    fn check(&self, folder: &Path, words: &[&str]) -> Result<Checked> {
        let mut command = self.home.command(&self.supercargo);
        command.args(["check", "--offline", "--format", "json", "--db"]).arg(&self.database);
        command.args(words).current_dir(folder);
        let start = Instant::now();
        let output = commands::capture(&mut command)?;
        let time = start.elapsed();
        let mut checked =
            Checked { code: output.exit_code, now: Vec::new(), groups: BTreeMap::new(), time };
        for line in output.stdout.lines() {
            let record: Value = serde_json::from_str(line).context("a record of `check`")?;
            if record["type"] != "finding" {
                continue;
            }
            let group = record["group"].as_str().unwrap_or_default();
            if matches!(record["severity"].as_str(), Some("error" | "warning")) {
                *checked.groups.entry(group.to_owned()).or_default() += 1;
            }
            if !matches!(group, "fixed" | "policy-loosened") {
                let of = |name: &str| record[name].to_string();
                checked.now.push(["code", "severity", "message", "location"].map(of).join(" "));
            }
        }
        if output.exit_code == Some(70) {
            bail!("no verdict: {} {}", checked.now.join("\n"), output.stderr.trim());
        }
        checked.now.sort();
        Ok(checked)
    }

    fn commit(&self, folder: &Path) -> Result<()> {
        self.git(folder, &["add", "--all", "--force"])?;
        self.git(folder, &["commit", "--quiet", "--allow-empty", "--message", "commit"])
    }

    fn git(&self, folder: &Path, words: &[&str]) -> Result<()> {
        let mut command = self.home.command("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "gc.auto=0"]);
        commands::output(command.args(words).current_dir(folder)).map(|_| ())
    }
}

fn is_dependency(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    let name = name.trim().trim_end_matches(".workspace");
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let value = value.trim();
    let is_whole = value.starts_with('"') && value.ends_with('"')
        || value.starts_with('{') && value.ends_with('}')
        || value == "true";
    is_name && is_whole && !name.is_empty() && !NO_DEPENDENCIES.contains(&name)
}

/// All manifests, sorted.
fn manifests_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if name == "Cargo.toml" {
                found.push(path);
            } else if path.is_dir() && name != ".git" && name != "target" {
                waiting.push(path);
            }
        }
    }
    found.sort();
    found
}
