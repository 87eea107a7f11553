//! Disks: no guest is started without one that its file names, and the verdict on each is true.

use serde_json::json;

use crate::common::{FIXED, Lab, domain};

/// A disk in a domain for KVM.
fn guest(kind: &str, disk: &str) -> String {
    domain(kind, &format!("<devices>{disk}</devices>")).replace("type='xen'><name>", "type='kvm'><name>")
}

fn network(device: &str, target: &str, source: &str) -> String {
    format!("<disk type='network' device='{device}'><source {source}</source><target {target}/></disk>")
}

/// The exit status of `check` and the codes of all findings, after a look at what `create` does.
#[track_caller]
fn checked(kind: &str, disk: &str) -> (i32, String) {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", guest(kind, disk));
    let run = lab.run(["check", "-v", "guest.xml"].into_iter().chain(FIXED));
    let created = lab.mock(["create", "guest.xml"]);
    assert_eq!(created.code != 0, run.code == 2, "{kind} {disk}: {}{}", run.out, created.err);
    (run.code, run.out)
}

/// Disks of which libxl can have nothing: the device, the type, what is in it, and the code.
const LEFT_OUT: &[(&str, &str, &str, &str)] = &[
    ("disk", "volume", "<source pool='p' volume='v'/>", "disk-source"),
    ("disk", "nvme", "<source type='pci' managed='yes' namespace='1'/>", "disk-source"),
    ("disk", "vhostuser", "<source type='unix' path='/run/a'/>", "disk-source"),
    ("disk", "dir", "<source dir='/srv'/>", "disk-source"),
    ("cdrom", "dir", "<source dir='/srv'/>", "disk-source"),
    ("floppy", "dir", "<source dir='/srv'/>", "disk-source"),
    ("disk", "network", "<source protocol='sheepdog' name='a'/>", "disk-source"),
    ("disk", "network", "<source protocol='vxhs' name='a'/>", "disk-source"),
    ("disk", "network", "<source protocol='nbd' tls='yes' name='a'/>", "disk-source"),
    ("disk", "file", "<source file='/a,b.img'/>", "disk-comma"),
    ("disk", "file", "<source file='/a.img'/><transient/>", "disk-content"),
    ("disk", "file", "<driver type='vmdk'/><source file='/a.img'/>", "disk-format"),
    ("disk", "file", "<driver type='cow'/><source file='/a.img'/>", "disk-format"),
    ("disk", "file", "<driver type='fat'/><source file='/srv'/>", "disk-format"),
    ("cdrom", "file", "<driver type='dir'/><source file='/srv'/>", "disk-format"),
    (
        "disk",
        "file",
        "<source file='/a'/><backingStore type='file'><format type='luks'/><source file='/b'/></backingStore>",
        "disk-content",
    ),
    (
        "disk",
        "file",
        "<source file='/a'><dataStore type='file'><format type='raw'/><source file='/b'><encryption format='luks'/></source></dataStore></source>",
        "disk-content",
    ),
    (
        "disk",
        "file",
        "<source file='/a'><dataStore type='file'><format type='luks'/><source file='/b'/></dataStore></source>",
        "disk-content",
    ),
    (
        "disk",
        "file",
        "<source file='/a'/><backingStore type='file'><format type='qcow2'/><source file='/b'><dataStore type='file'><format type='luks'/><source file='/c'/></dataStore></source></backingStore>",
        "disk-content",
    ),
    ("tape", "file", "<source file='/a.img'/>", "disk-device"),
];

#[test]
fn a_disk_that_is_left_out_refuses_the_start() {
    for (device, kind, inside, code) in LEFT_OUT {
        let target = if *device == "floppy" { "fda" } else { "hda" };
        let disk = format!(
            "<disk type='{kind}' device='{device}'>{inside}<target dev='{target}' bus='ide'/></disk>"
        );
        let (status, said) = checked("hvm", &disk);
        assert!(status == 2 && said.contains(&format!("[{code}]")), "{disk}: {said}");
        assert!(said.contains("  instead: "), "no remedy: {said}");
    }
    // A store whose data QEMU can read is none of its business.
    let stores = "<driver type='qcow2'/><source file='/a'><dataStore type='file'><format type='raw'/><source file='/b'/></dataStore></source>";
    assert_ne!(checked("hvm", &format!("<disk type='file'>{stores}<target dev='hda'/></disk>")).0, 2);
    let floppy = |source: &str| {
        format!("<disk type='file' device='floppy'>{source}<target dev='fda' bus='fdc'/></disk>")
    };
    for kind in ["pv", "pvh"] {
        assert_eq!(checked(kind, &floppy("<source file='/a.img'/>")).0, 2);
        assert_eq!(checked(kind, &floppy("")).0, 1, "an empty drive is no loss");
    }
    let cdroms: String = (b'a'..=b'e')
        .map(|c| {
            format!("<disk type='file' device='cdrom'><target dev='sd{}' bus='sata'/></disk>", char::from(c))
        })
        .collect();
    let (status, said) = checked("hvm", &cdroms);
    assert!(status == 1 && said.contains("[disk-no-name]"), "an empty drive is no loss: {said}");
    let full = cdroms.replace("<target", "<source file='/a.iso'/><target");
    assert_eq!(checked("hvm", &full).0, 2);
}

