//! xl.cfg files made from the language's own grammar: right, nearly right and wrong.

use proptest::prelude::*;
use proptest::sample::select;

pub type Text = BoxedStrategy<String>;

pub fn one_of(words: &'static [&'static str]) -> Text {
    select(words).prop_map(str::to_owned).boxed()
}

/// A number as a file has it; now and then none.
fn number() -> Text {
    prop_oneof![
        8 => one_of(&["0", "1", "2", "3", "4", "16", "64", "512", "1024"]),
        2 => one_of(&["\"1\"", "'0'", "\"2\"", "\"-1\"", "\"-3600\"", "010", "0x10", "\" 7\""]),
        1 => one_of(&[
            "4294967296", "99999999999999999999", "\"4294967295\"", "\"-9223372036854775808\"", "08", "\"\"", "\"yes\"",
            "\"1 \"", "\"1M\"", "[ ]", "[ 1 ]", "\"+5\"", "\"0x\"",
        ]),
    ]
    .boxed()
}

fn quoted(text: Text) -> Text {
    (text, any::<bool>())
        .prop_map(
            |(text, double)| {
                if double && !text.contains('"') { format!("\"{text}\"") } else { format!("'{text}'") }
            },
        )
        .boxed()
}

fn text() -> Text {
    let word = one_of(&[
        "",
        "a",
        "guest",
        "/srv/x",
        "x y",
        "root=/dev/xvda1 ro",
        "unknown",
        "default",
        "none",
        "0",
        "127.0.0.1",
        "ü",
        "a,b",
        "a=b",
        ":1",
        "::1",
        "hvmloader",
        "/usr/lib/xen/boot/hvmloader",
        "pygrub",
        "#",
        "\\n",
        "\\\\",
    ]);
    prop_oneof![12 => quoted(word), 1 => one_of(&["5", "[ ]", "[ 'a' ]"])].boxed()
}

/// One of a key's own words, in some spelling, or another.
fn word(words: &'static [&'static str]) -> Text {
    let own = (select(words), 0..10_u8).prop_map(|(word, spelling)| match spelling {
        0 => word.to_uppercase(),
        1 => word.chars().take(2).collect(),
        2 => format!("{word} "),
        _ => word.to_owned(),
    });
    prop_oneof![10 => quoted(own.boxed()), 2 => number(), 1 => text()].boxed()
}

/// A list of texts, now and then with something else in it.
fn list(item: Text, most: usize) -> Text {
    let item = prop_oneof![30 => quoted(item), 1 => one_of(&["5", "[ 'a' ]", "''"])];
    let items = proptest::collection::vec(item, 0..=most);
    let whole = (items, any::<bool>()).prop_map(|(items, comma)| {
        let comma = if comma && !items.is_empty() { "," } else { "" };
        format!("[ {}{comma} ]", items.join(", "))
    });
    prop_oneof![20 => whole, 1 => text()].boxed()
}

/// Words between commas.
fn words(word: Text, most: usize) -> Text {
    (proptest::collection::vec((one_of(&["", "", "", "", " "]), word), 0..=most), 0..12_u8)
        .prop_map(|(words, end)| {
            let words: Vec<_> = words.into_iter().map(|(gap, word)| gap + &word).collect();
            let end = if end == 0 { "," } else { "" };
            words.join(if end.is_empty() { "," } else { ",," }) + end
        })
        .boxed()
}

fn pairs(keys: &'static [&'static str], values: Text, most: usize) -> Text {
    let pair = (select(keys), values, 0..20_u8).prop_map(|(key, value, odd)| match odd {
        0 => key.to_owned(),
        1 => format!("{key}={value}=x"),
        2 => format!("{key} = {value}"),
        3 => format!("{}={value}", &key[..key.len() - 1]),
        _ => format!("{key}={value}"),
    });
    words(pair.boxed(), most)
}

