//! The terminal of one command, which what is told of several nodes shares: lines go above the bars
//! of all of them.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jumpspec::page::Page;
use jumpspec::shown;

use super::{meter, print};

/// How often a bar without an end moves by itself.
const SPIN: Duration = Duration::from_millis(120);

/// A terminal; a copy of it is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    bars: MultiProgress,
}

impl Screen {
    /// That of this program.
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(8);
        Self {
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Whether bars can be drawn, and somebody sees them.
    pub(crate) fn has_bars() -> bool {
        io::stderr().is_terminal()
    }

    /// Tells people what happens, on stderr.
    pub(crate) fn tell(&self, page: &Page) {
        self.bars.suspend(|| print::tell(page));
    }

    /// Has something printed while no bar is in its way.
    pub(crate) fn print<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }

    /// A bar over `total` bytes.
    pub(crate) fn bar(&self, total: u64, what: &str) -> ProgressBar {
        self.bars.add(meter::bar(total, what))
    }

    /// A bar without an end.
    pub(crate) fn spinner(&self, what: &str) -> ProgressBar {
        let bar = ProgressBar::new_spinner().with_message(shown::line(what).into_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner}   {msg}  {elapsed}") {
            bar.set_style(style);
        }
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(SPIN);
        bar
    }

    /// Takes a bar off.
    pub(crate) fn clear(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }
}
