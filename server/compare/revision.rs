//! The commit to compare with: the one that is named, or that of the event that the CI system reports in its variables.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::{
    BaseError,
    error::cure_of_missing,
    repository::{Commit, Repository},
};
use crate::{process::Children, text::read_to_string};

/// The word for the base of the event.
const AUTO: &str = "auto";

/// What to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseRequest {
    /// A branch, tag or commit id; `auto` for the base of the event that CI runs for.
    pub revision: String,
    /// Compare with the commit at which the current branch has left it, not with its tip.
    pub merge_base: bool,
}

/// Variables with the name of the branch that a pull request is to be merged into.
const BRANCH_VARIABLES: [&str; 8] = [
    // GitHub, Gitea and Forgejo.
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",
    "BITBUCKET_PR_DESTINATION_BRANCH",
    // Jenkins.
    "CHANGE_TARGET",
    "DRONE_TARGET_BRANCH",
    // Woodpecker.
    "CI_COMMIT_TARGET_BRANCH",
];

/// Variables with the id of the commit to compare with, where the branch was not fetched.
const COMMIT_VARIABLES: [&str; 3] = [
    "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA",
    "CI_COMMIT_BEFORE_SHA",
];

/// Where the file with GitHub's event has the commit to compare with.
const EVENT_FIELDS: [&str; 3] = ["/pull_request/base/sha", "/merge_group/base_sha", "/before"];

/// The repository of a folder, the commit, and how that is named.
pub(super) fn find(
    folder: &Utf8Path,
    request: &BaseRequest,
    children: &Children,
) -> Result<(Repository, Commit, String), BaseError> {
    let names = match request.revision.as_str() {
        AUTO => of_event(&|name| std::env::var(name).ok()),
        named => vec![named.to_owned()],
    };
    let Some((first, others)) = names.split_first() else { return Err(BaseError::NoEvent) };
    let (repository, mut found) = Repository::with_commit(folder, first, children)?;
    let mut name = first;
    for other in others {
        if found.is_none() {
            name = other;
            found = repository.commit(other)?;
        }
    }
    let cure = cure_of_missing(repository.is_shallow());
    let at = || repository.folder.clone();
    let Some(mut commit) = found else {
        let revision = names.join("`, `");
        return Err(BaseError::UnknownRevision { revision, repository: at(), cure });
    };
    if request.merge_base {
        let Some(common) = repository.merge_base(&commit)? else {
            return Err(BaseError::NoMergeBase { revision: name.clone(), repository: at(), cure });
        };
        commit = common;
    }
    Ok((repository, commit, name.clone()))
}

/// The files whose change may move the base of a folder to another commit; some do not exist.
pub fn files_deciding_base(
    folder: &Utf8Path,
    request: &BaseRequest,
    children: &Children,
) -> BTreeSet<Utf8PathBuf> {
    match Repository::around(folder, children) {
        Ok(repository) => repository.deciding_files(&request.revision),
        // A repository may be created.
        Err(_) => BTreeSet::from([folder.join(".git/HEAD")]),
    }
}

/// The names of the base in the order in which they are looked up.
fn of_event(variable: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let branches = BRANCH_VARIABLES.iter().filter_map(set).flat_map(|branch| {
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned();
        [format!("origin/{branch}"), branch]
    });
    let mut names: Vec<_> = branches.collect();
    names.extend(COMMIT_VARIABLES.iter().filter_map(set));
    let event =
        variable("GITHUB_EVENT_PATH").and_then(|path| read_to_string(Utf8Path::new(&path)).ok());
    let event = event.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let in_event = EVENT_FIELDS.iter().filter_map(|field| event.as_ref()?.pointer(field)?.as_str());
    names.extend(in_event.map(str::to_owned));
    // A new branch has no commit before.
    names.retain(|name| name.bytes().any(|byte| byte != b'0'));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(variables: &[(&str, &str)]) -> Vec<String> {
        of_event(&|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn branch_of_the_event_is_looked_up_at_the_remote_first() {
        assert_eq!(names(&[("GITHUB_BASE_REF", "main")]), ["origin/main", "main"]);
        let gitlab = [
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "abc"),
        ];
        assert_eq!(names(&gitlab), ["origin/main", "main", "abc"]);
        let azure = [("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/dev")];
        assert_eq!(names(&azure), ["origin/dev", "dev"]);
    }

    #[test]
    fn without_an_event_there_is_no_name() {
        let nothing: [&str; 0] = [];
        assert_eq!(names(&[("GITHUB_BASE_REF", "")]), nothing);
        assert_eq!(names(&[("CI_COMMIT_BEFORE_SHA", "0000000000")]), nothing);
    }

    #[test]
    fn commit_is_read_from_the_file_of_the_event() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("UTF-8");
        std::fs::write(path, r#"{"before": "abc", "after": "def"}"#).expect("written");
        assert_eq!(names(&[("GITHUB_EVENT_PATH", path)]), ["abc"]);
        std::fs::write(path, r#"{"pull_request": {"base": {"sha": "123"}}}"#).expect("written");
        let of_both = names(&[("GITHUB_EVENT_PATH", path), ("GITHUB_BASE_REF", "main")]);
        assert_eq!(of_both, ["origin/main", "main", "123"]);
        std::fs::write(path, "[").expect("written");
        assert!(names(&[("GITHUB_EVENT_PATH", path)]).is_empty());
    }
}
