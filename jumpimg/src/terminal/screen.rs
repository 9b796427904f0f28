//! The terminal of one command, which what is told of several nodes shares: lines go above the bars
//! of all of them.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jumpspec::render::page::Page;
use jumpspec::words::shown;

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
        Self::on(ProgressDrawTarget::stderr_with_hz(8))
    }

    fn on(target: ProgressDrawTarget) -> Self {
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
        self.print(|| print::tell(page));
    }

    /// Has something printed while no bar is in its way. A terminal that is gone is no reason to leave a
    /// node half way: nothing is drawn from then on.
    pub(crate) fn print<T>(&self, print: impl FnOnce() -> T) -> T {
        // `suspend` panics where it cannot draw.
        if self.bars.clear().is_err() {
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.bars.suspend(print)
    }

    /// A bar over `total` bytes.
    pub(crate) fn bar(&self, total: u64, what: &str) -> ProgressBar {
        let bar = self.bars.add(meter::hidden(total));
        meter::dress(&bar, what);
        bar
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

    /// A bar over `total` nodes.
    pub(crate) fn count(&self, total: usize, what: &str) -> ProgressBar {
        let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
        let template = "  {prefix:8} [{bar:30}] {pos}/{len}  {msg}  {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(shown::line(what).into_owned());
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(SPIN);
        bar
    }

    /// A line below the bars.
    pub(crate) fn remark(&self) -> ProgressBar {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        self.bars.add(bar)
    }

    /// Takes a bar off.
    pub(crate) fn clear(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }
}

#[cfg(test)]
mod tests {
    use indicatif::TermLike;

    use super::*;

    /// A terminal whose window was closed.
    #[derive(Debug)]
    struct Gone;

    impl TermLike for Gone {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_line(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_str(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn clear_line(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_terminal_that_is_gone_ends_nothing() {
        let screen = Screen::on(ProgressDrawTarget::term_like(Box::new(Gone)));
        let (spinner, bar) = (screen.spinner("wait"), screen.bar(8, "send"));
        for _ in 0..2 {
            spinner.tick();
            bar.inc(1);
            assert_eq!(screen.print(|| 7), 7);
        }
        screen.clear(&spinner);
        screen.clear(&bar);
        assert_eq!(screen.print(|| 7), 7);
    }
}
