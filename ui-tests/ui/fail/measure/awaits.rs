use telemetry::measure;

async fn load() -> Result<u8, String> {
    Ok(1)
}

async fn block() -> Result<u8, String> {
    let later = measure!("inner", async { load().await });
    measure!("load", later.await);
    let page = measure!("page", {
        let page = load().await?;
        page + 1
    });
    Ok(page)
}

fn main() {
    let _ = block();
}
