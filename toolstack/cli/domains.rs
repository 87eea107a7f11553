//! `xenclock list`, `destroy`, `pause`, `unpause`, `shutdown`

use std::time::Duration;

use serde_json::json;

use super::args::{Global, Shutdown};
use super::backend::{self, find};
use super::output::{self, Failure};
use crate::host::{DomId, Host, RunState, ShutdownReason, ShutdownRequest};
use crate::keep;

/// How often a guest that is to end is looked at.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn list(global: &Global, as_json: bool) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let guests = backend::guests(&*host)?;
    if as_json {
        return output::json(&json!(guests));
    }
    let mut text =
        format!("{:<40} {:>5} {:>5} {:>5} {:>10} {:>5}\n", "Name", "ID", "Mem", "VCPUs", "State", "Type");
    for guest in guests {
        let state = state_word(guest.state);
        text.push_str(&format!(
            "{:<40} {:>5} {:>5} {:>5} {:>10} {:>5}\n",
            guest.name,
            guest.domid,
            guest.memory_kb / 1024,
            guest.vcpus,
            state,
            guest.kind.word()
        ));
    }
    output::data(&text)
}

fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Dying => "dying",
        RunState::Shutdown(reason) => reason_word(reason),
    }
}

fn reason_word(reason: ShutdownReason) -> &'static str {
    match reason {
        ShutdownReason::Poweroff => "poweroff",
        ShutdownReason::Reboot => "reboot",
        ShutdownReason::Suspend => "suspended",
        ShutdownReason::Crash => "crashed",
        ShutdownReason::Watchdog => "watchdog",
        ShutdownReason::SoftReset => "soft-reset",
    }
}

pub(super) fn destroy(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, domain)?.domid;
    Ok(host.destroy(domid)?)
}

pub(super) fn pause(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, domain)?.domid;
    Ok(host.pause(domid)?)
}

pub(super) fn unpause(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, domain)?.domid;
    Ok(host.unpause(domid)?)
}

pub(super) fn shutdown(global: &Global, shutdown: &Shutdown) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, &shutdown.domain)?.domid;
    let request = if shutdown.reboot { ShutdownRequest::Reboot } else { ShutdownRequest::Poweroff };
    host.shutdown(domid, request)?;
    loop {
        let now = host.domains()?.into_iter().find(|domain| domain.domid == domid);
        match now.map(|domain| domain.state) {
            None => return Ok(()),
            Some(RunState::Shutdown(reason)) => return ended(&*host, domid, reason),
            Some(_) if !shutdown.wait => return Ok(()),
            Some(_) => std::thread::sleep(LOOK),
        }
    }
}

/// Does with a domain that has ended what its config says, and says so.
pub(super) fn ended(host: &dyn Host, domid: DomId, reason: ShutdownReason) -> Result<(), Failure> {
    let words = match keep::ended(host, domid, reason, &*backend::zones()) {
        Ok(keep::Ended::Destroyed) => format!("domain {domid} has ended"),
        Ok(keep::Ended::Restarted(outcome)) => {
            format!(
                "domain {domid} has ended and is started again as domain {}, RTC at {}",
                outcome.domid, outcome.offset
            )
        }
        Ok(keep::Ended::Kept(why)) => format!("domain {domid} has ended and is kept: {why}"),
        Err(error) => return Err(Failure::Error(error.to_string())),
    };
    output::data(&format!("{words}\n"))
}
