//! `jumpimg jump2nr`: the way of 2009. A configuration file of `jump2nr.pl` is run line by line, for
//! each host, by shells here and there.
//!
//! None of jump's promises holds here, and it says so: what the lines do is theirs. What this room never
//! does by itself is to overwrite a partition that holds anything but swap.

mod args;
pub(crate) mod cfg_file;
mod course;
mod dry_run;
mod failure;
mod landing;
mod local;
mod log;
mod node;
mod report;
mod script;
mod teller;

use jumpspec::render::page::{Ink, Page};

pub(crate) use args::{Jump2nrArgs, as_clap_reads};

use crate::error::Trouble;
use crate::node::run_dir::StateDir;
use crate::node::several::each;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::print;
use course::Course;
use log::Log;
use report::Entry;
use script::Script;
use teller::Teller;

/// Runs the file for all hosts, one after the other. A host that fails does not stop the next.
pub(crate) fn run(args: &Jump2nrArgs) -> Result<(), Trouble> {
    let script = Script::read(&args.cfg, args.from)?;
    print::tell(&promises(&script));
    if args.dry_run {
        return dry_run::show(&script, args);
    }
    let state = StateDir::find(args.connection.state_dir.as_deref());
    let state = state.map_err(|error| Trouble::failed("state-dir", &error))?;
    let interrupt = Interrupt::listen()?;
    let mut report = Vec::new();
    let ended = each(args.connection.json, &args.host, |host, voice| {
        let mut entry = Entry::begin(host);
        let ended = Log::begin(&state, host)
            .map_err(Trouble::from)
            .and_then(|log| {
                entry.log = Some(log.path().to_owned());
                let teller = Teller::new(voice, log);
                let mut course = Course::new(&script, args.destination(host), &interrupt, teller);
                let ended = course.run();
                entry.line = course.line();
                ended
            });
        report.push(entry.ended(&ended));
        ended
    });
    let left_out = args
        .host
        .iter()
        .skip(report.len())
        .map(|host| Entry::begin(host));
    report.extend(left_out.collect::<Vec<_>>());
    report::show(&report, args.connection.json)?;
    ended
}

/// What whoever takes this way should know.
fn promises(script: &Script) -> Page {
    let mut page = Page::default();
    let told = format_args!(
        ": this is the way of 2009 and has none of jump's promises: {} and its scripts edit the running system's files themselves, and nothing takes that back",
        script.name()
    );
    page.marked("", Ink::Yellow, "warning", told);
    let cure = format_args!(
        ": `jumpimg convert {}` makes a job of it, which `jumpimg push` carries out with all of them",
        script.name()
    );
    page.marked("", Ink::Bold, "hint", cure);
    page
}
