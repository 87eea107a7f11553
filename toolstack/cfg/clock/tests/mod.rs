//! Reads the clock of a file.

#![allow(clippy::unwrap_used)]

mod round_trip;

use ::timers::{
    Adjustment, Basis, ClockOffset, GuestClock, GuestKind, Hertz, TickPolicy, Timer, TimerMode, TimerName,
    Track,
};

use ::timers::tsc::Tolerance;

use super::super::parse;
use super::{Asked, read};
use crate::diag::{Finding, Verdict};
use crate::domain::Part;

fn asked(text: &str, kind: GuestKind) -> Asked {
    read(&parse("guest.cfg", text.as_bytes()).unwrap(), kind).unwrap()
}

fn hvm(text: &str) -> GuestClock {
    asked(text, GuestKind::Hvm).clock
}

fn timer(name: TimerName) -> Timer {
    Timer::named(name)
}

#[test]
fn plain_keys_mean_what_xl_means() {
    let utc = ClockOffset::Utc { adjustment: None };
    let local = ClockOffset::Localtime { adjustment: None };
    let variable = |adjustment, basis| ClockOffset::Variable { adjustment, basis };
    let table = [
        ("", utc.clone()),
        ("localtime = 0", utc.clone()),
        ("localtime = 1", local.clone()),
        ("localtime = \"2\"", local),
        ("rtc_timeoffset = 3600", variable(3600, Basis::Utc)),
        ("rtc_timeoffset = 0", variable(0, Basis::Utc)),
        ("rtc_timeoffset = \"-3600\"", variable(-3600, Basis::Utc)),
        ("rtc_timeoffset = 4294963696", variable(-3600, Basis::Utc)),
        ("rtc_timeoffset = 0x10", variable(16, Basis::Utc)),
        ("rtc_timeoffset = 600\nlocaltime = 1", variable(600, Basis::Localtime)),
        ("rtc_timeoffset = 600\nrtc_timeoffset = 700", variable(700, Basis::Utc)),
        ("localtime = 1\nlocaltime = 0", utc),
    ];
    for (text, offset) in table {
        assert_eq!(hvm(text), GuestClock::new(offset, Vec::new()), "{text}");
    }
}

#[test]
fn a_tolerance_is_whole_parts_per_million() {
    let ppm = |text: &str| hvm(text).tsc_tolerance.map(Tolerance::ppm);
    assert_eq!(ppm(""), None);
    assert_eq!(ppm("clock_tsc_tolerance = 0"), Some(0));
    assert_eq!(ppm("clock_tsc_tolerance = \"250\""), Some(250));
    assert_eq!(ppm("clock_tsc_tolerance = 1\nclock_tsc_tolerance = 2"), Some(2));
    for wrong in ["251", "\"-1\"", "\"1.5\"", "\"x\"", "[ 1 ]"] {
        let text = format!("clock_tsc_tolerance = {wrong}");
        let error = read(&parse("guest.cfg", text.as_bytes()).unwrap(), GuestKind::Hvm).unwrap_err();
        assert!(format!("{error:?}").contains("0 (off) to 250"), "{text}: {error:?}");
    }
}

