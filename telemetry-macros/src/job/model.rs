//! The attribute's words and the function under it.

use crate::diagnostics::Diagnostics;
use crate::job::args::Args;
use crate::supplied::Kind;
use proc_macro2::TokenStream;
use syn::{ItemFn, Path, parse_quote};

/// What the function runs as.
pub(crate) const JOB: Kind = Kind { attribute: "backfill_job", ty: "Job", word: "job", one: "a job" };

/// The job's function, and what it was told.
pub(crate) struct Model {
    pub(crate) args: Args,
    /// A method of an `impl` parses as a function too: the attribute sees no further than its item.
    pub(crate) function: ItemFn,
}

impl Model {
    /// `None` where there is no function with a body; the mistake is then among the diagnostics.
    pub(crate) fn parse(args: TokenStream, item: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Model> {
        let args = Args::parse(args, diagnostics);
        JOB.function(item, diagnostics).map(|function| Model { args, function })
    }

    /// The path of the library.
    pub(crate) fn root(&self) -> Path {
        self.args.root.clone().unwrap_or_else(|| parse_quote!(::telemetry))
    }

    /// The value of the label `job_name`.
    pub(crate) fn name(&self) -> String {
        self.args.name.as_ref().map_or_else(|| plain(&self.function.sig.ident), syn::LitStr::value)
    }

    /// What the job counts.
    pub(crate) fn unit(&self) -> String {
        self.args.unit.as_ref().map_or_else(|| String::from("records"), syn::LitStr::value)
    }
}

/// A name without the `r#` of a keyword.
fn plain(ident: &syn::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}