fn disk() -> Text {
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

fn nic() -> Text {
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

fn pci() -> Text {
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

fn cpu_set() -> Text {
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

fn vnode() -> Text {
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

fn cpuid() -> Text {
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

fn simple_keys() -> Text {
    let flags = one_of(&[
        "hap",
        "oos",
        "pvshim",
        "nomigrate",
        "localtime",
        "driver_domain",
        "acpi",
        "nestedhvm",
        "pae",
        "acpi_s3",
        "acpi_s4",
        "acpi_laptop_slate",
        "nx",
        "hpet",
        "vpt_align",
        "apic",
        "altp2mhvm",
        "device_model_stubdomain_override",
        "vnc",
        "vncunused",
        "sdl",
        "opengl",
        "dm_restrict",
        "stdvga",
        "spice",
        "spicedisable_ticketing",
        "spiceagent_mouse",
        "spicevdagent",
        "spice_clipboard_sharing",
        "nographic",
        "usb",
        "vkb_device",
        "xen_platform_pci",
        "xend_suspend_evtchn_compat",
        "msr_relaxed",
        "vpmu",
        "e820_host",
        "vncviewer",
        "smbios",
        "hvm_pirq",
        "bootloader_restrict",
        "trap_unmapped_accesses",
        "xen_platform_pci_bar_uc",
    ]);
    let numbers = one_of(&[
        "cpu_weight",
        "cap",
        "period",
        "slice",
        "latency",
        "extratime",
        "maxmem",
        "vcpus",
        "maxvcpus",
        "max_grant_frames",
        "max_maptrack_frames",
        "max_grant_version",
        "shadow_memory",
        "rtc_timeoffset",
        "videoram",
        "max_event_channels",
        "mmio_hole",
        "rdm_mem_boundary",
        "vmtrace_buf_kb",
        "stubdomain_memory",
        "vncdisplay",
        "spiceport",
        "spicetls_port",
        "spiceusbredirection",
        "usbversion",
        "pci_msitranslate",
        "pci_power_mgmt",
        "pci_permissive",
        "pci_seize",
        "memory",
        "nr_spis",
        "xenstore_feature_mask",
        "altp2m_count",
    ]);
    let texts = one_of(&[
        "init_seclabel",
        "seclabel",
        "pool",
        "pvshim_path",
        "pvshim_cmdline",
        "pvshim_extra",
        "kernel",
        "ramdisk",
        "device_tree",
        "cmdline",
        "root",
        "extra",
        "bootloader",
        "bootloader_args",
        "firmware_override",
        "bios_path_override",
        "smbios_firmware",
        "acpi_firmware",
        "device_model",
        "device_model_override",
        "device_model_stubdomain_seclabel",
        "device_model_user",
        "stubdomain_kernel",
        "stubdomain_cmdline",
        "stubdomain_ramdisk",
        "vnclisten",
        "vncpasswd",
        "display",
        "xauthority",
        "keymap",
        "spicehost",
        "spicepasswd",
        "spice_image_compression",
        "spice_streaming_video",
        "boot",
        "soundhw",
        "serial",
        "usbdevice",
        "name",
        "bootloader_user",
        "timezone",
        "bogus_key",
    ]);
    let setting = |keys: Text, values: Text| {
        (keys, one_of(&[" = ", "=", " = ", " = ", " += "]), values)
            .prop_map(|(key, is, value)| key + &is + &value)
    };
    prop_oneof![
        3 => setting(flags, number()),
        3 => setting(numbers, number()),
        2 => setting(texts, text()),
    ]
    .boxed()
}

fn word_keys() -> Text {
    let set =
        |key: &'static str, value: Text| value.prop_map(move |value| format!("{key} = {value}")).boxed();
    let ends = &[
        "destroy",
        "restart",
        "rename-restart",
        "preserve",
        "coredump-destroy",
        "coredump-restart",
        "soft-reset",
    ];
    prop::strategy::Union::new_weighted(vec![
        (2, set("on_poweroff", word(ends))),
        (2, set("on_reboot", word(ends))),
        (1, set("on_crash", word(ends))),
        (1, set("on_watchdog", word(ends))),
        (1, set("on_soft_reset", word(ends))),
        (2, set("passthrough", word(&["default", "disabled", "enabled", "sync_pt", "share_pt"]))),
        (3, set("tsc_mode", word(&["default", "always_emulate", "native", "native_paravirt"]))),
        (
            3,
            set(
                "timer_mode",
                word(&[
                    "delay_for_missed_ticks",
                    "no_delay_for_missed_ticks",
                    "no_missed_ticks_pending",
                    "one_missed_tick_pending",
                    "unknown",
                ]),
            ),
        ),
        (2, set("bios", word(&["rombios", "seabios", "ovmf", "unknown"]))),
        (2, set("firmware", word(&["uefi", "bios", "ovmf", "seabios", "pvgrub32", "pvgrub64", "/srv/fw"]))),
        (1, set("ms_vm_genid", word(&["generate", "none"]))),
        (2, set("altp2m", word(&["disabled", "mixed", "external", "limited"]))),
        (2, set("device_model_version", word(&["qemu-xen", "qemu-xen-traditional"]))),
        (2, set("vga", word(&["stdvga", "cirrus", "none", "qxl"]))),
        (1, set("hdtype", word(&["ide", "ahci"]))),
        (1, set("gfx_passthru", word(&["default", "igd"]))),
        (1, set("vendor_device", word(&["none", "xenserver"]))),
        (1, set("gic_version", word(&["default", "v2", "v3"]))),
        (1, set("tee", word(&["none", "optee"]))),
        (1, set("vuart", word(&["sbsa_uart", "unknown"]))),
        (1, set("sve", word(&["disabled", "hw", "128", "1024"]))),
        (1, set("arm_sci", word(&["type=none", "type=scmi_smc", "type=x"]))),
        (1, set("builder", word(&["hvm", "generic"]))),
        (1, set("rdm", word(&["strategy=host,policy=strict", "policy=relaxed", "strategy=host", "x"]))),
        (
            1,
            set(
                "uuid",
                word(&["6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11", "00000000-0000-0000-0000-000000000000", "1"]),
            ),
        ),
        (1, set("vnclisten", word(&["127.0.0.1:1", "::1", "0.0.0.0"]))),
    ])
    .boxed()
}

fn list_keys() -> Text {
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

/// Something between settings that may be wrong.
fn odd() -> Text {
    prop_oneof![
        60 => Just(String::new()),
        1 => one_of(&["-", "A", "\r", "#", "\"", "(", "-1", "yes", "5", "=", "[", "]", ",", ";", " ", "x", "# c\n"]),
    ]
    .boxed()
}

fn end() -> Text {
    one_of(&["\n", "\n", "\n", "\n", ";", " # comment\n", "\n\n"])
}

/// A whole file.
pub fn file() -> impl Strategy<Value = String> {
    let setting = prop_oneof![4 => simple_keys(), 3 => word_keys(), 4 => list_keys()];
    let settings = proptest::collection::vec((setting, odd(), end()), 0..6);
    let head = prop_oneof![
        10 => one_of(&[
            "type='hvm'\nname='guest'\nmemory=64\nvcpus=2\n",
            "type='hvm'\nname='guest'\n",
            "type='pv'\nname='guest'\nkernel='/k'\nvcpus=4\nmaxvcpus=8\n",
            "type='pvh'\nname='guest'\nkernel='/k'\nmemory=64\nvcpus=1\n",
            "name='guest'\nbootloader='pygrub'\nmemory=64\n",
        ]),
        1 => one_of(&[
            "", "type='hvm'\n", "name='guest'\n", "builder='hvm'\nname='guest'\n", "builder='generic'\ntype='hvm'\nname='g'\n",
            "type='h'\nname='guest'\n", "type=''\nname='g'\n", "type='x'\nname='g'\n", "type='pvh'\nname='g'\n",
        ]),
    ];
    (head, settings, any::<bool>()).prop_map(|(head, settings, cut)| {
        let settings: String = settings.into_iter().map(|(a, b, c)| a + &b + &c).collect();
        let text = head + &settings;
        if cut { text.trim_end_matches('\n').to_owned() } else { text }
    })
}
