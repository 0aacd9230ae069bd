//! `#[measured]`: args -> model -> check -> body -> expand.
//!
//! ```text
//! #[measured]                          fn load(path: &Path) -> Result<u8, Error> {
//! fn load(path: &Path)                     static __CALL_SITE: CallSite = CallSite::new("", __path, …);
//!     -> Result<u8, Error> {               let __guard = enter(&__CALL_SITE);
//!     …                                    let __output = call(move || -> Result<u8, Error> { let path = path; … });
//! }                                        __guard.end(Inspect(&__output).__ending());
//!                                          __output
//!                                      }
//! ```

mod args;
pub(crate) mod body;
mod check;
mod expand;
mod model;
mod shape;

use crate::diagnostics::Diagnostics;
use crate::fallback;
use model::Model;
use proc_macro2::TokenStream;

/// Expands the attribute on a function.
pub(crate) fn measured(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let model = Model::parse(args, &item, &mut diagnostics);
    if let Some(model) = &model {
        check::all(model, &mut diagnostics);
    }
    match (diagnostics.finish(), model) {
        (Ok(()), Some(model)) => expand::measured(model, item),
        (Ok(()), None) => item,
        (Err(error), _) => fallback::with(&error, item),
    }
}
