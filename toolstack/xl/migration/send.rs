//! The sender's side.

use std::fmt;
use std::fs::File;
use std::io::Read;

use super::{BANNER, Failed, GO, Line, READY, REPORT, Unheard, failed, hear, say};
use crate::xl::savefile::Header;

/// The guest, as the sender has it.
pub trait Leaving {
    /// Suspends the guest into libxl's stream.
    ///
    /// # Errors
    /// When the guest does not suspend, or the stream cannot be written. It is then resumed.
    fn save(&mut self, to: &mut File) -> Result<(), Failed>;
    /// Gives the guest the name of one that has moved away.
    ///
    /// # Errors
    /// When it keeps the name it has. It is then resumed.
    fn rename_away(&mut self) -> Result<(), Failed>;
    /// Gives the guest its own name again.
    ///
    /// # Errors
    /// When it keeps the name it has. It is resumed all the same.
    fn rename_back(&mut self) -> Result<(), Failed>;
    /// Lets the guest run on; nothing is to be done where it was never suspended.
    ///
    /// # Errors
    /// When it does not run.
    fn resume(&mut self) -> Result<(), Failed>;
    /// Takes the guest away, since it runs at the target.
    ///
    /// # Errors
    /// When something of it stays.
    fn destroy(&mut self) -> Result<(), Failed>;
    /// A step is done, or an error is passed over.
    fn progress(&mut self, words: &str);
}

/// The guest runs at the target.
#[derive(Debug)]
#[non_exhaustive]
pub struct Moved {
    /// Why the suspended copy is still here under its name for one that moved away.
    pub remains: Option<Failed>,
}

/// The guest did not move, or nobody knows.
#[derive(Debug)]
#[non_exhaustive]
pub struct NotMoved {
    /// The error.
    pub why: Failed,
    /// The state of the guest.
    pub now: Now,
}

/// The state of a guest after a failed migration.
#[derive(Debug)]
#[non_exhaustive]
pub enum Now {
    /// It runs here as before.
    RunsHere,
    /// It is nowhere but here, and does not run here either, for this reason.
    Stopped(Failed),
    /// It may run at the target; here it stays suspended under its name for one that moved away.
    Unknown,
}

impl fmt::Display for NotMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotMoved { why, now } = self;
        match now {
            Now::RunsHere => write!(f, "not migrated: {why}; the guest continues to run here"),
            Now::Stopped(error) => write!(
                f,
                "not migrated: {why}; the guest does not run at the target, and it does not run here either: {error}"
            ),
            Now::Unknown => write!(
                f,
                "MIGRATION FAILED IN ITS LAST STEP: {why}\n\
                 It is unknown whether the guest runs at the target. Here it is suspended, under the name \
                 ...--migratedaway.\n\
                 LOOK ON BOTH HOSTS before you do anything. If it runs at the target, destroy it here. If it does not exist at the target, rename it and resume it here.\n\
                 NEVER LET BOTH RUN: two guests on the same disks DESTROY THEIR DATA."
            ),
        }
    }
}

impl std::error::Error for NotMoved {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.why.source()
    }
}

/// Sends a guest to a target that speaks at the other end of the line.
///
/// # Errors
/// When it does not run at the target, as far as can be known: see [`Now`].
pub fn send(guest: &mut dyn Leaving, header: &Header, line: Line) -> Result<Moved, NotMoved> {
    let Line { mut to, mut from } = line;
    // Nothing has been done to the guest before the target speaks xl.
    if let Err(unheard) = hear(&mut from, BANNER) {
        return Err(NotMoved { why: no_banner(unheard), now: resumed(guest) });
    }
    if let Err(why) = up_to_ready(guest, header, &mut to, &mut from) {
        // The target gives up when it hears no more, before anything runs here again.
        drop(to);
        return Err(NotMoved { why, now: resumed(guest) });
    }
    guest.progress("the target has the guest and waits for permission to start it");
    if let Err(error) = guest.rename_away() {
        drop(to);
        let why = failed("the guest could not be renamed", error);
        return Err(NotMoved { why, now: resumed(guest) });
    }
    guest.progress("giving the target permission to start the guest");
    // From here on the guest is the target's: a go that failed may have been heard all the same.
    let unknown = |why| NotMoved { why, now: Now::Unknown };
    say(&mut to, GO).map_err(|error| unknown(failed("the permission to start could not be sent", error)))?;
    let code = report(&mut from).map_err(|unheard| unknown(failed("the target did not report", unheard)))?;
    if code == 0 {
        guest.progress("the target reports that the guest runs");
        return Ok(Moved { remains: guest.destroy().err() });
    }
    guest.progress("the target reports that it could not start the guest");
    hear(&mut from, GO).map_err(|unheard| {
        unknown(failed(
            format!("the target could not start the guest (status {code}) and did not return it"),
            unheard,
        ))
    })?;
    if let Err(error) = guest.rename_back() {
        guest.progress(&format!("the guest keeps the name of a migrated guest: {error}"));
    }
    let why = format!("the target could not start the guest (status {code})").into();
    Err(NotMoved { why, now: resumed(guest) })
}

/// Until the target has the guest.
fn up_to_ready(
    guest: &mut dyn Leaving,
    header: &Header,
    to: &mut File,
    from: &mut File,
) -> Result<(), Failed> {
    header.write(to).map_err(|error| failed("the target does not accept the config", error))?;
    guest.save(to).map_err(|error| failed("the guest could not be sent", error))?;
    hear(from, READY).map_err(|unheard| failed("the target did not accept the guest", unheard))
}

/// The byte after the target's report.
fn report(from: &mut File) -> Result<u8, Unheard> {
    hear(from, REPORT)?;
    let mut code = [0];
    from.read_exact(&mut code).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Unheard::Gone,
        _ => error.into(),
    })?;
    Ok(code[0])
}

fn resumed(guest: &mut dyn Leaving) -> Now {
    match guest.resume() {
        Ok(()) => Now::RunsHere,
        Err(error) => Now::Stopped(error),
    }
}

fn no_banner(unheard: Unheard) -> Failed {
    match unheard {
        Unheard::Gone => "the target's xl did not answer: see the messages of ssh and of xl there".into(),
        Unheard::Io(_) => unheard.into(),
        Unheard::Otherwise(said) => format!(
            "the target's xl did not answer, but something printed {said:?}: a login there must not print anything before xl migrate-receive"
        )
        .into(),
    }
}