#[test]
fn plain_keys_say_what_timers_there_are() {
    let tsc = |mode| Timer { mode: Some(mode), ..timer(TimerName::Tsc) };
    let hpet = |present| Timer { present: Some(present), ..timer(TimerName::Hpet) };
    let rtc = |policy| Timer { tickpolicy: Some(policy), ..timer(TimerName::Rtc) };
    let hyperv = Timer { present: Some(true), ..timer(TimerName::Hypervclock) };
    let table: &[(&str, &[Timer])] = &[
        ("tsc_mode = \"NATIVE\"", &[tsc(TimerMode::Native)]),
        ("tsc_mode = 1", &[tsc(TimerMode::Emulate)]),
        ("tsc_mode = \"default\"", &[tsc(TimerMode::Auto)]),
        ("hpet = 0", &[hpet(false)]),
        ("timer_mode = 3\nhpet = 1", &[hpet(true), rtc(TickPolicy::Merge)]),
        ("timer_mode = \"delay_for_missed_ticks\"", &[rtc(TickPolicy::Delay)]),
        ("viridian = 1", &[]),
        ("viridian = [ \"base\", \"time_ref_count\" ]", &[]),
        ("viridian = [ \"base\", \"time_ref_count\", \"reference_tsc\" ]", std::slice::from_ref(&hyperv)),
        ("viridian = [ \"all\" ]", std::slice::from_ref(&hyperv)),
        ("viridian = [ \"all\", \"!reference_tsc\" ]", &[]),
        (
            "clock_tsc_frequency = 2000000000",
            &[Timer { frequency: Some(Hertz(2_000_000_000)), ..timer(TimerName::Tsc) }],
        ),
    ];
    for (text, timers) in table {
        assert_eq!(hvm(text).timers, *timers, "{text}");
    }
    for kind in [GuestKind::Pv, GuestKind::Pvh] {
        let asked = asked("hpet = 1\ntimer_mode = 1\nviridian = [ \"all\" ]", kind);
        assert_eq!(asked.clock.timers, []);
        assert_eq!(asked.report.count(Verdict::NoEffect), 3);
    }
}

#[test]
fn our_keys_say_all_of_it() {
    let clock = hvm("clock_offset = \"variable\"\nclock_adjustment = \"-60\"\nclock_basis = \"localtime\"\n\
         clock_timers = [\n  \"name=rtc,track=wall,tickpolicy=catchup,threshold=1,limit=3\",\n  \"name=kvmclock,present=no\",\n]\n\
         tsc_mode = \"native\"\n");
    assert_eq!(clock.offset, ClockOffset::Variable { adjustment: -60, basis: Basis::Localtime });
    let rtc = &clock.timers[0];
    assert_eq!((rtc.track, rtc.tickpolicy), (Some(Track::Wall), Some(TickPolicy::Catchup)));
    let catchup = rtc.catchup.unwrap();
    assert_eq!((catchup.threshold, catchup.slew, catchup.limit), (Some(1), None, Some(3)));
    assert_eq!(clock.timers[1], Timer { present: Some(false), ..timer(TimerName::Kvmclock) });
    assert_eq!(clock.timers[2], Timer { mode: Some(TimerMode::Native), ..timer(TimerName::Tsc) });
    let reset = hvm("clock_offset = \"utc\"\nclock_adjustment = \"reset\"");
    assert_eq!(reset.offset, ClockOffset::Utc { adjustment: Some(Adjustment::Reset) });
    let zone = hvm("clock_timezone = 'Europe/Paris'");
    assert_eq!(
        zone.offset,
        ClockOffset::Timezone { timezone: "Europe/Paris".to_owned() },
        "the zone says it"
    );
}

