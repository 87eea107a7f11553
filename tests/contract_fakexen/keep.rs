//! The service and the monitor on real libxl, with Debian's real xl as the other toolstack: clocks are kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fakexen::{parts, world};
use serde_json::Value;
use timers::GuestKind;
use xenclock::host::{DomId, RunState, ShutdownReason, TscInfo};
use xenclock::tracking::store::RecordStore;

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A guest as xl starts it.
fn cfg(dir: &Path, kind: GuestKind, more: &str) -> String {
    let file = |name: &str| dir.join(name).display().to_string();
    let what = match kind {
        GuestKind::Hvm => format!(
            "firmware_override = \"{}\"\nbios_path_override = \"{}\"\ndevice_model_override = \"{}\"\nvga = \"none\"\nvnc = 0\n\
             vkb_device = 0\n",
            file("loader"),
            file("bios"),
            slow_device_model(dir)
        ),
        GuestKind::Pvh | GuestKind::Pv => format!("kernel = \"{}\"\n", file("kernel")),
    };
    format!("type = \"{}\"\nname = \"guest\"\nuuid = \"{UUID}\"\nmemory = 16\n{what}{more}", kind.as_str())
}

/// One that takes as long as a QEMU does, and by that gives the service its time.
fn slow_device_model(dir: &Path) -> String {
    let path = dir.join("slow-device-model");
    fs::write(&path, format!("#!/bin/sh\nsleep 0.5\nexec '{}' \"$@\"\n", dir.join("device-model").display()))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A machine with Debian's xl on it, and a directory for clocks.
struct Dom0 {
    stage: FakeStage,
    xl: PathBuf,
}

/// A service that runs.
struct Service {
    child: Child,
    events: PathBuf,
}

impl Dom0 {
    /// Without xl there is nothing to test with, and a line says so.
    fn new() -> Option<Self> {
        Dom0::with(&Scenario::default())
    }

    fn with(scenario: &Scenario) -> Option<Self> {
        let Some(xl) = parts::utility("xl").filter(|_| parts::utility("libxl-save-helper").is_some()) else {
            xentest::skip(
                "no xl",
                "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
            );
            return None;
        };
        if parts::is_by_linker() {
            xentest::skip(
                "the libraries of another Debian start no helper",
                "run the test with this Debian's libraries",
            );
            return None;
        }
        let stage = FakeStage::new(scenario).map_err(|cannot| cannot.0).unwrap();
        Some(Dom0 { stage, xl })
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.stage.dir().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, program: &OsStr, words: &[&str]) -> std::process::Command {
        let mut command = parts::command(program);
        let path = format!("{}:{}", self.xl.parent().unwrap().display(), std::env::var("PATH").unwrap());
        command.args(words).envs(self.stage.environment()).env("TZ", "Europe/Berlin").env("PATH", path);
        command
    }

    fn run(&self, program: &OsStr, words: &[&str]) -> String {
        // A daemon that it leaves holds its standard output, so that is no pipe.
        let (out, err) = (self.stage.dir().join("stdout"), self.stage.dir().join("stderr"));
        let status = self
            .command(program, words)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .status()
            .unwrap();
        assert!(status.success(), "{program:?} {words:?}: {status}: {}", fs::read_to_string(&err).unwrap());
        fs::read_to_string(&out).unwrap()
    }

    fn xl(&self, words: &[&str]) -> String {
        self.run(self.xl.as_os_str(), words)
    }

    fn xenclock(&self, words: &[&str]) -> String {
        let records = self.records();
        let words = [&["--backend", "libxl", "--records", &records], words].concat();
        self.run(OsStr::new(env!("CARGO_BIN_EXE_xenclock")), &words)
    }

    fn records(&self) -> String {
        self.stage.dir().join("clocks").to_str().unwrap().to_owned()
    }

    fn service(&self) -> Service {
        let events = self.stage.dir().join("events");
        let records = self.records();
        let words =
            ["--backend", "libxl", "--records", &records, "clock-watch", "--period", "0.1", "--xml-dir"];
        let xml = self.stage.dir().join("xml");
        let words = [&words[..], &[xml.to_str().unwrap()]].concat();
        let mut command = self.command(OsStr::new(env!("CARGO_BIN_EXE_xenclock")), &words);
        let log = File::options().append(true).create(true).open(&events).unwrap();
        // It says by systemd's protocol when it has read all clocks.
        let notify = self.stage.dir().join("notify");
        let _ = fs::remove_file(&notify);
        let ready = UnixDatagram::bind(&notify).unwrap();
        ready.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        command.env("NOTIFY_SOCKET", &notify);
        let child = command.stdin(Stdio::null()).stdout(log).spawn().unwrap();
        let service = Service { child, events };
        let mut word = [0; 256];
        let length = ready.recv(&mut word).expect("the service is ready");
        assert!(word[..length].starts_with(b"READY=1"));
        service
    }

    /// The guest's domain, when it runs as another than the one before.
    fn running(&self, not: Option<DomId>) -> DomId {
        let start = Instant::now();
        loop {
            let domains = self.stage.host().domains().unwrap();
            let found = domains.iter().find(|domain| {
                domain.uuid.to_string() == UUID
                    && domain.state == RunState::Running
                    && Some(domain.domid) != not
                    && domain.has_run
            });
            if let Some(domain) = found {
                return domain.domid;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "the guest does not run: {domains:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn offset(&self, domid: DomId) -> i64 {
        self.stage.host().rtc_record(domid).unwrap().offset
    }

    fn tsc(&self, domid: DomId) -> TscInfo {
        self.stage.host().tsc_info(domid).unwrap()
    }

    fn moves_rtc(&self, domid: DomId, seconds: i64) {
        self.stage.guest_shifts_rtc(domid, seconds).map_err(|cannot| cannot.0).unwrap();
    }

    fn ends(&self, domid: DomId, reason: ShutdownReason) {
        self.stage.guest_ends(domid, reason).map_err(|cannot| cannot.0).unwrap();
    }
}

impl Service {
    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.events).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for an event of this kind with these values.
    #[track_caller]
    fn tells(&self, event: &str, wanted: &[(&str, i64)]) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let found = self
                .events()
                .into_iter()
                .any(|said| said["event"] == event && wanted.iter().all(|(key, value)| said[key] == *value));
            if found {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no {event} with {wanted:?} in {:#?}", self.events());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A guest that xl starts and reboots has the clock that was asked for, and keeps what it makes of it.
pub fn by_the_service() {
    let Some(dom0) = Dom0::new() else { return };
    let asked = ["rtc_timeoffset=3600", "tsc_mode=always_emulate", "clock_tsc_frequency=1000000000"];
    dom0.xenclock(&[&["clock-set", UUID], &asked[..]].concat());
    let service = dom0.service();
    let file = dom0.file("guest.cfg", &cfg(dom0.stage.dir(), GuestKind::Hvm, "on_reboot = \"restart\"\n"));
    dom0.xl(&["create", &file]);
    let first = dom0.running(None);
    service.tells("clock-set", &[("offset", 3600), ("tsc_khz", 1_000_000)]);
    assert_eq!(dom0.offset(first), 3600);
    assert_eq!((dom0.tsc(first).mode, dom0.tsc(first).khz), (1, 1_000_000));
    let tsc = dom0.stage.guest_tsc(first).map_err(|cannot| cannot.0).unwrap();
    assert!(tsc < 60 * 1_000_000_000, "the guest's TSC counts from 0, and is {tsc}");

    // What it writes is told, and is there after a reboot, which xl makes a new domain of.
    dom0.moves_rtc(first, 20);
    service.tells("rtc-change", &[("before", 3600), ("offset", 3620)]);
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    assert_eq!((dom0.offset(second), dom0.tsc(second).khz), (3620, 1_000_000));

    // Also what it writes just before, unless xl has destroyed the domain before the service could read it.
    let mut third = second;
    let is_in_time = (0..5).any(|_| {
        dom0.moves_rtc(third, 7);
        dom0.ends(third, ShutdownReason::Reboot);
        third = dom0.running(Some(third));
        let offset = dom0.offset(third);
        assert!([3620, 3627].contains(&offset), "{offset}");
        offset == 3627
    });
    assert!(is_in_time, "the service has come too late each time");
    assert_eq!(dom0.tsc(third).khz, 1_000_000);

    // And where the service has died meanwhile.
    dom0.moves_rtc(third, -27);
    service.tells("rtc-change", &[("before", 3627), ("offset", 3600)]);
    service.kill();
    dom0.moves_rtc(third, 1);
    let service = dom0.service();
    dom0.ends(third, ShutdownReason::Reboot);
    let fourth = dom0.running(Some(third));
    assert_eq!((dom0.offset(fourth), dom0.tsc(fourth).khz), (3601, 1_000_000));

    // A restore by xl, with an offset in its config, would move it.
    let saved = dom0.stage.dir().join("saved");
    dom0.xl(&["save", "guest", saved.to_str().unwrap()]);
    service.tells("ended", &[("offset", 3601)]);
    dom0.xl(&["restore", saved.to_str().unwrap()]);
    let fifth = dom0.running(Some(fourth));
    service.tells("followed", &[("domid", fifth.0.into())]);
    assert_eq!(dom0.offset(fifth), 3601);
    dom0.xl(&["destroy", "guest"]);
    service.tells("gone", &[("domid", fifth.0.into())]);
}

/// Without the service, all of that is lost.
pub fn without_the_service() {
    let Some(dom0) = Dom0::new() else { return };
    let more = "on_reboot = \"restart\"\nrtc_timeoffset = 3600\n";
    let file = dom0.file("guest.cfg", &cfg(dom0.stage.dir(), GuestKind::Hvm, more));
    dom0.xl(&["create", &file]);
    let first = dom0.running(None);
    dom0.moves_rtc(first, 20);
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    assert_eq!(dom0.offset(second), 3600, "lost by a reboot");
    dom0.moves_rtc(second, 20);
    let saved = dom0.stage.dir().join("saved");
    dom0.xl(&["save", "guest", saved.to_str().unwrap()]);
    dom0.xl(&["restore", saved.to_str().unwrap()]);
    let third = dom0.running(Some(second));
    assert_eq!(dom0.offset(third), 3600, "lost by a restore");
    dom0.xl(&["destroy", "guest"]);
}

/// With it, a restore by xl is put right; and restores by us are right by themselves, whoever saved.
pub fn saved_and_restored() {
    let Some(dom0) = Dom0::new() else { return };
    let saved = dom0.stage.dir().join("saved");
    let saved = saved.to_str().unwrap();
    let file = dom0
        .file("guest.cfg", &cfg(dom0.stage.dir(), GuestKind::Hvm, "rtc_timeoffset = 3600\nlocaltime = 1\n"));
    dom0.xl(&["create", &file]);
    let mut domid = dom0.running(None);
    let mut wanted = dom0.offset(domid);
    let service = dom0.service();
    for (saver, restorer) in [("xl", "xl"), ("xl", "xenclock"), ("xenclock", "xl"), ("xenclock", "xenclock")]
    {
        dom0.moves_rtc(domid, 20);
        wanted += 20;
        service.tells("rtc-change", &[("offset", wanted)]);
        let act = |who: &str, words: &[&str]| match who {
            "xl" => dom0.xl(words),
            _ => dom0.xenclock(words),
        };
        act(saver, &["save", "guest", saved]);
        act(restorer, &["restore", saved]);
        domid = dom0.running(Some(domid));
        // Where both are xl's, the service moves the RTC. A guest that writes its RTC between that and the check would be
        // told as a failure.
        if (saver, restorer) == ("xl", "xl") {
            service.tells("put-right", &[("domid", domid.0.into())]);
        }
        assert_eq!(dom0.offset(domid), wanted, "saved by {saver}, restored by {restorer}");
    }
    dom0.xl(&["destroy", "guest"]);
}

/// The monitor that our own create leaves behind does what xl's does, and the clock goes on.
pub fn by_the_monitor() {
    let Some(dom0) = Dom0::new() else { return };
    let kernel = dom0.stage.dir().join("kernel");
    let xml = format!(
        "<domain type='xen'><name>guest</name><uuid>{UUID}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
         <os><type machine='xenpvh'>xenpvh</type><kernel>{}</kernel></os><on_reboot>restart</on_reboot>\
         <on_poweroff>destroy</on_poweroff><clock offset='utc' adjustment='-60'>\
         <timer name='tsc' mode='emulate' frequency='1000000000'/></clock></domain>",
        kernel.display()
    );
    let file = dom0.file("guest.xml", &xml);
    dom0.xenclock(&["create", "-q", &file]);
    let first = dom0.running(None);
    let wallclock = |domid| dom0.stage.wallclock_offset(domid).map_err(|cannot| cannot.0).unwrap();
    assert_eq!((wallclock(first), dom0.tsc(first).khz), (-60, 1_000_000));
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    assert_eq!((wallclock(second), dom0.tsc(second).khz), (-60, 1_000_000));
    dom0.xenclock(&["migrate", "-s", "", "guest", &dom0.receiver()]);
    let third = dom0.running(Some(second));
    assert_eq!((wallclock(third), dom0.tsc(third).khz), (-60, 1_000_000));
    dom0.ends(third, ShutdownReason::Poweroff);
    let start = Instant::now();
    while dom0.stage.host().domains().unwrap().len() > 1 {
        assert!(start.elapsed() < Duration::from_secs(60), "the monitor takes it away");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A monitor may be busy with a domain that the guest was before, however long: with its core, say.
pub fn by_a_monitor_that_waits() {
    let Some(dom0) = Dom0::new() else { return };
    let file = dom0.file("guest.cfg", &cfg(dom0.stage.dir(), GuestKind::Pvh, "on_reboot = \"restart\"\n"));
    let before = RecordStore::in_dir(dom0.records()).monitor(UUID.parse().unwrap()).unwrap();
    assert!(before.is_some());
    dom0.xenclock(&["create", "-q", &file]);
    let first = dom0.running(None);
    dom0.ends(first, ShutdownReason::Reboot);
    let start = Instant::now();
    while !fs::read_to_string("/var/log/xen/xenclock-guest.log")
        .is_ok_and(|log| log.contains("waiting for another monitor of this guest"))
    {
        assert!(start.elapsed() < Duration::from_secs(60), "the monitor says what it waits for");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(dom0.stage.host().domains().unwrap().last().unwrap().domid, first, "one at a time");
    drop(before);
    let second = dom0.running(Some(first));
    dom0.xenclock(&["destroy", &second.to_string()]);
}

/// Where nobody can be asked for the right to be the monitor, the guest still has one, and it needs no records.
pub fn by_a_monitor_without_a_disk() {
    let Some(dom0) = Dom0::new() else { return };
    fs::create_dir(dom0.records()).unwrap();
    dom0.file("clocks/monitors", "a file in the place of a directory");
    let file = dom0.file("guest.cfg", &cfg(dom0.stage.dir(), GuestKind::Pvh, "on_reboot = \"restart\"\n"));
    dom0.xenclock(&["create", "-q", &file]);
    let first = dom0.running(None);
    // The monitor may write a record in between, and make the directory anew.
    let start = Instant::now();
    while fs::remove_dir_all(dom0.records())
        .and_then(|()| fs::write(dom0.records(), "a file in its place"))
        .is_err()
    {
        assert!(start.elapsed() < Duration::from_secs(60), "a file takes the directory's place");
    }
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    dom0.xenclock(&["destroy", &second.to_string()]);
}

/// What `xl config-update` has left for the next start is taken, and one that is broken is no reason not to start.
pub fn an_updated_config_is_taken() {
    let Some(dom0) = Dom0::new() else { return };
    let with =
        |more: &str| cfg(dom0.stage.dir(), GuestKind::Pvh, &format!("on_reboot = \"restart\"\n{more}"));
    let file = dom0.file("guest.cfg", &with("rtc_timeoffset = 60\n"));
    dom0.xenclock(&["create", "-q", &file]);
    let first = dom0.running(None);
    let wallclock = |domid| dom0.stage.wallclock_offset(domid).map_err(|cannot| cannot.0).unwrap();
    assert_eq!(wallclock(first), 60);
    let file = dom0.file("guest.cfg", &with("rtc_timeoffset = 120\ntsc_mode = \"always_emulate\"\n"));
    dom0.xl(&["config-update", "guest", &file]);
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    assert_eq!((wallclock(second), dom0.tsc(second).mode), (120, 1));
    dom0.stage.host().set_user_data(second, "xl", b"rtc_timeoffset = -1 = [").unwrap();
    dom0.ends(second, ShutdownReason::Reboot);
    let third = dom0.running(Some(second));
    assert_eq!((wallclock(third), dom0.tsc(third).mode), (120, 1));
    dom0.xl(&["destroy", "guest"]);
}

/// Memory that is short for a guest comes from dom0, as much as with xl, also where a monitor starts the guest again. What
/// dom0 does not give up is said.
pub fn dom0_gives_memory() {
    let scenario = Scenario { memory_mb: Some(8), ..Scenario::default() };
    let guest = |dom0: &Dom0, memory: u32| {
        let text = cfg(dom0.stage.dir(), GuestKind::Pvh, "on_reboot = \"restart\"\n");
        dom0.file("guest.cfg", &text.replace("memory = 16", &format!("memory = {memory}")))
    };
    let left = |dom0: &Dom0| dom0.stage.host().domains().unwrap()[0].memory_kb;
    // A toolstack asks of dom0 what Xen's own program has written down at the boot.
    let booted = || {
        let dom0 = Dom0::with(&scenario)?;
        let init = parts::utility("xen-init-dom0").unwrap();
        // It takes dom0's number in xenstore as a sign that it has been there.
        assert_eq!(world::with(|world| world.store.forget("/local/domain/0/domid")), Some(true));
        dom0.run(init.as_os_str(), &[]);
        Some(dom0)
    };
    // What it has written is dom0's own, and no guest has left it.
    let shut_down = |dom0: Dom0| {
        world::with(|world| world.store.forget("/vm/00000000-0000-0000-0000-000000000000"));
        for file in fs::read_dir("/var/lib/xen").unwrap().map(|entry| entry.unwrap().path()) {
            assert!(file.to_str().unwrap().contains("userdata-d.0."), "{file:?}");
            fs::remove_file(file).unwrap();
        }
        drop(dom0);
    };
    let Some(dom0) = booted() else { return };
    let all = left(&dom0);
    dom0.xl(&["create", &guest(&dom0, 16)]);
    let with_xl = left(&dom0);
    assert!(with_xl < all, "{with_xl}");
    dom0.xl(&["destroy", "guest"]);
    shut_down(dom0);

    let dom0 = booted().unwrap();
    dom0.xenclock(&["create", "-q", &guest(&dom0, 16)]);
    assert_eq!(left(&dom0), with_xl);
    let first = dom0.running(None);
    dom0.xl(&["config-update", "guest", &guest(&dom0, 64)]);
    dom0.ends(first, ShutdownReason::Reboot);
    let second = dom0.running(Some(first));
    assert!(left(&dom0) + (40 << 10) < with_xl, "{}", left(&dom0));
    dom0.xl(&["destroy", &second.to_string()]);

    let file = guest(&dom0, 2000);
    let refused = |program: &OsStr, words: &[&str]| {
        let output = dom0.command(program, words).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    refused(dom0.xl.as_os_str(), &["create", &file]);
    let words = ["--backend", "libxl", "--records", &dom0.records(), "create", "-q", &file];
    let said = refused(OsStr::new(env!("CARGO_BIN_EXE_xenclock")), &words);
    assert!(said.contains("memory=MB, or end another guest"), "{said}");
    shut_down(dom0);
}

impl Dom0 {
    /// The words that receive a guest on this same host.
    fn receiver(&self) -> String {
        let command = self.command(OsStr::new(env!("CARGO_BIN_EXE_xenclock")), &[]);
        let program: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        format!("{} --backend libxl --records '{}' migrate-receive", program.join(" "), self.records())
    }
}
