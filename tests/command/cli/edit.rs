//! `edit`: changes settings of a file in place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::common::{Lab, domain};

const FILE: &str = "# kept\nname = 'guest'  # mine\ntype='hvm'; memory = 64\nlocaltime = 1\n";

#[test]
fn a_file_is_changed_and_nothing_else_of_it() {
    let lab = Lab::new();
    let path = lab.write("real.cfg", FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.cfg", lab.path("guest.cfg")).unwrap();
    assert_eq!(lab.run(["edit", "guest.cfg", "memory=128", "clock_timezone=Europe/Berlin"]).ok(), "");
    let expected = FILE.replace("memory = 64", "memory = 128").replace("localtime = 1\n", "");
    assert_eq!(lab.read("real.cfg"), expected.clone() + "clock_timezone = \"Europe/Berlin\"\n");
    assert!(lab.path("guest.cfg").is_symlink());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    lab.run(["edit", "guest.cfg", "--unset", "clock_timezone"]).ok();
    assert_eq!(lab.read("real.cfg"), expected);
    assert_eq!(lab.files(), ["guest.cfg", "real.cfg"]);
    // What is not there is said.
    let again = lab.run(["edit", "guest.cfg", "--unset", "clock_timezone"]);
    assert!(again.err.contains("guest.cfg has no clock_timezone to remove"), "{}", again.err);
    lab.write("guest.xml", domain("hvm", "<clock offset='utc'/>"));
    let unset = lab.run(["edit", "-o", "-", "guest.xml", "--unset", "localtime"]);
    assert!(unset.code == 0 && unset.err.contains("guest.xml has no localtime to remove"), "{}", unset.err);
    fs::remove_file(lab.path("guest.xml")).unwrap();
    // Shown, and not written.
    let shown = lab.run(["edit", "-o", "-", "guest.cfg", "vcpus=2"]).ok();
    assert_eq!(shown, expected.clone() + "vcpus = 2\n");
    assert_eq!(lab.read("real.cfg"), expected);
}

#[test]
fn what_is_wrong_leaves_the_file_alone() {
    let lab = Lab::new();
    lab.write("guest.cfg", FILE);
    let said = lab.run(["edit", "guest.cfg", "memory=much"]).fails(1);
    assert!(said.contains("command line:1:"), "{said}");
    // The remedy is that of check.
    lab.write("wrong.cfg", format!("{FILE}vcpus = $X\n"));
    let said = lab.run(["edit", "wrong.cfg", "memory=128"]).fails(1);
    assert!(said.contains("instead: give vcpus a number"), "{said}");
    let said = lab.run(["edit", "guest.cfg", "vcpus=3", "maxvcpus=2"]).fails(1);
    assert!(said.contains("vcpus"), "{said}");
    lab.run(["edit", "guest.cfg"]).fails(2);
    lab.run(["edit", "guest.cfg", "memory"]).fails(2);
    lab.run(["edit", "nothing.cfg", "memory=64"]).fails(1);
    assert_eq!(lab.read("guest.cfg"), FILE);
    lab.write("guest.xml", domain("hvm", "<clock offset='utc'/>"));
    let said = lab.run(["edit", "guest.xml", "vcpus=2", "mmio_hole=512"]).fails(1);
    assert!(said.contains("mmio_hole cannot be changed in place"), "{said}");
    // The remedy can be followed.
    let words = said.split("with xenclock ").nth(1).unwrap().split(',').next().unwrap();
    lab.run(words.replace("FILE", "guest.xml").split_whitespace()).ok();
    lab.run(["edit", "GUEST.cfg", "vcpus=2", "mmio_hole=512"]).ok();
    assert_eq!(lab.read("guest.xml"), domain("hvm", "<clock offset='utc'/>"));
}

#[test]
fn the_clock_of_an_xml_is_changed_in_place() {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", "<clock  offset='utc'/><!-- why -->"));
    lab.run(["edit", "guest.xml", "clock_offset=localtime"]).ok();
    assert_eq!(lab.read("guest.xml"), domain("hvm", "<clock  offset='localtime'/><!-- why -->"));
}

#[test]
fn any_setting_that_an_xml_has_a_place_for_is_changed_in_it() {
    let lab = Lab::new();
    let old = domain("hvm", "<vcpu>1</vcpu><on_crash>destroy</on_crash><clock offset='utc'/><!-- why -->");
    lab.write("guest.xml", &old);
    let words = ["name=other", "memory=128", "vcpus=2", "on_crash=preserve", "localtime=1"];
    lab.run(["edit", "guest.xml"].into_iter().chain(words)).ok();
    let new = old
        .replace("<name>guest<", "<name>other<")
        .replace("'MiB'>64<", "'MiB'>128<")
        .replace("<vcpu>1<", "<vcpu>2<")
        .replace("<on_crash>destroy<", "<on_crash>preserve<")
        .replace("'utc'", "'localtime'");
    assert_eq!(lab.read("guest.xml"), new);
    let said = lab.run(["edit", "guest.xml", "memroy=64"]).fails(1);
    assert!(said.contains("write memory"), "{said}");
}

#[test]
fn a_change_that_no_host_could_start_is_refused() {
    let lab = Lab::new();
    for (file, text) in [
        ("a.cfg", "type = \"hvm\"\nname = \"a\"\nmemory = 64\n".to_owned()),
        (
            "a.xml",
            "<domain type='xen'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>"
                .to_owned(),
        ),
    ] {
        lab.write(file, &text);
        let said = lab.run(["edit", file, "clock_timezone=Berlin"]).fails(1);
        assert!(said.contains("Europe/Berlin") && said.contains("is not changed"), "{said}");
        assert_eq!(std::fs::read_to_string(lab.path(file)).unwrap(), text, "{file}");
        lab.run(["edit", file, "clock_timezone=Europe/Berlin"]).ok();
    }
    // A file that was wrong before can be changed elsewhere, and mended.
    lab.write("b.cfg", "type = \"hvm\"\nname = \"a\"\nmemory = 64\nclock_timezone = \"Berlin\"\n");
    lab.run(["edit", "b.cfg", "memory=128"]).ok();
    lab.run(["edit", "b.cfg", "clock_timezone=Europe/Berlin"]).ok();
}