#[test]
fn what_is_wrong_has_its_place_and_a_remedy() {
    // The text, where, which finding, a part of the message, a part of the remedy.
    let table = [
        ("clock_ofset = 1", "1:1", "no-such-key", "no key clock_ofset", "clock_offset"),
        (
            "clock_tsc_mode = \"native\"",
            "1:1",
            "no-such-key",
            "no key clock_tsc_mode",
            "write tsc_mode = \"native\"",
        ),
        (
            "\nclock_offset = \"gmt\"",
            "2:1",
            "bad-value",
            "clock_offset is 'gmt', expected utc, localtime",
            "",
        ),
        ("clock_offset = [ ]", "1:1", "bad-value", "clock_offset is a list", ""),
        ("clock_offset = \"timezone\"", "1:1", "key-missing", "clock_timezone", "Europe/Paris"),
        ("clock_offset = \"absolute\"", "1:1", "key-missing", "clock_start", "1970"),
        ("clock_timezone = \"\"", "1:1", "bad-value", "clock_timezone is ''", ""),
        ("clock_start = \"noon\"", "1:1", "bad-value", "clock_start is 'noon'", ""),
        ("clock_adjustment = 5", "1:1", "no-clock-offset", "without clock_offset", "variable"),
        (
            "clock_offset = \"utc\"\nclock_basis = \"utc\"",
            "2:1",
            "other-clock",
            "belongs to a clock",
            "remove it",
        ),
        ("clock_offset = \"variable\"\nclock_basis = \"x\"", "2:1", "bad-value", "clock_basis is 'x'", ""),
        ("clock_offset = \"variable\"\nclock_adjustment = \"reset\"", "2:1", "bad-value", "'reset'", ""),
        ("clock_offset = \"utc\"\nclock_adjustment += 5", "2:1", "bad-value", "set with +=", ""),
        ("clock_tsc_frequency = \"2 GHz\"", "1:1", "bad-value", "'2 GHz', expected a frequency in Hz", ""),
        ("clock_timers = \"name=rtc\"", "1:1", "bad-value", "expected a list", ""),
        ("clock_timers = [ [ ] ]", "1:18", "bad-timer", "a list within the list", ""),
        ("clock_timers = [ \"rtc\" ]", "1:19", "bad-timer", "'rtc' is not key=value", "name=rtc"),
        ("clock_timers = [ \"track=wall\" ]", "1:18", "no-timer-name", "no name", "name=..."),
        ("clock_timers = [ \"name=rtx\" ]", "1:19", "bad-value", "name is 'rtx', expected platform, rtc", ""),
        ("clock_timers = [ \"name=rtc,tick=x\" ]", "1:28", "bad-timer", "no 'tick'", "tickpolicy"),
        ("clock_timers = [ \"name=rtc,slew=+1\" ]", "1:28", "bad-value", "slew is '+1'", ""),
        ("clock_timers = [ \"name=rtc,name=rtc\" ]", "1:28", "bad-timer", "name twice", "keep one"),
        (
            "clock_timers = [ \"name=rtc\", \"name=rtc,track=wall\" ]",
            "1:30",
            "timer-twice",
            "rtc twice",
            "keep one",
        ),
        ("tsc_mode = \"fast\"", "1:1", "bad-value", "tsc_mode is 'fast'", ""),
        (
            "tsc_mode = \"emulate\"",
            "1:1",
            "bad-value",
            "tsc_mode is 'emulate'",
            "write tsc_mode = \"always_emulate\"",
        ),
        (
            "tsc_mode = \"pvrdtscp\"",
            "1:1",
            "bad-value",
            "tsc_mode is 'pvrdtscp'",
            "write tsc_mode = \"default\"",
        ),
        (
            "clock_start = \"2022-01-01\"",
            "1:1",
            "bad-value",
            "clock_start is '2022-01-01'",
            "clock_start = 1640995200",
        ),
        ("timer_mode = 9", "1:1", "bad-value", "timer_mode is '9', expected delay", ""),
    ];
    for (text, place, code, reason, remedy) in table {
        let error = read(&parse("f", text.as_bytes()).unwrap(), GuestKind::Hvm).unwrap_err().first().clone();
        assert_eq!(error.place.to_string(), format!("f:{place}"), "{text}");
        let Finding { code: found, reason: said, alternative, verdict, .. } = error.finding;
        assert_eq!((found, verdict), (code, Verdict::Invalid), "{text}: {said}");
        assert!(said.contains(reason), "{text}: {said:?} has no {reason:?}");
        assert!(alternative.unwrap_or_default().contains(remedy), "{text}: no {remedy:?}");
    }
}

