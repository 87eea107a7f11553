//! Writes the requested clock into the fields that libxl has for it.

use chrono::{DateTime, Utc};
use timers::hyperv::{self, Viridian};
use timers::tsc::TscMode;
use timers::zone::{FirstOf, Zone};
use timers::{
    Adjustment, Basis, ClockOffset, GuestClock, GuestKind, Moment, ResolveError, Timer, TimerName, UtcOffset,
    offset_at, ticks,
};

use super::DomainConfig;

/// How the clock's offset goes into the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetIn {
    /// As xl would write it, for a file that is started many times: localtime stays localtime. What xl has no word
    /// for takes this offset.
    Intent(UtcOffset),
    /// Resolved, in the config: for a guest without RTC that is started now.
    Resolved(UtcOffset),
    /// Not at all: it is set from outside when the domain is born.
    Outside,
}

/// Puts the clock into the config. Fields that say nothing keep their default.
pub fn clock(config: &mut DomainConfig, clock: &GuestClock, offset: OffsetIn) {
    let kind = config.kind();
    let b_info = &mut config.b_info;
    (b_info.rtc_timeoffset, b_info.localtime) = match offset {
        OffsetIn::Outside => (0, None),
        OffsetIn::Resolved(offset) => (offset.to_libxl(), None),
        OffsetIn::Intent(now) => match intent(&clock.offset, now) {
            // A key that says no is there all the same.
            (offset, None) => (offset, b_info.localtime.map(|_| false.into())),
            local => local,
        },
    };
    b_info.tsc_mode = tsc_mode(clock);
    // A PV guest has no periodic timers, and xl refuses the key; a PVH guest's are none of those libvirt names, and
    // what its own xl.cfg says of them stands.
    if kind == GuestKind::Hvm {
        b_info.timer_mode = ticks::decide(&clock.timers).mode;
    }
    let Some(hvm) = b_info.hvm.as_mut() else {
        return;
    };
    for timer in &clock.timers {
        match timer.name {
            TimerName::Hpet => hvm.hpet = Some(timer.present.unwrap_or(true).into()),
            // One of which nothing is said is not asked for.
            TimerName::Hypervclock if timer.present.is_none() => {}
            // In xl's lists a group that is taken out is out, even where another word put it in: what the other answer
            // left there, at an earlier start, goes.
            TimerName::Hypervclock if timer.present == Some(true) => {
                remove(&mut hvm.viridian_disable, hyperv::clock_groups());
                add(&mut hvm.viridian_enable, hyperv::clock_groups());
            }
            TimerName::Hypervclock => {
                let out = [Viridian::TimeRefCount, Viridian::ReferenceTsc];
                remove(&mut hvm.viridian_enable, &out);
                if hvm.viridian.is_some_and(super::Defbool::is_true) {
                    add(&mut hvm.viridian_disable, &out);
                }
            }
            _ => {}
        }
    }
}

/// The clock that libxl's config asks for: libxl adds up its localtime and its offset. The way back from [`clock`].
#[must_use]
pub fn clock_of(config: &DomainConfig) -> GuestClock {
    let adjustment = UtcOffset::from_libxl(config.b_info.rtc_timeoffset).seconds().into();
    let offset = match config.is_localtime() {
        true => ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(adjustment)) },
        false => ClockOffset::Variable { adjustment, basis: Basis::Utc },
    };
    GuestClock::new(offset, Vec::new())
}

/// The offset that libxl gives a domain with this config now, on a host in this zone.
///
/// # Errors
/// When the offset of the host's zone is not known.
///
/// ```
/// use xenclock::domain::{DomainConfig, project::offset_of};
/// use xenclock::timers::{GuestKind, zone::Zone};
///
/// let mut config = DomainConfig::new(GuestKind::Pv);
/// config.b_info.rtc_timeoffset = 3600;
/// let offset = offset_of(&config, "2026-07-01T12:00:00Z".parse()?, &Zone::utc())?;
/// assert_eq!(offset.seconds(), 3600);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn offset_of(config: &DomainConfig, now: DateTime<Utc>, zone: &Zone) -> Result<UtcOffset, ResolveError> {
    let at = Moment { now, host_zone: zone, zones: &FirstOf::new(Vec::new()) };
    offset_at(&clock_of(config).offset, &at)
}

/// The clock of a config with its timers: what [`clock`] makes of it is the config again.
#[must_use]
pub fn clock_with_timers_of(config: &DomainConfig) -> GuestClock {
    let mut found = clock_of(config);
    found.offset = match found.offset {
        ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(0)) } => {
            ClockOffset::Localtime { adjustment: None }
        }
        ClockOffset::Variable { adjustment: 0, basis: Basis::Utc } => ClockOffset::default(),
        offset => offset,
    };
    let mode = config.b_info.tsc_mode.filter(|mode| *mode != TscMode::Default);
    found.timers.extend(mode.map(|mode| Timer { mode: Some(mode.into()), ..Timer::named(TimerName::Tsc) }));
    let missed = config.b_info.timer_mode.filter(|_| config.kind() == GuestKind::Hvm);
    found.timers.extend(
        missed.map(|missed| Timer { tickpolicy: Some(missed.into()), ..Timer::named(TimerName::Rtc) }),
    );
    found
}

/// Leaves the numbers of channels to libxl, where one has number 0.
///
/// xl up to 4.20 numbers them from 0. For libxl that is the guest's own console: it leaves such a channel out, and starts
/// the guest without it.
pub(crate) fn number_channels(config: &mut DomainConfig) {
    if config.channels.iter().any(|channel| channel.devid == Some(0)) {
        for channel in &mut config.channels {
            channel.devid = None;
        }
    }
}

fn intent(offset: &ClockOffset, now: UtcOffset) -> (u32, Option<super::Defbool>) {
    match offset.effective() {
        ClockOffset::Localtime { .. } => (0, Some(true.into())),
        ClockOffset::Variable { adjustment, basis: Basis::Localtime } => {
            // The resolved offset fits, and so does its part, unless the two cancel out: then the sum is right too.
            (UtcOffset::new(adjustment).map_or(now, |adjustment| adjustment).to_libxl(), Some(true.into()))
        }
        _ => (now.to_libxl(), None),
    }
}

fn tsc_mode(clock: &GuestClock) -> Option<TscMode> {
    clock.tsc()?.mode?.tsc_mode().filter(|mode| *mode != TscMode::Default)
}

fn remove(list: &mut Vec<u32>, groups: &[Viridian]) {
    list.retain(|number| !groups.iter().any(|group| group.number() == *number));
}

fn add(list: &mut Vec<u32>, groups: &[Viridian]) {
    list.extend(groups.iter().map(|group| group.number()));
    list.sort_unstable();
    list.dedup();
}
