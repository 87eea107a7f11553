//! The guests of stock xl, and the service that sets their clocks and is killed, as are its helpers.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use timers::GuestKind;
use uuid::Uuid;
use xenclock::domain::DomainConfig;
use xenclock::host::{Host, RunState};

use crate::{HOSTS, KHZ, Lab, Random};

/// A service that is killed and started again, as are its helpers.
pub fn serve(lab: &Lab, host: usize, random: &mut Random, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let mut service = lab.command(host, &["clock-watch", "--period", "0.1"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis(random.below(3000));
        while Instant::now() < until {
            std::thread::sleep(Duration::from_micros(random.below(5000)));
            // Mostly when it has something to do.
            if lab.path(&format!("{}.clocks/holding", HOSTS[host])).join(foreign(host).to_string()).exists() {
                for helper in children(service.id()) {
                    lab.counts.helpers.fetch_add(1, Ordering::Relaxed);
                    let _ = kill_process(Pid::from_raw(helper).unwrap(), Signal::KILL);
                }
            }
        }
        let signal = if random.below(3) == 0 { Signal::TERM } else { Signal::KILL };
        let _ = kill_process(Pid::from_child(&service), signal);
        service.wait().unwrap();
    }
}

/// The processes that this one has started.
pub fn children(pid: u32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// The guest that stock xl starts on a host.
pub fn foreign(host: usize) -> Uuid {
    Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_4000 + host as u128)
}

/// Stock xl starts a guest again and again, with the device-model wrapper or without, while the service or the wrapper
/// sets its clock and is killed. Once xl has unpaused it, it comes to run.
pub fn start_foreign(lab: &Lab, host: usize, random: &mut Random) {
    let uuid = foreign(host);
    let frequency = format!("clock_tsc_frequency={}", u64::from(KHZ) * 1000);
    assert!(lab.quietly(host, &["clock-set", &uuid.to_string(), "clock_offset=utc", &frequency]).0);
    while Instant::now() < lab.until {
        let mock = lab.mock(host);
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some(format!("foreign{host}"));
        config.c_info.uuid = Some(uuid);
        let domid = mock.create_paused(&config).unwrap();
        if random.below(3) == 0 {
            let number = domid.0.to_string();
            let words = ["tsc-helper", "--device-model", "-xen-domid", &number];
            lab.run(random, host, &words);
        } else {
            std::thread::sleep(Duration::from_millis(random.below(30)));
        }
        mock.unpause(domid).unwrap();
        // A helper that lives may hold it right now.
        let begun = Instant::now();
        while lab.domains(host, uuid).pop().unwrap().state != RunState::Running {
            assert!(begun.elapsed() < Duration::from_secs(30), "domain {domid} stays paused");
            lab.mend(uuid);
        }
        assert_eq!(mock.rtc_record(domid).unwrap().offset, 0);
        mock.destroy(domid).unwrap();
        lab.counts.foreign.fetch_add(1, Ordering::Relaxed);
    }
    lab.mend(uuid);
}
