//! Which commit a run is of: what CI says, else what the repository of the working directory is at. No other program is started.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Git {
    pub(crate) commit: Option<String>,
    pub(crate) branch: Option<String>,
}

/// Ours, then GitHub's and GitLab's.
const COMMIT: [&str; 3] = ["TELEMETRY_GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA"];
const BRANCH: [&str; 3] = ["TELEMETRY_GIT_BRANCH", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"];

/// Of this process.
pub(crate) fn here() -> Git {
    let said = |names: [&str; 3]| {
        names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    let (commit, branch) = (said(COMMIT), said(BRANCH));
    if commit.is_some() {
        return Git { commit, branch };
    }
    let found = std::env::current_dir().ok().and_then(|folder| Repository::around(&folder)).map(|of| of.head());
    let found = found.unwrap_or_default();
    Git { commit: found.commit, branch: branch.or(found.branch) }
}

/// A repository, as far as names of commits go.
pub(crate) struct Repository {
    /// Where `HEAD` is: of a work tree its own folder.
    own: PathBuf,
    /// Where branches and tags are.
    common: PathBuf,
}

impl Repository {
    /// That of a folder or of one around it.
    pub(crate) fn around(folder: &Path) -> Option<Repository> {
        folder.ancestors().find_map(|folder| {
            let place = folder.join(".git");
            let own = if place.is_dir() {
                place
            } else {
                // A work tree, or a submodule.
                let text = fs::read_to_string(&place).ok()?;
                folder.join(text.strip_prefix("gitdir:")?.trim())
            };
            let common = fs::read_to_string(own.join("commondir")).ok();
            let common = common.map_or_else(|| own.clone(), |common| own.join(common.trim()));
            own.join("HEAD").is_file().then_some(Repository { own, common })
        })
    }

    pub(crate) fn head(&self) -> Git {
        let Ok(head) = fs::read_to_string(self.own.join("HEAD")) else { return Git::default() };
        match head.trim().strip_prefix("ref:") {
            Some(name) => {
                let name = name.trim();
                let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
                Git { commit: self.commit_at(name), branch: Some(branch.to_owned()) }
            }
            None => Git { commit: as_commit(&head), branch: None },
        }
    }

    /// The commit that a branch, a tag or `HEAD` names. Of a tag with a message it is the tag's own.
    #[cfg(feature = "history")]
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        if name == "HEAD" {
            return self.head().commit;
        }
        ["refs/heads/", "refs/tags/", "refs/remotes/"].iter().find_map(|kind| self.commit_at(&format!("{kind}{name}")))
    }

    fn commit_at(&self, name: &str) -> Option<String> {
        // A name that leads elsewhere is none.
        if name.split('/').any(|part| part == ".." || part.is_empty()) {
            return None;
        }
        if let Ok(text) = fs::read_to_string(self.common.join(name)) {
            return as_commit(&text);
        }
        let packed = fs::read_to_string(self.common.join("packed-refs")).ok()?;
        packed.lines().find_map(|line| {
            line.split_once(' ').filter(|(_, known)| *known == name).and_then(|(commit, _)| as_commit(commit))
        })
    }
}

fn as_commit(text: &str) -> Option<String> {
    let text = text.trim();
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "0123456789abcdef0123456789abcdef01234567";
    const SECOND: &str = "fedcba9876543210fedcba9876543210fedcba98";

    #[test]
    fn branches_packed_names_work_trees_and_bare_commits_are_read() {
        let folder = std::env::temp_dir().join(format!("telemetry-git-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let head_in = |path: &str| Repository::around(&folder.join(path)).unwrap().head();
        write(".git/HEAD", "ref: refs/heads/feature/a\n");
        write(".git/refs/heads/feature/a", &format!("{FIRST}\n"));
        write(".git/packed-refs", &format!("# pack-refs\n{SECOND} refs/heads/main\n{FIRST} refs/tags/v1\n^{SECOND}\n"));
        write("deep/down/file", "");
        let git =
            |commit: &str, branch: Option<&str>| Git { commit: Some(commit.into()), branch: branch.map(Into::into) };
        assert_eq!(head_in("deep/down"), git(FIRST, Some("feature/a")));
        write(".git/worktrees/other/HEAD", "ref: refs/heads/main\n");
        write(".git/worktrees/other/commondir", "../..\n");
        write("other/.git", &format!("gitdir: {}\n", folder.join(".git/worktrees/other").display()));
        assert_eq!(head_in("other"), git(SECOND, Some("main")));
        write(".git/HEAD", SECOND);
        assert_eq!(head_in("."), git(SECOND, None));
        write(".git/HEAD", "ref: refs/heads/unborn\n");
        assert_eq!(head_in("."), Git { commit: None, branch: Some("unborn".into()) });
        write(".git/HEAD", "ref: ../../../secret\n");
        assert_eq!(head_in(".").commit, None);
        #[cfg(feature = "history")]
        assert_eq!(Repository::around(&folder).unwrap().resolve("v1").as_deref(), Some(FIRST));
        fs::remove_dir_all(&folder).unwrap();
    }
}
