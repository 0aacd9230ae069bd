use telemetry::experiment;

struct Model {
    depth: u8,
}

#[experiment(params(model, again = &model, depth = model.depth, unknown = depth))]
fn classify(model: Model) {
    let _ = model.depth;
}

fn main() {
    classify(Model { depth: 3 });
}
