//! `host.*` and `os.*`: <https://opentelemetry.io/docs/specs/semconv/resource/host/>, <https://opentelemetry.io/docs/specs/semconv/resource/os/>

use opentelemetry::KeyValue;
use std::env::consts;

pub(super) fn attributes() -> Vec<KeyValue> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut attributes =
        vec![KeyValue::new("host.arch", arch(consts::ARCH)), KeyValue::new("os.type", system(consts::OS))];
    attributes.extend(crate::host::name().map(|name| KeyValue::new("host.name", name)));
    // The two places that the conventions name.
    let machine = machine(&read("/etc/machine-id")).or_else(|| machine(&read("/var/lib/dbus/machine-id")));
    attributes.extend(machine.map(|id| KeyValue::new("host.id", id)));
    let release = [read("/etc/os-release"), read("/usr/lib/os-release")].into_iter().find(|file| !file.is_empty());
    let release = release.unwrap_or_default();
    for (key, name) in [("os.name", "NAME"), ("os.version", "VERSION_ID"), ("os.description", "PRETTY_NAME")] {
        attributes.extend(field(&release, name).map(|value| KeyValue::new(key, value)));
    }
    attributes
}

/// As the conventions call it, where they have a name for it.
fn arch(name: &'static str) -> &'static str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The same for the system.
fn system(name: &'static str) -> &'static str {
    match name {
        "macos" | "ios" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// 32 hexadecimal digits. <https://www.freedesktop.org/software/systemd/man/latest/machine-id.html>
fn machine(file: &str) -> Option<String> {
    let id = file.trim();
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// A value of a file as a shell reads it. <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>
fn field(file: &str, name: &str) -> Option<String> {
    let value = file.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let value = quoted.unwrap_or(value);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_as_a_shell_would() {
        let file = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME='Debian GNU/Linux'\nVERSION_ID=12\nVERSION=\"12\"\nID=\n";
        for (name, expected) in [
            ("PRETTY_NAME", Some("Debian GNU/Linux 12 (bookworm)")),
            ("NAME", Some("Debian GNU/Linux")),
            ("VERSION_ID", Some("12")),
            ("ID", None),
            ("BUILD_ID", None),
        ] {
            assert_eq!(field(file, name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_machine_has_32_digits() {
        let id = "fdbf79e8af94cb7f9e8df36789187052";
        assert_eq!(machine(&format!("{id}\n")).as_deref(), Some(id));
        for other in ["", "\n", "uninitialized\n", "fdbf79e8-af94-cb7f-9e8d-f36789187052"] {
            assert_eq!(machine(other), None, "{other:?}");
        }
    }

    #[test]
    fn words_are_those_of_the_conventions() {
        assert_eq!(
            ["x86_64", "aarch64", "arm", "x86", "riscv64"].map(arch),
            ["amd64", "arm64", "arm32", "x86", "riscv64"]
        );
        assert_eq!(["linux", "macos", "windows", "freebsd"].map(system), ["linux", "darwin", "windows", "freebsd"]);
    }
}
