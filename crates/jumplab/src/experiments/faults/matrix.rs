//! The fault matrix: every row with where a node may end, and why a row has no test. Pure.
//!
//! The tests' names begin with the rows' numbers; a row's test fails where a node ends otherwise than
//! the row says.

use serde::{Deserialize, Serialize};

/// Where a node has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// In its old system, as it was.
    Old,
    /// In the jump system, which waits, reachable, and says why.
    Jump,
    /// In the new system, confirmed and finished.
    New,
    /// In its old system, in which nothing was changed: a check refused the jump.
    Refused,
    /// The same, and the check only tells what cannot be promised.
    Told,
}

impl End {
    /// A word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "O",
            Self::Jump => "J",
            Self::New => "N",
            Self::Refused => "refused",
            Self::Told => "told",
        }
    }
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its number.
    pub number: u8,
    /// What goes wrong.
    pub fault: &'static str,
    /// In which stages of the journey.
    pub when: &'static str,
    /// Where a node may end. A jump system that boots goes on by itself, so that a J may have become
    /// an N by the time that the node is asked.
    pub ends: &'static [End],
    /// Why there is no test.
    pub untested: Option<&'static str>,
}

/// A row with tests.
const fn row(number: u8, fault: &'static str, when: &'static str, ends: &'static [End]) -> Row {
    Row {
        number,
        fault,
        when,
        ends,
        untested: None,
    }
}

/// The same without.
const fn without(row: Row, why: &'static str) -> Row {
    Row {
        untested: Some(why),
        ..row
    }
}

const O: &[End] = &[End::Old];
const J: &[End] = &[End::Jump];
const N: &[End] = &[End::New];
const ON: &[End] = &[End::Old, End::New];
const JN: &[End] = &[End::Jump, End::New];
const REFUSED: &[End] = &[End::Refused];
const REFUSED_OR_OLD: &[End] = &[End::Refused, End::Old];

