//! Events of the mock: a log that every process reads at its own position.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::host::Event;

/// As many are kept; who reads more slowly misses the oldest.
const KEPT: usize = 1000;

/// The latest events, numbered from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventLog {
    /// How many there ever were.
    count: u64,
    /// The last of them.
    recent: VecDeque<Event>,
}

impl EventLog {
    pub(super) fn push(&mut self, event: Event) {
        self.count += 1;
        self.recent.push_back(event);
        while self.recent.len() > KEPT {
            self.recent.pop_front();
        }
    }

    /// The same without what is in it: numbers go on, and nobody hears of what was not read.
    pub(super) fn silenced(&self) -> Self {
        EventLog { count: self.count, recent: VecDeque::new() }
    }

    /// The number of the latest; 0 when there was none.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.count
    }

    /// The first that came after the one of this number and is still kept, with its own number.
    #[must_use]
    pub fn after(&self, number: u64) -> Option<(u64, &Event)> {
        let dropped = self.count.saturating_sub(self.recent.len() as u64);
        let wanted = number.max(dropped);
        let event = self.recent.get(usize::try_from(wanted - dropped).ok()?)?;
        Some((wanted + 1, event))
    }

    /// True if there is anything to write down.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::host::DomId;

    #[test]
    fn the_oldest_are_dropped_and_a_slow_reader_goes_on_with_what_is_left() {
        let mut log = EventLog::default();
        assert_eq!(log.after(0), None);
        for number in 1..=1500 {
            log.push(Event::Destroyed { domid: DomId(number), uuid: Uuid::nil() });
        }
        assert_eq!(log.latest(), 1500);
        let first = log.after(0).map(|(number, event)| (number, event.clone()));
        assert_eq!(first, Some((501, Event::Destroyed { domid: DomId(501), uuid: Uuid::nil() })));
        assert_eq!(log.after(1499).map(|found| found.0), Some(1500));
        assert_eq!(log.after(1500), None);
        assert_eq!(log.after(9999), None);
        let mut silenced = log.silenced();
        assert_eq!((silenced.latest(), silenced.after(0)), (1500, None));
        silenced.push(Event::Destroyed { domid: DomId(1), uuid: Uuid::nil() });
        assert_eq!(silenced.after(1500).map(|found| found.0), Some(1501));
    }
}
