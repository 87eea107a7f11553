//! The timers: from `clock_timers` exactly as written, or from plain keys.

use std::fmt::Display;

use ::timers::ticks::{self, MissedTicks};
use ::timers::{
    Catchup, GuestKind, Hertz, TickPolicy, Timer, TimerMode, TimerName, Track,
    hyperv::{self, Viridian},
};

use super::super::read::{missed_ticks, nearest, no_number, no_text, tsc_mode, with_number};
use super::super::suggest::{self, Unit};
use super::super::{Content, number};
use super::keys::{CONTRADICTION, Key, Keys, Result, TimerWords, Word, bad_value, contradiction, item_of};
use super::unset;
use crate::diag::number::meant;
use crate::diag::{Finding, Verdict};
use crate::domain::Part;

/// `base` are the timers that the settings are laid over. `None` where something is wrong, which is kept with the keys.
pub fn read(keys: &mut Keys<'_, '_>, kind: GuestKind, base: &[Timer]) -> Option<Vec<Timer>> {
    let listed = keys.clock_timers();
    let mut timers = if listed.is_some() { Vec::new() } else { base.to_vec() };
    let mut all = true;
    for item in listed.unwrap_or_default() {
        let Some(timer) = timer(keys, &item, timers.len()) else {
            all = false;
            continue;
        };
        let added = add(keys, &mut timers, timer, item.node);
        all &= keys.kept(added).is_some();
    }
    for plain in [tsc, frequency, hpet, ticks, hyperv] {
        match plain(keys, kind, &mut timers) {
            // What a list with an error says is not known.
            Err(error) if !all && error.finding.code == CONTRADICTION => {}
            read => all &= keys.kept(read).is_some(),
        }
    }
    all.then_some(timers)
}

/// Adds a timer of `clock_timers`.
fn add(keys: &mut Keys<'_, '_>, timers: &mut Vec<Timer>, timer: Timer, node: usize) -> Result<()> {
    match timers.iter().find(|earlier: &&Timer| earlier.name == timer.name) {
        None => timers.push(timer),
        Some(earlier) if *earlier == timer => {
            let reason = format!("repeats the settings of {}", timer.name);
            keys.mark(node, Finding::no_effect("timer-again", reason));
        }
        Some(_) => {
            let reason = format!("timer {} twice, with different settings", timer.name);
            let finding = Finding::invalid("timer-twice", reason);
            return Err(keys.error(node, finding.instead("keep one item for each timer")));
        }
    }
    Ok(())
}

/// The timer of this name, which is made where there is none.
fn named(timers: &mut Vec<Timer>, name: TimerName) -> usize {
    timers.iter().position(|timer| timer.name == name).unwrap_or_else(|| {
        timers.push(Timer::named(name));
        timers.len() - 1
    })
}

/// The timer of `clock_timers` that a plain key has to agree with.
fn listed(keys: &Keys<'_, '_>, timers: &[Timer], name: TimerName, plain: Key<'_>) -> Option<Timer> {
    keys.clock_timers().filter(|_| !keys.overrides_timers(plain))?;
    timers.iter().find(|timer| timer.name == name).cloned()
}

/// `tsc_mode`
fn tsc(keys: &mut Keys<'_, '_>, _kind: GuestKind, timers: &mut Vec<Timer>) -> Result<()> {
    if let Some(key) = single(keys, "tsc_mode", true) {
        let mode = tsc_mode(key.setting);
        match (mode, listed(keys, timers, TimerName::Tsc, key)) {
            (None, _) => {
                let finding = bad_value(key.setting, "default, always_emulate or native");
                let text = String::from_utf8_lossy(key.setting.text().unwrap_or_default());
                let finding = match TimerMode::meant_by(&text).and_then(TimerMode::tsc_mode) {
                    Some(meant) => finding.instead(format!("write tsc_mode = \"{meant}\"")),
                    None => finding,
                };
                return Err(keys.error(key.node, finding));
            }
            (Some(mode), Some(tsc)) => {
                let plain = |mode| match mode {
                    mode @ (TimerMode::Native | TimerMode::Emulate) => mode,
                    _ => TimerMode::Auto,
                };
                if plain(mode) != plain(tsc.mode.unwrap_or(TimerMode::Auto)) {
                    return Err(contradiction(keys, key.node, "tsc_mode", "the tsc of clock_timers"));
                }
            }
            (mode, None) => {
                let tsc = named(timers, TimerName::Tsc);
                timers[tsc].mode = mode;
                keys.is(Part::Timer(tsc), key.node);
                keys.is(Part::Mode(tsc), key.node);
            }
        }
    }
    Ok(())
}

