//! What a line says.

use super::text::Text;
use super::variables::Variables;
use super::wrong::Wrong;

/// A line with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// As it was written, without blanks around it.
    pub raw: String,
    /// What it says.
    pub statement: Statement,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `key=value`.
    Set {
        /// The variable.
        name: String,
        /// Its value.
        value: Text,
    },
    /// ``key=`cmd` ``.
    SetFromCommand {
        /// The variable.
        name: String,
        /// The command on this host whose output is its value.
        command: Text,
    },
    /// `print string`.
    Print(Text),
    /// `local cmd`: on the admin's host.
    Local(Text),
    /// `remote cmd`: on the node.
    Remote(Text),
    /// `jump(usepartition, PARTITION[, MNT])`.
    UsePartition {
        /// `swap`, or a device.
        partition: Text,
        /// Where it is to be mounted on the node, if the line says so.
        mount: Option<Text>,
    },
    /// `Showvars()`.
    ShowVariables,
}

impl Statement {
    /// Its texts in which variables may stand.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Set { value: text, .. }
            | Self::SetFromCommand { command: text, .. }
            | Self::Print(text)
            | Self::Local(text)
            | Self::Remote(text) => vec![text],
            Self::UsePartition { partition, mount } => {
                std::iter::once(partition).chain(mount).collect()
            }
            Self::ShowVariables => Vec::new(),
        }
    }

    /// Whether a program is run for it, here or on the node.
    pub fn runs_something(&self) -> bool {
        matches!(self, Self::SetFromCommand { .. } | Self::Local(_)) || self.needs_node()
    }

    /// Whether it needs the node.
    pub fn needs_node(&self) -> bool {
        matches!(self, Self::Remote(_) | Self::UsePartition { .. })
    }
}

impl Line {
    /// The line with the values of its variables, commands without quote characters: what it comes to.
    ///
    /// # Errors
    /// As [`Variables::expand`].
    pub fn with_values(&self, variables: &Variables) -> Result<String, Wrong> {
        Ok(match &self.statement {
            Statement::Set { name, value } => format!("{name}={}", variables.expand(value)?),
            Statement::SetFromCommand { name, command } => {
                format!("{name}=`{}`", variables.command(command)?)
            }
            Statement::Print(text) => format!("print {}", variables.expand(text)?),
            Statement::Local(text) => format!("local {}", variables.command(text)?),
            Statement::Remote(text) => format!("remote {}", variables.command(text)?),
            Statement::UsePartition { partition, mount } => {
                let partition = variables.expand(partition)?;
                let mount = mount.as_ref().map(|mount| variables.expand(mount));
                let mount = mount.transpose()?.map(|mount| format!(", {mount}"));
                format!(
                    "jump(usepartition, {partition}{})",
                    mount.unwrap_or_default()
                )
            }
            Statement::ShowVariables => "Showvars()".to_owned(),
        })
    }
}
