//! `<clock>` and `<timer>`, as written. Their meaning on Xen is determined elsewhere.

use timers::zone::default_zones;
use timers::{
    Adjustment, Basis, Catchup, ClockOffset, GuestClock, Hertz, TickPolicy, Timer, TimerMode, TimerName,
    Track,
};

use super::super::cursor::{Element, Result, Value, list};
use crate::diag::Finding;
use crate::diag::number::Unit;
use crate::domain::Part;
use crate::domain::clock_meant::Meant;

pub(super) fn read(root: &Element<'_>) -> Result<GuestClock> {
    let mut clocks = root.children("clock");
    let Some(element) = clocks.next() else {
        return Ok(GuestClock::default());
    };
    let element = element.take();
    if let Some(second) = clocks.next() {
        let finding = Finding::invalid("two-clocks", "a second <clock>; a domain has one");
        return Err(second.error(finding.instead("put everything into one <clock> element")));
    }
    element.is(Part::Clock);
    let offset = offset(&element)?;
    let mut clock = GuestClock::new(offset, Vec::new());
    let mut elements: Vec<Element<'_>> = Vec::new();
    for child in element.children("timer") {
        let child = child.take();
        let timer = timer(&child, clock.timers.len())?;
        if child.attr("name").is_none() {
            continue;
        }
        match clock.timers.iter().position(|earlier| earlier.name == timer.name) {
            None => {
                clock.timers.push(timer);
                elements.push(child);
            }
            // One that lost a part was perhaps meant as this one is.
            Some(earlier) if elements[earlier].is_in_doubt() => {
                clock.timers[earlier] = self::timer(&child, earlier)?;
                elements[earlier] = child;
            }
            Some(earlier) if clock.timers[earlier] == timer => {
                child.mark_whole(&Finding::no_effect(
                    "timer-again",
                    format!("repeats the settings of {}", timer.name),
                ));
            }
            Some(_) => {
                let reason = format!("timer {} twice, with different settings", timer.name);
                let finding = Finding::invalid("timer-twice", reason);
                return Err(child.error(finding.instead("keep one <timer> of each name")));
            }
        }
    }
    Ok(clock)
}

fn offset(element: &Element<'_>) -> Result<ClockOffset> {
    let adjustment = || -> Result<Option<Adjustment>> {
        let Some(value) = element.attr("adjustment") else {
            return Ok(None);
        };
        value.is(Part::Adjustment);
        match value.text {
            "reset" => Ok(Some(Adjustment::Reset)),
            _ => Ok(Some(Adjustment::Seconds(seconds(&value, "a number of seconds or reset")?))),
        }
    };
    let Some(word) = element.attr("offset") else {
        // libvirt takes a clock without offset for utc.
        let offset = ClockOffset::Utc { adjustment: adjustment()? };
        unused(element, &["basis", "timezone", "start"]);
        return Ok(offset);
    };
    word.is(Part::Offset);
    match word.text {
        "utc" => {
            let offset = ClockOffset::Utc { adjustment: adjustment()? };
            unused(element, &["basis", "timezone", "start"]);
            Ok(offset)
        }
        "localtime" => {
            let offset = ClockOffset::Localtime { adjustment: adjustment()? };
            unused(element, &["basis", "timezone", "start"]);
            Ok(offset)
        }
        "timezone" => {
            let timezone = element.needs("timezone", "UTC", || {
                let finding =
                    Finding::invalid("no-timezone", "a clock with offset='timezone' has no timezone");
                finding.instead("add timezone='Europe/Paris', a name of the tz database")
            });
            timezone.is(Part::Timezone);
            unused(element, &["adjustment", "basis", "start"]);
            Ok(ClockOffset::Timezone { timezone: timezone.text.to_owned() })
        }
        "variable" => {
            let mut offset = (0, Basis::Utc);
            if let Some(value) = element.attr("adjustment") {
                value.is(Part::Adjustment);
                offset.0 = seconds(&value, "a number of seconds")?;
            }
            if let Some(basis) = element.attr("basis") {
                basis.is(Part::Basis);
                offset.1 = basis.one_of(&[("utc", Basis::Utc), ("localtime", Basis::Localtime)])?;
            }
            unused(element, &["timezone", "start"]);
            Ok(ClockOffset::Variable { adjustment: offset.0, basis: offset.1 })
        }
        "absolute" => {
            let start = element.needs("start", "0", || {
                let finding = Finding::invalid("no-start", "a clock with offset='absolute' has no start");
                finding.instead("add start='SECONDS', counted from 1970-01-01T00:00:00Z")
            });
            start.is(Part::Start);
            let seconds: u64 =
                start.number_of(Unit::Epoch, "a number of seconds since 1970-01-01T00:00:00Z")?;
            let start = i64::try_from(seconds).map_err(|_| start.not("a time that a clock can represent"))?;
            unused(element, &["adjustment", "basis", "timezone"]);
            Ok(ClockOffset::Absolute { start })
        }
        text => {
            let mut error =
                word.not_one_of(["utc", "localtime", "timezone", "variable", "absolute"].into_iter());
            if let Some(meant) = Meant::by(text, &*default_zones()) {
                error.finding = error.finding.instead(format!("write {}", meant.attributes()));
            }
            Err(error)
        }
    }
}

