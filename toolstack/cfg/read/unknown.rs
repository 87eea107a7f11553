//! Keys that xl does not know and silently ignores, with the key that was probably meant.

use super::foreign::{IN_VIF, KERNEL_WORDS, SUCCESSORS, list_of_numbered};
use super::{Named, Reader, cpuid_meant};
use crate::cfg::clock::meant::setting as meant_setting;
use crate::cfg::keys::{self, KEYS, OUR_OFFSET};
use crate::cfg::suggest::{self, Unit};
use crate::cfg::{Cfg, Setting, Zones};
use crate::diag::{Finding, MOST_SUGGESTIONS};
use crate::domain::clock_meant::start;
use crate::domain::qemu::vnc_display;

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
        &[
            "timezone",
            "tz",
            "zone",
            "zoneinfo",
            "guesttimezone",
            "rtctimezone",
            "clockzone",
            "localtimezone",
            "clocktz",
        ],
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
    (Clock::Kind, &["clock", "rtc", "rtcmode", "hwclock", "rtcclock", "clocktype", "clockmode"]),
];

impl Reader<'_> {
    /// Says what is probably meant by each key that there is not.
    pub(super) fn unknown(&mut self) {
        let mut suggestions = MOST_SUGGESTIONS;
        for Named { name, node, key } in self.settings.clone() {
            if key.is_some() || name.starts_with("clock_") {
                continue;
            }
            let cfg = self.book.cfg;
            if let Some(setting) = cfg.settings().get(node) {
                self.book.mark(node, finding(setting, cfg, &self.host.zones, &mut suggestions));
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
        && !KERNEL_WORDS.iter().any(|(old, _)| *old == name)
        && !IN_VIF.iter().any(|(old, _)| *old == name)
        && list_of_numbered(name).is_none()
}

fn clock_of(name: &str) -> Option<Clock> {
    let plain = name.replace(['_', '.'], "");
    CLOCKS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(clock, _)| *clock)
}

/// The setting to write for a `clock_` key that there is not, where its name tells what is meant.
pub fn instead_of_clock_key(setting: &Setting, cfg: &Cfg, zones: &Zones) -> Option<String> {
    Some(meant(clock_of(&setting.name)?, &setting.name, &text_of(setting, cfg), cfg, zones))
}

/// The value of a setting; of one in which xl's lexer stops, as in `0-3`, all up to the end of the line.
fn text_of(setting: &Setting, cfg: &Cfg) -> String {
    let span = &setting.value.span;
    let behind = cfg.bytes.get(span.end..).unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b'\n' | b';' | b'#');
    let rest = behind.get(..behind.iter().position(ends).unwrap_or(behind.len())).unwrap_or_default();
    let is_number = setting.text().is_some_and(|text| cfg.bytes.get(span.clone()) == Some(text));
    let text = match is_number && !setting.added && !rest.trim_ascii().is_empty() {
        true => [cfg.bytes.get(span.clone()).unwrap_or_default(), rest.trim_ascii_end()].concat(),
        false => setting.text().unwrap_or_default().to_vec(),
    };
    String::from_utf8_lossy(&text).into_owned()
}

