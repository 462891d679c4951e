//! Opens advisory databases for cargo-deny's check.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::advisories::{
    AdvisoryDb, DbSet,
    db::{DEFAULT_URL, Database as DenyDatabase},
    model::Informational,
};
use jiff::Timestamp;
use url::Url;

use super::{
    AdvisoryFacts, AdvisoryTitle, DatabaseSettings,
    message_text::{panic_message, quotes_to_backticks},
};
use crate::{
    cache::{Cache, Input},
    facts::{
        DatabaseLocation, FetchError, Freshness, PackedDb, ReadDb, ReadError, RefreshPolicy,
        Snapshot,
    },
    process::{Children, TemporaryFolder},
};

/// The databases to open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DatabaseSource {
    /// Those of the policy, in the folders that cargo-deny uses.
    Managed(DatabaseSettings),
    /// A plain folder in `RustSec`'s layout, regardless of the policy.
    Folder(Utf8PathBuf),
}

/// The opened databases.
#[derive(Debug)]
pub struct Database {
    pub(super) set: DbSet,
    /// The oldest time of a fetch; `None` for a plain folder.
    pub fetched: Option<Timestamp>,
    /// Computed on first use.
    titles: OnceLock<Arc<Vec<AdvisoryTitle>>>,
    /// Why the built-in advisories are used instead of a database.
    pub fallback_reason: Option<String>,
    /// Temporary folders, deleted with the database.
    _unpacked: Vec<TemporaryFolder>,
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It was never fetched.
    #[error(
        "no advisory database at `{folder}`: run `supercargo db update` while online, or set the option `db` to a folder of advisories"
    )]
    Absent {
        /// Where it would be.
        folder: Utf8PathBuf,
    },
    /// It is older than the policy allows.
    #[error(
        "the advisory database was last fetched on {fetched}, which exceeds `maximum-db-staleness`: run `supercargo db update`"
    )]
    Stale {
        /// When it was fetched, `YYYY-MM-DD`.
        fetched: String,
    },
    /// It cannot be read.
    #[error("could not read the advisory database `{folder}`: {message}; {remedy}")]
    Broken {
        /// Where it is.
        folder: Utf8PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It could not be fetched.
    #[error(
        "no advisory database: could not {0}; try again, or set the option `db` to a folder of advisories"
    )]
    Fetch(#[from] FetchError),
}

impl DatabaseSource {
    /// Opens the databases, after a fetch if `refresh` requires one. `report` receives a sentence before
    /// a slow step. `cache` holds each database in one file.
    ///
    /// # Errors
    ///
    /// When a database is absent, too old, or cannot be read.
    pub fn open(
        &self,
        refresh: RefreshPolicy,
        children: &Children,
        cache: &Cache,
        report: &dyn Fn(&str),
    ) -> Result<Database, DatabaseError> {
        match self {
            Self::Folder(folder) => open_folder(folder, children, cache),
            Self::Managed(settings) => {
                let opened = open_managed(settings, refresh, children, cache, report);
                opened.or_else(|error| {
                    let snapshot = Snapshot::embedded().filter(|_| settings.is_default());
                    let fallback_reason =
                        snapshot.and_then(|one| one.opened(&error, settings, children, cache));
                    fallback_reason.ok_or(error)
                })
            }
        }
    }
}

impl Snapshot {
    /// Opens the built-in advisories in place of a database that was never fetched, unless they are older
    /// than the policy allows.
    fn opened(
        self,
        error: &DatabaseError,
        settings: &DatabaseSettings,
        children: &Children,
        cache: &Cache,
    ) -> Option<Database> {
        if !matches!(error, DatabaseError::Absent { .. } | DatabaseError::Fetch(_)) {
            return None;
        }
        let fetch_time = Timestamp::try_from(self.fetched).ok()?;
        if fetch_time <= settings.oldest() {
            return None;
        }
        let folder = self.unpacked(cache, children)?;
        let (url, path) = (Url::parse(DEFAULT_URL).ok()?, folder.path().to_owned());
        let db = AdvisoryDb { url, db: read(&path).ok()?, path, fetch_time };
        let set = DbSet { dbs: vec![db], lock: None };
        let mut database = Database::new(set, Some(fetch_time), vec![folder]);
        database.fallback_reason = Some(error.to_string());
        Some(database)
    }
}

