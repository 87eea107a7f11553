//! The errors of one domain XML beside each other: none is missing, and none is there because of another one.

use std::collections::BTreeSet;

use serde_json::json;

use crate::common::{FIXED, Lab};
use crate::wrong_xml::{MEMORY, NAME, OS, with};

/// What an XML has inside it, and the codes of its errors in their order.
const TOGETHER: &[(&str, &[&str])] = &[
    // The correct device, timer or cell is not compared with one that lost a part.
    (
        "<devices><hostdev type='pci'><source><address slot='0x1g'/></source></hostdev>
         <hostdev type='pci'><source><address bus='0' slot='0' function='0'/></source></hostdev></devices>",
        &["bad-value"],
    ),
    (
        "<devices><hostdev type='pci'><source><address bus='6' function='9'/></source></hostdev>
         <interface type='hostdev'><source><address bus='6' function='0'/></source></interface></devices>",
        &["bad-value"],
    ),
    (
        "<devices><hostdev type='pci'><source><address domain='x'/></source></hostdev>
         <hostdev type='pci'><source><address bus='6'/></source></hostdev>
         <hostdev type='pci'><source><address bus='6'/></source></hostdev></devices>",
        &["bad-value", "hostdev-twice"],
    ),
    (
        "<clock><timer name='rtc' tickpolicy='catch-up'/><timer name='rtc' tickpolicy='catchup'/></clock>",
        &["bad-value"],
    ),
    (
        "<clock><timer name='rtc' tickpolicy='catchup'/><timer name='rtc' tickpolicy='catch-up'/></clock>",
        &["bad-value"],
    ),
    ("<clock><timer name='tsc' mode='emulat'/><timer name='tsc' mode='emulate'/></clock>", &["bad-value"]),
    (
        "<clock><timer name='tsc' frequency='x'/><timer name='tsc' frequency='2000000000'/></clock>",
        &["bad-value"],
    ),
    // The one that lost nothing counts.
    (
        "<clock><timer name='tsc' mode='emulat'/><timer name='tsc' mode='emulate' frequency='0'/></clock>",
        &["bad-value", "tsc-frequency"],
    ),
    (
        "<clock><timer name='pit' tickpolicy='x'/><timer name='pit'/><timer name='pit' tickpolicy='delay'/></clock>",
        &["bad-value", "timer-twice"],
    ),
    (
        "<cpu><numa><cell id='x' memory='64' unit='MiB'/><cell id='0' memory='64' unit='MiB'/></numa></cpu>",
        &["bad-value"],
    ),
    (
        "<vcpu>4</vcpu><cpu><numa><cell id='0' cpus='0-1' memory='64' unit='MiB'/>
         <cell id='0' cpus='2-z' memory='64' unit='MiB'/></numa></cpu>",
        &["cell-twice", "bad-value"],
    ),
    (
        "<cpu><numa><cell id='0' memory='x'/><cell id='0' memory='64' unit='MiB'/>
         <cell id='2' memory='64' unit='MiB'/></numa></cpu>",
        &["bad-value", "cell-twice"],
    ),
    // No other error hides a zone that there is not.
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'/><on_crash>x</on_crash>",
        &["bad-zone", "bad-value"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'/><devices><interface/></devices>",
        &["bad-zone", "no-interface-type"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'><timer name='tsc' mode='native' frequency='0'/></clock>",
        &["bad-zone", "tsc-frequency"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'><timer name='tsc' mode='x'/></clock>",
        &["bad-zone", "bad-value"],
    ),
    ("<clock offset='timezone' timezone='Europe/Nowhere'/>", &["bad-zone"]),
    // What an element lacks hides nothing in it.
    (
        "<clock offset='absolute' start='now'><timer name='tsc' frequency='2.6GHz' mode='emulate'/>
         <timer name='rtc' track='walls'/></clock>",
        &["bad-value"; 3],
    ),
    ("<clock offset='timezone'><timer name='rtc' track='walls'/></clock>", &["no-timezone", "bad-value"]),
    ("<clock offset='absolute'><timer name='tsc' mode='x'/></clock>", &["no-start", "bad-value"]),
    (
        "<clock><timer mode='x'/><timer name='rtc' tickpolicy='catchup'/></clock>",
        &["no-timer-name", "bad-value"],
    ),
    ("<clock><timer name='rtk' tickpolicy='x'/></clock>", &["bad-value"; 2]),
    (
        "<devices><disk type='file'><target dev='hda'/><boot order='x'/></disk></devices>",
        &["no-source", "bad-value"],
    ),
    (
        "<devices><disk type='file'><source file='/a,'/><target dev='hdaa!'/><boot order='x'/></disk></devices>",
        &["bad-value"; 3],
    ),
    (
        "<devices><disk type='file'><target/></disk><disk type='file'><target/><source file='/a,'/></disk></devices>",
        &["no-source", "no-target", "no-target", "bad-value"],
    ),
    ("<devices><interface><mac address='zz'/></interface></devices>", &["no-interface-type", "bad-value"]),
    (
        "<devices><graphics port='x'/><graphics type='vnc' port='y'/></devices>",
        &["no-graphics-type", "bad-value", "bad-value"],
    ),
    ("<devices><input/><input type='evdev'/></devices>", &["no-input-type", "no-source"]),
    ("<devices><serial><target port='x'/></serial></devices>", &["no-device-type", "bad-value"]),
    ("<devices><hostdev type='pci' managed='x'/></devices>", &["no-source", "bad-value"]),
    ("<devices><filesystem><source dir='/a,b'/></filesystem></devices>", &["no-directory", "bad-value"]),
    ("<cputune><vcpupin vcpu='x' cpuset='y'/><vcpupin/></cputune>", &["bad-value", "bad-value", "bad-pin"]),
    ("<cpu><feature policy='x'/></cpu>", &["no-feature-name", "bad-value"]),
    (
        "<cpu><numa><cell><distances><sibling value='x'/></distances></cell></numa></cpu>",
        &["no-memory", "bad-distance", "bad-value"],
    ),
    (
        "<cpu><numa><cell id='1' memory='64' unit='MiB'/></numa></cpu>
         <numatune><memnode cellid='x' mode='strict' nodeset='0'/></numatune>",
        &["cell-missing", "bad-value"],
    ),
];

#[test]
fn errors_are_all_said_and_lead_to_no_others() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    for (inside, codes) in TOGETHER {
        lab.write("guest.xml", format!("<domain>{NAME}{MEMORY}{OS}\n{inside}</domain>"));
        let convert = ["convert", "--diagnostics", "json", "guest.xml"];
        let said = lab.run(convert.into_iter().chain(FIXED)).fails(1);
        let errors: serde_json::Value = serde_json::from_str(&said).unwrap();
        let found: Vec<_> =
            errors.as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(found, *codes, "{inside}: {said}");
        let checked = lab.run(["check", "guest.xml"]).out;
        let created = lab.mock(["create", "guest.xml"]).fails(1);
        let planned = lab.mock(["plan", "guest.xml"]).fails(1);
        for said in [checked, created, planned] {
            // One that is said of several elements is one in `check`.
            let count = said.matches(": invalid: ").count();
            let different = codes.iter().collect::<BTreeSet<_>>().len();
            assert!((different..=codes.len()).contains(&count), "{inside}: {said}");
            for code in *codes {
                assert!(said.contains(&format!("[{code}]")), "{inside}: {said}");
            }
        }
    }
}

#[test]
fn an_xl_cfg_names_the_zone_beside_its_other_errors_too() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write(
        "guest.cfg",
        "name = \"g\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"Europe/Nowhere\"\n\
         clock_timers = [ \"name=tsc,mode=native,frequency=0\" ]\n",
    );
    for said in [
        lab.run(["convert", "guest.cfg"].into_iter().chain(FIXED)).err,
        lab.run(["check", "guest.cfg"]).out,
        lab.mock(["create", "guest.cfg"]).fails(1),
    ] {
        assert!(said.contains("[bad-zone]") && said.contains("[tsc-frequency]"), "{said}");
    }
}

