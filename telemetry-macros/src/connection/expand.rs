//! What the derive becomes. Cannot fail.

use crate::connection::model::Model;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

/// The implementation of the trait.
pub(crate) fn derive(model: &Model) -> TokenStream {
    let Model { name, generics, field, ty, args } = model;
    let root = args.root.clone().unwrap_or_else(|| syn::parse_quote!(::telemetry));
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let named = args.name.as_ref().map(|name| quote!(.name(#name)));
    let slow = args.slow.map(|slow| {
        let nanoseconds = u64::try_from(slow.as_nanos()).unwrap_or(u64::MAX);
        quote!(.slow(::core::time::Duration::from_nanos(#nanoseconds)))
    });
    let profile = args.profile.map(|profile| quote!(.profile(#profile)));
    let literals = args.literals.map(|literals| quote!(.literals(#literals)));
    let progress = args.progress.map(|progress| quote!(.progress(#progress)));
    // At the type: that is what is wrong where the field holds no connection of ours.
    let holds = quote_spanned!(model.type_span()=> <#ty as #root::duckdb::Wraps>);
    quote! {
        #[automatically_derived]
        impl #parameters #root::ProfiledConnection for #name #arguments #conditions {
            const SETTINGS: #root::duckdb::Settings = #root::duckdb::Settings::new() #named #slow #profile #literals #progress;

            #[inline]
            fn connection(&self) -> &#root::duckdb::Connection {
                #holds::connection(&self.#field)
            }

            #[inline]
            fn connection_mut(&mut self) -> &mut #root::duckdb::Connection {
                #holds::connection_mut(&mut self.#field)
            }
        }
    }
}
