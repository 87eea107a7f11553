//! The target's side: `xl migrate-receive`.

use std::fs::File;

use super::{BANNER, Failed, GO, Line, READY, REPORT, failed, hear, say};

/// The guest, as the target has it.
pub trait Arriving {
    /// Takes the header and libxl's stream, and makes the guest of them: paused, under its name for one that comes in.
    ///
    /// # Errors
    /// When nothing came of it, and nothing is left of it.
    fn restore(&mut self, from: &mut File) -> Result<(), Failed>;
    /// Gives the guest its own name.
    ///
    /// # Errors
    /// When it keeps the name it has. It is then destroyed.
    fn rename_home(&mut self) -> Result<(), Failed>;
    /// Lets the guest run.
    ///
    /// # Errors
    /// When it does not run. It is then destroyed.
    fn unpause(&mut self) -> Result<(), Failed>;
    /// Takes the guest away, since the sender keeps it.
    ///
    /// # Errors
    /// When something of it stays.
    fn destroy(&mut self) -> Result<(), Failed>;
    /// A step is done.
    fn progress(&mut self, words: &str);
}

/// The guest is here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Arrived {
    /// Why the sender could not be told, who now has a suspended copy and does not know.
    pub untold: Option<Failed>,
}

/// The guest is not here.
#[derive(Debug, thiserror::Error)]
#[error("the guest did not arrive: {why}{}", remains.as_ref().map(|error| format!("; its incomplete domain could not be destroyed: {error}")).unwrap_or_default())]
#[non_exhaustive]
pub struct NotArrived {
    /// The error.
    #[source]
    pub why: Failed,
    /// Why something of it is here all the same. The sender has then not been given it back.
    pub remains: Option<Failed>,
}

/// The target's code if the guest does not start: libxl's general failure.
const NOT_STARTED: u8 = 3;
/// The target's code if the guest must not start: xl's number for that.
const NOT_ALLOWED: u8 = 255;

/// Receives a guest from a sender that speaks at the other end of the line. With `paused` it is not let run.
///
/// # Errors
/// When the guest is not here.
pub fn receive(guest: &mut dyn Arriving, line: Line, paused: bool) -> Result<Arrived, NotArrived> {
    let Line { mut to, mut from } = line;
    let gone = |why| NotArrived { why, remains: None };
    say(&mut to, BANNER).map_err(|error| gone(failed("the sender could not be asked to begin", error)))?;
    guest.restore(&mut from).map_err(gone)?;
    guest.progress("the guest is here; asking for permission to start it");
    if let Err(error) = say(&mut to, READY) {
        // Without permission it is the sender's.
        let why = failed("the sender could not be informed that the guest is here", error);
        return Err(NotArrived { why, remains: guest.destroy().err() });
    }
    match start(guest, &mut from, paused) {
        Ok(()) => {
            guest.progress("the guest is started");
            let told = report(&mut to, 0).err();
            Ok(Arrived { untold: told.map(|error| failed("the sender could not be informed", error)) })
        }
        Err((code, why)) => {
            // The copy has to go, whether or not the sender hears of it.
            let _ = report(&mut to, code);
            let remains = guest.destroy().err();
            if remains.is_none() {
                guest.progress("the guest's copy is destroyed; returning the guest to the sender");
                let _ = say(&mut to, GO);
            }
            Err(NotArrived { why, remains })
        }
    }
}

/// Starts the guest, once that is allowed.
fn start(guest: &mut dyn Arriving, from: &mut File, paused: bool) -> Result<(), (u8, Failed)> {
    hear(from, GO)
        .map_err(|unheard| (NOT_ALLOWED, failed("the sender did not permit it to start", unheard)))?;
    guest.progress("permission to start the guest");
    let named = guest.rename_home();
    named.map_err(|error| (NOT_STARTED, failed("it could not be given its name", error)))?;
    if paused {
        return Ok(());
    }
    guest.unpause().map_err(|error| (NOT_STARTED, failed("it could not be started", error)))
}

fn report(to: &mut File, code: u8) -> std::io::Result<()> {
    say(to, REPORT)?;
    say(to, &[code])
}
