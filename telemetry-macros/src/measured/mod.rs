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
mod container;
mod expand;
mod model;
mod shape;

use crate::diagnostics::Diagnostics;
use crate::fallback;
use model::Subject;
use proc_macro2::TokenStream;

/// Expands the attribute on a function, or on what holds functions.
pub(crate) fn measured(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let subject = Subject::parse(args, &item, &mut diagnostics);
    if let Some(Subject::Function(model)) = &subject {
        check::all(model, &mut diagnostics);
    }
    match (diagnostics.finish(), subject) {
        (Ok(()), Some(Subject::Function(model))) => expand::measured(*model, item),
        (Ok(()), Some(Subject::Container(container))) => container.expand(),
        (Ok(()), _) => item,
        (Err(error), _) => fallback::with(&error, item),
    }
}
