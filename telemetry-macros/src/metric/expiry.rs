//! When the series of a family vanish that nothing touches: `counter user_requests_total(user: &str) expires = "10m";`.

use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use crate::metric::model::{Declaration, Kind};
use crate::names;
use proc_macro2::{Span, TokenTree};
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, LitStr, Token, token};

/// What stands behind labels and bounds.
pub(crate) struct Expiry {
    /// Where it says `expires`.
    pub(crate) span: Span,
    /// `None` where what was written is no time, as was said.
    pub(crate) after: Option<Duration>,
}

/// Shorter than this is shorter than what anybody scrapes at.
const SHORTEST: Duration = Duration::from_secs(1);

const TAKES: &str = "`expires` takes a time in quotes, such as `expires = \"10m\"`";

impl Expiry {
    /// Takes the option, where one comes.
    pub(crate) fn parse(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Option<Expiry>> {
        let expires = input.fork().call(Ident::parse_any).is_ok_and(|word| word == "expires");
        let other = input.peek(Ident::peek_any) && input.peek2(Token![=]);
        if !expires && !other {
            return Ok(None);
        }
        let word = input.call(Ident::parse_any)?;
        if !expires {
            let (text, option) = (word.to_string(), ["expires"]);
            let meant = names::did_you_mean(&text, &option);
            diagnostics.at(&word, format!("unknown option `{text}`{meant} a declaration takes `expires = \"10m\"`"));
        }
        let equals = input.parse::<Option<Token![=]>>()?;
        let after = match input.parse::<Option<LitStr>>()? {
            Some(text) if equals.is_some() => match duration::parse(&text.value()) {
                Ok(after) if after >= SHORTEST => Some(after),
                Ok(_) => {
                    diagnostics
                        .at(&text, "a series expires after 1 second or more; write a longer time, such as `\"10m\"`");
                    None
                }
                Err(message) => {
                    diagnostics.at(&text, message);
                    None
                }
            },
            Some(text) => {
                diagnostics.at(&text, TAKES);
                None
            }
            None => {
                // What stands there instead is passed over; the end of the declaration is not.
                let ends = input.is_empty() || input.peek(Token![;]) || input.peek(token::Bracket);
                let other = if ends { None } else { Some(input.parse::<TokenTree>()?) };
                if expires {
                    diagnostics.at_span(other.map_or(word.span(), |other| other.span()), TAKES);
                }
                None
            }
        };
        Ok(Some(Expiry { span: word.span(), after }))
    }
}

/// What may not expire.
pub(crate) fn check(declaration: &Declaration) -> Option<(Span, String)> {
    let Expiry { span, .. } = declaration.expiry.as_ref()?;
    let name = declaration.text();
    let message = match declaration.kind {
        Kind::Gauge => format!(
            "gauge `{name}` cannot expire, since setting it to the value that it has leaves no trace; leave `expires` out, or give the \
             values from a collector, which shows those alone that there are"
        ),
        Kind::Info => format!("info `{name}` cannot expire, since its value never changes; leave `expires` out"),
        _ if declaration.labels.is_empty() => {
            format!("`{name}` has no labels, hence one series, which is to stay; leave `expires` out")
        }
        _ => return None,
    };
    Some((*span, message))
}
