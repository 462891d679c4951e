//! The base of a workspace: an earlier commit of its repository, with its files in a folder of ours.

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    BaseError, BaseRequest, base_files,
    outside::OutsideLinks,
    repository::{Commit, Repository},
    revision,
};
use crate::{
    cache::{Cache, KeptFolder, hash},
    gate::{CommandLine, GateOptions, Verdict},
    process::Children,
    verdict::{DenyOptions, Severity},
    workspace::{PolicyFiles, Workspace},
};

/// How many digits of a commit's id are shown.
const SHORT_ID: usize = 9;

/// The version of what [`base_files`] writes; a folder of another one is not used.
const FORMAT: &str = "2";

/// An earlier commit of the repository of a workspace.
#[derive(Debug)]
pub struct Base {
    /// How it was named, as in `origin/main`.
    name: String,
    commit: Commit,
    repository: Repository,
    /// Kept as long as its files are read.
    _files: KeptFolder,
    /// The folder with its files.
    root: Utf8PathBuf,
    /// What it uses outside of the repository.
    outside: OutsideLinks,
}

impl Base {
    /// The base of the workspace in a folder.
    ///
    /// # Errors
    ///
    /// When there is no repository, or the base cannot be found or read.
    pub fn of(
        folder: &Utf8Path,
        request: &BaseRequest,
        cache: &Cache,
        children: &Children,
    ) -> Result<Self, BaseError> {
        let (repository, commit, name) = revision::find(folder, request, children)?;
        // A submodule's commit is part of the content, but whether its clone can be read is not.
        let key = hash(format!("{FORMAT} {} {}", commit.tree, repository.folder).as_bytes());
        let files = cache.kept_folder(&key, children, |new| {
            let folder = OutsideLinks::below(new).path_of(&repository.folder);
            let failed = |source| BaseError::Write { path: folder.clone(), source };
            std::fs::create_dir_all(&folder).map_err(failed)?;
            base_files::write(&repository, &commit, &folder, children)?;
            OutsideLinks::list(new, &repository.folder).map_err(failed)
        })?;
        let outside = OutsideLinks::below(&files.path());
        outside.make(&repository.folder);
        let root = outside.path_of(&repository.folder);
        Ok(Self { name, commit, repository, _files: files, root, outside })
    }

    /// How it is named in messages: `origin/main (1a2b3c4d5)`.
    pub fn shown_name(&self) -> String {
        let id = self.commit.id.get(..SHORT_ID).unwrap_or(&self.commit.id);
        if self.commit.id.starts_with(&self.name) {
            id.to_owned()
        } else {
            format!("{} ({id})", self.name)
        }
    }

    /// Whether both have the same files.
    pub fn has_same_files(&self, other: &Self) -> bool {
        self.commit.tree == other.commit.tree && self.root == other.root
    }

    /// The verdict on a workspace of it, if all checks have run; `None` for a canceled check.
    ///
    /// # Errors
    ///
    /// When a check could not run.
    pub fn complete(&self, verdict: Option<Verdict>) -> Result<Verdict, BaseError> {
        let without_verdict =
            |reason: String| BaseError::NoVerdict { name: self.shown_name(), reason };
        let Some(verdict) = verdict else { return Err(without_verdict("canceled".to_owned())) };
        if verdict.complete {
            return Ok(verdict);
        }
        let mut errors = verdict
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error && finding.check.exit_bit() == 0);
        let reason = errors.next().map_or_else(
            || "not all checks could run".to_owned(),
            |finding| {
                let message = finding.message.replace(self.root.as_str(), "");
                self.outside.with_originals(&message)
            },
        );
        Err(without_verdict(reason))
    }

    /// The folder of its files.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The folder of the checkout, without links.
    pub fn checkout(&self) -> &Utf8Path {
        &self.repository.folder
    }

    /// Whether a folder of the checkout belongs to the same repository, or to a submodule of it, and not to another
    /// repository in one of its folders.
    pub fn has_folder(&self, folder: &Utf8Path) -> bool {
        relative_to(&self.repository.folder, folder).is_some_and(|relative| {
            // A submodule has a file of this name.
            let is_other =
                |folder: &Utf8Path| self.repository.folder.join(folder).join(".git").is_dir();
            !relative.ancestors().any(|folder| !folder.as_str().is_empty() && is_other(folder))
        })
    }

    /// The path in the base of a file or folder of the checkout, which may not exist there; `None` outside of the
    /// repository.
    pub fn path_of(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        Some(self.root.join(relative_to(&self.repository.folder, path)?))
    }

    /// The path in the checkout of a file of the base, or of one outside that it uses.
    pub fn path_in_checkout(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        match path.strip_prefix(&self.root) {
            Ok(inner) => Some(self.repository.folder.join(inner)),
            Err(_) => self.outside.original(path, &self.repository.folder),
        }
    }

    /// The same workspace in the base, or the same folder with a policy that rules no workspace, if it has one.
    pub fn workspace(&self, workspace: &Workspace) -> Option<Workspace> {
        let manifest = self.path_of(&workspace.manifest)?;
        let before = Workspace::of_manifest(&manifest);
        (manifest.is_file() || before.is_policy_alone()).then_some(before)
    }

    /// The options for the base: those of the checkout, with the base's own policy files.
    pub fn options(&self, options: &GateOptions, workspace: &Workspace) -> GateOptions {
        let deny = |deny: &DenyOptions| DenyOptions {
            config: deny.config.as_deref().map(|config| self.existing(config)),
            ..deny.clone()
        };
        let lines = options.command_lines.iter();
        GateOptions {
            deny: deny(&options.deny),
            policy_files: Some(self.policy_files(options, workspace)),
            command_lines: lines
                .map(|line| CommandLine { deny: deny(&line.deny), ..line.clone() })
                .collect(),
            // Reports show the graph of the checkout only.
            dependency_graph: false,
            ..options.clone()
        }
    }

    /// The policy files of the base. Those above the repository are the same for both.
    fn policy_files(&self, options: &GateOptions, workspace: &Workspace) -> PolicyFiles {
        let now = options.policy_files.clone().unwrap_or_else(|| workspace.policy_files());
        let outside = |file: Option<Utf8PathBuf>| file.filter(|file| self.path_of(file).is_none());
        let manifest = self.path_of(&workspace.manifest);
        let in_base = manifest.map(|manifest| PolicyFiles::find(&manifest)).unwrap_or_default();
        let inside = |file: Option<Utf8PathBuf>| file.filter(|file| file.starts_with(&self.root));
        PolicyFiles {
            policy: inside(in_base.policy).or_else(|| outside(now.policy)),
            exceptions: inside(in_base.exceptions).or_else(|| outside(now.exceptions)),
        }
    }

    /// The file of the base, or the one of the checkout if the base does not have it.
    fn existing(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.path_of(path).filter(|path| path.exists()).unwrap_or_else(|| path.to_owned())
    }
}

/// A path relative to a folder without links.
fn relative_to(folder: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    if let Ok(relative) = path.strip_prefix(folder) {
        return Some(relative.to_owned());
    }
    // Only the folder is resolved: the file may be a link.
    let name = path.file_name()?;
    let real = match path.parent()?.canonicalize_utf8() {
        Ok(parent) => parent.join(name),
        Err(_) => return None,
    };
    real.strip_prefix(folder).ok().map(Utf8Path::to_owned)
}
