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

/// Bytes that SQLite may take in all: a page cache of 2 MiB, and the largest header some times.
const HEAP: i64 = 256 << 20;
/// Bytes of the smallest row besides its blob: its length, its number, the header's length and two
/// types (<https://www.sqlite.org/fileformat2.html#b_tree_pages>).
const ROW: usize = 5;

/// Hands over the header of each package, in the order in which they were installed.
pub(super) fn headers(files: Files, each: &mut dyn FnMut(&[u8])) -> Result<()> {
    let size = files.iter().flatten().map(Vec::len).sum();
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    for (name, bytes) in SQLITE.iter().zip(files) {
        let Some(bytes) = bytes else { continue };
        let path = scratch.path().join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let rows = read(&scratch.path().join(SQLITE[0]), size, each);
    scratch
        .close()
        .context("cannot remove a temporary directory")?;
    rows
}

/// Reads a database of `size` bytes. Pages may lead to the same pages again, and rows may be
/// computed: there are never more headers than the files have room for.
fn read(path: &Path, size: usize, each: &mut dyn FnMut(&[u8])) -> Result<()> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Whoever made the image may have made the database: nothing in it is to run
    // (<https://www.sqlite.org/security.html>).
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    database.pragma_update(None, "hard_heap_limit", HEAP)?;
    // `hnum` is the row's number, so rows come in its order; asked to sort, SQLite would first
    // gather what it may never come to the end of.
    let mut query = database.prepare("SELECT blob FROM Packages NOT INDEXED")?;
    let mut rows = query.query([])?;
    let mut left = size;
    while let Some(row) = rows.next()? {
        let blob = row.get_ref(0)?.as_blob()?;
        let room = left.checked_sub(blob.len() + ROW);
        left = room.with_context(|| format!("it has more headers than {size} bytes hold"))?;
        each(blob);
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

    /// Pages of 512 bytes: page 2 is the table's root, an interior page whose children are page 3
    /// again and again, a leaf with one row.
    fn crafted() -> Vec<u8> {
        let mut bytes = database(
            "PRAGMA page_size = 512;
             CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL);
             INSERT INTO Packages VALUES (1, zeroblob(400));
             CREATE TABLE spare (x);",
        );
        let leaf = bytes[512..1024].to_vec();
        bytes[1024..].copy_from_slice(&leaf);
        let page = &mut bytes[512..1024];
        page.fill(0);
        // B-tree page header: type 5, number of cells, where cells begin, rightmost child; then
        // cell pointers; a cell is a child and a row's number.
        let cells = 80_u8;
        page[0] = 5;
        page[4] = cells;
        page[5..7].copy_from_slice(&500_u16.to_be_bytes());
        page[8..12].copy_from_slice(&3_u32.to_be_bytes());
        for cell in 0..usize::from(cells) {
            page[12 + 2 * cell..14 + 2 * cell].copy_from_slice(&500_u16.to_be_bytes());
        }
        page[500..505].copy_from_slice(&[0, 0, 0, 3, 1]);
        bytes
    }

    #[test]
    fn pages_that_lead_to_the_same_page_again_hand_over_no_more_than_the_file_holds() {
        let bytes = crafted();
        let (size, mut handed) = (bytes.len(), 0);
        let read = headers([Some(bytes), None], &mut |blob| handed += blob.len());
        assert!(handed <= size, "{handed} bytes of {size}: {read:?}");
        assert!(handed > 0 && read.is_err(), "{handed} {read:?}");
    }

    #[test]
    fn rows_that_are_computed_take_no_memory() {
        let bytes = database(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob AS (zeroblob(500000000)));
             INSERT INTO Packages (hnum) VALUES (1);",
        );
        let mut handed = 0;
        let read = headers([Some(bytes), None], &mut |blob| handed += blob.len());
        assert!(handed == 0 && read.is_err(), "{handed} {read:?}");
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        assert!(headers([Some(vec![7; 9000]), None], &mut |_| ()).is_err());
        assert!(headers([None, None], &mut |_| ()).is_err());
    }
}
