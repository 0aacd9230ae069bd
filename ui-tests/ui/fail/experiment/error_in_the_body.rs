use telemetry::comet::Experiment;
use telemetry::experiment;

#[experiment(params(depth))]
fn classify(experiment: &Experiment, depth: u8) -> Result<u32, String> {
    experiment.log_metrics("loss", depth);
    Ok("not a number")
}

#[experiment]
async fn later(experiment: &Experiment) -> Result<u32, String> {
    experiment.add_tags("later");
    let unused = 1;
    Err(7)
}

fn main() {}
