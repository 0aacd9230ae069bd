//! `metric!`: parse -> model -> check -> expand.
//!
//! ```text
//! metric! { /// Rows read.                       enum rows_read_total {}           with DESCRIPTOR
//!     pub counter rows_read_total(table: &str);  fn rows_read_total(table: &str) -> Counter
//! }                                              const CATALOG: &[Descriptor]
//! ```

pub(crate) mod check;
mod expand;
mod expiry;
mod model;
pub(crate) mod units;

use crate::diagnostics::Diagnostics;
use model::Block;
use proc_macro2::TokenStream;

/// Expands a block of declarations. What is right in it is expanded also where something else is wrong, so that a misspelt
/// declaration does not make every use of the others an error.
pub(crate) fn metric(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let mut block = Block::parse(input, &mut diagnostics);
    check::all(&mut block, &mut diagnostics);
    let mut tokens = expand::block(&block);
    if let Err(error) = diagnostics.finish() {
        tokens.extend(error.to_compile_error());
    }
    tokens
}

#[cfg(test)]
mod tests;
