use telemetry::measured;

#[measured(span(carier, missing))]
fn misspelt(carrier: &str) {}

#[measured(span(day, day = 7))]
fn twice(day: u32) {}

#[measured(span(code.line = 1, telemetry.result = 2, error.type = 3))]
fn ours() {}

#[measured(span("" = 1, "a b" = 2))]
fn named() {}

#[measured(span(http.route))]
fn dotted() {}

#[measured(span(?day = 7))]
fn misplaced(day: u32) {}

#[measured(span(self))]
fn receiver() {}

#[measured(span())]
fn none() {}

#[measured(span)]
fn bare() {}

#[measured(span(7))]
fn number() {}

#[measured(span(day: u32))]
fn typed(day: u32) {}

#[measured(span(day), count)]
fn counted(day: u32) {}

#[measured(span(day))]
fn made(day: u32) -> impl Future<Output = ()> {
    std::future::ready(())
}

fn main() {}
