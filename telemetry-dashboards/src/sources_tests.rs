use super::{MAX_BYTES, find, text};
use std::path::{Path, PathBuf};

/// A folder of its own for a test, that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[&str]) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-dashboards-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let folder = Folder(path);
        std::fs::create_dir_all(&folder.0).unwrap();
        for file in files {
            folder.write(file, b"{}");
        }
        folder
    }

    fn write(&self, file: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn names(&self, glob: &str) -> Vec<String> {
        let found = find(&self.0, glob).unwrap_or_else(|mistake| panic!("{glob}: {}", mistake.message));
        assert!(found.iter().all(|(_, path)| path.is_file()), "{found:?}");
        found.into_iter().map(|(name, _)| name).collect()
    }

    fn mistake(&self, glob: &str) -> String {
        let mistake = find(&self.0, glob).err().unwrap_or_else(|| panic!("{glob} is taken"));
        assert_eq!(mistake.place.file, glob);
        mistake.message
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_glob_gives_its_files_in_order() {
    let folder = Folder::new(
        "order",
        &["d/b.json", "d/a.json", "d/c/e.json", "d/.hidden.json", "d/.git/f.json", "d/x.yml", "top.json"],
    );
    assert_eq!(folder.names("d/*.json"), ["d/a.json", "d/b.json"]);
    assert_eq!(folder.names("d/**/*.json"), ["d/a.json", "d/b.json", "d/c/e.json"]);
    assert_eq!(folder.names("**/*.json"), ["d/a.json", "d/b.json", "d/c/e.json", "top.json"]);
    assert_eq!(folder.names("*/*/e.json"), ["d/c/e.json"]);
    assert_eq!(folder.names("d/[ab].json"), ["d/a.json", "d/b.json"]);
    assert_eq!(folder.names("d/a.json"), ["d/a.json"], "a path is a glob too");
    assert_eq!(folder.names("d/.hidden.json"), ["d/.hidden.json"], "what is written out is found");
    assert_eq!(folder.names("./d/*.yml"), ["./d/x.yml"]);
}

#[test]
fn a_glob_may_leave_the_folder_or_be_absolute() {
    let folder = Folder::new("outside", &["crate/Cargo.toml", "dashboards/a.json"]);
    let root = folder.0.join("crate");
    let names = |glob: &str| find(&root, glob).map(|found| found.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!(names("../dashboards/*.json"), Ok(vec![String::from("../dashboards/a.json")]));
    let absolute = folder.0.join("dashboards/*.json").to_string_lossy().into_owned();
    assert_eq!(names(&absolute).map(|found| found.len()), Ok(1));
}

#[test]
fn the_folder_may_have_letters_of_globs_in_its_name() {
    let folder = Folder::new("[a]*", &["x.json"]);
    assert_eq!(folder.names("*.json"), ["x.json"]);
}

#[test]
fn a_glob_without_files_says_what_to_write() {
    let folder = Folder::new("nothing", &["d/a.json"]);
    assert!(folder.mistake("e/*.json").contains("`e/*.json` matches no file; write"), "{}", folder.mistake("e/*.json"));
    assert!(folder.mistake("d/b.json").contains("write a path or a glob that begins in the root"));
    assert!(folder.mistake("d\\*.json").ends_with("write `/` between folders"));
    assert_eq!(folder.mistake("d"), "`d` matches the folder `d`; write which files, such as `d/*.json`");
    assert_eq!(folder.mistake("d/"), "`d/` matches the folder `d/`; write which files, such as `d/*.json`");
    assert_eq!(folder.mistake("*"), "`*` matches the folder `d`; write which files, such as `d/*.json`");
    assert_eq!(folder.mistake(""), "the glob is empty; write one such as `dashboards/*.json`");
    assert!(folder.mistake("d/[a.json").starts_with("`d/[a.json` is no glob: "), "{}", folder.mistake("d/[a.json"));
    assert!(folder.mistake("d/a**").starts_with("`d/a**` is no glob: "));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_never_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("links", &["real/a.json", "d/b.json"]);
    symlink(folder.0.join("real"), folder.0.join("d/linked")).unwrap();
    symlink(folder.0.join("real/a.json"), folder.0.join("d/c.json")).unwrap();
    symlink(&folder.0, folder.0.join("d/up")).unwrap();
    symlink(&folder.0, folder.0.join("d/again")).unwrap();
    symlink(folder.0.join("nowhere"), folder.0.join("d/gone.json")).unwrap();
    assert_eq!(folder.names("d/[bc].json"), ["d/b.json", "d/c.json"]);
    assert_eq!(folder.names("d/**/a.json"), ["d/linked/a.json"], "one folder is walked once");
    assert_eq!(folder.names("d/linked/*.json"), ["d/linked/a.json"]);
    let gone = find(&folder.0, "d/gone.json").unwrap();
    assert!(
        text(&gone[0].0, &gone[0].1).is_err_and(|mistake| mistake.message.starts_with("the file cannot be read: "))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_utf8_are_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("names", &["a.json"]);
    std::fs::write(folder.0.join(std::ffi::OsStr::from_bytes(b"\xff.json")), b"{}").unwrap();
    assert_eq!(folder.names("*.json"), ["a.json"]);
}

#[test]
fn a_text_comes_without_its_byte_order_mark() {
    let folder = Folder::new("texts", &[]);
    assert_eq!(text("a", &folder.write("a", b"\xef\xbb\xbf{}")).as_deref(), Ok("{}"));
    let broken = text("b", &folder.write("b", b"{\n\n \xff}")).err().map(|mistake| mistake.message);
    assert_eq!(broken.as_deref(), Some("the file is not UTF-8 from line 3 on; save it as UTF-8"));
    let large = folder.write("c", b"");
    std::fs::File::options().write(true).open(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert!(text("c", &large).is_err_and(|mistake| mistake.message.contains("at most")));
    assert!(text("d", Path::new("/nowhere/at/all")).is_err());
}
