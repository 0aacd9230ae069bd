//! Which parameter is the job, and what cannot be one's function.

use crate::diagnostics::Diagnostics;
use crate::job::model::{JOB, Model};
use syn::ReturnType;

/// Checks the function.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    let signature = &model.function.sig;
    JOB.check(signature, diagnostics);
    if let (Some(state), ReturnType::Default) = (&model.args.state, &signature.output) {
        diagnostics.at(
            state,
            "another run may have the state, so the function has to return a `Result`; write `-> Result<(), telemetry::job::StateError>`",
        );
    }
}

/// The place of the parameter that the attribute supplies; `None` where that cannot be told, which is then among the diagnostics.
pub(crate) fn job_parameter(model: &Model, diagnostics: &mut Diagnostics) -> Option<usize> {
    let signature = &model.function.sig;
    let place = JOB.parameter(signature, model.args.job.as_ref(), diagnostics);
    if place.is_none() && model.args.job.is_none() {
        let name = &signature.ident;
        diagnostics.at(
            name,
            format!("`{name}` has no parameter for its job; add `job: &Job`, which `#[backfill_job]` supplies"),
        );
    }
    place
}
