use telemetry::measured;

struct Page;

#[measured(labels(page))]
fn parameter(page: Page) {}

#[measured(labels(pages = pages.len() as f64))]
async fn expression(pages: Vec<u8>) {}

#[measured(labels(size))]
fn pattern((size, _): (u32, u32)) {}

fn main() {}
