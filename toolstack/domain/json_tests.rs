//! libxl's JSON is read and printed as libxl does it. The expected output was taken from libxl 4.17 itself.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use timers::tsc::TscMode;

use super::DomainConfig;
use super::config::{Connection, DiskFormat, Sve, UsbCtrlType, VgaKind, VsndFormat};

fn read(json: &Value) -> DomainConfig {
    serde_json::from_str(&json.to_string()).unwrap()
}

/// The keys and values in order.
fn printed(config: &DomainConfig) -> String {
    serde_json::to_string(config).unwrap()
}

#[test]
fn what_libxl_prints_is_printed_again_in_its_order() {
    let libxl = json!({
        "c_info": {
            "type": "hvm", "name": "x", "domid": 5, "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
            "xsdata": {"b": "1", "a": null}, "passthrough": "sync_pt"
        },
        "b_info": {
            "avail_vcpus": [0, 1], "vcpu_hard_affinity": [[0], [1, 2]],
            "cpuid": {"cpuid": [{"leaf": 1, "ecx": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "msr": []},
            "max_grant_frames": 64, "sched_params": {"weight": 512},
            "iomem": [{"start": 640, "number": 32}],
            "type.hvm": {
                "viridian_enable": [0, 3], "hdtype": "ahci", "vga": {"kind": "qxl"}, "vnc": {"display": -3},
                "sdl": {}, "spice": {}, "ms_vm_genid": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
                "rdm": {"strategy": "host", "policy": "strict"}, "mca_caps": 134_217_728
            },
            "arch_arm": {"gic_version": "v2"}, "arch_x86": {"msr_relaxed": "True"}, "altp2m": "external"
        },
        "nics": [{"devid": 0, "coloft_forwarddev": "x", "colo_sock_mirror_id": "a", "trusted": "False"}],
        "pcidevs": [{"func": 1, "bus": 3, "permissive": true, "rdm_policy": "relaxed"}],
        "vsnds": [{
            "params": {"sample_formats": ["s16_le", "s8"]},
            "pcms": [{"params": {}, "streams": [{"type": "p", "params": {}}]}]
        }],
        "channels": [
            {"name": "a", "connection.pty": {}}, {"name": "b", "connection.unknown": {}},
            {"name": "c", "connection.socket": {"path": "/c"}}
        ],
        "usbdevs": [{"ctrl": 0, "port": 1, "type.hostdev": {"hostbus": 1, "hostaddr": 2}}, {}],
        "on_reboot": "restart"
    });
    let config = read(&libxl);
    assert_eq!(printed(&config), libxl.to_string());
    assert_eq!(config.nics[0].colo.get("colo_sock_mirror_id"), Some("a"));
    assert_eq!(config.vsnds[0].params.sample_formats, [VsndFormat::S16Le, VsndFormat::S8]);
    assert_eq!(config.channels[2].connection, Connection::Socket(Some("/c".to_owned())));
    assert!(config.nics[0].rest.is_empty() && config.channels.iter().all(|channel| channel.rest.is_empty()));
}

#[test]
fn a_default_that_stands_there_is_left_out() {
    let config = read(&json!({
        "c_info": {"type": "invalid", "uuid": "00000000-0000-0000-0000-000000000000", "hap": "<default>", "name": null},
        "b_info": {
            "tsc_mode": "default", "max_memkb": u64::MAX, "max_grant_frames": u32::MAX, "max_grant_version": -1,
            "timer_mode": "unknown", "cpuid": {"cpuid": [], "msr": []}, "altp2m": null,
            "sched_params": {"weight": -1, "sched": "unknown"}, "vcpu_hard_affinity": [], "event_channels": 0
        },
        "disks": [{"format": "unknown", "readwrite": 0}], "nics": [{"devid": -1}], "usbctrls": [{"type": "auto"}],
        "on_crash": "destroy"
    }));
    let defaults = json!({
        "c_info": {}, "b_info": {"sched_params": {}, "arch_arm": {}, "arch_x86": {}},
        "disks": [{}], "nics": [{}], "usbctrls": [{}]
    });
    assert_eq!(printed(&config), defaults.to_string());
}

#[test]
fn words_are_known_in_any_case_and_a_newer_one_is_kept() {
    let config = read(&json!({
        "b_info": {"tsc_mode": "NATIVE", "type.hvm": {"vga": {"kind": "STD"}}, "arch_arm": {"sve_vl": "256"}},
        "disks": [{"format": "QCOW2"}], "usbctrls": [{"type": "DeviceModel"}]
    }));
    assert_eq!(config.b_info.tsc_mode, Some(TscMode::Native));
    assert_eq!(config.b_info.hvm.unwrap().vga.kind, Some(VgaKind::Std));
    assert_eq!(config.b_info.arch_arm.sve_vl, Sve::Bits256);
    assert_eq!(config.disks[0].format, Some(DiskFormat::Qcow2));
    assert_eq!(config.usbctrls[0].kind, UsbCtrlType::DeviceModel);

    let newer = json!({
        "c_info": {"type": "pvh5", "colour": "blue"},
        "b_info": {
            "tsc_mode": "wild", "cpuid": {"cpuid": [], "msr": [], "sgx": []}, "sched_params": {"sched": "fair"},
            "arch_arm": {"scmi": {"type": "vio"}}, "arch_x86": {}
        },
        "disks": [{"vdev": "xvda", "format": "vhdx"}],
        "vsnds": [{"params": {"sample_formats": ["s8", "opus"]}, "pcms": []}],
        "on_crash": "shrug"
    });
    let config = read(&newer);
    assert_eq!(config.c_info.rest["type"], "pvh5");
    assert_eq!(config.disks[0].rest["format"], "vhdx");
    let again: Value = serde_json::from_str(&printed(&config)).unwrap();
    let mut expected = newer;
    expected["vsnds"][0].as_object_mut().unwrap().remove("pcms");
    assert_eq!(again, expected);
}

#[test]
fn what_only_newer_releases_print_is_left_out_where_it_says_nothing() {
    let config = read(&json!({"b_info": {"arch_arm": {"arm_sci": {}}, "xenstore_quota": {"quota": []}}}));
    assert_eq!(config.b_info.arch_arm.arm_sci, Some(super::config::ArmSci::default()));
    assert!(!printed(&DomainConfig::default()).contains("arm_sci"));
}

#[test]
fn a_list_of_cpuid_leaves_alone_is_read_as_older_releases_printed_it() {
    let config = read(&json!({"b_info": {"cpuid": [{"leaf": 7, "subleaf": 0, "ebx": "x"}]}}));
    assert_eq!(config.b_info.cpuid.cpuid[0].leaf, Some(7));
    assert_eq!(config.b_info.cpuid.cpuid[0].subleaf, Some(0));
}

#[test]
fn a_wrong_value_says_where() {
    for (text, says) in [
        ("{\"disks\": [{\n\"vdev\": 5}]}", "invalid type: integer `5`, expected a string at line 2"),
        ("{\"c_info\": {\"hap\": \"yes\"}}", "unknown variant `yes`, expected one of `True`, `False`"),
        ("{\"nics\": [{\"devid\": -2}]}", "expected an unsigned 32-bit number"),
        ("{\"b_info\": {\"max_vcpus\": 1, \"max_vcpus\": 2}}", "duplicate field `max_vcpus`"),
        ("{\"c_info\": {\"uuid\": \"guest\"}}", "at line 1"),
    ] {
        let error = serde_json::from_str::<DomainConfig>(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
