//! A guest that arrives within its TSC tolerance is made native: by `migrate-receive`, `restore` and the service.

use std::fs::File;

use serde_json::{Value, json};
use xenclock::xl::savefile::Header;

use super::moving::{lab, migrate, on_other};
use crate::common::{Lab, NOW, Run, finish};

/// Brings the guest to the other host as stock xl does: restored there, and let run.
fn stock_restore(lab: &Lab) -> u32 {
    use xenclock::host::Host;
    use xenclock::host::mock::Mock;
    lab.mock(["save", "guest", "saved"]).ok();
    let mut saved = File::open(lab.path("saved")).unwrap();
    let header = Header::read(&mut saved).unwrap();
    let config = serde_json::from_str(header.config_json().unwrap()).unwrap();
    let mock = Mock::open(lab.path("there.json"), Box::new(|| NOW.parse().unwrap())).unwrap();
    let domid = mock.restore_paused(&config, &mut saved).unwrap();
    mock.unpause(domid).unwrap();
    domid.0
}

#[test]
fn a_guest_within_its_tolerance_is_made_native() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    lab.mock(["clock-set", "guest", "clock_tsc_tolerance=1"]).ok();
    let Run { code, err, .. } = migrate(&lab, &[]);
    assert!(code == 0 && err.contains("tsc-tolerated") && err.contains("is native at 2600001 kHz"), "{err}");
    let tsc = on_other(&lab, &["clock-show", "--json", "guest"]).json()["tsc"].clone();
    assert_eq!((&tsc["khz"], &tsc["behaviour"]), (&json!(2_600_001), &json!("native")));
    assert_eq!(
        (&tsc["birth_khz"], &tsc["off_ppm"], &tsc["incarnation"]),
        (&json!(2_600_000), &json!(0.385), &json!(2))
    );
    let told = on_other(&lab, &["clock-show", "guest"]).ok();
    assert!(told.contains("+0.385 ppm from its initial 2600000 kHz"), "{told}");
}

#[test]
fn the_hosts_tolerance_is_for_guests_without_one() {
    let khz = |own: Option<&str>, host: &str| {
        let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_520}));
        if let Some(own) = own {
            lab.mock(["clock-set", "guest", &format!("clock_tsc_tolerance={own}")]).ok();
        }
        lab.mock(["save", "guest", "saved"]).ok();
        let mut restore = lab.command(["--backend", "mock:there.json", "restore", "saved"]);
        restore.env("XENCLOCK_TSC_TOLERANCE", host);
        finish(restore, b"").ok();
        on_other(&lab, &["clock-show", "--json", "guest"]).json()["tsc"]["khz"].as_u64().unwrap()
    };
    assert_eq!(khz(None, "200"), 2_600_520);
    assert_eq!(khz(None, "199"), 2_600_000);
    assert_eq!(khz(Some("200"), "0"), 2_600_520);
    assert_eq!(khz(Some("0"), "250"), 2_600_000);
}

#[test]
fn tolerances_that_there_are_not() {
    let lab = lab("mode='auto'", json!({}));
    for ppm in ["251", "-1", "1.5", "x"] {
        let refused = lab.mock(["clock-set", "guest", &format!("clock_tsc_tolerance={ppm}")]).fails(1);
        assert!(refused.contains("0 (off) to 250"), "{refused}");
        let refused = lab.run([&format!("--tsc-tolerance={ppm}"), "host-info"]).fails(2);
        assert!(refused.contains("0 (off) to 250"), "{refused}");
    }
    let mut command = lab.command(["--backend", "mock:mock.json", "host-info"]);
    command.env("XENCLOCK_TSC_TOLERANCE", "many");
    let refused = finish(command, b"").fails(2);
    assert!(refused.contains("XENCLOCK_TSC_TOLERANCE: 'many' is not a TSC tolerance"), "{refused}");
}

/// What a service says that looks once on the other host.
fn events(lab: &Lab, tolerance: &str) -> Vec<Value> {
    let words = [
        "--backend",
        "mock:there.json",
        "--tsc-tolerance",
        tolerance,
        "clock-watch",
        "--once",
        "--xml-dir",
        "none",
    ];
    let out = lab.run(words).ok();
    let events = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"].as_str().unwrap().starts_with("tsc-")).collect()
}

