//! The table of values that nodes have of their own: CSV (RFC 4180), as a spreadsheet writes it.

use std::collections::BTreeMap;

/// A row for each node.
///
/// The first line has the names of the variables, but for its first cell, which is a title. The first cell
/// of every other line is the node, as it is named on the command line, without an account. An empty cell
/// sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTable(BTreeMap<String, BTreeMap<String, String>>);

/// Why a table is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is no CSV, or lines have more cells than others.
    #[error("{0}")]
    Csv(String),
    /// A column without a name, or a second one of that name.
    #[error("line 1: column {column} has {}", if name.is_empty() { "no name".to_owned() } else { format!("the name {name:?} of another column") })]
    Column {
        /// Its number, from 1.
        column: usize,
        /// Its name.
        name: String,
    },
    /// A line without a node, or a second one of that node.
    #[error("line {line}: {}", if host.is_empty() { "it names no node".to_owned() } else { format!("{host:?} has a line already") })]
    Host {
        /// The line, from 1.
        line: u64,
        /// The node.
        host: String,
    },
}

impl HostTable {
    /// Reads a table. Blanks around cells do not count, nor does a byte order mark.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let csv = |error: csv::Error| TableError::Csv(error.to_string());
        let names: Vec<String> = reader
            .headers()
            .map_err(csv)?
            .iter()
            .map(str::to_owned)
            .collect();
        for (column, name) in (1..).zip(&names).skip(1) {
            if name.is_empty() || names[1..column - 1].contains(name) {
                let name = name.clone();
                return Err(TableError::Column { column, name });
            }
        }
        let mut rows = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(csv)?;
            let line = record.position().map_or(0, csv::Position::line);
            let host = record.get(0).unwrap_or_default().to_owned();
            let cells = names.iter().zip(record.iter()).skip(1);
            let filled = cells.filter(|(_, value)| !value.is_empty());
            let row = filled.map(|(name, value)| (name.clone(), value.to_owned()));
            if host.is_empty() || rows.insert(host.clone(), row.collect()).is_some() {
                return Err(TableError::Host { line, host });
            }
        }
        Ok(Self(rows))
    }

    /// The values of a node.
    pub fn row(&self, host: &str) -> Option<&BTreeMap<String, String>> {
        self.0.get(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_cells_that_are_filled() {
        let text = "\u{feff}host, RACK ,NOTE\r\nnode07,r1,\"a, \"\"b\"\"\"\r\nnode08,,\r\n";
        let table = HostTable::parse(text).unwrap();
        let row = table.row("node07").unwrap();
        assert_eq!(row["RACK"], "r1");
        assert_eq!(row["NOTE"], "a, \"b\"");
        assert!(table.row("node08").unwrap().is_empty());
        assert_eq!(table.row("node09"), None);
    }

    #[test]
    fn a_table_that_could_be_read_two_ways_is_none() {
        let cases = [
            (
                "host,A,A\n",
                "line 1: column 3 has the name \"A\" of another column",
            ),
            ("host,\n", "line 1: column 2 has no name"),
            ("host,A\na,1\na,2\n", "line 3: \"a\" has a line already"),
            ("host,A\n,1\n", "line 2: it names no node"),
        ];
        for (text, wanted) in cases {
            assert_eq!(HostTable::parse(text).unwrap_err().to_string(), wanted);
        }
        let uneven = HostTable::parse("host,A\na,1,2\n").unwrap_err();
        assert!(matches!(uneven, TableError::Csv(_)), "{uneven}");
    }
}