/// All rows, in their order.
pub const ROWS: &[Row] = &[
    row(1, "power cut while staging", "S0", O),
    row(2, "power cut while arming", "S1", ON),
    row(
        3,
        "environment block empty, random, 512 B",
        "S1",
        &[End::Old, End::Jump, End::New],
    ),
    row(4, "the loader cannot write its environment", "S1", REFUSED),
    row(5, "loader scripts empty or garbage", "S1-S7", JN),
    row(6, "jump kernel missing, bits flipped", "S2", O),
    row(7, "jump initramfs truncated", "S2", O),
    row(8, "jump's init dies", "S2", O),
    row(9, "jump hangs", "S2", O),
    row(10, "no network interface", "S2", O),
    row(11, "wrong address, no DHCP", "S2", O),
    row(12, "jump's sshd fails", "S2", O),
    row(13, "storage driver missing in jump", "S2", O),
    row(14, "disks renumbered, wrong disk", "S2", ON),
    row(15, "image bits flipped or cut", "S0, S2", REFUSED_OR_OLD),
    row(16, "another valid image in its place", "S2", O),
    row(17, "power cut at the first commit", "S3", ON),
    row(18, "EFI variables ignored or not kept", "S3", O),
    row(19, "power cut while the table is written", "S4", JN),
    row(20, "the kernel does not re-read the table", "S4", J),
    row(21, "power cut in mkfs", "S4", JN),
    row(22, "power cut while unpacking", "S5", JN),
    row(23, "no space, no inodes", "S5", J),
    row(24, "write error", "S5", J),
    row(25, "read error on the staged image", "S5", J),
    row(26, "silent corruption of a written file", "S5", J),
    row(27, "out of memory, jumpinit crashes", "S4-S6", JN),
    row(28, "journal slots torn", "any", JN),
    row(29, "power cut while the new loader is written", "S6", JN),
    row(30, "grub-install fails", "S6", J),
    row(31, "power cut at the second commit", "S7", JN),
    row(32, "new system panics", "S7", J),
    row(33, "new system's root UUID wrong", "S7", J),
    row(34, "new system in its emergency shell", "S7", J),
    row(
        35,
        "new system hangs early, no watchdog",
        "S7",
        &[End::Told],
    ),
    row(36, "new system without network or sshd", "S7", J),
    row(37, "bad host name", "S5", REFUSED),
    row(38, "saved host keys missing", "S5", JN),
    row(39, "the admin host goes away", "any", ON),
    row(40, "a false mark of success", "S8", J),
    row(41, "power cut while swap is made", "S9", N),
    row(42, "two admin hosts at once", "any", REFUSED),
    row(43, "a reboot loop", "any", J),
    row(44, "clock at 1970 or 2100", "any", N),
    row(45, "landing file system lost", "S7", N),
    row(46, "the first boot makes another node of it", "S7", J),
    without(
        row(47, "a layout writes over what the run needs", "S0", REFUSED),
        "the planner's tests try it on thousands of drawn disks and jobs (planner::extents)",
    ),
    row(
        48,
        "a wish that a later step cannot fulfil",
        "S4-S9",
        REFUSED,
    ),
    without(
        row(
            49,
            "a program leaves a daemon behind",
            "any",
            &[End::Old, End::Jump, End::New],
        ),
        "the tests of jumpsys::cmd try it; row 50 has one besides",
    ),
    row(50, "the replacement takes too long", "S4-S6", J),
    without(
        row(51, "the admin leaves before the arm", "S0", O),
        "rows 2 and 39 try it",
    ),
    row(52, "power cut between wiping and mkfs", "S0", ON),
    row(53, "contents that nobody knows", "S0", REFUSED),
    row(54, "swap in use that memory cannot take", "S0", REFUSED),
    row(55, "jumpinit is killed while it stages", "S0", O),
    without(
        row(56, "what was staged lies in the swap area", "S9", N),
        "the stage `uml` looks for it on the disk of a node that has finished",
    ),
    row(
        57,
        "the kernel has another table than the disk",
        "S0",
        REFUSED,
    ),
    row(58, "names that stand twice in a node", "S0", &[End::Told]),
    without(
        row(59, "the new sshd refuses what was restored", "S5", JN),
        "the small world's systems have the same sshd; the tests of planner::ssh and sshd try it",
    ),
    without(
        row(60, "files without a label in an SELinux root", "S5", N),
        "user-mode Linux has no SELinux; the planner's tests settle who labels",
    ),
    without(
        row(61, "a node that lies to its admin host", "any", REFUSED),
        "the stage `push_cli` plays such nodes, and the fuzz targets",
    ),
    without(
        row(62, "an endless line, a terminal's codes", "any", REFUSED),
        "the stage `push_cli` plays such nodes",
    ),
    without(
        row(
            63,
            "a dead file system is mounted on the node",
            "S0",
            &[End::Told],
        ),
        "the stage `dead_mounts` has five of them",
    ),
    row(64, "another address than the node had", "S2", O),
    row(
        65,
        "a hook of the admin's fails",
        "any",
        &[End::Old, End::Jump, End::New],
    ),
    row(66, "power cut in a hook", "any", ON),
    row(67, "power cut while a tree is copied", "S4", JN),
    row(68, "a copy has no room, or cannot be read", "S4", J),
    row(
        69,
        "power cut while files of templates are written, or one cannot be",
        "S4",
        JN,
    ),
    row(
        70,
        "power cut or abort where the landing partition is made",
        "S0",
        ON,
    ),
    row(
        71,
        "an installer's medium in a node with a UEFI",
        "any",
        &[End::New],
    ),
    row(72, "power cut while the ESP is written", "S4", N),
    row(
        73,
        "the root of a jump system in memory is damaged",
        "S2",
        O,
    ),
    row(74, "power cut takes an image that lies in memory", "S5", JN),
    row(
        75,
        "the variable store is full, or can be written no more",
        "S1-S8",
        &[End::Old, End::Jump],
    ),
    row(
        76,
        "power cuts where a run needs a second disk",
        "S0-S8",
        ON,
    ),
    without(
        row(77, "a kernel that kexec starts panics or hangs", "S2", O),
        "user-mode Linux has no kexec; the long tests of the stage `qemu` try both",
    ),
];

/// The row of that number.
pub fn row_of(number: u8) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.number == number)
}

impl Row {
    /// Where a node may end, in letters.
    pub fn expected(&self) -> String {
        let letters: Vec<&str> = self.ends.iter().map(|end| end.name()).collect();
        letters.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::ROWS;

    #[test]
    fn every_row_has_its_number_and_an_end() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(usize::from(row.number), index + 1);
            assert!(!row.ends.is_empty() && !row.fault.is_empty());
        }
        assert_eq!(ROWS.len(), 77);
    }
}
