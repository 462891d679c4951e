//! The files of a repository that may run cargo-deny.

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;

use super::GateSearch;
use crate::{limits, workspace::EXCLUDED_FOLDERS};

/// The files by their kinds, each in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct CiFiles {
    pub(super) workflows: Vec<Utf8PathBuf>,
    pub(super) actions: Vec<Utf8PathBuf>,
    pub(super) gitlab: Vec<Utf8PathBuf>,
    pub(super) yaml: Vec<Utf8PathBuf>,
    pub(super) pre_commit: Vec<Utf8PathBuf>,
    pub(super) just: Vec<Utf8PathBuf>,
    pub(super) make: Vec<Utf8PathBuf>,
    /// `Makefile.toml` and files of mise, pixi and Python's runners
    pub(super) tasks: Vec<Utf8PathBuf>,
    pub(super) mise: Vec<Utf8PathBuf>,
    pub(super) tool_versions: Vec<Utf8PathBuf>,
    pub(super) dockerfiles: Vec<Utf8PathBuf>,
    pub(super) cargo: Vec<Utf8PathBuf>,
    pub(super) scripts: Vec<Utf8PathBuf>,
    pub(super) xtask: Vec<Utf8PathBuf>,
}

/// How deep folders are searched.
const DEPTH: usize = 8;

/// Hidden folders at the root that have files of interest.
const HIDDEN: [&str; 10] = [
    ".github",
    ".gitlab",
    ".circleci",
    ".woodpecker",
    ".azure-pipelines",
    ".azure",
    ".buildkite",
    ".cargo",
    ".config",
    ".ci",
];

impl CiFiles {
    /// The files below a folder; adds the folders that were searched to the result.
    pub(super) fn of(root: &Utf8Path, result: &mut GateSearch) -> Self {
        let mut files = Self::default();
        let mut visited = 0;
        walk(root, true, &mut visited, &mut files, result);
        for name in HIDDEN {
            let folder = root.join(name);
            if folder.is_dir() {
                walk(&folder, false, &mut visited, &mut files, result);
            }
        }
        for list in files.lists() {
            list.sort();
            list.dedup();
        }
        files
    }

    fn lists(&mut self) -> [&mut Vec<Utf8PathBuf>; 14] {
        [
            &mut self.workflows,
            &mut self.actions,
            &mut self.gitlab,
            &mut self.yaml,
            &mut self.pre_commit,
            &mut self.just,
            &mut self.make,
            &mut self.tasks,
            &mut self.mise,
            &mut self.tool_versions,
            &mut self.dockerfiles,
            &mut self.cargo,
            &mut self.scripts,
            &mut self.xtask,
        ]
    }

    fn add(&mut self, root: &Utf8Path, path: &Utf8Path) {
        if let Some(list) = self.list_of(root, path)
            && list.len() < limits::CI_FILES
        {
            list.push(path.to_owned());
        }
    }

    fn list_of(&mut self, root: &Utf8Path, path: &Utf8Path) -> Option<&mut Vec<Utf8PathBuf>> {
        let name = path.file_name()?;
        let inner = path.strip_prefix(root).unwrap_or(path).as_str();
        let yaml = matches!(path.extension(), Some("yml" | "yaml"));
        let at_root = !inner.contains('/');
        if yaml && inner.starts_with(".github/workflows/") {
            return Some(&mut self.workflows);
        }
        if matches!(name, "action.yml" | "action.yaml") {
            return Some(&mut self.actions);
        }
        if yaml && at_root && name.starts_with(".gitlab-ci.") {
            return Some(&mut self.gitlab);
        }
        if matches!(name, ".pre-commit-config.yaml" | ".pre-commit-config.yml") {
            return Some(&mut self.pre_commit);
        }
        if yaml && is_other_yaml(inner, name, at_root) {
            return Some(&mut self.yaml);
        }
        let lower = name.to_ascii_lowercase();
        let extension = path.extension().unwrap_or_default();
        match lower.as_str() {
            "justfile" | ".justfile" => return Some(&mut self.just),
            "makefile" | "gnumakefile" => return Some(&mut self.make),
            "makefile.toml" | "mise.toml" | ".mise.toml" | "pixi.toml" | "pyproject.toml" => {
                if lower.contains("mise") {
                    self.mise.push(path.to_owned());
                }
                return Some(&mut self.tasks);
            }
            ".tool-versions" => return Some(&mut self.tool_versions),
            "dockerfile" | "containerfile" => return Some(&mut self.dockerfiles),
            "config.toml" | "config" if inner.ends_with(&format!(".cargo/{name}")) => {
                return Some(&mut self.cargo);
            }
            _ => {}
        }
        match extension {
            "mk" => Some(&mut self.make),
            "just" => Some(&mut self.just),
            "sh" | "bash" => Some(&mut self.scripts),
            "dockerfile" => Some(&mut self.dockerfiles),
            "rs" if inner.split('/').any(is_xtask) => Some(&mut self.xtask),
            _ if lower.starts_with("dockerfile.") => Some(&mut self.dockerfiles),
            _ => None,
        }
    }
}

