//! Requests are sent as they are.

use ::reqwest::{Client, Request, RequestBuilder, Response, Result};

/// Sending a request as it is.
pub trait TracedRequest {
    /// The same as `send`.
    ///
    /// # Errors
    /// Those of `send`.
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;
}

impl TracedRequest for RequestBuilder {
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send {
        self.send()
    }
}

/// The same as `client.execute(request)`.
///
/// # Errors
/// Those of `Client::execute`.
pub fn execute(client: &Client, request: Request) -> impl Future<Output = Result<Response>> + Send {
    client.execute(request)
}
