#![allow(clippy::unwrap_used)]
use std::fs::File;
use std::io::Write;

use tempfile::TempDir;
use timers::GuestKind;
use uuid::Uuid;

use super::*;
use crate::domain::DomainConfig;
use crate::host::SaveKind;
use crate::host::mock::Mock;
use crate::tracking::store::{Clocks, Saved};
use crate::tracking::transfer::Transfer;

const UUID: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);

struct Lab {
    dir: TempDir,
    host: Mock,
    records: RecordStore,
    domid: DomId,
}

/// A guest that was made and has not run.
fn lab() -> Lab {
    let dir = TempDir::new().unwrap();
    let now = "2026-07-01T12:00:00Z".parse().unwrap();
    let host = Mock::in_memory(Box::new(move || now));
    let records = RecordStore::in_dir(dir.path().join("records"));
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config.c_info.uuid = Some(UUID);
    config.b_info.target_memkb = Some(1024);
    let domid = host.create_paused(&config).unwrap();
    Lab { dir, host, records, domid }
}

impl Lab {
    fn suspend(&self) {
        self.host.unpause(self.domid).unwrap();
        self.host.save(self.domid, &mut tempfile::tempfile().unwrap(), SaveKind::Suspend).unwrap();
    }

    /// As a program leaves it that is killed: its claim is a file that nobody holds.
    fn killed_while_holding(&self, then: Then, seconds_ago: u64) {
        let claim = self.records.claim_holding(UUID).unwrap().unwrap();
        let boot = self.host.facts().unwrap().boot_id;
        let doing = "set the TSC of the guest".to_owned();
        claim.note(&Unfinished { doing, boot, domid: Some(self.domid), then });
        claim.leave();
        let at = std::time::SystemTime::now() - Duration::from_secs(seconds_ago);
        File::options().write(true).open(self.holding()).unwrap().set_modified(at).unwrap();
    }

    fn holding(&self) -> std::path::PathBuf {
        self.dir.path().join("records/holding").join(UUID.to_string())
    }

    fn killed(&self, leaving: bool, domid: Option<DomId>, then: Then, boot: Option<&str>) {
        let records = &self.records;
        let claim = if leaving { records.claim_leaving(UUID) } else { records.claim(UUID) }.unwrap().unwrap();
        let boot = boot.map_or_else(|| self.host.facts().unwrap().boot_id, str::to_owned);
        claim.note(&Unfinished { doing: "do something with the guest".to_owned(), boot, domid, then });
        let path = self.path(leaving);
        let text = std::fs::read(&path).unwrap();
        drop(claim);
        assert!(!path.exists(), "a claim that is given back leaves nothing");
        std::fs::write(path, text).unwrap();
    }

    fn path(&self, leaving: bool) -> std::path::PathBuf {
        let dir = if leaving { "leaving" } else { "starting" };
        self.dir.path().join("records").join(dir).join(UUID.to_string())
    }

    fn mend(&self) -> Vec<String> {
        let mended = mend(&self.host, &self.records).unwrap();
        assert!(!self.path(true).exists() && !self.path(false).exists(), "it is done once");
        mended.into_iter().map(|mended| mended.why).collect()
    }

    fn state(&self) -> Option<RunState> {
        let domains = self.host.domains().unwrap();
        domains.iter().find(|domain| domain.domid == self.domid).map(|domain| domain.state)
    }
}

#[test]
fn a_domain_that_has_not_run_is_destroyed() {
    for known in [false, true] {
        let lab = lab();
        lab.killed(false, known.then_some(lab.domid), Then::Destroy, None);
        let why = lab.mend().remove(0);
        assert!(
            why.starts_with("a program was killed while trying to do something with the guest: "),
            "{why}"
        );
        assert_eq!(lab.state(), None);
        assert_eq!(lab.mend(), [""; 0]);
    }
}

#[test]
fn what_somebody_else_made_or_let_run_is_left_alone() {
    let lab = lab();
    lab.killed(false, Some(DomId(lab.domid.0 + 1)), Then::Destroy, None);
    assert_eq!((lab.mend(), lab.state()), (vec![], Some(RunState::Paused)), "another domain");
    lab.killed(false, None, Then::Destroy, Some("another boot"));
    assert_eq!((lab.mend(), lab.state()), (vec![], Some(RunState::Paused)), "another boot");
    std::fs::write(lab.path(false), "").unwrap();
    assert_eq!((lab.mend(), lab.state()), (vec![], Some(RunState::Paused)), "nothing was begun");
    std::fs::write(lab.path(false), "{").unwrap();
    assert_eq!((lab.mend(), lab.state()), (vec![], Some(RunState::Paused)), "no note");
    lab.host.unpause(lab.domid).unwrap();
    lab.host.pause(lab.domid).unwrap();
    lab.killed(false, None, Then::Destroy, None);
    assert_eq!((lab.mend(), lab.state()), (vec![], Some(RunState::Paused)), "it has run");
    // One whose program lives.
    let held = lab.records.claim(UUID).unwrap().unwrap();
    let boot = lab.host.facts().unwrap().boot_id;
    held.note(&Unfinished { doing: String::new(), boot, domid: None, then: Then::Destroy });
    assert_eq!(mend(&lab.host, &lab.records).unwrap(), []);
    assert!(lab.records.is_claimed(UUID).unwrap());
}

