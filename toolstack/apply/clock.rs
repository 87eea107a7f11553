//! Sets a domain's clock and reads it back. No other module does either.
//!
//! libxl ignores some failures and Xen ignores some values, so a value counts as set only once it has been read back.

use timers::tsc::{TscDecision, TscMode};
use timers::{KiloHertz, UtcOffset};

use crate::host::{DomId, ErrorKind, Host, HostError, Result, TscInfo};
use crate::plan::RtcTarget;

/// Sets the TSC of a domain that has not run.
///
/// Its frequency may be set, and the boot CPU loaded anew, only while the guest cannot run, and a process that dies
/// meanwhile would leave the domain paused for good. A service therefore leaves this to a process that outlives it.
pub trait SetTsc {
    /// Sets mode and frequency, and starts the guest's TSC at 0.
    ///
    /// # Errors
    /// When the guest has run meanwhile, or the host refuses.
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<()>;

    /// Makes the TSC of a restored guest native: [`Host::make_tsc_native`].
    ///
    /// # Errors
    /// When the host refuses, or could not.
    fn make_tsc_native(&mut self, domid: DomId) -> Result<()>;
}

/// Sets the TSC from this process.
pub struct InProcess<'a>(pub &'a dyn Host);

impl SetTsc for InProcess<'_> {
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.0.set_initial_tsc(domid, info)
    }

    fn make_tsc_native(&mut self, domid: DomId) -> Result<()> {
        self.0.make_tsc_native(domid)
    }
}

/// Sets the TSC of a domain that has not run, and reads it back. Where Xen already reports what was decided, nothing is
/// set; answers whether something was.
///
/// # Errors
/// When the host refuses, or reports another TSC afterwards.
pub fn set_initial_tsc(
    host: &dyn Host,
    setter: &mut dyn SetTsc,
    domid: DomId,
    decision: &TscDecision,
) -> Result<bool> {
    if is_set(&host.tsc_info(domid)?, decision) {
        return Ok(false);
    }
    // 0 kHz is the host's own frequency.
    let khz = decision.set_khz.map_or(0, |khz| khz.0);
    setter.set_tsc(domid, &TscInfo { mode: decision.mode.number(), elapsed_ns: 0, khz, incarnation: 0 })?;
    verify_tsc(host, domid, decision).map(|()| true)
}

/// Makes the TSC of a restored guest native at the host's frequency, and reads it back.
///
/// # Errors
/// As [`set_initial_tsc`].
pub fn make_native(host: &dyn Host, setter: &mut dyn SetTsc, domid: DomId, khz: KiloHertz) -> Result<()> {
    setter.make_tsc_native(domid)?;
    let info = host.tsc_info(domid)?;
    if (info.mode, info.khz) == (TscMode::Default.number(), khz.0) {
        return Ok(());
    }
    let why = format!("Xen reports TSC mode {} at {} kHz, expected mode 0 at {khz}", info.mode, info.khz);
    Err(HostError::new(ErrorKind::Other, format!("check the TSC of domain {domid}"), why))
}

/// Sets the TSC of a guest that runs, and reads it back. It keeps what it has counted, so that it does not fall to 0.
///
/// The incarnation stays, except that of a guest that was never restored, which becomes 2: Xen stores one more than it is
/// given, and given 0 it would work out the offset of the first vCPU's TSC anew.
///
/// # Errors
/// As [`set_initial_tsc`].
pub fn set_live_tsc(host: &dyn Host, domid: DomId, decision: &TscDecision) -> Result<()> {
    let now = host.tsc_info(domid)?;
    let khz = if decision.mode == TscMode::Native { 0 } else { decision.khz.0 };
    let incarnation = now.incarnation.saturating_sub(1).max(1);
    set_again(host, domid, &TscInfo { mode: decision.mode.number(), khz, incarnation, ..now })?;
    verify_tsc(host, domid, decision)
}

/// Sets the TSC of a domain whose TSC was set before. Mode native takes no frequency, and on a host that scales, Xen
/// applies the ratio of the frequency set before: the guest's TSC would run at that, and jump. The host's own comes first.
fn set_again(host: &dyn Host, domid: DomId, info: &TscInfo) -> Result<()> {
    if info.mode == TscMode::Native.number() {
        let khz = host.facts()?.cpu_khz.0;
        host.set_tsc_info(domid, &TscInfo { mode: TscMode::Default.number(), khz, ..*info })?;
    }
    host.set_tsc_info(domid, info)
}

/// True if Xen reports the TSC that was decided. In native mode it reports 0 kHz.
#[must_use]
pub fn is_set(info: &TscInfo, decision: &TscDecision) -> bool {
    let native = decision.mode == TscMode::Native;
    info.mode == decision.mode.number() && (native || info.khz == decision.khz.0)
}

/// Reads the TSC and compares.
///
/// # Errors
/// When Xen reports another than was decided.
pub(crate) fn verify_tsc(host: &dyn Host, domid: DomId, decision: &TscDecision) -> Result<()> {
    let info = host.tsc_info(domid)?;
    if is_set(&info, decision) {
        return Ok(());
    }
    let why = format!(
        "Xen reports TSC mode {} at {} kHz, expected mode {} at {}",
        info.mode,
        info.khz,
        decision.mode.number(),
        decision.khz
    );
    Err(HostError::new(ErrorKind::Other, format!("check the TSC of domain {domid}"), why))
}

/// A guest's ability to set its own clock while it is being set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// It cannot run.
    Held,
    /// It runs, or another program may let it run at any time.
    Runs,
}

