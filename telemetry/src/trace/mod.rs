//! Traces: measured calls as spans of OpenTelemetry, and their context in and out of the process.
