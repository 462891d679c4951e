//! The opened advisory databases, shared by all gates and read again when they have changed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    facts::{Freshness, RefreshPolicy},
    process::Children,
    verdict::{Database, DatabaseError, DatabaseSource},
};

/// The opened databases.
#[derive(Debug, Default)]
pub struct Databases(Mutex<Vec<Opened>>);

#[derive(Debug)]
struct Opened {
    source: DatabaseSource,
    /// The state of the files that were read; a plain folder is read once.
    stamp: Vec<Freshness>,
    database: Arc<Database>,
}

impl Databases {
    /// The database that `source` means, if it was opened before.
    pub(super) fn opened(&self, source: &DatabaseSource) -> Option<Arc<Database>> {
        let all = self.0.try_lock().ok()?;
        let known = all.iter().find(|opened| opened.source == *source)?;
        Some(Arc::clone(&known.database))
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
        children: &Children,
        tell: &dyn Fn(&str),
    ) -> Result<Arc<Database>, DatabaseError> {
        // Held while a database is fetched and read: two gates that want the same one wait.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().position(|opened| opened.source == *source);
        if let Some(at) = known {
            let wants_fetch = wants_fetch(source, refresh);
            if !wants_fetch && all[at].stamp == stamp(source) {
                return Ok(Arc::clone(&all[at].database));
            }
        }
        match source.open(refresh, children, tell) {
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
}

fn stamp(source: &DatabaseSource) -> Vec<Freshness> {
    match source {
        DatabaseSource::Folder(_) => Vec::new(),
        DatabaseSource::Managed(settings) => {
            settings.locations().iter().map(crate::facts::DatabaseLocation::freshness).collect()
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
