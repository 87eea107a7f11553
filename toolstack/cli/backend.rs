//! Selects the host of a command.

use std::env::VarError;
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use timers::tsc::Tolerance;
use timers::zone::{ZoneSource, default_zones};
use uuid::Uuid;

use super::args::{Backend, Global};
use super::output::{self, Failure, message};
use super::progress;
use xenclock::cfg;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, DomainSummary, Host, dom0, zone};
use xenclock::lifecycle::ClockRecord;
use xenclock::tracking::store::{RecordError, RecordStore};
use xenclock::tracking::unfinished::{self, Mended};

/// The settings of a real host, and the one for a tolerance.
const DEFAULTS: &str = "/etc/default/xenclock";
const TOLERANCE: &str = "XENCLOCK_TSC_TOLERANCE";

/// The directory of the clock records of a real host.
const RECORDS: &str = "/var/lib/xenclock";

/// The host asked for; without a word libxl in a dom0, and the mock elsewhere.
pub(super) fn open(global: &Global) -> Result<Box<dyn Host>, Failure> {
    match &global.backend {
        Some(Backend::Libxl) => libxl(global),
        Some(Backend::Mock(_)) => Ok(Box::new(mock(global)?)),
        None if dom0::in_dom0() => libxl(global),
        None => {
            message(
                "xenclock: no Xen found: using a mock host in memory (--backend mock:FILE keeps its state)",
            );
            Ok(Box::new(mock(global)?))
        }
    }
}

/// Returns true if the host is a mock.
pub(super) fn is_mock(global: &Global) -> bool {
    match &global.backend {
        Some(Backend::Mock(_)) => true,
        Some(Backend::Libxl) => false,
        None => !dom0::in_dom0(),
    }
}

/// The clock records: in the requested directory, or with the host.
pub(super) fn records(global: &Global) -> RecordStore {
    let dir = match (&global.records, &global.backend) {
        (Some(dir), _) => dir.clone(),
        (None, Some(Backend::Mock(Some(file)))) => {
            let mut dir = file.clone().into_os_string();
            dir.push(".clocks");
            dir.into()
        }
        (None, Some(Backend::Mock(None))) => return RecordStore::in_memory(),
        (None, None) if !dom0::in_dom0() => return RecordStore::in_memory(),
        (None, _) => RECORDS.into(),
    };
    match spill() {
        Some(spill) => RecordStore::in_dir_with_spill(dir, &spill),
        None => RecordStore::in_dir(dir),
    }
}

/// The directory for records that a full disk does not take: in memory, for this user alone.
fn spill() -> Option<PathBuf> {
    let run = match rustix::process::geteuid().is_root() {
        true => PathBuf::from("/run"),
        false => std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?,
    };
    run.is_dir().then(|| run.join("xenclock"))
}

/// Makes ready for a change: waits until records can be changed, and puts right what killed programs have left.
pub(super) fn make_ready(host: &dyn Host, records: &RecordStore) -> Result<(), Failure> {
    wait_until_free(records)?;
    mend(host, records)
}

/// Waits until records can be changed, before anything is begun that must not wait in its middle.
pub(super) fn wait_until_free(records: &RecordStore) -> Result<(), Failure> {
    records.wait_until_free().map_err(|error| Failure::Error(error.to_string()))
}

/// The TSC tolerance of guests that have none of their own: from the command line, the environment, or on a real host its
/// settings.
pub(super) fn tsc_tolerance(global: &Global) -> Result<Tolerance, Failure> {
    if let Some(tolerance) = global.tsc_tolerance {
        return Ok(tolerance);
    }
    let (text, place) = match std::env::var(TOLERANCE) {
        Ok(text) => (text, TOLERANCE.to_owned()),
        Err(error @ VarError::NotUnicode(_)) => {
            return Err(Failure::Usage(format!("{TOLERANCE}: {error}")));
        }
        Err(VarError::NotPresent) if is_mock(global) => return Ok(Tolerance::OFF),
        Err(VarError::NotPresent) => match setting(&defaults()?, TOLERANCE) {
            Some(text) => (text, format!("{DEFAULTS}: {TOLERANCE}")),
            None => return Ok(Tolerance::OFF),
        },
    };
    if text.is_empty() {
        return Ok(Tolerance::OFF);
    }
    cfg::clock::tolerance(&text).map_err(|error| Failure::Usage(format!("{place}: {error}")))
}

/// The settings of this host; none where there is no such file.
fn defaults() -> Result<String, Failure> {
    match std::fs::read(DEFAULTS) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::Error(format!("{DEFAULTS}: {error}"))),
    }
}

/// A setting in a file of `NAME="value"` lines, which systemd and a shell read, too: the last one counts.
fn setting(text: &str, name: &str) -> Option<String> {
    let mut values = text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    let value = values.next_back()?.trim();
    let quoted = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.split(quote).next());
    Some(quoted.unwrap_or(value).to_owned())
}

/// The record of a domain's clock. An error is a warning, and then there is no record: a guest starts and moves without it.
pub(super) fn record_of(records: &RecordStore, uuid: Uuid) -> Option<ClockRecord> {
    records.get(uuid).unwrap_or_else(|error| {
        output::warn(&[error]);
        None
    })
}

