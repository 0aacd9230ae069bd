//! Files that settings name.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The most bytes of one: far more than all certificates that systems trust.
const MOST: u64 = 1 << 20;

/// What a file holds. What is no file is not opened: a pipe that nobody writes to would be waited for, and a device has no end.
pub(super) fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let refused = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
    let about = std::fs::metadata(&path)?;
    if !about.is_file() {
        return refused("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return refused(format!("it has more than {MOST} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_a_bound_and_nothing_else_is() {
        let folder = std::env::temp_dir().join(format!("telemetry-config-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("file");
        for (bytes, is_read) in [(0, true), (MOST, true), (MOST + 1, false)] {
            File::create(&file).unwrap().set_len(bytes).unwrap();
            assert_eq!(read(&file).map(|read| read.len() as u64).ok(), is_read.then_some(bytes));
        }
        assert!(read(&folder).unwrap_err().to_string().contains("no regular file"));
        assert_eq!(read(folder.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        #[cfg(unix)]
        {
            assert!(read("/dev/zero").is_err());
            let pipe = std::ffi::CString::new(folder.join("pipe").to_str().unwrap()).unwrap();
            // SAFETY: a text that ends with a zero.
            assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
            assert!(read(folder.join("pipe")).is_err());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