/// `clock_tsc_frequency`
fn frequency(keys: &mut Keys<'_, '_>, _kind: GuestKind, timers: &mut Vec<Timer>) -> Result<()> {
    if let Some(key) = keys.get("clock_tsc_frequency") {
        let hertz = key.setting.text().filter(|_| !key.setting.added).and_then(number::whole);
        let hertz = hertz.ok_or_else(|| {
            let text = String::from_utf8_lossy(key.setting.text().unwrap_or_default()).into_owned();
            let finding = bad_value(key.setting, "a frequency in Hz");
            let finding = match unset::is_none(&text) {
                true => finding.instead(unset::leave_out("clock_tsc_frequency", "the host's frequency")),
                false => with_number(finding, "clock_tsc_frequency", &text, Unit::Hertz),
            };
            keys.error(key.node, finding)
        })?;
        let must_agree = listed(keys, timers, TimerName::Tsc, key).and_then(|tsc| tsc.frequency);
        let found = timers.iter().any(|timer| timer.name == TimerName::Tsc);
        let tsc = named(timers, TimerName::Tsc);
        if must_agree.is_some_and(|listed| listed != Hertz(hertz)) {
            return Err(contradiction(keys, key.node, "clock_tsc_frequency", "the tsc of clock_timers"));
        }
        timers[tsc].frequency = Some(Hertz(hertz));
        if !found {
            keys.is(Part::Timer(tsc), key.node);
        }
        keys.is(Part::Frequency(tsc), key.node);
    }
    Ok(())
}

/// A key that is no list: over a list xl says a word and passes. Whether the guest's clock would be another then?
fn single<'a>(keys: &mut Keys<'a, '_>, name: &str, decides: bool) -> Option<Key<'a>> {
    let key = keys.get(name)?;
    if key.setting.text().is_some() {
        return Some(key);
    }
    let finding = no_text(key.setting);
    keys.mark(key.node, if decides { finding.refusing_start() } else { finding });
    None
}

fn hpet(keys: &mut Keys<'_, '_>, kind: GuestKind, timers: &mut Vec<Timer>) -> Result<()> {
    let Some(key) = keys.get("hpet") else {
        return Ok(());
    };
    if kind != GuestKind::Hvm {
        keys.mark(key.node, Finding::no_effect("hvm-only", "only an HVM guest has an HPET"));
        return Ok(());
    }
    let Some(present) = key.setting.number().map(|number| number != 0) else {
        let finding = no_number(key.setting);
        if finding.verdict == Verdict::Invalid {
            return Err(keys.error(key.node, finding));
        }
        keys.mark(key.node, finding);
        return Ok(());
    };
    match listed(keys, timers, TimerName::Hpet, key) {
        Some(hpet) if hpet.present.unwrap_or(true) != present => {
            Err(contradiction(keys, key.node, "hpet", "the hpet of clock_timers"))
        }
        Some(_) => Ok(()),
        None => {
            let hpet = named(timers, TimerName::Hpet);
            timers[hpet].present = Some(present);
            keys.is(Part::Timer(hpet), key.node);
            keys.is(Part::Present(hpet), key.node);
            Ok(())
        }
    }
}

