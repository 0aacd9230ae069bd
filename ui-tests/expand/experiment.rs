#[experiment(project = "flights", name = model.name(), tags = ["rust"], params(batch_size, threshold = cutoff * 2.0), every = "30s")]
fn classify(experiment: &Experiment, batch_size: usize, cutoff: f64, model: &Model) -> Result<f64, Error> {
    experiment.log_metric("loss", model.loss(batch_size)?);
    Ok(cutoff)
}

#[experiment(every = "off")]
fn never() -> ! {
    loop {}
}
