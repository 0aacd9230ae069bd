//! What a block becomes. Cannot fail.
//!
//! The work is in functions of the library. No `allow` stands in front of anything: a crate that forbids a lint takes none. Instead, what
//! only we name has spans of the expansion, where the compiler reports no lint of the user's crate.

use crate::metric::check;
use crate::metric::model::{Block, Bound, BoundValues, Declaration, Help, Kind, Label};
use crate::metric::units;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path, Type};

/// Every declaration, and the constant that lists them. Also what is wrong in itself is there, so that its uses are no errors too.
pub(crate) fn block(block: &Block) -> TokenStream {
    let taken = || block.declarations.iter().filter(|declaration| !declaration.left_out);
    let declarations = taken().map(|declaration| Expansion::of(declaration, block).tokens());
    let names = taken().map(|declaration| {
        let (name, conditions) = (&declaration.name, declaration.conditions());
        quote!(#(#conditions)* #name::DESCRIPTOR)
    });
    let (root, catalog) = (&block.root, block.catalog());
    // The compiler says of a second block of a module that `CATALOG` is defined twice, and then of this name, which tells what to do.
    let telling = block.catalog.is_none().then(|| {
        quote! {
            #[doc(hidden)]
            const __a_second_metric_block_of_a_module_begins_with__catalog_equals_NAME: () = ();
        }
    });
    quote! {
        #(#declarations)*
        #telling
        /// The families that are declared here.
        pub const #catalog: &[#root::__private::Descriptor] = &[#(#names),*];
        const _: &[#root::__private::Descriptor] = #catalog;
    }
}

/// A place in the user's source, for tokens of ours.
fn ours(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The user's name, as one that the expansion made at that place.
fn expansions(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(name.span().resolved_at(Span::call_site()));
    name
}

/// One declaration on its way to tokens.
struct Expansion<'a> {
    declaration: &'a Declaration,
    root: &'a Path,
    /// What must hold for the family to be registered.
    registered: Option<TokenStream>,
    /// What must hold for the declaration to be there.
    conditions: Vec<&'a Attribute>,
    /// The name as it is scraped.
    text: String,
}

impl Expansion<'_> {
    fn of<'a>(declaration: &'a Declaration, block: &'a Block) -> Expansion<'a> {
        Expansion {
            declaration,
            root: &block.root,
            registered: block.registered.as_ref().map(|condition| quote!(#[cfg(#condition)])),
            conditions: declaration.conditions().collect(),
            text: declaration.text(),
        }
    }

    fn tokens(&self) -> TokenStream {
        let (family, function) = (self.family(), self.function());
        // What is wrong was said; the compiler need not say it too.
        let checks = (!self.declaration.wrong).then(|| self.checks());
        quote! { #family #function #checks }
    }

    /// The type that bears the family's constants and its static.
    fn family(&self) -> TokenStream {
        let Expansion { declaration, root, registered, conditions, text } = self;
        let (name, visibility) = (&declaration.name, &declaration.visibility);
        // No type's name in their style.
        let ty = expansions(name);
        let documentation = format!("The family of the {} [`{name}()`].", declaration.kind.as_str());
        let kind = format_ident!(
            "{}",
            match declaration.kind {
                Kind::Counter => "Counter",
                Kind::Gauge => "Gauge",
                Kind::Histogram => "Histogram",
                Kind::Info => "Info",
            }
        );
        let stem = declaration.stem();
        let unit = units::of(&stem);
        let labels = declaration.labels.iter().map(Label::text);
        let line = self.line();
        let (help, bounds) = (self.help(), self.bounds());
        let bounds_constant = self.bounds_are_computed().then(|| {
            quote! {
                const __BOUNDS: &'static [#root::__private::core::primitive::f64] = #bounds;
            }
        });
        let bounds = if bounds_constant.is_some() { quote!(#name::__BOUNDS) } else { bounds };
        let values = self.may_be_closed().then(|| self.values());
        let values_constant = values.map(|values| {
            quote! {
                const __VALUES: &'static [#root::__private::Values] = &[#(#values),*];
            }
        });
        let over = values_constant.as_ref().map(|_| quote!(.over(#name::__VALUES)));
        let after = declaration.expiry.as_ref().and_then(|expiry| expiry.after);
        let expiring = after.map(|after| {
            let (seconds, nanoseconds) = (after.as_secs(), after.subsec_nanos());
            quote!(.expiring(#root::__private::core::time::Duration::new(#seconds, #nanoseconds)))
        });
        quote! {
            #(#conditions)*
            #[doc = #documentation]
            #[non_exhaustive]
            #visibility enum #ty {}

            #(#conditions)*
            impl #name {
                /// What was declared.
                #visibility const DESCRIPTOR: #root::__private::Descriptor = #root::__private::Descriptor {
                    name: #text,
                    kind: #root::__private::Kind::#kind,
                    help: #help,
                    unit: #unit,
                    labels: &[#(#labels),*],
                    bounds: #bounds,
                    origin: #root::__private::Origin {
                        package: #root::__private::core::env!("CARGO_PKG_NAME"),
                        version: #root::__private::core::env!("CARGO_PKG_VERSION"),
                        module: #root::__private::core::module_path!(),
                        file: #root::__private::core::file!(),
                        line: #line,
                    },
                };
                #bounds_constant
                #values_constant

                #[doc(hidden)]
                #[inline]
                fn __family() -> &'static #root::__private::Family {
                    static FAMILY: #root::__private::Family =
                        #root::__private::Family::new(&#name::DESCRIPTOR) #over #expiring;
                    #registered
                    #root::__private::inventory::submit! { #root::__private::Registration(&FAMILY) }
                    &FAMILY
                }
            }
        }
    }

    /// The function that users call for a handle.
    fn function(&self) -> TokenStream {
        let Expansion { declaration, root, .. } = self;
        let (name, visibility, attributes) = (&declaration.name, &declaration.visibility, &declaration.attributes);
        let times = declaration.kind == Kind::Counter && units::of(&declaration.stem()) == "seconds";
        let (handle, method) = match declaration.kind {
            Kind::Counter if times => ("DurationCounter", "duration_counter"),
            Kind::Counter => ("Counter", "counter"),
            Kind::Gauge => ("Gauge", "gauge"),
            Kind::Histogram => ("Histogram", "histogram"),
            Kind::Info => ("Info", "info"),
        };
        let (handle, method) = (format_ident!("{handle}"), format_ident!("{method}"));
        // One whose style is wrong was refused, and need not be warned of besides.
        let declared = if declaration.wrong { expansions(name) } else { name.clone() };
        let parameters = declaration.labels.iter().map(|Label { parameter, ty, .. }| match ty {
            Some(ty) => quote!(#parameter: #ty),
            // Whatever is given for it: the type is the one mistake.
            None => quote!(#parameter: impl #root::__private::IntoLabel),
        });
        let arguments = declaration.labels.iter().map(|Label { parameter, ty, .. }| match ty {
            // Of the type, as where its values are asked for: the compiler tells the same mistake once.
            Some(ty) => quote_spanned!(ours(ty.span())=> <#ty as #root::__private::IntoLabel>::as_label(&#parameter)),
            None => quote!(#root::__private::IntoLabel::as_label(&#parameter)),
        });
        quote! {
            #(#attributes)*
            #[inline]
            #visibility fn #declared(#(#parameters),*) -> #root::__private::#handle {
                #name::__family().#method(&[#(#arguments),*])
            }
        }
    }

    /// The line of the name, since `line!()` tells where its own tokens stand: with spans of ours, that of the whole block. Where a macro
    /// wrote the name it tells, as `file!()` does, where that macro was called.
    fn line(&self) -> TokenStream {
        quote_spanned!(self.declaration.span()=> ::core::line!())
    }

    /// The constants in which the compiler applies the rules that it alone can.
    fn checks(&self) -> TokenStream {
        let Expansion { declaration, text, .. } = self;
        let name = &declaration.name;
        let mut checks = TokenStream::new();
        if let Help::Computed(pieces) = declaration.help() {
            let sentence = check::no_help(declaration);
            let span = pieces.first().map_or_else(|| name.span(), Spanned::span);
            checks.extend(self.check(span, "required", &quote!(!#name::DESCRIPTOR.help.is_empty(), #sentence)));
        }
        match declaration.bounds.as_ref().map(|bounds| &bounds.values) {
            Some(BoundValues::Constant(constant)) => {
                checks.extend(self.check(constant.span(), "bounds", &quote!(#text, #name::__BOUNDS)));
            }
            Some(BoundValues::List(list)) => {
                let computed = |bound: &Bound| bound.value.is_none();
                for (index, bound) in list.iter().enumerate() {
                    if computed(bound) || index.checked_sub(1).and_then(|before| list.get(before)).is_some_and(computed)
                    {
                        checks.extend(self.check(bound.span(), "bound", &quote!(#name::__BOUNDS, #index)));
                    }
                }
            }
            None => {}
        }
        if self.may_be_closed() {
            checks.extend(self.check(name.span(), "combinations", &quote!(#text, #name::__VALUES)));
        }
        checks
    }

    /// A call of a function of the library that panics where a rule is broken, and then an error at the span. The whole call stands
    /// there, its function by a short name: were the path of the library in it, the compiler would point at the whole macro.
    fn check(&self, span: Span, function: &str, arguments: &TokenStream) -> TokenStream {
        let Expansion { root, conditions, .. } = self;
        let function = Ident::new(function, span);
        let call = quote_spanned!(span=> #function(#arguments));
        quote! {
            #(#conditions)*
            const _: () = {
                use #root::__private::#function;
                #call
            };
        }
    }

    /// The HELP text, or what puts it together.
    fn help(&self) -> TokenStream {
        let root = self.root;
        let pieces = match self.declaration.help() {
            Help::Text(text) => return quote!(#text),
            Help::Computed(pieces) => pieces,
        };
        // `concat!` takes what `#[doc = …]` takes: literals, and macros that become one.
        quote! {{
            const TEXT: &#root::__private::core::primitive::str =
                #root::__private::core::concat!(#(#pieces, "\n"),*);
            const BYTES: [#root::__private::core::primitive::u8; #root::__private::help_length(TEXT)] =
                #root::__private::help_bytes(TEXT);
            #root::__private::help(&BYTES)
        }}
    }

    fn bounds(&self) -> TokenStream {
        match self.declaration.bounds.as_ref().map(|bounds| &bounds.values) {
            None => quote!(&[]),
            Some(BoundValues::Constant(constant)) => quote_spanned!(constant.span()=> &#constant),
            Some(BoundValues::List(list)) => {
                let list = list.iter().filter_map(|bound| match (bound.value, &bound.expression) {
                    (Some(value), _) if value.is_finite() => Some(quote!(#value)),
                    // One that is not finite, or no number, as was said.
                    (Some(_), _) => None,
                    (None, syn::Expr::Lit(_)) => None,
                    (None, expression) => Some(quote!(#expression)),
                });
                quote!(&[#(#list),*])
            }
        }
    }

    fn bounds_are_computed(&self) -> bool {
        match self.declaration.bounds.as_ref().map(|bounds| &bounds.values) {
            None => false,
            Some(BoundValues::Constant(_)) => true,
            Some(BoundValues::List(list)) => list.iter().any(|bound| bound.value.is_none()),
        }
    }

    /// Whether all labels may be closed, as far as the tokens of their types tell.
    fn may_be_closed(&self) -> bool {
        let labels = &self.declaration.labels;
        !labels.is_empty() && labels.iter().all(|label| label.ty.as_ref().is_some_and(|ty| !is_open(ty)))
    }

    /// The values of each label's type.
    fn values(&self) -> impl Iterator<Item = TokenStream> {
        let root = self.root;
        self.declaration
            .labels
            .iter()
            .filter_map(|label| label.ty.as_ref())
            .map(move |ty| quote_spanned!(ours(ty.span())=> <#ty as #root::__private::IntoLabel>::CLOSED))
    }
}

/// Whether a type is one of the language's whose values have no end.
fn is_open(ty: &Type) -> bool {
    const OPEN: [&str; 11] = ["str", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
    match ty {
        Type::Reference(reference) => is_open(&reference.elem),
        Type::Group(group) => is_open(&group.elem),
        Type::Paren(parentheses) => is_open(&parentheses.elem),
        Type::Path(path) => path.path.get_ident().is_some_and(|name| OPEN.iter().any(|open| name == open)),
        _ => false,
    }
}
