#[measured]
fn ends() -> ! {
    exit(0)
}

#[measured]
async fn serves(port: u16) -> ! {
    listen(port).await
}