const LUKS: &str = "<encryption format='luks'><secret type='passphrase' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f'/></encryption>";
const ENCRYPTED_SLICE: &str =
    "<slices><slice type='storage' offset='9' size='9'/></slices><encryption format='luks'/>";
const SLICES: &str = "<slices><slice type='storage' offset='12345' size='123'/></slices>";

/// Disks whose content libxl would show in another way: the type, the driver, what is in the source and beside it, and
/// what the remedy says.
const OTHER_CONTENT: &[(&str, &str, &str, &str, &[&str])] = &[
    ("file", "type='raw'", LUKS, "", &["cryptsetup open /a.img NAME", "type='raw'", "without <encryption>"]),
    ("file", "type='luks'", LUKS, "", &["cryptsetup open /a.img NAME", "type='raw'"]),
    ("file", "type='luks'", "", "", &["cryptsetup open /a.img NAME", "type='raw'"]),
    (
        "file",
        "type='qcow2'",
        LUKS,
        "",
        &["driver=qcow2,encrypt.key-secret=key,file.filename=/a.img -O", WRITTEN],
    ),
    ("file", "type='qcow'", LUKS, "", &["driver=qcow,encrypt.key-secret=key", WRITTEN]),
    // What is in a slice is looked at when it is an image of its own.
    ("file", "type='qcow2'", ENCRYPTED_SLICE, "", &["dd if=/a.img of=/PATH/NEW "]),
    ("network", "type='raw'", LUKS, "", &["rbd map", "then in dom0: cryptsetup open /dev/DEVICE NAME"]),
    ("network", "type='raw'", SLICES, "", &["rbd map", "then dd if=/dev/DEVICE of=/PATH/NEW"]),
    ("file", "type='raw'", SLICES, "", &["skip=12345 count=123,", "<source file='/PATH/NEW'/>"]),
    ("block", "type='raw'", SLICES, "", &["write type='file' and <source file='/PATH/NEW'/>"]),
    ("file", "type='raw'", "", "<transient/>", &["-F raw -b /a.img /PATH/NEW.qcow2", WRITTEN]),
    ("file", "name='qemu'", "", "<transient/>", &["-F raw -b /a.img", WRITTEN]),
    ("file", "type='vpc'", "", "<transient/>", &["-F vpc -b /a.img", WRITTEN]),
    ("file", "type='vmdk'", "", "<transient/>", &["-F vmdk -b /a.img", WRITTEN]),
    ("block", "name='phy'", "", "<transient/>", &["-F raw -b /dev/a", WRITTEN]),
    ("network", "type='raw'", "", "<transient/>", &["rbd map", "-b /dev/DEVICE /PATH/NEW.qcow2", WRITTEN]),
];

/// What an image has to have beside it that became one of QEMU's own format.
const WRITTEN: &str =
    "write type='file', <driver name='qemu' type='qcow2'/> and <source file='/PATH/NEW.qcow2'/>, without";

#[test]
fn other_content_of_an_image_has_a_remedy_for_its_format() {
    for (kind, driver, inside, beside, remedy) in OTHER_CONTENT {
        let place = match *kind {
            "file" => "file='/a.img'",
            "block" => "dev='/dev/a'",
            _ => "protocol='rbd' name='p/i'",
        };
        let disk = format!(
            "<disk type='{kind}'><driver {driver}/><source {place}>{inside}</source>{beside}<target dev='vda'/></disk>"
        );
        let (status, said) = checked("hvm", &disk);
        assert!(status == 2 && said.contains("[disk-content]"), "{disk}: {said}");
        for words in *remedy {
            assert!(said.contains(words), "{disk}: {said}");
        }
    }
    // As they say.
    for (kind, inside, line) in [
        ("block", "<driver name='qemu' type='raw'/><source dev='/dev/mapper/NAME'/>", "format=raw"),
        ("file", "<driver name='qemu' type='qcow2'/><source file='/PATH/NEW.qcow2'/>", "format=qcow2"),
    ] {
        let disk = format!("<disk type='{kind}'>{inside}<target dev='xvda' bus='xen'/></disk>");
        assert_eq!(checked("hvm", &disk).0, 0, "{disk}");
        let lab = Lab::new();
        lab.write("guest.xml", guest("hvm", &disk));
        let cfg = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
        assert!(cfg.contains(line), "{cfg}");
    }
}

