//! Cargo's copy of the index: which versions are yanked, and the features that `cargo metadata`
//! omits.
//!
//! Reads what `cargo_deny::krates_with_index` and `Indices::load` read, but each entry once, only the
//! versions in the graph, and with a single call of `cargo -V`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    process::Command,
    sync::{Arc, LazyLock, Mutex, PoisonError},
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

use crate::{
    cache::{Input, Inputs, on_disk},
    process::{Children, WaitReports, default_cargo, lock_failure},
};

/// A file that was written this recently may be incomplete.
const RECENT: Duration = Duration::from_secs(2);

/// The index entries of the packages in a graph.
pub(super) type Entries<'g> = BTreeMap<(&'g str, &'g Source), Entry>;

/// The requested versions of each package.
pub(super) type RequestedVersions = BTreeMap<String, BTreeSet<Version>>;

/// The entries of crates.io's index that were read while a graph was built.
#[derive(Clone, Default)]
pub(super) struct CratesIo(Arc<Mutex<ReadEntries>>);

#[derive(Default)]
struct ReadEntries {
    entries: BTreeMap<String, Entry>,
    /// The state of the files before they were read; `None` if the index is a git repository.
    files: Option<Inputs>,
}

/// The facts about a version that cargo-deny needs.
struct IndexRecord {
    version: Version,
    yanked: bool,
    features: BTreeMap<String, Vec<String>>,
}

/// One registry's index.
pub(super) struct Index(Result<ComboIndexCache, IndexError>);

/// Why an index, or an entry of it, could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum IndexError {
    /// Cargo's home, the index or the entry is not readable.
    #[error("{0:#}")]
    Unreadable(#[source] Arc<tame_index::Error>),
    /// The index does not have the package.
    #[error("unable to locate index entry for crate")]
    Absent,
}

impl<E: Into<tame_index::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        Self::Unreadable(Arc::new(error.into()))
    }
}

/// Makes the graph builder use the features in crates.io's index (cargo#11319) for the `requested`
/// versions. `folder` is where the search for cargo's configuration starts.
pub(super) fn features_from_index(
    builder: &mut krates::Builder,
    folder: &Utf8Path,
    requested: RequestedVersions,
) -> Result<CratesIo, IndexError> {
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
            Some((name.clone(), index.versions(name, requested.get(name)?, &unlocked)))
        });
        let known: Vec<_> = known.collect();
        let mut features = BTreeMap::new();
        let mut entries = BTreeMap::new();
        for (name, versions) in known {
            features.insert(name.clone(), versions.as_deref().ok().map(|all| index_krate(all)));
            entries.insert(name, entry(versions));
        }
        *read.0.lock().unwrap_or_else(PoisonError::into_inner) = ReadEntries { entries, files };
        features
    }));
    Ok(crates_io)
}

/// Reads the `requested` versions of packages of crates.io. `folder` is where the search for cargo's configuration starts;
/// `children` start cargo, which is asked for its version once.
pub(super) fn prefetch(folder: &Utf8Path, requested: &RequestedVersions, children: &Children) {
    // As `tame_index` does, but as a child that ends with the others.
    let version = cargo_version_by(|| {
        let mut command = Command::new(default_cargo());
        command.arg("-V");
        let output = children.run(command).ok().filter(|output| output.success)?;
        output.stdout.split_whitespace().nth(1)?.parse().ok()
    });
    if version.is_none() {
        return;
    }
    let index = Index::crates_io(folder);
    let unlocked = FileLock::unlocked();
    for (name, versions) in requested {
        // Errors are reported where the entry is needed.
        let _ = index.versions(name, versions, &unlocked);
    }
}

