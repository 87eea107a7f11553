//! Failures that only the real libraries can have.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use fakexen::parts;
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, ErrorKind, Host, RunState, SaveKind, ShutdownReason};

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

fn stage() -> FakeStage {
    FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap()
}

fn config(stage: &FakeStage, kind: GuestKind) -> DomainConfig {
    stage.config(kind, "guest").map_err(|cannot| cannot.0).unwrap()
}

/// libxl says only that it did not start; what is missing stands in its log.
pub fn a_device_model_that_does_not_start() {
    let stage = stage();
    let program = stage.dir().join("broken-device-model");
    let words = "qemu-system-i386: -drive file=/no/such.img: Could not open '/no/such.img': No such file";
    fs::write(&program, format!("#!/bin/sh\necho started >&2\necho \"{words}\" >&2\nexit 1\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = config(&stage, GuestKind::Hvm);
    config.b_info.device_model = program.to_str().map(str::to_owned);
    for _ in 0..2 {
        let error = stage.host().create_paused(&config).unwrap_err();
        let log = "/var/log/xen/qemu-dm-guest.log";
        assert!(error.detail.ends_with(&format!("; {log} ends with: started | {words}")), "{error}");
        assert_eq!(stage.host().domains().unwrap().len(), 1, "nothing is left");
    }
}

/// More is written than a pipe takes, so that libxl finds out in the middle.
pub fn a_reader_that_hangs_up() {
    if parts::utility("libxl-save-helper").is_none() {
        return xentest::skip(
            "no libxl-save-helper",
            "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
        );
    }
    for kind in [GuestKind::Hvm, GuestKind::Pvh, GuestKind::Pv] {
        let stage = stage();
        let host = stage.host();
        let domid = host.create_paused(&config(&stage, kind)).unwrap();
        host.unpause(domid).unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let mut writer = File::from(OwnedFd::from(writer));
        let saved = thread::scope(|scope| {
            scope.spawn(move || {
                let mut reader = reader;
                reader.read_exact(&mut [0; 100_000]).unwrap();
            });
            host.save(domid, &mut writer, SaveKind::Live)
        });
        assert_eq!(saved.map_err(|error| error.kind), Err(ErrorKind::Io), "{kind:?}");
        goes_on(host, &stage, domid);
    }
}

fn goes_on(host: &dyn Host, stage: &FakeStage, domid: DomId) {
    let state = || host.domains().unwrap().into_iter().find(|domain| domain.domid == domid).unwrap().state;
    assert_eq!(state(), RunState::Running);
    stage.guest_ends(domid, ShutdownReason::Poweroff).map_err(|cannot| cannot.0).unwrap();
    assert_eq!(state(), RunState::Shutdown(ShutdownReason::Poweroff));
}
