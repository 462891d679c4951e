//! Cargo's index on this machine: which versions are yanked, and the features that `cargo
//! metadata` leaves out.
//!
//! What `cargo_deny::krates_with_index` and `Indices::load` read, each entry once, of each only
//! the versions of the graph, and without asking cargo for its version again and again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_deny::{Krates, Source, advisories::Entry};
use krates::index::{IndexKrate, IndexKrateVersion};
use rayon::prelude::{
    IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use semver::Version;
use tame_index::{
    IndexLocation, IndexUrl, IndexVersion,
    index::{
        ComboIndexCache,
        cache::{ValidCacheEntry, split},
    },
    utils::flock::{FileLock, LockOptions},
};

use super::releases;
use crate::cache::{Input, Inputs, on_disk};

/// How long another program may hold the lock of cargo's packages.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file that was written so lately may not be whole yet.
const YOUNG: Duration = Duration::from_secs(2);

/// What the index says about each package of a graph.
pub(super) type Entries<'g> = BTreeMap<(&'g str, &'g Source), Entry>;

/// The versions of each package that are asked for.
type Wanted = BTreeMap<String, BTreeSet<Version>>;

/// What was read of crates.io's index while a graph was built.
#[derive(Clone, Default)]
pub(super) struct CratesIo(Arc<Mutex<Read>>);

#[derive(Default)]
struct Read {
    entries: BTreeMap<String, Entry>,
    /// The files that were read, as they were before; `None` where the index is not one of files.
    files: Option<Inputs>,
}

/// What cargo-deny asks of a version.
struct Recorded {
    version: Version,
    yanked: bool,
    features: BTreeMap<String, Vec<String>>,
}

/// One registry's index.
pub(super) struct Index(Result<ComboIndexCache, String>);

/// Lets the graph be built with the features that crates.io's index knows (cargo#11319), of the
/// `wanted` versions. `folder` is where cargo's configuration is looked for.
///
/// The error is a sentence fragment for people.
pub(super) fn features_from_index(
    builder: &mut krates::Builder,
    folder: &Utf8Path,
    wanted: Wanted,
) -> Result<CratesIo, String> {
    let index = Index::crates_io(folder);
    if let Err(error) = &index.0 {
        return Err(error.clone());
    }
    let crates_io = CratesIo::default();
    let read = crates_io.clone();
    builder.with_crates_io_index(Box::new(move |names| {
        let names: Vec<_> = names.into_iter().collect();
        let files = index.files(&names);
        let unlocked = FileLock::unlocked();
        let known = names.par_iter().filter_map(|name| {
            Some((name.clone(), index.versions(name, wanted.get(name)?, &unlocked)))
        });
        let known: Vec<_> = known.collect();
        let mut features = BTreeMap::new();
        let mut entries = BTreeMap::new();
        for (name, versions) in known {
            features.insert(name.clone(), versions.as_deref().ok().map(|all| index_krate(all)));
            entries.insert(name, entry(versions));
        }
        *read.0.lock().unwrap_or_else(PoisonError::into_inner) = Read { entries, files };
        features
    }));
    Ok(crates_io)
}

/// What the indices say about the packages of a graph, as cargo-deny's check of yanked versions
/// asks for it.
///
/// The error is a sentence fragment for people.
pub(super) fn entries<'g>(
    krates: &'g Krates,
    crates_io: Option<&CratesIo>,
) -> Result<Entries<'g>, String> {
    let home = tame_index::utils::cargo_home().map_err(|error| format!("{error:#}"))?;
    let mut wanted: BTreeMap<(&str, &Source), BTreeSet<Version>> = BTreeMap::new();
    for krate in krates.krates() {
        if let Some(source) = krate.source.as_ref().filter(|source| source.is_registry()) {
            let versions = wanted.entry((krate.name.as_str(), source)).or_default();
            versions.insert(krate.version.clone());
        }
    }
    let mut found = Entries::new();
    if let Some(read) = crates_io {
        let read = read.0.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|(name, source), _| {
            let known = read.entries.get(*name).filter(|_| matches!(source, Source::CratesIo(_)));
            // What could not be read may have been in the middle of being written.
            let Some(Entry::Map(versions)) = known else { return true };
            found.insert((name, source), Entry::Map(versions.clone()));
            false
        });
    }
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut indices: Vec<(&Source, Index)> = Vec::new();
    for (_, source) in wanted.keys() {
        if !indices.iter().any(|(known, _)| known == source) {
            indices.push((source, Index::of(source, krates.workspace_root())));
        }
    }
    let lock = packages_lock(home);
    let read = wanted.into_par_iter().filter_map(|((name, source), versions)| {
        let (_, index) = indices.iter().find(|(known, _)| *known == source)?;
        Some(((name, source), entry(index.versions(name, &versions, &lock))))
    });
    found.extend(read.collect::<Vec<_>>());
    Ok(found)
}