impl DatabaseSource {
    /// The inputs of an opened database.
    pub(crate) fn inputs(&self) -> BTreeSet<Input> {
        match self {
            Self::Folder(folder) => BTreeSet::from([Input::Tree(folder.clone())]),
            Self::Managed(settings) => settings
                .possible_locations()
                .iter()
                .flat_map(DatabaseLocation::heads)
                .map(Input::Text)
                .collect(),
        }
    }

    /// Whether every change of the databases changes an input, too: the commit of each clone is known.
    pub(crate) fn has_known_state(&self) -> bool {
        match self {
            Self::Folder(_) => true,
            Self::Managed(settings) => {
                let is_known = |location: &DatabaseLocation| {
                    location.commit().is_some() || !location.folder().exists()
                };
                settings.current().iter().all(is_known)
            }
        }
    }

    /// Whether the databases exist and are not older than the policy allows.
    pub(crate) fn is_fresh_enough(&self) -> bool {
        let Self::Managed(settings) = self else { return true };
        let is_recent = |location: &DatabaseLocation| match location.freshness() {
            Freshness::Fetched(Some(time)) => {
                time.elapsed().is_ok_and(|age| age < settings.maximum_staleness)
            }
            _ => false,
        };
        settings.current().iter().all(is_recent)
    }
}

impl Database {
    fn new(set: DbSet, fetched: Option<Timestamp>, unpacked: Vec<TemporaryFolder>) -> Self {
        Self { set, fetched, titles: OnceLock::new(), fallback_reason: None, _unpacked: unpacked }
    }

    /// The facts of an advisory.
    pub fn advisory(&self, id: &str) -> Option<AdvisoryFacts> {
        let mut found = self.set.dbs.iter().filter_map(|db| {
            let entry = db.db.advisories.get(id)?;
            Some(AdvisoryFacts::of(&entry.advisory, &db.path))
        });
        found.next()
    }

    /// The advisory with this id or alias, case-insensitive.
    pub(crate) fn advisory_known_as(&self, alias: &str) -> Option<AdvisoryFacts> {
        let all = self
            .set
            .dbs
            .iter()
            .flat_map(|db| db.db.advisories.values().map(move |entry| (db, entry)));
        let is_it = |name: &str| name.eq_ignore_ascii_case(alias);
        let mut found = all.filter(|(_, entry)| {
            let advisory = &entry.advisory.advisory;
            is_it(advisory.id) || advisory.aliases.iter().any(|name| is_it(name))
        });
        found.next().map(|(db, entry)| AdvisoryFacts::of(&entry.advisory, &db.path))
    }

    /// The advisories about a package, without withdrawn ones.
    pub(crate) fn advisories_of(&self, package: &str) -> Vec<AdvisoryFacts> {
        let all =
            self.set.dbs.iter().flat_map(|db| db.db.advisories.values().map(move |a| (db, a)));
        let about = all.filter(|(_, entry)| {
            let data = &entry.advisory.advisory;
            data.krate == package && data.withdrawn.is_none()
        });
        about.map(|(db, entry)| AdvisoryFacts::of(&entry.advisory, &db.path)).collect()
    }

    /// All advisories sorted by id, without withdrawn ones.
    pub fn titles(&self) -> Arc<Vec<AdvisoryTitle>> {
        let titles = self.titles.get_or_init(|| {
            let all = self.set.dbs.iter().flat_map(|db| db.db.advisories.values());
            let all = all.map(|entry| &entry.advisory.advisory);
            let titles = all.filter(|data| data.withdrawn.is_none()).map(|data| AdvisoryTitle {
                id: data.id.to_owned(),
                package: data.krate.to_owned(),
                title: data.title.to_owned(),
            });
            let mut titles: Vec<_> = titles.collect();
            titles.sort_by(|one, other| one.id.cmp(&other.id));
            titles.dedup_by(|one, other| one.id == other.id);
            Arc::new(titles)
        });
        Arc::clone(titles)
    }

