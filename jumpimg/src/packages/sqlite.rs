//! Reads the headers out of an rpm database in SQLite's format.
//!
//! SQLite reads files only, and merges what is not yet merged (`-wal`) into them: so it
//! gets copies in a directory of their own, which is removed afterwards.

use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::places::SQLITE;

/// A database's two files, as [`SQLITE`] names them; the second is often missing.
pub(super) type Files = [Option<Vec<u8>>; 2];

/// Hands over the header of each package, in the order in which they were installed.
pub(super) fn headers(files: Files, each: &mut dyn FnMut(&[u8])) -> Result<()> {
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    for (name, bytes) in SQLITE.iter().zip(files) {
        let Some(bytes) = bytes else { continue };
        let path = scratch.path().join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let rows = read(&scratch.path().join(SQLITE[0]), each);
    scratch
        .close()
        .context("cannot remove a temporary directory")?;
    rows
}

fn read(path: &Path, each: &mut dyn FnMut(&[u8])) -> Result<()> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Whoever made the image may have made the database: nothing in it is to run
    // (<https://www.sqlite.org/security.html>).
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    let mut query = database.prepare("SELECT blob FROM Packages ORDER BY hnum")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_blob()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(sql: &str) -> Vec<u8> {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("db");
        let database = Connection::open(&path).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn hands_over_every_row_of_the_table() {
        let bytes = database(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL);
             INSERT INTO Packages VALUES (2, x'02'), (1, x'01');",
        );
        let mut found = Vec::new();
        headers([Some(bytes), None], &mut |blob| found.push(blob.to_vec())).unwrap();
        assert_eq!(found, [[1], [2]]);
    }

    #[test]
    fn a_database_that_would_compute_its_rows_is_not_read() {
        let bytes = database("CREATE VIEW Packages AS SELECT 1 AS hnum, zeroblob(8) AS blob;");
        let mut rows = 0;
        assert!(headers([Some(bytes), None], &mut |_| rows += 1).is_err());
        assert_eq!(rows, 0);
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        assert!(headers([Some(vec![7; 9000]), None], &mut |_| ()).is_err());
        assert!(headers([None, None], &mut |_| ()).is_err());
    }
}
