//! The clocks that a host can provide.

use serde::{Deserialize, Serialize};
use timers::resolve::RTC_YEARS;
use timers::tsc::{Behaviour, GuestTsc, TscHost, TscMode};
use timers::{GuestKind, KiloHertz};

/// The clocks that a host can give a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The TSC of an HVM or PVH guest, by its mode.
    pub tsc: Vec<TscChoice>,
    /// Seconds from UTC that an RTC or wallclock can be set to: the least and the most.
    pub offsets: Option<(i32, i32)>,
    /// The years that an RTC can show: the first and the last.
    pub rtc_years: Option<(i32, i32)>,
}

/// The TSC of one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TscChoice {
    /// The mode.
    pub mode: TscMode,
    /// How reads are done at the host's own frequency.
    pub own: Behaviour,
    /// How they are done at any other, from 1 kHz to 4294967295; `None` where no other can be had.
    pub other: Option<Behaviour>,
}

impl Clocks {
    /// Those of a host with this TSC.
    #[must_use]
    pub fn of(host: &TscHost) -> Self {
        // Any other frequency is like any.
        let other = KiloHertz(if host.khz.0 == 1 { 2 } else { 1 });
        let at = |mode, khz| GuestTsc::on_host(mode, khz, GuestKind::Hvm, host).behaviour;
        let choice = |&mode: &TscMode| TscChoice {
            mode,
            own: at(mode, host.khz),
            other: (mode != TscMode::Native).then(|| at(mode, other)),
        };
        Clocks {
            tsc: TscMode::ALL.iter().map(choice).collect(),
            offsets: Some((i32::MIN, i32::MAX)),
            rtc_years: Some((*RTC_YEARS.start(), *RTC_YEARS.end())),
        }
    }

    /// The TSC's modes, for people.
    #[must_use]
    pub fn tsc_words(&self) -> String {
        let words = |choice: &TscChoice| {
            let own = choice.own.as_str();
            match choice.other {
                None => format!("{} {own} at the host's frequency only", choice.mode),
                Some(other) if other == choice.own => format!("{} {own} at any frequency", choice.mode),
                Some(other) => {
                    format!("{} {own} at the host's frequency, else {}", choice.mode, other.as_str())
                }
            }
        };
        self.tsc.iter().map(words).collect::<Vec<_>>().join("; ")
    }

    /// The RTC's ranges, for people.
    #[must_use]
    pub fn rtc_words(&self) -> String {
        let range = |range: Option<(i32, i32)>| {
            range.map_or_else(|| "?".to_owned(), |(least, most)| format!("{least} to {most}"))
        };
        format!("{} s from UTC, years {}", range(self.offsets), range(self.rtc_years))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_mode_gives() {
        let words = |reliable, scaling| {
            Clocks::of(&TscHost { khz: KiloHertz(2_600_000), reliable, scaling }).tsc_words()
        };
        let rest = "always_emulate emulated at any frequency; native native at the host's frequency only";
        assert_eq!(
            words(true, Some(false)),
            format!("default native at the host's frequency, else emulated; {rest}")
        );
        assert_eq!(
            words(true, Some(true)),
            format!("default native at the host's frequency, else scaled; {rest}")
        );
        assert_eq!(words(false, None), format!("default emulated at any frequency; {rest}"));
        let clocks = Clocks::of(&TscHost { khz: KiloHertz(1), reliable: true, scaling: None });
        assert_eq!(clocks.rtc_words(), "-2147483648 to 2147483647 s from UTC, years 2000 to 2099");
        assert_eq!(clocks.tsc[0].other, Some(Behaviour::ScaledOrEmulated));
    }
}
