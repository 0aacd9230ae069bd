use telemetry::experiment;

#[experiment(project = "", name = 7, workspace, tags = "rust")]
fn classify() {}

#[experiment(tags = ["rust", " ", 3], every = 10)]
fn tagged() {}

#[experiment(name = depth, tags = [depth])]
fn numbered(depth: u8) {
    let _ = depth;
}

fn main() {
    classify();
    tagged();
    numbered(1);
}
