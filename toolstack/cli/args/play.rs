//! Arguments of `xenclock mock`.

use chrono::NaiveDateTime;
use clap::Subcommand;

/// An action on the mock host.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Play {
    /// Advance the mock host's time.
    Advance {
        /// The number of seconds.
        seconds: i64,
    },
    /// Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised,
    /// clock_error_us, xen_version, memory_mb.
    Set {
        /// Facts, such as timezone=Europe/Berlin.
        #[arg(value_name = "FACT=VALUE", required = true)]
        facts: Vec<String>,
    },
    /// Set the RTC as the guest does: to a time such as 2026-07-01T14:00:00, or by a number of seconds such as +20
    /// or -3600.
    WriteRtc {
        /// The domain's name or ID.
        domain: String,
        /// A time, or seconds with a sign.
        #[arg(allow_hyphen_values = true, value_parser = rtc_write)]
        to: RtcWrite,
    },
    /// Reboot the guest: on Xen this creates a new domain, which takes over the tracked clock.
    Reboot {
        /// The domain's name or ID.
        domain: String,
    },
    /// Power the guest off.
    Poweroff {
        /// The domain's name or ID.
        domain: String,
    },
    /// Let the guest reset itself and keep its memory (kexec): its domain stays, and its clocks continue.
    SoftReset {
        /// The domain's name or ID.
        domain: String,
    },
    /// Make a call of the host fail, as in set_tsc_info permission.
    Fail {
        /// The name of the call in the library's Host trait; a wrong name prints them all.
        call: String,
        /// The kind of failure: no_such_domain, exists, invalid, no_rtc, permission, no_memory, not_supported, wrong_state, io
        /// or other.
        kind: String,
        /// The number of calls that fail; 0 cancels the failure.
        #[arg(default_value_t = 1)]
        times: u32,
    },
}

/// A value that a guest writes to its RTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum RtcWrite {
    /// This time.
    To(NaiveDateTime),
    /// So many seconds later.
    By(i64),
}

fn rtc_write(word: &str) -> Result<RtcWrite, String> {
    if word.starts_with(['+', '-'])
        && let Ok(seconds) = word.parse()
    {
        return Ok(RtcWrite::By(seconds));
    }
    word.parse()
        .map(RtcWrite::To)
        .map_err(|_| "expected a time such as 2026-07-01T14:00:00, or seconds such as +20".to_owned())
}
