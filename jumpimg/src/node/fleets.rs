//! `jumpimg fleet` and `jumpimg go`: fleets that were begun.

use clap::{Args, Subcommand, ValueEnum};
use jumpspec::fleet::{Sets, State};
use jumpspec::render::page::{Ink, Page};
use jumpspec::words::run_id::RunId;
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::args::{ConnectionArgs, NodeArgs};
use crate::node::fleet::again::{Again, Whom, go_on};
use crate::node::fleet::dir::{FleetDir, Record};
use crate::node::nodes::SomeNodesArgs;
use crate::node::nodes::fold::folded;
use crate::node::run_dir::StateDir;
use crate::node::several::sum::Sum;
use crate::node::tools::Tools;
use crate::terminal::print;
use crate::terminal::screen::Screen;

/// Shows fleets, stops them and takes them up again
#[derive(Args, Clone, Debug)]
pub(crate) struct FleetArgs {
    #[command(subcommand)]
    order: FleetOrder,
}

/// What to do with fleets.
#[derive(Clone, Debug, Subcommand)]
enum FleetOrder {
    /// Name all fleets of this host, the latest first
    List(ConnectionArgs),
    /// Show which nodes of a fleet are where
    Status(OneFleetArgs),
    /// Have whoever conducts a fleet begin nothing more; nodes on their way are followed to their end
    Stop(OneFleetArgs),
    /// Take a fleet up again that was stopped or left
    Resume(ResumeFleetArgs),
}

#[derive(Args, Clone, Debug)]
struct OneFleetArgs {
    /// The fleet, by the id that push printed
    #[arg(value_name = "FLEET")]
    fleet: RunId,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Args, Clone, Debug)]
struct ResumeFleetArgs {
    /// The fleet, by the id that push printed
    #[arg(value_name = "FLEET")]
    fleet: RunId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Hear each node, however many there are
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    nodes: NodeArgs,
}

/// Has staged nodes of a fleet jump
#[derive(Args, Clone, Debug)]
pub(crate) struct GoArgs {
    #[command(flatten)]
    fleet: ResumeFleetArgs,
    #[command(flatten)]
    which: SomeNodesArgs,
}

/// The nodes of a fleet, for a push.
#[derive(Args, Clone, Debug)]
pub(crate) struct FromFleetArgs {
    /// The nodes of this fleet
    #[arg(long, id = "from", value_name = "FLEET", requires = "only")]
    from: Option<RunId>,
    /// With --from: those that are in these sets of it
    #[arg(long, value_name = "SETS", value_delimiter = ',', requires = "from")]
    only: Vec<SetName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SetName {
    Ok,
    Ko,
    Untouched,
    Staged,
}

impl FromFleetArgs {
    /// What names them on a command line.
    pub(crate) fn words(&self, state: &StateDir) -> Result<Vec<String>, Trouble> {
        let Some(fleet) = &self.from else {
            return Ok(Vec::new());
        };
        let dir = FleetDir::find(state, fleet)?;
        let names = self.only.iter().map(|set| match set {
            SetName::Ok => "ok",
            SetName::Ko => "ko",
            SetName::Untouched => "untouched",
            SetName::Staged => "staged",
        });
        Ok(names
            .map(|name| format!("@{}", dir.set(name).display()))
            .collect())
    }
}

/// Has staged nodes jump.
pub(crate) fn go(args: &GoArgs) -> Result<(), Trouble> {
    let named = args.which.resolve()?;
    resume(&args.fleet, Whom::Staged(named))
}

/// Does what is to be done with fleets.
pub(crate) fn run(args: &FleetArgs) -> Result<(), Trouble> {
    match &args.order {
        FleetOrder::List(connection) => list(connection),
        FleetOrder::Status(one) => status(one),
        FleetOrder::Stop(one) => stop(one),
        FleetOrder::Resume(args) => resume(args, Whom::All),
    }
}

fn resume(args: &ResumeFleetArgs, whom: Whom) -> Result<(), Trouble> {
    let tools = Tools::resolve(&args.nodes)?;
    let again = Again {
        run: args.fleet.clone(),
        whom,
        yes: args.yes,
        verbose: args.verbose,
    };
    go_on(&again, &tools)
}

fn state(connection: &ConnectionArgs) -> Result<StateDir, Trouble> {
    let state = StateDir::find(connection.state_dir.as_deref());
    state.map_err(|error| Trouble::failed("state-dir", &error))
}

/// What is known of a fleet.
struct Fleet {
    record: Record,
    sets: Sets,
    stopped: Option<String>,
    in_hand: bool,
}

impl Fleet {
    fn read(dir: &FleetDir, record: Record) -> Result<Self, Trouble> {
        let (known, stopped) = dir.known(&record.nodes)?;
        let states: Vec<State> = known.iter().map(|known| known.state).collect();
        Ok(Self {
            record,
            sets: Sets::of(&states),
            stopped: stopped.map(|(_, why)| why),
            in_hand: dir.is_in_hand(),
        })
    }