/// The record of a domain's clock. One that is no record is set aside, which is said; then there is none.
///
/// # Errors
/// When it cannot be read, so that nobody knows what it says.
pub(super) fn record(records: &RecordStore, uuid: Uuid) -> Result<Option<ClockRecord>, RecordError> {
    match records.get(uuid) {
        Err(error @ RecordError::SetAside { .. }) => {
            output::warn(&[error]);
            Ok(None)
        }
        other => other,
    }
}

/// The domain is gone: its record stays only where it is good for something. What cannot be noted now is seen by
/// whoever looks next.
pub(super) fn note_gone(host: &dyn Host, records: &RecordStore, domain: &DomainSummary) {
    let Ok(facts) = host.facts() else { return };
    if let Err(error) = records.gone(domain.uuid, &facts.boot_id, domain.domid, facts.now) {
        output::warn(&[error]);
    }
}

/// Puts right what killed programs have left half-done, and says it.
pub(super) fn mend(host: &dyn Host, records: &RecordStore) -> Result<(), Failure> {
    for Mended { domain, why } in unfinished::mend(host, records)? {
        message(&format!("xenclock: warning: domain {} '{}': {why}", domain.domid, domain.name));
    }
    Ok(())
}

/// The time on this machine.
pub(super) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The mock host, for commands that only it has.
pub(super) fn mock(global: &Global) -> Result<Mock, Failure> {
    match &global.backend {
        Some(Backend::Mock(Some(file))) => {
            Ok(Mock::open(file, Box::new(now))?.with_progress(progress::listener(global)))
        }
        Some(Backend::Libxl) => {
            Err(Failure::Error("this works on the mock host only: --backend mock:FILE".to_owned()))
        }
        Some(Backend::Mock(None)) | None => {
            // Like the real host, it is in this machine's zone unless told otherwise.
            let mock = Mock::in_memory(Box::new(now));
            mock.set_fact("timezone", zone::machine_zone()?.name())?;
            Ok(mock.with_progress(progress::listener(global)))
        }
    }
}

#[cfg(feature = "libxl")]
fn libxl(global: &Global) -> Result<Box<dyn Host>, Failure> {
    Ok(Box::new(xenclock::host::libxl::Libxl::open_with_progress(progress::listener(global))?))
}

#[cfg(not(feature = "libxl"))]
fn libxl(_global: &Global) -> Result<Box<dyn Host>, Failure> {
    Err(Failure::Error(
        "this build does not include libxl; build with --features libxl, or use the mock host with --backend mock".to_owned(),
    ))
}

/// True for a word that is a domain ID. As in libxl, a word of digits alone is never a name.
pub(super) fn is_domid(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A domain by its number or name.
pub(super) fn find(host: &dyn Host, wanted: &str) -> Result<DomainSummary, Failure> {
    let domains = host.domains()?;
    let named = domains.iter().find(|domain| domain.name == wanted);
    let found = match is_domid(wanted) {
        true => domains.iter().find(|domain| wanted.parse() == Ok(domain.domid.0)),
        false => named,
    };
    match (found, named) {
        (Some(domain), _) if domain.domid == DomId(0) => {
            Err(Failure::Error(format!("'{wanted}' is dom0, which runs the host and has the host's clock")))
        }
        (Some(domain), Some(named)) if domain.domid != named.domid => {
            message(&format!(
                "xenclock: warning: '{wanted}' is taken as a domain ID, that of domain '{}'; the domain named '{wanted}' has the ID {}",
                domain.name, named.domid
            ));
            Ok(domain.clone())
        }
        (Some(domain), _) => Ok(domain.clone()),
        (None, Some(named)) => Err(Failure::Error(format!(
            "no domain has the ID {wanted}; the domain named '{wanted}' has the ID {}",
            named.domid
        ))),
        (None, None) => Err(Failure::Error(format!("no domain '{wanted}'; xenclock list shows all domains"))),
    }
}

/// The guests: every domain but dom0.
pub(super) fn guests(host: &dyn Host) -> Result<Vec<DomainSummary>, Failure> {
    Ok(host.domains()?.into_iter().filter(|domain| domain.domid != DomId(0)).collect())
}

/// The source of named zones.
pub(super) fn zones() -> Box<dyn ZoneSource + Send + Sync> {
    default_zones()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_a_shell_would() {
        let text = "# XENCLOCK_TSC_TOLERANCE=1\nXENCLOCK_TSC_TOLERANCE=2\n  XENCLOCK_TSC_TOLERANCE=\"50\" # ppm\nOTHER=3\n";
        assert_eq!(setting(text, TOLERANCE).as_deref(), Some("50"));
        assert_eq!(setting("XENCLOCK_TSC_TOLERANCE='7'", TOLERANCE).as_deref(), Some("7"));
        assert_eq!(setting("XENCLOCK_TSC_TOLERANCE=", TOLERANCE).as_deref(), Some(""));
        assert_eq!(setting("#XENCLOCK_TSC_TOLERANCE=7\nXENCLOCK_ARGS=7", TOLERANCE), None);
    }
}
