//! The thread that sends, and waits for what comes of it, so that nobody else has to.

use super::{Event, Outcome, Parcel, Transport};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

/// A request, and how long it may take.
pub(super) type Order = (Arc<Parcel>, Duration);

/// Starts the thread, which ends when nobody orders any more.
pub(super) fn start(transport: Box<dyn Transport>, events: Sender<Event>) -> std::io::Result<Sender<Order>> {
    let (order, orders) = mpsc::channel::<Order>();
    let thread = std::thread::Builder::new().name("telemetry-send".to_owned());
    thread.spawn(move || quietly(|| run(transport, &orders, &events)))?;
    Ok(order)
}

fn run(mut transport: Box<dyn Transport>, orders: &mpsc::Receiver<Order>, events: &Sender<Event>) {
    for (parcel, timeout) in orders {
        let sent = catch_unwind(AssertUnwindSafe(|| transport.send(&parcel, timeout)));
        let failed = |_| Outcome::Refused { taken: 0, why: "cannot be asked: the client panicked".to_owned() };
        if events.send(Event::Answered(sent.unwrap_or_else(failed))).is_err() {
            return;
        }
    }
}

/// What clients tell of themselves, as spans and events, is not to be sent by them: it would never end.
fn quietly(f: impl FnOnce()) {
    #[cfg(feature = "otel")]
    let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
    #[cfg(feature = "tracing")]
    let _none = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default());
    f();
}
