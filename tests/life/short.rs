//! Short forms for fixed sequences: each acts on the first guest.

use timers::{Basis, ClockOffset, GuestKind};
use xenclock::host::ErrorKind;

use crate::op::{By, End, Machine, Op, Sick, Spec, Story, Tool, Turns};
use crate::vain::Fault;

pub const IN_TIME: Turns = Turns { end: true, birth: true };
pub const TOO_LATE: Turns = Turns { end: false, birth: false };
pub const MONTHS: i64 = 40 * 86_400;

pub fn spec(kind: GuestKind, by: By, offset: ClockOffset) -> Spec {
    Spec { kind, offset, tsc: None, by, clean: false }
}

pub fn utc() -> ClockOffset {
    ClockOffset::Utc { adjustment: None }
}

pub fn localtime() -> ClockOffset {
    ClockOffset::Localtime { adjustment: None }
}

pub fn variable() -> ClockOffset {
    ClockOffset::Variable { adjustment: 0, basis: Basis::Utc }
}

pub fn of_localtime() -> ClockOffset {
    ClockOffset::Variable { adjustment: 0, basis: Basis::Localtime }
}

pub fn start(site: usize) -> Op {
    Op::Start { guest: 0, site, turns: IN_TIME }
}

pub fn write(by: i64) -> Op {
    Op::Write { guest: 0, by }
}

pub fn end(end: End, turns: Turns) -> Op {
    Op::End { guest: 0, end, turns }
}

pub fn save(by: Tool, stay: bool, write: i64) -> Op {
    Op::Save { guest: 0, by, stay, write, turns: IN_TIME }
}

pub fn restore(site: usize, by: Tool) -> Op {
    Op::Restore { file: 0, site, by, turns: IN_TIME }
}

pub fn migrate(to: usize, by: Tool, fails: bool) -> Op {
    Op::Migrate { guest: 0, to, by, write: 0, fails, turns: IN_TIME }
}

pub fn vain(call: &'static str) -> Op {
    Op::Vain { guest: 0, site: 0, fault: Fault { call, kind: ErrorKind::Permission } }
}

pub fn serve(site: usize) -> Op {
    Op::Serve { site }
}

pub fn machine(khz: u32, reliable: bool, scales: bool) -> Machine {
    Machine { khz, reliable, scaling: Some(scales) }
}

pub fn told(spec: Spec, ops: Vec<Op>) -> Story {
    Story {
        machines: [machine(2_600_000, true, false), machine(3_000_000, true, true)],
        guests: vec![spec],
        ops,
    }
}

pub fn hvm(by: By, offset: ClockOffset) -> Spec {
    spec(GuestKind::Hvm, by, offset)
}

pub fn pvh(by: By, offset: ClockOffset) -> Spec {
    spec(GuestKind::Pvh, by, offset)
}

/// An hour ahead, and the guest may change that.
pub fn hour(by: By) -> Spec {
    hvm(by, ClockOffset::Variable { adjustment: 3600, basis: Basis::Utc })
}

pub fn poll(site: usize) -> Op {
    Op::Poll { site }
}

pub fn change(site: usize) -> Op {
    Op::ToChange { site }
}

pub fn sicken(site: usize) -> Op {
    Op::Sicken { site, how: Sick::ReadOnly }
}

pub fn lose(keeps: Option<u8>) -> Op {
    Op::Lose { site: 0, guest: 0, keeps }
}