#[test]
fn plain_keys_that_say_otherwise_are_an_error() {
    let table = [
        (
            "clock_offset = \"utc\"\nlocaltime = 1",
            "localtime = 1 contradicts the clock_ keys, which request utc",
        ),
        (
            "clock_offset = \"localtime\"\nlocaltime = 0",
            "localtime = 0 contradicts the clock_ keys, which request localtime",
        ),
        ("clock_offset = \"timezone\"\nclock_timezone = \"X\"\nlocaltime = 1", "localtime = 1 contradicts"),
        (
            "clock_offset = \"variable\"\nclock_adjustment = 5\nrtc_timeoffset = 6",
            "rtc_timeoffset = 6 contradicts",
        ),
        (
            "clock_offset = \"utc\"\nclock_adjustment = \"reset\"\nrtc_timeoffset = 6",
            "rtc_timeoffset = 6 contradicts",
        ),
        (
            "clock_timers = [ \"name=tsc,mode=smpsafe\" ]\ntsc_mode = \"native\"",
            "tsc_mode = native contradicts",
        ),
        (
            "clock_timers = [ \"name=tsc,frequency=5\" ]\nclock_tsc_frequency = 6",
            "clock_tsc_frequency = 6 contradicts",
        ),
        ("clock_timers = [ \"name=hpet,tickpolicy=delay\" ]\nhpet = 0", "hpet = 0 contradicts"),
        ("clock_timers = [ \"name=rtc,tickpolicy=delay\" ]\ntimer_mode = 1", "timer_mode = 1 contradicts"),
        (
            "clock_timers = [ \"name=hypervclock,present=no\" ]\nviridian = [ \"all\" ]",
            "viridian contradicts",
        ),
    ];
    for (text, expected) in table {
        let error = read(&parse("f", text.as_bytes()).unwrap(), GuestKind::Hvm).unwrap_err().first().clone();
        assert!(error.finding.reason.contains(expected), "{text}: {error}");
        assert_eq!(error.finding.code, "contradiction");
    }
    for text in [
        "clock_offset = \"variable\"\nclock_adjustment = 5\nrtc_timeoffset = 5",
        "clock_offset = \"timezone\"\nclock_timezone = \"X\"\nrtc_timeoffset = 7200",
        "clock_offset = \"localtime\"\nclock_adjustment = \"reset\"\nlocaltime = 1",
        "clock_timers = [ \"name=rtc,tickpolicy=delay\" ]\ntimer_mode = 0",
    ] {
        hvm(text);
    }
}

#[test]
fn every_key_of_the_clock_has_a_verdict_and_a_place() {
    let asked = asked(
        "name = \"a\"\nrtc_timeoffset = 5\nrtc_timeoffset = \"soon\"\n\
         clock_timers = [ \"name=rtc,tickpolicy=delay\", \"name=rtc,tickpolicy=delay\" ]\n",
        GuestKind::Hvm,
    );
    let all: Vec<_> = asked.report.all().map(|node| (node.node, node.finding.verdict)).collect();
    assert_eq!(
        all,
        [
            ("/name".to_owned(), Verdict::Exact),
            ("/rtc_timeoffset".to_owned(), Verdict::NoEffect),
            ("/rtc_timeoffset".to_owned(), Verdict::Unsupported),
            ("/clock_timers".to_owned(), Verdict::Exact),
            ("/clock_timers[1]".to_owned(), Verdict::Exact),
            ("/clock_timers[1]/name".to_owned(), Verdict::Exact),
            ("/clock_timers[1]/tickpolicy".to_owned(), Verdict::Exact),
            ("/clock_timers[2]".to_owned(), Verdict::NoEffect),
            ("/clock_timers[2]/name".to_owned(), Verdict::Exact),
            ("/clock_timers[2]/tickpolicy".to_owned(), Verdict::Exact),
        ]
    );
    assert_eq!(asked.report.place(Part::TickPolicy(0)).to_string(), "guest.cfg:4:28");
    let refused: Vec<_> = asked.report.losses().filter(|loss| loss.finding.refuses_start).collect();
    assert_eq!(refused[0].place.to_string(), "guest.cfg:3:1");
}

#[test]
fn a_file_that_is_not_utf8_has_its_places_right() {
    let text = b"name = \"\xe9\xe9\" # \xff\nx = \"\xe9\"; clock_start = \"\xe9\"\n";
    let error = read(&parse("f", text).unwrap(), GuestKind::Pv).unwrap_err();
    assert_eq!(error.first().place.to_string(), "f:2:10");
}
