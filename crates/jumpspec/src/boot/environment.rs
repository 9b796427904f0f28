//! The loader's environment: what the selector does at the next boot, by name. Where it lies, and how
//! it is written so that a cut cannot tear it, is the firmware's.

/// How often the new system is tried.
pub const TRIES: u8 = 3;

/// The last variable and its value; an environment without it counts as unreadable.
pub const END: (&str, &str) = ("jump_end", "sealed");

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
    /// Boot the new system.
    New,
}

impl State {
    /// The values of `jump_state` and `jump_tries`.
    pub fn values(self) -> (&'static str, u8) {
        match self {
            Self::Old => ("old", 0),
            Self::Once => ("once", 0),
            Self::Jump => ("jump", 0),
            Self::Try(tries) => ("try", tries.min(TRIES)),
            Self::New => ("new", 0),
        }
    }

    /// What it is called, without the tries.
    pub fn name(self) -> &'static str {
        self.values().0
    }

    /// Whether a state of this name leads on, and nothing back to the old system.
    pub fn leads_on(name: &str) -> bool {
        [Self::Jump, Self::Try(0), Self::New]
            .map(Self::name)
            .contains(&name)
    }

    /// Reads what was written and the selector may have changed, by the rules
    /// of the selector: `None` is an environment that it does not believe.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if get(END.0) != Some(END.1) {
            return None;
        }
        match get("jump_state")? {
            "old" => Some(Self::Old),
            "once" => Some(Self::Once),
            "jump" => Some(Self::Jump),
            "new" => Some(Self::New),
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

/// The variables in the order in which they must stand, what matters first, but for [`END`]. `run` is
/// the run's id.
pub fn variables(state: State, run: &str) -> [(&'static str, String); 3] {
    let (name, tries) = state.values();
    [
        ("jump_state", name.to_owned()),
        ("jump_tries", tries.to_string()),
        ("jump_run", run.to_owned()),
    ]
}
