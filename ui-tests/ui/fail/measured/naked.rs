#[telemetry::measured]
#[unsafe(naked)]
extern "C" fn answer() -> u8 {
    core::arch::naked_asm!("mov al, 42", "ret")
}

fn main() {
    answer();
}
