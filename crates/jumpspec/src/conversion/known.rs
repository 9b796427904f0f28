//! The lines of the two samples of 2009, by digests: the samples are under another license, and no
//! program has them. A line counts as the sample's if it is the same, blanks apart.

use super::shell::Branch;
use super::words::squeezed;
use crate::words::digest::Digest;

/// Why a line of the samples is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It brings files to the node.
    Upload,
    /// It calls the script.
    Call,
    /// It unpacks the jump image.
    JumpImage,
    /// It makes the jump system boot.
    Selector,
    /// It writes the jump system's fstab.
    JumpFstab,
    /// It reads or checks the script's arguments.
    Arguments,
    /// It looks whether the new system's archive is there.
    ImageIsThere,
    /// It tells how far things are.
    Told,
    /// It copies the files to save.
    Saves,
    /// It has the jump system go on by itself.
    GoesOn,
    /// It formats, mounts and unpacks.
    Replaces,
    /// It puts the saved files back.
    Restores,
    /// It installs the loader.
    Loader,
    /// It has the new system end it.
    Finishes,
    /// Where the script's own output goes.
    Log,
}

impl Known {
    /// The reason.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Upload => {
                "push brings what it needs itself, to the landing partition: no directory of the old system is used"
            }
            Self::Call => "what the script does there is told below, line by line",
            Self::JumpImage => {
                "push unpacks the jump image on the landing partition, and the node checks every byte of it"
            }
            Self::Selector => {
                "what the machine boots next is planned: the jump system is tried once, and a boot that fails leads back"
            }
            Self::JumpFstab => "the jump system mounts what its plan says and reads no fstab",
            Self::Arguments => "hooks have no arguments: what they need is in their environment",
            Self::ImageIsThere => "check and push look at both images before anything is changed",
            Self::Told => "push tells every step itself, and logs it",
            Self::Saves => "push saves what [save] names before the jump",
            Self::GoesOn => {
                "the jump system goes on by its journal, after a power cut too, and needs no rc.local"
            }
            Self::Replaces => {
                "the layout says what is formatted (as ext4, which was ext3), and jump unpacks the image there once the jump system has proved itself"
            }
            Self::Restores => "jump puts back what [save] names, and merges accounts",
            Self::Loader => {
                "jump installs the new system's loader and proves that it boots before that is final"
            }
            Self::Finishes => {
                "hooks of the joint `finished` are brought and run by jump, once: no file in /etc says so"
            }
            Self::Log => {
                "what hooks say is in the run's log; JUMP_LOG is a directory for files of their own"
            }
        }
    }
}

/// What a line of the configuration file is in the sample.
pub(super) fn of_config(line: &str) -> Option<Known> {
    find(CONFIG, line)
}

/// What a line of the script is in the sample; `branch` is none outside of the branches.
pub(super) fn of_script(branch: Option<Branch>, line: &str) -> Option<Known> {
    match branch {
        None => find(TOP, line),
        Some(Branch::Prep) => None,
        Some(Branch::Save) => find(SAVE, line),
        Some(Branch::Restore) => find(RESTORE, line),
    }
}

/// Whether a line is any script's, so that it says nothing of whose script it is.
pub(super) fn is_anyones(line: &str) -> bool {
    let line = squeezed(line);
    ["fi", "done", "else", "exit", "exit 0", "exit 1", "shift"].contains(&line.as_str())
}

fn find(table: &[(Known, &[u32])], line: &str) -> Option<Known> {
    let key = key(line);
    let found = table.iter().find(|(_, keys)| keys.contains(&key));
    found.map(|(known, _)| *known)
}

/// The first four bytes of a line's digest.
fn key(line: &str) -> u32 {
    let digest = Digest::of(squeezed(line).as_bytes());
    let [a, b, c, d, ..] = *digest.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Of the configuration file: `local` and `remote` lines.
const CONFIG: &[(Known, &[u32])] = &[
    (Known::Upload, &[0x0a0d_82ed, 0x67f1_6713]),
    (Known::Call, &[0x4d8a_6041, 0x40f3_7e33]),
    (Known::JumpImage, &[0xcc84_21ad]),
    (Known::Selector, &[0x7e46_e80a, 0x0469_d5d3, 0x0bbd_fbc4]),
    (Known::JumpFstab, &[0x2f90_3e37, 0x9e13_7436]),
];

/// Of the script, outside of its branches.
const TOP: &[(Known, &[u32])] = &[
    (Known::Log, &[0xc460_690b]),
    (Known::Arguments, &[0x80ab_b277, 0x1b65_7852]),
];

/// Of its branch `save`.
const SAVE: &[(Known, &[u32])] = &[
    (
        Known::Arguments,
        &[
            0x4eca_3cfc,
            0x6114_9eb7,
            0xdf37_c9a0,
            0x8b7f_2f78,
            0xd5fb_fe70,
            0xcb3f_e10e,
            0x1bce_60b2,
        ],
    ),
    (Known::ImageIsThere, &[0x8594_f3bb, 0x490e_fcb6]),
    (
        Known::Saves,
        &[
            0x4f51_14a6,
            0xfedc_811f,
            0xba85_46cd,
            0x5018_2ba5,
            0xa73e_b541,
            0x7066_60bf,
        ],
    ),
    (
        Known::GoesOn,
        &[
            0x25a3_0447,
            0x980a_c5e7,
            0x0836_4ac1,
            0xf863_d119,
            0x60db_14f1,
            0xdb20_067f,
            0x75a1_621a,
        ],
    ),
    (Known::Told, &[0xc992_5c36]),
];

/// Of its branch `restore`.
const RESTORE: &[(Known, &[u32])] = &[
    (
        Known::Told,
        &[
            0x71e5_3e5a,
            0x104f_831c,
            0x2a39_4fb5,
            0x32c2_2048,
            0x22ca_4239,
            0x035a_6255,
        ],
    ),
    (
        Known::Arguments,
        &[
            0xba83_cf63,
            0x18f6_7f6f,
            0xdf37_c9a0,
            0xceab_23d4,
            0x48e1_144b,
        ],
    ),
    (
        Known::Replaces,
        &[0xfa8a_3950, 0xbbf2_45f4, 0xe0b4_13a3, 0x47b3_6832],
    ),
    (
        Known::Restores,
        &[
            0x7039_adbb,
            0x0495_c412,
            0xa73e_b541,
            0xb2cc_40de,
            0xf6f3_d1d0,
            0x5600_52c3,
            0x18b0_6f30,
            0x4dd3_bae7,
            0xf39d_69f4,
        ],
    ),
    (Known::Loader, &[0x3f04_ebfb, 0xa51f_5eea]),
    (Known::Finishes, &[0x5ec8_ca70, 0x0e51_d67c]),
];
