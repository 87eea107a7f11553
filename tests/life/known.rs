//! The oracle's knowledge of guests and of their records.

use timers::{ClockOffset, GuestClock, TimerMode};
use uuid::Uuid;
use xenclock::host::{DomId, HostFacts};

use crate::given::{Given, Word};
use crate::op::{Spec, Tool};
use crate::vain::Fault;

/// As many saves are remembered.
const SAVES: usize = xenclock::lifecycle::record::SAVES;

/// A guest, and what is known of it.
pub struct Guest {
    pub spec: Spec,
    pub asked: GuestClock,
    pub uuid: Uuid,
    pub name: String,
    pub instance: Option<Instance>,
    pub kept: [Kept; 2],
    /// The facts of the host on which it had its last cold start, then.
    pub birth_facts: Option<HostFacts>,
    /// A config that waits for its next save, restore or migration.
    pub given: Option<Given>,
    /// One has been taken.
    pub was_given: bool,
    /// Stock xl has saved it or brought it to a host, which may know nothing of it but its config, or a service has found it
    /// without its record.
    pub by_config: bool,
    /// Its last start was by a record in doubt, perhaps with an older request.
    pub started_in_doubt: bool,
}

impl Guest {
    /// Whether it is this domain.
    pub fn lives_as(&self, site: usize, domid: DomId) -> bool {
        self.instance.as_ref().is_some_and(|instance| (instance.site, instance.domid) == (site, domid))
    }
}

/// Its domain.
#[derive(Clone, Debug)]
pub struct Instance {
    pub site: usize,
    pub domid: DomId,
    /// Who does what is due when it ends.
    pub tool: Tool,
    /// Where its RTC must stand.
    pub offset: i64,
    /// Its TSC's mode, as xl's config has it.
    pub mode: TimerMode,
    /// Its TSC's rate.
    pub rate: u32,
    pub incarnation: u32,
    pub runs: bool,
    /// Whether the keeping knows this domain.
    pub settled: Settled,
    /// Our own tools are still about to make it, and the service keeps off it.
    pub claimed: bool,
    /// It ended or was suspended, and the service has not looked since.
    pub end_unseen: bool,
    /// By how much the guest has moved its RTC before the service saw it for the first time.
    pub written: i64,
    /// What its config gave when it was built.
    pub given: Option<i64>,
    /// Up to which offset its changes were told; `None` where a dead service may have told it or not.
    pub told: Option<i64>,
    /// An administrator has set its RTC, and the service has not looked since.
    pub set_unseen: bool,
    /// It was to move within its host and did not, and the service has not seen yet that it is the one that stays.
    pub moved_back: bool,
    /// It was soft reset, and its record may still say that it is to go on.
    pub reset: bool,
    /// Stock xl has soft reset it, and its TSC counts from anywhere.
    pub tsc_anywhere: bool,
    /// xenclock has written the offset in the config that libxl has of it.
    pub rewritten: bool,
    /// The save that it came out of.
    pub came: Option<Came>,
    /// A call of the host that fails while its clock is set.
    pub fault: Option<Fault>,
    /// Its clock could not be set.
    pub unset: bool,
    /// Where stock xl has put an RTC that could not be put right: there it says nothing of the guest.
    pub stuck: Option<i64>,
}

/// A domain that is gone, and nobody has noted it so far.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    pub guest: usize,
    pub site: usize,
    /// Whether it is to be started again, as far as it was seen.
    pub restarts: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub serial: usize,
    pub offset: i64,
    pub known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Yes,
    No,
    /// Whoever was about to has died, or could not write it down.
    Maybe,
}

/// What the keeping of a host has of a guest.
#[derive(Clone, Debug)]
pub struct Kept {
    pub what: What,
    /// The saves that it has seen, the latest first: incarnation and number.
    pub saves: Vec<(u32, usize)>,
    /// Whether there are no others.
    pub saves_sure: bool,
    /// The file is gone or torn, and a service that was there has it in memory.
    pub lost: Option<Loss>,
    /// The disk is behind the service's memory.
    pub unsaved: bool,
    /// Whether the guest was seen to move its RTC since its cold start.
    pub changed: Option<bool>,
    /// The offset that the record asks for.
    pub requested: Option<ClockOffset>,
    /// It is another than at the last start: what the guest made of its RTC is let go.
    pub fresh: bool,
    /// The record has the guest's last cold start.
    pub started: bool,
    /// Where a start put the RTC whose offset may be another season's.
    pub provisional: Provisional,
    /// The request in the record.
    pub word: Option<Word>,
    /// The offsets in configs that are known to be xenclock's and not its toolstack's.
    pub written: Vec<i64>,
    /// Of its own config nothing is known: there was none but one that xenclock had written when this began.
    pub of_rewritten: bool,
}

