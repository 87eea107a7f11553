//! The conversion of many files, mapping rules, accepted losses, and checks of a host.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::common::{FIXED, Lab, Run, domain};

fn convert<'a>(lab: &'a Lab, words: &[&'a str]) -> Run {
    lab.run(["convert"].into_iter().chain(words.iter().copied()).chain(FIXED))
}

/// A guest of this name with these devices.
fn guest(name: &str, devices: &str) -> String {
    domain("hvm", &format!("<devices>{devices}</devices>")).replace("<name>guest", &format!("<name>{name}"))
}

const TPM: &str = "<tpm model='tpm-crb'/>";
const PASSWORD: &str = "<graphics type='vnc' passwd='geheim'/>";

fn nic(network: &str) -> String {
    format!("<interface type='network'><source network='{network}'/></interface>")
}

#[test]
fn a_directory_is_checked_as_it_is_converted() {
    let lab = estate();
    let all = lab.run(["check", "in"].into_iter().chain(FIXED));
    assert_eq!(all.code, 2, "{all:?}");
    for (file, said) in [
        ("in/a.xml", "starts"),
        ("in/b.xml", "starts; 1 thing differs"),
        ("in/c", "starts"),
        ("in/e.cfg", "starts"),
        ("in/refused.xml", "does not start"),
    ] {
        assert!(all.out.contains(&format!("{file}: {said}")), "{file}: {}", all.out);
    }
    assert!(all.out.contains("in/broken.xml:2:1: invalid: "), "{}", all.out);
    assert!(all.out.ends_with("\n6 files: 4 start, 2 do not\n"), "{}", all.out);
    assert_eq!(all.err, "xenclock: skipped 2 other files\n");
    let some = lab.run(["check", "-q", "in/a.xml", "in/b.xml"].into_iter().chain(FIXED));
    assert!(some.code == 1 && some.out.starts_with("in/b.xml: "), "{some:?}");
    let nothing = lab.run(["check", "in/networks"].into_iter().chain(FIXED));
    assert_eq!((nothing.code, &*nothing.out), (0, "0 files: 0 start, 0 do not\n"), "{nothing:?}");
}

