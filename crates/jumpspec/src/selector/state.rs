//! The environment block's values.

/// How often the new system is tried.
pub const TRIES: u8 = 3;

/// Filler that puts [`END`] beyond the block's first 512 bytes, so that a block cut
/// at a sector is not taken for a whole one. All of it is one letter: when a value in
/// front changes its length and only one of the two sectors is written, nothing but
/// the filler's length differs.
const FILL: usize = 560;

/// The last variable and its value; a block without it counts as unreadable.
pub(super) const END: (&str, &str) = ("jump_end", "sealed");

/// What the selector does at the next boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Boot the old system.
    Old,
    /// Boot the jump system this once, the old one afterwards.
    Once,
    /// Boot the jump system.
    Jump,
    /// Boot the new system while tries are left (at most [`TRIES`]), then jump.
    Try(u8),
}

impl State {
    /// The values of `jump_state` and `jump_tries`.
    pub fn values(self) -> (&'static str, u8) {
        match self {
            Self::Old => ("old", 0),
            Self::Once => ("once", 0),
            Self::Jump => ("jump", 0),
            Self::Try(tries) => ("try", tries.min(TRIES)),
        }
    }

    /// Reads what [`env_for`] wrote and the selector may have changed, by the rules
    /// of the selector: `None` is a block that it does not believe.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if get(END.0) != Some(END.1) {
            return None;
        }
        match get("jump_state")? {
            "old" => Some(Self::Old),
            "once" => Some(Self::Once),
            "jump" => Some(Self::Jump),
            "try" => Some(Self::Try(match get("jump_tries") {
                Some("3") => 3,
                Some("2") => 2,
                Some("1") => 1,
                _ => 0,
            })),
            _ => None,
        }
    }
}

/// The block's variables in the order in which they must stand: what matters first,
/// within the first sector. `run` is the run's id; with it the whole takes less than
/// 700 of the 1024 bytes.
pub fn env_for(state: State, run: &str) -> Vec<(String, String)> {
    let (name, tries) = state.values();
    [
        ("jump_state", name.to_owned()),
        ("jump_tries", tries.to_string()),
        ("jump_run", run.to_owned()),
        ("jump_fill", "x".repeat(FILL)),
        (END.0, END.1.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
