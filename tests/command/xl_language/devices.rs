//! Values with a syntax of their own: disks, network cards, PCI devices, sets of CPUs, NUMA nodes and CPUID.

use proptest::prelude::*;
use proptest::sample::select;

use super::values::{Text, list, one_of, quoted, words};

pub(super) fn disk() -> Text {
    let target = one_of(&["/dev/vg/a", "/srv/a.img", "", "nbd:h:1", "a:b", "/a b"]);
    let word = prop_oneof![
        6 => one_of(&["format=raw", "format=qcow2", "vdev=xvda", "vdev=hda", "vdev=hdc", "access=rw", "access=ro", "access=w"]),
        3 => one_of(&[
            "devtype=cdrom", "cdrom", "devtype=disk", "backend=d", "backendtype=qdisk", "backendtype=phy",
            "backendtype=standalone", "script=block-x", "discard", "no-discard", "direct-io-safe", "specification=virtio",
            "specification=xen", "trusted", "untrusted", "format=vhd", "format=qed", "format=empty", "format=",
        ]),
        1 => one_of(&[
            "colo", "no-colo", "colo-host=h", "colo-port=8", "colo-port=x", "colo-export=e", "active-disk=a", "hidden-disk=b",
            "access=", "access=x", "format=x", "backendtype=file", "devtype=x", "bogus=a", "bogus", "vdev=", "=", "x=",
            "specification=x", "backend=", "script=", "target=/x", "trustedx", "hdb:cdrom", "hdb:disk", "hdb:x",
        ]),
    ];
    let keyed = (words(word.boxed(), 6), 0..4_u8, target).prop_map(|(words, shape, target)| match shape {
        0 => words,
        _ => format!("{words},target={target}"),
    });
    let prefix = one_of(&[
        "", "phy:", "file:", "tap:aio:", "tap2:", "qcow2:", "raw:", "vhd:", "iscsi:", "nbd:", "ioemu:",
        "foo:", " ", "aio:",
    ]);
    let path = one_of(&["/dev/vg/a", "/srv/a.img", "", "a", "/a:b", "x=y"]);
    let format = one_of(&["", ",raw", ",qcow2", ",", ",x"]);
    let vdev = one_of(&[",xvda", ",hda", ",hdc:cdrom", ",hdb:disk", ",", "", ",hda:x", ", hda"]);
    let access = one_of(&[",w", ",r", ",rw", "", ",x", ",w,y", ",ro,trusted"]);
    let positional = (prefix, path, format, vdev, access)
        .prop_map(|(prefix, path, format, vdev, access)| [prefix, path, format, vdev, access].concat());
    prop_oneof![keyed, positional].boxed()
}

pub(super) fn nic() -> Text {
    let mac = one_of(&[
        "mac=00:16:3e:00:00:01",
        "mac=00-16-3E-ff-00-0a",
        "mac=0:1:2:3:4:5",
        "mac=zz",
        "mac=00:16:3e:00:00:100",
        "mac=00:16:3e:00:00:01x",
        "mac=",
        "mac=00:16:3e:xx:00:00",
    ]);
    let rate = one_of(&[
        "rate=10MB/s",
        "rate=1Gb/s@10ms",
        "rate=250KB/s@20ms",
        "rate=010MB/s",
        "rate=10",
        "rate=08B/s",
        "rate=5MB/s@1s",
        "rate=5b/s@3",
        "rate=",
        "rate=10MB/s@0",
        "rate=@1s",
        "rate=1GB/s@5000",
    ]);
    let word = prop_oneof![
        3 => mac,
        1 => rate,
        6 => one_of(&["bridge=xenbr0", "script=vif-x", "type=vif", "type=ioemu", "model=e1000", "ip=10.0.0.1", "vifname=v0"]),
        2 => one_of(&[
            "backend=d", "netdev=eth0", "gatewaydev=eth1", "devid=5", "mtu=1400", "mtu=x9", "devid=3x", "trusted", "untrusted",
            "accel=x", "forwarddev=f", "colo_sock_mirror_id=a", "colo_checkpoint_port=9",
        ]),
        1 => one_of(&["type=x", "bogus=1", "bogus", "bridge", "devid=99999999999", "mtu=-1", "vlan=5", "coloft_forwarddev=a"]),
    ];
    words(word.boxed(), 5)
}

