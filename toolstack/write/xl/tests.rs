//! Debian's xl reads the written file as the same config, except for the fields that are returned as missing; and libxl
//! reads the written JSON.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use timers::{ClockOffset, GuestClock, GuestKind};

use super::{Written, write};
use crate::diag::{Report, Source};
use crate::domain::Domain;
use crate::domain::arbitrary::any;
use crate::domain::config::{Disk, DiskFormat, DomainConfig, Nic, Smbios, SmbiosType};
use crate::domain::release::{self, XenVersion};
use crate::write::oracle::{Oracle, cases, differences, smallest};

const DEBIANS: XenVersion = XenVersion { major: 4, minor: 17 };

fn written(config: &DomainConfig, release: XenVersion) -> Written {
    let clock = GuestClock::new(ClockOffset::Utc { adjustment: None }, Vec::new());
    let domain = Domain::new(config.clone(), clock);
    write(&domain, config, &Report::new(Source::new("-", String::new())), release)
}

fn hvm() -> DomainConfig {
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config
}

fn read(json: Value) -> DomainConfig {
    serde_json::from_value(json).unwrap()
}

/// The paths and verdicts of what is handed back.
fn unsaid(written: &Written) -> Vec<(&str, &'static str)> {
    written.unsaid.iter().map(|unsaid| (unsaid.path.as_str(), unsaid.finding.verdict.as_str())).collect()
}

#[test]
fn a_key_is_written_only_for_a_release_that_knows_it() {
    let mut config = hvm();
    let hvm = config.b_info.hvm.as_mut().unwrap();
    hvm.smbios =
        vec![Smbios { key: Some(SmbiosType::BiosVendor), value: Some("x".to_owned()), ..Smbios::default() }];
    hvm.viridian_enable = vec![0, 12];
    config.disks = vec![Disk {
        vdev: Some("xvda".to_owned()),
        pdev_path: Some("/dev/vg/a".to_owned()),
        format: Some(DiskFormat::Raw),
        readwrite: 1,
        grant_usage: Some(true.into()),
        ..Disk::default()
    }];
    let newest = written(&config, XenVersion::NEWEST);
    assert_eq!(unsaid(&newest), []);
    assert!(newest.text.contains("smbios = [ \"bios_vendor=x\" ]\n"), "{}", newest.text);
    assert!(newest.text.contains("viridian = [ \"base\", \"cpu_hotplug\" ]\n"), "{}", newest.text);
    let old = written(&config, XenVersion { major: 4, minor: 14 });
    let expected = [
        ("disks[0].grant_usage", "unsupported"),
        ("smbios", "unsupported"),
        ("b_info.type.hvm.viridian_enable", "unsupported"),
    ];
    for path in expected {
        assert!(unsaid(&old).contains(&path), "{path:?} is not in {:?}", old.unsaid);
    }
    assert!(!old.text.contains("smbios ="), "{}", old.text);
    assert!(old.text.contains("viridian = [ \"base\" ]\n"), "{}", old.text);
    let why =
        "#   smbios, unsupported: xl of Xen 4.14 does not know the key smbios, which exists since Xen 4.18\n";
    assert!(old.text.contains(why), "{}", old.text);
}

#[test]
fn all_groups_are_one_word() {
    let with = |enable: Vec<u32>, disable: Vec<u32>| {
        let mut config = hvm();
        let hvm = config.b_info.hvm.as_mut().unwrap();
        (hvm.viridian_enable, hvm.viridian_disable) = (enable, disable);
        written(&config, XenVersion::NEWEST)
    };
    let all = || (0..64).collect::<Vec<_>>();
    let but_one = all().into_iter().filter(|group| *group != 9).collect();
    for (enable, disable, expected) in
        [(all(), vec![], "[ \"all\" ]"), (but_one, vec![9], "[ \"all\", \"!hcall_ipi\" ]")]
    {
        let written = with(enable, disable);
        assert!(written.text.contains(&format!("viridian = {expected}\n")), "{}", written.text);
        assert_eq!(unsaid(&written), []);
    }
    // Without a name they are said together.
    let written = with(vec![0, 20, 21], vec![]);
    assert_eq!(unsaid(&written), [("b_info.type.hvm.viridian_enable", "unsupported")]);
    assert!(written.text.contains("viridian = [ \"base\" ]\n"), "{}", written.text);
}