fn finding(setting: &Setting, cfg: &Cfg, zones: &Zones, suggestions: &mut usize) -> Finding {
    let (name, value) = (setting.name.as_str(), text_of(setting, cfg));
    let unknown = |code, reason: String| Finding::unsupported(code, reason);
    if let Some(clock) = clock_of(name) {
        let reason = format!(
            "xl does not know the key {name} and ignores it, so it does not change the guest's clock"
        );
        return unknown("unknown-clock-key", reason).instead(meant(clock, name, &value, cfg, zones));
    }
    let plain = name.replace(['_', '.'], "");
    if let Some(near) = ["localtime", "rtc_timeoffset", "tsc_mode", "timer_mode"]
        .into_iter()
        .find(|known| known.replace('_', "") == plain)
    {
        let reason = format!("xl does not know the key {name} and ignores it");
        let is_offset = ["localtime", "rtc_timeoffset"].contains(&near);
        let instead = match is_offset.then(|| clock_key(cfg)).flatten() {
            Some(given) => remove_as(given),
            None => with_value(near, &value, cfg),
        };
        return unknown("unknown-clock-key", reason).instead(instead);
    }
    if let Some((_, word)) = KERNEL_WORDS.iter().find(|(old, _)| *old == name) {
        let reason = format!("xl does not know the key {name} of another tool and ignores it");
        return unknown("old-key", reason)
            .instead(format!("add {word} to cmdline, the kernel's command line"));
    }
    let old = || unknown("old-key", format!("xl does not know the key {name} and ignores it"));
    if let Some((_, setting)) = IN_VIF.iter().find(|(word, _)| *word == name) {
        // One that is an entry already is written as it is.
        let entry = if value.contains('=') { value } else { format!("{setting}={value}") };
        return old().instead(match cfg.get("vif") {
            Some(_) => format!("add {entry} to an entry of vif"),
            None => format!("write vif = [ {} ]", suggest::quoted(&entry)),
        });
    }
    let display = || vnc_display(&value);
    if let Some(display) = ["vncport", "vnc_port"].contains(&name).then(display).flatten() {
        return old().instead(with_value("vncdisplay", &display.to_string(), cfg));
    }
    let is_other = SUCCESSORS.iter().any(|(old, _)| *old == name);
    if let Some(setting) = cpuid_meant::of_key(name, &value).filter(|_| !is_other) {
        return old().instead(match cfg.get("cpuid") {
            Some(_) => format!("add {setting} to cpuid"),
            None => format!("write cpuid = \"host,{setting}\""),
        });
    }
    if let Some(list) = list_of_numbered(name) {
        return old().instead(format!("remove it, and describe the device in an entry of the list {list}"));
    }
    // The models of CPUs that other tools have.
    let is_model = name == "cpu"
        && value.starts_with(char::is_alphabetic)
        && !["all", "node"].iter().any(|word| value.starts_with(word));
    match SUCCESSORS.iter().find(|(old, _)| *old == name) {
        Some((_, Some(new))) if !is_model => {
            let reason = format!("xl does not know the key {name} of another tool and ignores it");
            return unknown("old-key", reason).instead(with_value(new, &value, cfg));
        }
        Some(_) => {
            let reason = format!("{name} is a key of another tool, and xl has no equivalent");
            return Finding::no_effect("old-key", reason).instead("remove it");
        }
        None => {}
    }
    let finding = unknown("unknown-key", format!("xl does not know the key {name} and ignores it"));
    if let Some(negated) = negated(name) {
        return finding.instead(match suggest::number(&value, Unit::Flag).as_deref() {
            Some(flag @ ("0" | "1")) => with_value(negated, if flag == "0" { "1" } else { "0" }, cfg),
            _ => format!("give {negated} 1 or 0"),
        });
    }
    match super::suggestion(suggestions, name, KEYS.iter().map(|key| key.name)) {
        Some(near) => finding.instead(with_value(near, &value, cfg)),
        None => finding.instead("remove it, or make it a comment with #"),
    }
}

/// The key that says the opposite: `acpi` of `noacpi`, `nomigrate` of `migrate`.
fn negated(name: &str) -> Option<&'static str> {
    let is_flag = |key: &&keys::Key| key.takes_number() && key.unit == Unit::Flag;
    let known = |word: &str| keys::find(word).filter(is_flag).map(|key| key.name);
    let positive = ["no_", "no", "disable_", "without_"].iter().find_map(|no| known(name.strip_prefix(no)?));
    positive.or_else(|| known(&format!("no{name}")))
}

/// A key with the value of another; a key that the file has already is not written twice.
fn with_value(name: &str, value: &str, cfg: &Cfg) -> String {
    if cfg.get(name).is_some() {
        return remove_as(name);
    }
    // A range is no difference where the key takes a text.
    let number = keys::find(name).and_then(|key| key.number_in(value));
    match number {
        // It is no entry of a list.
        _ if keys::is_list(name) && suggest::number(value, Unit::Flag).is_some() => {
            format!("remove it; {name} is a list of devices")
        }
        Some(number) => format!("write {name} = {number}"),
        None if value.is_empty() => format!("write {name}"),
        None if keys::find(name).is_some_and(keys::Key::takes_number) => {
            suggest::example(name, keys::unit_of(name).unwrap_or(Unit::Plain))
        }
        None => format!("write {name} = {}", suggest::literal(value)),
    }
}

/// The remedy for a key whose subject another setting of the file decides.
fn remove_as(given: &str) -> String {
    format!("remove it, as {given} is given, or change {given}")
}

/// The `clock_` key of a file that decides what the RTC shows.
fn clock_key(cfg: &Cfg) -> Option<&'static str> {
    OUR_OFFSET.iter().copied().find(|name| cfg.get(name).is_some())
}

/// The setting of a file, as it is written, that contradicts a new one about this subject.
fn contradicted(clock: Clock, cfg: &Cfg) -> Option<&'static str> {
    let is_on = |name| cfg.get(name).and_then(Setting::number).is_some_and(|number| number != 0);
    let mode = || cfg.get("tsc_mode").and_then(Setting::text).unwrap_or_default().to_ascii_lowercase();
    match clock {
        Clock::Zone | Clock::Start if is_on("localtime") => Some("localtime"),
        // Xen gives such a guest the host's frequency.
        Clock::Kilohertz | Clock::Hertz if mode() == b"native" || mode() == b"2" => Some("tsc_mode"),
        _ => None,
    }
}

