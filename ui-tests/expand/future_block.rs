#[measured]
fn load(path: &Path) -> Pin<Box<dyn Future<Output = Result<u8, Error>> + Send + '_>> {
    Box::pin(async move { Ok(read(path).await?) })
}
