//! `xenclock mock`: controls the mock host.

use super::args::{Global, Play, RtcWrite};
use super::backend::{self, find};
use super::domains::ended;
use super::output::Failure;
use xenclock::host::{Host, ShutdownReason};

pub(super) fn run(global: &Global, play: &Play) -> Result<(), Failure> {
    let mock = backend::mock(global)?;
    match play {
        Play::Advance { seconds } => Ok(mock.advance(*seconds)?),
        Play::Set { facts } => {
            for fact in facts {
                let Some((name, value)) = fact.split_once('=') else {
                    return Err(Failure::Usage(format!("'{fact}' is not FACT=VALUE")));
                };
                mock.set_fact(name, value)?;
            }
            Ok(())
        }
        Play::WriteRtc { domain, to } => {
            let domid = find(&mock, domain)?.domid;
            match to {
                RtcWrite::To(time) => Ok(mock.guest_set_rtc(domid, *time)?),
                RtcWrite::By(seconds) => Ok(mock.guest_shift_rtc(domid, *seconds)?),
            }
        }
        Play::Reboot { domain } => {
            let domid = find(&mock, domain)?.domid;
            mock.guest_reboot(domid)?;
            ended(global, &mock as &dyn Host, &backend::records(global), domid, ShutdownReason::Reboot)
        }
        Play::Poweroff { domain } => {
            let domid = find(&mock, domain)?.domid;
            mock.guest_poweroff(domid)?;
            ended(global, &mock as &dyn Host, &backend::records(global), domid, ShutdownReason::Poweroff)
        }
        Play::SoftReset { domain } => {
            let domid = find(&mock, domain)?.domid;
            mock.guest_end(domid, ShutdownReason::SoftReset)?;
            ended(global, &mock as &dyn Host, &backend::records(global), domid, ShutdownReason::SoftReset)
        }
        Play::Fail { call, kind, times } => {
            Ok(mock.inject(call, kind.parse().map_err(Failure::Usage)?, *times)?)
        }
    }
}