/// An offset from local time that a start has given while the host's clock was not set. If the guest leaves its RTC there,
/// its next start resolves the clock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisional {
    No,
    At(i64),
    /// Or the guest was seen to have moved it away and back.
    PerhapsAt(i64),
}

impl Provisional {
    /// What it is once the RTC was found here, and may have been elsewhere.
    pub fn perhaps(self, here: i64) -> Self {
        match self {
            Provisional::At(at) | Provisional::PerhapsAt(at) if at == here => Provisional::PerhapsAt(at),
            _ => Provisional::No,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Gone,
    Torn,
    /// It was torn, and a service has looked at the guest since: it may have had something to write down.
    Perhaps,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// No record.
    Nothing,
    /// What was asked, and the last offset: one of these. None where it was never seen.
    Sure(Vec<i64>),
    /// Perhaps one, perhaps another's wish in it.
    Doubt,
}

/// Where an RTC must stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// At one of these; more than one where a service died over it.
    Is(Vec<i64>),
    /// Anywhere, for this reason.
    Any(&'static str),
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            what: What::Nothing,
            saves: Vec::new(),
            saves_sure: true,
            lost: None,
            unsaved: false,
            changed: Some(false),
            requested: None,
            fresh: false,
            started: false,
            provisional: Provisional::No,
            word: None,
            written: Vec::new(),
            of_rewritten: false,
        }
    }
}

impl Kept {
    /// Whether what is on disk is what is known.
    pub fn is_sure(&self) -> bool {
        matches!(self.what, What::Sure(_)) && self.lost.is_none() && !self.unsaved
    }

    pub fn doubt(&mut self) {
        *self = Kept { what: What::Doubt, saves_sure: false, ..Kept::default() };
    }

    /// A cold start with the clock that is asked for.
    pub fn started(&mut self, offset: &ClockOffset) {
        (self.requested, self.fresh, self.started) = (Some(offset.clone()), false, true);
    }

    /// Its domain XML requests this for the next start.
    pub fn requested_by_xml(&mut self, offset: &ClockOffset) {
        self.fresh |= self.requested.as_ref().is_some_and(|before| before != offset);
        self.requested = Some(offset.clone());
    }

    pub fn nothing(&mut self) {
        *self = Kept::default();
    }

    pub fn last(&mut self, offset: i64) {
        if let What::Sure(lasts) = &mut self.what {
            if *lasts != [offset] {
                self.changed = Some(true);
                self.provisional = self.provisional.perhaps(offset);
            }
            *lasts = vec![offset];
        }
    }

    pub fn or_last(&mut self, offset: i64) {
        if let What::Sure(lasts) = &mut self.what
            && !lasts.contains(&offset)
        {
            lasts.push(offset);
        }
    }

    pub fn writes(&mut self, offset: Option<i64>) {
        if let Some(offset) = offset.filter(|_| self.what != What::Nothing) {
            self.written.retain(|known| *known != offset);
            self.written.insert(0, offset);
            self.written.truncate(SAVES + 1);
        }
    }

    pub fn saved(&mut self, incarnation: u32, serial: usize) {
        // A save of a clock of which nobody knows where it stood is not noted.
        let known = self.what != What::Nothing && self.what != What::Sure(Vec::new());
        if known && !self.saves.contains(&(incarnation, serial)) {
            self.saves.insert(0, (incarnation, serial));
            self.saves.truncate(SAVES);
        }
    }
}

impl Instance {
    /// What its RTC says of the guest.
    pub fn shows(&self) -> Option<i64> {
        Some(self.offset).filter(|_| self.stuck != Some(self.offset))
    }

    /// The guest has moved its RTC to there.
    pub fn moves(&mut self, offset: i64) {
        if self.settled != Settled::Yes {
            self.written += offset - self.offset;
        }
        self.offset = offset;
    }
}

impl Expect {
    /// Also this.
    pub fn or(self, offset: i64) -> Self {
        match self {
            Expect::Is(mut offsets) => {
                offsets.push(offset);
                Expect::Is(offsets)
            }
            any => any,
        }
    }
}