/// The index entries of the packages in a graph, for cargo-deny's check for yanked versions.
pub(super) fn entries<'g>(
    krates: &'g Krates,
    crates_io: Option<&CratesIo>,
    waits: &WaitReports,
) -> Result<Entries<'g>, IndexError> {
    let home = tame_index::utils::cargo_home()?;
    let mut requested: BTreeMap<(&str, &Source), BTreeSet<Version>> = BTreeMap::new();
    for krate in krates.krates() {
        if let Some(source) = krate.source.as_ref().filter(|source| source.is_registry()) {
            let versions = requested.entry((krate.name.as_str(), source)).or_default();
            versions.insert(krate.version.clone());
        }
    }
    let mut found = Entries::new();
    if let Some(read) = crates_io {
        let read = read.0.lock().unwrap_or_else(PoisonError::into_inner);
        requested.retain(|(name, source), _| {
            let known = read.entries.get(*name).filter(|_| matches!(source, Source::CratesIo(_)));
            // An entry that could not be read may have been incomplete at that moment.
            let Some(Entry::Map(versions)) = known else { return true };
            found.insert((name, source), Entry::Map(versions.clone()));
            false
        });
    }
    if requested.is_empty() {
        return Ok(found);
    }
    let mut indices: Vec<(&Source, Index)> = Vec::new();
    for (_, source) in requested.keys() {
        if !indices.iter().any(|(known, _)| known == source) {
            indices.push((source, Index::of(source, krates.workspace_root())));
        }
    }
    let lock = packages_lock(home, waits);
    let read = requested.into_par_iter().filter_map(|((name, source), versions)| {
        let (_, index) = indices.iter().find(|(known, _)| *known == source)?;
        Some(((name, source), entry(index.versions(name, &versions, &lock))))
    });
    found.extend(read.collect::<Vec<_>>());
    Ok(found)
}

/// Creates nothing: where cargo has no lock, such as in a read-only home, the index is read without one.
fn packages_lock(home: Utf8PathBuf, waits: &WaitReports) -> FileLock {
    if !home.join(".package-cache").is_file() {
        return FileLock::unlocked();
    }
    let options = LockOptions::cargo_package_lock(Some(home));
    let locked = options.and_then(|options| waits.lock(&options.shared(), "cargo's package cache"));
    locked.unwrap_or_else(|error| {
        tracing::warn!("could not lock cargo's package cache: {}", lock_failure(&error));
        FileLock::unlocked()
    })
}

fn index_krate(versions: &[IndexRecord]) -> IndexKrate {
    let versions = versions.iter().map(|recorded| IndexKrateVersion {
        version: recorded.version.clone(),
        features: recorded.features.clone(),
    });
    IndexKrate { versions: versions.collect() }
}

fn entry(versions: Result<Arc<Vec<IndexRecord>>, IndexError>) -> Entry {
    match versions {
        Ok(versions) => Entry::Map(
            versions.iter().map(|recorded| (recorded.version.clone(), recorded.yanked)).collect(),
        ),
        Err(error) => Entry::Error(error.to_string()),
    }
}

impl CratesIo {
    /// The state of the files before they were read; `None` if that is unknown.
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
        let version = cargo_version().map(|version| version.to_string());
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
            location.cargo_version = cargo_version();
            ComboIndexCache::new(location)
        });
        Self(opened.map_err(IndexError::from))
    }

    /// Applies `read` to each version and its record; `None` if cargo has no copy of the entry in the
    /// sparse index.
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

    /// The records of the `requested` versions of a package.
    fn versions(
        &self,
        name: &str,
        requested: &BTreeSet<Version>,
        lock: &FileLock,
    ) -> Result<Arc<Vec<IndexRecord>>, IndexError> {
        let combo = self.0.as_ref().map_err(Clone::clone)?;
        let krate_name = name.try_into()?;
        if let ComboIndexCache::Sparse(index) = combo {
            return read_once(&index.cache().cache_path(krate_name), requested, || {
                match index.cache().read_cache_file(krate_name, lock)? {
                    Some(bytes) => requested_versions(&bytes, requested),
                    None => Err(IndexError::Absent),
                }
            });
        }
        let krate = combo.cached_krate(krate_name, lock)?.ok_or(IndexError::Absent)?;
        Ok(Arc::new(krate.versions.iter().filter_map(IndexRecord::of).collect()))
    }
}

