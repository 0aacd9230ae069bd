//! Dashboards that ask for what is declared, wherever the macro stands, and however strict the crate is.
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![allow(dead_code)]
#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]

mod obs {
    pub(crate) use ::telemetry::*;
}

mod metrics {
    crate::obs::metric! {
        crate = crate::obs;
        /// Pages read.
        pub counter flights_pages_total(carrier: &str, code: u16);
        /// Records that wait.
        pub gauge flights_queue_records(queue: &str);
        /// Seconds from a request to its response.
        pub histogram flights_fetch_duration_seconds(carrier: &str) [0.05, 0.1, 0.5, 1, 5, 10];
    }
}

obs::dashboards! {
    crate = obs,
    root = "../../../tmp/ui/pass/dashboards",
    files = ["flights.json"],
    catalogs = [metrics::CATALOG],
    foreign = "node_",
    target_labels = ["job", "instance", "pod"],
    function_labels = ["carrier"],
}

mod inner {
    pub(crate) struct Option;
    pub(crate) struct Result;
    #[allow(non_camel_case_types)]
    pub(crate) struct core;

    // Two of them in one module.
    ::telemetry::dashboards! {
        root = "../../../tmp/ui/pass/dashboards",
        files = "flights.json",
        catalogs = crate::metrics::CATALOG,
        foreign = ["node_"],
    }
    ::telemetry::dashboards! {
        root = "../../../tmp/ui/pass/dashboards",
        files = "flights.json",
        catalogs = [crate::metrics::CATALOG],
        foreign = ["node_"],
    }
}

fn main() {
    ::telemetry::metric! {
        /// Pages read.
        counter flights_pages_total(carrier: &str, code: u16);
        /// Records that wait.
        gauge flights_queue_records(queue: &str);
        /// Seconds from a request to its response.
        histogram flights_fetch_duration_seconds(carrier: &str) [0.05, 0.1, 0.5, 1, 5, 10];
    }
    ::telemetry::dashboards! {
        root = "../../../tmp/ui/pass/dashboards",
        files = "flights.json",
        catalogs = [CATALOG],
        foreign = ["node_"],
        test = false,
    }
}
