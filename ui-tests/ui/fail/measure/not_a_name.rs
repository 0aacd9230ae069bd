use telemetry::measure;

fn main() {
    let name = "parse";
    measure!();
    measure!("parse");
    measure!("parse",);
    measure!({ 1 });
    measure!(name, 1);
    measure!("", 1);
    measure!(7, 1);
    measure!("parse", 1, 2);
    measure!("parse" 1);
}
