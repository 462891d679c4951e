//! `supercargo init`: writes a policy for a workspace without one.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use super::{
    CLEANUP_TIMEOUT,
    arguments::InitArguments,
    ci_files,
    exit_code::NOT_CREATED,
    logging,
    targets::{RunOptions, absolute, gate_options},
    terminal::{escaped, escaped_line},
};
use crate::{
    fix::{CreatedPolicy, FixVerifier, NotVerified, Overlay, write_new},
    gate::{Databases, Gate, NO_VERDICT},
    policy::{effects::counted, licenses::PackagesByLicense},
    verdict::{Code, Finding, PackageRef, Severity, join_with_and},
    workspace::Workspace,
};

/// Runs the command.
///
/// # Errors
///
/// If there is no workspace, or the output cannot be written.
pub(super) fn run(arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    if let Some(system) = arguments.ci {
        return ci_files::run(system, &arguments.path, arguments.print);
    }
    let path = absolute(&arguments.path)?;
    let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path };
    if manifest.file_name() != Some("Cargo.toml") || !manifest.is_file() {
        bail!("`{manifest}` does not exist: specify the folder of a workspace");
    }
    let workspace = Workspace::of_manifest(&manifest);
    let here = absolute(Utf8Path::new("."))?;
    let shown = |path: &Utf8Path| {
        escaped_line(path.strip_prefix(&here).unwrap_or(path).as_str()).into_owned()
    };
    if let Some(existing) = workspace.policy_files().policy.filter(|_| !arguments.print) {
        logging::error(&format!(
            "this workspace already has the policy `{}`; use `--print` to see a new one",
            shown(&existing)
        ));
        return Ok(ExitCode::from(NOT_CREATED));
    }
    let options = gate_options(RunOptions {
        deny: arguments.deny_options(),
        manifest_path: None,
        db: arguments.db.as_deref(),
        no_cache: arguments.no_cache,
        helps: false,
        dependency_graph: false,
    })?;
    let databases = Databases::default();
    let mut gate = Gate::new(workspace);
    let mut verifier = FixVerifier {
        gate: &mut gate,
        options: &options,
        databases: &databases,
        progress: &logging::progress,
    };
    let created = match verifier.create_policy(&Overlay::default(), arguments.strict) {
        Ok(created) => created,
        Err(NotVerified::Canceled) => return Ok(ExitCode::from(NO_VERDICT)),
        Err(NotVerified::Because(reason)) => {
            logging::error(&format!("could not create a policy: {reason}"));
            return Ok(ExitCode::from(NO_VERDICT));
        }
    };
    let mut out = std::io::stdout().lock();
    if arguments.print {
        out.write_all(created.text.as_str().as_bytes())
    } else {
        if let Err(error) = write_new(&created.path, created.text.as_str()) {
            logging::error(&error.to_string());
            return Ok(ExitCode::from(NOT_CREATED));
        }
        out.write_all(escaped(&summary(&created, &shown(&created.path))).as_bytes())
    }
    .context("could not write to standard output")?;
    drop(gate);
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(ExitCode::SUCCESS)
}

fn summary(created: &CreatedPolicy, path: &str) -> String {
    let packages = counted(created.verdict.packages, "package");
    let mut text = format!("created {path} for {packages}\n");
    text.push_str(&undecided(&created.undecided));
    // cargo-deny reports some problems at two severities.
    let is_repeated = |finding: &Finding| {
        created
            .remaining()
            .any(|other| other.severity > finding.severity && other.message == finding.message)
    };
    let others: Vec<_> = created
        .remaining()
        .filter(|finding| !is_undecided(finding, created) && !is_repeated(finding))
        .collect();
    if !others.is_empty() {
        text.push_str("  other findings to resolve:\n");
        for finding in others {
            let level = if finding.severity == Severity::Error { "error" } else { "warning" };
            let code = finding.shown_code().unwrap_or(finding.check.name());
            text.push_str(&format!("    {level}[{code}]: {}\n", finding.message));
        }
    }
    match created.duplicates() {
        0 => {}
        1 => text.push_str(
            "  1 crate has several versions (a warning; `--strict` denies new duplicates)\n",
        ),
        count => text.push_str(&format!(
            "  {count} crates have several versions (warnings; `--strict` denies new duplicates)\n"
        )),
    }
    if created.remaining().next().is_none() {
        text.push_str("  gate: clean\n");
    }
    text
}

/// Whether a finding is about a license that the user has to decide about.
fn is_undecided(finding: &Finding, created: &CreatedPolicy) -> bool {
    finding.code == Some(Code::Rejected)
        && finding.packages.first().is_some_and(|package| {
            created.undecided.values().any(|packages| packages.contains(package))
        })
}

fn undecided(licenses: &PackagesByLicense) -> String {
    if licenses.is_empty() {
        return String::new();
    }
    let mut text =
        "  not allowed: copyleft or not on the SPDX list; add them to `allow` or `exceptions` to \
                    accept them:\n"
            .to_owned();
    for (license, packages) in licenses {
        let named = |package: &PackageRef| format!("`{}` {}", package.name, package.version);
        let named: Vec<_> = packages.iter().map(named).collect();
        text.push_str(&format!("    {license}: {}\n", join_with_and(&named)));
    }
    text
}
