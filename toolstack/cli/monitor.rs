//! The monitor that `create`, `restore` and `migrate-receive` start: it carries out the actions in a guest's config
//! when the guest ends, as xl's monitor does, and keeps the guest's clock.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::args::{Global, MonitorOf};
use super::options::Monitoring;
use super::output::{self, Failure};
use super::{backend, input, memory};
use xenclock::cfg::XlConf;
use xenclock::host::{DomId, DomainSummary, ErrorKind, Host, RunState, ShutdownReason};
use xenclock::tracking::monitor::{Disposition, Ended, MakeRoom, Monitor, Reread, RestartError};
use xenclock::tracking::store::{Lock, RecordStore};

/// Without an event, the domain is looked at all the same.
const LOOK: Duration = Duration::from_secs(30);

/// So often is looked whether another monitor is done, and so many times without a word.
const AGAIN: Duration = Duration::from_millis(500);
const WORDLESS: u32 = 4;

/// The directory of the logs of xl's monitors.
const LOGS: &str = "/var/log/xen";

/// As many logs as libxl keeps.
const KEPT: u32 = 10;

/// How a start goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// A monitor in the background.
    Background,
    /// This process is the monitor.
    Foreground,
    /// No monitor.
    Nothing,
}

impl After {
    /// Interprets xl's options -F and -e. A mock host has no background: its guests are played with `xenclock mock`, which
    /// does the monitor's part where there is none.
    pub(super) fn of(global: &Global, monitoring: Monitoring) -> Self {
        let mock = backend::is_mock(global);
        match (monitoring.foreground, monitoring.no_monitor) {
            (_, true) => After::Nothing,
            (true, _) => After::Foreground,
            (false, false) if mock => After::Nothing,
            (false, false) => After::Background,
        }
    }
}

/// Leaves a monitor for a domain, or is it.
pub(super) fn leave(
    global: &Global,
    host: Box<dyn Host>,
    records: &RecordStore,
    domid: DomId,
    after: After,
) -> Result<(), Failure> {
    match after {
        After::Nothing => Ok(()),
        After::Foreground => watch(global, &*host, records, domid),
        After::Background => {
            let domains = host.domains()?;
            let name = domains.iter().find(|domain| domain.domid == domid).map(|domain| domain.name.as_str());
            // libxl's handles are this process's own.
            drop(host);
            background(global, domid, name.unwrap_or("unnamed"))
        }
    }
}

/// Starts this program again as the monitor, away from the terminal.
fn background(global: &Global, domid: DomId, name: &str) -> Result<(), Failure> {
    let log = log_of(name);
    let failed = |error: std::io::Error| {
        Failure::Error(format!("domain {domid} runs, but its monitor could not be started: {error}"))
    };
    let file = new_log(&log).map_err(failed)?;
    let myself = std::env::current_exe().map_err(failed)?;
    let mut words: Vec<OsString> = Vec::new();
    if let Some(dir) = &global.records {
        words.extend(["--records".into(), std::path::absolute(dir).map_err(failed)?.into()]);
    }
    words.extend(["--backend", "libxl", "monitor"].map(OsString::from));
    words.push(domid.to_string().into());
    Command::new(myself)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(failed)?)
        .stderr(file)
        .spawn()
        .map_err(failed)?;
    Ok(())
}

fn log_of(name: &str) -> PathBuf {
    // A name may have any letters.
    let name: String = name.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect();
    Path::new(LOGS).join(format!("xenclock-{name}.log"))
}

/// A new log; those before move up by one, and the oldest goes.
fn new_log(path: &Path) -> std::io::Result<File> {
    fs::create_dir_all(LOGS)?;
    let numbered = |number: u32| match number {
        0 => path.to_owned(),
        _ => path.with_extension(format!("log.{number}")),
    };
    for number in (0..KEPT).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    OpenOptions::new().append(true).create(true).open(path)
}

/// The hidden command that is the monitor.
pub(super) fn run(global: &Global, monitor: &MonitorOf) -> Result<(), Failure> {
    // The terminal that the guest was started from may go.
    let _ = rustix::process::setsid();
    let host = backend::open(global)?;
    watch(global, &*host, &backend::records(global), DomId(monitor.domid))
}

