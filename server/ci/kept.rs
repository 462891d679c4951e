//! The result of a search, kept between runs: large repositories have thousands of folders.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use ignore::gitignore::gitconfig_excludes_path;
use serde::{Deserialize, Serialize};

use super::{
    DiscoveredGate, EngineVersion, FileLine, GateSearch, GateSource, UnresolvedGate,
    UnresolvedReason, find_gates,
};
use crate::{
    cache::{Cache, CacheKind, Input, Inputs, hash, on_disk},
    deny_command::DenyCommand,
    text::{self, SourceText},
    workspace::Workspace,
};

/// What was changed this recently may change again without another time.
const RECENT: Duration = Duration::from_secs(2);

/// Files in a folder that hide others from the search.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

#[derive(Serialize, Deserialize)]
struct KeptSearch {
    inputs: Inputs,
    gates: Vec<KeptGate>,
    unresolved: Vec<KeptUnresolved>,
    files_read: BTreeSet<Utf8PathBuf>,
    folders: BTreeSet<Utf8PathBuf>,
}

/// A gate without what its words and its manifest say.
#[derive(Serialize, Deserialize)]
struct KeptGate {
    at: FileLine,
    source: GateSource,
    called_from: Option<FileLine>,
    version: Option<EngineVersion>,
    folder: Utf8PathBuf,
    words: Vec<String>,
    manifest: Utf8PathBuf,
    reports_only: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptUnresolved {
    at: FileLine,
    source: GateSource,
    called_from: Option<FileLine>,
    version: Option<EngineVersion>,
    command: String,
    reason: String,
}

/// The gates of the repository with this root, by the files on disk: those that an earlier search has found, if neither the
/// files that it has read nor the folders have changed since, else those of a new search.
pub(crate) fn find_gates_or_kept(root: &Utf8Path, cache: &Cache) -> GateSearch {
    if cache.folder().is_none() {
        return search(root);
    }
    let key = hash(format!("gates {} {root}", env!("CARGO_PKG_VERSION")).as_bytes());
    if let Some(kept) = kept(cache, &key) {
        return kept;
    }
    let start = SystemTime::now();
    let found = search(root);
    if let Some(inputs) = inputs(root, &found, start) {
        let kept = KeptSearch {
            inputs,
            gates: found.gates.iter().map(KeptGate::of).collect(),
            unresolved: found.unresolved.iter().map(KeptUnresolved::of).collect(),
            files_read: found.files_read.clone(),
            folders: found.folders.clone(),
        };
        if let Ok(content) = serde_json::to_vec(&kept) {
            cache.put(CacheKind::Gates, &key, &content);
        }
    }
    found
}

fn search(root: &Utf8Path) -> GateSearch {
    find_gates(root, &|path| text::read_to_string(path).map(|text| SourceText::new(&text)))
}

/// The kept result, if it still holds.
fn kept(cache: &Cache, key: &str) -> Option<GateSearch> {
    let kept: KeptSearch = serde_json::from_slice(&cache.get(CacheKind::Gates, key)?).ok()?;
    if !kept.inputs.hold(&on_disk) {
        return None;
    }
    Some(GateSearch {
        gates: kept.gates.into_iter().map(KeptGate::gate).collect::<Option<_>>()?,
        unresolved: kept.unresolved.into_iter().map(KeptUnresolved::gate).collect(),
        files_read: kept.files_read,
        folders: kept.folders,
        searched: Vec::new(),
    })
}

/// What a search depends on; `None` if something has changed so recently that another change could not be seen.
fn inputs(root: &Utf8Path, found: &GateSearch, start: SystemTime) -> Option<Inputs> {
    let mut all: BTreeSet<Utf8PathBuf> = found.files_read.clone();
    let above = root.ancestors().map(Utf8Path::to_owned);
    for folder in found.searched.iter().cloned().chain(above) {
        all.extend(
            IGNORE_FILES.map(|name| folder.join(name)).into_iter().filter(|at| at.is_file()),
        );
    }
    all.extend(found.searched.iter().cloned());
    all.insert(root.join(".git/info/exclude"));
    all.extend(gitconfig_excludes_path().and_then(|path| Utf8PathBuf::from_path_buf(path).ok()));
    let is_old = |path: &Utf8PathBuf| {
        let changed = fs::metadata(path).and_then(|data| data.modified());
        changed.map_or(true, |time| start.duration_since(time).is_ok_and(|age| age > RECENT))
    };
    // First, so that a change since is a recent one.
    let inputs = Inputs::now(all.iter().cloned().map(Input::Stamp).collect(), &on_disk);
    all.iter().all(is_old).then_some(inputs)
}

impl KeptGate {
    fn of(gate: &DiscoveredGate) -> Self {
        Self {
            at: gate.at.clone(),
            source: gate.source,
            called_from: gate.called_from.clone(),
            version: gate.version.clone(),
            folder: gate.folder.clone(),
            words: gate.words.clone(),
            manifest: gate.workspace.manifest.clone(),
            reports_only: gate.reports_only,
        }
    }

