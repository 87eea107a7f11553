//! `xenclock destroy`, `pause`, `unpause`, `shutdown`

use std::ffi::OsString;
use std::time::Duration;

use super::args::{Domain, Global, Shutdown};
use super::backend::{self, find};
use super::monitor;
use super::output::{self, Failure};
use xenclock::diag::shown;
use xenclock::host::{DomId, DomainSummary, ErrorKind, Host, RunState, ShutdownReason, ShutdownRequest};
use xenclock::tracking::store::RecordStore;

/// How often a guest that is to end is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The domain that a command is about. What xl passes over is named.
pub(super) fn one(domain: &Domain) -> &str {
    word(&domain.domain, &domain.ignored)
}

/// The one word that counts.
pub(super) fn word<'a>(word: &'a str, ignored: &[OsString]) -> &'a str {
    pass_over(ignored);
    word
}

/// Names the words that xl passes over.
pub(super) fn pass_over(words: &[OsString]) {
    for word in words {
        output::message(&format!("xenclock: warning: '{}' is ignored, as by xl", word.display()));
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

/// Keeps the guest's changes to its RTC, which go with its domain. A guest whose RTC cannot be read, which is said, or of which
/// no record is kept, is destroyed all the same.
fn note_rtc(host: &dyn Host, records: &RecordStore, domain: &DomainSummary) {
    let (rtc, facts) = match host.rtc_record(domain.domid).and_then(|rtc| Ok((rtc, host.facts()?))) {
        Ok(read) => read,
        Err(error) if matches!(error.kind, ErrorKind::NoRtc | ErrorKind::NoSuchDomain) => return,
        Err(error) => {
            return output::message(&format!(
                "xenclock: warning: the RTC of '{}' is not kept for its next start, only what was known of it before: {error}",
                domain.name
            ));
        }
    };
    let noted = records.change(domain.uuid, |mut record, _| {
        if let Some(record) =
            record.as_mut().filter(|record| record.is_instance(&facts.boot_id, domain.domid))
        {
            record.seen(rtc.offset, facts.now);
        }
        (record, ())
    });
    if let Err(error) = noted {
        output::warn(&[error]);
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

/// Asks guests to end, and says so as xl does.
pub(super) fn shutdown(global: &Global, shutdown: &Shutdown) -> Result<(), Failure> {
    pass_over(&shutdown.ignored);
    let host = backend::open(global)?;
    let domids: Vec<DomId> = match &shutdown.domain {
        Some(domain) if !shutdown.all => vec![find(&*host, domain)?.domid],
        None if !shutdown.all => {
            let why = "no guest is named; -a shuts all guests down";
            return Err(Failure::Error(why.to_owned()));
        }
        _ => backend::guests(&*host)?.into_iter().map(|domain| domain.domid).collect(),
    };
    for &domid in &domids {
        ask(&*host, domid, shutdown)?;
    }
    let until = match shutdown.wait {
        0 => return domids.iter().try_for_each(|&domid| note_end(global, &*host, domid).map(drop)),
        1 => Until::Ended,
        _ => Until::Gone,
    };
    for domid in domids {
        while !note_end(global, &*host, domid)?.is_as_far_as(until) {
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn ask(host: &dyn Host, domid: DomId, shutdown: &Shutdown) -> Result<(), Failure> {
    let (request, doing) = match shutdown.reboot {
        true => (ShutdownRequest::Reboot, "Rebooting"),
        false => (ShutdownRequest::Poweroff, "Shutting down"),
    };
    output::message(&format!("{doing} domain {domid}"));
    match host.shutdown(domid, request) {
        Err(error) if error.kind == ErrorKind::NotSupported && shutdown.fallback => {
            output::message("PV control interface not available: sending ACPI power button event.");
            Ok(host.shutdown(domid, ShutdownRequest::PowerButton)?)
        }
        Err(error) if error.kind == ErrorKind::NotSupported => {
            Err(Failure::Error(format!("{error}; -F presses its power button")))
        }
        other => Ok(other?),
    }
}

/// How far a guest is to be on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Running,
    Ended,
    Gone,
}

impl Until {
    fn is_as_far_as(self, other: Until) -> bool {
        self >= other
    }
}

/// How far it is. On the mock host, what its config says is done with a guest that has ended: on a real host its monitor
/// does that, ours or xl's.
fn note_end(global: &Global, host: &dyn Host, domid: DomId) -> Result<Until, Failure> {
    let domains = host.domains()?;
    let now = domains.into_iter().find(|domain| domain.domid == domid).map(|domain| domain.state);
    match now {
        None => Ok(Until::Gone),
        Some(RunState::Shutdown(reason)) if backend::is_mock(global) => {
            ended(global, host, &backend::records(global), domid, reason).map(|()| Until::Gone)
        }
        Some(RunState::Shutdown(_)) => Ok(Until::Ended),
        Some(_) => Ok(Until::Running),
    }
}

/// Does with a domain that has ended what its config says, and says so; where it has a monitor, that does it.
pub(super) fn ended(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    domid: DomId,
    reason: ShutdownReason,
) -> Result<(), Failure> {
    let domains = host.domains()?;
    let domain = domains.iter().find(|domain| domain.domid == domid);
    if domain.is_some_and(|domain| records.is_monitored(domain.uuid).unwrap_or(false)) {
        return output::text(&format!(
            "domain {domid} has ended; its monitor restarts it or destroys the domain\n"
        ));
    }
    let ended =
        monitor::act(global, host, records, domid, reason).map_err(|failure| match (failure, domain) {
            (Failure::Error(why), Some(domain)) if reason == ShutdownReason::Reboot => {
                Failure::Error(format!("'{}' was not restarted: {why}", domain.name))
            }
            (failure, _) => failure,
        })?;
    output::warn(&ended.warnings);
    output::text(&format!("{}\n", shown(&monitor::words(domid, &ended.became))))
}
