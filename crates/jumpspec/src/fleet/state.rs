//! Where one node of a fleet is.

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its plan was agreed to.
    Planned,
    /// Images go to it.
    Staging,
    /// It has all, and is not armed.
    Staged,
    /// It is being armed, or reboots, or is in its jump system, or tries the new one.
    Down,
    /// It is its new system.
    Ok,
    /// It is not, and will not be.
    Ko,
}
