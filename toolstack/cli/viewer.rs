//! Shows a new domain's console and screen for `create` and `restore`, as xl does, by running the installed xl.

use std::process::Child;

use super::args::Global;
use super::options::Screen;
use super::output::{self, Failure};
use super::{backend, xl};
use xenclock::host::DomId;
use xenclock::xl::installed::Xl;

/// The console and the screen to show, and the program that shows them.
#[derive(Debug)]
pub(super) struct Viewer {
    xl: Xl,
    console: bool,
    screen: Screen,
}

/// A console that is shown here.
pub(super) struct Console(Child);

impl Viewer {
    /// The viewer that was requested; `None` if none was. A viewer that can show nothing fails before a domain is made.
    pub(super) fn asked(global: &Global, console: bool, screen: Screen) -> Result<Option<Self>, Failure> {
        if !(console || screen.vnc || screen.vnc_autopass) {
            return Ok(None);
        }
        if backend::is_mock(global) {
            let why = "-c, -V and -A show a guest's console and screen, which a guest of the mock host does not have";
            return Err(Failure::Usage(why.to_owned()));
        }
        let xl = xl::installed()
            .map_err(|error| Failure::Error(format!("-c, -V and -A need the installed xl, but {error}")))?;
        Ok(Some(Viewer { xl, console, screen }))
    }

    /// Shows it. A domain that runs is not taken away because nobody can look at it.
    pub(super) fn show(&self, domid: DomId) -> Option<Console> {
        let domid = domid.to_string();
        if self.screen.vnc_autopass {
            drop(self.start(&["vncviewer", "--autopass", &domid]));
        } else if self.screen.vnc {
            drop(self.start(&["vncviewer", &domid]));
        }
        if self.console { self.start(&["console", &domid]).map(Console) } else { None }
    }

    fn start(&self, words: &[&str]) -> Option<Child> {
        match self.xl.command().args(words).spawn() {
            Ok(child) => Some(child),
            Err(error) => {
                let words = words.join(" ");
                output::error(&format!(
                    "the domain runs, but 'xl {words}' cannot be run as {}: {error}",
                    self.xl.program.display()
                ));
                None
            }
        }
    }
}

impl Console {
    /// Until it is left, or its domain ends.
    pub(super) fn wait(mut self) {
        match self.0.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => output::error(&format!("the console has ended: {status}")),
            Err(error) => output::error(&format!("the console: {error}")),
        }
    }
}