/// The places, codes and remedies of all errors of a file, as `convert` gives them to programs.
fn all_errors(lab: &Lab) -> Vec<(String, String, Option<String>)> {
    let said = lab.run(["convert", "--diagnostics", "json", "guest.xml"].into_iter().chain(FIXED)).fails(1);
    let json: serde_json::Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let place = |error: &serde_json::Value| format!("{}:{}", error["line"], error["column"]);
    let errors = json.as_array().unwrap().iter();
    errors.map(|error| (place(error), text(&error["code"]).unwrap(), text(&error["alternative"]))).collect()
}

#[test]
fn every_error_is_said_in_one_run() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write(
        "guest.xml",
        "<domain type='kvn'>\n<name>a/b</name>\n<memory unit='GB2'>4</memory>\n<vcpu current='9'>four</vcpu>\n\
         <os><type>hvn</type><boot dev='hdd'/></os>\n\
         <clock offset='utc'><timer name='rtc' tickpolicy='katchup'><catchup slew='x'/></timer></clock>\n\
         <cpu><numa><cell id='0' cpus='0-3' memory='1' unit='GiB'/></numa></cpu>\n<devices>\n\
         <disk type='file'><source file='/a'/></disk>\n\
         <interface type='bridge'><mac address='00:16'/><source bridge='b'/><mtu size='-1'/></interface>\n\
         <graphics type='vnc' port='99999' autoport='maybe'/>\n</devices></domain>",
    );
    let errors = all_errors(&lab);
    let places: Vec<_> = errors.iter().map(|(place, ..)| place.as_str()).collect();
    let expected = [
        "1:9", "2:7", "3:9", "4:19", "5:11", "5:27", "6:39", "6:69", "9:1", "10:31", "10:73", "11:22",
        "11:35",
    ];
    assert_eq!(places, expected, "{errors:?}");
    assert_eq!(errors[5].2.as_deref(), Some("write dev='hd'"));
    let checked = lab.run(["check", "guest.xml"]);
    assert!(checked.out.contains("does not start; 13 errors"), "{}", checked.out);
    let created = lab.mock(["create", "guest.xml"]).fails(1);
    assert_eq!(created.matches(": invalid: ").count(), 13, "{created}");
    let planned = lab.mock(["plan", "guest.xml"]).fails(1);
    assert_eq!(planned.matches(": invalid: ").count(), 13, "{planned}");
}

