//! From the settings to an endpoint, or to the reason why there is none.

use crate::config::Config;
use crate::error::Error;
use crate::notice::say;
use crate::registry;
use crate::server::Listening;
use std::io;
use std::net::SocketAddr;

/// Listens where the settings say. Where that cannot be had, the program is told, and goes on without, unless it asked to be strict.
pub(crate) fn listen(config: &Config) -> Result<Option<Listening>, Error> {
    #[cfg(feature = "axum")]
    crate::server::axum::told(&config.server);
    let Some(address) = config.listen else { return Ok(None) };
    #[cfg(feature = "tls")]
    let tls = config.server.tls.as_ref().map(crate::server::tls::Acceptor::new).transpose()?;
    let start = |address| {
        Listening::start(
            address,
            &config.server,
            #[cfg(feature = "tls")]
            tls.clone(),
            registry::snapshot,
        )
    };
    let started = match start(address) {
        // Prometheus is told the port, so that any will do.
        Err(error)
            if config.discovery.is_some() && !config.server.strict && error.kind() == io::ErrorKind::AddrInUse =>
        {
            start(SocketAddr::new(address.ip(), 0))
        }
        started => started,
    };
    match started {
        Ok(listening) => {
            let open = config.server.auth.token.is_none() && config.server.auth.basic.is_none();
            if open && !listening.address().ip().is_loopback() {
                say(format_args!(
                    "who reaches {} sees labels and SQL, and needs no token; TELEMETRY_TOKEN or TELEMETRY_BASIC_AUTH asks for one",
                    listening.address()
                ));
            }
            Ok(Some(listening))
        }
        Err(error) if config.server.strict => Err(Error::Endpoint { address, why: reason(&error) }),
        Err(error) => {
            say(format_args!(
                "no endpoint: cannot listen on {address} ({}); the program goes on without. Set TELEMETRY_LISTEN to another \
                 address or port, such as \"9100\", or to \"off\".",
                reason(&error)
            ));
            Ok(None)
        }
    }
}

/// Why, in words rather than with the number of the error.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}
