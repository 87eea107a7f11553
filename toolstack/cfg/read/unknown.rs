//! Keys that xl does not know and silently ignores, with the key that was probably meant.

use super::Reader;
use crate::cfg::keys::{self, KEYS};
use crate::cfg::suggest::{self, Unit};
use crate::cfg::{Content, Setting};
use crate::diag::Finding;

/// The subject of a key that looks like a clock's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Zone,
    Offset,
    Local,
    Kilohertz,
    Hertz,
    TscMode,
    Start,
    Kind,
}

/// Keys that look like a clock's, without `_` and `.`.
const CLOCKS: [(Clock, &[&str]); 8] = [
    (
        Clock::Zone,
        &["timezone", "tz", "zone", "zoneinfo", "guesttimezone", "rtctimezone", "clockzone", "localtimezone"],
    ),
    (
        Clock::Offset,
        &[
            "timeoffset",
            "rtcoffset",
            "clockoffsetseconds",
            "utcoffset",
            "gmtoffset",
            "timeoffsetseconds",
            "rtctimeoffsetseconds",
            "rtcadjustment",
            "clockadjust",
            "timeadjustment",
            "timedelta",
            "timeshift",
        ],
    ),
    (
        Clock::Local,
        &[
            "uselocaltime",
            "rtclocaltime",
            "locatime",
            "rtclocal",
            "clocklocaltime",
            "hwclocklocal",
            "localclock",
            "localrtc",
        ],
    ),
    (Clock::Kilohertz, &["tsckhz", "vtsckhz", "guesttsckhz", "tscfrequencykhz", "tscfreqkhz"]),
    (
        Clock::Hertz,
        &[
            "tscfrequency",
            "tscfreq",
            "tschz",
            "vtscfrequency",
            "tscfrequencyhz",
            "clockfrequency",
            "tscclock",
        ],
    ),
    (
        Clock::TscMode,
        &["tsc", "vtsc", "tscemulation", "tscnative", "nativetsc", "emulatetsc", "clocktscmode"],
    ),
    (
        Clock::Start,
        &["rtcstart", "rtcbase", "rtcdate", "starttime", "startdate", "clockdate", "basetime", "clockbase"],
    ),
    (Clock::Kind, &["clock", "rtc", "rtcmode", "clocksource", "rtcclock", "clocktype", "clockmode"]),
];

/// Words of xm and of other tools, and what xl has in their place; without a successor there is nothing that they did.
const SUCCESSORS: [(&str, Option<&str>); 40] = [
    ("vcpu", Some("vcpus")),
    ("cpus_count", Some("vcpus")),
    ("ncpus", Some("vcpus")),
    ("maxcpus", Some("maxvcpus")),
    ("max_vcpus", Some("maxvcpus")),
    ("vcpu_avail", Some("maxvcpus")),
    ("cpu", Some("cpus")),
    ("cpu_cap", Some("cap")),
    ("mem", Some("memory")),
    ("ram", Some("memory")),
    ("maxmemory", Some("maxmem")),
    ("max_memory", Some("maxmem")),
    ("shadow_mem", Some("shadow_memory")),
    ("nographics", Some("nographic")),
    ("command", Some("cmdline")),
    ("append", Some("cmdline")),
    ("kernel_args", Some("cmdline")),
    ("args", Some("cmdline")),
    ("initrd", Some("ramdisk")),
    ("initramfs", Some("ramdisk")),
    ("image", Some("kernel")),
    ("loader", Some("firmware_override")),
    ("guest_os_type", None),
    ("features", None),
    ("disks", Some("disk")),
    ("nics", Some("vif")),
    ("vifs", Some("vif")),
    ("network", Some("vif")),
    ("keyboard", Some("keymap")),
    ("audio", Some("soundhw")),
    ("sound", Some("soundhw")),
    ("vncconsole", None),
    ("on_xend_start", None),
    ("on_xend_stop", None),
    ("usbport", None),
    ("isa", None),
    ("nfs_server", Some("cmdline")),
    ("nfs_root", Some("cmdline")),
    ("dhcp", Some("cmdline")),
    ("hostname", Some("cmdline")),
];