    fn word(&self) -> &'static str {
        let Sets {
            untouched,
            inflight,
            staged,
            ..
        } = &self.sets;
        if self.in_hand {
            "under way"
        } else if !inflight.is_empty() || untouched.len() > staged.len() {
            "left"
        } else if !staged.is_empty() {
            "staged"
        } else {
            "over"
        }
    }

    fn object(&self) -> Map<String, Value> {
        let Record {
            run,
            begun,
            origin,
            job,
            nodes,
            ..
        } = &self.record;
        let mut object = Map::from_iter([
            ("event".to_owned(), json!("fleet")),
            ("fleet".to_owned(), json!(run)),
            ("state".to_owned(), json!(self.word())),
            ("begun".to_owned(), json!(begun)),
            ("origin".to_owned(), json!(origin)),
            ("job".to_owned(), json!(job)),
            ("count".to_owned(), json!(nodes.len())),
            ("stopped".to_owned(), json!(self.stopped)),
        ]);
        for (name, set) in self.sets.named() {
            object.insert(name.to_owned(), json!(self.folded(set)));
        }
        object
    }

    fn folded(&self, set: &[usize]) -> String {
        let names = set.iter().filter_map(|node| self.record.nodes.get(*node));
        folded(names.map(String::as_str))
    }
}

fn list(connection: &ConnectionArgs) -> Result<(), Trouble> {
    let mut page = Page::default();
    for (dir, record) in FleetDir::all(&state(connection)?) {
        let fleet = Fleet::read(&dir, record)?;
        if connection.json {
            print::json_line(&fleet.object())?;
            continue;
        }
        let Sets { ok, ko, .. } = &fleet.sets;
        let (count, ok, ko) = (fleet.record.nodes.len(), ok.len(), ko.len());
        let told = format_args!(
            "  {}  {}  {:<9}  {count} nodes, {ok} done, {ko} failed  {}",
            fleet.record.begun,
            fleet.record.origin,
            fleet.word(),
            fleet.record.job.display()
        );
        page.marked("", Ink::Bold, &fleet.record.run[..], told);
    }
    print::page(&page)
}

fn status(one: &OneFleetArgs) -> Result<(), Trouble> {
    let dir = FleetDir::find(&state(&one.connection)?, &one.fleet)?;
    let fleet = Fleet::read(&dir, dir.record()?)?;
    if one.connection.json {
        return print::json_line(&fleet.object());
    }
    let mut page = Page::default();
    let Record {
        run,
        begun,
        origin,
        job,
        nodes,
        ..
    } = &fleet.record;
    page.line(format_args!(
        "fleet {run}: {}, begun {begun} by {origin} with {}",
        fleet.word(),
        job.display()
    ));
    if let Some(why) = &fleet.stopped {
        page.line(format_args!("  stopped: {why}"));
    }
    for (name, set) in fleet.sets.named() {
        let (count, names) = (set.len(), fleet.folded(set));
        page.line(format_args!(
            "  {name:<10} {count:>6} of {}  {names}",
            nodes.len()
        ));
    }
    print::page(&page)?;
    let (known, _) = dir.known(nodes)?;
    let mut sum = Sum::of(nodes);
    for (node, known) in nodes.iter().zip(&known) {
        if let Some((code, message)) = &known.why {
            sum.add(node, Err(Trouble::new(Exit::Failed, code, message.clone())));
        }
    }
    print::page(&sum.reasons())
}

fn stop(one: &OneFleetArgs) -> Result<(), Trouble> {
    let dir = FleetDir::find(&state(&one.connection)?, &one.fleet)?;
    if !dir.is_in_hand() {
        let why = format!("nobody conducts fleet {} on this host", one.fleet);
        return Err(Trouble::new(Exit::Refused, "not-in-hand", why)
            .hint("stop it where it is conducted; nothing is begun by itself"));
    }
    dir.ask_to_stop()?;
    Screen::new().tell(&Page::of(
        "it begins nothing more; its nodes on their way are followed to their end",
    ));
    Ok(())
}
