//! A fresh machine for each case, with the real libxl open on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fakexen::world::World;
use fakexen::{Facts, Running, clock, kernels, place};
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::domain::config::{Defbool, Hvm};
use xenclock::host::libxl::Libxl;
use xenclock::host::{DomId, Host, ShutdownReason};

use crate::contract::{Cannot, Played, Scenario, Stage};

/// Set for a device model, which is this program again.
pub const DEVICE_MODEL: &str = "XENCLOCK_FAKEXEN_DEVICE_MODEL";

unsafe extern "C" {
    fn tzset();
}

/// A program of Debian's xen-utils, where there is one: unpacked for the comparison with xl, or installed.
pub fn utility(name: &str) -> Option<PathBuf> {
    let (major, minor) = xen_sys::XEN_VERSION;
    let installed = PathBuf::from(format!("/usr/lib/xen-{major}.{minor}/bin"));
    let unpacked = std::env::var_os("XENCLOCK_ORACLE")
        .map(|oracle| Path::new(&oracle).join("xen").join(installed.strip_prefix("/").unwrap()));
    [unpacked, Some(installed)].into_iter().flatten().map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// The library that makes other programs run on this machine, when it is preloaded.
pub fn library() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libfakexen.so")
}

fn script(running: &Running, name: &str, line: &str) {
    let path = running.dir().join(name);
    fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A machine, and the host on it.
pub struct FakeStage {
    // Closed before the machine ends.
    host: Libxl,
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
            ..defaults
        };
        place::clean().unwrap();
        // SAFETY: the stage before this one has ended its threads, and this is the only one that goes on.
        let running = unsafe {
            std::env::set_var("TZ", scenario.timezone.unwrap_or("UTC"));
            tzset();
            Running::start(facts).unwrap()
        };
        let file = |name: &str, content: &[u8]| fs::write(running.dir().join(name), content).unwrap();
        file("kernel", &kernels::kernel());
        file("loader", &kernels::loader());
        file("bios", &[0; 4096]);
        let myself = std::env::current_exe().unwrap();
        script(&running, "device-model", &format!("{DEVICE_MODEL}=1 exec '{}' \"$@\"", myself.display()));
        if let Some(helper) = utility("libxl-save-helper") {
            let line = format!("LD_PRELOAD='{}' exec '{}' \"$@\"", library().display(), helper.display());
            script(&running, "save-helper", &line);
        }
        // SAFETY: as above; libxl looks there before it looks where Debian has put it.
        unsafe { std::env::set_var("LIBXL_SAVE_HELPER", running.dir().join("save-helper")) };
        Ok(FakeStage { host: Libxl::open().unwrap(), running })
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.running.dir()
    }

    /// What a program that is to run on this machine has to have in its environment.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        self.running.environment()
    }

    /// Does something with the machine.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.running.with(act)
    }
}

impl Drop for FakeStage {
    fn drop(&mut self) {
        // libxl ends what it has started for a domain only with the domain.
        for domain in self.host.domains().unwrap_or_default().iter().filter(|domain| domain.domid != DomId(0))
        {
            let _ = self.host.destroy(domain.domid);
        }
        let unanswered = self.with(|world| world.unanswered.clone());
        assert!(unanswered.is_empty() || std::thread::panicking(), "nothing answers {unanswered:?}");
    }
}

impl Stage for FakeStage {
    fn host(&self) -> &dyn Host {
        &self.host
    }

    fn second(&self) -> Played<Box<dyn Host>> {
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
                hvm.vga.kind = Some("none".to_owned());
                // libxl waits two seconds for the end of each device that the device model serves.
                hvm.rest.insert("vkb_device".to_owned(), "False".into());
                config.b_info.hvm = Some(hvm);
            }
            GuestKind::Pv | GuestKind::Pvh => config.b_info.kernel = path("kernel"),
        }
        Ok(config)
    }

    fn saves(&self) -> Played {
        match utility("libxl-save-helper") {
            Some(_) => Ok(()),
            None => Err(Cannot(
                "libxl saves by a program of Debian's xen-utils that is not here: tests/oracle/build DIR unpacks it, \
                 XENCLOCK_ORACLE=DIR names it"
                    .to_owned(),
            )),
        }
    }

    fn pass(&self, seconds: i64) -> Played {
        let seconds = u64::try_from(seconds).map_err(|_| Cannot("time does not run back".to_owned()))?;
        clock::pass(Duration::from_secs(seconds));
        Ok(())
    }

    fn guest_shifts_rtc(&self, domid: DomId, seconds: i64) -> Played {
        self.with(|world| world.guest_shifts_rtc(domid, seconds)).unwrap();
        Ok(())
    }

    fn guest_reboots(&self, domid: DomId) -> Played {
        self.with(|world| world.guest_ends(domid, ShutdownReason::Reboot)).unwrap();
        Ok(())
    }

    fn guest_tsc(&self, domid: DomId) -> Played<u64> {
        Ok(self.with(|world| world.guest_tsc(domid)).unwrap())
    }

    fn wallclock_offset(&self, domid: DomId) -> Played<i64> {
        Ok(self.with(|world| world.domain(domid).unwrap().time.offset()))
    }
}
