//! `key=value` words after a file: settings that take the place of the file's, as if written in an xl.cfg.

use timers::{Adjustment, Basis, ClockOffset, GuestClock, Hertz, Timer, TimerMode, TimerName, UtcOffset};
use uuid::Uuid;

use xenclock::domain::{Domain, DomainConfig, ShutdownAction};

/// What a setting does with its value; an error says what was expected.
type Set = fn(&mut Domain, &str) -> Result<(), String>;

/// The settings, by xl.cfg's names and the `clock_*` keys.
const SETTINGS: &[(&str, Set)] = &[
    ("name", |domain, value| some(&mut domain.config.c_info.name, nonempty(value)?)),
    ("uuid", |domain, value| {
        let uuid: Uuid = value.parse().map_err(|_| "a UUID")?;
        some(&mut domain.config.c_info.uuid, uuid)
    }),
    ("memory", |domain, value| {
        let memory = mebibytes(value)?;
        domain.config.b_info.max_memkb = domain.config.b_info.max_memkb.max(Some(memory));
        some(&mut domain.config.b_info.target_memkb, memory)
    }),
    ("maxmem", |domain, value| some(&mut domain.config.b_info.max_memkb, mebibytes(value)?)),
    ("vcpus", |domain, value| {
        let vcpus = vcpus(value)?;
        domain.config.b_info.avail_vcpus = (0..vcpus.unsigned_abs()).collect();
        domain.config.b_info.max_vcpus = domain.config.b_info.max_vcpus.max(vcpus);
        Ok(())
    }),
    ("maxvcpus", |domain, value| {
        domain.config.b_info.max_vcpus = vcpus(value)?;
        let max = domain.config.b_info.max_vcpus.unsigned_abs();
        domain.config.b_info.avail_vcpus.retain(|&vcpu| vcpu < max);
        Ok(())
    }),
    ("kernel", |domain, value| some(&mut domain.config.b_info.kernel, nonempty(value)?)),
    ("ramdisk", |domain, value| some(&mut domain.config.b_info.ramdisk, nonempty(value)?)),
    ("cmdline", |domain, value| some(&mut domain.config.b_info.cmdline, value.to_owned())),
    ("on_poweroff", |domain, value| action(value).map(|action| domain.config.on_poweroff = action)),
    ("on_reboot", |domain, value| action(value).map(|action| domain.config.on_reboot = action)),
    ("on_crash", |domain, value| action(value).map(|action| domain.config.on_crash = action)),
    ("tsc_mode", |domain, value| {
        let mode = match value {
            "default" | "0" => TimerMode::Auto,
            "always_emulate" | "1" => TimerMode::Emulate,
            "native" | "2" => TimerMode::Native,
            "native_paravirt" | "3" => TimerMode::Paravirt,
            _ => return Err("default, always_emulate or native".to_owned()),
        };
        some(&mut tsc(domain).mode, mode)
    }),
    ("clock_tsc_frequency", |domain, value| {
        some(&mut tsc(domain).frequency, Hertz(number(value, "a frequency in Hz")?))
    }),
    ("clock_tsc_tolerance", |domain, value| {
        let tolerance = value.parse().map_err(|_| "whole parts per million from 0 (off) to 250")?;
        some(&mut domain.clock.tsc_tolerance, tolerance)
    }),
    ("localtime", |domain, value| {
        domain.clock.offset = match value {
            "1" => ClockOffset::Localtime { adjustment: None },
            "0" => ClockOffset::Utc { adjustment: None },
            _ => return Err("0 or 1".to_owned()),
        };
        Ok(())
    }),
    ("rtc_timeoffset", |domain, value| {
        let seconds: i64 = number(value, "a number of seconds")?;
        // xl reads 4294963696 as -3600.
        let adjustment =
            u32::try_from(seconds).map_or(seconds, |raw| UtcOffset::from_libxl(raw).seconds().into());
        domain.clock.offset = ClockOffset::Variable { adjustment, basis: Basis::Utc };
        Ok(())
    }),
    ("clock_offset", |domain, value| {
        domain.clock.offset = match value {
            "utc" => ClockOffset::Utc { adjustment: None },
            "localtime" => ClockOffset::Localtime { adjustment: None },
            "variable" => ClockOffset::Variable { adjustment: 0, basis: Basis::Utc },
            "timezone" | "absolute" => {
                return Err(format!(
                    "utc, localtime or variable (for {value} write clock_timezone or clock_start)"
                ));
            }
            _ => return Err("utc, localtime or variable".to_owned()),
        };
        Ok(())
    }),
    ("clock_timezone", |domain, value| {
        domain.clock.offset = ClockOffset::Timezone { timezone: nonempty(value)? };
        Ok(())
    }),
    ("clock_start", |domain, value| {
        domain.clock.offset =
            ClockOffset::Absolute { start: number(value, "a number of seconds since 1970-01-01T00:00:00Z")? };
        Ok(())
    }),
    ("clock_basis", |domain, value| {
        let wanted = match value {
            "utc" => Basis::Utc,
            "localtime" => Basis::Localtime,
            _ => return Err("utc or localtime".to_owned()),
        };
        match &mut domain.clock.offset {
            ClockOffset::Variable { basis, .. } => *basis = wanted,
            _ => return Err("a variable clock (write clock_offset=variable before it)".to_owned()),
        }
        Ok(())
    }),
    ("clock_adjustment", |domain, value| {
        let wanted = match value {
            "reset" => Adjustment::Reset,
            _ => Adjustment::Seconds(number(value, "a number of seconds or reset")?),
        };
        match (&mut domain.clock.offset, wanted) {
            (ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment }, _) => {
                *adjustment = Some(wanted)
            }
            (ClockOffset::Variable { adjustment, .. }, Adjustment::Seconds(seconds)) => *adjustment = seconds,
            _ => return Err("a utc, localtime or variable clock (reset: not variable)".to_owned()),
        }
        Ok(())
    }),
];

