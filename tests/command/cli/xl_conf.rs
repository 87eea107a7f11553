//! xl's own settings, `xl.conf`, as far as they affect a start.

use std::fs::OpenOptions;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, fcntl_lock};
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, Host};

use super::usage::lab;
use crate::common::{Lab, Run, finish};

fn with_conf(lab: &Lab, conf: &str, words: &[&str]) -> Run {
    lab.write("xl.conf", conf);
    let mut command = lab.command(["--backend", "mock:mock.json"].iter().chain(words));
    command.env("XENCLOCK_XL_CONF", lab.path("xl.conf"));
    finish(command, b"")
}

#[test]
fn cpu_masks_narrow_a_guests_cpus() {
    let lab = lab();
    lab.write("guest.cfg", "type='pvh'\nname='a'\nkernel='/k'\nvcpus=2\n");
    let conf = "vm.cpumask=\"0-3\"\nvm.hvm.cpumask=\"2-7\"\nvm.pv.cpumask=\"0\"\n";
    let printed = with_conf(&lab, conf, &["create", "-n", "guest.cfg"]).json();
    assert_eq!(printed["b_info"]["vcpu_hard_affinity"], serde_json::json!([[2, 3], [2, 3]]));
    for option in ["-i", "--ignore-global-affinity-masks", "--ignore"] {
        let printed = with_conf(&lab, conf, &["create", "-n", option, "guest.cfg"]).json();
        assert!(printed["b_info"].get("vcpu_hard_affinity").is_none(), "{printed}");
    }
    let said = with_conf(&lab, "vm.cpumask=\"x\"\n", &["create", "-n", "guest.cfg"]).fails(1);
    assert!(said.contains("xl.conf: vm.cpumask"), "{said}");
}

/// As xl: it says so and goes on.
#[test]
fn settings_that_cannot_be_read_are_not_taken_for_none() {
    let lab = lab();
    lab.write("guest.cfg", "type='pvh'\nname='a'\nkernel='/k'\n");
    let with = |name: &str, value: &std::ffi::OsStr| {
        let mut command = lab.command(["--backend", "mock:mock.json", "create", "-q", "guest.cfg"]);
        command.env(name, value);
        finish(command, b"")
    };
    let said = with("XENCLOCK_XL_CONF", lab.path("none").as_os_str());
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    lab.mock(["destroy", "a"]).ok();
    let said = with("XENCLOCK_XL_CONF", lab.path(".").as_os_str());
    assert!(said.code == 0 && said.err.contains("warning: xl.conf is not used: "), "{said:?}");
    let mut command = lab.command(["--backend", "mock:mock.json", "host-info"]);
    command.env(
        "XENCLOCK_TSC_TOLERANCE",
        std::os::unix::ffi::OsStrExt::from_bytes(b"5\xff" as &[u8]) as &std::ffi::OsStr,
    );
    let said = finish(command, b"");
    assert!(said.code == 2 && said.err.contains("XENCLOCK_TSC_TOLERANCE: "), "{said:?}");
}

#[test]
fn short_memory_is_said_with_what_to_do() {
    let lab = lab();
    lab.mock(["mock", "set", "memory_mb=32"]).ok();
    let lockfile = format!("lockfile=\"{}\"\n", lab.path("xl.lock").display());
    for conf in ["autoballoon=\"on\"\n", "autoballoon=\"off\"\n", ""] {
        let said = with_conf(&lab, &(conf.to_owned() + &lockfile), &["create", "guest.xml"]).fails(1);
        assert!(said.contains("65536 KiB") && said.contains("32768 KiB are free"), "{conf}: {said}");
        assert!(said.contains("give the guest less with memory=MB"), "{conf}: {said}");
        // A dom0 that gives up memory has no more to give.
        assert_eq!(said.contains("xl mem-set Domain-0 MB"), !conf.contains("\"on\""), "{conf}: {said}");
        // The lock is xl's only where dom0 gives up memory.
        assert_eq!(lab.path("xl.lock").exists(), conf.contains("\"on\""), "{conf}");
        let _ = std::fs::remove_file(lab.path("xl.lock"));
    }
    // The remedy works.
    with_conf(&lab, &lockfile, &["create", "guest.xml", "memory=16"]).ok();
    for lockfile in ["/nowhere/xl", ""] {
        let conf = format!("autoballoon=\"on\"\nlockfile=\"{lockfile}\"\n");
        let said = with_conf(&lab, &conf, &["create", "guest.xml", "name=b", "memory=16"]).fails(1);
        let why = format!("lockfile \"{lockfile}\": cannot be opened");
        assert!(said.contains(&why) && said.contains("autoballoon=\"off\""), "{said}");
    }
}

