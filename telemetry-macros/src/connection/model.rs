//! The struct, the field that holds the connection, and what its attribute says. Keeps the user's syntax, so that a rule can point at it.

use crate::connection::args::Args;
use crate::diagnostics::Diagnostics;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Data, DataStruct, DeriveInput, Field, Fields, Generics, Ident, Index, Member, Type};

/// What the derive was given.
pub(crate) struct Model {
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The field that holds the connection.
    pub(crate) field: Member,
    pub(crate) ty: Type,
    pub(crate) args: Args,
}

impl Model {
    /// `None` where no field was found, with the reason in the diagnostics.
    pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Option<Model> {
        let input: DeriveInput = diagnostics.given(syn::parse2(input))?;
        for attribute in input.attrs.iter().filter(|attribute| is_ours(attribute)) {
            diagnostics.at(
                attribute,
                "`#[profiled_connection]` belongs on the field that holds the connection; move it there",
            );
        }
        let kind = match &input.data {
            Data::Struct(data) => return Self::of_struct(&input, data, diagnostics),
            Data::Enum(data) => ("an enum", data.enum_token.span),
            Data::Union(data) => ("a union", data.union_token.span),
        };
        let (kind, span) = kind;
        let message = format!(
            "`{}` is {kind}, and `ProfiledConnection` is for a struct that holds a connection; write a struct",
            input.ident
        );
        diagnostics.at_span(span, message);
        None
    }

    fn of_struct(input: &DeriveInput, data: &DataStruct, diagnostics: &mut Diagnostics) -> Option<Model> {
        let fields: Vec<&Field> = data.fields.iter().collect();
        let mut marked = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let mut attributes = field.attrs.iter().filter(|attribute| is_ours(attribute));
            if let Some(first) = attributes.next() {
                // Parsed for every field, so that every mistake is reported at once.
                marked.push((index, Args::parse(first, diagnostics), first));
            }
            for second in attributes {
                diagnostics
                    .at(second, "`#[profiled_connection]` is given twice on this field; write all arguments in one");
            }
        }
        for (_, _, attribute) in marked.iter().skip(1) {
            diagnostics.at(
                attribute,
                "a second field has `#[profiled_connection]`; a struct profiles one connection, leave one out",
            );
        }
        let chosen = match marked.into_iter().next() {
            Some((index, args, _)) => (index, args),
            None if fields.len() == 1 => (0, Args::default()),
            None => {
                diagnostics.at_span(input.ident.span(), which(&input.ident, &data.fields));
                return None;
            }
        };
        let (index, args) = chosen;
        let field = fields.get(index)?;
        Some(Model {
            name: input.ident.clone(),
            generics: input.generics.clone(),
            field: field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(index)), Member::Named),
            ty: field.ty.clone(),
            args,
        })
    }

    /// Where the field's type stands.
    pub(crate) fn type_span(&self) -> Span {
        self.ty.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
    }
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("profiled_connection")
}

/// What to write where no field is marked.
fn which(name: &Ident, fields: &Fields) -> String {
    if fields.is_empty() {
        return format!("`{name}` has no field that holds a connection; write `conn: telemetry::duckdb::Connection`");
    }
    format!("`{name}` has several fields; write `#[profiled_connection]` on the one that holds the connection")
}
