//! Which glob a file came by.

use glob::Pattern;

/// Whether this glob brings this file, both relative to the same folder. A glob that brings nothing stands for itself.
#[must_use]
pub fn brings(glob: &str, file: &str) -> bool {
    // `./x/*.json` and `x/*.json` are one.
    let (glob, file) = (glob.trim_start_matches("./"), file.trim_start_matches("./"));
    glob == file || Pattern::new(glob).is_ok_and(|pattern| pattern.matches(file))
}

#[cfg(test)]
mod tests {
    use super::brings;

    #[test]
    fn a_file_is_brought_by_its_glob() {
        assert!(brings("dashboards/*.json", "dashboards/flights.json"));
        assert!(brings("./dashboards/*.json", "dashboards/flights.json"));
        assert!(brings("dashboards/[x", "dashboards/[x"));
        assert!(!brings("dashboards/*.json", "rules/flights.yml"));
    }
}
