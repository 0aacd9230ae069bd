//! `#[backfill_job]`: args -> model -> check -> expand.
//!
//! ```text
//! #[backfill_job(total = days.len())]          fn load(days: &[Day]) -> Result<(), Error> {
//! fn load(job: &Job, days: &[Day])                 static __JOB: JobSpec = JobSpec::new("load", "records", 0);
//!     -> Result<(), Error> {                       let __job = start_job(&__JOB);
//!     …                                            let __guard = enter_job(&__job);
//! }                                                let __output = call(move || -> Result<(), Error> {
//!                                                      let job: &Job = &__job;
//!                                                      let days = days;
//!                                                      expect_units(&__job, days.len());
//!                                                      …
//!                                                  });
//!                                                  __guard.end(Inspect(&__output).__ending());
//!                                                  __output
//!                                              }
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
pub(crate) fn backfill_job(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let model = Model::parse(args, &item, &mut diagnostics);
    if let Some(model) = &model {
        check::all(model, &mut diagnostics);
    }
    let parameter = model.as_ref().and_then(|model| check::job_parameter(model, &mut diagnostics));
    match (diagnostics.finish(), model, parameter) {
        (Ok(()), Some(model), Some(parameter)) => expand::backfill_job(model, parameter),
        (Ok(()), ..) => item,
        (Err(error), Some(model), parameter) => fallback::with(&error, supplied::unchanged(model.function, parameter)),
        (Err(error), None, _) => fallback::with(&error, item),
    }
}
