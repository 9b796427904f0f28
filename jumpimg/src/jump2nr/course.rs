//! One host's way through the file.

use jumpspec::nextrel::{
    JUMP_SETS, Landing, Line, Request, Statement, Text, Variables, may_end_the_connection,
};

use super::args::Destination;
use super::failure::Failure;
use super::node::{End, Node};
use super::script::Script;
use super::teller::Teller;
use super::{landing, local};
use crate::error::Trouble;
use crate::node::ssh::{Session, SshError};
use crate::terminal::interrupt::Interrupt;

/// A host's course.
pub(super) struct Course<'a> {
    script: &'a Script,
    to: Destination,
    interrupt: &'a Interrupt,
    teller: Teller<'a>,
    variables: Variables,
    node: Option<Node>,
}

impl<'a> Course<'a> {
    /// A host that nothing was done to yet.
    pub(super) fn new(
        script: &'a Script,
        to: Destination,
        interrupt: &'a Interrupt,
        teller: Teller<'a>,
    ) -> Self {
        let log = teller.log_path().display().to_string();
        let variables = Variables::new(&to.host, &log);
        Self {
            script,
            to,
            interrupt,
            teller,
            variables,
            node: None,
        }
    }

    /// The line that it has come to, from 1.
    pub(super) fn line(&self) -> Option<usize> {
        self.teller.line()
    }

    /// Runs the file. A host that cannot be reached is told before the first line.
    pub(super) fn run(&mut self) -> Result<(), Trouble> {
        let ended = self.go();
        self.teller.ended(&ended);
        ended
    }

    fn go(&mut self) -> Result<(), Trouble> {
        if self.script.needs_node() {
            let session = Session::open(&self.to.route, self.interrupt);
            let session = session.map_err(|error| error.trouble(&self.to.route.host))?;
            self.node = Some(Node { session });
        }
        let script = self.script;
        for line in script.lines() {
            self.step(line).map_err(|(said, failure)| {
                failure.trouble(script.name(), &self.to.route.host, line.number, &said)
            })?;
        }
        Ok(())
    }

    /// Does what a line says, or, where it lies before the first that is run, recalls what it defined.
    /// An error comes with the line as it was told.
    fn step(&mut self, line: &Line) -> Result<(), (String, Failure)> {
        let said = line.with_values(&self.variables);
        let said = said.map_err(|wrong| (line.raw.clone(), wrong.into()))?;
        let done = if self.interrupt.caught() {
            Err(Failure::Interrupted)
        } else if self.script.runs(line) {
            self.teller.begin(line, &said);
            self.perform(line)
        } else {
            self.recall(line, &said)
        };
        done.map_err(|failure| (said, failure))
    }

    fn perform(&mut self, line: &Line) -> Result<(), Failure> {
        match &line.statement {
            Statement::Set { .. } | Statement::SetFromCommand { .. } => self.define(line),
            Statement::Print(text) => {
                let text = self.variables.expand(text)?;
                self.teller.print(&text);
                Ok(())
            }
            Statement::ShowVariables => {
                for (name, value) in self.variables.all() {
                    self.teller.print(&format!("{name}={value}"));
                }
                Ok(())
            }
            Statement::Local(text) => {
                let command = self.variables.command(text)?;
                local::run(&command, self.interrupt, &mut |heard| {
                    self.teller.output(heard);
                })
            }
            Statement::Remote(text) => self.remote(line, text),
            Statement::UsePartition { partition, mount } => {
                let request = self.request(partition, mount.as_ref())?;
                let (node, teller) = self.node()?;
                let landing = landing::make(node, &request, teller)?;
                self.take(&landing)
            }
        }
    }

    fn recall(&mut self, line: &Line, said: &str) -> Result<(), Failure> {
        match &line.statement {
            Statement::UsePartition { partition, mount } => {
                self.teller.begin(line, said);
                let request = self.request(partition, mount.as_ref())?;
                let (node, teller) = self.node()?;
                let landing = landing::recall(node, &request, teller)?;
                self.take(&landing)
            }
            _ => self.define(line),
        }
    }

    /// Sets the variable that a line is about, if it is about one.
    fn define(&mut self, line: &Line) -> Result<(), Failure> {
        let (name, value) = match &line.statement {
            Statement::Set { name, value } => (name, self.variables.expand(value)?),
            Statement::SetFromCommand { name, command } => {
                let command = self.variables.command(command)?;
                (name, local::value(&command, self.interrupt)?)
            }
            _ => return Ok(()),
        };
        Ok(self.variables.set(name, value)?)
    }

    fn remote(&mut self, line: &Line, text: &Text) -> Result<(), Failure> {
        let command = self.variables.command(text)?;
        let may_go_down = self.script.is_last_on_node(line) && may_end_the_connection(&command);
        let (node, teller) = self.node()?;
        if let End::WithTheConnection = node.command(&command, may_go_down, teller)? {
            teller.note("the connection ended with it, as a reboot's does");
        }
        Ok(())
    }

    fn request(&self, partition: &Text, mount: Option<&Text>) -> Result<Request, Failure> {
        let partition = self.variables.expand(partition)?;
        let mount = mount
            .map(|mount| self.variables.expand(mount))
            .transpose()?;
        Ok(Request::new(&partition, mount.as_deref())?)
    }

    fn take(&mut self, landing: &Landing) -> Result<(), Failure> {
        for (name, value) in JUMP_SETS.iter().zip(landing.values()) {
            self.variables.set(name, value)?;
        }
        Ok(())
    }

    /// The node, and who tells of it.
    fn node(&mut self) -> Result<(&Node, &mut Teller<'a>), Failure> {
        let node = self.node.as_ref();
        let node = node.ok_or_else(|| Failure::Ssh(SshError::unreachable("not connected")))?;
        Ok((node, &mut self.teller))
    }
}
