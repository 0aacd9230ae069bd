//! The global meter provider: the application's, or one of our own.

use super::reader;
use opentelemetry::global;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::sync::Arc;

/// Has instruments of the global meter provider seen by snapshots, where the application has set none.
pub(crate) fn begin() {
    if !application_has_one() {
        global::set_meter_provider(SdkMeterProvider::builder().with_reader(reader()).build());
    }
}

/// Whether the application has set a global meter provider.
///
/// The one that is there without drops what it is to ask; all others keep it. What they are given here observes nothing, so that no data follows from it.
fn application_has_one() -> bool {
    let asked = Arc::new(());
    let kept = Arc::clone(&asked);
    let callback = move |_: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        let _ = &kept;
    };
    let meter = global::meter("telemetry");
    let _gauge = meter.u64_observable_gauge("telemetry.is_there_a_meter_provider").with_callback(callback).build();
    Arc::strong_count(&asked) > 1
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use opentelemetry_sdk::metrics::ManualReader;

    // One test: the global provider is the process's.
    #[test]
    fn the_applications_provider_is_seen_and_left_alone() {
        assert!(!application_has_one());
        begin();
        global::meter("begun").u64_counter("otel.global.begun").build().add(3, &[]);
        assert_eq!(crate::testing::value("otel_global_begun_total", &[("otel_scope_name", "begun")]), Some(3.0));
        global::set_meter_provider(SdkMeterProvider::builder().with_reader(ManualReader::default()).build());
        assert!(application_has_one());
        begin();
        global::meter("theirs").u64_counter("otel.global.theirs").build().add(3, &[]);
        assert_eq!(crate::testing::value("otel_global_theirs_total", &[("otel_scope_name", "theirs")]), None);
    }
}
