#[measured(objective(success = "99.9%", latency = "250ms", at = "99%", window = "28d"))]
fn load(&self) -> Result<u8, Error> {
    self.read()
}

#[measured(objective(success = "0.99"), name = "other")]
async fn fetch() {}