pub(super) fn pci() -> Text {
    let device = one_of(&[
        "01:00.0",
        "0000:01:1f.7",
        "ffff:ff:1f.*",
        "1:2.3",
        "01:20.0",
        "01:00.8",
        "01:00.",
        "0x1:00.0",
        "x",
        "",
        "01:00.0@5",
        "01:00.0@1f",
        "01:00.0@20",
        "01:00.0@",
        "bdf=02:00.0",
        "bdf=02:00.0x",
        "name=gpu",
        "bdf=x",
        "10000:01:00.0",
    ]);
    let word = one_of(&[
        "permissive=1",
        "msitranslate=0",
        "seize=1",
        "power_mgmt=1",
        "rdm_policy=strict",
        "rdm_policy=relaxed",
        "rdm_policy=invalid",
        "rdm_policy=x",
        "vslot=5",
        "vslot=x",
        "permissive=x",
        "bogus=1",
        "permissive",
        "name=a",
    ]);
    (device, proptest::collection::vec(word, 0..3), 0..10_u8)
        .prop_map(|(device, words, end)| {
            let end = if end == 0 { "," } else { "" };
            std::iter::once(device).chain(words).collect::<Vec<_>>().join(",") + end
        })
        .boxed()
}

pub(super) fn cpu_set() -> Text {
    let part = one_of(&[
        "0",
        "1-3",
        "all",
        "^2",
        "5",
        "0-63",
        "60-70",
        "node:0",
        "nodes:0",
        "^node:0",
        "3-1",
        "x",
        "1-",
        "-1",
        "1x",
        "^all",
        "nodes:all",
        "",
        " 4",
    ]);
    words(part, 3)
}

pub(super) fn vnode() -> Text {
    let option = one_of(&[
        "pnode=0",
        "size=512",
        "vcpus=0-1",
        "vcpus=0",
        "vcpus=1",
        "vcpus=2,3",
        "vdistances=10,20",
        "vdistances=10",
        "size=x",
        "pnode=9",
        "bogus=1",
        "bogus",
        "size = 64",
        "vcpus=x",
        "vcpus=0-",
        "vdistances=10,20,30,40",
        "size=5=6",
        "pnode=0x",
    ]);
    let options = proptest::collection::vec(quoted(option), 0..5);
    let usual = (0..4_u8, 0..4_u8).prop_map(|(first, last)| {
        format!("[ 'pnode=0', 'size=256', 'vcpus={first}-{last}', 'vdistances=10' ]")
    });
    prop_oneof![options.prop_map(|options| format!("[ {} ]", options.join(", "))), usual].boxed()
}

pub(super) fn cpuid() -> Text {
    let flag = one_of(&[
        "tm=0",
        "sse3=0",
        "invtsc=1",
        "family=15",
        "family=0x15",
        "family=x",
        "model=26",
        "stepping=7",
        "maxleaf=3",
        "proccount=8",
        "fpu=k",
        "htt=s",
        "avx512f=x",
        "rdcl-no=1",
        "rrsba=s",
        "rdcl-no=11",
        "bogus=1",
        "tm",
        "tm=",
        "tm=q",
        "=1",
        "apicidsize=0x1f",
        "fred=1",
        "clflush=1",
        "nc=300",
        "family=300",
        "svm_npt=1",
        "lfence+=1",
        "btc-no=1",
        "pbe=0",
    ]);
    let named = (one_of(&["host", "host", "host", "host", "", "hosts"]), words(flag, 4))
        .prop_map(|(host, flags)| format!("{host},{flags}"));
    let bits = "x".repeat(32);
    let other: String = "01xks".chars().cycle().take(32).collect();
    let register = select(vec![
        format!("eax={bits}"),
        format!("ecx={other}"),
        format!("edx ={other}"),
        "ebx=01".to_owned(),
        format!("exx={bits}"),
        "eax".to_owned(),
        format!(" ecx={bits}"),
    ]);
    let leaf = one_of(&["0x1", "1", "7,0", "0x80000001", "4294967295", "x", "1,x", "1,", ""]);
    let line = (leaf, one_of(&[":", ":", ":", "", " :"]), proptest::collection::vec(register, 0..3))
        .prop_map(|(leaf, colon, registers)| format!("{leaf}{colon}{}", registers.join(",")));
    prop_oneof![quoted(named.boxed()), list(line.boxed(), 3)].boxed()
}
