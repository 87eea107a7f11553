//! Events of the host: xenstore reports that something changed, and the list of domains shows the change.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use super::domains::Domain;
use super::state::{Seen, Watched};
use super::{Libxl, error};
use crate::host::{DomId, ErrorKind, Event, HostError, Result, RunState};

/// A slower reader misses the oldest events.
const KEPT: usize = 1000;

/// Without a word from xenstore, it is asked whether it is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Watched {
    /// Compares with what was there before. `is_introduced` is asked only of domains that are new.
    fn compare(&mut self, domains: &[Domain], is_introduced: impl Fn(u32) -> bool) {
        let there: BTreeMap<u32, Seen> = domains
            .iter()
            .filter(|domain| domain.is_there())
            .map(|domain| {
                let ended = match domain.state {
                    RunState::Shutdown(reason) => Some(reason),
                    _ => None,
                };
                (domain.domid, Seen { uuid: domain.uuid, ended })
            })
            .collect();
        let gone: Vec<_> = self
            .known
            .iter()
            .filter(|(domid, seen)| there.get(domid).is_none_or(|now| now.uuid != seen.uuid))
            .map(|(domid, seen)| (*domid, seen.uuid))
            .collect();
        for (domid, uuid) in gone {
            self.known.remove(&domid);
            self.tell(Event::Destroyed { domid: DomId(domid), uuid });
        }
        for (number, now) in there {
            let (domid, uuid) = (DomId(number), now.uuid);
            let before = match self.known.get(&number) {
                Some(seen) => seen.ended,
                // It is being built, and will be introduced.
                None if !is_introduced(number) => continue,
                None => {
                    self.tell(Event::Introduced { domid, uuid });
                    None
                }
            };
            self.known.insert(number, now);
            if let Some(reason) = now.ended.filter(|reason| before != Some(*reason)) {
                self.tell(Event::Shutdown { domid, uuid, reason });
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.waiting.push_back(event);
        while self.waiting.len() > KEPT {
            self.waiting.pop_front();
        }
    }
}

impl Libxl {
    /// From now on, what happens is an event.
    pub(super) fn start_watching(&self) -> Result<()> {
        self.look("watch the domains")?;
        self.watched.borrow_mut().waiting.clear();
        Ok(())
    }

    /// Notes what this program has done itself: a domain that comes and goes would not be seen by looking later.
    pub(super) fn observe(&self) {
        if let Err(error) = self.look("watch the domains") {
            tracing::warn!("{error}");
        }
    }

    fn look(&self, doing: &str) -> Result<()> {
        let domains = self.xc_domains(doing)?;
        self.watched.borrow_mut().compare(&domains, |domid| self.store.is_introduced(domid));
        Ok(())
    }

    pub(super) fn wait_for_event(&self, timeout: Duration, doing: &str) -> Result<Option<Event>> {
        // A timeout beyond all times is none.
        let end = Instant::now().checked_add(timeout);
        self.listen(doing)?;
        loop {
            while self.store.fired().map_err(|error| lost(doing, &error))? {}
            self.look(doing)?;
            if let Some(event) = self.watched.borrow_mut().waiting.pop_front() {
                return Ok(Some(event));
            }
            let left = end.map_or(LOOK_AGAIN, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            wait_readable(self.store.fd(), left.min(LOOK_AGAIN)).map_err(|error| lost(doing, &error))?;
        }
    }

    /// Asks xenstore to tell of domains that come and go, once.
    fn listen(&self, doing: &str) -> Result<()> {
        if self.watched.borrow().listening {
            return Ok(());
        }
        for path in [c"@introduceDomain", c"@releaseDomain"] {
            self.store
                .watch(path)
                .map_err(|error| error::of_errno(doing, error.raw_os_error().unwrap_or_default(), &[]))?;
        }
        self.watched.borrow_mut().listening = true;
        Ok(())
    }
}

fn lost(doing: &str, error: &io::Error) -> HostError {
    HostError::new(ErrorKind::Io, doing, format!("the connection to xenstore is lost: {error}"))
}

/// Waits until the file has something to read, or for so long; a signal ends it early.
fn wait_readable(fd: RawFd, timeout: Duration) -> io::Result<()> {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // A millisecond too long rather than none at all.
    let millis = i32::try_from(timeout.as_millis().saturating_add(1)).unwrap_or(i32::MAX);
    // SAFETY: one structure is given, and told.
    match unsafe { libc::poll(&mut poll, 1, millis) } {
        0 => Ok(()),
        1 if poll.revents & libc::POLLIN != 0 => Ok(()),
        1 => Err(io::Error::from_raw_os_error(libc::EPIPE)),
        _ => match io::Error::last_os_error() {
            early if early.kind() == io::ErrorKind::Interrupted => Ok(()),
            error => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use timers::GuestKind;
    use uuid::Uuid;

    use super::*;
    use crate::host::ShutdownReason;

    fn domain(domid: u32, uuid: u128, state: RunState) -> Domain {
        Domain {
            domid,
            uuid: Uuid::from_u128(uuid),
            kind: GuestKind::Hvm,
            state,
            paused: state == RunState::Paused,
            cpu_time: 0,
            memory_kb: 0,
            vcpus: 1,
        }
    }

    /// The events of each look, as words.
    fn story(looks: &[&[Domain]]) -> Vec<String> {
        let mut watched = Watched::default();
        watched.compare(&[domain(0, 0, RunState::Running)], |_| true);
        watched.waiting.clear();
        for look in looks {
            // Odd numbers are still being built.
            watched.compare(look, |domid| domid % 2 == 0);
        }
        watched
            .waiting
            .iter()
            .map(|event| match event {
                Event::Introduced { domid, uuid } => format!("+{domid}:{}", uuid.as_u128()),
                Event::Shutdown { domid, uuid, reason } => format!("{reason:?} {domid}:{}", uuid.as_u128()),
                Event::Destroyed { domid, uuid } => format!("-{domid}:{}", uuid.as_u128()),
            })
            .collect()
    }

    const RUNNING: RunState = RunState::Running;
    const REBOOT: RunState = RunState::Shutdown(ShutdownReason::Reboot);
    const SUSPEND: RunState = RunState::Shutdown(ShutdownReason::Suspend);

    #[test]
    fn dom0_is_there_and_stays() {
        let look: &[Domain] = &[domain(0, 0, RUNNING)];
        assert_eq!(story(&[look, look]), [""; 0]);
    }

    #[test]
    fn a_life() {
        let looks: [&[Domain]; 6] = [
            &[domain(0, 0, RUNNING), domain(2, 7, RunState::Paused)],
            &[domain(0, 0, RUNNING), domain(2, 7, RUNNING)],
            &[domain(0, 0, RUNNING), domain(2, 7, REBOOT)],
            &[domain(0, 0, RUNNING), domain(2, 7, REBOOT)],
            &[domain(0, 0, RUNNING), domain(2, 7, RunState::Dying)],
            &[domain(0, 0, RUNNING)],
        ];
        assert_eq!(story(&looks), ["+2:7", "Reboot 2:7", "-2:7"]);
    }

    #[test]
    fn much_between_two_looks() {
        let looks: [&[Domain]; 3] = [
            &[domain(0, 0, RUNNING), domain(2, 7, RUNNING)],
            // A reboot, and another that began and ended.
            &[domain(0, 0, RUNNING), domain(4, 7, RUNNING), domain(6, 8, REBOOT)],
            // The same number with another UUID.
            &[domain(0, 0, RUNNING), domain(4, 9, RUNNING)],
        ];
        assert_eq!(story(&looks), ["+2:7", "-2:7", "+4:7", "+6:8", "Reboot 6:8", "-4:7", "-6:8", "+4:9"]);
    }

    #[test]
    fn a_domain_that_is_being_built_is_no_event_yet() {
        assert_eq!(story(&[&[domain(0, 0, RUNNING), domain(3, 7, RunState::Paused)]]), [""; 0]);
        // Nor is what is left of one that nobody saw.
        assert_eq!(story(&[&[domain(0, 0, RUNNING), domain(4, 7, RunState::Dying)]]), [""; 0]);
    }

    #[test]
    fn a_save_that_failed_can_end_again() {
        let looks: [&[Domain]; 4] = [
            &[domain(0, 0, RUNNING), domain(2, 7, RUNNING)],
            &[domain(0, 0, RUNNING), domain(2, 7, SUSPEND)],
            &[domain(0, 0, RUNNING), domain(2, 7, RUNNING)],
            &[domain(0, 0, RUNNING), domain(2, 7, SUSPEND)],
        ];
        assert_eq!(story(&looks), ["+2:7", "Suspend 2:7", "Suspend 2:7"]);
    }

    #[test]
    fn waiting_for_a_file() -> io::Result<()> {
        let (reader, mut writer) = io::pipe()?;
        let start = Instant::now();
        wait_readable(reader.as_raw_fd(), Duration::from_millis(20))?;
        assert!(start.elapsed() >= Duration::from_millis(20));
        writer.write_all(b"x")?;
        wait_readable(reader.as_raw_fd(), Duration::from_secs(60))?;
        drop((reader, writer));
        assert!(
            wait_readable(-1, Duration::from_millis(1)).is_ok(),
            "poll takes a negative number for nothing"
        );
        Ok(())
    }
}
