//! `jumpimg status`: which systems nodes run and how far their runs have come.

use clap::Args;
use jumpspec::render;
use jumpspec::render::page::Page;
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::args::{NodeArgs, node_name};
use crate::node::lookout::{Lookout, Sight};
use crate::node::several::each;
use crate::node::tell::Voice;
use crate::node::tools::Tools;

/// Shows which systems nodes run and how far their runs have come
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them; of several each gets a line
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// Asks the nodes, one after another.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Trouble> {
    let tools = Tools::resolve(&args.nodes)?;
    each(tools.json, &args.node, |node, voice| {
        show(args, &tools, node, voice)
    })
}

fn show(args: &StatusArgs, tools: &Tools, node: &str, voice: &mut Voice) -> Result<(), Trouble> {
    let latest = tools.state.latest(node);
    let (session, agent, sight) = Lookout::new(tools, node, latest.as_ref())?.meet()?;
    leave(&agent, &session)?;
    let (Sight::Old(status) | Sight::Jump(status) | Sight::New(status) | Sight::Stranger(status)) =
        sight
    else {
        let why = "the node did not tell its boot id";
        return Err(Trouble::new(Exit::Failed, "unreachable", why));
    };
    if tools.json {
        voice.object("status", object(&status));
    } else if args.node.len() > 1 {
        voice.text(&Page::of(render::status_line(node, &status)));
    } else {
        voice.text(&render::status(&status));
        let over = latest.filter(|latest| status.run.is_none() && latest.is_finished());
        if let Some(latest) = over {
            let folder = latest.path().display();
            voice.text(&Page::of(format_args!(
                "run {} is over: {folder}",
                latest.run()
            )));
        }
    }
    Ok(())
}

fn leave(agent: &Agent, session: &crate::node::ssh::Session) -> Result<(), Trouble> {
    agent
        .remove(session)
        .map_err(|error| error.trouble(session.host()))
}

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match json!(value) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
