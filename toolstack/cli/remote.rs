//! Queries another host through the same transport as migrate.

use std::io::Read;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};

use xenclock::host::{Host, HostError};
use xenclock::preflight::HostReport;
use xenclock::xl::migration::ask_command;

/// More than a report of any host has.
const LONGEST: u64 = 16 << 20;

/// The answer of another host.
pub(super) struct Answer {
    /// The other host.
    pub report: HostReport,
    /// The time here when it answered, as near as that is known.
    pub now: DateTime<Utc>,
    /// How near.
    pub precision: TimeDelta,
}

/// Asks the host at the other end what it is.
///
/// # Errors
/// Why nothing is known of it, in words.
pub(super) fn ask(host: &dyn Host, ssh: &str, there: &str) -> Result<Answer, String> {
    let command = ask_command(ssh, there).ok_or_else(|| {
        format!("the target cannot be queried, because '{there}' does not end in migrate-receive")
    })?;
    let time = || host.facts().map(|facts| facts.now).map_err(|error: HostError| error.to_string());
    let before = time()?;
    let text = output_of(&command)?;
    let took = time()?.signed_duration_since(before);
    let mut report: HostReport = serde_json::from_str(&text).map_err(|error| {
        format!("'{command}' did not answer as xenclock does ({error}): is xenclock installed there?")
    })?;
    if report.host.is_empty() && !ssh.is_empty() {
        there.clone_into(&mut report.host);
    }
    Ok(Answer { report, now: before + took / 2, precision: took / 2 })
}

/// The output of a command of the shell; its messages go where our own go.
fn output_of(command: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("'{command}' cannot be run: {error}");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = shell.spawn().map_err(failed)?;
    let mut text = String::new();
    let read = match child.stdout.take() {
        Some(out) => out.take(LONGEST).read_to_string(&mut text).map(drop),
        None => Ok(()),
    };
    let status = child.wait().map_err(failed)?;
    read.map_err(failed)?;
    if !status.success() {
        return Err(format!("'{command}' ended with {status}: is xenclock installed there?"));
    }
    Ok(text)
}