/// `timer_mode`: one policy for all timers, which is to say the RTC's, since that one decides.
fn ticks(keys: &mut Keys<'_, '_>, kind: GuestKind, timers: &mut Vec<Timer>) -> Result<()> {
    let Some(key) = single(keys, "timer_mode", false) else {
        return Ok(());
    };
    if key.setting.text().is_some_and(|text| text.eq_ignore_ascii_case(b"unknown")) {
        // libxl's word for its default.
        return Ok(());
    }
    let Some(mode) = missed_ticks(key.setting) else {
        let words: Vec<_> = MissedTicks::ALL.iter().map(|mode| mode.as_str()).collect();
        return Err(keys.not(key, &words.join(", ")));
    };
    if kind != GuestKind::Hvm {
        let reason = "a guest without RTC, PIT and HPET has no ticks to miss";
        keys.mark(key.node, Finding::no_effect("hvm-only", reason));
        return Ok(());
    }
    if keys.clock_timers().is_some() && !keys.overrides_timers(key) {
        let same = ticks::decide(timers).mode == Some(mode);
        return if same {
            Ok(())
        } else {
            Err(contradiction(keys, key.node, "timer_mode", "the tick policies of clock_timers"))
        };
    }
    // One that overrides leaves no other policy beside it.
    timers.iter_mut().for_each(|timer| timer.tickpolicy = None);
    let rtc = named(timers, TimerName::Rtc);
    timers[rtc].tickpolicy = Some(mode.into());
    keys.is(Part::Timer(rtc), key.node);
    keys.is(Part::TickPolicy(rtc), key.node);
    Ok(())
}