impl Reader<'_> {
    /// Says what is probably meant by each key that there is not.
    pub(super) fn unknown(&mut self) {
        for (name, node) in self.settings.clone() {
            if keys::find(name).is_some() || name.starts_with("clock_") {
                continue;
            }
            if let Some(setting) = self.book.cfg.settings().get(node) {
                self.book.mark(node, finding(setting));
            }
        }
    }
}

/// True if a key may be one of a newer xl: no clock's, and no word of other tools.
pub fn may_be_newer(name: &str) -> bool {
    keys::find(name).is_none()
        && !name.starts_with("clock_")
        && clock_of(name).is_none()
        && !SUCCESSORS.iter().any(|(old, _)| *old == name)
}

fn clock_of(name: &str) -> Option<Clock> {
    let plain = name.replace(['_', '.'], "");
    CLOCKS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(clock, _)| *clock)
}

fn finding(setting: &Setting) -> Finding {
    let name = setting.name.as_str();
    let value = match &setting.value.content {
        Content::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Content::List(_) => String::new(),
    };
    let unknown = |code, reason: String| Finding::unsupported(code, reason);
    if let Some(clock) = clock_of(name) {
        let reason = format!(
            "xl does not know the key {name} and ignores it, so it does not change the guest's clock"
        );
        return unknown("unknown-clock-key", reason).instead(meant(clock, name, &value));
    }
    let plain = name.replace(['_', '.'], "");
    if let Some(near) = ["localtime", "rtc_timeoffset", "tsc_mode", "timer_mode"]
        .into_iter()
        .find(|known| known.replace('_', "") == plain)
    {
        let reason = format!("xl does not know the key {name} and ignores it");
        return unknown("unknown-clock-key", reason).instead(with_value(near, &value));
    }
    match SUCCESSORS.iter().find(|(old, _)| *old == name) {
        Some((_, Some(new))) => {
            let reason = format!("xl does not know the key {name} of another tool and ignores it");
            return unknown("old-key", reason).instead(with_value(new, &value));
        }
        Some((_, None)) => {
            let reason = format!("{name} is a key of another tool, and xl has no equivalent");
            return Finding::no_effect("old-key", reason).instead("remove it");
        }
        None => {}
    }
    let finding = unknown("unknown-key", format!("xl does not know the key {name} and ignores it"));
    match super::nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(near) => finding.instead(with_value(near, &value)),
        None => finding.instead("remove it, or make it a comment with #"),
    }
}

/// A key with the value of another.
fn with_value(name: &str, value: &str) -> String {
    let unit = keys::unit_of(name).unwrap_or(Unit::Plain);
    match suggest::number(value, unit) {
        Some(number) => format!("write {name} = {number}"),
        None if value.is_empty() => format!("write {name}"),
        None => format!("write {name} = {}", suggest::quoted(value)),
    }
}

