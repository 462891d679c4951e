//! The open advisory databases, shared by all gates and read again when they change.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use camino::{Utf8Path, Utf8PathBuf};

use super::GateOptions;
use crate::{
    facts::{DatabaseLocation, Freshness, RefreshPolicy},
    resolve::Resolver,
    verdict::{AdvisoryFacts, AdvisoryTitle, Database, DatabaseError, DatabaseSource},
};

/// The open databases.
#[derive(Debug, Default)]
pub struct Databases {
    opened: Mutex<Vec<Opened>>,
    /// The files to watch for changes. A lock of its own, as the other one may be held long.
    watched: Mutex<BTreeSet<Utf8PathBuf>>,
    /// Plain folders that have changed since they were read.
    changed: Mutex<BTreeSet<Utf8PathBuf>>,
    /// Counts the changes of cargo's index.
    index: AtomicU64,
}

#[derive(Debug)]
struct Opened {
    source: DatabaseSource,
    /// The state of the files that were read. Empty for a plain folder: see [`Databases::changed`].
    stamp: Vec<Freshness>,
    database: Arc<Database>,
}

impl Databases {
    /// The database of `source`, if it is open.
    pub(super) fn opened(&self, source: &DatabaseSource) -> Option<Arc<Database>> {
        let all = self.opened.try_lock().ok()?;
        let opened = all.iter().find(|opened| opened.source == *source)?;
        Some(Arc::clone(&opened.database))
    }

    /// The facts of an advisory of any open database.
    pub fn advisory(&self, id: &str) -> Option<AdvisoryFacts> {
        // Do not wait while a database is fetched.
        let all = self.opened.try_lock().ok()?;
        all.iter().find_map(|opened| opened.database.advisory(id))
    }

    /// The advisories about a package, of all open databases. Waits while one is opened: a plan made without its
    /// advisories would be wrong.
    pub(crate) fn advisories_of(&self, package: &str) -> Vec<AdvisoryFacts> {
        let opened = lock(&self.opened);
        let mut all: Vec<AdvisoryFacts> = Vec::new();
        for advisory in opened.iter().flat_map(|one| one.database.advisories_of(package)) {
            if !all.iter().any(|known| known.id == advisory.id) {
                all.push(advisory);
            }
        }
        all
    }

    /// The advisories of all open databases, sorted by id.
    pub fn titles(&self) -> Arc<Vec<AdvisoryTitle>> {
        let Ok(all) = self.opened.try_lock() else { return Arc::default() };
        match all.as_slice() {
            [] => Arc::default(),
            [one] => one.database.titles(),
            several => {
                let titles = several.iter().map(|opened| opened.database.titles());
                let mut all: Vec<_> = titles.flat_map(|titles| titles.to_vec()).collect();
                all.sort_by(|one, other| one.id.cmp(&other.id));
                all.dedup_by(|one, other| one.id == other.id);
                Arc::new(all)
            }
        }
    }

    /// Opens a database in advance, unless it has to be fetched.
    pub(super) fn prepare(&self, source: &DatabaseSource, options: &GateOptions) {
        if self.opened(source).is_none() && !wants_fetch(source, options.refresh) {
            // An error is reported when the database is needed.
            let _ = self.open(source, RefreshPolicy::Never, &options.resolver, &|_| {});
        }
    }

    /// Opens the database of `source`. One that is open stays usable when its files are gone.
    ///
    /// # Errors
    ///
    /// See [`DatabaseSource::open`].
    pub fn open(
        &self,
        source: &DatabaseSource,
        refresh: RefreshPolicy,
        resolver: &Resolver,
        report: &dyn Fn(&str),
    ) -> Result<Arc<Database>, DatabaseError> {
        lock(&self.watched).extend(watched(source));
        // Held while a database is fetched and read, so that two gates do not fetch the same one.
        let mut all = if let Ok(all) = self.opened.try_lock() {
            all
        } else {
            report("waiting for the advisory databases, which another workspace opens");
            lock(&self.opened)
        };
        let position = all.iter().position(|opened| opened.source == *source);
        if let Some(at) = position {
            let needs_reload = wants_fetch(source, refresh) || self.take_change(source);
            if !needs_reload && all[at].stamp == stamp(source) {
                return Ok(Arc::clone(&all[at].database));
            }
        }
        match source.open(refresh, &resolver.children, &resolver.cache, report) {
            Ok(database) => {
                let database = Arc::new(database);
                let opened = Opened {
                    source: source.clone(),
                    stamp: stamp(source),
                    database: Arc::clone(&database),
                };
                match position {
                    Some(at) => all[at] = opened,
                    None => all.push(opened),
                }
                Ok(database)
            }
            Err(error) => match position {
                Some(at) => {
                    tracing::warn!("{error}; keeping the database that is open");
                    Ok(Arc::clone(&all[at].database))
                }
                None => Err(error),
            },
        }
    }

    /// The files and plain folders that change when a requested database changes on disk.
    pub fn watched(&self) -> BTreeSet<Utf8PathBuf> {
        lock(&self.watched).clone()
    }

    /// Marks a path of [`Self::watched`] as changed; the database is read again when it is needed next.
    pub fn changed(&self, path: &Utf8Path) {
        lock(&self.changed).insert(path.to_owned());
    }

    /// Marks cargo's index as changed; the next checks read it again.
    pub fn index_changed(&self) {
        self.index.fetch_add(1, Ordering::SeqCst);
    }

    /// A number that increases with every change of cargo's index.
    pub(super) fn index(&self) -> u64 {
        self.index.load(Ordering::SeqCst)
    }

    /// Takes the mark that a plain folder has changed.
    fn take_change(&self, source: &DatabaseSource) -> bool {
        match source {
            DatabaseSource::Folder(folder) => lock(&self.changed).remove(folder),
            DatabaseSource::Managed(_) => false,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fetch writes the heads of a clone; a plain folder may change in any way.
fn watched(source: &DatabaseSource) -> Vec<Utf8PathBuf> {
    match source {
        DatabaseSource::Folder(folder) => vec![folder.clone()],
        DatabaseSource::Managed(settings) => {
            settings.possible_locations().iter().flat_map(DatabaseLocation::heads).collect()
        }
    }
}

fn stamp(source: &DatabaseSource) -> Vec<Freshness> {
    match source {
        DatabaseSource::Folder(_) => Vec::new(),
        DatabaseSource::Managed(settings) => {
            settings.current().iter().map(DatabaseLocation::freshness).collect()
        }
    }
}

/// Whether a database of `source` is fetched when it is opened.
pub(super) fn wants_fetch(source: &DatabaseSource, refresh: RefreshPolicy) -> bool {
    match source {
        DatabaseSource::Folder(_) => false,
        DatabaseSource::Managed(settings) => {
            settings.locations().iter().any(|location| location.wants_fetch(refresh))
        }
    }
}