/// Follows a domain, and those that it becomes, to the end. A guest has one monitor at a time: the one of a domain that
/// it was before may still be busy with that one's core, or has not seen yet that it is gone.
pub(super) fn watch(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    mut domid: DomId,
) -> Result<(), Failure> {
    let (mut right, mut seen, mut last) = (None, None, None);
    let mut waited = 0_u32;
    loop {
        let Some(domain) = find(host, domid)? else {
            say(host, &format!("domain {domid} is gone"));
            last.iter().for_each(|domain| backend::note_gone(host, records, domain));
            return Ok(());
        };
        last = Some(domain.clone());
        if right.is_none() {
            right = right_to(host, records, &domain);
            if right.is_none() {
                if waited == WORDLESS {
                    say(host, "waiting for another monitor of this guest");
                }
                waited = waited.saturating_add(1);
                std::thread::sleep(AGAIN);
                continue;
            }
            say(host, &format!("waiting for domain {domid} '{}' to end", domain.name));
        }
        match domain.state {
            RunState::Shutdown(reason) if seen != Some(reason) => {
                seen = Some(reason);
                say(host, &format!("domain {domid} has shut down: {}", output::reason_word(reason)));
                match end(global, host, records, domid, reason)? {
                    Some(next) => (domid, seen) = (next, None),
                    None if reason == ShutdownReason::Suspend => {}
                    None => return Ok(()),
                }
            }
            RunState::Shutdown(_) => {}
            _ => seen = None,
        }
        host.next_event(LOOK)?;
        records.settle();
    }
}

/// The right to be a guest's monitor, as long as it is held; `None` where another has it. Without a disk nobody can be
/// asked, and no monitor would be worse than two.
fn right_to(host: &dyn Host, records: &RecordStore, domain: &DomainSummary) -> Option<Option<Lock>> {
    match records.monitor(domain.uuid) {
        Ok(None) => None,
        Ok(held) => Some(held),
        Err(error) => {
            say(host, &format!("warning: {error}"));
            Some(None)
        }
    }
}

fn find(host: &dyn Host, domid: DomId) -> Result<Option<DomainSummary>, Failure> {
    let domains = host.domains()?;
    Ok(domains.into_iter().find(|domain| domain.domid == domid && domain.state != RunState::Dying))
}

/// Does what the config says of an end, and says it; the domain to follow on, where there is one.
fn end(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    domid: DomId,
    reason: ShutdownReason,
) -> Result<Option<DomId>, Failure> {
    let Ended { became, warnings, .. } = act(global, host, records, domid, reason)?;
    for warning in warnings {
        say(host, &format!("warning: {warning}"));
    }
    say(host, &words(domid, &became));
    Ok(match became {
        Disposition::Restarted(started) => Some(started.outcome.domid),
        Disposition::Reset(_) => Some(domid),
        _ => None,
    })
}

/// Does with a domain that has ended what its config says.
pub(super) fn act(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    domid: DomId,
    reason: ShutdownReason,
) -> Result<Ended, Failure> {
    let zones = backend::zones();
    // The guest is restarted all the same.
    let conf = input::conf(global).unwrap_or_else(|failure| {
        // Without words it has been said already.
        let why = failure.words().map_or_else(String::new, |why| format!(": {why}"));
        output::message(&format!("xenclock: warning: xl.conf is not used, and xl's defaults apply{why}"));
        XlConf::default()
    });
    let reread: &Reread<'_> = &|bytes| {
        let facts = host.facts()?;
        Ok(input::reread(bytes, &input::xl_host(Some(facts.xen_version), conf.clone()))?)
    };
    let make_room: &MakeRoom<'_> = &|config| Ok(Box::new(memory::make_room(&conf, host, config)?));
    Monitor::new(host, records, &*zones, reread).make_room(make_room).ended(domid, reason).map_err(|error| {
        Failure::Error(match &error {
            RestartError::Host(error) => memory::with_remedy(error, &conf, host),
            RestartError::Apply(failed) if failed.error.kind == ErrorKind::NoMemory => {
                memory::with_remedy(&failed.error, &conf, host)
            }
            _ => error.to_string(),
        })
    })
}

/// The line that says what became of a domain.
pub(super) fn words(domid: DomId, became: &Disposition) -> String {
    match became {
        Disposition::Gone => format!("domain {domid} has ended"),
        Disposition::Restarted(started) => format!(
            "domain {domid} has ended and was restarted as domain {}, its clock at {}",
            started.outcome.domid, started.outcome.offset
        ),
        Disposition::Reset(offset) => {
            format!("domain {domid} continues after a soft reset, its clock at {offset}")
        }
        Disposition::Kept(why) => format!("domain {domid} has ended and is preserved: {why}"),
        other => format!("domain {domid} has ended: {other:?}"),
    }
}

/// A line of the log.
fn say(host: &dyn Host, text: &str) {
    let now = host.facts().map_or_else(|_| backend::now(), |facts| facts.now);
    output::message(&format!("{} {text}", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_stays_in_its_directory_whatever_the_name() {
        for name in ["../../etc/passwd", "/etc/passwd", "..", "a\nb", "a\0b"] {
            let log = log_of(name);
            assert_eq!(log.parent(), Some(Path::new(LOGS)), "{name}");
            let file = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
            assert!(file.starts_with("xenclock-") && !file.contains(['\n', '\0']), "{file}");
        }
    }
}
