//! What shells complete words by, and the manual.

use crate::Failed;
use crate::ask::Ask;
use crate::files::print;
use clap::CommandFactory;
use std::fs;
use std::path::Path;

const NAME: &str = "telemetry";

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failed> {
    let mut made = Vec::new();
    clap_complete::generate(shell, &mut Ask::command(), NAME, &mut made);
    print(&made)
}

pub(crate) fn manual(folder: Option<&Path>) -> Result<(), Failed> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        let made = clap_mangen::Man::new(Ask::command()).render(&mut page);
        return made.map_err(|error| error.to_string()).and_then(|()| print(&page));
    };
    let made = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Ask::command(), folder));
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    eprintln!("the pages are in {}", folder.display());
    Ok(())
}
