//! `#[derive(Label)]`: args -> model -> check -> expand.
//!
//! ```text
//! #[derive(Label)]                           impl Label for Outcome {
//! enum Outcome {                                 const VALUES: &[&str] = &["hit", "not-found"];
//!     Hit,                                       fn as_str(&self) -> &str { match *self { Self::Hit => "hit", … } }
//!     #[label(rename = "not-found")]         }
//!     Miss,                                  impl IntoLabel for Outcome { … the index of the variant … }
//! }
//! ```

mod args;
mod check;
mod expand;
mod model;
mod rename;

use crate::diagnostics::Diagnostics;
use model::Model;
use proc_macro2::TokenStream;

/// Expands the derive on an enum. Where something is wrong in it, it is a label all the same, so that its uses are no errors too.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let model = Model::parse(input, &mut diagnostics);
    let mut tokens = TokenStream::new();
    if let Some(model) = &model {
        check::all(model, &mut diagnostics);
        if !model.variants.is_empty() {
            tokens = expand::derive(model);
        }
    }
    if let Err(error) = diagnostics.finish() {
        tokens.extend(error.to_compile_error());
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn a_wrong_enum_is_a_label_all_the_same() {
        let tokens = derive(quote! {
            enum Outcome { Hit, #[label(rname = "x")] Miss(u8), Gone { at: u8 } }
        });
        let file: syn::File = syn::parse2(tokens).expect("items");
        let items = |wanted: fn(&syn::Item) -> bool| file.items.iter().filter(|item| wanted(item)).count();
        assert_eq!(items(|item| matches!(item, syn::Item::Impl(_))), 2);
        assert_eq!(
            items(|item| matches!(item, syn::Item::Macro(_))),
            3,
            "a misspelt word and two variants with fields"
        );
    }
}