/// Attributes of another kind of clock: libvirt passes over them too.
fn unused(element: &Element<'_>, names: &[&str]) {
    for value in names.iter().filter_map(|name| element.attr(name)) {
        value.mark(Finding::no_effect(
            "other-clock",
            "belongs to another kind of clock; libvirt ignores it too",
        ));
    }
}

/// Seconds as libvirt's schema has them: digits, with a sign or without.
fn seconds(value: &Value<'_>, expected: &str) -> Result<i64> {
    value.number_of(Unit::Seconds, expected)
}

fn timer(element: &Element<'_>, index: usize) -> Result<Timer> {
    element.is(Part::Timer(index));
    let names = || list(TimerName::ALL.iter().map(|name| name.as_str()));
    let name = element.needs("name", TimerName::Rtc.as_str(), || {
        let finding = Finding::invalid("no-timer-name", "a timer has no name");
        finding.instead(format!("add name='...': {}", names()))
    });
    let mut timer = Timer::named(TimerName::from_word(name.text).ok_or_else(|| {
        let mut error = name.not(&format!("a timer: {}", names()));
        error.finding.alternative =
            name.meant(TimerName::ALL.iter().map(|name| name.as_str())).map(Into::into);
        error
    })?);
    if let Some(present) = element.attr("present") {
        present.is(Part::Present(index));
        timer.present = Some(present.yes_no()?);
    }
    timer.track = word(element, "track", Part::Track(index), Track::ALL, Track::as_str)?;
    timer.tickpolicy =
        word(element, "tickpolicy", Part::TickPolicy(index), TickPolicy::ALL, TickPolicy::as_str)?;
    timer.mode = word(element, "mode", Part::Mode(index), TimerMode::ALL, TimerMode::as_str).map_err(
        |mut error| {
            let word = element.attr("mode").map(|mode| mode.text);
            if let Some(mode) = word.and_then(TimerMode::meant_by) {
                error.finding = error.finding.instead(format!("write mode='{mode}'"));
            }
            error
        },
    )?;
    if let Some(frequency) = element.attr("frequency") {
        frequency.is(Part::Frequency(index));
        timer.frequency = Some(Hertz(frequency.number_of(Unit::Hertz, "a frequency in Hz")?));
    }
    if let Some(child) = element.child("catchup") {
        child.is(Part::Catchup(index));
        timer.catchup = Some(catchup(&child, index)?);
    }
    Ok(timer)
}

fn word<T: Copy>(
    element: &Element<'_>,
    name: &str,
    part: Part,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<Option<T>> {
    let Some(value) = element.attr(name) else {
        return Ok(None);
    };
    value.is(part);
    let words: Vec<_> = all.iter().map(|&item| (word(item), item)).collect();
    value.one_of(&words).map(Some)
}

fn catchup(element: &Element<'_>, index: usize) -> Result<Catchup> {
    let number = |name: &str, part: Part| -> Result<Option<u32>> {
        let Some(value) = element.attr(name) else {
            return Ok(None);
        };
        value.is(part);
        value.number("a 32-bit number").map(Some)
    };
    Ok(Catchup {
        threshold: number("threshold", Part::Threshold(index))?,
        slew: number("slew", Part::Slew(index))?,
        limit: number("limit", Part::Limit(index))?,
    })
}
