//! The selector's part: reads its environment block as it would, and spends what it would spend.
//! What its own script does with the block is the `selector` stage's business.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::selector::{DIRECTORY, ENV, State, env_for};
use jumpsys::grubenv::{self, Env};

/// What the landing file system mounted at `landing` says, and after it what the selector leaves.
pub(crate) fn spend(landing: &Path, run: &str) -> Result<State> {
    let file = landing.join(DIRECTORY).join(ENV);
    let env = grubenv::read(&file)?;
    let state = State::read(|name| env.get(name)).context("the selector would not believe it")?;
    let left = match state {
        State::Once => State::Old,
        State::Try(tries) => State::Try(tries.saturating_sub(1)),
        State::Old | State::Jump => state,
    };
    let mut env = Env::new();
    for (name, value) in env_for(left, run) {
        env.set(&name, &value);
    }
    grubenv::write_in_place(&file, &env)?;
    Ok(state)
}
