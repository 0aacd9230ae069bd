//! The attribute on an `impl` block, a trait or a module: each function in it gets the attribute.
//!
//! ```text
//! #[measured(count)]                        impl Reader {
//! impl Reader {                                 #[::telemetry::measured(count)]
//!     fn next(&mut self) { … }                  fn next(&mut self) { … }
//!     const fn new() -> Reader { … }            const fn new() -> Reader { … }
//!     #[measured(skip)]                         fn len(&self) -> usize { … }
//!     fn len(&self) -> usize { … }
//! }                                         }
//! ```
//!
//! The functions are not expanded here: what other attributes make of them, such as `#[async_trait]`, comes first.

use crate::diagnostics::Diagnostics;
use crate::measured::args::{self, Args};
use crate::measured::{check, words};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, ImplItem, Item, Meta, Path, Signature, Token, TraitItem, parse_quote};

/// What functions are in, with what was said of all of them.
pub(crate) struct Container {
    item: Item,
    /// What the container was told, as it was written.
    words: TokenStream,
    root: Option<Path>,
    measured: usize,
}

impl Container {
    /// `None` where the item is none that can hold functions. That there are none in it is among the diagnostics.
    pub(crate) fn parse(words: TokenStream, args: &Args, item: &Item, diagnostics: &mut Diagnostics) -> Option<Self> {
        let (what, token) = match item {
            Item::Impl(item) => ("`impl` block", item.impl_token.to_token_stream()),
            Item::Trait(item) => ("trait", item.trait_token.to_token_stream()),
            Item::Mod(item) if item.content.is_some() => ("module", item.mod_token.to_token_stream()),
            _ => return None,
        };
        if let Some(name) = &args.name {
            diagnostics
                .at(name, format!("`name` is one function's, and this {what} may hold several; write it on one"));
        }
        words::all(args, diagnostics);
        let mut container = Container { item: item.clone(), words, root: args.root.clone(), measured: 0 };
        let mut item = std::mem::replace(&mut container.item, Item::Verbatim(TokenStream::new()));
        container.item(&mut item);
        container.item = item;
        if container.measured == 0 {
            diagnostics.at(
                token,
                format!("this {what} holds no function that can be measured; put `#[measured]` where one has a body"),
            );
        }
        Some(container)
    }

    pub(crate) fn expand(self) -> TokenStream {
        self.item.into_token_stream()
    }

    fn item(&mut self, item: &mut Item) {
        let entered = match item {
            Item::Impl(item) => self.enters(&mut item.attrs),
            Item::Trait(item) => self.enters(&mut item.attrs),
            Item::Mod(item) => item.content.is_some() && self.enters(&mut item.attrs),
            _ => true,
        };
        match item {
            Item::Fn(item) => self.function(&mut item.attrs, &item.sig),
            Item::Impl(item) if entered => {
                for item in &mut item.items {
                    if let ImplItem::Fn(method) = item {
                        self.function(&mut method.attrs, &method.sig);
                    }
                }
            }
            Item::Trait(item) if entered => {
                for item in &mut item.items {
                    match item {
                        TraitItem::Fn(method) if method.default.is_some() => {
                            self.function(&mut method.attrs, &method.sig);
                        }
                        _ => {}
                    }
                }
            }
            Item::Mod(item) if entered => {
                let items = item.content.iter_mut().flat_map(|(_, items)| items);
                items.for_each(|item| self.item(item));
            }
            _ => {}
        }
    }

    /// Whether what is in an inner container is measured by this one. What has the attribute itself sees to its own.
    fn enters(&mut self, attributes: &mut Vec<Attribute>) -> bool {
        let Some(place) = attributes.iter().position(is_ours) else { return true };
        if is_skip(&attributes[place]) {
            attributes.remove(place);
        } else {
            self.complete(&mut attributes[place]);
            self.measured += 1;
        }
        false
    }

    fn function(&mut self, attributes: &mut Vec<Attribute>, signature: &Signature) {
        if check::refusal(signature, attributes).is_some() {
            // Left out, unless it asks to be measured: then it is told why it cannot.
            attributes.retain(|attribute| !is_ours(attribute) || !is_skip(attribute));
        } else if self.enters(attributes) {
            self.measured += 1;
            let (root, words) = (self.path(), &self.words);
            // The last one, so that macros above see the function as it was written.
            attributes.push(parse_quote!(#[#root::measured(#words)]));
        }
    }

    /// Where the library is.
    fn path(&self) -> TokenStream {
        self.root.as_ref().map_or_else(|| quote_spanned!(Span::mixed_site()=> ::telemetry), ToTokens::to_token_stream)
    }

    /// Tells an attribute that has its own words where the library is, if that is not among them.
    fn complete(&self, attribute: &mut Attribute) {
        let Some(root) = &self.root else { return };
        let own = match &attribute.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        if args::names_crate(&own) {
            return;
        }
        let path = attribute.path();
        let comma = (!own.is_empty()).then(|| quote!(,));
        *attribute = parse_quote!(#[#path(crate = #root #comma #own)]);
    }
}

/// Whether an attribute is this one, by whatever path.
fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "measured")
}

/// Whether it is `#[measured(skip)]`.
fn is_skip(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let words = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    words.is_ok_and(|words| words.iter().any(|word| matches!(word, Meta::Path(path) if path.is_ident("skip"))))
}
