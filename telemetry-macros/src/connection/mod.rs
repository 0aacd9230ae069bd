//! `#[derive(ProfiledConnection)]`: args -> model -> check -> expand.
//!
//! ```text
//! #[derive(ProfiledConnection)]                      impl ProfiledConnection for Warehouse {
//! struct Warehouse {                                     const SETTINGS: Settings = Settings::new().name("warehouse");
//!     #[profiled_connection(name = "warehouse")]         fn connection(&self) -> &Connection { Wraps::connection(&self.conn) }
//!     conn: Connection,                                  fn connection_mut(&mut self) -> &mut Connection { … }
//! }                                                  }
//! ```

mod args;
mod check;
pub(crate) mod duration;
mod expand;
mod model;

use crate::diagnostics::Diagnostics;
use model::Model;
use proc_macro2::TokenStream;

/// Expands the derive on a struct.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let model = Model::parse(input, &mut diagnostics);
    if let Some(model) = &model {
        check::all(model, &mut diagnostics);
    }
    match (diagnostics.finish(), model) {
        (Ok(()), Some(model)) => expand::derive(&model),
        (Ok(()), None) => TokenStream::new(),
        // A derive leaves the item as it is.
        (Err(error), _) => error.to_compile_error(),
    }
}