/// The versions of a cache entry, each with its record; a zero byte ends both.
fn records<'e>(entry: &ValidCacheEntry<'e>) -> impl Iterator<Item = (&'e [u8], &'e [u8])> {
    let mut parts = split(entry.version_entries, 0);
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
}

/// The records that this process has read from one index file. Most graphs need nearly the same.
struct CachedRecords {
    /// The stamp of the file when it was read.
    stamp: IndexStamp,
    versions: BTreeSet<Version>,
    records: Arc<Vec<IndexRecord>>,
}

type IndexStamp = (u64, Option<SystemTime>);

/// Returns the cached records of a file, or reads it.
fn read_once(
    file: &Utf8Path,
    requested: &BTreeSet<Version>,
    read: impl FnOnce() -> Result<Vec<IndexRecord>, IndexError>,
) -> Result<Arc<Vec<IndexRecord>>, IndexError> {
    static CACHE: LazyLock<Mutex<HashMap<Utf8PathBuf, CachedRecords>>> =
        LazyLock::new(Mutex::default);
    let cache = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let stamp = std::fs::metadata(file).map(|data| (data.len(), data.modified().ok()));
    let Ok(stamp) = stamp else { return read().map(Arc::new) };
    let fresh = cache()
        .get(file)
        .filter(|cached| cached.stamp == stamp && requested.is_subset(&cached.versions))
        .map(|cached| Arc::clone(&cached.records));
    if let Some(records) = fresh {
        return Ok(records);
    }
    // If the file changes while it is read, its next stamp differs.
    let records = match read() {
        Ok(records) => Arc::new(records),
        // Cargo may be writing it: keep the previous records until it is complete.
        Err(error) => {
            let before = cache()
                .get(file)
                .filter(|cached| requested.is_subset(&cached.versions))
                .map(|cached| Arc::clone(&cached.records));
            return before.filter(|_| is_young(stamp)).ok_or(error);
        }
    };
    let entry = CachedRecords { stamp, versions: requested.clone(), records: Arc::clone(&records) };
    cache().insert(file.to_owned(), entry);
    Ok(records)
}

/// Whether a file with this stamp was written just now.
fn is_young((_, written): IndexStamp) -> bool {
    written.and_then(|written| written.elapsed().ok()).is_some_and(|age| age < RECENT)
}

impl IndexRecord {
    fn of(version: &IndexVersion) -> Option<Self> {
        let features = version.features().map(|(name, all)| (name.clone(), all.clone()));
        Some(Self {
            version: version.version.parse().ok()?,
            yanked: version.yanked,
            features: features.collect(),
        })
    }
}

/// The requested versions of a cache entry.
fn requested_versions(
    bytes: &[u8],
    requested: &BTreeSet<Version>,
) -> Result<Vec<IndexRecord>, IndexError> {
    let valid = ValidCacheEntry::read(bytes)?;
    let mut found = Vec::new();
    for (version, record) in records(&valid) {
        let version = str::from_utf8(version).ok().and_then(|text| Version::parse(text).ok());
        if version.is_some_and(|version| requested.contains(&version)) {
            let record: IndexVersion = serde_json::from_slice(record)?;
            found.extend(IndexRecord::of(&record));
        }
    }
    Ok(found)
}

/// The version of cargo, which determines the folder names of the index.
fn cargo_version() -> Option<Version> {
    cargo_version_by(|| tame_index::utils::cargo_version(None).ok())
}

/// The same, asked for in this way unless it is known. Two threads do not ask at the same time.
fn cargo_version_by(ask: impl FnOnce() -> Option<Version>) -> Option<Version> {
    static VERSION: Mutex<Option<Version>> = Mutex::new(None);
    let mut version = VERSION.lock().unwrap_or_else(PoisonError::into_inner);
    if version.is_none() {
        *version = ask();
    }
    version.clone()
}