/// `viridian`: Hyper-V's clock is there where a list has all of its groups.
fn hyperv(keys: &mut Keys<'_, '_>, kind: GuestKind, timers: &mut Vec<Timer>) -> Result<()> {
    let Some(key) = keys.get("viridian") else {
        return Ok(());
    };
    if kind != GuestKind::Hvm {
        keys.mark(key.node, Finding::no_effect("hvm-only", "only an HVM guest has Hyper-V's groups"));
        return Ok(());
    }
    let Content::List(items) = &key.setting.value.content else {
        return Ok(());
    };
    let has = |group: Viridian| {
        let named = |word: &[u8]| word.eq_ignore_ascii_case(group.as_str().as_bytes());
        let words = || {
            items.iter().filter_map(|item| match &item.content {
                Content::Text(word) => Some(word.as_slice()),
                Content::List(_) => None,
            })
        };
        let taken_out = words().any(|word| word.strip_prefix(b"!").is_some_and(named));
        !taken_out && words().any(|word| word == b"all" || named(word))
    };
    match listed(keys, timers, TimerName::Hypervclock, key) {
        Some(Timer { present: Some(false), .. })
            if has(Viridian::TimeRefCount) || has(Viridian::ReferenceTsc) =>
        {
            Err(contradiction(keys, key.node, "viridian", "the hypervclock of clock_timers"))
        }
        None if keys.clock_timers().is_none_or(|_| keys.overrides_timers(key))
            && hyperv::clock_groups().iter().all(|group| has(*group)) =>
        {
            let clock = named(timers, TimerName::Hypervclock);
            timers[clock].present = Some(true);
            keys.is(Part::Timer(clock), key.node);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An item of `clock_timers`; `None` where something is wrong with it.
fn timer(keys: &mut Keys<'_, '_>, item: &TimerWords<'_>, index: usize) -> Option<Timer> {
    keys.is(Part::Timer(index), item.node);
    let name = match item.words.iter().find(|word| word.key == "name") {
        Some(name) => one_of(keys, name, TimerName::ALL),
        None => {
            let text: Vec<_> = item.words.iter().map(|word| format!("{}={}", word.key, word.value)).collect();
            let finding = Finding::invalid("no-timer-name", "a timer has no name");
            if let Some(meant) = item_of(&text.join(",")) {
                let error =
                    keys.error(item.node, finding.instead(format!("write {}", suggest::quoted(&meant))));
                return keys.kept(Err(error));
            }
            Err(keys.error(item.node, finding.instead(format!("add name=..., {}", list(TimerName::ALL)))))
        }
    };
    let name = keys.kept(name);
    // The settings of a timer without a known name can be wrong as well.
    let mut timer = Timer::named(name.unwrap_or(TimerName::Platform));
    let mut all = name.is_some();
    for (position, word) in item.words.iter().enumerate() {
        let read = match item.words[..position].iter().any(|earlier| earlier.key == word.key) {
            true => {
                let finding = Finding::invalid("bad-timer", format!("{} twice in one timer", word.key));
                Err(keys.error(word.node, finding.instead("keep one of the two")))
            }
            false => set(keys, &mut timer, word, index),
        };
        all &= keys.kept(read).is_some();
    }
    all.then_some(timer)
}

/// The words of an item, as they are said where one is wrong.
const WORDS: &str = "name, present, track, tickpolicy, threshold, slew, limit, frequency, mode";

fn set(keys: &mut Keys<'_, '_>, timer: &mut Timer, word: &Word<'_>, index: usize) -> Result<()> {
    let part = match word.key {
        "name" => return Ok(()),
        "present" => {
            timer.present = Some(present(keys, word)?);
            Part::Present(index)
        }
        "track" => {
            timer.track = Some(one_of(keys, word, Track::ALL)?);
            Part::Track(index)
        }
        "tickpolicy" => {
            timer.tickpolicy = Some(one_of(keys, word, TickPolicy::ALL)?);
            Part::TickPolicy(index)
        }
        "threshold" => {
            timer.catchup.get_or_insert_with(Catchup::default).threshold = Some(digits(keys, word)?);
            Part::Threshold(index)
        }
        "slew" => {
            timer.catchup.get_or_insert_with(Catchup::default).slew = Some(digits(keys, word)?);
            Part::Slew(index)
        }
        "limit" => {
            timer.catchup.get_or_insert_with(Catchup::default).limit = Some(digits(keys, word)?);
            Part::Limit(index)
        }
        "frequency" => {
            timer.frequency = Some(Hertz(digits(keys, word)?));
            Part::Frequency(index)
        }
        "mode" => {
            timer.mode = Some(one_of(keys, word, TimerMode::ALL).map_err(|mut error| {
                if let Some(mode) = TimerMode::meant_by(word.value) {
                    error.finding = error.finding.instead(format!("write mode={mode}"));
                }
                error
            })?);
            Part::Mode(index)
        }
        _ => {
            let finding = Finding::invalid("bad-timer", format!("a timer has no '{}'", word.key));
            return Err(keys.error(word.node, finding.instead(format!("use one of {WORDS}"))));
        }
    };
    keys.is(part, word.node);
    Ok(())
}

/// The error for a value that is none of some words.
fn no_word(keys: &Keys<'_, '_>, word: &Word<'_>, known: &[String]) -> Box<crate::diag::Diagnostic> {
    let mut error = bad(keys, word, &known.join(if known.len() > 2 { ", " } else { " or " }));
    let all = || format!("use one of {}", known.join(", "));
    let near = nearest(word.value, known.iter().map(String::as_str));
    let instead = near.map_or_else(all, |near| format!("write {}={near}", word.key));
    error.finding = error.finding.instead(instead);
    error
}

fn bad(keys: &Keys<'_, '_>, word: &Word<'_>, expected: &str) -> Box<crate::diag::Diagnostic> {
    let reason = format!("{} is '{}', expected {expected}", word.key, word.value);
    keys.error(word.node, Finding::invalid("bad-value", reason))
}

fn one_of<T: Copy + Display>(keys: &Keys<'_, '_>, word: &Word<'_>, all: &[T]) -> Result<T> {
    let found = all.iter().copied().find(|known| known.to_string() == word.value);
    found.ok_or_else(|| no_word(keys, word, &all.iter().map(ToString::to_string).collect::<Vec<_>>()))
}

fn list<T: Display>(all: &[T]) -> String {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// `yes` or `no`, for which people write other words.
fn present(keys: &Keys<'_, '_>, word: &Word<'_>) -> Result<bool> {
    let written = |present: bool| if present { "yes" } else { "no" };
    if let Some(present) = [true, false].into_iter().find(|present| written(*present) == word.value) {
        return Ok(present);
    }
    let mut error = no_word(keys, word, &[true, false].map(|present| written(present).to_owned()));
    if let Some(flag) = suggest::number(word.value, Unit::Flag) {
        error.finding = error.finding.instead(format!("write present={}", written(flag != "0")));
    }
    Err(error)
}

/// A number without a sign. Rust's own parser would take one.
fn digits<T: std::str::FromStr>(keys: &Keys<'_, '_>, word: &Word<'_>) -> Result<T> {
    let number = if word.value.starts_with('+') { None } else { word.value.parse().ok() };
    number.ok_or_else(|| {
        let mut error = bad(keys, word, "a number that is not too large");
        let unit = if word.key == "frequency" { Unit::Hertz } else { Unit::Plain };
        error.finding = match meant(word.value, unit).filter(|number| *number >= 0) {
            Some(number) => error.finding.instead(format!("write {}={number}", word.key)),
            None => error.finding.instead(format!("write {}=, in digits alone", word.key)),
        };
        error
    })
}
