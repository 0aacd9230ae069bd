//! Requests are handled as they are.

use ::axum::extract::Request;
use ::axum::middleware::{FromFnLayer, Next, from_fn};
use ::axum::response::Response;
use std::pin::Pin;

/// The layer that [`traced`] makes.
pub type Traced = FromFnLayer<Handle, (), (Request,)>;

/// What it does with a request.
pub type Handle = fn(Request, Next) -> Pin<Box<dyn Future<Output = Response> + Send>>;

/// A layer that does nothing.
pub fn traced() -> Traced {
    let handle: Handle = |request, next| Box::pin(next.run(request));
    from_fn(handle)
}
