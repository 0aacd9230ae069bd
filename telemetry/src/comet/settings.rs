//! What the environment and Comet's configuration files say, each setting by itself, with the precedence of the official client.
//!
//! | | |
//! | --- | --- |
//! | 1 | the program ([`Config`](super::Config)) |
//! | 2 | the environment |
//! | 3 | `.env` in the working folder |
//! | 4 | the file that `COMET_CONFIG` names (or `.comet.config` in it, where it names a folder); `COMET_INI` is its older name |
//! | 5 | `.comet.config` in the working folder |
//! | 6 | `.comet.config` in Google Colab's drive |
//! | 7 | `.comet.config` in the home folder |
//!
//! A variable that is set to nothing hides what files say.

use super::error::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const FILE: &str = ".comet.config";
const COLAB: &str = "/content/drive/MyDrive";
/// Far more than any of them has.
const MOST: u64 = 1 << 20;

/// A variable's value.
type Environment = Box<dyn Fn(&str) -> Option<OsString>>;

/// Everything that is said outside of the program.
pub(super) struct Settings {
    environment: Environment,
    dotenv: (PathBuf, BTreeMap<String, String>),
    /// Each with what its sections have, in the order in which they count.
    files: Vec<(PathBuf, ini::Ini)>,
}

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) value: String,
    pub(super) at: String,
}

impl Settings {
    /// # Errors
    /// A file that is there and cannot be read.
    pub(super) fn read() -> Result<Settings, Error> {
        let folder = std::env::current_dir().unwrap_or_default();
        Settings::of(|name| std::env::var_os(name), &folder, std::env::home_dir().as_deref())
    }

    pub(super) fn of(
        environment: impl Fn(&str) -> Option<OsString> + 'static,
        folder: &Path,
        home: Option<&Path>,
    ) -> Result<Settings, Error> {
        let named = ["COMET_CONFIG", "COMET_INI"]
            .into_iter()
            .find_map(|name| environment(name).filter(|path| !path.is_empty()));
        let named = named.map(|path| folder.join(path)).map(|path| if path.is_dir() { path.join(FILE) } else { path });
        let folders = [Some(folder), Some(Path::new(COLAB)), home];
        let mut files = Vec::new();
        for path in named.into_iter().chain(folders.into_iter().flatten().map(|folder| folder.join(FILE))) {
            if let Some(text) = text(&path)? {
                let options =
                    ini::ParseOption { enabled_quote: false, enabled_escape: false, ..ini::ParseOption::default() };
                let parsed = ini::Ini::load_from_str_opt(&text, options);
                files.push((
                    path.clone(),
                    parsed.map_err(|error| Error::File { path: path.clone(), why: error.to_string() })?,
                ));
            }
        }
        let path = folder.join(".env");
        let mut dotenv = BTreeMap::new();
        if let Some(text) = text(&path)? {
            // Other programs' lines are in it too: one that cannot be read is not ours to complain of.
            dotenv.extend(dotenvy::from_read_iter(text.as_bytes()).flatten());
        }
        Ok(Settings { environment: Box::new(environment), dotenv: (path, dotenv), files })
    }

    /// What is said of a setting, by its dotted name: `comet.api_key` is `COMET_API_KEY` in the environment and `api_key` of the section `comet` in a file.
    ///
    /// # Errors
    /// A variable whose bytes are no text.
    pub(super) fn get(&self, dotted: &str) -> Result<Option<Said>, Error> {
        let variable = dotted.replace('.', "_").to_uppercase();
        if let Some(value) = (self.environment)(&variable) {
            let value = value.into_string().map_err(|_| Error::setting(&variable, "", "a text in UTF-8"))?;
            return Ok(Some(Said { value, at: variable }));
        }
        let (path, dotenv) = &self.dotenv;
        if let Some(value) = dotenv.get(&variable) {
            return Ok(Some(Said { value: value.clone(), at: format!("{variable} in {}", path.display()) }));
        }
        let (section, key) = dotted.rsplit_once('.').unwrap_or(("", dotted));
        let section = section.replace('.', "_");
        Ok(self.files.iter().find_map(|(path, file)| {
            let value = file.section(Some(section.as_str()))?.get(key)?.trim().to_owned();
            Some(Said { value, at: format!("{key} of [{section}] in {}", path.display()) })
        }))
    }

