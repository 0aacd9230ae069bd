//! Folders.

use super::change::Change;
use super::client::Client;
use super::diff::Diff;
use super::error::{Error, optional};
use super::models::Folder;

/// The longest uid that Grafana takes.
const LONGEST_UID: usize = 40;

impl Client {
    /// All folders at the root.
    ///
    /// # Errors
    /// Those of any request.
    pub fn folders(&self) -> Result<Vec<Folder>, Error> {
        self.stored(|store| store.folders())
    }

    /// The folder of this uid, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn folder(&self, uid: &str) -> Result<Option<Folder>, Error> {
        optional(self.stored(|store| store.folder(uid)))
    }

    /// Has a folder of this uid and title be there: creates it at the root, or gives it the title. Where it is, and what is in it, stays.
    ///
    /// # Errors
    /// [`Error::Taken`] where another folder has the title, on servers that do not permit that; [`Error::Conflict`] where it was changed meanwhile.
    pub fn ensure_folder(&self, uid: &str, title: &str) -> Result<Change, Error> {
        check_uid("the folder's uid", uid)?;
        if title.trim().is_empty() {
            return Err(Error::Argument {
                what: "the folder's title",
                value: title.to_owned(),
                takes: "a text that is not empty",
            });
        }
        let found = self.folder(uid)?;
        let read = found.as_ref().and_then(|folder| folder.version.clone());
        let (change, written) = match &found {
            Some(folder) if folder.title == title => return Ok(Change::Unchanged),
            _ if self.is_dry && found.is_none() => return Ok(Change::Created),
            Some(folder) => {
                let mut diff = Diff::default();
                diff.add("title", Some(folder.title.as_str().into()), Some(title.into()));
                if self.is_dry {
                    return Ok(Change::Updated(diff));
                }
                let written = self.stored_as(read.as_ref(), |store| store.rename_folder(folder, title));
                (Change::Updated(diff), written)
            }
            None => (Change::Created, self.stored(|store| store.create_folder(uid, title))),
        };
        match written {
            Err(error @ (Error::Conflict { .. } | Error::Taken(_))) => {
                // Done by an attempt whose answer was lost, or by somebody else: as it is to be.
                let now = self.folder(uid).ok().flatten();
                if now.as_ref().is_some_and(|now| now.title == title) {
                    return Ok(change);
                }
                let now = now.and_then(|now| now.version).map(|version| version.to_string());
                Err(error.about(format!("folder {uid}"), read.map(|version| version.to_string()), now))
            }
            written => written.map(|()| change),
        }
    }
}

/// An identifier that Grafana takes.
pub(super) fn check_uid<'a>(what: &'static str, uid: &'a str) -> Result<&'a str, Error> {
    let is_right = (1..=LONGEST_UID).contains(&uid.len())
        && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_right {
        return Ok(uid);
    }
    Err(Error::Argument { what, value: uid.to_owned(), takes: "1 to 40 characters of A-Z, a-z, 0-9, \"-\" and \"_\"" })
}