#[test]
fn the_service_does_it_for_stock_xl_and_says_so() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_600_001}));
    let domid = stock_restore(&lab);
    let told = events(&lab, "1");
    let [event] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&event["event"], &event["domid"]), (&json!("tsc-native"), &json!(domid)));
    assert_eq!(
        (&event["tsc_khz"], &event["before_khz"], &event["birth_khz"]),
        (&json!(2_600_001), &json!(2_600_000), &json!(2_600_000))
    );
    assert_eq!(event["off_ppm"], 0.385);
    let tsc = on_other(&lab, &["clock-show", "--json", "guest"]).json()["tsc"].clone();
    assert_eq!(tsc["behaviour"], "native");
    assert!(events(&lab, "1").is_empty(), "it is done once");
}

#[test]
fn the_service_says_what_it_leaves() {
    let lab = lab("mode='auto'", json!({"cpu_khz": 2_601_000}));
    stock_restore(&lab);
    let told = events(&lab, "250");
    let [event] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&event["event"], &event["why"]),
        (&json!("tsc-left"), &json!("its TSC would be +384.615 ppm off, more than the tolerance of 250 ppm"))
    );
    // Without a tolerance nobody asks for it.
    let lab = super::moving::lab("mode='auto'", json!({"cpu_khz": 2_601_000}));
    stock_restore(&lab);
    assert!(events(&lab, "0").is_empty());
}

#[test]
fn a_tolerance_leaves_the_guest_that_runs_alone() {
    let lab = lab("mode='auto'", json!({}));
    lab.mock(["mock", "write-rtc", "guest", "+20"]).ok();
    lab.mock(["clock-set", "--now", "guest", "clock_tsc_tolerance=50"]).ok();
    let clock = lab.mock(["clock-show", "--json", "guest"]).json();
    assert_eq!((&clock["rtc"]["offset"], &clock["clock"]["tsc_tolerance"]), (&json!(20), &json!(50)));
}

/// A guest that stock xl has brought has the CPUID of its start, of which nothing here tells: a config that asks for an
/// invariant TSC is no proof, for Xen 4.14 does not show it, and Xen 4.17 does.
#[test]
fn the_cpuid_of_a_guest_that_stock_xl_brought_is_not_known() {
    for (version, cpu, shown, refused) in [
        ("4.17", Value::Null, Value::Null, true),
        ("4.17", json!(false), json!(false), false),
        ("4.14", json!(true), json!(false), false),
    ] {
        let host = json!({"cpu_khz": 2_600_000, "xen_version": version, "tsc_invariant": cpu});
        let lab = lab("mode='auto'", host);
        lab.mock(["destroy", "guest"]).ok();
        let config = "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\ncpuid = \"host,invtsc=1\"\n";
        lab.write("guest.cfg", config);
        lab.mock(["create", "-q", "guest.cfg"]).ok();
        stock_restore(&lab);
        let invariant = |told: Run| told.json()["tsc"]["invariant"].clone();
        let told = invariant(on_other(&lab, &["clock-show", "--json", "guest"]));
        assert_eq!(told["shown"], shown, "{version}: {told}");
        // The service knows no more.
        on_other(&lab, &["clock-watch", "--once"]).ok();
        assert_eq!(invariant(on_other(&lab, &["clock-show", "--json", "guest"])), told);
        // What may be shown is kept from moving as what is shown.
        let back = "false migrate-receive";
        let Run { code, err, .. } = on_other(&lab, &["-N", "migrate", "-s", "", "guest", back]);
        assert_eq!(code == 1 && err.contains("because of tsc-invariant"), refused, "{version}: {err}");
        // Its next start is its config's.
        on_other(&lab, &["destroy", "guest"]).ok();
        on_other(&lab, &["create", "-q", "guest.cfg"]).ok();
        let next = invariant(on_other(&lab, &["clock-show", "--json", "guest"]));
        assert_ne!(next["why"], told["why"], "{version}");
    }
}