#[test]
fn what_xl_cfg_has_no_word_for_is_handed_back() {
    let config = read(json!({
        "c_info": {"type": "pv", "name": "g", "run_hotplug_scripts": "True", "xsdata": {"a": "b"}, "colour": "red"},
        "b_info": {
            "max_vcpus": 2, "avail_vcpus": [1], "claim_mode": "True", "kernel": "/k", "target_memkb": 2049, "max_memkb": 2049,
            "sched_params": {"budget": 5}, "nodemap": [0], "timer_mode": "no_missed_ticks_pending",
            "type.pv": {"slack_memkb": 1}, "arch_arm": {}, "arch_x86": {}
        },
        "rdms": [{"start": 1}],
        "on_crash": "shrug", "on_reboot": "restart", "on_soft_reset": "soft_reset"
    }));
    let written = written(&config, XenVersion::NEWEST);
    let mut unsaid = unsaid(&written);
    unsaid.sort_unstable();
    let expected = [
        ("b_info.avail_vcpus", "approximated"),
        ("b_info.nodemap", "unsupported"),
        ("b_info.sched_params.budget", "unsupported"),
        ("b_info.target_memkb", "approximated"),
        ("b_info.timer_mode", "unsupported"),
        ("b_info.type.pv.slack_memkb", "unsupported"),
        ("c_info.colour", "unsupported"),
        ("c_info.xsdata", "unsupported"),
        ("on_crash", "unsupported"),
        ("rdms[0]", "no-effect"),
    ];
    assert_eq!(unsaid, expected);
}

#[test]
fn a_device_that_would_be_another_is_left_out() {
    let mut config = hvm();
    config.nics = vec![
        Nic { bridge: Some("br0".to_owned()), backend_domname: Some("net,vm".to_owned()), ..Nic::default() },
        Nic { bridge: Some("br1".to_owned()), ..Nic::default() },
    ];
    let written = written(&config, XenVersion::NEWEST);
    assert!(written.text.contains("vif = [ \"bridge=br1\" ]\n"), "{}", written.text);
    let expected = [("nics[0].backend_domname", "unsupported"), ("nics[0]", "unsupported")];
    assert_eq!(unsaid(&written), expected);
}

#[test]
fn a_display_on_an_ipv6_address_stands_behind_it() {
    let mut config = hvm();
    let vnc = &mut config.b_info.hvm.as_mut().unwrap().vnc;
    (vnc.listen, vnc.display) = (Some("2001:db8::1".to_owned()), 3);
    let written = written(&config, XenVersion::NEWEST);
    assert!(written.text.contains("vnclisten = \"[2001:db8::1]:3\"\n"), "{}", written.text);
    assert!(!written.text.contains("vncdisplay"), "{}", written.text);
}

