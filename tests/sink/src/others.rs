//! Other people's receivers, which know nothing of this crate: where ours and theirs read the same, it is the exporter that is right.
//!
//! They come with `pip install -r tests/otlp/requirements.txt`, into the virtual environment that `ci/install` makes; `TELEMETRY_TEST_PYTHON` names
//! another Python. Where they are not there, starting one says so and gives `None`: the test is then to be left, as skipped.

/// Python on the official definitions.
mod python;
/// A collector in Rust.
mod rotel;

pub use python::Python;
pub use rotel::Rotel;
use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A Python that can import these, and what a program printed in it.
fn with(imports: &str, program: &str) -> Option<(PathBuf, Output)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let named = std::env::var_os("TELEMETRY_TEST_PYTHON").map(PathBuf::from);
    let pythons = named.into_iter().chain([home.join(".cache/telemetry/python/bin/python"), PathBuf::from("python3")]);
    for python in pythons {
        let program = format!("import {imports}\n{program}");
        if let Ok(output) = Command::new(&python).args(["-c", &program]).output()
            && output.status.success()
        {
            return Some((python, output));
        }
    }
    let _ = writeln!(stderr(), "SKIPPED: no Python with {imports}; `ci/install` makes one");
    None
}
