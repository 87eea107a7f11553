//! How long an xl.cfg takes from its bytes to libxl's JSON, as a ratio to libxlutil's bare parse of the same bytes, which is
//! the first step of xl's way: `cargo bench --bench xl_cfg`.
//!
//! libxlutil's time is that of `cfg-bench`, which `tests/oracle/build` puts into the directory that `XENCLOCK_ORACLE` names.
//! Both are run in turn, so that a busy machine slows both; the medians are what counts.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::cfg::{self, XlHost};
use xenclock::convert::{Format, convert};

const ROUNDS: usize = 2001;

/// How often the two take turns.
const TURNS: usize = 5;

/// A guest as a dom0 has it.
const FILE: &str = "\
# Windows, with its disk on LVM
name = \"windows\"
type = \"hvm\"
uuid = \"6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11\"
memory = 4096
maxmem = 8192
vcpus = 4
cpus = \"0-3\"
localtime = 1
tsc_mode = \"native\"
viridian = [ \"base\", \"freq\", \"time_ref_count\", \"reference_tsc\" ]
bios = \"ovmf\"
boot = \"cd\"
disk = [
    \"format=raw, vdev=xvda, access=rw, target=/dev/vg/windows\",
    \"file:/srv/iso/windows.iso,hdc:cdrom,r\",
]
vif = [ \"mac=00:16:3e:12:34:56,bridge=xenbr0,model=e1000,rate=10MB/s\" ]
vnc = 1
vnclisten = \"127.0.0.1\"
usb = 1
usbdevice = [ \"tablet\" ]
on_poweroff = \"destroy\"
on_reboot = \"restart\"
on_crash = \"preserve\"
";

fn main() {
    let zones = default_zones();
    let now: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    let at = Moment { now, host_zone: &Zone::utc(), zones: &*zones };
    let host = XlHost::default();
    let parse = || {
        black_box(cfg::parse("guest.cfg", FILE.as_bytes()).unwrap());
    };
    let read = || {
        black_box(cfg::read("guest.cfg", FILE.as_bytes(), &[], &host).unwrap());
    };
    let whole = || {
        let mut input = cfg::read("guest.cfg", FILE.as_bytes(), &[], &host).unwrap().input;
        black_box(convert(&mut input, Format::Json, &at).unwrap());
    };
    let runs: [(&str, &dyn Fn()); 3] =
        [("parse", &parse), ("read, with verdicts", &read), ("convert to JSON", &whole)];
    let theirs = libxlutil();
    let mut bare = Vec::new();
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        bare.extend(theirs.as_ref().map(Theirs::time));
        for ((_, run), times) in runs.iter().zip(&mut times) {
            times.extend((0..ROUNDS / TURNS).map(|_| time(run)));
        }
    }
    println!("{} bytes of xl.cfg, medians of {ROUNDS} rounds:", FILE.len());
    let bare = (!bare.is_empty()).then(|| median(bare));
    match bare {
        Some(bare) => println!("  libxlutil's parse alone   {bare:>10.2?}"),
        None => println!("  no libxlutil: tests/oracle/build DIR, and XENCLOCK_ORACLE=DIR"),
    }
    for ((what, _), times) in runs.iter().zip(times) {
        let took = median(times);
        let ratio = bare.map(|bare| format!("{:>6.1} times that", took.as_secs_f64() / bare.as_secs_f64()));
        println!("  {what:<24}  {took:>10.2?}  {}", ratio.unwrap_or_default());
    }
}

/// libxlutil's own parser, in a program of its own.
struct Theirs {
    program: std::path::PathBuf,
    file: tempfile::NamedTempFile,
}

fn libxlutil() -> Option<Theirs> {
    let program = Path::new(&std::env::var_os("XENCLOCK_ORACLE")?).join("cfg-bench");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FILE).unwrap();
    program.exists().then_some(Theirs { program, file })
}

impl Theirs {
    fn time(&self) -> Duration {
        let rounds = (ROUNDS / TURNS).to_string();
        let ended = Command::new(&self.program).arg(self.file.path()).arg(rounds).output().unwrap();
        let nanos = String::from_utf8(ended.stdout).unwrap();
        Duration::from_nanos(nanos.trim().parse().unwrap())
    }
}

fn time(run: &dyn Fn()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