/// The same where libxl's JSON can hold it: a C string ends at NUL, and numbers of 64 bits have a sign.
fn as_libxl_holds(config: &DomainConfig) -> Value {
    fn hold(value: &mut Value) {
        match value {
            Value::String(text) => text.retain(|c| c != '\0'),
            Value::Number(number) => {
                if let Some(wide) = number.as_u64().filter(|wide| i64::try_from(*wide).is_err()) {
                    *number = (wide >> 1).into();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(hold),
            Value::Object(map) => map.values_mut().for_each(hold),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(config).unwrap();
    hold(&mut json);
    json
}

/// The paths at which libxl makes another thing of our JSON than it should.
fn wrong_in_libxl(config: &DomainConfig, libxls: Option<&Value>) -> Vec<String> {
    let mut newer: Vec<_> =
        release::unknown_fields(config, DEBIANS).into_iter().map(|(path, _)| path).collect();
    let Some(libxls) = libxls else {
        // libxl refuses a word that it does not know.
        let refuses = newer.iter().any(|path| path.ends_with("tee"));
        return if refuses { vec![] } else { vec!["refused".to_owned()] };
    };
    let mut differ = differences(&as_libxl_holds(config), libxls);
    differ.sort();
    newer.sort();
    let same = differ == newer;
    if same { vec![] } else { differ.into_iter().chain(newer).map(|path| without_numbers(&path)).collect() }
}

fn without_numbers(path: &str) -> String {
    path.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[test]
fn libxl_gives_back_our_json_save_what_only_newer_releases_know() {
    let Some(oracle) = Oracle::find() else { return };
    let configs: Vec<_> = (1..=cases() * 5).map(any).collect();
    let jsons: Vec<_> = configs.iter().map(as_libxl_holds).collect();
    for (config, theirs) in configs.iter().zip(oracle.libxl(&jsons)) {
        if !wrong_in_libxl(config, theirs.as_ref()).is_empty() {
            let libxl = |config: &DomainConfig| oracle.libxl(&[as_libxl_holds(config)]).remove(0);
            let less = smallest(config, |less| match less.c_info.kind {
                Some(_) => wrong_in_libxl(less, libxl(less).as_ref()),
                None => vec![],
            });
            panic!("of\n{:#}\nlibxl makes\n{:#?}", as_libxl_holds(&less), libxl(&less));
        }
    }
}

/// Makes of a config one that xl can read: what xl demands of a file is there, and no two things contradict.
fn readable(config: &mut DomainConfig) {
    config.c_info.name.get_or_insert_with(|| "guest".to_owned());
    config.c_info.uuid.get_or_insert(uuid::uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    let kind = config.kind();
    let b_info = &mut config.b_info;
    b_info.avail_vcpus.truncate(9);
    b_info.max_vcpus = b_info.max_vcpus.clamp(b_info.avail_vcpus.len() as i32, 12);
    if !b_info.vnuma_nodes.is_empty() {
        let nodes = &mut b_info.vnuma_nodes;
        for (place, node) in nodes.iter_mut().enumerate() {
            (node.pnode, node.vcpus) = (0, vec![place as u32]);
            node.memkb = Some(node.memkb.unwrap_or(4096) % (1 << 40));
        }
        b_info.max_vcpus = nodes.len() as i32;
        b_info.avail_vcpus = vec![0];
        b_info.max_memkb = Some(nodes.iter().map(|node| node.memkb.unwrap() / 1024 * 1024).sum());
    }
    let bootable = |kernel: &Option<String>| kernel.as_ref().is_some_and(|kernel| !kernel.contains('\0'));
    if kind != GuestKind::Hvm && !bootable(&b_info.kernel) && !bootable(&b_info.bootloader) {
        b_info.kernel = Some("/boot/vmlinuz".to_owned());
    }
}

/// The paths at which xl makes another thing of the file than the config says, in silence; and what it makes.
fn wrong_in_xl(oracle: &Oracle, config: &DomainConfig) -> (Vec<String>, String) {
    let Written { text, unsaid } = written(config, DEBIANS);
    let theirs = match oracle.xl(&text) {
        Ok(theirs) => theirs,
        Err(why) => return (vec![without_numbers(&why)], format!("{why}\nof\n{text}")),
    };
    let said = |path: &String| {
        unsaid.iter().any(|unsaid| {
            let key = unsaid.path.rsplit('.').next().unwrap();
            path.starts_with(&unsaid.path)
                || unsaid.path.starts_with(path)
                // A device that is left out moves those behind it.
                || unsaid.path.ends_with(']') && unsaid.path.split('[').next() == path.split('[').next()
                || unsaid.finding.code == "other-xen" && path.contains(field_of(key))
                // It has moved.
                || unsaid.finding.code == "same-in-xl-cfg" && path.ends_with(key)
        })
    };
    let differ = differences(&serde_json::to_value(config).unwrap(), &theirs);
    let silent: Vec<_> = differ.iter().filter(|path| !said(path) && !is_xls_own(path, config)).collect();
    let paths = silent.iter().map(|path| without_numbers(path)).collect();
    (paths, format!("{silent:?}\nof\n{text}\nxl makes {theirs}"))
}

/// The field of a key that has another name.
fn field_of(key: &str) -> &str {
    match key {
        "hvm_pirq" => "pirq",
        "sve" => "sve_vl",
        "virtio" => "virtios",
        "untrusted" => "trusted",
        key => key,
    }
}

/// True for a value of xl's that means nothing: numbers of devices, and a policy that PV guests' devices do not have.
fn is_xls_own(path: &str, config: &DomainConfig) -> bool {
    path.ends_with("].devid")
        || path.ends_with("].rdm_policy") && config.kind() != GuestKind::Hvm
        || path == "c_info.run_hotplug_scripts"
        || path == format!("b_info.type.{}", config.kind().as_str())
        || path == "vkbs"
        || path == "b_info.vcpu_hard_affinity" && !config.b_info.cpumap.is_empty()
        // Only newer releases print these, which say nothing.
        || path.ends_with("arm_sci") && config.b_info.arch_arm.arm_sci == Some(Default::default())
        || path.ends_with("xenstore_quota") && config.b_info.xenstore_quota == Some(Default::default())
}

#[test]
fn xl_reads_what_the_config_says_or_it_is_handed_back() {
    let Some(oracle) = Oracle::find() else { return };
    let mut failed = Vec::new();
    for seed in 1..=cases() {
        let mut config = any(seed);
        readable(&mut config);
        if failed.len() < 5 && !wrong_in_xl(&oracle, &config).0.is_empty() {
            let less =
                smallest(&config, |less| match (&less.c_info.name, less.c_info.uuid, less.c_info.kind) {
                    (Some(_), Some(_), Some(_)) => wrong_in_xl(&oracle, less).0,
                    _ => vec![],
                });
            let why = wrong_in_xl(&oracle, &less).1;
            failed.push(format!("seed {seed}: {why}\nof {}", as_libxl_holds(&less)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
