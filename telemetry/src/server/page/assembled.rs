//! The page's parts put together when compiling, and the policy that lets a browser run these and no others.

/// The script is one function, so that nothing of it is global.
macro_rules! script {
    () => {
        concat!(
            "(() => {\n\"use strict\";\n",
            include_str!("format.js"),
            include_str!("promql.js"),
            include_str!("dom.js"),
            include_str!("data.js"),
            include_str!("grid.js"),
            include_str!("functions.js"),
            include_str!("tree.js"),
            include_str!("jobs.js"),
            include_str!("statements.js"),
            include_str!("families.js"),
            include_str!("main.js"),
            "})();\n"
        )
    };
}

macro_rules! style {
    () => {
        include_str!("style.css")
    };
}

/// The page.
pub(super) const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">",
    "<meta name=\"base\" content=\"/\"><link rel=\"icon\" href=\"data:,\"><title>telemetry</title>\n<style>",
    style!(),
    "</style></head>\n<body>\n",
    include_str!("body.html"),
    "<script>",
    script!(),
    "</script></body></html>\n"
);

/// What the browser lets the page do. Hashes: <https://www.w3.org/TR/CSP3/#framework-hash-source>; without trusted types nothing makes elements out of text.
pub(super) const POLICY: &str = concat!(
    "default-src 'none'; script-src 'sha256-",
    include_str!("script.sha256"),
    "'; style-src 'sha256-",
    include_str!("style.sha256"),
    "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "require-trusted-types-for 'script'; trusted-types 'none'"
);

#[cfg(test)]
pub(super) const SCRIPT: &str = script!();
#[cfg(test)]
pub(super) const STYLE: &str = style!();