#[test]
fn an_image_behind_another_is_looked_at_too() {
    let disk = |inside: &str| {
        format!(
            "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/o.qcow2'/>{inside}\
             <target dev='xvda' bus='xen'/></disk>"
        )
    };
    let store = |source: &str, next: &str| {
        format!(
            "<backingStore type='file'><format type='qcow2'/><source file='/b'>{source}</source>{next}</backingStore>"
        )
    };
    for (inside, word) in [
        (store(LUKS, ""), "no key"),
        (store("", &store(LUKS, "<backingStore/>")), "no key"),
        (store(SLICES, ""), "slices"),
    ] {
        let (status, said) = checked("hvm", &disk(&inside));
        assert!(status == 2 && said.contains("[disk-content]") && said.contains(word), "{inside}: {said}");
        assert!(said.contains("virsh blockpull DOMAIN xvda --wait"), "{said}");
    }
    assert_eq!(checked("hvm", &disk("")).0, 0);
    assert_eq!(checked("hvm", &disk(&store("", "<backingStore/>"))).0, 0);
}

#[test]
fn a_disk_of_the_network_is_only_emulated() {
    const NBD: &str = "protocol='nbd' name='v'><host name='192.0.2.7'/>";
    const RBD: &str = "protocol='rbd' name='pool/v'><host name='192.0.2.7'/>";
    const HTTP: &str = "protocol='http' name='a.iso'><host name='192.0.2.7'/>";
    for (kind, device, target, source, status) in [
        ("hvm", "disk", "dev='vda' bus='virtio'", NBD, 1),
        ("hvm", "disk", "dev='hda' bus='ide'", RBD, 1),
        ("hvm", "disk", "dev='xvdf' bus='xen'", NBD, 2),
        ("pv", "disk", "dev='xvda' bus='xen'", NBD, 2),
        ("pvh", "disk", "dev='vda' bus='virtio'", RBD, 2),
        ("hvm", "cdrom", "dev='hdc' bus='ide'", HTTP, 0),
        ("pv", "cdrom", "dev='xvdc' bus='xen'", HTTP, 2),
    ] {
        let (found, said) = checked(kind, &network(device, target, source));
        let codes = said.matches("[disk-network]").count();
        assert_eq!(found, status, "{kind} {target}: {said}");
        assert_eq!(codes > 0, status > 0, "{kind} {target}: {said}");
    }
}

#[test]
fn every_disk_has_a_name_that_libxl_knows() {
    let disk = |dev: &str, bus: &str| {
        format!("<disk type='file'><source file='/a'/><target dev='{dev}' bus='{bus}'/></disk>")
    };
    for (kind, dev, bus, name) in [
        ("hvm", "hdk", "ide", "xvda"),
        ("hvm", "hde", "ide", "xvda"),
        ("hvm", "hdc", "ide", "hdc"),
        ("hvm", "xvdf", "xen", "xvdf"),
        ("pv", "hdk", "ide", "xvdk"),
        ("pv", "sdq", "scsi", "xvdq"),
        ("pv", "sdb", "xen", "sdb"),
    ] {
        let lab = Lab::new();
        lab.write("guest.xml", guest(kind, &disk(dev, bus)));
        let out = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
        assert!(out.contains(&format!("vdev={name},")), "{kind} {dev}: {out}");
    }
}

