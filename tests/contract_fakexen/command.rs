//! The command itself with `--backend libxl`, on the machine of this process: its output is the same as on the mock.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use fakexen::parts;
use xenclock::host::DomId;

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

/// Where Debian's libxl finds a BIOS for HVM guests.
const BIOS: &str = "/usr/share/seabios/bios-256k.bin";

fn pvh(dir: &Path) -> String {
    let kernel = dir.join("kernel");
    xml(&format!("<type machine='xenpvh'>xenpvh</type><kernel>{}</kernel>", kernel.display()), "")
}

fn hvm(dir: &Path) -> String {
    let (loader, model) = (dir.join("loader"), dir.join("device-model"));
    xml(
        &format!("<type machine='xenfv'>hvm</type><loader>{}</loader>", loader.display()),
        &format!("<emulator>{}</emulator><video><model type='none'/></video>", model.display()),
    )
}

fn xml(os: &str, devices: &str) -> String {
    format!(
        "<domain type='xen'>\n  <name>guest</name>\n  <uuid>6ba7b810-9dad-41d1-80b4-00c04fd430c8</uuid>\n  \
         <memory unit='MiB'>32</memory>\n  <vcpu>1</vcpu>\n  <os>{os}</os>\n  \
         <clock offset='variable' adjustment='3600' basis='utc'>\n    \
         <timer name='tsc' mode='emulate' frequency='1000000000'/>\n  </clock>\n  \
         <devices>{devices}</devices>\n</domain>\n"
    )
}

/// How a run of the command has ended and what it has printed, without moments.
fn run(stage: &FakeStage, backend: &str, words: &[&str]) -> (bool, String) {
    let mut command = parts::command(OsStr::new(env!("CARGO_BIN_EXE_xenclock")));
    command.args(["--backend", backend]).args(words).envs(stage.environment()).env("TZ", "UTC");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| without_moments(&String::from_utf8(bytes).unwrap());
    let (went_well, mut out) = (output.status.success(), text(output.stdout));
    if words == ["list", "-vc"] {
        // How much memory a guest has, to the page, is not the model's to say.
        let columns = |line: &str| {
            let columns = line.split_whitespace().enumerate().filter(|(column, _)| *column != 2);
            columns.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
        };
        out = out.lines().map(columns).collect::<Vec<_>>().join("\n");
    }
    if words == ["host-info"] {
        // What keeps this machine's clock right, and what its CPU has, is not the model's either.
        let of_model = |line: &&str| !line.starts_with("clock ") && !line.starts_with("invariant ");
        out = out.lines().filter(of_model).collect::<Vec<_>>().join("\n");
    }
    let err = text(output.stderr);
    // Why something is refused, each host says in its own words.
    if went_well { (true, out + &err) } else { (false, out) }
}

/// Dates and times of day differ from one run to the next.
fn without_moments(text: &str) -> String {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let mut result = String::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let moment = ["0000-00-00", "00:00:00.000000000", "00:00:00"]
            .into_iter()
            .find(|moment| shape[at..].starts_with(moment));
        result.push_str(moment.unwrap_or(&text[at..at + next.len_utf8()]));
        at += moment.map_or(next.len_utf8(), str::len);
    }
    // A whole second has no fraction.
    result.replace("00:00:00.000000000", "00:00:00")
}

/// A guest's life, by commands.
fn same(make: fn(&Path) -> String) {
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let file = stage.dir().join("guest.xml");
    fs::write(&file, make(stage.dir())).unwrap();
    let file = file.to_str().unwrap();
    let (major, minor) = xen_sys::XEN_VERSION;
    let mock = stage.dir().join("mock.json");
    fs::write(&mock, format!("{{\"host\": {{\"xen_version\": \"{major}.{minor}\"}}}}")).unwrap();
    let mock = format!("mock:{}", mock.display());
    for (goes_well, words) in [
        (true, &["host-info"][..]),
        (true, &["create", "-p", file]),
        (false, &["create", "-p", file]),
        (true, &["list", "-vc"]),
        (true, &["clock-list"]),
        (true, &["clock-show", "guest"]),
        (true, &["unpause", "guest"]),
        (false, &["unpause", "guest"]),
        (true, &["pause", "guest"]),
        (true, &["list", "-vc"]),
        (true, &["unpause", "guest"]),
        (true, &["clock-show", "guest"]),
        (true, &["clock-set", "guest", "rtc_timeoffset=-60"]),
        (false, &["clock-show", "--json", "no-such-guest"]),
        (true, &["clock-list", "--json"]),
        (true, &["destroy", "guest"]),
        (false, &["destroy", "guest"]),
        (true, &["list", "--json"]),
    ] {
        let (real, model) = (run(&stage, "libxl", words), run(&stage, &mock, words));
        assert_eq!(real, model, "{words:?}: libxl, and the mock");
        assert_eq!(real.0, goes_well, "{words:?}: {}", real.1);
    }
}

/// A guest without an RTC.
pub fn of_a_pvh_guest() {
    same(pvh);
}

/// A guest with one.
pub fn of_an_hvm_guest() {
    if Path::new(BIOS).exists() {
        same(hvm);
    } else {
        xentest::skip(&format!("libxl wants {BIOS} for an HVM guest"), "apt-get install seabios");
    }
}

/// An xl that only notes what it is asked.
const NOTING_XL: &str =
    "#!/bin/sh\nd=$(dirname \"$0\")\necho \"$*\" >> \"$d/asked\"\nexit $(cat \"$d/status\")\n";

/// Console and screen of a new guest are left to the installed xl, once the guest is there.
pub fn shows_a_guest() {
    if parts::is_by_linker() {
        return xentest::skip(
            "the libraries of another Debian start no script",
            "run the test with this Debian's libraries",
        );
    }
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let bin = stage.dir().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("xl"), NOTING_XL).unwrap();
    fs::set_permissions(bin.join("xl"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let (file, asked) = (stage.dir().join("guest.xml"), bin.join("asked"));
    fs::write(&file, pvh(stage.dir())).unwrap();
    for (options, shown, status) in [
        (&["-c"][..], &["console"][..], 0),
        (&["-V"], &["vncviewer"], 0),
        (&["-cA"], &["console", "vncviewer --autopass"], 0),
        (&["-c"], &["console"], 1),
        (&["-n", "-c"], &[], 0),
    ] {
        fs::write(bin.join("status"), status.to_string()).unwrap();
        fs::write(&asked, "").unwrap();
        let mut command = parts::command(OsStr::new(env!("CARGO_BIN_EXE_xenclock")));
        command.args(["--backend", "libxl", "create", "-q", "-e"]).args(options).arg(&file);
        let output = command.envs(stage.environment()).env("PATH", &path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{options:?}: {said}");
        assert_eq!(said.contains("the console has ended: exit status: 1"), status == 1, "{said}");
        let guests = stage.host().domains().unwrap().into_iter().filter(|domain| domain.name == "guest");
        let guests: Vec<DomId> = guests.map(|domain| domain.domid).collect();
        let wanted: Vec<String> =
            shown.iter().flat_map(|what| guests.iter().map(move |domid| format!("{what} {domid}"))).collect();
        // A viewer is not waited for.
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..500 {
            seen = fs::read_to_string(&asked).unwrap().lines().map(str::to_owned).collect();
            seen.sort();
            if seen.len() >= wanted.len() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(seen, wanted, "{options:?}");
        for domid in guests {
            stage.host().destroy(domid).unwrap();
        }
    }
}
