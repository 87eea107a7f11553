//! `xenclock clock-set`: changing the clock of a domain that exists.

use timers::tsc::TscMode;
use timers::{KiloHertz, UtcOffset};

use super::args::{ClockSet, Global};
use super::backend::{self, find};
use super::output::{self, Failure};
use crate::host::{DomId, DomainSummary, Host, TscInfo};
use crate::record::{ClockRecord, USER_DATA};

/// What is asked, with its words checked.
#[derive(Default)]
struct Wanted {
    offset: Option<UtcOffset>,
    mode: Option<TscMode>,
    khz: Option<KiloHertz>,
}

pub(super) fn run(global: &Global, set: &ClockSet) -> Result<(), Failure> {
    let wanted = parse(&set.settings).map_err(Failure::Usage)?;
    let host = backend::open(global)?;
    let domain = find(&*host, &set.domain)?;
    if wanted.mode.is_some() || wanted.khz.is_some() {
        if !global.force {
            let why = "a guest that has run sees its TSC jump; -f does it all the same";
            return Err(Failure::Error(format!("the TSC of '{}' was not changed: {why}", domain.name)));
        }
        set_tsc(&*host, &domain, &wanted)?;
    }
    if let Some(offset) = wanted.offset {
        set_offset(&*host, domain.domid, offset)?;
    }
    super::show::clock_show_on(&*host, &domain.domid.to_string(), false)
}

fn parse(settings: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or_else(|| format!("'{setting}' is not KEY=VALUE"))?;
        let not = |expected: &str| format!("{key} '{value}' is not {expected}");
        match key {
            "rtc_timeoffset" => {
                let seconds: i64 = value.parse().map_err(|_| not("a number of seconds"))?;
                wanted.offset = Some(UtcOffset::new(seconds).map_err(|error| error.to_string())?);
            }
            "tsc_mode" => wanted.mode = Some(value.parse().map_err(|error| format!("tsc_mode: {error}"))?),
            "tsc_khz" => {
                let khz = value.parse().ok().filter(|&khz| khz > 0);
                wanted.khz = Some(KiloHertz(khz.ok_or_else(|| not("a frequency in kHz"))?));
            }
            _ => {
                return Err(format!(
                    "no setting '{key}' here; there are rtc_timeoffset, tsc_mode and tsc_khz"
                ));
            }
        }
    }
    if wanted.mode == Some(TscMode::Native) && wanted.khz.is_some() {
        return Err("tsc_mode=native takes the host's frequency; leave tsc_khz out".to_owned());
    }
    Ok(wanted)
}

/// Keeps what the guest's TSC has counted, so that it does not fall to 0.
fn set_tsc(host: &dyn Host, domain: &DomainSummary, wanted: &Wanted) -> Result<(), Failure> {
    let now = host.tsc_info(domain.domid)?;
    let mode = wanted.mode.map_or(now.mode, TscMode::number);
    let native = mode == TscMode::Native.number();
    let khz = if native { 0 } else { wanted.khz.map_or(now.khz, |khz| khz.0) };
    if wanted.khz.is_some() && native {
        return Err(Failure::Error(
            "Xen ignores a frequency in native mode; add tsc_mode=default".to_owned(),
        ));
    }
    host.set_tsc_info(domain.domid, &TscInfo { mode, khz, ..now })?;
    let after = host.tsc_info(domain.domid)?;
    let asked = if wanted.khz.is_some() { khz } else { after.khz };
    if (after.mode, after.khz) == (mode, asked) {
        return Ok(());
    }
    Err(Failure::Error(format!(
        "domain {}: asked for TSC mode {mode} at {asked} kHz, and Xen says mode {} at {} kHz",
        domain.domid, after.mode, after.khz
    )))
}

fn set_offset(host: &dyn Host, domid: DomId, offset: UtcOffset) -> Result<(), Failure> {
    host.set_time_offset(domid, offset)?;
    let record = host.user_data(domid, USER_DATA)?.and_then(|bytes| ClockRecord::from_bytes(&bytes).ok());
    if let Some(mut record) = record {
        record.offset = offset;
        record.source = format!("{} s from UTC, set by clock-set", offset.seconds());
        host.set_user_data(domid, USER_DATA, &record.to_bytes())?;
    }
    output::word(&format!(
        "xenclock: domain {domid} is at {offset} now; the next start does as before, unless the clock is tracked"
    ));
    Ok(())
}
