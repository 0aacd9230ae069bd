#[measured]
#[tokio::main]
async fn main() -> Result<(), Error> {
    load().await
}
