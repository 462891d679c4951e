//! The opened advisory databases, shared by all gates and read again when they have changed.

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

/// The opened databases.
#[derive(Debug, Default)]
pub struct Databases {
    opened: Mutex<Vec<Opened>>,
    /// What tells that one of them has changed. A lock of its own: the other one is held long.
    watched: Mutex<BTreeSet<Utf8PathBuf>>,
    /// Plain folders that have changed since they were read.
    changed: Mutex<BTreeSet<Utf8PathBuf>>,
    /// How often cargo's index was seen to have changed.
    index: AtomicU64,
}

#[derive(Debug)]
struct Opened {
    source: DatabaseSource,
    /// The state of the files that were read; of a plain folder it is told by
    /// [`Databases::changed`].
    stamp: Vec<Freshness>,
    database: Arc<Database>,
}

impl Databases {
    /// The database that `source` means, if it was opened before.
    pub(super) fn opened(&self, source: &DatabaseSource) -> Option<Arc<Database>> {
        let all = self.opened.try_lock().ok()?;
        let known = all.iter().find(|opened| opened.source == *source)?;
        Some(Arc::clone(&known.database))
    }

    /// The facts of an advisory of any database that was opened.
    pub fn advisory(&self, id: &str) -> Option<AdvisoryFacts> {
        // Who asks does not wait while one is fetched.
        let all = self.opened.try_lock().ok()?;
        all.iter().find_map(|opened| opened.database.advisory(id))
    }

    /// The advisories of all databases that were opened, by their ids.
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

    /// Opens a database that is likely to be asked for, unless that takes a fetch.
    pub(super) fn prepare(&self, source: &DatabaseSource, options: &GateOptions) {
        if self.opened(source).is_none() && !wants_fetch(source, options.refresh) {
            // What goes wrong is said when it is asked for.
            let _ = self.open(source, RefreshPolicy::Never, &options.resolver, &|_| {});
        }
    }

    /// The database that `source` means. One that was opened before stays usable when its files
    /// are gone.
    ///
    /// # Errors
    ///
    /// See [`DatabaseSource::open`].
    pub fn open(
        &self,
        source: &DatabaseSource,
        refresh: RefreshPolicy,
        resolver: &Resolver,
        tell: &dyn Fn(&str),
    ) -> Result<Arc<Database>, DatabaseError> {
        lock(&self.watched).extend(watched(source));
        // Held while a database is fetched and read: two gates that want the same one wait.
        let mut all = lock(&self.opened);
        let known = all.iter().position(|opened| opened.source == *source);
        if let Some(at) = known {
            let wants_renewal = wants_fetch(source, refresh) || self.takes_change(source);
            if !wants_renewal && all[at].stamp == stamp(source) {
                return Ok(Arc::clone(&all[at].database));
            }
        }
        match source.open(refresh, &resolver.children, &resolver.cache, tell) {
            Ok(database) => {
                let database = Arc::new(database);
                let opened = Opened {
                    source: source.clone(),
                    stamp: stamp(source),
                    database: Arc::clone(&database),
                };
                match known {
                    Some(at) => all[at] = opened,
                    None => all.push(opened),
                }
                Ok(database)
            }
            Err(error) => match known {
                Some(at) => {
                    tracing::warn!("{error}; the one that was read before is kept");
                    Ok(Arc::clone(&all[at].database))
                }
                None => Err(error),
            },
        }
    }

    /// The files and plain folders that tell by their change that a database that was asked for
    /// has changed on disk.
    pub fn watched(&self) -> BTreeSet<Utf8PathBuf> {
        lock(&self.watched).clone()
    }

    /// Something that [`Self::watched`] lists has changed: the next gate that asks reads it again.
    pub fn changed(&self, path: &Utf8Path) {
        lock(&self.changed).insert(path.to_owned());
    }

    /// Cargo's index has changed on disk: the next verdicts read it again.
    pub fn index_changed(&self) {
        self.index.fetch_add(1, Ordering::SeqCst);
    }

    /// Another number whenever cargo's index has changed.
    pub(super) fn index(&self) -> u64 {
        self.index.load(Ordering::SeqCst)
    }

    /// Whether a plain folder has changed, which is said once.
    fn takes_change(&self, source: &DatabaseSource) -> bool {
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

fn wants_fetch(source: &DatabaseSource, refresh: RefreshPolicy) -> bool {
    match source {
        DatabaseSource::Folder(_) => false,
        DatabaseSource::Managed(settings) => {
            settings.locations().iter().any(|location| location.wants_fetch(refresh))
        }
    }
}