/// Puts the settings of the command line into a domain, in their order; one word may hold several, parted by `;`.
///
/// # Errors
/// At the first word that is no setting or has no such value.
pub(super) fn apply(domain: &mut Domain, words: &[String]) -> Result<(), String> {
    let settings =
        words.iter().flat_map(|word| word.split(';')).map(str::trim).filter(|setting| !setting.is_empty());
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(format!("command line: '{setting}' is not a setting, expected KEY=VALUE"));
        };
        let (key, value) = (key.trim(), unquoted(value.trim()));
        let Some((_, set)) = SETTINGS.iter().find(|(name, _)| *name == key) else {
            let names: Vec<_> = SETTINGS.iter().map(|(name, _)| *name).collect();
            return Err(format!("command line: no setting '{key}'; there are {}", names.join(", ")));
        };
        set(domain, value).map_err(|expected| format!("command line: {key} '{value}' is not {expected}"))?;
    }
    Ok(())
}

/// The settings that are about a clock.
const CLOCK: [&str; 10] = [
    "clock_offset",
    "clock_timezone",
    "clock_start",
    "clock_basis",
    "clock_adjustment",
    "clock_tsc_frequency",
    "clock_tsc_tolerance",
    "localtime",
    "rtc_timeoffset",
    "tsc_mode",
];

/// Puts settings into a clock.
///
/// # Errors
/// As [`apply`], and at a setting that is about something else.
pub(super) fn clock(clock: &mut GuestClock, words: &[String]) -> Result<(), String> {
    let keys = words.iter().flat_map(|word| word.split(';')).filter_map(|word| word.split_once('='));
    for (key, _) in keys {
        if !CLOCK.contains(&key.trim()) {
            return Err(format!(
                "command line: no setting '{}' of a clock; there are {}",
                key.trim(),
                CLOCK.join(", ")
            ));
        }
    }
    let mut domain = Domain::new(DomainConfig::default(), std::mem::take(clock));
    apply(&mut domain, words)?;
    *clock = domain.clock;
    Ok(())
}

/// Those of the words that are settings here, and the rest, which is for xl to understand. A `clock_` key that there is
/// not is no word of xl's.
pub(super) fn known(words: &[String]) -> (Vec<String>, Vec<String>) {
    let is_known = |word: &&String| {
        let key = |setting: &str| setting.split('=').next().unwrap_or_default().trim().to_owned();
        let known = |key: &String| key.starts_with("clock_") || SETTINGS.iter().any(|(name, _)| name == key);
        word.split(';').map(key).filter(|key| !key.is_empty()).all(|key| known(&key))
    };
    words.iter().cloned().partition(|word| is_known(&word))
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

fn some<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    *slot = Some(value);
    Ok(())
}

fn nonempty(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("a text".to_owned()) } else { Ok(value.to_owned()) }
}

fn number<T: std::str::FromStr>(value: &str, expected: &str) -> Result<T, String> {
    value.parse().map_err(|_| expected.to_owned())
}

fn mebibytes(value: &str) -> Result<u64, String> {
    let expected = "a number of MiB";
    let mib: u64 = number(value, expected)?;
    if mib == 0 { Err(expected.to_owned()) } else { mib.checked_mul(1024).ok_or_else(|| expected.to_owned()) }
}

fn vcpus(value: &str) -> Result<i32, String> {
    match number(value, "a number of vCPUs")? {
        vcpus @ 1..=8192 => Ok(vcpus),
        _ => Err("a number of vCPUs, 1 to 8192".to_owned()),
    }
}

fn action(value: &str) -> Result<ShutdownAction, String> {
    ShutdownAction::from_xl_word(value).ok_or_else(|| {
        "destroy, restart, preserve, rename-restart, coredump-destroy or coredump-restart".to_owned()
    })
}

fn tsc(domain: &mut Domain) -> &mut Timer {
    let timers = &mut domain.clock.timers;
    let index = timers.iter().position(|timer| timer.name == TimerName::Tsc).unwrap_or_else(|| {
        timers.push(Timer::named(TimerName::Tsc));
        timers.len() - 1
    });
    &mut timers[index]
}