#[test]
fn a_suspended_guest_goes_on_unless_its_file_is_complete() {
    let lab = lab();
    lab.suspend();
    lab.host.rename(lab.domid, "guest--migratedaway").unwrap();
    lab.killed(true, Some(lab.domid), Then::Resume, None);
    assert_eq!(lab.mend().len(), 1);
    assert_eq!(lab.state(), Some(RunState::Running));
    assert_eq!(lab.host.domains().unwrap().pop().unwrap().name, "guest");

    for complete in [false, true] {
        let lab = self::lab();
        lab.suspend();
        let (new, path) = (lab.dir.path().join("new"), lab.dir.path().join("saved"));
        File::create(&path).unwrap().write_all(b"an older one").unwrap();
        let saved = Saved::of(&File::create(&new).unwrap(), &path).unwrap();
        if complete {
            std::fs::rename(&new, &path).unwrap();
        }
        lab.killed(true, Some(lab.domid), Then::DestroyIfSaved(saved), None);
        assert_eq!(lab.mend().len(), 1);
        assert_eq!(lab.state(), (!complete).then_some(RunState::Running));
    }
}

#[test]
fn a_guest_that_was_sent_away_meanwhile_does_not_depart() {
    let lab = lab();
    let domain = lab.host.domains().unwrap().into_iter().find(|domain| domain.domid == lab.domid).unwrap();
    let zones = timers::zone::default_zones();
    let transfer = Transfer::new(&lab.host, &lab.records, &*zones);
    drop(transfer.departs(&domain, "save the guest").unwrap());
    lab.host.destroy(lab.domid).unwrap();
    let error = transfer.departs(&domain, "save the guest").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoSuchDomain);
    assert!(!lab.path(true).exists(), "a claim is left");
}

#[test]
fn a_guest_that_may_run_elsewhere_is_left_and_named() {
    let lab = lab();
    lab.killed(false, Some(lab.domid), Then::Leave, None);
    assert!(lab.mend().remove(0).contains("if it does, destroy the domain, otherwise unpause it"));
    assert_eq!(lab.state(), Some(RunState::Paused));
    lab.suspend();
    lab.killed(true, Some(lab.domid), Then::Leave, None);
    assert!(lab.mend().remove(0).contains("if it does, destroy the domain"));
    assert_eq!(lab.state(), Some(RunState::Shutdown(ShutdownReason::Suspend)));
}

#[test]
fn a_note_is_whole_whatever_stood_there_before() {
    let lab = lab();
    let claim = lab.records.claim(UUID).unwrap().unwrap();
    for length in [3000, 1, 200] {
        let unfinished = Unfinished {
            doing: "x".repeat(length),
            boot: "b".to_owned(),
            domid: Some(DomId(7)),
            then: Then::Leave,
        };
        claim.note(&unfinished);
        let text = std::fs::read(lab.path(false)).unwrap();
        assert_eq!(serde_json::from_slice::<Unfinished>(&text).unwrap(), unfinished);
    }
}

#[test]
fn a_start_takes_away_what_a_killed_one_has_left() {
    let lab = lab();
    lab.killed(false, None, Then::Destroy, None);
    let claim = crate::tracking::start::claim(&lab.host, &lab.records, UUID, "start").unwrap();
    assert_eq!(lab.state(), None);
    assert!(claim.is_some());
}

fn tsc(khz: u32) -> TscInfo {
    TscInfo { mode: 1, elapsed_ns: 0, khz, incarnation: 0 }
}

