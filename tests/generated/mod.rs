//! Domains that libvirt's schema allows, with texts that xl.cfg has trouble with.

// A test that uses this module need not use all of it.
#![allow(dead_code)]

use proptest::prelude::*;
use proptest::sample::select;

type Text = BoxedStrategy<String>;

/// A text that XML can hold on one line, as it stands in an attribute or an element.
fn text() -> Text {
    let odd = select(vec![
        "'", "\"", "\\", "#", "&", "<", ">", "ü", "東", "🕰", "=", "[", "]", "$", "%", ";", "\\n", " ",
    ]);
    let plain = "[a-zA-Z0-9._-]{1,6}";
    let piece = prop_oneof![plain, odd.prop_map(str::to_owned)];
    proptest::collection::vec(piece, 1..6)
        .prop_map(|pieces| escape(pieces.concat().trim()))
        .prop_filter("not empty", |text| !text.is_empty())
        .boxed()
}

/// A text in a place where a comma parts nothing. It is rare: a disk with one is left out, and its guest does not start.
fn free() -> Text {
    let comma = prop_oneof![15 => Just(String::new()), 1 => text().prop_map(|more| format!(",{more}"))];
    (text(), comma).prop_map(|(text, more)| text + &more).boxed()
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\'' | '"' | '&' | '<' | '>' => out.push_str(&format!("&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

fn words(words: &'static [&'static str]) -> Text {
    select(words).prop_map(str::to_owned).boxed()
}

fn maybe(text: impl Strategy<Value = String> + 'static) -> Text {
    prop_oneof![Just(String::new()), text].boxed()
}

fn all(texts: Vec<Text>) -> Text {
    texts.prop_map(|texts| texts.concat()).boxed()
}

fn os() -> Text {
    let kernel = (free(), maybe(free().prop_map(|line| format!("<cmdline>{line}</cmdline>"))));
    let kernel = kernel.prop_map(|(path, line)| format!("<kernel>/{path}</kernel>{line}")).boxed();
    let boot =
        proptest::sample::subsequence(vec!["hd", "cdrom", "network", "fd"], 0..4).prop_map(|devices| {
            devices.iter().map(|device| format!("<boot dev='{device}'/>")).collect::<String>()
        });
    let firmware = words(&[
        "<os firmware='efi'><type machine='q35'>hvm</type></os>",
        "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram>/var/lib/n.fd</nvram></os>",
        "<os><type machine='pc'>hvm</type><loader type='rom'>/usr/share/seabios/bios.bin</loader><bios useserial='yes'/></os>",
        "<os><type>hvm</type><kernel>/k</kernel><initrd>/i</initrd><cmdline>root=/dev/xvda</cmdline></os>",
        "<os><type>hvm</type><cmdline>nothing</cmdline></os>",
        "<os><type>hvm</type><smbios mode='sysinfo'/></os><sysinfo type='smbios'><bios><entry name='vendor'>LENOVO</entry></bios><system><entry name='serial'>42</entry></system></sysinfo>",
    ]);
    prop_oneof![
        3 => boot.prop_map(|boot| format!("<os><type>hvm</type>{boot}</os>")),
        2 => firmware,
        1 => kernel.clone().prop_map(|kernel| format!("<os><type>xen</type>{kernel}</os>")),
        1 => text().prop_map(|args| format!("<bootloader>/pygrub</bootloader><bootloader_args>{args}</bootloader_args><os><type>linux</type></os>")),
        1 => kernel.prop_map(|kernel| format!("<os><type>xenpvh</type>{kernel}</os>")),
    ]
    .boxed()
}

fn memory() -> Text {
    (words(&["KiB", "MiB", "MB", "GB", "b", "k"]), 1_u64..1 << 20, 1_u64..1 << 20)
        .prop_map(|(unit, max, now)| {
            format!("<memory unit='{unit}'>{max}</memory><currentMemory unit='{unit}'>{now}</currentMemory>")
        })
        .boxed()
}

fn vcpus() -> Text {
    (1_u32..130, 1_u32..130)
        .prop_map(|(a, b)| format!("<vcpu current='{}'>{}</vcpu>", a.min(b), a.max(b)))
        .boxed()
}

fn timer(name: &'static str) -> Text {
    let attribute = |name: &'static str, values: &'static [&'static str]| {
        maybe(words(values).prop_map(move |value| format!(" {name}='{value}'")))
    };
    let mut parts = vec![Just(format!("<timer name='{name}'")).boxed(), attribute("present", &["yes", "no"])];
    match name {
        "tsc" => {
            parts.push(attribute("mode", &["auto", "native", "emulate", "smpsafe", "paravirt"]));
            parts.push(attribute("frequency", &["1000000000", "2000000499", "4294967295000"]));
        }
        "rtc" | "pit" | "hpet" => {
            parts.push(attribute("tickpolicy", &["delay", "catchup", "merge", "discard"]));
        }
        _ => {}
    }
    parts.push(Just("/>".to_owned()).boxed());
    maybe(all(parts))
}

fn clock() -> Text {
    let zones: &[&str] = &["Europe/Paris", "America/New_York", "Asia/Kathmandu", "UTC", "America/St_Johns"];
    let offset = prop_oneof![
        words(&["utc", "localtime", "utc' adjustment='reset", "localtime' adjustment='reset"]),
        (words(&["utc", "localtime"]), -100_000..100_000)
            .prop_map(|(kind, by)| format!("{kind}' adjustment='{by}")),
        (words(&["utc", "localtime"]), -2_000_000..2_000_000)
            .prop_map(|(basis, by)| format!("variable' basis='{basis}' adjustment='{by}")),
        select(zones).prop_map(|zone| format!("timezone' timezone='{zone}")),
        (946_684_800_i64..3_900_000_000).prop_map(|start| format!("absolute' start='{start}")),
    ];
    let timers =
        all(["rtc", "pit", "hpet", "tsc", "hypervclock", "kvmclock"].into_iter().map(timer).collect());
    maybe((offset, timers).prop_map(|(offset, timers)| format!("<clock offset='{offset}'>{timers}</clock>")))
}

fn features() -> Text {
    let features = vec![
        "<acpi/>",
        "<apic/>",
        "<pae/>",
        "<hap/>",
        "<hap state='off'/>",
        "<viridian/>",
        "<hyperv><relaxed state='on'/><vapic state='on'/></hyperv>",
        "<hyperv><stimer state='on'/><synic state='on'/><frequencies state='off'/></hyperv>",
        "<hyperv mode='passthrough'/>",
        "<kvm><hidden state='on'/></kvm>",
        "<xen><e820_host state='on'/><passthrough state='on' mode='sync_pt'/></xen>",
        "<msrs unknown='ignore'/>",
        "<vmport state='off'/>",
    ];
    // The two of hap contradict each other, as do a viridian and a hyperv.
    proptest::sample::subsequence(features, 0..4)
        .prop_map(|features| format!("<features>{}</features>", features.concat()))
        .boxed()
}

fn disks() -> Text {
    let disk = |name: &'static str| {
        let driver = maybe(
            (
                words(&["phy", "qemu", "file", "tap"]),
                words(&["raw", "qcow2", "vhd", "qed"]),
                maybe(words(&[" discard='unmap'", " discard='ignore'"])),
            )
                .prop_map(|(name, format, discard)| {
                    format!("<driver name='{name}' type='{format}'{discard}/>")
                }),
        );
        let device = words(&["disk", "disk", "cdrom"]);
        let bus = maybe(words(&[" bus='ide'", " bus='virtio'", " bus='sata'", " bus='xen'"]));
        let source = prop_oneof![
            free().prop_map(|path| ("type='file'".to_owned(), format!("<source file='/{path}'/>"))),
            free().prop_map(|path| ("type='block'".to_owned(), format!("<source dev='/dev/{path}'/>"))),
        ];
        let readonly = maybe(Just("<readonly/>".to_owned()));
        maybe((source, device, driver, bus, readonly).prop_map(
            move |((kind, source), device, driver, bus, readonly)| {
                format!("<disk {kind} device='{device}'>{driver}{source}<target dev='{name}'{bus}/>{readonly}</disk>")
            },
        ))
    };
    all(["hda", "vdb", "xvdc", "sdd", "hdd1"].into_iter().map(disk).collect())
}

fn nics() -> Text {
    let model = maybe(
        words(&["e1000", "rtl8139", "netfront", "virtio"])
            .prop_map(|model| format!("<model type='{model}'/>")),
    );
    let mac = maybe(
        "00:16:3e:[0-9a-f]{2}:[0-9A-F]{2}:[0-9a-f]{2}".prop_map(|mac| format!("<mac address='{mac}'/>")),
    );
    let nic = (
        words(&["br0", "xenbr1"]),
        model,
        mac,
        maybe(text().prop_map(|name| format!("<target dev='{name}'/>"))),
    )
        .prop_map(|(bridge, model, mac, target)| {
            format!("<interface type='bridge'>{mac}<source bridge='{bridge}'/>{target}{model}</interface>")
        });
    proptest::collection::vec(nic, 0..3).prop_map(|nics| nics.concat()).boxed()
}

fn screens() -> Text {
    all(vec![
        maybe(
            (
                maybe(text().prop_map(|word| format!(" passwd='{word}'"))),
                words(&["port='-1' autoport='yes'", "port='5905' autoport='no'"]),
            )
                .prop_map(|(password, port)| format!("<graphics type='vnc' {port}{password}/>")),
        ),
        maybe(
            words(&["cirrus", "vga", "qxl", "none", "virtio"])
                .prop_map(|card| format!("<video><model type='{card}'/></video>")),
        ),
        maybe(Just("<serial type='pty'/>".to_owned())),
        maybe(free().prop_map(|path| format!("<serial type='file'><source path='/{path}'/></serial>"))),
        maybe(Just("<input type='tablet' bus='usb'/>".to_owned())),
    ])
}

/// How vCPUs run and what they are.
fn cpus() -> Text {
    all(vec![
        maybe(words(&[
            "<cpu mode='host-passthrough'/>",
            "<cpu mode='host-model'><feature policy='disable' name='rdrand'/></cpu>",
            "<cpu mode='custom' match='exact'><model>Haswell</model><feature policy='require' name='vmx'/></cpu>",
            "<cpu mode='host-passthrough'><topology sockets='1' cores='2' threads='1'/><feature policy='require' name='invtsc'/></cpu>",
            "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>",
        ])),
        maybe(words(&[
            "<cputune><vcpupin vcpu='0' cpuset='1-3,^2'/></cputune>",
            "<cputune><shares>512</shares></cputune>",
            "<cputune><period>50000</period><quota>25000</quota><emulatorpin cpuset='0'/></cputune>",
        ])),
        maybe(words(&[
            "<numatune><memory mode='strict' nodeset='0'/></numatune>",
            "<memoryBacking><hugepages/><locked/></memoryBacking>",
            "<iothreads>2</iothreads>",
            "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>",
            "<seclabel type='dynamic' model='selinux' relabel='yes'/>",
            "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>",
        ])),
    ])
}

/// Devices of other kinds, each there or not.
fn others() -> Text {
    let devices = [
        "<sound model='ich9'/>",
        "<sound model='ac97'/>",
        "<channel type='unix'><source mode='bind' path='/run/agent.sock'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        "<channel type='pty'><target type='xen' name='org.example.0'/></channel>",
        "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
        "<redirdev bus='usb' type='spicevmc'/>",
        "<filesystem type='mount' accessmode='passthrough'><source dir='/srv/share'/><target dir='share'/></filesystem>",
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/fast'/><target dir='fast'/></filesystem>",
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source></hostdev>",
        "<hostdev mode='subsystem' type='usb' managed='no'><source><address bus='3' device='17'/></source></hostdev>",
        "<hostdev mode='subsystem' type='usb' managed='yes'><source><vendor id='0x046d'/><product id='0xc52b'/></source></hostdev>",
        "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><source><address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x1'/></source></interface>",
        "<interface type='network'><mac address='00:16:3e:00:00:09'/><source network='default'/><model type='virtio'/></interface>",
        "<interface type='user'/>",
        "<interface type='bridge'><mac address='00:16:3e:00:00:01'/><source bridge='br1'/><bandwidth><outbound average='1024'/></bandwidth><mtu size='9000'/></interface>",
        "<interface type='bridge'><mac address='00:16:3e:00:00:03'/><source bridge='ovs0'/><vlan><tag id='42'/></vlan><virtualport type='openvswitch'/></interface>",
        "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='vol0'><host name='192.0.2.7' port='10809'/></source><target dev='xvdf' bus='xen'/></disk>",
        "<disk type='block' device='disk'><driver name='phy'/><source dev='/dev/sdq'/><target dev='xvdg' bus='xen'/><backenddomain name='sys-disk'/></disk>",
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
        "<disk type='file' device='disk'><source file='/img/o.img'/><target dev='xvdh' bus='xen'/><boot order='1'/></disk>",
        "<disk type='file' device='floppy'><source file='/img/f.img'/><target dev='fda'/></disk>",
        "<controller type='usb' index='0' model='qemu-xhci' ports='15'/>",
        "<controller type='usb' index='0' model='qusb2' ports='6'/>",
        "<controller type='virtio-serial' index='0'/>",
        "<controller type='sata' index='0'/>",
        "<controller type='xenbus' maxGrantFrames='64' maxEventChannels='2047'/>",
        "<watchdog model='i6300esb' action='reset'/>",
        "<memballoon model='virtio'/>",
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
        "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
        "<panic model='isa'/>",
        "<vsock model='virtio'><cid auto='no' address='3'/></vsock>",
        "<input type='mouse' bus='ps2'/>",
        "<input type='keyboard' bus='virtio'/>",
        "<console type='pty'><target type='serial' port='0'/></console>",
        "<console type='pty'><target type='virtio' port='0'/></console>",
        "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4444'/><protocol type='raw'/><target port='0'/></serial>",
        "<serial type='unix'><source mode='bind' path='/run/s.sock'/></serial>",
        "<parallel type='pty'/>",
        "<emulator>/usr/bin/qemu-system-x86_64</emulator>",
    ];
    proptest::sample::subsequence(devices.to_vec(), 0..6)
        .prop_shuffle()
        .prop_map(|devices| devices.concat())
        .boxed()
}

/// Displays and cards with more to them.
fn displays() -> Text {
    all(vec![
        maybe(words(&[
            "<graphics type='spice' port='5901' listen='127.0.0.1'/>",
            "<graphics type='spice' autoport='yes'/>",
            "<graphics type='spice' port='5902' tlsPort='5903' passwd='x'><listen type='none'/></graphics>",
            "<graphics type='spice' port='5905'><image compression='off'/><streaming mode='filter'/><clipboard copypaste='no'/></graphics>",
            "<graphics type='vnc' port='5903' autoport='no' listen='2001:db8::1'/>",
            "<graphics type='vnc' port='-1' keymap='de'><listen type='network' network='default'/></graphics>",
            "<graphics type='sdl' display=':0'/>",
            "<graphics type='egl-headless'/>",
        ])),
        maybe(words(&[
            "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1'/></video>",
            "<video><model type='cirrus' vram='9216'/></video>",
            "<video><model type='vga' vram='131072'/></video>",
            "<video><model type='virtio' heads='2'><acceleration accel3d='yes'/></model></video>",
        ])),
    ])
}

/// A domain of any hypervisor, with more in it than xl.cfg has trouble with.
pub fn any_domain() -> impl Strategy<Value = String> {
    let head = (words(&["xen", "kvm", "kvm", "qemu"]), text(), memory(), vcpus());
    let body = (os(), features(), cpus(), clock());
    let devices = (disks(), nics(), prop_oneof![screens(), displays()], others());
    (head, body, devices).prop_map(|((kind, name, memory, vcpus), (os, features, cpus, clock), devices)| {
        let (disks, nics, screens, others) = devices;
        format!(
            "<domain type='{kind}'><name>{name}</name>{memory}{vcpus}{os}{features}{cpus}{clock}<devices>{disks}{nics}{screens}{others}</devices></domain>"
        )
    })
}

/// A whole domain.
pub fn domain() -> impl Strategy<Value = String> {
    let head = (text(), maybe(text().prop_map(|title| format!("<title>{title}</title>"))), memory(), vcpus());
    let body = (os(), features(), clock());
    let devices = (disks(), nics(), screens());
    (head, body, devices).prop_map(|((name, title, memory, vcpus), (os, features, clock), (disks, nics, screens))| {
        format!(
            "<domain type='xen'><name>{name}</name>{title}{memory}{vcpus}{os}{features}{clock}<devices>{disks}{nics}{screens}</devices></domain>"
        )
    })
}
