//! What an allocation costs with the system's allocator. Started in turns with its twin by `peers`.

fn main() {
    peers::allocations::measure(false);
}
