//! `#[measured]`: args -> model -> check -> body -> expand.
//!
//! ```text
//! #[measured]                          fn load(path: &Path) -> Result<u8, Error> {
//! fn load(path: &Path)                     let __site = { static __CALL_SITE: CallSite = …; &__CALL_SITE };
//!     -> Result<u8, Error> {               let __guard = enter(__site, …);
//!     …                                    let __output = call(move || -> Result<u8, Error> { let path = path; '__body: { … } });
//! }                                        __guard.end(Inspect(&__output).__ending());
//!                                          return __output;
//!                                      }
//!
//! #[measured]                          fn load(path: &Path) -> impl Future<Output = u8> {
//! async fn load(path: &Path) -> u8 {       let __site = …;
//!     …                                    return measured_future(__site, …, async move { let path = path; '__body: { … } }, |…| …);
//! }                                    }
//! ```
//! All shapes are shown in `ui-tests/expand/`.

mod args;
pub(crate) mod block;
pub(crate) mod body;
mod check;
mod container;
pub(crate) mod ending;
mod expand;
#[cfg(test)]
mod expansions;
mod model;
mod shape;
mod site;
mod spans;
mod thresholds;
mod words;

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
