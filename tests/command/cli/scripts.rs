//! Debian's own scripts for xl, unmodified, with xenclock as xl.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Lab, finish};

/// What the scripts read of a running system.
const SYSTEM: [&str; 2] = ["/lib/init/vars.sh", "/lib/lsb/init-functions"];

/// Debian's scripts, below the directory that `tests/oracle/build` made.
fn scripts() -> Option<PathBuf> {
    let oracle = std::env::var_os("XENCLOCK_ORACLE").map(PathBuf::from);
    let unpacked =
        oracle.map(|oracle| oracle.join("xen")).filter(|dir| dir.join("etc/init.d/xendomains").exists());
    let missing = SYSTEM.iter().any(|file| !Path::new(file).exists());
    if unpacked.is_none() || missing || Path::new("/etc/default/xendomains").exists() {
        xentest::skip(
            "no xendomains of Debian's, or one that is installed",
            "tests/oracle/build DIR unpacks it, and XENCLOCK_ORACLE=DIR names it; on a Debian without xen-utils-common",
        );
        return None;
    }
    unpacked
}

/// A shell that takes this for a dom0 and finds the scripts' helpers where they are unpacked.
fn environment(scripts: &Path) -> String {
    let helper = |name: &str| {
        let place = format!("/usr/lib/xen-common/bin/{name}");
        format!("function {place} () {{ '{}{place}' \"$@\"; }}\n", scripts.display())
    };
    format!(
        "function [ () {{ if builtin [ \"$*\" = '-e /proc/xen/privcmd ]' ]; then return 0; fi; builtin [ \"$@\"; }}\n{}{}",
        helper("xen-init-name"),
        helper("xen-init-list")
    )
}

/// Runs Debian's xendomains with an order, and this in its settings.
fn xendomains(lab: &Lab, scripts: &Path, order: &str, save: &str) -> String {
    let mut bash = std::process::Command::new("bash");
    bash.arg(scripts.join("etc/init.d/xendomains")).arg(order).current_dir(lab.path("."));
    bash.env("BASH_ENV", lab.path("env")).env("PATH", lab.path_with_programs());
    bash.env("XENDOMAINS_AUTO", lab.path("auto")).env("XENDOMAINS_SAVE", save);
    bash.env("XENDOMAINS_RESTORE", "true").env("XENDOMAINS_MIGRATE", "").env("XENDOMAINS_STOP_MAXWAIT", "5");
    finish(bash, b"").ok()
}

#[test]
fn debians_xendomains_starts_saves_restores_and_ends_guests() {
    let Some(scripts) = scripts() else { return };
    let lab = Lab::with_host(serde_json::json!({}));
    let host = lab.path("mock.json");
    let ours = env!("CARGO_BIN_EXE_xenclock");
    lab.program("xen", &format!("#!/bin/sh\nexec '{ours}' --backend 'mock:{}' \"$@\"\n", host.display()));
    lab.write("env", environment(&scripts));
    fs::create_dir(lab.path("auto")).unwrap();
    lab.write("auto/web.cfg", "type=\"hvm\"\nname=\"web\"\nmemory=64\nrtc_timeoffset=\"3600\"\n");
    lab.write("auto/db.cfg", "type=\"pv\"\nname=\"db\"\nkernel=\"/k\"\nmemory=64\n");
    let names = || -> Vec<String> {
        let listed = lab.mock(["list", "--json"]).json();
        let names = listed.as_array().unwrap().iter().map(|guest| guest["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    let save = lab.path("save");
    let save = save.to_str().unwrap();

    let said = xendomains(&lab, &scripts, "start", save);
    assert!(said.contains("Starting Xen domain web") && !said.contains("fail"), "{said}");
    assert_eq!(names(), ["db", "web"]);
    let said = xendomains(&lab, &scripts, "start", save);
    assert!(said.contains("Xen domain db already running"), "{said}");

    lab.mock(["mock", "write-rtc", "web", "+30"]).ok();
    let said = xendomains(&lab, &scripts, "stop", save);
    assert!(said.contains("Saving Xen domain web (2)") && !said.contains("fail"), "{said}");
    assert_eq!(names(), [""; 0]);
    let said = xendomains(&lab, &scripts, "start", save);
    assert!(said.contains("Restoring Xen domain web") && !said.contains("fail"), "{said}");
    assert_eq!(names(), ["db", "web"]);
    assert_eq!(lab.mock(["clock-show", "--json", "web"]).json()["rtc"]["offset"], 3630);

    let said = xendomains(&lab, &scripts, "stop", "");
    assert!(said.contains("Shutting down Xen domain web") && !said.contains("fail"), "{said}");
    assert_eq!(names(), [""; 0]);
}
