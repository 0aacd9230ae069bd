//! Runs the programs under `ui/` through the compiler.

use std::path::{Path, PathBuf};

#[test]
fn mistakes_are_told_as_written_beside_them() {
    lay_out("ui/fail/dashboards");
    trybuild::TestCases::new().compile_fail("ui/fail/*/*.rs");
}

#[test]
fn what_is_right_compiles() {
    lay_out("ui/pass/dashboards");
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

/// Copies dashboards and rules to where the programs find them: `../../../tmp/…`, seen from the package that trybuild makes of each.
fn lay_out(folder: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&to).expect("a folder for dashboards");
    for entry in std::fs::read_dir(from).expect("the dashboards") {
        let path = entry.expect("a dashboard").path();
        if path.extension().is_some_and(|extension| extension == "json" || extension == "yml")
            && let Some(name) = path.file_name()
        {
            std::fs::copy(&path, to.join(name)).expect("a copy of a dashboard");
        }
    }
}
