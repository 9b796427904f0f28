//! The phases of a push, as values: [`survey::Surveyed`] → [`agree::Agreed`] → [`stage::Staged`] →
//! [`jump::Jumped`] → [`follow::Followed`], each made from the one before by one call.
//!
//! Any number of them can be held at once. Each says what has been changed on its node by then, and
//! what it means to drop it; none asks anybody, but [`agree::Agreement`] once for all.

pub(crate) mod agree;
pub(crate) mod bundle;
pub(crate) mod follow;
mod give_back;
pub(crate) mod jump;
pub(crate) mod key;
mod report;
pub(crate) mod run;
pub(crate) mod set_aside;
pub(crate) mod stage;
pub(crate) mod survey;
mod upload;
pub(crate) mod whereabouts;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tell::Voice;

    /// Compiles for what another thread may be given.
    fn goes_to_threads<T: Send>() {}

    #[test]
    fn phases_and_the_voice_of_their_node_can_be_driven_by_threads() {
        goes_to_threads::<survey::Surveyed<'_>>();
        goes_to_threads::<agree::Agreed<'_>>();
        goes_to_threads::<stage::Staged<'_>>();
        goes_to_threads::<jump::Jumped<'_>>();
        goes_to_threads::<follow::Followed<'_>>();
        goes_to_threads::<set_aside::SetAside<'_>>();
        goes_to_threads::<survey::Planned<'_>>();
        goes_to_threads::<follow::Watched<'_>>();
        goes_to_threads::<Voice>();
    }
}