    /// `None` if it would not be found any more.
    fn gate(self) -> Option<DiscoveredGate> {
        let version = self.version.as_ref().map(|version| version.number.newest());
        let check = match DenyCommand::parse(&self.words, version.as_ref()) {
            Ok(DenyCommand::Check(check)) => *check,
            _ => return None,
        };
        if !self.folder.is_dir() || !self.manifest.is_file() {
            return None;
        }
        Some(DiscoveredGate {
            workspace: Workspace::of_manifest(&self.manifest),
            at: self.at,
            source: self.source,
            called_from: self.called_from,
            version: self.version,
            folder: self.folder,
            words: self.words,
            check,
            reports_only: self.reports_only,
        })
    }
}

impl KeptUnresolved {
    fn of(gate: &UnresolvedGate) -> Self {
        Self {
            at: gate.at.clone(),
            source: gate.source,
            called_from: gate.called_from.clone(),
            version: gate.version.clone(),
            command: gate.command.clone(),
            reason: gate.reason.to_string(),
        }
    }

    fn gate(self) -> UnresolvedGate {
        UnresolvedGate {
            at: self.at,
            source: self.source,
            called_from: self.called_from,
            version: self.version,
            command: self.command,
            reason: UnresolvedReason::Earlier(self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKFLOW: &str = ".github/workflows/ci.yml";

    struct Repository {
        _temp: tempfile::TempDir,
        root: Utf8PathBuf,
        cache: Cache,
    }

    impl Repository {
        fn new() -> Self {
            let temp = tempfile::tempdir().expect("a temporary folder");
            let folder = Utf8Path::from_path(temp.path()).expect("UTF-8");
            let (root, cache) =
                (folder.join("repository"), Cache::in_folder(&folder.join("cache")));
            let repository = Self { _temp: temp, root, cache };
            repository.write("Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n");
            repository.write(WORKFLOW, &workflow("cargo deny check bans"));
            repository.write("scripts/a/b/c/quiet.txt", "nothing");
            repository.write("scripts/unresolved.sh", "cargo deny check $(checks)\n");
            repository.age(0);
            repository
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("written");
        }

        /// Sets the times of all files and folders to so many seconds after a time that is long ago.
        fn age(&self, seconds: u64) {
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
            let mut open = vec![self.root.clone()];
            while let Some(path) = open.pop() {
                if path.is_dir() {
                    let entries = path.read_dir_utf8().expect("a folder").flatten();
                    open.extend(entries.map(|entry| entry.path().to_owned()));
                }
                let file = fs::File::open(&path).expect("it opens");
                file.set_modified(then).expect("its time is set");
            }
        }

        /// The words of the gates.
        fn found(&self) -> Vec<String> {
            let found = find_gates_or_kept(&self.root, &self.cache);
            let again = search(&self.root);
            assert_eq!(found.gates, again.gates, "as another search finds them");
            let reasons = |search: &GateSearch| -> Vec<String> {
                search.unresolved.iter().map(|one| format!("{}: {}", one.at, one.reason)).collect()
            };
            assert_eq!(reasons(&found), reasons(&again));
            found.gates.iter().map(|gate| gate.words.join(" ")).collect()
        }
    }

    fn workflow(command: &str) -> String {
        format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: {command}\n")
    }

    #[test]
    fn kept_gates_are_found_without_another_search() {
        let repository = Repository::new();
        let first = find_gates_or_kept(&repository.root, &repository.cache);
        assert_eq!(repository.found(), ["check bans"]);
        // Neither size nor time shows it.
        repository.write(WORKFLOW, &workflow("cargo deny check xxxx"));
        repository.age(0);
        let kept = find_gates_or_kept(&repository.root, &repository.cache);
        assert_eq!(kept.gates, first.gates);
        assert_eq!(kept.unresolved.len(), 1);
        assert_eq!(kept.files_read, first.files_read);
        assert_eq!(kept.folders, first.folders);
    }

    #[test]
    fn changes_of_a_repository_are_found() {
        let repository = Repository::new();
        assert_eq!(repository.found(), ["check bans"]);
        let script = "scripts/a/b/c/check.sh";
        let steps: [(&dyn Fn(), &[&str]); 6] = [
            (
                &|| repository.write(WORKFLOW, &workflow("cargo deny check sources")),
                &["check sources"],
            ),
            (&|| repository.write(script, "cargo deny check\n"), &["check sources", "check"]),
            (&|| repository.write("scripts/.gitignore", "a\n"), &["check sources"]),
            (&|| repository.write("scripts/.gitignore", "other\n"), &["check sources", "check"]),
            (
                &|| fs::remove_file(repository.root.join(script)).expect("removed"),
                &["check sources"],
            ),
            (&|| fs::remove_file(repository.root.join("Cargo.toml")).expect("removed"), &[]),
        ];
        for (number, (change, expected)) in (1..).zip(steps) {
            change();
            assert_eq!(repository.found(), expected, "step {number}");
            // The same once it is old enough to be kept.
            repository.age(number);
            assert_eq!(repository.found(), expected, "step {number}, not kept yet");
            assert_eq!(repository.found(), expected, "step {number}, kept");
        }
    }

    #[test]
    fn what_has_just_changed_is_not_kept() {
        let repository = Repository::new();
        repository.write(WORKFLOW, &workflow("cargo deny check licenses"));
        assert_eq!(repository.found(), ["check licenses"]);
        let kept = repository.cache.usage().into_iter().find(|(kind, _)| *kind == CacheKind::Gates);
        assert_eq!(kept.map(|(_, usage)| usage.entries), Some(0));
    }
}