    /// The variables of the environment whose names begin so, with what comes after it in lower case: `COMET_LOG_OTHER_<NAME>`.
    pub(super) fn others() -> Vec<(String, String)> {
        let all =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        all.filter_map(|(name, value)| Some((name.strip_prefix("COMET_LOG_OTHER_")?.to_lowercase(), value)))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }
}

/// What a file holds; `None` where there is none.
fn text(path: &Path) -> Result<Option<String>, Error> {
    let refused = |why: String| Error::File { path: path.to_owned(), why };
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(refused(error.to_string())),
        Ok(about) if !about.is_file() => Ok(None),
        Ok(about) if about.len() > MOST => Err(refused(format!("it has more than {MOST} bytes"))),
        Ok(_) => fs::read_to_string(path).map(Some).map_err(|error| refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &Settings, name: &str) -> Option<String> {
        settings.get(name).unwrap().map(|said| said.value)
    }

    #[test]
    fn each_setting_is_looked_up_alone_and_the_highest_place_wins() {
        let (work, home, named) = (
            crate::comet::scratch::tempdir().unwrap(),
            crate::comet::scratch::tempdir().unwrap(),
            crate::comet::scratch::tempdir().unwrap(),
        );
        let write = |folder: &crate::comet::scratch::TempDir, name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap()
        };
        write(&work, ".env", "OTHER LINE\nCOMET_WORKSPACE=dotenv\nCOMET_EMPTY_HERE=\n");
        write(&work, FILE, "[comet]\nworkspace = work\nproject_name = work\noffline_directory=work # x\n");
        write(
            &home,
            FILE,
            "[comet]\nworkspace = home\nproject_name = home\napi_key = home\n[comet_timeout]\nhttp = 7\n",
        );
        write(&named, FILE, "; a comment\n[comet]\nproject_name = \"named\"\n");
        let path = named.path().as_os_str().to_owned();
        let environment = move |name: &str| match name {
            "COMET_CONFIG" => Some(path.clone()),
            "COMET_EXPERIMENT_NAME" => Some("".into()),
            "COMET_URL_OVERRIDE" => Some("http://127.0.0.1:1/".into()),
            _ => None,
        };
        let settings = Settings::of(environment, work.path(), Some(home.path())).unwrap();
        assert_eq!(said(&settings, "comet.url_override").as_deref(), Some("http://127.0.0.1:1/"));
        assert_eq!(said(&settings, "comet.workspace").as_deref(), Some("dotenv"));
        assert_eq!(
            said(&settings, "comet.project_name").as_deref(),
            Some("\"named\""),
            "quotes are part of a value there"
        );
        assert_eq!(said(&settings, "comet.offline_directory").as_deref(), Some("work # x"));
        assert_eq!(said(&settings, "comet.api_key").as_deref(), Some("home"));
        assert_eq!(said(&settings, "comet.timeout.http").as_deref(), Some("7"));
        assert_eq!(said(&settings, "comet.experiment_name").as_deref(), Some(""), "set to nothing is set");
        assert_eq!(said(&settings, "comet.experiment_key"), None);
        let at = settings.get("comet.api_key").unwrap().unwrap().at;
        assert!(at.starts_with("api_key of [comet] in "), "{at}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let work = crate::comet::scratch::tempdir().unwrap();
        fs::write(work.path().join(FILE), [0xff, 0xfe]).unwrap();
        let Err(error) = Settings::of(|_| None, work.path(), None) else { panic!("taken") };
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
