//! `supercargo db`: shows or fetches the advisory databases of a policy.

use std::{io::Write as _, process::ExitCode, time::SystemTime};

use anyhow::{Context as _, bail};
use camino::Utf8Path;
use jiff::Timestamp;

use super::{
    arguments::{DbArguments, DbCommand},
    logging,
    targets::absolute,
    terminal::escaped,
};
use crate::{
    cache::Cache,
    facts::{Freshness, RefreshPolicy, write_snapshot},
    gate::{NO_VERDICT, OnDisk, Texts as _},
    process::Children,
    verdict::{DatabaseError, DatabaseSettings, DatabaseSource, ExceptionsFile, PolicyText},
    workspace::PolicyFiles,
};

/// Runs the command.
///
/// # Errors
///
/// When the policy cannot be read or standard output cannot be written.
pub(super) fn run(arguments: &DbArguments) -> anyhow::Result<ExitCode> {
    let settings = settings(&arguments.path)?;
    match &arguments.command {
        DbCommand::Update => update(&settings),
        DbCommand::Status => status(&settings),
        DbCommand::Pack { file } => pack(&settings, file),
    }
}

fn update(settings: &DatabaseSettings) -> anyhow::Result<ExitCode> {
    let children = Children::default().reporting_waits(logging::waiting);
    for location in settings.locations() {
        logging::progress(&format!("fetching {}", location.url));
        if let Err(error) = location.fetch(&children) {
            bail!("could not {error}");
        }
    }
    status(settings)
}

fn pack(settings: &DatabaseSettings, file: &Utf8Path) -> anyhow::Result<ExitCode> {
    let locations = settings.current();
    let [location] = locations.as_slice() else {
        bail!("the policy names {} databases; only one can be packed", locations.len());
    };
    let Freshness::Fetched(Some(fetched)) = location.freshness() else {
        bail!("the advisory database is not on this machine; fetch it with `supercargo db update`");
    };
    let folder = location.folder();
    let written = write_snapshot(&folder, fetched, &absolute(file)?)?;
    written.notes.iter().for_each(|note| logging::warn(note));
    Ok(ExitCode::SUCCESS)
}

fn status(settings: &DatabaseSettings) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    for named in settings.locations() {
        let location = named.current(settings.offline);
        let state = match location.freshness() {
            Freshness::Absent => {
                "not on this machine; fetch it with `supercargo db update`".to_owned()
            }
            Freshness::Fetched(None) => "unknown age".to_owned(),
            Freshness::Fetched(Some(time)) if time > SystemTime::now() => {
                "unknown age: the time of its last fetch is in the future".to_owned()
            }
            Freshness::Fetched(Some(time)) => match Timestamp::try_from(time) {
                Ok(time) => format!("fetched {} UTC", time.strftime("%Y-%m-%d %H:%M")),
                Err(_) => "unknown age".to_owned(),
            },
        };
        text.push_str(&format!("{}\n  {}\n  {state}\n", location.url, location.folder()));
        if let Some(refusal) = named.refusal() {
            text.push_str(&format!("  could not {refusal}\n"));
        }
    }
    let source = DatabaseSource::Managed(settings.clone());
    let opened = source.open(
        RefreshPolicy::Never,
        &Children::default().reporting_waits(logging::waiting),
        &Cache::off(),
        &logging::progress,
    );
    let code = match opened {
        Ok(database) => {
            text.push_str(&format!("  {} advisories\n", database.len()));
            ExitCode::SUCCESS
        }
        // Already in the text.
        Err(DatabaseError::Absent { .. }) => ExitCode::from(NO_VERDICT),
        Err(error) => {
            text.push_str(&format!("  {error}\n"));
            ExitCode::from(NO_VERDICT)
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(escaped(&text).as_bytes()).context("could not write to standard output")?;
    Ok(code)
}

/// The settings of the folder's policy, else cargo-deny's defaults.
fn settings(path: &Utf8Path) -> anyhow::Result<DatabaseSettings> {
    let manifest = match path.file_name() {
        Some("Cargo.toml") => absolute(path)?,
        _ => absolute(path)?.join("Cargo.toml"),
    };
    let PolicyFiles { policy, exceptions } = PolicyFiles::find(&manifest);
    let exceptions = exceptions.map(ExceptionsFile::on_disk);
    let policy = match policy {
        None => PolicyText::none(exceptions),
        Some(path) => {
            let text = OnDisk.read(&path).with_context(|| format!("could not read `{path}`"))?;
            PolicyText { path: Some(path), text, exceptions }
        }
    };
    match policy.load() {
        Ok(loaded) => Ok(loaded.databases),
        Err(findings) => {
            let messages: Vec<_> = findings.iter().map(|finding| finding.message.clone()).collect();
            bail!("could not use `{}`: {}", policy.name(), messages.join("; "))
        }
    }
}
