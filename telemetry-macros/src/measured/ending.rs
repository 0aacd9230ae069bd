//! How an output ended its call, as an expression over it: what `ok_if`, `error_if` and `error_type` say, else what its type says. An error is
//! noted on the way, for the span of the call.

use crate::measured::args::Args;
use crate::measured::{body, site};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path, Type};

/// What a span is told of an error.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shows {
    /// There is none.
    Nothing,
    /// The name of its type: how it is shown is asked by the type, which is not known here yet.
    Type,
    /// That, and what it says.
    Message,
}

impl Shows {
    /// Of an output of this type.
    pub(crate) fn of(ty: &Type) -> Shows {
        match ty {
            _ if body::cannot_fail(ty) || has_no_error(ty) => Shows::Nothing,
            // To look for how it is shown takes the compiler a while. Other names may stand for one too.
            _ if body::is_complete(ty) && holds_result(ty.to_token_stream()) => Shows::Message,
            _ => Shows::Type,
        }
    }
}

/// Whether the name of a type tells that there is no error in it: what need not be asked is not compiled. Another name may stand for anything.
fn has_no_error(ty: &Type) -> bool {
    const WITHOUT: [&str; 25] = [
        "Arc", "BTreeMap", "Box", "HashMap", "Rc", "Self", "String", "Vec", "bool", "char", "f32", "f64", "i128",
        "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8", "usize",
    ];
    let Type::Path(path) = body::ungrouped(ty) else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    match last.ident.to_string().as_str() {
        "Option" | "Poll" => !holds_result(last.arguments.to_token_stream()),
        name => WITHOUT.contains(&name),
    }
}

/// Whether one of the names is `Result`, or ends so.
fn holds_result(tokens: TokenStream) -> bool {
    let mut named = Vec::new();
    site::identifiers(tokens, &mut named);
    named.iter().any(|name| name.ends_with("Result"))
}

/// The ending that a value of this type tells, behind the reference that `value` is. The type of its error is counted with it.
pub(crate) fn of(args: &Args, root: &Path, value: &TokenStream, ty: &Type) -> TokenStream {
    let shows = if args.only_counts() { Shows::Nothing } else { Shows::of(ty) };
    let condition = match (&args.ok_if, &args.error_if) {
        (Some(condition), _) => Some(told(root, "ok_if", value, condition)),
        (None, Some(condition)) => Some(told(root, "error_if", value, condition)),
        (None, None) => None,
    };
    let count = args.error_type.as_ref().map(|error_type| {
        let site = body::own(site::NAME);
        let span = error_type.span().resolved_at(Span::mixed_site());
        let count = quote_spanned!(span=> #root::__private::count_error);
        quote_spanned!(Span::mixed_site()=> #count(#site, #root::__private::Inspect(#value).__error(), #error_type);)
    });
    let refuses = condition.is_some() && !args.only_counts() && body::is_complete(ty);
    let ending = match condition {
        None if count.is_none() => return by_type(root, value, shows),
        None => quote_spanned!(Span::mixed_site()=> #root::__private::Inspect(#value).__ending()),
        Some(condition) if count.is_none() && !refuses => return condition,
        Some(condition) => condition,
    };
    let note = match (refuses, shows) {
        (true, _) => output(root, value),
        (false, Shows::Nothing) => TokenStream::new(),
        // It looks again, and notes what it finds.
        (false, _) => {
            let ended = by_type(root, value, shows);
            quote_spanned!(Span::mixed_site()=> let _ = #ended;)
        }
    };
    let name = body::own("__ending");
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            let #name = #ending;
            if #name.is_error() {
                #count
                #note
            }
            #name
        }
    }
}

/// What its type says of a value, behind the reference that `value` is.
pub(crate) fn by_type(root: &Path, value: &TokenStream, shows: Shows) -> TokenStream {
    match shows {
        Shows::Nothing => quote_spanned! {Span::mixed_site()=>
            {
                use #root::__private::Fallback as _;
                #root::__private::Inspect(#value).__ending()
            }
        },
        Shows::Type => quote_spanned! {Span::mixed_site()=>
            {
                use #root::__private::Fallback as _;
                #root::__private::Inspect(#value).__ended()
            }
        },
        Shows::Message => quote_spanned! {Span::mixed_site()=>
            {
                use #root::__private::{Fallback as _, ShownByDebug as _, ShownByDisplay as _};
                (&&#root::__private::Inspect(#value)).__ended()
            }
        },
    }
}

/// Notes an output that a condition refused, or the error in it.
fn output(root: &Path, value: &TokenStream) -> TokenStream {
    let (inspect, error) = (body::own("__inspect"), body::own("__error"));
    quote_spanned! {Span::mixed_site()=>
        use #root::__private::{ShownLess as _, ShownNot as _};
        let #inspect = #root::__private::Inspect(#value);
        let #error = #inspect.__error();
        #root::__private::note_output(#error, (&#root::__private::Shown::of(&#error)).__show());
    }
}

fn told(root: &Path, word: &str, value: &TokenStream, condition: &Expr) -> TokenStream {
    let word = Ident::new(word, condition.span().resolved_at(Span::mixed_site()));
    quote!(#root::__private::Ending::#word(#value, #condition))
}

/// Whether an output of this type can be an error, as an expression. An opaque type has no name to ask; its first value tells.
pub(crate) fn fallible(args: &Args, root: &Path, ty: &Type) -> TokenStream {
    if matches!(body::ungrouped(ty), Type::Never(_)) {
        return quote!(false);
    }
    if args.has_condition() {
        return quote!(true);
    }
    if !body::is_complete(ty) || body::cannot_fail(ty) {
        return quote!(false);
    }
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::ReturnsOther as _;
            #root::__private::Returns::<#ty>::new().__fallible()
        }
    }
}
