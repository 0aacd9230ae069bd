//! What is left where something is wrong: the errors, and the item as it was written, so that no other error follows from them.

use proc_macro2::TokenStream;

/// The errors, then the user's item.
pub(crate) fn with(error: &syn::Error, item: TokenStream) -> TokenStream {
    let mut tokens = error.to_compile_error();
    tokens.extend(item);
    tokens
}
