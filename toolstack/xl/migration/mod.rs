//! xl's way of moving a guest to another host, both ends of it.
//!
//! ```text
//! sender                                      target (xl migrate-receive)
//!                                         <── banner
//! header, libxl's stream                  ──>
//!                                             restores it, paused, as NAME--incoming
//!                                         <── ready
//! renames its own to NAME--migratedaway
//! go                                      ──>
//!                                             renames it to NAME, lets it run
//!                                         <── report, and one byte: 0
//! destroys its own
//! ```
//!
//! If the byte is not 0, the target destroys its copy and then gives the guest back with another *go*; the sender
//! renames and resumes its own. Until the first go the guest is the sender's, who resumes it whatever goes wrong.
//! From there on only a report tells: without one nobody knows whether the target runs it, and so the sender does not.
//!
//! At most one side ever lets the guest run: that is what all of this is for.

mod receive;
mod send;
mod transport;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};

pub use receive::{Arrived, Arriving, NotArrived, receive};
pub use send::{Leaving, Moved, NotMoved, Now, send};
pub use transport::{Receiver, Rune, Transport, ask_command};

/// The first message of the target; it alone ends without a NUL.
const BANNER: &[u8] = b"xl migration receiver ready, send binary domain data.\n";
/// The target has the guest, paused.
const READY: &[u8] = b"domain received, ready to unpause\0";
/// The guest is the other side's from now on.
const GO: &[u8] = b"domain is yours, you are cleared to unpause\0";
/// A byte follows: 0 when the guest runs at the target.
const REPORT: &[u8] = b"my copy unpause results are as follows\0";

/// The error of a step of the caller.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A step of a migration that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {error}")]
struct FailedStep {
    step: String,
    #[source]
    error: Failed,
}

/// The error of a step, with what it comes from.
fn failed(step: impl Into<String>, error: impl Into<Failed>) -> Failed {
    Box::new(FailedStep { step: step.into(), error: error.into() })
}

/// The two ends that a side holds.
#[derive(Debug)]
pub struct Line {
    /// To the other side.
    pub to: File,
    /// From the other side.
    pub from: File,
}

/// The name of the sender's copy from the moment that the target may start its own.
#[must_use]
pub fn name_away(name: &str) -> String {
    format!("{name}--migratedaway")
}

/// The name of the target's copy until it may be started.
#[must_use]
pub fn name_incoming(name: &str) -> String {
    format!("{name}--incoming")
}

/// Why a message of the protocol was not heard.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("the other side has disconnected")]
    Gone,
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the other side sent {0:?} instead")]
    Otherwise(String),
}

/// The most of a wrong answer that is shown.
const SHOWN: usize = 200;

/// Hears exactly this message.
fn hear(from: &mut File, message: &[u8]) -> Result<(), Unheard> {
    let mut heard = vec![0; message.len()];
    let mut length = 0;
    while length < heard.len() {
        match from.read(&mut heard[length..]) {
            Ok(0) if length == 0 => return Err(Unheard::Gone),
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        // A shell's own words need not be as long as the message waited for.
        if !message.starts_with(&heard[..length]) {
            break;
        }
    }
    if heard[..length] == *message {
        return Ok(());
    }
    if message.starts_with(&heard[..length]) {
        return Err(Unheard::Gone);
    }
    Err(Unheard::Otherwise(String::from_utf8_lossy(&heard[..length.min(SHOWN)]).into_owned()))
}

/// Says a message, all of it.
fn say(to: &mut File, message: &[u8]) -> io::Result<()> {
    to.write_all(message)?;
    to.flush()
}
