//! A fresh machine for each case, with the real libxl open on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fakexen::world::World;
use fakexen::{Facts, Running, clock, parts, place};
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::domain::config::{Defbool, Hvm};
use xenclock::host::libxl::Libxl;
use xenclock::host::{DomId, Host, ShutdownReason};

use crate::contract::{Cannot, Played, Scenario, Stage};

unsafe extern "C" {
    fn tzset();
}

/// A machine, and the host on it.
pub struct FakeStage {
    /// Closed before the machine ends.
    host: Option<Libxl>,
    running: Running,
}

impl FakeStage {
    /// A machine of this kind.
    pub fn new(scenario: &Scenario) -> Played<Self> {
        let defaults = Facts::default();
        let facts = Facts {
            stopped: scenario.now.map(|now| now.parse().unwrap()),
            tsc_reliable: scenario.tsc_reliable.unwrap_or(defaults.tsc_reliable),
            tsc_scaling: scenario.tsc_scaling.unwrap_or(defaults.tsc_scaling),
            memory_mb: scenario.memory_mb.unwrap_or(defaults.memory_mb),
            cpus: 64,
            directio: true,
            ..defaults
        };
        place::clean().unwrap();
        // SAFETY: the stage before this one has ended its threads, and this is the only one that goes on.
        let running = unsafe {
            std::env::set_var("TZ", scenario.timezone.unwrap_or("UTC"));
            tzset();
            Running::start(facts).unwrap()
        };
        Ok(FakeStage { host: Some(Libxl::open().unwrap()), running })
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.running.dir()
    }

    /// What a program that is to run on this machine has to have in its environment.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        self.running.environment()
    }

    /// Does something with the machine.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.running.with(act)
    }
}

impl Drop for FakeStage {
    fn drop(&mut self) {
        let Some(host) = self.host.take() else { return };
        // libxl ends what it has started for a domain only with the domain.
        let all = host.domains().unwrap_or_default().into_iter().map(|domain| domain.domid);
        let destroyed: Vec<_> =
            all.filter(|domid| *domid != DomId(0)).map(|domid| host.destroy(domid)).collect();
        drop(host);
        if std::thread::panicking() {
            return;
        }
        for result in destroyed {
            result.unwrap();
        }
        self.nothing_is_left();
    }
}

impl FakeStage {
    /// Ends the machine with all that runs on it, and without what libxl does for the end of each domain, which takes
    /// it seconds.
    pub fn abandon(mut self) {
        let unanswered = self.with(|world| world.unanswered.clone());
        drop(self.host.take());
        for pid in self.running.connected() {
            if pid != std::process::id().cast_signed() {
                // SAFETY: it is a device model that this machine's libxl has started.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
        assert!(unanswered.is_empty(), "nothing answers {unanswered:?}");
    }

    /// Whether all is gone that was there for a domain or a host.
    fn nothing_is_left(&self) {
        let (unanswered, nodes) = self.with(|world| {
            let tops = ["/local/domain", "/vm", "/libxl"];
            let nodes = tops.map(|top| world.store.paths_below(top)).concat();
            (world.unanswered.clone(), nodes)
        });
        assert!(unanswered.is_empty(), "nothing answers {unanswered:?}");
        // dom0 has its own, and what is there for all.
        let of_a_guest = |path: &&String| {
            let words: Vec<&str> = path.split('/').skip(1).collect();
            match words[..] {
                ["local", "domain", domid, ..] | ["libxl", domid, ..] => {
                    domid.parse().is_ok_and(|domid: u32| domid > 0)
                }
                ["vm", _, ..] => true,
                _ => false,
            }
        };
        let left: Vec<_> = nodes.iter().filter(of_a_guest).collect();
        assert!(left.is_empty(), "in xenstore: {left:?}");
        let files: Vec<_> =
            fs::read_dir("/var/lib/xen").unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.is_empty(), "in libxl's directory: {files:?}");
        // Those of a device model that has been killed are closed by the kernel, a moment later.
        let start = Instant::now();
        loop {
            let open = self.running.connected();
            if open.is_empty() {
                break;
            }
            let who = |pid: &i32| {
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                format!("{pid} ({})", String::from_utf8_lossy(&words).replace('\0', " "))
            };
            let waited = start.elapsed() > Duration::from_secs(10);
            assert!(!waited, "handles are open: {:?}", open.iter().map(who).collect::<Vec<_>>());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Stage for FakeStage {
    fn host(&self) -> &dyn Host {
        self.host.as_ref().unwrap()
    }

    fn second(&self) -> Played<Box<dyn Host + Send>> {
        Ok(Box::new(Libxl::open().unwrap()))
    }

    fn config(&self, kind: GuestKind, name: &str) -> Played<DomainConfig> {
        let path = |name: &str| Some(self.running.dir().join(name).to_str().unwrap().to_owned());
        let mut config = DomainConfig::new(kind);
        config.c_info.name = Some(name.to_owned());
        config.b_info.max_memkb = Some(16 * 1024);
        config.b_info.target_memkb = Some(16 * 1024);
        match kind {
            GuestKind::Hvm => {
                config.b_info.device_model = path("device-model");
                let mut hvm =
                    Hvm { firmware: path("loader"), system_firmware: path("bios"), ..Hvm::default() };
                hvm.vnc.enable = Some(Defbool::False);
                // All of the memory is the guest's: none is left for the device model to fill.
                hvm.vga.kind = Some(xenclock::domain::config::VgaKind::None);
                // libxl waits two seconds for the end of each device that the device model serves.
                hvm.vkb_device = Some(Defbool::False);
                config.b_info.hvm = Some(hvm);
            }
            GuestKind::Pv | GuestKind::Pvh => config.b_info.kernel = path("kernel"),
        }
        Ok(config)
    }

    fn saves(&self) -> Played {
        match parts::utility("libxl-save-helper") {
            Some(_) => Ok(()),
            None => Err(Cannot(
                "libxl saves by a program of Debian's xen-utils that is not here: tests/oracle/build DIR unpacks it, \
                 XENCLOCK_ORACLE=DIR names it"
                    .to_owned(),
            )),
        }
    }

    fn pass(&self, seconds: i64) -> Played {
        let seconds = u64::try_from(seconds).map_err(|_| Cannot("time cannot run back".to_owned()))?;
        clock::pass(Duration::from_secs(seconds));
        Ok(())
    }

    fn guest_shifts_rtc(&self, domid: DomId, seconds: i64) -> Played {
        self.with(|world| world.guest_shifts_rtc(domid, seconds)).unwrap();
        Ok(())
    }

    fn guest_ends(&self, domid: DomId, reason: ShutdownReason) -> Played {
        self.with(|world| world.guest_ends(domid, reason)).unwrap();
        Ok(())
    }

    fn guest_tsc(&self, domid: DomId) -> Played<u64> {
        Ok(self.with(|world| world.guest_tsc(domid)).unwrap())
    }

    fn wallclock_offset(&self, domid: DomId) -> Played<i64> {
        Ok(self.with(|world| world.domain(domid).unwrap().time.offset()))
    }
}
