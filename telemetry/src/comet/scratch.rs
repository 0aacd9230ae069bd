//! Folders for tests, which are gone when they are dropped.
//!
//! Not by the crate for it: a development dependency of this package is one of the macro crate's own tests too, hence a host's, and would give a dependency of DuckDB's build script other features in
//! `cargo test` than in `cargo run`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of its own.
pub(crate) struct TempDir(PathBuf);

/// Makes one.
pub(crate) fn tempdir() -> io::Result<TempDir> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let path = std::env::temp_dir().join(format!("telemetry-comet-{}-{nanos}-{number}", std::process::id()));
    std::fs::create_dir(&path)?;
    Ok(TempDir(path))
}

impl TempDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
