//! `#[experiment]`: args -> model -> check -> expand.
//!
//! ```text
//! #[experiment(project = "flights",        fn classify(cutoff: f64) -> Result<f64, Error> {
//!     params(cutoff))]                         let __run = Run::of_call();
//! fn classify(experiment: &Experiment,         let __within = &__run;
//!     cutoff: f64) -> Result<f64, Error> {     let __output = __within.caught(move || -> Result<f64, Error> {
//!     …                                            let cutoff = cutoff;
//! }                                                let __experiment = __within.start(Settings::new(10000).project(&("flights")));
//!                                                  let experiment: &Experiment = __experiment;
//!                                                  __within.parameter("cutoff", &(cutoff));
//!                                                  '__body: { … }
//!                                              });
//!                                              __run.returned(Inspect(&__output).__ending(), …);
//!                                              __run.end();
//!                                              __output
//!                                          }
//! ```

mod args;
mod check;
mod expand;
mod model;

use crate::diagnostics::Diagnostics;
use crate::{fallback, supplied};
use model::Model;
use proc_macro2::TokenStream;

/// Expands the attribute on a function.
pub(crate) fn experiment(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let model = Model::parse(args, &item, &mut diagnostics);
    let parameter = model.as_ref().and_then(|model| check::supplied(model, &mut diagnostics));
    if let Some(model) = &model {
        check::all(model, parameter, &mut diagnostics);
    }
    match (diagnostics.finish(), model) {
        (Ok(()), Some(model)) => expand::experiment(model, parameter),
        (Ok(()), None) => item,
        (Err(error), Some(model)) => fallback::with(&error, supplied::unchanged(model.function, parameter)),
        (Err(error), None) => fallback::with(&error, item),
    }
}