/// A saved guest has the memory that it has.
#[test]
fn short_memory_at_a_restore_is_said_with_what_to_do() {
    let lab = lab();
    lab.mock(["create", "guest.xml"]).ok();
    lab.mock(["save", "guest", "saved"]).ok();
    lab.mock(["mock", "set", "memory_mb=32"]).ok();
    for conf in ["autoballoon=\"on\"\n", "autoballoon=\"off\"\n"] {
        let conf = conf.to_owned() + &format!("lockfile=\"{}\"\n", lab.path("xl.lock").display());
        let said = with_conf(&lab, &conf, &["restore", "saved"]).fails(1);
        assert!(said.contains("32768 KiB are free (ENOMEM); end another guest"), "{conf}: {said}");
        assert!(!said.contains("memory=MB"), "{conf}: {said}");
        assert_eq!(said.contains("xl mem-set Domain-0 MB"), conf.contains("\"off\""), "{conf}: {said}");
    }
    lab.mock(["mock", "set", "memory_mb=64"]).ok();
    with_conf(&lab, "", &["restore", "saved"]).ok();
}

/// Runs a command while an xl starts a guest: it says whom it waits for, and succeeds once that is done.
fn waits(lab: &Lab, words: &[&str], meanwhile: &dyn Fn()) {
    let path = lab.path("xl.lock");
    let held = OpenOptions::new().write(true).create(true).truncate(false).open(&path).unwrap();
    fcntl_lock(&held, FlockOperation::LockExclusive).unwrap();
    lab.write("xl.conf", format!("autoballoon=\"1\"\nlockfile=\"{}\"\n", path.display()));
    let mut command = lab.command(["--backend", "mock:mock.json"].iter().chain(words));
    command.env("XENCLOCK_XL_CONF", lab.path("xl.conf"));
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    meanwhile();
    // A lock of this kind ends with any of the process's descriptors of the file.
    drop(held);
    let output = waiting.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let holder = format!("process {} (", std::process::id());
    assert!(said.contains("waiting for xl's lock") && said.contains(&holder), "{said}");
}

#[test]
fn an_xl_that_starts_a_guest_is_waited_for() {
    let lab = lab();
    let domids = || -> Vec<i64> {
        let listed = lab.mock(["list", "--json"]).json();
        listed.as_array().unwrap().iter().map(|domain| domain["domid"].as_i64().unwrap()).collect()
    };
    waits(&lab, &["create", "-q", "guest.xml"], &|| assert_eq!(domids(), [0; 0], "create did not wait"));
    assert_eq!(domids(), [1]);
    // A guest that its monitor restarts needs the room of a new one, too.
    waits(&lab, &["mock", "reboot", "guest"], &|| assert_eq!(domids(), [0; 0], "the restart did not wait"));
    assert_eq!(domids(), [2]);
}

#[test]
fn memory_that_is_short_at_a_restart_is_said_with_what_to_do() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["mock", "set", "memory_mb=32"]).ok();
    let conf = format!("autoballoon=\"on\"\nlockfile=\"{}\"\n", lab.path("xl.lock").display());
    let said = with_conf(&lab, &conf, &["mock", "reboot", "guest"]).fails(1);
    assert!(said.contains("free memory for") && said.contains("end another guest"), "{said}");
}

#[test]
fn a_value_that_xl_ignores_is_reported() {
    let lab = lab();
    let conf = format!("autoballoon=\"never\"\nlockfile=\"{}\"\n", lab.path("xl.lock").display());
    for words in [&["create", "-q", "guest.xml"][..], &["save", "guest", "saved"], &["restore", "saved"]] {
        let run = with_conf(&lab, &conf, words);
        assert_eq!(run.code, 0, "{run:?}");
        let reason = "xl.conf:1:13: unsupported: autoballoon is 'never', expected on, off or auto; xl ignores it, which means auto";
        // A save reads no xl.conf.
        assert_eq!(run.err.matches(reason).count(), usize::from(words[0] != "save"), "{run:?}");
    }
}

/// A config that is left for the next start is read as `create` reads it.
#[test]
fn a_config_for_the_next_start_takes_the_same_defaults() {
    let lab = lab();
    let text = "type='hvm'\nname='a'\nmemory=64\nvif=['']\n";
    lab.write("a.cfg", text);
    let conf = "vif.default.bridge=\"xenbr7\"\n";
    let bridge = || lab.mock(["list", "-l", "a"]).json()[0]["config"]["nics"][0]["bridge"].take();
    with_conf(&lab, conf, &["create", "-q", "a.cfg"]).ok();
    assert_eq!(bridge(), "xenbr7");
    let mock = Mock::open(lab.path("mock.json"), Box::new(|| SystemTime::now().into())).unwrap();
    // As `xl config-update` leaves it.
    mock.set_user_data(DomId(1), "xl", text.as_bytes()).unwrap();
    with_conf(&lab, conf, &["mock", "reboot", "a"]).ok();
    assert_eq!(bridge(), "xenbr7");
}
