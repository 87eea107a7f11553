//! Settings whose value is a list.

use proptest::prelude::*;

use super::devices::{cpu_set, cpuid, disk, nic, pci, vnode};
use super::values::{Text, list, number, one_of, pairs, quoted, text};

pub(super) fn list_keys() -> Text {
    let set =
        |key: &'static str, value: Text| value.prop_map(move |value| format!("{key} = {value}")).boxed();
    let viridian = one_of(&[
        "all",
        "defaults",
        "base",
        "freq",
        "time_ref_count",
        "reference_tsc",
        "!freq",
        "!base",
        "BASE",
        "!ALL",
        "bogus",
        "",
        "stimer",
        "hcall_ipi",
        "cpu_hotplug",
        "!",
    ]);
    let args = one_of(&["-a", "b c", "", "-device x,y=z", "ü"]);
    let paths = one_of(&["/a", "", "b"]);
    let ports =
        one_of(&["2f8-2ff", "3f8", "0x3f8", "10-5", "x", "1-", "1x", "ffffffff", "1-2x", "-1", "1-ffffffff"]);
    let irqs = one_of(&["5", "7", "x", "1x", "4294967295", "-1", "010"]);
    let iomem = one_of(&[
        "fed40,5",
        "fed40,5@20",
        "0xfed40,0x5",
        "fed40",
        "a,b,c",
        "a,b@",
        "a, b",
        "a,b@x",
        "a,b@1x",
        "-1,1",
    ]);
    let p9 = pairs(&["tag", "path", "security_model", "backend"], one_of(&["a", "none", "/x", ""]), 5);
    let full = one_of(&[
        "tag=a,path=/b,security_model=none",
        "tag=a, path=/b ,security_model=none,backend=d",
        "tag=c,path=/d",
    ]);
    let vtpm =
        pairs(&["backend", "uuid"], one_of(&["d", "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11", "1", ""]), 3);
    let channel =
        pairs(&["connection", "name", "path", "backend"], one_of(&["pty", "socket", "a", "/x", ""]), 4);
    let vfb = pairs(
        &[
            "vnc",
            "vnclisten",
            "vncpasswd",
            "vncdisplay",
            "vncunused",
            "keymap",
            "sdl",
            "opengl",
            "display",
            "xauthority",
            "type",
        ],
        one_of(&["1", "0", "a", "2x", "", "127.0.0.1"]),
        4,
    );
    let usbctrl = pairs(
        &["type", "version", "ports"],
        one_of(&["auto", "pv", "qusb", "DEVICEMODEL", "2", "8", "x"]),
        3,
    );
    let usbdev = pairs(
        &["type", "hostbus", "hostaddr", "controller", "port"],
        one_of(&["hostdev", "1", "0x3", "300", "x", "-1"]),
        4,
    );
    let vdispl = prop_oneof![
        pairs(
            &["backend", "be-alloc", "connectors"],
            one_of(&["1", "0", "d", "id0:800x600", "id0:1x1;id1:2x2", "id0:800", "x"]),
            3
        ),
        one_of(&[
            "backend=d,be-alloc=1,connectors=id0:800x600;id1:1x2",
            "connectors=a:1x2",
            "connectors=a:1x2:3"
        ]),
    ]
    .boxed();
    let vkb = pairs(
        &[
            "backend",
            "backend-type",
            "unique-id",
            "feature-disable-keyboard",
            "feature-abs-pointer",
            "feature-raw-pointer",
            "feature-multi-touch",
            "multi-touch-width",
            "multi-touch-height",
            "multi-touch-num-contacts",
            "width",
            "height",
        ],
        one_of(&["qemu", "linux", "1", "0", "a", "640", "LINUX", "unknown"]),
        4,
    );
    let smbios = pairs(
        &["bios_vendor", "system_manufacturer", "oem", "battery_device_name", "Oem"],
        one_of(&["a", "", "a b", "x=y"]),
        1,
    );
    let virtio = pairs(
        &["backend", "type", "transport", "grant_usage"],
        one_of(&["d", "mmio", "unknown", "virtio,device22", "virtio", "i2c@1", "1", "0", ""]),
        4,
    );
    let vsnd_item = prop_oneof![one_of(&[
        "card",
        "card,short-name=a,long-name=b,backend=d",
        "pcm,name=p",
        "pcm",
        "stream,unique-id=u,type=P",
        "stream,type=C,sample-rates=48000;44100",
        "card,sample-formats=s16_le;u8,channels-min=1,channels-max=2",
        "pcm,buffer-size=4096",
        "PCM, name=q",
        "CARD",
        "x",
        "stream,type=x",
        "card,bogus=1",
        "card,sample-formats=x",
    ]),];
    let vsnd_card = proptest::collection::vec(quoted(vsnd_item.boxed()), 0..5)
        .prop_map(|items| format!("[ {} ]", items.join(", ")));
    let nested = |item: Text, most: usize| {
        let items = proptest::collection::vec(prop_oneof![20 => item, 1 => text()], 0..=most);
        items.prop_map(|items| format!("[ {} ]", items.join(", "))).boxed()
    };
    prop::strategy::Union::new_weighted(vec![
        (8, set("disk", list(disk(), 3))),
        (6, set("vif", list(nic(), 3))),
        (4, set("pci", list(pci(), 2))),
        (4, set("cpus", prop_oneof![quoted(cpu_set()), list(cpu_set(), 4)].boxed())),
        (2, set("cpus_soft", prop_oneof![quoted(cpu_set()), list(cpu_set(), 4)].boxed())),
        (4, set("vnuma", nested(vnode(), 3))),
        (5, set("cpuid", cpuid())),
        (4, set("viridian", prop_oneof![3 => list(viridian, 5), 1 => number()].boxed())),
        (2, set("p9", list(prop_oneof![p9, full].boxed(), 3))),
        (2, set("vtpm", list(vtpm, 2))),
        (2, set("pvcalls", list(pairs(&["backend"], one_of(&["d", ""]), 2), 2))),
        (2, set("channel", list(channel, 2))),
        (3, set("vfb", list(vfb, 2))),
        (2, set("usbctrl", list(usbctrl, 2))),
        (2, set("usbdev", list(usbdev, 2))),
        (2, set("vdispl", list(vdispl, 2))),
        (2, set("vkb", list(vkb, 2))),
        (2, set("vsnd", nested(vsnd_card.boxed(), 2))),
        (1, set("ioports", list(ports, 2))),
        (1, set("irqs", list(irqs, 2))),
        (1, set("iomem", list(iomem, 2))),
        (1, set("mca_caps", list(one_of(&["lmce", "lmce", "x", ""]), 2))),
        (1, set("dtdev", list(paths, 2))),
        (1, set("device_model_args", list(args.clone(), 3))),
        (1, set("device_model_args_hvm", list(args.clone(), 3))),
        (1, set("device_model_args_pv", list(args.clone(), 3))),
        (2, set("serial", list(args.clone(), 2))),
        (2, set("usbdevice", list(args.clone(), 2))),
        (2, set("bootloader_args", list(args, 2))),
        (1, set("vif2", list(one_of(&["a"]), 1))),
        (2, set("smbios", list(smbios, 3))),
        (1, set("llc_colors", list(one_of(&["0-2", "3", "5-4", "x", "0", "7-7", "1-", " 2 -3", "4,5"]), 3))),
        (2, set("virtio", list(virtio, 2))),
        (1, set("xenstore_quota", list(one_of(&["node=5", "memory=1024", "x=1", "node", "node=x"]), 2))),
    ])
    .boxed()
}