#[test]
fn an_xl_cfg_has_the_same_verdict_on_a_disk_of_the_network() {
    let cfg = |kind: &str, vdev: &str| {
        let kernel = if kind == "hvm" { "" } else { "kernel = \"/k\"\n" };
        format!(
            "name = \"g\"\ntype = \"{kind}\"\nmemory = 64\n{kernel}disk = [\n  \"/dev/a,raw,xvda\",\n  \
             \"format=raw,backendtype=qdisk,vdev={vdev},target=nbd:h:1:exportname=v\" ]\n"
        )
    };
    for (kind, vdev, status) in
        [("hvm", "xvdb", 1), ("hvm", "xvdf", 2), ("pv", "xvdb", 2), ("pvh", "xvdb", 2)]
    {
        let lab = Lab::new();
        lab.write("guest.cfg", cfg(kind, vdev));
        let run = lab.run(["check", "guest.cfg"].into_iter().chain(FIXED));
        assert_eq!(run.code, status, "{kind} {vdev}: {}", run.out);
        let line = if kind == "hvm" { 6 } else { 7 };
        let verdict = if status == 2 { "unsupported" } else { "approximated" };
        assert!(run.out.contains(&format!("guest.cfg:{line}:3: {verdict}: ")), "{}", run.out);
        assert!(run.out.contains("write target=/dev/DEVICE"), "{}", run.out);
    }
}

#[test]
fn nbd_is_written_as_libvirt_has_it() {
    let cfg = |path: &str| {
        format!(
            "name = \"g\"\ntype = \"hvm\"\nmemory = 64\nvcpus = 1\n\
             disk = [ \"format=raw,backendtype=qdisk,vdev=xvdb,target={path}\" ]\n"
        )
    };
    for (path, source) in [
        (
            "nbd:192.0.2.7:10809:exportname=v",
            "<source protocol='nbd' name='v'>\n<host name='192.0.2.7' port='10809'/>",
        ),
        ("nbd:[::1]:10809:exportname=v", "<source protocol='nbd' name='v'>\n<host name='::1' port='10809'/>"),
        (
            "nbd:unix:/run/a:exportname=v",
            "<source protocol='nbd' name='v'>\n<host transport='unix' socket='/run/a'/>",
        ),
        ("nbd:unix:/run/a", "<source protocol='nbd'>\n<host transport='unix' socket='/run/a'/>"),
    ] {
        let lab = Lab::new();
        lab.write("guest.cfg", cfg(path));
        let xml = lab.run(["convert", "--to", "xml", "guest.cfg"].into_iter().chain(FIXED)).ok();
        let lines: Vec<_> = xml.lines().map(str::trim).collect();
        assert!(lines.join("\n").contains(source), "{path}: {xml}");
        assert!(!xml.contains("field='/disks"), "{xml}");
        lab.write("back.xml", &xml);
        let back = lab.run(["convert", "back.xml"].into_iter().chain(FIXED)).ok();
        assert!(back.contains(&format!("target={path}\"")), "{back}");
    }
}

/// Images of hypervisors whose XML has no formats: the hypervisor, the source, and the format or the code.
const NAMED: &[(&str, &str, &str)] = &[
    ("vmware", "/v/a.vmdk", "disk-format"),
    ("vmware", "/v/A.VMDK", "disk-format"),
    ("vmware", "[ds1] a/a.vmdk", "disk-path"),
    ("vmware", "/v/a-flat.img", "raw"),
    ("vbox", "/v/a.vdi", "disk-format"),
    ("vbox", "/v/a.vhd", "vhd"),
    ("vbox", "/v/a.qcow2", "qcow2"),
    ("hyperv", "C:\\VMs\\a.vhdx", "disk-path"),
    ("hyperv", "/v/a.vhdx", "disk-format"),
    ("kvm", "/v/a.vmdk", "raw"),
    ("kvm", "a.img", "disk-path"),
    ("xen", "/v/a.vmdk", "raw"),
];

#[test]
fn an_image_without_a_format_has_that_of_its_name() {
    for (hypervisor, path, found) in NAMED {
        let disk = format!("<disk type='file'><source file='{path}'/><target dev='hda' bus='ide'/></disk>");
        let text = guest("hvm", &disk).replace("type='kvm'", &format!("type='{hypervisor}'"));
        let lab = Lab::new();
        lab.write("guest.xml", text);
        let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
        if found.starts_with("disk-") {
            assert!(run.err.contains(&format!("[{found}]")), "{hypervisor} {path}: {}", run.err);
            assert!(!run.out.contains("vdev"), "{hypervisor} {path}: {}", run.out);
        } else {
            assert!(
                run.out.contains(&format!("format={found},vdev=hda")),
                "{hypervisor} {path}: {}",
                run.out
            );
        }
    }
}

