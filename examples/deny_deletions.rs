//! Denies a plan that deletes a Secret: prints the reason for each, and ends with exit code 1.

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use aivenator::action::Action;
use aivenator::documents::{self, Source};
use aivenator::plan::plan;
use aivenator::world::{Digester, Settings, World};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(now), Some(directory)) = (args.next(), args.next()) else {
        return Err("usage: deny_deletions TIME DIRECTORY".into());
    };
    let mut sources = vec![];
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        sources.push(Source { name: path.display().to_string(), text: fs::read_to_string(path)? });
    }

    // Secret values are kept as digests under this key. It matters only to those who store or publish a world.
    let nothing = World::new(now.parse()?, Settings::default(), Digester::new(&[0; 32]));
    let world = documents::read(&sources, nothing, None)?;

    let mut code = ExitCode::SUCCESS;
    for decision in plan(&world).decisions {
        let deletes = |action: &Action| matches!(action, Action::DeleteSecret { .. });
        if decision.actions.iter().any(|planned| deletes(&planned.action)) {
            println!("denied: {}: {}", decision.subject, decision.reason);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
