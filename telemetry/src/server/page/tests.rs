use super::assembled::{PAGE, POLICY, SCRIPT, STYLE};
use super::*;
use crate::server::auth::base64;
use std::path::Path;

/// Renewed by `UPDATE_PAGE=1`.
#[test]
fn the_policy_lets_this_script_and_this_style_in() {
    for (file, text) in [("script.sha256", SCRIPT), ("style.sha256", STYLE)] {
        let hash = String::from_utf8(base64(&hmac_sha256::Hash::hash(text.as_bytes()))).unwrap();
        if std::env::var_os("UPDATE_PAGE").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/page").join(file);
            std::fs::write(path, &hash).unwrap();
        } else {
            assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{file}: run the test once with UPDATE_PAGE=1");
        }
    }
}

#[test]
fn the_page_is_one_document_that_loads_nothing() {
    assert!(PAGE.len() < 150_000, "{} bytes", PAGE.len());
    for outside in [
        "src=",
        "url(",
        "@import",
        "http:",
        "https:",
        "//cdn",
        "innerHTML",
        "insertAdjacentHTML",
        "eval(",
        "document.write",
    ] {
        assert!(!PAGE.contains(outside), "{outside}");
    }
    assert!(!POLICY.contains("unsafe"), "{POLICY}");
    // An end tag within would end the script before its end.
    assert_eq!(PAGE.matches("</script").count(), 1);
}

#[test]
fn each_part_that_the_script_asks_for_is_there_once() {
    let body = include_str!("body.html");
    let mut asked: Vec<&str> = SCRIPT.split("byId(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    asked.retain(|id| !id.ends_with('-'));
    for id in asked {
        assert_eq!(body.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[test]
fn its_links_begin_where_the_program_has_it() {
    let answer = |headers: &[(HeaderName, &'static str)], base: &str| {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        super::answer(&headers, base)
    };
    let encoding = |answer: &Answer| answer.headers().get(CONTENT_ENCODING).cloned();
    let zipped = answer(&[(ACCEPT_ENCODING, "gzip, br")], "/");
    assert_eq!(encoding(&zipped).unwrap(), "gzip");
    assert_eq!(encoding(&answer(&[], "/")), None);
    assert_eq!(encoding(&answer(&[(ACCEPT_ENCODING, "gzip;q=0")], "/")), None);
    assert_eq!(based("telemetry/"), "<meta name=\"base\" content=\"telemetry/\">");
    assert_eq!(based("\"><script>"), "<meta name=\"base\" content=\"script\">");
    assert!(PAGE.contains(BASE));
}