fn packages_lock(home: Utf8PathBuf) -> FileLock {
    let options = LockOptions::cargo_package_lock(Some(home));
    let locked = options.and_then(|options| options.shared().lock(|_| Some(PATIENCE)));
    locked.unwrap_or_else(|error| {
        tracing::warn!("could not lock cargo's package cache: {error:#}");
        FileLock::unlocked()
    })
}

fn index_krate(versions: &[Recorded]) -> IndexKrate {
    let versions = versions.iter().map(|recorded| IndexKrateVersion {
        version: recorded.version.clone(),
        features: recorded.features.clone(),
    });
    IndexKrate { versions: versions.collect() }
}

fn entry(versions: Result<Arc<Vec<Recorded>>, String>) -> Entry {
    match versions {
        Ok(versions) => Entry::Map(
            versions.iter().map(|recorded| (recorded.version.clone(), recorded.yanked)).collect(),
        ),
        Err(error) => Entry::Error(error),
    }
}

impl CratesIo {
    /// The files that were read, as they were before; `None` where that cannot be told.
    pub(super) fn files(&self) -> Option<Inputs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).files.clone()
    }
}

impl Index {
    /// The files of these packages.
    fn files(&self, names: &[String]) -> Option<Inputs> {
        let Ok(ComboIndexCache::Sparse(index)) = &self.0 else { return None };
        let files = names.iter().filter_map(|name| {
            let name = name.as_str().try_into().ok()?;
            Some(Input::Stamp(index.cache().cache_path(name)))
        });
        Some(Inputs::now(files.collect(), &on_disk))
    }

    fn crates_io(folder: &Utf8Path) -> Self {
        let version = cargo_version().map(ToString::to_string);
        let url = IndexUrl::crates_io(Some(folder.to_owned()), None, version.as_deref());
        Self::at(url)
    }

    pub(super) fn of(source: &Source, root: &Utf8Path) -> Self {
        match source {
            Source::Sparse(url) | Source::Registry(url) => Self::at(Ok(url.as_str().into())),
            Source::CratesIo(_) | Source::Git { .. } => Self::crates_io(root),
        }
    }

    fn at(url: Result<IndexUrl<'_>, tame_index::Error>) -> Self {
        let opened = url.and_then(|url| {
            let mut location = IndexLocation::new(url);
            location.cargo_version = cargo_version().cloned();
            ComboIndexCache::new(location)
        });
        Self(opened.map_err(|error| format!("{error:#}")))
    }

    /// All versions of a package; `None` where cargo has no copy of the sparse index's entry.
    pub(super) fn listing(&self, name: &str) -> Option<Vec<releases::Listed>> {
        self.records_of(name, releases::Listed::read)
    }

