use telemetry::measured;

struct Page;

#[measured(span(page))]
fn parameter(page: Page) {}

#[measured(span(pages = vec![1]))]
async fn expression() {}

fn main() {}
