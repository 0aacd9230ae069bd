//! The attribute's words and the function under it.

use crate::diagnostics::Diagnostics;
use crate::experiment::args::Args;
use crate::supplied::Kind;
use proc_macro2::TokenStream;
use syn::{ItemFn, Path, parse_quote};

/// What the function runs as.
pub(crate) const EXPERIMENT: Kind =
    Kind { attribute: "experiment", ty: "Experiment", word: "experiment", one: "an experiment" };

/// The function of a run, and what it was told.
pub(crate) struct Model {
    pub(crate) args: Args,
    /// A method of an `impl` parses as a function too: the attribute sees no further than its item.
    pub(crate) function: ItemFn,
}

impl Model {
    /// `None` where there is no function with a body; the mistake is then among the diagnostics.
    pub(crate) fn parse(args: TokenStream, item: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Model> {
        let args = Args::parse(args, diagnostics);
        EXPERIMENT.function(item, diagnostics).map(|function| Model { args, function })
    }

    /// The path of the library.
    pub(crate) fn root(&self) -> Path {
        self.args.root.clone().unwrap_or_else(|| parse_quote!(::telemetry))
    }
}
