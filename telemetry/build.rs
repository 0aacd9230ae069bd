//! `links` in the manifest asks for a build script. It tells what the program is compiled with, for `telemetry_build_info`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let said = |name: &str| env::var(name).unwrap_or_default();
    // `rustc 1.95.0 (59807616e 2026-04-14)`: the version alone, as a label's value.
    let version = Command::new(said("RUSTC")).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let version = version.split_whitespace().nth(1).unwrap_or_default();
    println!("cargo::rustc-env=TELEMETRY_RUSTC={version}");
    // `release` or `debug`: a profile of another name says which of the two it is made of.
    println!("cargo::rustc-env=TELEMETRY_PROFILE={}", said("PROFILE"));
    println!("cargo::rustc-env=TELEMETRY_TARGET={}", said("TARGET"));
}
