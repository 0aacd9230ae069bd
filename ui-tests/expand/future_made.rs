#[measured]
fn load(path: &Path) -> BoxFuture<'_, u8> {
    let path = path.to_owned();
    Box::pin(async move { read(path).await })
}

#[measured]
fn wait() -> impl Future<Output = ()> + Send {
    sleep(SECOND)
}
