//! `dashboards!`: args -> read -> expand.
//!
//! ```text
//! dashboards! {                              const _: () = {
//!     files = "dashboards/*.json",               const _: &[u8] = include_bytes!("…/dashboards/flights.json");
//!     catalogs = [CATALOG],                      const _: () = must(FAMILIES, At { … }, Ask::Series(…));
//! }                                              …
//!                                            };
//!                                            #[cfg(test)] #[test] fn dashboards_at_line_3() { … }
//! ```

mod args;
mod expand;
mod read;

use crate::diagnostics::Diagnostics;
use args::Args;
use proc_macro2::TokenStream;
use read::Findings;

/// Reads the files and writes down what they ask. `line` is that of the invocation, and names the test.
pub(crate) fn dashboards(input: TokenStream, line: usize) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let args = Args::parse(input, &mut diagnostics);
    if let Err(error) = diagnostics.finish() {
        // Nothing is read by half of the arguments: it would be said to ask for what the other half declares.
        return error.to_compile_error();
    }
    let mut diagnostics = Diagnostics::new();
    let findings = Findings::read(&args, &mut diagnostics);
    let mut tokens = expand::dashboards(&args, &findings, line);
    if let Err(error) = diagnostics.finish() {
        tokens.extend(error.to_compile_error());
    }
    tokens
}
