//! The contract of every host, held against the real libxl and libxenctrl: they run in this process, on the model of
//! the mock host (see `tests/fakexen`).

#![allow(clippy::unwrap_used)]

mod contract;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::time::Duration;

use contract::{Cannot, Played, Scenario, Stage, suite};
use fakexen::{Facts, Running, device_model, kernels, place};
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::domain::config::{Defbool, Hvm};
use xenclock::host::libxl::Libxl;
use xenclock::host::{DomId, Host, ShutdownReason};

/// Set for a device model, which is this program again.
const DEVICE_MODEL: &str = "XENCLOCK_FAKEXEN_DEVICE_MODEL";

fn main() -> ExitCode {
    if std::env::var_os(DEVICE_MODEL).is_some() {
        return device_model::run(&std::env::args().collect::<Vec<_>>());
    }
    // SAFETY: nothing has started a thread yet.
    if let Err(error) = unsafe { place::enter() } {
        println!("contract_fakexen: skipped: no place for libxl's files: {error}");
        return ExitCode::SUCCESS;
    }
    let only = std::env::args().nth(1);
    let running = start(&Scenario::default()).unwrap();
    let host = &running.host;
    for kind in [GuestKind::Pvh, GuestKind::Hvm, GuestKind::Pv] {
        if only.as_deref().is_some_and(|only| format!("{kind:?}") != only) {
            continue;
        }
        let config = running.config(kind, "guest").unwrap();
        let made = host.as_ref().unwrap().create_paused(&config);
        println!("{kind:?}: {made:?}");
        running.running.as_ref().unwrap().with(|world| println!("unanswered: {:?}", world.unanswered));
        if let Ok(domid) = made {
            println!("{:?}", host.as_ref().unwrap().domains());
            println!("{:?}", host.as_ref().unwrap().tsc_info(domid));
            println!("{:?}", host.as_ref().unwrap().destroy(domid));
        }
    }
    ExitCode::SUCCESS
}

struct FakeStage {
    /// Closed before the machine ends.
    host: Option<Libxl>,
    running: Option<Running>,
}

fn start(scenario: &Scenario) -> Played<FakeStage> {
    let defaults = Facts::default();
    let facts = Facts {
        stopped: scenario.now.map(|now| now.parse().unwrap()),
        tsc_reliable: scenario.tsc_reliable.unwrap_or(defaults.tsc_reliable),
        tsc_scaling: scenario.tsc_scaling.unwrap_or(defaults.tsc_scaling),
        memory_mb: scenario.memory_mb.unwrap_or(defaults.memory_mb),
        ..defaults
    };
    place::clean().unwrap();
    // SAFETY: the stage before this one has ended its threads.
    let running = unsafe { Running::start(facts) }.unwrap();
    let file = |name: &str, content: &[u8]| fs::write(running.dir().join(name), content).unwrap();
    file("kernel", &kernels::kernel());
    file("loader", &kernels::loader());
    file("bios", &[0; 4096]);
    let myself = std::env::current_exe().unwrap();
    file(
        "device-model",
        format!("#!/bin/sh\n{DEVICE_MODEL}=1 exec '{}' \"$@\"\n", myself.display()).as_bytes(),
    );
    fs::set_permissions(running.dir().join("device-model"), fs::Permissions::from_mode(0o755)).unwrap();
    let host = Libxl::open().unwrap();
    Ok(FakeStage { host: Some(host), running: Some(running) })
}

impl FakeStage {
    fn config(&self, kind: GuestKind, name: &str) -> Played<DomainConfig> {
        let path =
            |name: &str| Some(self.running.as_ref().unwrap().dir().join(name).to_str().unwrap().to_owned());
        let mut config = DomainConfig::new(kind);
        config.c_info.name = Some(name.to_owned());
        config.b_info.max_memkb = Some(32 * 1024);
        config.b_info.target_memkb = Some(32 * 1024);
        match kind {
            GuestKind::Hvm => {
                config.b_info.device_model = path("device-model");
                let mut hvm =
                    Hvm { firmware: path("loader"), system_firmware: path("bios"), ..Hvm::default() };
                hvm.vnc.enable = Some(Defbool::False);
                config.b_info.hvm = Some(hvm);
            }
            GuestKind::Pv | GuestKind::Pvh => config.b_info.kernel = path("kernel"),
        }
        Ok(config)
    }
}
