//! The words in the attribute's parentheses.

use crate::arguments::{self, millis, text};
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::objective::{Objective, On};
use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Path, Token};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The value of the label `job_name`.
    pub(crate) name: Option<LitStr>,
    /// How many units there are, over the parameters.
    pub(crate) total: Option<Expr>,
    /// What is counted.
    pub(crate) unit: Option<LitStr>,
    /// After how many milliseconds without progress the job is stalled.
    pub(crate) stalled_after_millis: Option<u64>,
    /// How many milliseconds after its start the job is to have ended.
    pub(crate) deadline_millis: Option<u64>,
    /// What share of its units is not to fail.
    pub(crate) objective: Option<Objective>,
    /// Where the next run finds what this one left, over the parameters.
    pub(crate) state: Option<Expr>,
    /// The parameter that is the job, where its type does not tell.
    pub(crate) job: Option<Ident>,
    /// The path of the library.
    pub(crate) root: Option<Path>,
}

const TAKEN: [&str; 9] = ["name", "total", "unit", "stalled_after", "deadline", "objective", "state", "job", "crate"];

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        arguments::all(tokens, diagnostics, |word, input, diagnostics| args.parse_one(word, input, diagnostics));
        args
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "name" => self.name = text(word, "flights", input, diagnostics)?,
            "unit" => self.unit = text(word, "days", input, diagnostics)?,
            "stalled_after" => {
                if let Some(text) = text(word, "5m", input, diagnostics)? {
                    self.stalled_after_millis = millis(word, "5m", &text, diagnostics);
                }
            }
            "deadline" => {
                if let Some(text) = text(word, "6h", input, diagnostics)? {
                    self.deadline_millis = millis(word, "6h", &text, diagnostics);
                }
            }
            "objective" => self.objective = Some(Objective::parse(word, On::Job, input, diagnostics)?),
            "total" => {
                input.parse::<Token![=]>()?;
                self.total = Some(input.parse()?);
            }
            "state" => {
                input.parse::<Token![=]>()?;
                self.state = Some(input.parse()?);
                if !cfg!(feature = "resume") {
                    let message = "`state` needs the feature `resume` of `telemetry`; write `features = [\"resume\"]` in Cargo.toml";
                    diagnostics.at(word, message);
                }
            }
            "job" => {
                input.parse::<Token![=]>()?;
                self.job = Some(input.parse()?);
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.root = Some(input.call(Path::parse_mod_style)?);
            }
            "labels" => {
                diagnostics.at(word, "`#[backfill_job]` does not take `labels` yet; tell jobs apart by `name`");
                arguments::skip_value(input)?;
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                let message =
                    format!("unknown argument `{other}`{meant} `#[backfill_job]` takes {}", names::list(&TAKEN));
                diagnostics.at(word, message);
                arguments::skip_value(input)?;
            }
        }
        Ok(())
    }
}
