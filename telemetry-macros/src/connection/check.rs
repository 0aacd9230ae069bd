//! The rule that needs the field's type: nothing can see the calls on a bare connection.

use crate::connection::model::Model;
use crate::diagnostics::Diagnostics;
use syn::Type;

/// Checks the model.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    if is_bare(&model.ty) {
        diagnostics.at(
            &model.ty,
            "nothing can see the calls on a `duckdb::Connection`; write `telemetry::duckdb::Connection`",
        );
    }
}

/// Whether the type is written `duckdb::Connection`. Where it is imported under a bare name, the compiler finds it by its trait bound.
fn is_bare(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            path.qself.is_none() && names == ["duckdb", "Connection"]
        }
        Type::Reference(reference) => is_bare(&reference.elem),
        Type::Paren(inner) => is_bare(&inner.elem),
        Type::Group(inner) => is_bare(&inner.elem),
        _ => false,
    }
}