#[test]
fn an_error_does_not_lead_to_others() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    for inside in [
        "<vcpu>x</vcpu><cpu><numa><cell id='0' cpus='0-3' memory='64' unit='MiB'/></numa></cpu>",
        "<vcpu current='4'>x</vcpu>",
        "<clock offset='absolute' start='x'/>",
        "<clock offset='utc'><timer name='rtk' tickpolicy='catchup'/></clock>",
        "<clock offset='utc'><timer name='rtc' tickpolicy='x'><catchup slew='1'/></timer></clock>",
        "<devices><disk type='file'><target dev='zda'/></disk></devices>",
        "<devices><interface type='x'/></devices>",
        "<devices><hostdev type='pci'><source><address bus='x' slot='1' function='0'/></source></hostdev></devices>",
        "<devices><hostdev type='usb'><source><vendor id='x'/><product id='1'/></source></hostdev></devices>",
        "<cpu><numa><cell id='0' memory='x'/><cell id='1' memory='64' unit='MiB'/></numa></cpu>",
        "<cpu><feature policy='x' name='aes'/></cpu>",
        "<devices><serial type='tcp'><source mode='bind' host='h' service='1'/><protocol type='x'/></serial></devices>",
    ] {
        lab.write("guest.xml", with(inside));
        let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
        assert!(run.err.matches(": invalid: ").count() <= 1, "{inside}: {}", run.err);
    }
    // A missing part is none of the consequences.
    lab.write("guest.xml", "<domain><os><type>hvm</type></os><memory>x</memory></domain>");
    let errors = all_errors(&lab);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(errors[0].1, "no-name");
}

/// What an XML has inside it, and how many things keep it from starting whatever is meant where its errors are.
const BESIDE: &[(&str, usize)] = &[
    (
        "<vcpu>z</vcpu><devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/></disk></devices>",
        1,
    ),
    (
        "<devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/></disk>
         <disk type='file'><target dev='hdb'/></disk><interface/></devices>",
        1,
    ),
    // Not where its own element has an error,
    (
        "<devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/><boot order='x'/></disk></devices>",
        0,
    ),
    // or the kind of the guest is not known.
    (
        "<os><type>hvmm</type></os><devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/></disk></devices>",
        0,
    ),
    // The name that is missing is perhaps of no CD-ROM's.
    (
        "<devices><disk type='file'><source file='/a'/></disk>
         <disk type='file' device='cdrom'><source file='/a'/><target dev='hda'/></disk>
         <disk type='file' device='cdrom'><source file='/a'/><target dev='hdb'/></disk>
         <disk type='file' device='cdrom'><source file='/a'/><target dev='hdc'/></disk>
         <disk type='file' device='cdrom'><source file='/a'/><target dev='sda' bus='sata'/></disk></devices>",
        0,
    ),
    ("<vcpu>z</vcpu>", 0),
    // What is judged of the domain as a whole,
    (
        "<vcpu>z</vcpu><devices><interface type='bridge'><source bridge='a-name-that-is-long'/></interface></devices>",
        1,
    ),
    (
        "<vcpu>z</vcpu><qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
         <qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/a,file=/b'/></qemu:commandline>",
        1,
    ),
    ("<vcpu>z</vcpu><devices><graphics type='vnc'/><video><model type='qxl'/></video></devices>", 1),
    (
        "<vcpu>z</vcpu><features><hap state='off'/></features>
         <cpu mode='host-passthrough'><feature policy='require' name='vmx'/></cpu>",
        1,
    ),
    // but not where the error can change the judgement.
    ("<devices><graphics type='vnc'/><video><model type='qxl' ram='x'/></video></devices>", 0),
    (
        "<vcpu>z</vcpu><cpu mode='host-passthrough'><feature policy='x' name='vmx'/></cpu><features><hap state='off'/></features>",
        0,
    ),
    (
        "<os><type>hvm</type><kernel>/k<a/>/l</kernel></os>
         <qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
         <qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/a,file=/b'/></qemu:commandline>",
        0,
    ),
    // What the guest boots from is not its kind.
    (
        "<os><type>hvm</type><boot dev='disk'/></os><devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/></disk></devices>",
        1,
    ),
    (
        "<os firmware='uefi'><type>hvm</type></os><devices><disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='hda'/></disk></devices>",
        1,
    ),
    (
        "<os><type>hvm</type><boot dev='disk'/></os><devices><interface type='bridge'><source bridge='a-name-that-is-long'/></interface></devices>",
        1,
    ),
];

