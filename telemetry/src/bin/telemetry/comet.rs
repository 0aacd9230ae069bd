//! `telemetry comet`: archives to the server, and archives of what was left.

use crate::Failed;
use crate::ask::Comet;
use std::path::Path;
use telemetry::comet::{UploadOptions, repair, upload};

pub(crate) fn run(command: Comet) -> Result<(), Failed> {
    match command {
        Comet::Upload { archives, workspace, project, as_new } => {
            let mut options = UploadOptions::new().as_new(as_new);
            options = workspace.into_iter().fold(options, UploadOptions::workspace);
            options = project.into_iter().fold(options, UploadOptions::project);
            each(&archives, |archive| uploaded(archive, &options))
        }
        Comet::Repair { paths } => each(&paths, repaired),
    }
}

/// One that fails does not keep the others from their turn.
fn each<P: AsRef<Path>>(paths: &[P], act: impl Fn(&Path) -> Result<(), Failed>) -> Result<(), Failed> {
    let failed: Vec<Failed> = paths.iter().filter_map(|path| act(path.as_ref()).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\ntelemetry: ")) }
}

fn uploaded(archive: &Path, options: &UploadOptions) -> Result<(), Failed> {
    let done = upload(archive, options).map_err(|error| error.to_string())?;
    let place = done.url.unwrap_or(done.key);
    eprintln!("{}: {} items are at {place}", archive.display(), done.confirmed);
    if done.thinned > 0 {
        eprintln!("{}: {} values of metrics were left out, beyond 15,000 of a name", archive.display(), done.thinned);
    }
    if done.problems.is_empty() { Ok(()) } else { Err(format!("{}: {}", archive.display(), done.problems.join("; "))) }
}

fn repaired(path: &Path) -> Result<(), Failed> {
    let done = repair(path).map_err(|error| error.to_string())?;
    let what = if done.messages == 1 { "message" } else { "messages" };
    eprintln!("{} holds {} {what}", done.archive.display(), done.messages);
    for (line, why) in done.left_out {
        eprintln!("line {line} is left out: {why}");
    }
    Ok(())
}
