//! `supercargo init`: a policy for a workspace that has none.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use super::{
    arguments::{GateArguments, InitArguments},
    check::PATIENCE,
    logging,
    meant::{Manner, absolute, gate_options},
    terminal::{escaped, escaped_line},
};
use crate::{
    fix::{CreatedPolicy, NotVerified, FixVerifier, Overlay, write_new},
    gate::{Databases, Gate, NO_VERDICT},
    policy::licenses::ByLicense,
    verdict::{Code, Finding, PackageRef, Severity, listed},
    workspace::Workspace,
};

/// The exit code where a file cannot be created (`EX_CANTCREAT` of `sysexits.h`).
const NOT_CREATED: u8 = 73;

/// Runs the word.
///
/// # Errors
///
/// When there is no workspace, and when nothing can be written.
pub(super) fn run(arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let path = absolute(&arguments.path)?;
    let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path };
    if manifest.file_name() != Some("Cargo.toml") || !manifest.is_file() {
        bail!("`{manifest}` does not exist: name the folder of a workspace");
    }
    let workspace = Workspace::of_manifest(&manifest);
    let here = absolute(Utf8Path::new("."))?;
    let shown = |path: &Utf8Path| {
        escaped_line(path.strip_prefix(&here).unwrap_or(path).as_str()).into_owned()
    };
    if let Some(rules) = workspace.policy_files().policy.filter(|_| !arguments.print) {
        logging::complain(&format!(
            "`{}` rules this workspace already, nothing was written (`--print` shows what would be)",
            shown(&rules)
        ));
        return Ok(ExitCode::from(NOT_CREATED));
    }
    let manner = Manner { offline: arguments.network.offline, locked: false, helps: false };
    let options = gate_options(&GateArguments::of_init(arguments), manner)?;
    let databases = Databases::default();
    let mut gate = Gate::new(workspace);
    let mut prover = FixVerifier {
        gate: &mut gate,
        options: &options,
        databases: &databases,
        audience: &logging::tell,
    };
    let created = match prover.create_policy(&Overlay::default()) {
        Ok(created) => created,
        Err(NotVerified::Unwanted) => return Ok(ExitCode::from(NO_VERDICT)),
        Err(NotVerified::Because(reason)) => {
            logging::complain(&format!("no policy can be made: {reason}"));
            return Ok(ExitCode::from(NO_VERDICT));
        }
    };
    let mut out = std::io::stdout().lock();
    if arguments.print {
        out.write_all(created.text.as_str().as_bytes())
    } else {
        if let Err(error) = write_new(&created.path, created.text.as_str()) {
            logging::complain(&error.to_string());
            return Ok(ExitCode::from(NOT_CREATED));
        }
        out.write_all(escaped(&told(&created, &shown(&created.path))).as_bytes())
    }
    .context("standard output cannot be written")?;
    drop(gate);
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    Ok(ExitCode::SUCCESS)
}

fn told(created: &CreatedPolicy, path: &str) -> String {
    let mut text = format!("{path} was written\n");
    let packages = created.verdict.packages;
    text.push_str(&format!(
        "  it permits what {packages} {} and no more\n",
        if packages == 1 { "package needs" } else { "packages need" }
    ));
    text.push_str(&undecided(&created.undecided));
    // cargo-deny says some things twice at two severities.
    let is_said_louder = |finding: &Finding| {
        created
            .remaining()
            .any(|other| other.severity > finding.severity && other.message == finding.message)
    };
    let others: Vec<_> = created
        .remaining()
        .filter(|finding| !is_undecided(finding, created) && !is_said_louder(finding))
        .collect();
    if !others.is_empty() {
        text.push_str("  what else deserves a decision:\n");
        for finding in others {
            let level = if finding.severity == Severity::Error { "error" } else { "warning" };
            let code = finding.shown_code().unwrap_or(finding.check.name());
            text.push_str(&format!("    {level}[{code}]: {}\n", finding.message));
        }
    }
    if created.remaining().next().is_none() {
        text.push_str("  gate: clean\n");
    }
    text
}

/// Whether a finding says no more than that a license was left out.
fn is_undecided(finding: &Finding, created: &CreatedPolicy) -> bool {
    finding.code == Some(Code::Rejected)
        && finding.packages.first().is_some_and(|package| {
            created.undecided.values().any(|packages| packages.contains(package))
        })
}

fn undecided(licenses: &ByLicense) -> String {
    if licenses.is_empty() {
        return String::new();
    }
    let mut text = "  left out, because they are copyleft or no license of SPDX's list (their \
                    packages are rejected until you decide):\n"
        .to_owned();
    for (license, packages) in licenses {
        let named = |package: &PackageRef| format!("`{}` {}", package.name, package.version);
        let named: Vec<_> = packages.iter().map(named).collect();
        text.push_str(&format!("    {license}: {}\n", listed(&named)));
    }
    text
}