/// Blockers of the whole beside what a domain lacks: the children that it has, and how many blockers there are.
const LACKING: &[(&[&str], usize)] = &[(&[MEMORY, OS], 1), (&[NAME, OS], 0), (&[NAME, MEMORY], 0)];

#[test]
fn what_refuses_the_start_of_the_rest_is_said_too() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    for (inside, count) in BESIDE {
        let os = if inside.starts_with("<os") { "" } else { OS };
        lab.write("guest.xml", format!("<domain>{NAME}{MEMORY}{os}{inside}</domain>"));
        let checked = lab.run(["check", "guest.xml"]);
        assert_ne!(checked.code, 0, "{inside}: {}", checked.out);
        assert_eq!(checked.out.matches(": unsupported: ").count(), *count, "{inside}: {}", checked.out);
    }
    for (children, count) in LACKING {
        let screen = "<devices><graphics type='vnc'/><video><model type='qxl'/></video></devices>";
        lab.write("guest.xml", format!("<domain>{}{screen}</domain>", children.concat()));
        let said = lab.run(["check", "guest.xml"]).out;
        assert_eq!(said.matches("[xen-refuses]").count(), *count, "{children:?}: {said}");
        assert_eq!(said.matches(": invalid: ").count(), 1, "{children:?}: {said}");
    }
}

#[test]
fn a_domain_with_a_wrong_cell_does_not_lack_memory() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    for cells in [
        "<cell id='0' memory='z'/>",
        "<cell id='z' memory='64'/>",
        "<cell id='0' memory='z'/><cell id='1' memory='64' unit='MiB'/>",
        "<cell id='0' memory='64' unit='x'/>",
    ] {
        lab.write("guest.xml", format!("<domain>{NAME}{OS}<cpu><numa>{cells}</numa></cpu></domain>"));
        let errors = all_errors(&lab);
        assert!(matches!(&errors[..], [(_, code, _)] if code == "bad-value"), "{cells}: {errors:?}");
    }
}

#[test]
fn an_empty_element_is_filled_in_its_place() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    let domain = |inside: &str| format!("<domain type='xen'>\n{inside}</domain>");
    for (empty, code) in [
        (domain(&format!("<name/>{MEMORY}{OS}")), "no-name"),
        (domain(&format!("<name></name>{MEMORY}{OS}")), "no-name"),
        (domain(&format!("<memory/>{NAME}{OS}")), "no-memory"),
        (domain(&format!("<os>\n<type/></os>{NAME}{MEMORY}")), "no-os-type"),
        (domain(&format!("<os/>{NAME}{MEMORY}")), "no-os-type"),
    ] {
        lab.write("guest.xml", &empty);
        let errors = all_errors(&lab);
        let [(place, found, Some(remedy))] = errors.as_slice() else { panic!("{empty}: {errors:?}") };
        assert!(found == code && place != "1:1", "{empty}: {errors:?}");
        // As it says.
        let (verb, rest) = remedy.split_once(' ').unwrap();
        let (example, _) = rest.split_once(if verb == "write" { " in its place" } else { " in <" }).unwrap();
        let example = example.split(" (or").next().unwrap();
        let name = example[1..].split([' ', '>']).next().unwrap();
        let filled = match verb {
            "write" => {
                let (empty_tag, pair) = (format!("<{name}/>"), format!("<{name}></{name}>"));
                empty.replacen(&empty_tag, example, 1).replacen(&pair, example, 1)
            }
            _ => empty.replace("<os/>", &format!("<os>{example}</os>")),
        };
        lab.write("guest.xml", filled);
        lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
    }
}

#[test]
fn very_many_errors_are_no_hang() {
    let lab = Lab::new();
    lab.write("guest.xml", with(&"<clock offset='x'/>".repeat(100_000)));
    assert!(lab.run(["convert", "guest.xml"]).fails(1).len() < 100_000);
    let nics = "<interface type='bridge'><mac address='x'/></interface>".repeat(20_000);
    lab.write("guest.xml", with(&format!("<devices>{nics}</devices>")));
    let said = lab.run(["convert", "guest.xml"]).fails(1);
    assert!((2..=101).contains(&said.matches(": invalid: ").count()), "{}", said.len());
}
