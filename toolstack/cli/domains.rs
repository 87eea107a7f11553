//! `xenclock list`, `destroy`, `pause`, `unpause`, `shutdown`

use std::time::Duration;

use serde_json::json;

use super::args::{Global, Shutdown};
use super::backend::{self, find};
use super::monitor;
use super::output::{self, Failure};
use xenclock::diag::shown;
use xenclock::host::{DomId, DomainSummary, Host, RunState, ShutdownReason, ShutdownRequest};
use xenclock::tracking::store::RecordStore;

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
            shown(&guest.name),
            guest.domid,
            guest.memory_kb / 1024,
            guest.vcpus,
            state,
            guest.kind.as_str()
        ));
    }
    output::text(&text)
}

fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Dying => "dying",
        RunState::Shutdown(reason) => output::reason_word(reason),
    }
}

pub(super) fn destroy(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domain = find(&*host, domain)?;
    let records = backend::records(global);
    note_rtc(&*host, &records, &domain);
    host.destroy(domain.domid)?;
    backend::note_gone(&*host, &records, &domain);
    Ok(())
}

/// Keeps the guest's changes to its RTC, which go with its domain. A guest whose RTC cannot be read, or of which no record
/// is kept, is destroyed all the same.
fn note_rtc(host: &dyn Host, records: &RecordStore, domain: &DomainSummary) {
    let Ok(rtc) = host.rtc_record(domain.domid) else { return };
    let Ok(facts) = host.facts() else { return };
    let noted = records.change(domain.uuid, |mut record, _| {
        if let Some(record) =
            record.as_mut().filter(|record| record.is_instance(&facts.boot_id, domain.domid))
        {
            record.seen(rtc.offset, facts.now);
        }
        (record, ())
    });
    if let Err(error) = noted {
        output::message(&format!("xenclock: warning: {error}"));
    }
}

pub(super) fn pause(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, domain)?.domid;
    Ok(host.pause(domid)?)
}

pub(super) fn unpause(global: &Global, domain: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    // A domain whose start was killed has no clock yet.
    backend::mend(&*host, &backend::records(global))?;
    let domid = find(&*host, domain)?.domid;
    Ok(host.unpause(domid)?)
}

pub(super) fn shutdown(global: &Global, shutdown: &Shutdown) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domid = find(&*host, &shutdown.domain)?.domid;
    let request = if shutdown.reboot { ShutdownRequest::Reboot } else { ShutdownRequest::Poweroff };
    host.shutdown(domid, request)?;
    let is_mock = backend::is_mock(global);
    loop {
        let now = host.domains()?.into_iter().find(|domain| domain.domid == domid);
        match now.map(|domain| domain.state) {
            None => return Ok(()),
            // On a real host its monitor does with it what its config says, ours or xl's.
            Some(RunState::Shutdown(reason)) if is_mock => {
                return ended(&*host, &backend::records(global), domid, reason);
            }
            Some(RunState::Shutdown(_)) => return Ok(()),
            Some(_) if !shutdown.wait => return Ok(()),
            Some(_) => std::thread::sleep(LOOK),
        }
    }
}

/// Does with a domain that has ended what its config says, and says so; where it has a monitor, that does it.
pub(super) fn ended(
    host: &dyn Host,
    records: &RecordStore,
    domid: DomId,
    reason: ShutdownReason,
) -> Result<(), Failure> {
    let domains = host.domains()?;
    let domain = domains.iter().find(|domain| domain.domid == domid);
    if domain.is_some_and(|domain| records.is_monitored(domain.uuid).unwrap_or(false)) {
        return output::text(&format!(
            "domain {domid} has ended; its monitor restarts it or takes it away\n"
        ));
    }
    let ended = monitor::act(host, records, domid, reason)?;
    for warning in &ended.warnings {
        output::message(&format!("xenclock: warning: {warning}"));
    }
    output::text(&format!("{}\n", shown(&monitor::words(domid, &ended.became))))
}
