//! Both ends against each other, with a failure at every step and the connection cut at every byte.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::xl::savefile::Header;

/// A step that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Save,
    RenameAway,
    RenameBack,
    Resume,
    DestroyAway,
    Restore,
    RenameHome,
    Unpause,
    DestroyIncoming,
}

use Step::*;

const STEPS: [Step; 9] =
    [Save, RenameAway, RenameBack, Resume, DestroyAway, Restore, RenameHome, Unpause, DestroyIncoming];

/// The state of the guest on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copy {
    None,
    Held,
    Runs,
}

/// Both hosts.
#[derive(Clone, Debug)]
struct World {
    here: (Copy, &'static str),
    there: (Copy, &'static str),
    failing: Vec<Step>,
}

impl World {
    fn new(failing: &[Step]) -> Shared {
        let here = (Copy::Runs, "guest");
        Arc::new(Mutex::new(World { here, there: (Copy::None, ""), failing: failing.to_vec() }))
    }

    fn step(&mut self, step: Step, done: impl FnOnce(&mut World)) -> Result<(), Failed> {
        if self.failing.contains(&step) {
            return Err(format!("{step:?} failed").into());
        }
        done(self);
        assert!(self.here.0 != Copy::Runs || self.there.0 != Copy::Runs, "two guests run after {step:?}");
        Ok(())
    }
}

type Shared = Arc<Mutex<World>>;

struct Here(Shared);

impl Here {
    fn step(&self, step: Step, done: impl FnOnce(&mut World)) -> Result<(), Failed> {
        self.0.lock().unwrap().step(step, done)
    }
}

const STREAM: &[u8] = b"the guest's memory";

impl Leaving for Here {
    fn save(&mut self, to: &mut File) -> Result<(), Failed> {
        self.step(Save, |world| world.here.0 = Copy::Held)?;
        Ok(to.write_all(STREAM)?)
    }
    fn rename_away(&mut self) -> Result<(), Failed> {
        self.step(RenameAway, |world| world.here.1 = "away")
    }
    fn rename_back(&mut self) -> Result<(), Failed> {
        self.step(RenameBack, |world| world.here.1 = "guest")
    }
    fn resume(&mut self) -> Result<(), Failed> {
        self.step(Resume, |world| world.here.0 = Copy::Runs)
    }
    fn destroy(&mut self) -> Result<(), Failed> {
        self.step(DestroyAway, |world| world.here = (Copy::None, ""))
    }
    fn progress(&mut self, _: &str) {}
}

struct There(Shared);

impl There {
    fn step(&self, step: Step, done: impl FnOnce(&mut World)) -> Result<(), Failed> {
        self.0.lock().unwrap().step(step, done)
    }
}

impl Arriving for There {
    fn restore(&mut self, from: &mut File) -> Result<(), Failed> {
        Header::read(from)?;
        from.read_exact(&mut [0; STREAM.len()])?;
        self.step(Restore, |world| world.there = (Copy::Held, "incoming"))
    }
    fn rename_home(&mut self) -> Result<(), Failed> {
        self.step(RenameHome, |world| world.there.1 = "guest")
    }
    fn unpause(&mut self) -> Result<(), Failed> {
        self.step(Unpause, |world| world.there.0 = Copy::Runs)
    }
    fn destroy(&mut self) -> Result<(), Failed> {
        self.step(DestroyIncoming, |world| world.there = (Copy::None, ""))
    }
    fn progress(&mut self, _: &str) {}
}

fn pipe() -> (File, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    (OwnedFd::from(reader).into(), OwnedFd::from(writer).into())
}

/// A pipe that breaks after so many bytes; it shows what went through.
fn cut_pipe(after: Option<usize>) -> (File, File, thread::JoinHandle<Vec<u8>>) {
    let (mut reader, writer) = pipe();
    let (end, mut onward) = pipe();
    let relay = thread::spawn(move || {
        let mut through = Vec::new();
        let mut byte = [0];
        while after.is_none_or(|after| through.len() < after) {
            if !matches!(reader.read(&mut byte), Ok(1)) || onward.write_all(&byte).is_err() {
                break;
            }
            through.push(byte[0]);
        }
        through
    });
    (end, writer, relay)
}

/// The result of a migration, with what went over the line in both directions.
struct Migration {
    world: World,
    sent: Result<Moved, NotMoved>,
    received: Result<Arrived, NotArrived>,
    forth: Vec<u8>,
    back: Vec<u8>,
}

fn header() -> Header {
    Header::new("{}".to_owned(), None)
}

fn migrate(failing: &[Step], cut_forth: Option<usize>, cut_back: Option<usize>) -> Migration {
    let world = World::new(failing);
    let (from_here, to_there, forth) = cut_pipe(cut_forth);
    let (from_there, to_here, back) = cut_pipe(cut_back);
    let mut target = There(world.clone());
    let target = thread::spawn(move || receive(&mut target, Line { to: to_here, from: from_here }, false));
    let sent = send(&mut Here(world.clone()), &header(), Line { to: to_there, from: from_there });
    let received = target.join().unwrap();
    let (forth, back) = (forth.join().unwrap(), back.join().unwrap());
    let world = world.lock().unwrap().clone();
    Migration { world, sent, received, forth, back }
}

impl Migration {
    /// That each side's words are true, and that at most one guest runs.
    fn check(&self, what: &str) {
        let Migration { world, sent, received, .. } = self;
        let World { here, there, failing } = world;
        let now = format!("{what}: {world:?}, {sent:?}, {received:?}");
        match sent {
            Ok(Moved { remains: None }) => {
                assert_eq!((here.0, *there), (Copy::None, (Copy::Runs, "guest")), "{now}")
            }
            Ok(Moved { remains: Some(_) }) => {
                assert_eq!((*here, *there), ((Copy::Held, "away"), (Copy::Runs, "guest")), "{now}");
            }
            Err(NotMoved { now: Now::RunsHere, .. }) => {
                assert_eq!(here.0, Copy::Runs, "{now}");
                assert!(there.0 == Copy::None || failing.contains(&DestroyIncoming), "{now}");
                assert!(here.1 == "guest" || failing.contains(&RenameBack), "{now}");
            }
            Err(NotMoved { now: Now::Stopped(_), .. }) => {
                assert_ne!((here.0, there.0), (Copy::None, Copy::Runs), "{now}");
                assert_ne!(there.0, Copy::Runs, "{now}");
            }
            Err(NotMoved { now: Now::Unknown, .. }) => assert_eq!(*here, (Copy::Held, "away"), "{now}"),
        }
        match received {
            Ok(_) => assert_eq!(*there, (Copy::Runs, "guest"), "{now}"),
            Err(NotArrived { remains: None, .. }) => assert_eq!(there.0, Copy::None, "{now}"),
            Err(NotArrived { remains: Some(_), .. }) => assert_ne!(there.0, Copy::None, "{now}"),
        }
    }
}

#[test]
fn a_migration_says_byte_for_byte_what_xl_says() {
    let done = migrate(&[], None, None);
    done.check("without failure");
    assert!(matches!(done.sent, Ok(Moved { remains: None })));
    let mut forth = Vec::new();
    header().write(&mut forth).unwrap();
    forth.extend(b"the guest's memory");
    forth.extend(b"domain is yours, you are cleared to unpause\0");
    assert_eq!(done.forth, forth);
    let back = b"xl migration receiver ready, send binary domain data.\n\
                 domain received, ready to unpause\0\
                 my copy unpause results are as follows\0\0";
    assert_eq!(done.back, back);
}

#[test]
fn a_target_that_cannot_start_the_guest_gives_it_back_as_xl_does() {
    let done = migrate(&[Unpause], None, None);
    done.check("unpause fails");
    let tail = b"my copy unpause results are as follows\0\x03domain is yours, you are cleared to unpause\0";
    assert!(done.back.ends_with(tail), "{:?}", String::from_utf8_lossy(&done.back));
    assert_eq!(done.world.here, (Copy::Runs, "guest"));
    let said = done.sent.unwrap_err().to_string();
    assert_eq!(
        said,
        "not migrated: the target could not start the guest (status 3); the guest continues to run here"
    );
}

#[test]
fn a_target_that_keeps_a_copy_does_not_give_the_guest_back() {
    let done = migrate(&[Unpause, DestroyIncoming], None, None);
    done.check("unpause and destroy fail");
    assert!(matches!(done.sent, Err(NotMoved { now: Now::Unknown, .. })), "{:?}", done.sent);
    let said = done.received.unwrap_err().to_string();
    assert!(said.contains("could not be destroyed"), "{said}");
}

#[test]
fn whatever_two_steps_fail_one_guest_runs_at_most() {
    for first in STEPS {
        for second in STEPS {
            migrate(&[first, second], None, None).check(&format!("{first:?} and {second:?} fail"));
        }
    }
}

#[test]
fn wherever_the_line_is_cut_one_guest_runs_at_most() {
    let whole = migrate(&[], None, None);
    for failing in [&[][..], &[Unpause], &[Resume]] {
        for after in 0..=whole.forth.len() {
            migrate(failing, Some(after), None).check(&format!("{failing:?}, cut {after} bytes forth"));
        }
        // With the target's giving back.
        for after in 0..=whole.back.len() + GO.len() {
            migrate(failing, None, Some(after)).check(&format!("{failing:?}, cut {after} bytes back"));
        }
    }
}

#[test]
fn before_the_go_the_guest_is_resumed_and_after_it_never_without_a_word() {
    let whole = migrate(&[], None, None);
    let before_go = whole.forth.len() - GO.len();
    let resumed = migrate(&[], Some(before_go - 1), None);
    assert_eq!(resumed.world.here, (Copy::Runs, "guest"));
    assert!(resumed.sent.unwrap_err().to_string().contains("did not accept the guest"));
    let lost_go = migrate(&[], Some(before_go + 1), None);
    assert!(matches!(lost_go.received, Err(NotArrived { remains: None, .. })));
    // The target says that it gives the guest back.
    assert_eq!(lost_go.world.here, (Copy::Runs, "guest"));
    let lost_report = migrate(&[], None, Some(BANNER.len() + READY.len() + 1));
    assert_eq!((lost_report.world.here, lost_report.world.there.0), ((Copy::Held, "away"), Copy::Runs));
    let said = lost_report.sent.unwrap_err().to_string();
    for words in ["LAST STEP", "--migratedaway", "LOOK ON BOTH HOSTS", "NEVER LET BOTH RUN"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_target_that_is_no_xl_costs_the_guest_nothing() {
    for (said, expected) in [
        (&b""[..], "see the messages of ssh and of xl there"),
        (b"Welcome to host2!\n", "something printed \"Welcome to host2!"),
        (b"y", "something printed \"y\""),
    ] {
        let world = World::new(&[]);
        let (from, mut target) = pipe();
        let (_keep, to) = pipe();
        target.write_all(said).unwrap();
        drop(target);
        let error = send(&mut Here(world.clone()), &header(), Line { to, from }).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(world.lock().unwrap().here, (Copy::Runs, "guest"));
    }
}

#[test]
fn with_paused_the_guest_arrives_and_waits() {
    let world = World::new(&[]);
    let ((from_here, to_there), (from_there, to_here)) = (pipe(), pipe());
    let mut target = There(world.clone());
    let target = thread::spawn(move || receive(&mut target, Line { to: to_here, from: from_here }, true));
    let sent = send(&mut Here(world.clone()), &header(), Line { to: to_there, from: from_there });
    assert!(sent.is_ok() && target.join().unwrap().is_ok());
    assert_eq!(world.lock().unwrap().there, (Copy::Held, "guest"));
}

#[test]
fn the_command_to_the_other_host_is_xls() {
    let rune = Rune {
        ssh: "ssh",
        host: "host2",
        receiver: Receiver::Xl,
        terminal: false,
        timestamps: false,
        verbose: 0,
        monitor: true,
        debug: false,
        paused: false,
    };
    assert_eq!(rune.command(), "exec ssh host2 xl migrate-receive");
    let all = Rune {
        terminal: true,
        timestamps: true,
        verbose: 2,
        monitor: false,
        debug: true,
        paused: true,
        ..rune.clone()
    };
    assert_eq!(all.command(), "exec ssh host2 xl -t -T -vv migrate-receive -e -d -p");
    assert_eq!(Rune { verbose: 9, ..rune.clone() }.command(), "exec ssh host2 xl -vvvv migrate-receive");
    let ours = Rune { receiver: Receiver::Xenclock, ..all };
    assert_eq!(ours.command(), "exec ssh host2 xenclock -t -T -vv migrate-receive -e -d -p");
    let local = Rune { ssh: "", host: "xl migrate-receive", debug: true, ..rune };
    assert_eq!(local.command(), "xl migrate-receive");
}

#[test]
fn a_command_carries_a_line() {
    let (Line { mut to, mut from }, mut transport) = Transport::open("cat; exit 3").unwrap();
    to.write_all(b"there and back").unwrap();
    assert_eq!(transport.ended(std::time::Duration::ZERO).unwrap(), None);
    drop(to);
    let mut back = String::new();
    from.read_to_string(&mut back).unwrap();
    assert_eq!(back, "there and back");
    let status = transport.ended(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(3));
}

#[test]
fn the_other_host_is_asked_over_the_same_line() {
    assert_eq!(ask_command("ssh -p 22", "b").as_deref(), Some("exec ssh -p 22 b xenclock host-info --json"));
    let whole = "xenclock --backend mock:b.json migrate-receive -e";
    assert_eq!(ask_command("", whole).as_deref(), Some("xenclock --backend mock:b.json host-info --json"));
    assert_eq!(ask_command("", "my-script b"), None);
}
