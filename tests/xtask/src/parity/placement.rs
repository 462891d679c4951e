//! Writing a case's files to disk, once for each program, and its git repositories.
//!
//! Each program gets a copy of its own: cargo-deny has cargo write lock files, and what one program leaves behind must not
//! help the other. The git repositories are shared, because their URLs are part of the verdict.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::case::Case;
use crate::commands;

/// The text of the placeholder for the URL above the git repositories.
const GIT: &str = "{git}";

/// The values of a case's placeholders.
pub(crate) struct Placeholders {
    git: PathBuf,
    /// Name of a repository and its commit.
    revisions: Vec<(String, String)>,
}

impl Placeholders {
    /// Creates the git repositories of a case below `git`.
    pub(crate) fn create(case: &Case, git: &Path) -> Result<Self> {
        let mut placeholders = Self { git: git.to_owned(), revisions: Vec::new() };
        let prefix = format!("{GIT}/");
        let files: Vec<(&str, &str)> = case
            .files
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?, text.as_str())))
            .collect();
        for (path, text) in &files {
            write(git, path, text)?;
            complete(git, path, text, &files)?;
        }

        let mut names: Vec<&str> =
            files.iter().filter_map(|(path, _)| Some(path.split_once('/')?.0)).collect();
        names.dedup();
        for name in names {
            placeholders.revisions.push((name.to_owned(), commit(&git.join(name))?));
        }
        Ok(placeholders)
    }

    /// Writes the workspace of a case below `here`.
    pub(crate) fn write_workspace(&self, case: &Case, here: &Path) -> Result<()> {
        let files: Vec<(&str, &str)> = case
            .files
            .iter()
            .filter(|(path, _)| !path.starts_with(GIT))
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        for (path, text) in &files {
            let text = self.fill_in(text, here);
            write(here, path, &text)?;
            complete(here, path, &text, &files)?;
        }
        for (link, target) in &case.symlinks {
            let link = here.join(link);
            fs::create_dir_all(link.parent().unwrap_or(here))?;
            symlink(Path::new(target), &link)?;
        }
        Ok(())
    }

    /// Replaces the placeholders in a text or an argument.
    pub(crate) fn fill_in(&self, text: &str, here: &Path) -> String {
        let mut text = text
            .replace(GIT, &self.url())
            .replace("{here}", &here.display().to_string())
            .replace("{cr}", "\r");
        for (name, revision) in &self.revisions {
            text = text.replace(&format!("{{rev:{name}}}"), revision);
        }
        text
    }

    /// Puts the placeholders back into a text that cargo wrote.
    pub(crate) fn take_out(&self, text: &str) -> String {
        let mut text = text.replace(&self.url(), GIT);
        for (name, revision) in &self.revisions {
            text = text.replace(revision, &format!("{{rev:{name}}}"));
        }
        text
    }

    /// The URL above the git repositories.
    fn url(&self) -> String {
        format!("file://{}", self.git.display())
    }
}

/// A symbolic link, to a file where the system makes a difference.
pub(crate) fn symlink(target: &Path, link: &Path) -> Result<()> {
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(target, link);
    #[cfg(windows)]
    let linked = if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, link)
    } else {
        std::os::windows::fs::symlink_file(target, link)
    };
    linked.with_context(|| format!("could not create the symbolic link {}", link.display()))
}

fn write(root: &Path, path: &str, text: &str) -> Result<()> {
    let path = root.join(unescape(path)?);
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

/// Adds what every package needs and no case should have to repeat.
fn complete(root: &Path, path: &str, text: &str, files: &[(&str, &str)]) -> Result<()> {
    let Some(directory) = path.strip_suffix("Cargo.toml") else { return Ok(()) };
    if !text.contains("[package]") {
        return Ok(());
    }
    let present =
        |name: &str| files.iter().any(|(path, _)| path.strip_prefix(directory) == Some(name));
    if !["src/lib.rs", "src/main.rs"].into_iter().any(present) {
        write(root, &format!("{directory}src/lib.rs"), "")?;
    }
    if path.starts_with("vendor/") && !present(".cargo-checksum.json") {
        write(root, &format!("{directory}.cargo-checksum.json"), "{\"files\":{}}")?;
    }
    Ok(())
}

/// Makes a repository of a directory: branch `main`, tag `v1`, and a commit whose id depends on the files alone.
fn commit(directory: &Path) -> Result<String> {
    git(directory, &["init", "--quiet", "--initial-branch", "main"])?;
    git(directory, &["add", "--all", "--force"])?;
    git(directory, &["commit", "--quiet", "--message", "parity case"])?;
    git(directory, &["tag", "v1"])?;
    Ok(git(directory, &["rev-parse", "HEAD"])?.trim().to_owned())
}

/// Runs git without any of the user's settings.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> Result<String> {
    const DATE: &str = "2026-01-01T00:00:00Z";
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", DATE)
        .env("GIT_COMMITTER_DATE", DATE)
        .args([
            "-c",
            "user.name=parity",
            "-c",
            "user.email=parity@example.invalid",
            "-c",
            "core.autocrlf=false",
        ])
        .args(arguments);
    commands::output(&mut command)
}

/// A path in which `%FF` is a byte.
fn unescape(path: &str) -> Result<PathBuf> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (byte, rest) =
            piece.split_at_checked(2).context("a `%` in a path is followed by two digits")?;
        bytes.push(
            u8::from_str_radix(byte, 16)
                .context("a `%` in a path is followed by two hexadecimal digits")?,
        );
        bytes.extend_from_slice(rest.as_bytes());
    }

    #[cfg(unix)]
    let path = <OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes);
    #[cfg(not(unix))]
    let path =
        OsString::from(String::from_utf8(bytes).context("this system has no such file names")?);

    let path = PathBuf::from(path);
    if path.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        bail!("the path {} leads out of the case", path.display());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        Placeholders {
            git: PathBuf::from("/work/git"),
            revisions: vec![("near".to_owned(), "0123456789".to_owned())],
        }
    }

    #[test]
    fn placeholders_are_filled_in_and_taken_out_again() {
        let text = "{git}/near#{rev:near} {here}{cr}";
        let filled = placeholders().fill_in(text, Path::new("/work/here"));
        assert_eq!(filled, "file:///work/git/near#0123456789 /work/here\r");
        let lock = "source = \"git+file:///work/git/near#0123456789\"";
        assert_eq!(placeholders().take_out(lock), "source = \"git+{git}/near#{rev:near}\"");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_can_have_any_byte() {
        use std::os::unix::ffi::OsStrExt;
        let path = unescape("a/odd-%FF.txt").expect("the escape is complete");
        assert_eq!(path.as_os_str().as_bytes(), b"a/odd-\xff.txt");
        assert!(unescape("a%F").is_err());
        assert!(unescape("a%zz").is_err());
    }

    #[test]
    fn no_path_leads_out_of_a_case() {
        assert!(unescape("../a").is_err());
        assert!(unescape("/a").is_err());
    }
}