#[test]
fn an_image_of_a_datastore_is_converted_and_mapped() {
    let lab = Lab::new();
    let disk = "<disk type='file'><source file='[ds1] a/a.vmdk'/><target dev='hda' bus='ide'/></disk>";
    lab.write("guest.xml", guest("hvm", disk).replace("type='kvm'", "type='vmware'"));
    let converted = |rules: &[&str]| {
        let rules = rules.iter().flat_map(|rule| ["--map", rule]);
        lab.run(["convert"].into_iter().chain(rules).chain(["guest.xml"]).chain(FIXED))
    };
    let said = converted(&["path:[ds1] a/a.vmdk=/srv/a.vmdk"]).err;
    assert!(said.contains("qemu-img convert -f vmdk -O qcow2"), "{said}");
    for rule in ["path:[ds1] a/a.vmdk=/srv/a.qcow2", "path:[ds1] *.vmdk=/srv/*.qcow2"] {
        let out = converted(&[rule]).ok();
        assert!(out.contains("format=qcow2,vdev=hda") && out.contains("target=/srv/a"), "{out}");
    }
}

#[test]
fn a_format_that_libxl_does_not_read_has_a_remedy_that_exists() {
    for (word, remedy) in [
        ("vmdk", "qemu-img convert -f vmdk -O qcow2 /PATH/IMAGE /PATH/NEW.qcow2, and write type='file'"),
        ("ploop", "qemu-img convert -f parallels"),
        ("qcow3", "write type='qcow"),
        ("auto", "find the image's format with qemu-img info IMAGE"),
        ("cow", "with the qemu-img of QEMU 2.1 or older, as in: qemu-img convert -f cow -O qcow2"),
        ("fat", "put the files into an image (virt-make-fs"),
        ("dir", "put the files into an image (virt-make-fs"),
    ] {
        let disk = format!(
            "<disk type='file'><driver name='qemu' type='{word}'/><source file='/a'/><target dev='hda'/></disk>"
        );
        let said = checked("hvm", &disk).1;
        assert!(said.contains(remedy), "{word}: {said}");
    }
}

/// Images that are read as raw, and what the advice on their names says.
const READ_AS_RAW: &[(&str, Option<&str>)] = &[
    ("/v/a.qcow2", Some("<driver name='qemu' type='qcow2'/>")),
    ("/v/a.VHD", Some("<driver name='qemu' type='vpc'/>")),
    ("/v/a.vmdk", Some("qemu-img convert -f vmdk -O qcow2 /PATH/IMAGE /PATH/NEW.qcow2")),
    ("/v/a.vhdx", Some("qemu-img convert -f vhdx")),
    ("/v/a-flat.vmdk", None),
    ("/dev/vg/a.qcow2", None),
    ("/v/a.img", None),
    ("/v/a", None),
];

#[test]
fn an_image_that_is_raw_by_another_name_is_advised_of() {
    for (path, instead) in READ_AS_RAW {
        let driver = "<driver name='qemu' type='raw'/>";
        let disk =
            format!("<disk type='file'>{driver}<source file='{path}'/><target dev='xvda' bus='xen'/></disk>");
        let (status, said) = checked("hvm", &disk);
        assert_eq!(status, 0, "{path}: {said}");
        assert_eq!(said.contains("[advice-image-format]"), instead.is_some(), "{path}: {said}");
        assert!(instead.is_none_or(|instead| said.contains(instead)), "{path}: {said}");
        let lab = Lab::new();
        lab.write(
            "guest.cfg",
            format!("name = \"g\"\ntype = \"hvm\"\nmemory = 64\ndisk = [ \"{path},raw,xvda,rw\" ]\n"),
        );
        let said = lab.run(["check", "guest.cfg"]).out;
        assert_eq!(said.contains("[advice-image-format]"), instead.is_some(), "{path}: {said}");
    }
    // As it says.
    let disk = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/v/a.qcow2'/><target dev='xvda' bus='xen'/></disk>";
    assert!(!checked("hvm", disk).1.contains("advice-image-format"));
}

#[test]
fn an_image_of_windows_keeps_the_end_of_its_name() {
    let lab = Lab::new();
    let disk = "<disk type='file'><source file='C:\\VMs\\a.vhd'/><target dev='hda' bus='ide'/></disk>";
    lab.write("guest.xml", guest("hvm", disk).replace("type='kvm'", "type='hyperv'"));
    let said = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).err;
    assert!(said.contains("--map 'path:C:\\VMs\\a.vhd=/PATH/a.vhd'"), "{said}");
    let rule = ["convert", "--map", "path:C:\\VMs\\a.vhd=/PATH/a.vhd", "guest.xml"];
    let out = lab.run(rule.into_iter().chain(FIXED)).ok();
    assert!(out.contains("format=vhd") && out.contains("target=/PATH/a.vhd"), "{out}");
}