/// The key that does what one is about that looks like a clock's.
fn meant(clock: Clock, name: &str, value: &str) -> String {
    match clock {
        Clock::Zone if value.is_empty() => "write clock_timezone = \"Europe/Paris\"".to_owned(),
        Clock::Zone => format!("write clock_timezone = {}", suggest::quoted(value)),
        Clock::Offset => match suggest::number(value, Unit::Seconds) {
            Some(seconds) => format!("write rtc_timeoffset = {seconds}"),
            None => "write rtc_timeoffset = 3600, the seconds from UTC".to_owned(),
        },
        Clock::Local => {
            let flag = suggest::number(value, Unit::Flag).unwrap_or_else(|| "1".to_owned());
            format!("write localtime = {}", u8::from(flag != "0"))
        }
        Clock::Kilohertz | Clock::Hertz => {
            let times = if clock == Clock::Kilohertz { 1000 } else { 1 };
            let number = suggest::number(value, Unit::Hertz).and_then(|number| number.parse::<u64>().ok());
            // A number with a unit is in hertz already.
            let times = if value.bytes().all(|byte| byte.is_ascii_digit()) { times } else { 1 };
            match number.and_then(|number| number.checked_mul(times)) {
                Some(hertz) => format!("write clock_tsc_frequency = {hertz}, in Hz"),
                None => "write clock_tsc_frequency = 2000000000, in Hz".to_owned(),
            }
        }
        Clock::TscMode => {
            let mode = match (name.contains("emul"), value.to_ascii_lowercase().as_str()) {
                (_, "native" | "passthrough") => "native",
                (_, "emulate" | "emulated" | "always_emulate") => "always_emulate",
                (true, "1") => "always_emulate",
                (false, "1") if name.contains("native") => "native",
                (false, "1") if name == "vtsc" => "always_emulate",
                _ => "default",
            };
            format!("write tsc_mode = \"{mode}\"")
        }
        Clock::Start => match suggest::number(value, Unit::Epoch) {
            Some(seconds) => format!("write clock_start = {seconds}"),
            None => "write clock_start = 1704067200, in seconds since 1970-01-01T00:00:00Z".to_owned(),
        },
        Clock::Kind => {
            let kind = value.to_ascii_lowercase();
            match kind.as_str() {
                "localtime" | "local" => "write localtime = 1".to_owned(),
                "utc" | "gmt" => "remove it: the clock is UTC without a key".to_owned(),
                _ => "write localtime = 1, rtc_timeoffset = 3600 or clock_timezone = \"Europe/Paris\""
                    .to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cfg::parse;

    fn said(text: &str) -> (&'static str, String) {
        let cfg = parse("f", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let finding = finding(&cfg.settings()[0]);
        (finding.code, finding.alternative.unwrap_or_default().into_owned())
    }

    #[test]
    fn unknown_keys_have_what_was_meant() {
        let table = [
            ("timezone='Europe/Berlin'", "unknown-clock-key", "write clock_timezone = \"Europe/Berlin\""),
            ("time_zone='Europe/Berlin'", "unknown-clock-key", "write clock_timezone = \"Europe/Berlin\""),
            ("timeoffset='-3600'", "unknown-clock-key", "write rtc_timeoffset = \"-3600\""),
            ("rtc_offset='1h'", "unknown-clock-key", "write rtc_timeoffset = 3600"),
            ("local_time=1", "unknown-clock-key", "write localtime = 1"),
            ("rtc_localtime='yes'", "unknown-clock-key", "write localtime = 1"),
            ("tsc_khz=2000000", "unknown-clock-key", "write clock_tsc_frequency = 2000000000, in Hz"),
            ("tsc_frequency='2 GHz'", "unknown-clock-key", "write clock_tsc_frequency = 2000000000, in Hz"),
            ("tscmode='native'", "unknown-clock-key", "write tsc_mode = \"native\""),
            ("vtsc=1", "unknown-clock-key", "write tsc_mode = \"always_emulate\""),
            ("rtc_start='2022-01-01'", "unknown-clock-key", "write clock_start = 1640995200"),
            ("vcpu=2", "old-key", "write vcpus = 2"),
            ("maxcpus=4", "old-key", "write maxvcpus = 4"),
            ("nographics=1", "old-key", "write nographic = 1"),
            ("command='ro quiet'", "old-key", "write cmdline = \"ro quiet\""),
            ("memry=512", "unknown-key", "write memory = 512"),
            ("on_rebot='restart'", "unknown-key", "write on_reboot = \"restart\""),
            ("zzzzzz=1", "unknown-key", "remove it, or make it a comment with #"),
        ];
        for (text, code, instead) in table {
            assert_eq!(said(text), (code, instead.to_owned()), "{text}");
        }
        assert!(may_be_newer("some_new_key") && !may_be_newer("tsc_khz") && !may_be_newer("vcpu"));
    }
}