    /// The number of advisories.
    pub fn len(&self) -> usize {
        self.set.dbs.iter().map(|db| db.db.advisories.len()).sum()
    }

    /// Whether it is empty; an opened database never is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same databases without advisories of a kind that this cargo-deny does not support and on which
    /// its check panics, and the ids of those about a package in the graph (`is_there`).
    pub(super) fn without_unknown_kinds(
        &self,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<(Self, Vec<String>)> {
        let mut left_out = Vec::new();
        let mut dbs = Vec::new();
        for db in &self.set.dbs {
            let mut opened = read(&db.path).ok()?;
            opened.advisories.retain(|id, entry| {
                let advisory = &entry.advisory.advisory;
                let unknown = matches!(advisory.informational, Some(Informational::Other(_)));
                if unknown && is_there(advisory.krate) {
                    left_out.push(id.clone());
                }
                !unknown
            });
            let (url, path) = (db.url.clone(), db.path.clone());
            dbs.push(AdvisoryDb { url, db: opened, path, fetch_time: db.fetch_time });
        }
        let set = DbSet { dbs, lock: None };
        let mut database = Self::new(set, self.fetched, Vec::new());
        database.fallback_reason.clone_from(&self.fallback_reason);
        (!left_out.is_empty()).then_some((database, left_out))
    }
}

fn open_folder(
    folder: &Utf8Path,
    children: &Children,
    cache: &Cache,
) -> Result<Database, DatabaseError> {
    let broken = |message| DatabaseError::Broken {
        folder: folder.to_owned(),
        message,
        remedy: "the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`",
    };
    let copy =
        ReadDb::of_folder(folder, cache, children).map_err(|error| broken(error.to_string()))?;
    let path = copy.folder.path().to_owned();
    let db = read(&path).map_err(|error| broken(with_original_path(&error, &path, folder)))?;
    let url = Url::parse(DEFAULT_URL).map_err(|error| broken(error.to_string()))?;
    let db = AdvisoryDb { url, db, path, fetch_time: Timestamp::now() };
    let set = DbSet { dbs: vec![db], lock: None };
    Ok(Database::new(set, None, vec![copy.folder]))
}

/// Why the advisories in a folder could not be read.
#[derive(Debug, thiserror::Error)]
enum AdvisoriesError {
    /// cargo-deny's parser refuses them; the first line of its error.
    #[error("{0}")]
    Invalid(String),
    /// The parser panicked, on this file if that could be found out.
    #[error("{}{panic}", file.as_ref().map(|file| format!("failed to parse advisory from `{file}`: ")).unwrap_or_default())]
    Panicked {
        /// The file.
        file: Option<Utf8PathBuf>,
        /// The panic's message.
        panic: String,
    },
}

/// The message of an error, with the original in place of the path of a copy.
fn with_original_path(error: &AdvisoriesError, copy: &Utf8Path, original: &Utf8Path) -> String {
    error.to_string().replace(copy.as_str(), original.as_str())
}

fn open_managed(
    settings: &DatabaseSettings,
    refresh: RefreshPolicy,
    children: &Children,
    cache: &Cache,
    report: &dyn Fn(&str),
) -> Result<Database, DatabaseError> {
    let mut dbs = Vec::new();
    let mut all_unpacked = Vec::new();
    for location in settings.locations() {
        if location.wants_fetch(refresh) {
            report(&format!("fetching the advisory database {}", location.url));
            if let Err(error) = location.fetch(children) {
                if location.current(settings.offline).freshness() == Freshness::Absent {
                    return Err(error.into());
                }
                tracing::error!("could not {error}; using the local copy");
            }
        }
        let location = location.current(settings.offline);
        let (db, unpacked) = open_location(&location, settings, children, cache)?;
        dbs.push(db);
        all_unpacked.push(unpacked);
    }
    let fetched = dbs.iter().map(|db| db.fetch_time).min();
    Ok(Database::new(DbSet { dbs, lock: None }, fetched, all_unpacked))
}

fn open_location(
    location: &DatabaseLocation,
    settings: &DatabaseSettings,
    children: &Children,
    cache: &Cache,
) -> Result<(AdvisoryDb, TemporaryFolder), DatabaseError> {
    const REMEDY: &str = "delete the folder and run `supercargo db update`";
    let folder = location.folder();
    let Freshness::Fetched(time) = location.freshness() else {
        return Err(DatabaseError::Absent { folder });
    };
    let fetch_time = time.and_then(|time| Timestamp::try_from(time).ok()).ok_or_else(|| {
        DatabaseError::Broken {
            folder: folder.clone(),
            message: "not a git clone".to_owned(),
            remedy: REMEDY,
        }
    })?;
    // cargo-deny checks the age only of databases that it did not fetch in the same run; a database
    // that was just fetched is always recent enough.
    if fetch_time <= settings.oldest() {
        return Err(DatabaseError::Stale { fetched: fetch_time.strftime("%Y-%m-%d").to_string() });
    }
    let url = location.url.clone();
    // The state of the clone before it is read, so that later changes are not cached under it.
    let packed = PackedDb::of(location, cache);
    if let Some(unpacked) = packed.as_ref().and_then(|packed| packed.unpacked(children))
        && let Ok(db) = read(unpacked.path())
    {
        let path = unpacked.path().to_owned();
        return Ok((AdvisoryDb { url, db, path, fetch_time }, unpacked));
    }
    let broken =
        |message, remedy| DatabaseError::Broken { folder: folder.clone(), message, remedy };
    let copy = ReadDb::of_clone(location, cache, children).map_err(|error| {
        let remedy = match error {
            ReadError::Copy(_) => "free some space there, or set `TMPDIR` to another folder",
            ReadError::Changing => "stop the program that changes it and try again",
            ReadError::Source { .. } | ReadError::TooLarge(_) => REMEDY,
        };
        broken(error.to_string(), remedy)
    })?;
    let path = copy.folder.path().to_owned();
    let db =
        read(&path).map_err(|error| broken(with_original_path(&error, &path, &folder), REMEDY))?;
    let now = PackedDb::of(location, cache);
    if let Some(packed) = packed.filter(|packed| now.is_some_and(|now| now.is_same(packed))) {
        packed.keep(&copy);
    }
    Ok((AdvisoryDb { url, db, path, fetch_time }, copy.folder))
}

/// Reads a database. cargo-deny's parser panics on some invalid files.
fn read(folder: &Utf8Path) -> Result<DenyDatabase, AdvisoriesError> {
    let opened = catch_unwind(AssertUnwindSafe(|| DenyDatabase::open(folder)));
    let opened = opened.map_err(|panic| AdvisoriesError::Panicked {
        file: file_that_panics(folder),
        panic: panic_message(&*panic),
    })?;
    opened.map_err(|error| {
        let error = format!("{error:#}");
        AdvisoriesError::Invalid(quotes_to_backticks(error.lines().next().unwrap_or_default()))
    })
}

/// Finds the file on which the parser panics by parsing each file alone; the panic does not name it.
fn file_that_panics(folder: &Utf8Path) -> Option<Utf8PathBuf> {
    let alone = tempfile::tempdir().ok()?;
    let alone = Utf8Path::from_path(alone.path())?;
    std::fs::create_dir(alone.join("crates")).ok()?;
    let files = ignore::WalkBuilder::new(folder.join("crates")).standard_filters(false).build();
    let files = files.filter_map(|entry| Utf8PathBuf::from_path_buf(entry.ok()?.into_path()).ok());
    files.filter(|file| file.extension() == Some("md")).find(|file| {
        let copied = std::fs::copy(file, alone.join("crates/a.md")).is_ok();
        copied && catch_unwind(AssertUnwindSafe(|| DenyDatabase::open(alone).is_ok())).is_err()
    })
}

impl DatabaseSettings {
    /// Whether only RustSec's own database is configured.
    fn is_default(&self) -> bool {
        self.urls.iter().all(|url| url.as_str().trim_end_matches('/') == DEFAULT_URL)
    }