#[test]
fn a_pause_that_was_made_to_set_a_tsc_is_ended_once_the_toolstack_is_done() {
    for (toolstack_is_done, pauses, runs) in [(true, 1, true), (false, 1, false), (true, 2, true)] {
        let lab = lab();
        (0..pauses).for_each(|_| lab.host.pause(lab.domid).unwrap());
        if toolstack_is_done {
            lab.host.unpause(lab.domid).unwrap();
        }
        let then = Then::EndPauses { pauses, tsc: Some(tsc(1_000_000)) };
        lab.killed_while_holding(then.clone(), 0);
        assert_eq!(mend(&lab.host, &lab.records).unwrap(), [], "its toolstack may be about to unpause it");
        assert!(lab.holding().exists());
        lab.killed_while_holding(then, 10);
        let why = mend(&lab.host, &lab.records).unwrap().remove(0).why;
        assert!(why.contains("its TSC is set, and the domain was unpaused"), "{why}");
        assert_eq!(lab.host.tsc_info(lab.domid).unwrap().khz, 1_000_000);
        assert_eq!(lab.state() == Some(RunState::Running), runs);
        if !toolstack_is_done {
            lab.host.unpause(lab.domid).unwrap();
            assert_eq!(lab.state(), Some(RunState::Running));
        }
        assert!(!lab.holding().exists(), "it is done once");
    }
}

#[test]
fn a_pause_that_was_not_made_or_has_ended_is_not_ended() {
    let lab = lab();
    lab.host.unpause(lab.domid).unwrap();
    lab.killed_while_holding(Then::EndPauses { pauses: 1, tsc: None }, 10);
    assert_eq!(mend(&lab.host, &lab.records).unwrap(), []);
    assert!(!lab.holding().exists());
    lab.host.pause(lab.domid).unwrap();
    assert_eq!((mend(&lab.host, &lab.records).unwrap(), lab.state()), (vec![], Some(RunState::Paused)));
}

#[test]
fn of_a_domain_that_is_gone_nothing_is_left() {
    let lab = lab();
    lab.host.pause(lab.domid).unwrap();
    lab.killed_while_holding(Then::EndPauses { pauses: 1, tsc: None }, 0);
    lab.host.destroy(lab.domid).unwrap();
    assert_eq!(mend(&lab.host, &lab.records).unwrap(), []);
    assert!(!lab.holding().exists(), "nobody is about to unpause it");
}

#[test]
fn a_helper_that_follows_a_killed_one_leaves_the_pause_of_that_noted() {
    let lab = lab();
    lab.host.pause(lab.domid).unwrap();
    lab.killed_while_holding(Then::EndPauses { pauses: 1, tsc: Some(tsc(1_000_000)) }, 10);
    let mut setter = crate::tracking::hold::NotedTsc::new(&lab.host, &lab.records).unwrap();
    crate::apply::clock::SetTsc::set_tsc(&mut setter, lab.domid, &tsc(2_000_000)).unwrap();
    lab.host.unpause(lab.domid).unwrap();
    assert_eq!(lab.state(), Some(RunState::Paused), "the pause of the killed one is there");
    File::options().write(true).open(lab.holding()).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(mend(&lab.host, &lab.records).unwrap().len(), 1);
    assert_eq!(lab.state(), Some(RunState::Running));
    assert_eq!(lab.host.tsc_info(lab.domid).unwrap().khz, 2_000_000);
}

#[test]
fn a_soft_reset_is_finished_or_undone() {
    for finished in [true, false] {
        let lab = lab();
        lab.host.unpause(lab.domid).unwrap();
        lab.host.guest_shift_rtc(lab.domid, 20).unwrap();
        lab.host.guest_end(lab.domid, ShutdownReason::SoftReset).unwrap();
        let (rtc, tsc) = (lab.host.rtc_record(lab.domid).unwrap(), lab.host.tsc_info(lab.domid).unwrap());
        let mut config = lab.host.stored_config(lab.domid).unwrap();
        config.b_info.rtc_timeoffset = 3600;
        lab.host.soft_reset(lab.domid, &config).unwrap();
        let clocks = Clocks { offset: timers::UtcOffset::new(rtc.offset).ok(), tsc };
        lab.killed(false, Some(lab.domid), Then::FinishReset(finished.then_some(clocks)), None);
        assert_eq!(lab.mend().len(), 1);
        assert_eq!(lab.state(), finished.then_some(RunState::Running));
        if finished {
            assert_eq!(lab.host.rtc_record(lab.domid).unwrap().offset, 20);
        }
    }
}

#[test]
fn whoever_ends_a_pause_and_is_killed_leaves_its_own_noted() {
    let lab = lab();
    lab.host.pause(lab.domid).unwrap();
    lab.host.unpause(lab.domid).unwrap();
    lab.killed_while_holding(Then::EndPauses { pauses: 1, tsc: Some(tsc(1_000_000)) }, 10);
    let mut claim = lab.records.unfinished().remove(0);
    mend_claimed(&lab.host, &lab.records, &mut claim).unwrap().unwrap();
    let noted = std::fs::read_to_string(lab.holding()).unwrap();
    assert!(noted.contains("\"pauses\":2"), "{noted}");
}