    /// What `read` makes of each version and its record; `None` where cargo has no copy of the
    /// sparse index's entry.
    pub(super) fn records_of<T>(
        &self,
        name: &str,
        read: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Option<Vec<T>> {
        let (combo, krate_name) = (self.0.as_ref().ok()?, name.try_into().ok()?);
        let unlocked = FileLock::unlocked();
        let ComboIndexCache::Sparse(index) = combo else { return None };
        let bytes = index.cache().read_cache_file(krate_name, &unlocked).ok()??;
        let valid = ValidCacheEntry::read(&bytes).ok()?;
        Some(records(&valid).filter_map(|(version, record)| read(version, record)).collect())
    }

    /// What the index says about the `wanted` versions of a package.
    fn versions(
        &self,
        name: &str,
        wanted: &BTreeSet<Version>,
        lock: &FileLock,
    ) -> Result<Arc<Vec<Recorded>>, String> {
        let combo = self.0.as_ref().map_err(Clone::clone)?;
        let krate_name = name.try_into().map_err(|error: tame_index::Error| error.to_string())?;
        let absent = || "unable to locate index entry for crate".to_owned();
        if let ComboIndexCache::Sparse(index) = combo {
            return read_once(&index.cache().cache_path(krate_name), wanted, || {
                match index.cache().read_cache_file(krate_name, lock) {
                    Ok(Some(bytes)) => wanted_versions(&bytes, wanted),
                    Ok(None) => Err(absent()),
                    Err(error) => Err(format!("{error:#}")),
                }
            });
        }
        match combo.cached_krate(krate_name, lock) {
            Ok(Some(krate)) => {
                Ok(Arc::new(krate.versions.iter().filter_map(Recorded::of).collect()))
            }
            Ok(None) => Err(absent()),
            Err(error) => Err(format!("{error:#}")),
        }
    }
}

/// The versions of a cache entry, each with its record: both are ended by a zero.
fn records<'e>(entry: &ValidCacheEntry<'e>) -> impl Iterator<Item = (&'e [u8], &'e [u8])> {
    let mut parts = split(entry.version_entries, 0);
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
}

/// What was read in this process of one file of the index: each graph asks for nearly the same.
struct Known {
    /// Of the file when it was read.
    stamp: Stamp,
    asked: BTreeSet<Version>,
    listed: Arc<Vec<Recorded>>,
}

type Stamp = (u64, Option<SystemTime>);

/// What is known of the file, else what is read of it.
fn read_once(
    file: &Utf8Path,
    wanted: &BTreeSet<Version>,
    read: impl FnOnce() -> Result<Vec<Recorded>, String>,
) -> Result<Arc<Vec<Recorded>>, String> {
    static KNOWN: LazyLock<Mutex<HashMap<Utf8PathBuf, Known>>> = LazyLock::new(Mutex::default);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let stamp = std::fs::metadata(file).map(|data| (data.len(), data.modified().ok()));
    let Ok(stamp) = stamp else { return read().map(Arc::new) };
    let fresh = known()
        .get(file)
        .filter(|known| known.stamp == stamp && wanted.is_subset(&known.asked))
        .map(|known| Arc::clone(&known.listed));
    if let Some(listed) = fresh {
        return Ok(listed);
    }
    // Written while it is read, it has another stamp than this one the next time.
    let listed = match read() {
        Ok(listed) => Arc::new(listed),
        // Cargo is writing it, perhaps: what it said before holds until it says something else.
        Err(error) => {
            let before = known()
                .get(file)
                .filter(|known| wanted.is_subset(&known.asked))
                .map(|known| Arc::clone(&known.listed));
            return before.filter(|_| is_young(stamp)).ok_or(error);
        }
    };
    let kept = Known { stamp, asked: wanted.clone(), listed: Arc::clone(&listed) };
    known().insert(file.to_owned(), kept);
    Ok(listed)
}

/// Whether a file with this stamp was written just now.
fn is_young((_, written): Stamp) -> bool {
    written.and_then(|written| written.elapsed().ok()).is_some_and(|age| age < YOUNG)
}

impl Recorded {
    fn of(version: &IndexVersion) -> Option<Self> {
        let features = version.features().map(|(name, all)| (name.clone(), all.clone()));
        Some(Self {
            version: version.version.parse().ok()?,
            yanked: version.yanked,
            features: features.collect(),
        })
    }
}

/// The wanted versions of a cache entry.
fn wanted_versions(bytes: &[u8], wanted: &BTreeSet<Version>) -> Result<Vec<Recorded>, String> {
    let valid = ValidCacheEntry::read(bytes).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for (version, record) in records(&valid) {
        let version = str::from_utf8(version).ok().and_then(|text| Version::parse(text).ok());
        if version.is_some_and(|version| wanted.contains(&version)) {
            let record: IndexVersion =
                serde_json::from_slice(record).map_err(|error| error.to_string())?;
            found.extend(Recorded::of(&record));
        }
    }
    Ok(found)
}

/// The version of cargo, which decides the names of the index's folders. Asked once.
fn cargo_version() -> Option<&'static Version> {
    static VERSION: OnceLock<Option<Version>> = OnceLock::new();
    VERSION.get_or_init(|| tame_index::utils::cargo_version(None).ok()).as_ref()
}