/// Whether a folder is that of an xtask, such as `xtask` or `tools/xtask-ci`.
fn is_xtask(folder: &str) -> bool {
    folder.contains("xtask") || folder.contains("x-task")
}

fn is_other_yaml(inner: &str, name: &str, at_root: bool) -> bool {
    let named = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    let hidden =
        [".circleci/", ".woodpecker/", ".azure-pipelines/", ".azure/", ".buildkite/", ".ci/"];
    hidden.iter().any(|folder| inner.starts_with(folder))
        || named(&["Taskfile.", "taskfile.", "azure-pipelines", "lefthook", ".lefthook"])
        || at_root
            && named(&[
                ".drone.",
                ".woodpecker.",
                ".travis.",
                ".cirrus.",
                "bitbucket-pipelines.",
                "appveyor.",
                ".appveyor.",
                "cloudbuild.",
                "buildspec.",
                ".builds.",
                "pipeline.",
                ".build.",
            ])
        || inner.starts_with("ci/")
        || inner.starts_with("azure-pipelines/")
        || inner.starts_with(".builds/")
}

fn walk(
    folder: &Utf8Path,
    top: bool,
    visited: &mut usize,
    files: &mut CiFiles,
    result: &mut GateSearch,
) {
    let root = if top { folder } else { folder.parent().unwrap_or(folder) };
    let names_at_root =
        [".gitlab-ci.", ".drone.", ".woodpecker.", ".travis.", ".cirrus.", ".pre-commit-config."];
    let others =
        [".lefthook.", ".mise.toml", ".tool-versions", ".justfile", ".appveyor.", ".build."];
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .hidden(false)
        .follow_links(false)
        .max_depth(Some(DEPTH))
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| {
            let Some(name) = entry.file_name().to_str() else { return false };
            if entry.depth() == 0 {
                return true;
            }
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                let is_hidden = name.starts_with('.') && name != ".cargo" && top;
                return !is_hidden && !EXCLUDED_FOLDERS.contains(&name);
            }
            let known = names_at_root.iter().chain(&others);
            !name.starts_with('.') || known.into_iter().any(|start| name.starts_with(start))
        })
        .build();
    for entry in walk.filter_map(Result::ok) {
        *visited += 1;
        if *visited > limits::CI_ENTRIES {
            return;
        }
        let Some(path) = Utf8Path::from_path(entry.path()) else { continue };
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            if entry.depth() <= 2 && result.folders.len() < limits::WATCHED_FOLDERS {
                result.folders.insert(path.to_owned());
            }
            result.searched.push(path.to_owned());
        } else if path.is_file() {
            files.add(root, path);
        }
    }
}

/// The folder of the repository that a path is in: the nearest one with `.git`, else the outermost with a file of
/// a continuous integration or `Cargo.toml`.
pub fn root_around(path: &Utf8Path) -> Utf8PathBuf {
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    if let Some(found) = folder.ancestors().find(|folder| folder.join(".git").exists()) {
        return found.to_owned();
    }
    let is_part = |folder: &&Utf8Path| folder.join("Cargo.toml").is_file();
    let outermost = folder.ancestors().filter(is_part).last();
    outermost.unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_the_folder_with_git_or_the_outermost_workspace() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        std::fs::create_dir_all(root.join("a/b/c")).expect("folders");
        for folder in ["a", "a/b/c"] {
            std::fs::write(root.join(folder).join("Cargo.toml"), "").expect("written");
        }
        assert_eq!(root_around(&root.join("a/b/c/Cargo.toml")), root.join("a"));
        assert_eq!(root_around(&root.join("a/b")), root.join("a"));
        std::fs::create_dir(root.join("a/b/.git")).expect("a folder");
        assert_eq!(root_around(&root.join("a/b/c")), root.join("a/b"));
    }
}
