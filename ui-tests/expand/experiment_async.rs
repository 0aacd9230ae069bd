#[experiment(params(batch_size))]
async fn classify(batch_size: usize, experiment: &Experiment) -> Result<f64, Error> {
    experiment.add_tag("async");
    loss(batch_size).await
}

#[experiment]
async fn never() -> ! {
    loop {
        later().await;
    }
}