    /// Databases that were fetched at or before this time are too old.
    fn oldest(&self) -> Timestamp {
        Timestamp::now().checked_sub(self.maximum_staleness).unwrap_or(Timestamp::MIN)
    }

    /// The location of each database according to the policy.
    pub fn locations(&self) -> Vec<DatabaseLocation> {
        let root = || self.root.clone();
        self.urls.iter().map(|url| DatabaseLocation { root: root(), url: url.clone() }).collect()
    }

    /// The location from which each is read: another one if the policy's folder is not writable.
    pub fn current(&self) -> Vec<DatabaseLocation> {
        self.locations().iter().map(|location| location.current(self.offline)).collect()
    }

    /// All locations from which they may be read, now or after a fetch.
    pub(crate) fn possible_locations(&self) -> BTreeSet<DatabaseLocation> {
        self.locations().into_iter().flat_map(|location| [location.target(), location]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::facts::write_snapshot;

    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"time\"\n\
         date = \"2026-01-01\"\n[versions]\npatched = [\">=0.3.47\"]\n```\n\n# Wrong\n\nIt is.\n";

    fn settings() -> DatabaseSettings {
        DatabaseSettings {
            root: Utf8PathBuf::from("/nowhere"),
            urls: vec![Url::parse(DEFAULT_URL).expect("an address")],
            maximum_staleness: Duration::from_secs(90 * 24 * 60 * 60),
            offline: false,
        }
    }

    /// A snapshot of one advisory, `days` days old.
    fn snapshot(days: u64) -> Snapshot {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8");
        std::fs::create_dir_all(root.join("crates/time")).expect("made");
        std::fs::write(root.join("crates/time/RUSTSEC-2026-0001.md"), ADVISORY).expect("written");
        let fetched = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        let file = root.join("snapshot");
        write_snapshot(root, fetched, &file).expect("packed");
        let bytes = std::fs::read(file).expect("read");
        Snapshot::read(bytes.leak()).expect("a snapshot")
    }

    fn absent() -> DatabaseError {
        DatabaseError::Absent { folder: Utf8PathBuf::from("/nowhere") }
    }

    #[test]
    fn snapshot_replaces_an_absent_database_and_has_a_reason() {
        let children = Children::default();
        let opened =
            snapshot(3).opened(&absent(), &settings(), &children, &Cache::off()).expect("opened");
        assert_eq!(opened.advisory("RUSTSEC-2026-0001").expect("there").package, "time");
        assert!(opened.fallback_reason.expect("a reason").contains("no advisory database at"));
        let days = opened.fetched.map(|time| Timestamp::now().duration_since(time).as_hours() / 24);
        assert_eq!(days, Some(3));
    }

    #[test]
    fn snapshot_that_is_too_old_or_for_a_stale_database_is_not_used() {
        let children = Children::default();
        assert!(snapshot(91).opened(&absent(), &settings(), &children, &Cache::off()).is_none());
        let stale = DatabaseError::Stale { fetched: "2026-01-01".to_owned() };
        assert!(snapshot(3).opened(&stale, &settings(), &children, &Cache::off()).is_none());
    }

    #[test]
    fn only_the_default_database_has_a_snapshot() {
        assert!(settings().is_default());
        let other = Url::parse("https://example.com/advisories").expect("an address");
        assert!(!DatabaseSettings { urls: vec![other], ..settings() }.is_default());
        assert!(Snapshot::read(&[1, 2, 3]).is_none());
    }
}