#[test]
fn a_file_of_a_directory_is_taken_for_xml_as_one_that_is_named() {
    let lab = Lab::new();
    fs::create_dir(lab.path("in")).unwrap();
    let xml = guest("a", "");
    let wide = |order: fn(u16) -> [u8; 2]| xml.encode_utf16().flat_map(order).collect::<Vec<_>>();
    let files = [
        ("marked", [b"\xef\xbb\xbf", xml.as_bytes()].concat()),
        ("wide", [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat()),
        ("wide-unmarked", wide(u16::to_be_bytes)),
        ("disk", vec![0; 512]),
        ("wide-note", [b"\xff\xfe".to_vec(), b"a\0".to_vec()].concat()),
    ];
    for (name, bytes) in &files {
        lab.write(&format!("in/{name}"), bytes);
    }
    let checked = lab.run(["check", "in"].into_iter().chain(FIXED));
    for (name, _) in &files[..3] {
        assert!(checked.out.contains(&format!("in/{name}: ")), "{name}: {checked:?}");
    }
    assert_eq!(checked.err, "xenclock: skipped 2 other files\n");
    assert!(checked.out.ends_with("\n3 files: 1 start, 2 do not\n"), "{checked:?}");
}

#[test]
fn an_error_hides_nothing_of_the_rest() {
    let lab = Lab::new();
    let head =
        "name = \"guest\"\ntype = \"pvh\"\nkernel = \"/k\"\nmemory = 64\nmemry = 5\ntimezone = \"UTC\"\n";
    for (wrong, code) in [("clock_timezone = \"Nowhere\"", "bad-zone"), ("on_crash = \"burn\"", "bad-value")]
    {
        lab.write("guest.cfg", format!("{head}{wrong}\n"));
        let said = lab.run(["check", "guest.cfg"]);
        assert_eq!(said.code, 2);
        for expected in [":5:1: unsupported: ", ":6:1: unsupported: ", ":7:1: invalid: ", code] {
            assert!(said.out.contains(expected), "{expected}: {}", said.out);
        }
        assert!(
            said.out.starts_with("guest.cfg: does not start; 1 error, 2 things differ\n"),
            "{}",
            said.out
        );
    }
    // Nobody knows which keys count for a guest of which kind.
    lab.write("guest.cfg", format!("{head}type = \"hvmm\"\n"));
    let said = lab.run(["check", "guest.cfg"]);
    assert!(said.code == 2 && !said.out.contains("unsupported"), "{}", said.out);
}

#[test]
fn a_file_that_is_xml_by_its_name_is_told_where_xml_was_expected() {
    let lab = Lab::new();
    for (text, place) in [
        ("\n  not a domain\n", "2:3: invalid: expected '<', which begins a domain XML; found 'n'"),
        ("", "1:1: invalid: expected '<', which begins a domain XML; found nothing"),
        ("memory = \n", "1:1: invalid: expected '<', which begins a domain XML; found 'm'"),
        ("\u{feff}&lt;domain&gt;", "1:1: invalid: expected '<', which begins a domain XML; found '&'"),
    ] {
        lab.write("wrong.xml", text);
        for command in ["check", "convert", "plan", "create"] {
            let run = lab.mock([command, "wrong.xml"]);
            let said = [run.out.as_str(), run.err.as_str()].concat();
            assert!(said.contains(&format!("wrong.xml:{place}")), "{command} {text:?}: {said}");
            assert!(!said.contains("xl.cfg, expected") && run.code != 0, "{command} {text:?}: {said}");
        }
    }
    // xl reads an xl.cfg whatever its name.
    lab.write("right.xml", "name = \"right\"\ntype = \"pvh\"\nmemory = 64\nkernel = \"/boot/vmlinuz\"\n");
    assert_eq!(lab.run(["check", "right.xml"]).code, 0);
    // And with --from what is wrong is that of an xl.cfg.
    let told = lab.run(["check", "--from", "xl", "wrong.xml"]);
    assert!(!told.out.contains("begins a domain XML") && told.code == 2, "{told:?}");
}

fn estate() -> Lab {
    let lab = Lab::new();
    fs::create_dir(lab.path("in")).unwrap();
    lab.write("in/a.xml", guest("a", ""));
    lab.write("in/b.xml", guest("b", TPM));
    lab.write("in/c", guest("c", ""));
    lab.write("in/broken.xml", "<domain type='xen'>\n<name>x");
    lab.write(
        "in/refused.xml",
        domain("hvm", "<clock offset='utc'><timer name='tsc' mode='paravirt'/></clock>"),
    );
    lab.write("in/e.cfg", "name = \"e\"\ntype = \"pvh\"\nmemory = 64\nkernel = \"/boot/vmlinuz\"\n");
    lab.write("in/README", "no domain\n");
    fs::create_dir(lab.path("in/networks")).unwrap();
    lab
}

#[test]
fn a_directory_is_converted_and_a_bad_file_stops_no_other() {
    let lab = estate();
    let run = convert(&lab, &["-o", "out", "in"]);
    assert_eq!(run.code, 1, "{run:?}");
    let written: Vec<_> = {
        let mut names: Vec<_> = fs::read_dir(lab.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(written, ["a.cfg", "b.cfg", "c.cfg", "e.cfg", "refused.cfg"]);
    assert_eq!(lab.read("out/b.cfg"), convert(&lab, &["in/b.xml"]).ok());
    let rows: Vec<Vec<_>> = run.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["File", "Starts", "Differs", "Blockers", "Clock"]);
    assert_eq!(rows[1], ["in/a.xml", "yes", "0", "0", "same"]);
    assert_eq!(rows[2], ["in/b.xml", "yes", "1", "0", "same"]);
    assert_eq!(rows[3][..5], ["in/broken.xml", "no", "0", "1", "-;"], "{}", run.out);
    assert_eq!(rows[4], ["in/c", "yes", "0", "0", "same"]);
    assert_eq!(rows[6], ["in/refused.xml", "no", "0", "1", "blocked"]);
    assert!(run.out.contains("\n6 files: 4 start (1 with differences), 1 blocked, 1 wrong;"), "{}", run.out);
    assert_eq!(run.err, "xenclock: skipped 2 other files\n");
    // Without the bad one.
    fs::remove_file(lab.path("in/broken.xml")).unwrap();
    assert_eq!(convert(&lab, &["-o", "out", "in"]).code, 0);
    // Strict: what is lossy is not written.
    let strict = convert(&lab, &["-o", "strict", "--strict", "in"]);
    assert_eq!(strict.code, 1);
    assert!(!lab.path("strict/b.cfg").exists() && lab.path("strict/a.cfg").exists());
    // Nothing is written by a dry run; several inputs need a place to go.
    let dry = lab.run(["-N", "convert", "-o", "none", "in"]);
    assert_eq!((dry.code, lab.path("none").exists()), (0, false), "{dry:?}");
    assert!(dry.out.starts_with("File ") && dry.out.contains("4 start"), "{dry:?}");
    convert(&lab, &["in/a.xml", "in/b.xml"]).fails(2);
    // It has the same form for one input, for a directory, and with a report.
    for inputs in [&["in/a.xml"][..], &["in"], &["in/a.xml", "in/b.xml"], &["-o", "none", "in/a.xml"]] {
        for report in [&[][..], &["--report", "dry.json"]] {
            let run = lab.run(["-N", "convert"].iter().chain(report).chain(inputs).copied());
            assert_eq!((run.code, lab.path("none").exists()), (0, false), "{inputs:?} {run:?}");
            assert!(run.out.starts_with("File ") && run.out.contains(" start"), "{inputs:?} {run:?}");
            assert_eq!(lab.path("dry.json").exists(), !report.is_empty(), "{inputs:?}");
            let _ = fs::remove_file(lab.path("dry.json"));
        }
    }
    lab.run(["-N", "convert", "-o", "in/a.xml", "in/a.xml"]).ok();
    assert!(lab.read("in/a.xml").starts_with("<domain"), "an input is changed");
}

#[test]
fn two_inputs_do_not_become_one_file_and_no_input_is_lost() {
    let lab = estate();
    fs::create_dir(lab.path("more")).unwrap();
    lab.write("more/a.xml", guest("other", ""));
    let run = convert(&lab, &["-o", "out", "in/a.xml", "more/a.xml", "in/a.xml"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("out/a.cfg is already written from in/a.xml"), "{}", run.out);
    assert!(run.out.contains("named twice"), "{}", run.out);
    assert!(lab.read("out/a.cfg").contains("name = \"a\""));
    // An xl.cfg of the directory that is written to.
    let before = lab.read("in/e.cfg");
    let run = convert(&lab, &["-o", "in", "in/e.cfg", "in/a.xml"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("is itself an input"), "{}", run.out);
    assert_eq!(lab.read("in/e.cfg"), before);
    // Two guests of one name cannot run together.
    lab.write("more/twin.xml", guest("a", ""));
    let run = convert(&lab, &["-o", "out", "in/a.xml", "more/twin.xml"]);
    assert!(run.out.contains("in/a.xml and more/twin.xml have the name 'a'"), "{}", run.out);
}

#[test]
fn nothing_is_written_over_an_input_or_another_output() {
    let lab = Lab::new();
    let xml = guest("a", "");
    lab.write("a.xml", &xml);
    lab.write("rules.json", "");
    symlink("a.xml", lab.path("link")).unwrap();
    for words in [
        &["--write-accept", "a.xml", "a.xml"][..],
        &["--write-accept", "link", "a.xml"],
        &["--write-accept", "a.xml", "link"],
        &["--map-file", "rules.json", "--report", "rules.json", "a.xml"],
        &["--report", "r.json", "-o", "r.json", "a.xml"],
        &["--report", "r.json", "-o", "./r.json", "a.xml"],
        &["--report", "r.json", "--write-accept", "r.json", "a.xml"],
        &["--write-accept", "out/a.cfg", "-o", "out/", "a.xml"],
    ] {
        let err = convert(&lab, words).fails(2);
        assert!(err.contains("would be lost"), "{words:?}: {err}");
        assert_eq!((lab.read("a.xml"), lab.path("r.json").exists()), (xml.clone(), false), "{words:?}");
    }
}

#[test]
fn files_that_are_there_are_replaced_as_by_one_conversion() {
    let lab = estate();
    fs::create_dir(lab.path("out")).unwrap();
    lab.write("out/a.cfg", "old");
    fs::set_permissions(lab.path("out/a.cfg"), fs::Permissions::from_mode(0o640)).unwrap();
    lab.write("elsewhere", "old");
    symlink("../elsewhere", lab.path("out/b.cfg")).unwrap();
    lab.write("in/secret.xml", guest("secret", PASSWORD));
    let run = convert(&lab, &["-o", "out", "in/a.xml", "in/b.xml", "in/secret.xml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mode = |name: &str| fs::metadata(lab.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("out/a.cfg"), mode("out/secret.cfg")), (0o640, 0o600));
    assert!(lab.read("elsewhere").contains("name = \"b\""), "a link is followed");
    assert!(run.err.contains("1 of the files contain a password"), "{}", run.err);
    assert!(!run.out.contains("geheim") && !run.err.contains("geheim"));
}

#[test]
fn reports_have_the_form_that_their_name_says() {
    let lab = estate();
    lab.write("in/evil<b>.xml", guest("x", &format!("{TPM}<input type='&lt;script&gt;' bus='usb'/>")));
    let run = convert(&lab, &["-o", "out", "--report", "report.html", "in"]);
    assert_eq!(run.code, 1);
    let page = lab.read("report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("evil&lt;b&gt;.xml") && !page.contains("evil<b>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    for part in ["in/broken.xml", "tsc-paravirt", "instead:", "6 of them", "blocked"] {
        assert!(page.contains(part) || part == "6 of them", "{part}");
    }
    convert(&lab, &["--report", "report.json", "in"]);
    let report: Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 7);
    assert_eq!(report["files"][0]["output"], Value::Null, "only a report was asked for");
    assert_eq!(report["summary"]["blocked"], 1);
    convert(&lab, &["--report", "report.sarif", "in/b.xml"]).ok();
    let log: Value = serde_json::from_str(&lab.read("report.sarif")).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["runs"][0]["results"].as_array().unwrap().iter().any(|result| result["level"] == "warning"));
    convert(&lab, &["--report", "report.txt", "in/b.xml"]).fails(2);
}

#[test]
fn what_is_to_be_mapped_is_listed_and_rules_map_it() {
    let lab = Lab::new();
    fs::create_dir(lab.path("in")).unwrap();
    let disk = "<disk type='volume'><source pool='vms' volume='a.img'/><target dev='xvda'/></disk>\
                <disk type='file'><source file='/var/lib/libvirt/images/b.qcow2'/><target dev='xvdb'/></disk>";
    let direct = "<interface type='direct'><source dev='eth0' mode='bridge'/></interface>";
    lab.write("in/a.xml", guest("a", &format!("{}{direct}{disk}", nic("default"))));
    lab.write("in/b.xml", guest("b", &nic("default")));
    lab.write("in/c.xml", guest("c", "<interface type='bridge'><source bridge='br0'/></interface>"));
    let run = convert(&lab, &["-o", "out", "in"]);
    assert_eq!(run.code, 0, "{run:?}");
    let first = run.out.split("To be mapped first").nth(1).unwrap().split("Used as they are").next().unwrap();
    let names: Vec<_> =
        first.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(
        names[..3],
        [vec!["2", "network:default="], vec!["1", "pool:vms="], vec!["1", "interface:eth0="]]
    );
    assert!(run.out.contains("1  bridge:br0=\n") && run.out.contains("1  path:/var/lib/libvirt/images=\n"));

    lab.write("rules", "# what is here\nnetwork:default=xenbr1\npool:vms=/dev/vg\n  interface:eth0 = x\n");
    let wrong = convert(&lab, &["-o", "out", "--map-file", "rules", "in"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.starts_with("rules:4:3: invalid: "), "{}", wrong.err);
    lab.write("rules", "network:default=xenbr1\npool:vms=/dev/vg\ninterface:eth0=xenbr2\nbridge:none=x\n");
    let words =
        ["-o", "out", "--map-file", "rules", "--map", "path:/var/lib/libvirt/images/*.qcow2=/dev/vg/*", "in"];
    let run = convert(&lab, &words);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.out.contains("To be mapped first"), "{}", run.out);
    assert_eq!(run.err, "xenclock: warning: rules:4: nothing uses bridge:none=x\n");
    let cfg = lab.read("out/a.cfg");
    for part in ["bridge=xenbr1", "bridge=xenbr2", "target=/dev/vg/a.img", "target=/dev/vg/b"] {
        assert!(cfg.contains(part), "{part}: {cfg}");
    }
    // Each finding that asks for a rule gives one that works.
    let said = convert(&lab, &["in/b.xml"]).err;
    let remedy = said.split("convert it with --map ").nth(1).unwrap().split(',').next().unwrap();
    let rule = remedy.replace("=NAME", "=xenbr7");
    let run = convert(&lab, &["--strict", "--map", &rule, "in/b.xml"]);
    assert!(run.out.contains("bridge=xenbr7") && run.code == 0, "{run:?}");
    convert(&lab, &["--map", "net:a=b", "in/b.xml"]).fails(2);
}

#[test]
fn addresses_and_files_of_an_xl_cfg_are_mapped_too() {
    let lab = Lab::new();
    lab.write(
        "a.cfg",
        "name = \"a\"\ntype = \"pv\"\nmemory = 64\nkernel = \"/boot/vmlinuz\"\n\
         vif = [ \"mac=52:54:00:00:00:01,bridge=br0\" ]\ndisk = [ \"/dev/old/a,raw,xvda,rw\" ]\n",
    );
    let words =
        ["--map", "mac:new", "--map", "bridge:br0=xenbr0", "--map", "path:/dev/old=/dev/new", "a.cfg"];
    let run = convert(&lab, &words);
    let cfg = run.out.clone();
    assert!(cfg.contains("mac=00:16:3e:") && cfg.contains("bridge=xenbr0"), "{run:?}");
    assert!(cfg.contains("target=/dev/new/a"), "{cfg}");
    assert_eq!(convert(&lab, &words).out, cfg, "the same address each time");
    let keep = convert(&lab, &["--map", "mac:keep", "a.cfg"]);
    assert!(keep.out.contains("mac=52:54:00:00:00:01") && keep.err.is_empty(), "{keep:?}");
}

#[test]
fn strict_passes_exactly_the_losses_that_were_accepted() {
    let lab = Lab::new();
    lab.write("a.xml", guest("a", TPM));
    lab.write("b.xml", guest("b", &format!("{TPM}{}", nic("default"))));
    convert(&lab, &["--strict", "a.xml"]).fails(1);
    convert(&lab, &["--write-accept", "accept", "-o", "out/", "a.xml", "b.xml"]).ok();
    let first = lab.read("accept");
    assert!(first.contains(" /domain/devices/tpm = not reviewed: "), "{first}");
    assert!(first.contains("\n[b.xml]\nnetwork "), "{first}");
    convert(&lab, &["--strict", "--accept", "accept", "-o", "out/", "a.xml", "b.xml"]).ok();
    let said = convert(&lab, &["--strict", "--accept", "accept", "a.xml"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("1 difference accepted"), "{}", said.err);
    // What was accepted of b is stale for a.
    assert!(said.err.contains("network no longer occurs at /domain/devices/interface"), "{}", said.err);
    // Another loss is none that was accepted.
    lab.write("a.xml", guest("a", &format!("{TPM}{}", nic("default"))));
    convert(&lab, &["--strict", "--accept", "accept", "a.xml"]).fails(1);
    // Reasons stay when the file is written again.
    lab.write("accept", first.replace("not reviewed: ", "reviewed: "));
    convert(&lab, &["--accept", "accept", "--write-accept", "again", "-o", "out/", "a.xml", "b.xml"]).ok();
    let again = lab.read("again");
    assert!(again.contains("= reviewed: ") && again.contains("[a.xml]\nnetwork "), "{again}");
    lab.write("accept", "tpm /domain/devices/tpm =\n");
    let wrong = convert(&lab, &["--accept", "accept", "a.xml"]).fails(1);
    assert!(wrong.starts_with("accept:1:1: invalid: the loss is accepted without a reason"), "{wrong}");
}

#[test]
fn what_a_host_lacks_is_named() {
    let lab = Lab::new();
    let disk = "<disk type='file'><source file='/srv/a.img'/><target dev='xvda'/></disk>";
    let pci = "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";
    lab.write(
        "a.xml",
        guest("a", &format!("<interface type='bridge'><source bridge='br0'/></interface>{disk}{pci}")),
    );
    fs::create_dir(lab.path("root")).unwrap();
    let codes = |run: &Run| {
        let mut codes: Vec<_> = run
            .out
            .lines()
            .filter_map(|line| line.strip_suffix(']')?.rsplit_once("[host-"))
            .map(|(_, code)| code.to_owned())
            .collect();
        codes.sort();
        codes
    };
    let run = lab.run(["check", "--check-host=root", "a.xml"]);
    assert_eq!(run.code, 2);
    assert_eq!(codes(&run), ["bridge", "disk", "firmware", "firmware", "pci", "qemu"], "{}", run.out);
    for path in [
        "sys/class/net/br0/bridge/bridge_id",
        "srv/a.img",
        "usr/lib/xen-4.17/boot/hvmloader",
        "usr/share/seabios/bios-256k.bin",
        "usr/libexec/xen-qemu-system-i386",
        "sys/bus/pci/devices/0000:01:00.0/vendor",
    ] {
        let path = lab.path("root").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    symlink("../../drivers/nvme", lab.path("root/sys/bus/pci/devices/0000:01:00.0/driver")).unwrap();
    let run = lab.run(["check", "--check-host=root", "a.xml"]);
    assert_eq!(codes(&run), ["pci-assignable"], "{}", run.out);
    assert!(
        run.out.contains("dom0 uses it with the driver nvme")
            && run.out.contains("xl pci-assignable-add 0000:01:00.0")
    );
    fs::remove_file(lab.path("root/sys/bus/pci/devices/0000:01:00.0/driver")).unwrap();
    symlink("../../drivers/pciback", lab.path("root/sys/bus/pci/devices/0000:01:00.0/driver")).unwrap();
    assert_eq!(codes(&lab.run(["check", "--check-host=root", "a.xml"])), [""; 0]);
    convert(&lab, &["--check-host=root", "a.xml"]).ok();
    if !std::path::Path::new("/proc/xen/capabilities").exists() {
        let said = lab.run(["check", "--check-host", "a.xml"]).fails(2);
        assert!(said.contains("this is not a dom0"), "{said}");
    }
}

#[test]
fn details_of_an_estate_are_said_in_the_order_of_its_files() {
    let lab = Lab::new();
    fs::create_dir(lab.path("in")).unwrap();
    for number in 0..60 {
        lab.write(&format!("in/g{number:02}.xml"), guest(&format!("g{number}"), TPM));
    }
    let run = lab.run(["-v", "convert", "-o", "out", "in"]);
    assert_eq!(run.code, 0);
    let said: Vec<_> = run.err.lines().filter(|line| line.contains(": starts; ")).collect();
    assert_eq!(said.len(), 60, "{}", run.err);
    assert!(said.is_sorted(), "{said:?}");
    let rows: Vec<_> = run.out.lines().filter(|line| line.starts_with("in/g")).collect();
    assert!(rows.len() == 60 && rows.is_sorted());
}