/// The setting that does what a key is about that looks like a clock's, beside the other settings of the file.
fn meant(clock: Clock, name: &str, value: &str, cfg: &Cfg, zones: &Zones) -> String {
    let given = match clock {
        Clock::Kilohertz | Clock::Hertz => Some("clock_tsc_frequency").filter(|key| cfg.get(key).is_some()),
        Clock::TscMode => Some("tsc_mode").filter(|key| cfg.get(key).is_some()),
        _ => clock_key(cfg),
    };
    if let Some(given) = given {
        return remove_as(given);
    }
    let by_value =
        || zones.look(|zones| meant_setting(value, zones)).map(|setting| format!("write {setting}"));
    let setting = setting_of(clock, name, value, by_value);
    match contradicted(clock, cfg) {
        Some(other) => format!("{setting}; remove {other}"),
        None => setting,
    }
}

/// The setting that does what a key is about that looks like a clock's. `by_value` is the one that its value tells.
fn setting_of(clock: Clock, name: &str, value: &str, by_value: impl Fn() -> Option<String>) -> String {
    match clock {
        Clock::Zone if value.is_empty() => "write clock_timezone = \"Europe/Paris\"".to_owned(),
        Clock::Zone => {
            by_value().unwrap_or_else(|| format!("write clock_timezone = {}", suggest::quoted(value)))
        }
        Clock::Offset => match suggest::number(value, Unit::Seconds) {
            Some(seconds) => format!("write rtc_timeoffset = {seconds}"),
            None => {
                by_value().unwrap_or_else(|| "write rtc_timeoffset = 3600, the seconds from UTC".to_owned())
            }
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
                Some(hertz) => format!("write clock_tsc_frequency = {hertz}"),
                None => "give clock_tsc_frequency Hz, as in 2000000000".to_owned(),
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
        Clock::Start => match start(value) {
            Some(seconds) => format!("write clock_start = {seconds}"),
            None => by_value().unwrap_or_else(|| {
                "give clock_start seconds since 1970-01-01T00:00:00Z, as in 1704067200".to_owned()
            }),
        },
        Clock::Kind => {
            let kind = value.to_ascii_lowercase();
            match kind.as_str() {
                "localtime" | "local" => "write localtime = 1".to_owned(),
                "utc" | "gmt" => "remove it: the clock is UTC without a key".to_owned(),
                _ => by_value().unwrap_or_else(|| {
                    "write localtime = 1, rtc_timeoffset = 3600 or clock_timezone = \"Europe/Paris\""
                        .to_owned()
                }),
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
        let finding = finding(&cfg.settings()[0], &cfg, &Zones::default(), &mut 1);
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
            ("tsc_khz=2000000", "unknown-clock-key", "write clock_tsc_frequency = 2000000000"),
            ("tsc_frequency='2 GHz'", "unknown-clock-key", "write clock_tsc_frequency = 2000000000"),
            ("tscmode='native'", "unknown-clock-key", "write tsc_mode = \"native\""),
            ("vtsc=1", "unknown-clock-key", "write tsc_mode = \"always_emulate\""),
            ("rtc_start='2022-01-01'", "unknown-clock-key", "write clock_start = 1640995200"),
            ("vcpu=2", "old-key", "write vcpus = 2"),
            ("maxcpus=4", "old-key", "write maxvcpus = 4"),
            ("nographics=1", "old-key", "write nographic = 1"),
            ("command='ro quiet'", "old-key", "write cmdline = \"ro quiet\""),
            ("memry=512", "unknown-key", "write memory = 512"),
            ("on_rebot='restart'", "unknown-key", "write on_reboot = \"restart\""),
            ("dhcp='dhcp'", "old-key", "add ip=dhcp to cmdline, the kernel's command line"),
            ("no_acpi=1", "unknown-key", "write acpi = 0"),
            ("nohpet='yes'", "unknown-key", "write hpet = 0"),
            ("migrate=0", "unknown-key", "write nomigrate = 1"),
            ("zzzzzz=1", "unknown-key", "remove it, or make it a comment with #"),
            ("memry=5\nmemory=64", "unknown-key", "remove it, as memory is given, or change memory"),
            (
                "timezone='Asia/Tokyo'\nlocaltime=1",
                "unknown-clock-key",
                "write clock_timezone = \"Asia/Tokyo\"; remove localtime",
            ),
            (
                "timezone='Asia/Tokyo'\nlocaltime=0",
                "unknown-clock-key",
                "write clock_timezone = \"Asia/Tokyo\"",
            ),
            (
                "local_time=1\nclock_timezone='Asia/Tokyo'",
                "unknown-clock-key",
                "remove it, as clock_timezone is given, or change clock_timezone",
            ),
            (
                "timeoffset=1\nclock_offset='utc'",
                "unknown-clock-key",
                "remove it, as clock_offset is given, or change clock_offset",
            ),
            (
                "tsc_khz=2000000\ntsc_mode='native'",
                "unknown-clock-key",
                "write clock_tsc_frequency = 2000000000; remove tsc_mode",
            ),
        ];
        for (text, code, instead) in table {
            assert_eq!(said(text), (code, instead.to_owned()), "{text}");
        }
        assert!(may_be_newer("some_new_key") && !may_be_newer("tsc_khz") && !may_be_newer("vcpu"));
    }
}
