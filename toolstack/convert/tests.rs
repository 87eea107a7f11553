//! A domain that is written as XML and read back is the same domain.
#![allow(clippy::unwrap_used)]

use timers::GuestClock;

use super::xml_of;
use crate::domain::arbitrary::any;
use crate::domain::changes::settled;
use crate::domain::{Domain, DomainConfig};
use crate::xml;

/// The domain that is read again after it was written.
fn again(domain: &Domain) -> Domain {
    let text = xml_of(domain, None).unwrap();
    let read = xml::read("guest.xml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(
        read.report.losses().map(|loss| loss.node).filter(|node| node.starts_with('/')).collect::<Vec<_>>(),
        Vec::<String>::new(),
        "{text}"
    );
    read.domain
}

fn same(config: &DomainConfig, clock: &GuestClock) {
    let domain = Domain::new(config.clone(), clock.clone());
    let read = again(&domain);
    assert_eq!(settled(&read.config, &read.clock), settled(config, clock));
    assert_eq!(&read.clock, clock);
}

#[test]
fn every_field_comes_back() {
    for seed in 0..400 {
        same(&any(seed), &GuestClock::default());
    }
}

#[test]
fn a_clock_comes_back_word_for_word() {
    use timers::tsc::Tolerance;
    use timers::{Basis, Catchup, ClockOffset, Hertz, TickPolicy, Timer, TimerMode, TimerName, Track};
    let config = DomainConfig::new(timers::GuestKind::Hvm);
    let all = |name| Timer {
        name,
        present: Some(true),
        track: Some(Track::Guest),
        tickpolicy: Some(TickPolicy::Delay),
        catchup: Some(Catchup { threshold: Some(1), slew: Some(2), limit: None }),
        frequency: Some(Hertz(2_399_999_123)),
        mode: Some(TimerMode::Native),
    };
    let offsets = [
        ClockOffset::default(),
        ClockOffset::Timezone { timezone: "Europe/Paris".to_owned() },
        ClockOffset::Variable { adjustment: -3600, basis: Basis::Localtime },
        ClockOffset::Absolute { start: 1_904_169_600 },
        ClockOffset::Absolute { start: -1 },
    ];
    for offset in offsets {
        let timers: Vec<_> = TimerName::ALL.iter().map(|name| all(*name)).collect();
        let mut clock = GuestClock::new(offset, timers);
        clock.tsc_tolerance = Tolerance::new(50).ok();
        same(&config, &clock);
    }
}
