//! What is known of the program and its machine: the commit, the file, the command.

use super::message::{Git, Message};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Levels of folders that are searched for a repository, and followed through references.
const LEVELS: usize = 32;

/// What is logged at the start of a run.
pub(super) fn all() -> Vec<Message> {
    let mut facts = Vec::new();
    if let Ok(program) = std::env::current_exe() {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        facts.push(Message::FileName(name));
    }
    if let Some(git) = std::env::current_dir().ok().and_then(|folder| git(&folder)) {
        facts.push(Message::Git(git));
    }
    let mut system = |key: &str, value: String| {
        if !value.is_empty() {
            facts.push(Message::System(key.to_owned(), Value::String(super::limits::cut(&value, super::limits::TEXT))));
        }
    };
    system("hostname", crate::host::name().unwrap_or_default());
    system("os", format!("{} {}", std::env::consts::OS, os_release()).trim().to_owned());
    system("machine", std::env::consts::ARCH.to_owned());
    system("cpus", std::thread::available_parallelism().map_or(String::new(), |cpus| cpus.to_string()));
    system("pid", std::process::id().to_string());
    // Not its arguments: who passes a secret there does not expect to find it in a chart.
    system("client", concat!("telemetry ", env!("CARGO_PKG_VERSION"), " (Rust)").to_owned());
    facts
}

fn os_release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").map_or(String::new(), |release| release.trim().to_owned())
}

/// The commit of the repository that a folder is in, read from its files: no program is run for it. Layouts: <https://git-scm.com/docs/gitrepository-layout>.
fn git(folder: &Path) -> Option<Git> {
    let folder = folder.ancestors().take(LEVELS).find_map(git_folder)?;
    // What a worktree shares with its repository lies there.
    let common =
        fs::read_to_string(folder.join("commondir")).map_or_else(|_| folder.clone(), |path| folder.join(path.trim()));
    let head = fs::read_to_string(folder.join("HEAD")).ok()?;
    let head = head.trim();
    let (branch, commit) = match head.strip_prefix("ref: ") {
        Some(reference) => {
            let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned();
            (branch, resolve(&folder, &common, reference)?)
        }
        None => (String::new(), head.to_owned()),
    };
    let config = fs::read_to_string(common.join("config")).unwrap_or_default();
    let user = value(&config, "[user]", "name").unwrap_or_default();
    let origin = value(&config, "[remote \"origin\"]", "url").map(|url| without_user(&url)).unwrap_or_default();
    // `root` and `parent` are both the commit, as the official client has them where nothing was changed.
    Some(Git { user, root: commit.clone(), branch, parent: commit, origin })
}

fn git_folder(root: &Path) -> Option<PathBuf> {
    let path = root.join(".git");
    let about = fs::metadata(&path).ok()?;
    if about.is_dir() {
        return Some(path);
    }
    // In a worktree it is a file that says where.
    let text = fs::read_to_string(&path).ok()?;
    Some(root.join(text.trim().strip_prefix("gitdir: ")?))
}

fn resolve(folder: &Path, common: &Path, reference: &str) -> Option<String> {
    let mut reference = reference.to_owned();
    for _ in 0..LEVELS {
        let read = |folder: &Path| fs::read_to_string(folder.join(&reference)).ok();
        let Some(said) = read(folder).or_else(|| read(common)) else { break };
        match said.trim().strip_prefix("ref: ") {
            Some(next) => reference = next.to_owned(),
            None => return Some(said.trim().to_owned()),
        }
    }
    let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
    packed.lines().find_map(|line| {
        let (commit, name) = line.split_once(' ')?;
        (name == reference).then(|| commit.to_owned())
    })
}

/// A value of a section of git's configuration.
fn value(config: &str, section: &str, key: &str) -> Option<String> {
    let mut lines = config
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// A remote's URL may have a token in it.
fn without_user(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> crate::comet::scratch::TempDir {
        let folder = crate::comet::scratch::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git/refs/heads")).unwrap();
        fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(folder.path().join(".git/refs/heads/main"), "c0ffee\n").unwrap();
        fs::write(folder.path().join(".git/config"), "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://user:token@example.org/a/b.git\n[user]\n\tname = A B\n").unwrap();
        folder
    }

    #[test]
    fn a_commit_is_found_from_below_and_shows_no_token() {
        let folder = repository();
        let found = git(&folder.path().join("src/deep")).unwrap();
        assert_eq!((found.branch.as_str(), found.parent.as_str()), ("main", "c0ffee"));
        assert_eq!((found.user.as_str(), found.origin.as_str()), ("A B", "https://example.org/a/b.git"));
    }

    #[test]
    fn a_packed_branch_a_detached_head_and_a_worktree() {
        let folder = repository();
        let git_folder = folder.path().join(".git");
        fs::remove_file(git_folder.join("refs/heads/main")).unwrap();
        fs::write(git_folder.join("packed-refs"), "# pack-refs\nfeed refs/heads/main\n").unwrap();
        assert_eq!(git(folder.path()).unwrap().parent, "feed");
        let worktree = crate::comet::scratch::tempdir().unwrap();
        let of_worktree = git_folder.join("worktrees/w");
        fs::create_dir_all(&of_worktree).unwrap();
        fs::write(of_worktree.join("HEAD"), "decade\n").unwrap();
        fs::write(of_worktree.join("commondir"), "../..\n").unwrap();
        fs::write(worktree.path().join(".git"), format!("gitdir: {}\n", of_worktree.display())).unwrap();
        let found = git(worktree.path()).unwrap();
        assert_eq!((found.branch.as_str(), found.parent.as_str(), found.user.as_str()), ("", "decade", "A B"));
    }

    #[test]
    fn no_repository_is_none() {
        let folder = repository();
        fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/none\n").unwrap();
        assert_eq!(git(folder.path()), None);
    }
}
