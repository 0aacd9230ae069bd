//! Runs the programs under `ui/` through the compiler.

#[test]
fn mistakes_are_told_as_written_beside_them() {
    trybuild::TestCases::new().compile_fail("ui/fail/*/*.rs");
}

#[test]
fn what_is_right_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}
