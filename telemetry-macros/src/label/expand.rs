//! What the derive becomes. Cannot fail.

use crate::label::model::Model;
use proc_macro2::TokenStream;
use quote::quote;

/// The implementations of both traits.
pub(crate) fn derive(model: &Model) -> TokenStream {
    let Model { name, generics, root, variants } = model;
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let private = quote!(#root::__private);
    let values: Vec<&str> = variants.iter().map(|variant| variant.value.as_str()).collect();
    // With braces, which fit every variant: one with fields is an error, but not a second one.
    let names: Vec<_> = variants
        .iter()
        .map(|variant| {
            let name = &variant.name;
            if matches!(variant.fields, syn::Fields::Unit) { quote!(Self::#name) } else { quote!(Self::#name { .. }) }
        })
        .collect();
    let indices = 0..u32::try_from(variants.len()).unwrap_or(u32::MAX);
    // By place and not by copy: nothing is asked of the enum but its variants.
    quote! {
        #[automatically_derived]
        impl #parameters #root::Label for #name #arguments #conditions {
            const VALUES: &'static [&'static #private::core::primitive::str] = &[#(#values),*];

            #[inline]
            fn as_str(&self) -> &'static #private::core::primitive::str {
                match *self {
                    #(#names => #values,)*
                }
            }
        }

        #[automatically_derived]
        impl #parameters #private::IntoLabel for #name #arguments #conditions {
            const CLOSED: #private::Values =
                #private::core::option::Option::Some(<Self as #root::Label>::VALUES);

            #[inline]
            fn as_label(&self) -> #private::LabelArg<'_> {
                let index = match *self {
                    #(#names => #indices,)*
                };
                #private::LabelArg::Closed { index, values: <Self as #root::Label>::VALUES }
            }
        }
    }
}
