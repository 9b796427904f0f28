//! `--dry-run`: every line with its values, and nothing is run, here or there.
//!
//! What only a run can know stays as it is written: `%NAME%` where a command here gives the value, and
//! where `jump(usepartition, …)` does.

use jumpspec::nextrel::{JUMP_SETS, LOG_FILE, Line, Request, Statement, Variables, Wrong};
use jumpspec::render::page::Page;
use serde_json::{Map, json};

use super::args::Jump2nrArgs;
use super::failure::Failure;
use super::script::Script;
use crate::error::Trouble;
use crate::node::several::each;

/// Shows the lines for all hosts.
pub(super) fn show(script: &Script, args: &Jump2nrArgs) -> Result<(), Trouble> {
    each(args.connection.json, &args.host, |host, voice| {
        let mut variables = Variables::new(host, &unknown(LOG_FILE));
        if args.host.len() > 1 {
            voice.text(&Page::of(format_args!("{host}:")));
        }
        for line in script.lines() {
            let said = step(line, &mut variables).map_err(|wrong| {
                Failure::from(wrong).trouble(script.name(), host, line.number, &line.raw)
            })?;
            if script.runs(line) {
                let fields = [("line", json!(line.number)), ("text", json!(said))];
                let fields = fields.map(|(name, value)| (name.to_owned(), value));
                voice.object("line", Map::from_iter(fields));
                voice.text(&Page::of(format_args!("{:4}  {said}", line.number)));
            }
        }
        Ok(())
    })
}

/// What a line comes to, and what it defines.
fn step(line: &Line, variables: &mut Variables) -> Result<String, Wrong> {
    let said = line.with_values(variables)?;
    match &line.statement {
        Statement::Set { name, value } => variables.set(name, variables.expand(value)?)?,
        Statement::SetFromCommand { name, .. } => variables.set(name, unknown(name))?,
        Statement::UsePartition { partition, mount } => {
            let partition = variables.expand(partition)?;
            let mount = mount
                .as_ref()
                .map(|mount| variables.expand(mount))
                .transpose()?;
            let mount = mount.as_deref();
            // Of what a run alone knows it cannot be told whether it will do.
            if ![Some(partition.as_str()), mount]
                .into_iter()
                .flatten()
                .any(|it| it.contains('%'))
            {
                Request::new(&partition, mount)?;
            }
            for name in JUMP_SETS {
                variables.set(name, unknown(name))?;
            }
        }
        _ => {}
    }
    Ok(said)
}

fn unknown(name: &str) -> String {
    format!("%{name}%")
}