/// Sets the RTC, or the wallclock of a guest without one; answers the offset that it was given. A moment becomes an offset
/// now, when it is set.
///
/// An RTC is read back. One that stands elsewhere then was not set, but that of a guest that runs may have been moved by
/// the guest itself: it only must not stand where it was. A wallclock cannot be read.
///
/// # Errors
/// When the host refuses, or reports another offset afterwards, or the moment is farther away than Xen's 32 bits of
/// seconds.
pub fn set_rtc(host: &dyn Host, domid: DomId, target: RtcTarget, guest: GuestState) -> Result<UtcOffset> {
    let offset = match target {
        RtcTarget::Offset(offset) => offset,
        RtcTarget::Moment(moment) => {
            let seconds = moment.timestamp() - host.facts()?.now.timestamp();
            let doing = || format!("set the RTC of domain {domid}");
            UtcOffset::new(seconds).map_err(|error| {
                HostError::new(ErrorKind::Invalid, doing(), error.to_string()).caused_by(error)
            })?
        }
    };
    let read = || match host.rtc_record(domid) {
        Ok(rtc) => Ok(Some(rtc.offset)),
        Err(error) if error.kind == ErrorKind::NoRtc => Ok(None),
        Err(error) => Err(error),
    };
    let before = read()?;
    host.set_time_offset(domid, offset)?;
    match read()? {
        Some(now) if guest == GuestState::Held || Some(now) == before => is_at(domid, now, offset)?,
        _ => {}
    }
    Ok(offset)
}

/// Puts both clocks of a guest back to what they were before libxl built its domain anew, and reads them back. The guest
/// cannot run meanwhile.
///
/// # Errors
/// When the host refuses, or reports anything else afterwards.
pub fn put_back(host: &dyn Host, domid: DomId, offset: Option<UtcOffset>, tsc: &TscInfo) -> Result<()> {
    if let Some(offset) = offset {
        set_rtc(host, domid, RtcTarget::Offset(offset), GuestState::Held)?;
    }
    // Xen stores one more than it is given.
    let incarnation = tsc.incarnation.saturating_sub(1);
    set_again(host, domid, &TscInfo { incarnation, ..*tsc })?;
    let now = host.tsc_info(domid)?;
    if (now.mode, now.khz, now.incarnation) == (tsc.mode, tsc.khz, tsc.incarnation) {
        return Ok(());
    }
    let words =
        |info: &TscInfo| format!("mode {} at {} kHz, incarnation {}", info.mode, info.khz, info.incarnation);
    let why = format!("Xen reports TSC {}, expected {}", words(&now), words(tsc));
    Err(HostError::new(ErrorKind::Other, format!("check the TSC of domain {domid}"), why))
}

/// Reads the RTC of a guest that has one, and compares. A guest that runs may have set it since, so this is for one that
/// has not run.
///
/// # Errors
/// When it is at another offset.
pub(crate) fn verify_rtc(host: &dyn Host, domid: DomId, expected: UtcOffset) -> Result<()> {
    is_at(domid, host.rtc_record(domid)?.offset, expected)
}

fn is_at(domid: DomId, offset: i64, expected: UtcOffset) -> Result<()> {
    let expected = i64::from(expected.seconds());
    if offset == expected {
        return Ok(());
    }
    let doing = format!("check the RTC of domain {domid}");
    let why = format!("it is {offset} s ahead of UTC, expected {expected} s");
    Err(HostError::new(ErrorKind::Other, doing, why))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use timers::tsc::{TscRequest, decide};
    use timers::{GuestKind, Hertz};

    use super::*;
    use crate::domain::DomainConfig;
    use crate::host::mock::Mock;

    /// A guest that was never restored counts as restored from then on, but once only.
    #[test]
    fn setting_a_live_tsc_again_and_again_is_no_further_restore() {
        let mock = Mock::in_memory(Box::new(|| "2026-03-28T12:00:00Z".parse().unwrap()));
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        let domid = mock.create_paused(&config).unwrap();
        mock.unpause(domid).unwrap();
        let host = mock.facts().unwrap().tsc();
        for frequency in [2_000_000_000, 1_000_000_000, 3_000_000_000] {
            let request = TscRequest { mode: TscMode::Default, frequency: Some(Hertz(frequency)) };
            set_live_tsc(&mock, domid, &decide(&request, GuestKind::Hvm, &host).unwrap()).unwrap();
            assert_eq!(mock.tsc_info(domid).unwrap().incarnation, 2);
        }
    }

    /// On a host that scales, mode native would take the ratio of the frequency that was set before.
    #[test]
    fn a_native_tsc_takes_no_ratio_from_before() {
        let mock = Mock::in_memory(Box::new(|| "2026-03-28T12:00:00Z".parse().unwrap()));
        for (name, value) in [("tsc_scaling", "yes"), ("cpu_khz", "3000000")] {
            mock.set_fact(name, value).unwrap();
        }
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        let domid = mock.create_paused(&config).unwrap();
        let slower = TscInfo { mode: 0, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
        mock.set_initial_tsc(domid, &slower).unwrap();
        mock.unpause(domid).unwrap();
        let native = TscInfo { mode: TscMode::Native.number(), ..mock.tsc_info(domid).unwrap() };
        set_again(&mock, domid, &native).unwrap();
        let before = mock.guest_tsc(domid).unwrap();
        mock.advance(1).unwrap();
        assert_eq!(mock.guest_tsc(domid).unwrap() - before, 3_000_000_000);
    }
}
