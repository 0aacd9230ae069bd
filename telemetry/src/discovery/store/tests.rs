//! A directory and a file in a folder of each test's own.

use super::*;
use std::collections::BTreeMap;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-store-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn names(&self, in_folder: &str) -> Vec<String> {
        let files = fs::read_dir(self.0.join(in_folder)).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn store(place: PathBuf, mark: &str) -> Store {
    let entry = entry::entry("127.0.0.1:1", false, &BTreeMap::new(), mark);
    Store::new(place, mark.to_owned(), entry)
}

/// The mark of no process, on this machine.
fn gone() -> String {
    let own = process::mark();
    let place = own.splitn(3, '-').nth(2).unwrap();
    format!("{}-1-{place}", std::process::id())
}

#[test]
fn in_a_directory_each_process_has_a_file_and_those_of_the_dead_are_removed() {
    let folder = Folder::new("directory");
    let place = folder.0.join("sd");
    let own = store(place.clone(), &process::mark());
    assert_eq!(own.publish(), Ok(0));
    let (dead, elsewhere) = (gone(), "1-2-3-4-other".to_owned());
    for name in
        [format!("telemetry-{dead}.json"), format!(".telemetry-{dead}.tmp"), format!("telemetry-{elsewhere}.json")]
    {
        fs::write(place.join(name), "[]").unwrap();
    }
    fs::write(place.join("mine.json"), "[]").unwrap();
    assert_eq!(own.publish(), Ok(1));
    let own_name = format!("telemetry-{}.json", process::mark());
    let mut expected = vec!["mine.json".to_owned(), format!("telemetry-{elsewhere}.json"), own_name.clone()];
    expected.sort();
    assert_eq!(folder.names("sd"), expected);
    // What somebody took away is put back.
    fs::remove_file(place.join(&own_name)).unwrap();
    assert_eq!(own.publish(), Ok(0));
    assert!(place.join(&own_name).exists());
    own.withdraw().unwrap();
    assert!(!place.join(&own_name).exists());
}

#[test]
fn one_file_holds_the_entries_of_all_who_live() {
    let folder = Folder::new("file");
    let place = folder.0.join("all.json");
    let (own, other, dead) = (process::mark(), "1-2-3-4-other".to_owned(), gone());
    let marks = || -> Vec<String> {
        let text = fs::read_to_string(&place).unwrap();
        entries(&text).unwrap().into_iter().map(|(mark, _)| mark.to_owned()).collect()
    };
    assert_eq!(store(place.clone(), &dead).publish(), Ok(0));
    assert_eq!(store(place.clone(), &other).publish(), Ok(1));
    assert_eq!(store(place.clone(), &own).publish(), Ok(0));
    assert_eq!(marks(), [other.clone(), own.clone()]);
    let before = fs::read_to_string(&place).unwrap();
    assert_eq!(store(place.clone(), &own).publish(), Ok(0));
    assert_eq!(fs::read_to_string(&place).unwrap(), before, "nothing is written where nothing is new");
    store(place.clone(), &own).withdraw().unwrap();
    assert_eq!(marks(), [&*other]);
    store(place.clone(), &other).withdraw().unwrap();
    assert_eq!(fs::read_to_string(&place).unwrap(), "[]\n");
    assert_eq!(folder.names(""), ["all.json", "all.json.lock"]);
}

#[test]
fn a_file_of_somebody_else_is_left_as_it_is() {
    let folder = Folder::new("foreign");
    let place = folder.0.join("targets.json");
    for text in ["[\n{\"targets\":[\"a:1\"]}\n]\n", "[{\"targets\":[\"a:1\"]}]", "groups: []\n"] {
        fs::write(&place, text).unwrap();
        let refused = store(place.clone(), &process::mark()).publish().unwrap_err();
        assert!(refused.contains("targets.json holds something else"), "{refused}");
        assert_eq!(fs::read_to_string(&place).unwrap(), text);
    }
}

#[test]
fn many_writers_of_one_file_lose_no_entry() {
    let folder = Folder::new("writers");
    let place = folder.0.join("all.json");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let place = place.clone();
            scope.spawn(move || store(place, &format!("1-2-3-4-host{writer}")).publish().unwrap());
        }
    });
    let text = fs::read_to_string(&place).unwrap();
    assert_eq!(entries(&text).unwrap().len(), 8, "{text}");
}
