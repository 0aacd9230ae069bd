//! What an allocation costs with the tracking allocator. Started in turns with its twin by `peers`.

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

fn main() {
    peers::allocations::measure(true);
}
