//! Progress of a save, a restore or a migration on standard error, as xl shows it: updated in place on a terminal or
//! with -t, and in lines with -v. The logs of scripts contain none of it.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::args::Global;
use xenclock::diag::shown;
use xenclock::host::progress::{Progress, ProgressListener};

/// A step of fewer percent than this is shown with -v alone.
const STEP: u32 = 5;

#[derive(Debug, Default)]
struct Shown {
    over_itself: bool,
    /// Show every percent.
    each: bool,
    last: u32,
    /// How much is to be written over.
    width: usize,
}

/// A listener that shows progress where somebody looks.
pub(super) fn listener(global: &Global) -> ProgressListener {
    let over_itself = global.terminal || std::io::stderr().is_terminal();
    if !over_itself && global.verbose == 0 {
        return ProgressListener::default();
    }
    let shown = Mutex::new(Shown { over_itself, each: global.verbose > 0, ..Shown::default() });
    ProgressListener::new(move |progress| {
        let text = shown.lock().unwrap_or_else(PoisonError::into_inner).text(progress);
        // Nobody stops because nobody can read it.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    })
}

impl Shown {
    fn text(&mut self, progress: &Progress<'_>) -> String {
        let Progress { percent, done, total, .. } = *progress;
        let is_big = percent < self.last || percent >= self.last + STEP;
        if percent == self.last || !(is_big || self.each) {
            return String::new();
        }
        self.last = percent;
        let (library, doing) = (shown(progress.library), shown(progress.doing));
        let counted = format!("{doing}: {done}/{total}  {percent:>3}%");
        if !self.over_itself {
            return format!("{library}: progress: {counted}\n");
        }
        let line = format!("{library}: {counted}");
        let start = if self.width > 0 { "\r" } else { "" };
        let rest = " ".repeat(self.width.saturating_sub(line.len()));
        let end = if done == total { "\n" } else { "" };
        self.width = if done == total { 0 } else { line.len() };
        format!("{start}{line}{rest}{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(shown: &mut Shown, percents: &[u32]) -> String {
        let at = |percent: u32| Progress {
            library: "xc",
            doing: "Frames",
            percent,
            done: percent.into(),
            total: 100,
        };
        percents.iter().map(|percent| shown.text(&at(*percent))).collect()
    }

    #[test]
    fn progress_is_shown_in_steps() {
        let mut shown = Shown::default();
        assert_eq!(
            said(&mut shown, &[0, 1, 5, 5, 9, 100]),
            "xc: progress: Frames: 5/100    5%\nxc: progress: Frames: 100/100  100%\n"
        );
        let mut shown = Shown { over_itself: true, each: true, ..Shown::default() };
        assert_eq!(
            said(&mut shown, &[7, 8, 100]),
            "xc: Frames: 7/100    7%\rxc: Frames: 8/100    8%\rxc: Frames: 100/100  100%\n"
        );
    }
}
