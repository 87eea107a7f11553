//! Lines of an xl.cfg as other languages have them, and lists without quotes: no remedy loses a setting or makes two
//! entries of one.

use serde_json::json;

use crate::common::Lab;
use crate::remedies_cfg::{HEAD, follow};

/// The remedy where nobody can know which words of a list are one entry.
const EACH: &str = "write each entry of the list, with all of its settings, in quotes of its own";

/// The remedy for a line of a program.
const NO_PROGRAM: &str = "an xl.cfg consists of lines KEY = VALUE and comments after #; it is not Python";

#[test]
fn an_entry_without_quotes_stays_one_entry() {
    for (wrong, item, right) in [
        (
            "vif = [mac=00:16:3e:00:00:01,bridge=xenbr0, 'bridge=b']",
            "mac=00:16:3e:00:00:01,bridge=xenbr0",
            "vif = [\"mac=00:16:3e:00:00:01,bridge=xenbr0\", 'bridge=b']",
        ),
        (
            "usbctrl = [type=auto,version=2,ports=6]",
            "type=auto,version=2,ports=6",
            "usbctrl = [\"type=auto,version=2,ports=6\"]",
        ),
        ("disk = [ /dev/vg/a,raw,xvda,w ]", "/dev/vg/a,raw,xvda,w", "disk = [ \"/dev/vg/a,raw,xvda,w\" ]"),
        ("vif = [\n - bridge=x\n]", "bridge=x", "vif = [\n \"bridge=x\"\n]"),
        ("vif = [\n - bridge: x\n]", "bridge=x", "vif = [\n \"bridge=x\"\n]"),
        ("device_model_args = [-a, -b]\ncap = 3", "-b", "device_model_args = [\"-a\", \"-b\"]\ncap = 3"),
    ] {
        follow(&[(wrong, &format!("write it in quotes: \"{item}\""), right)]);
    }
    follow(&[
        ("disk = [ /dev/vg/a, raw, xvda, w ]", EACH, "disk = [ \"/dev/vg/a,raw,xvda,w\" ]"),
        ("vif = [ bridge=\"x\" ]", EACH, "vif = [ \"bridge=x\" ]"),
        ("disk = sorted([\"/a,raw,xvda,w\"])", EACH, "disk = [ \"/a,raw,xvda,w\" ]"),
        ("disk = [(\"/a\", \"raw\", \"xvda\", \"w\")]", "", "disk = [ \"/a,raw,xvda,w\" ]"),
        ("disk.append([\"/a,raw,xvda,w\"])", "", "disk += [ \"/a,raw,xvda,w\" ]"),
        ("disk.append((\"/a\",\"raw\",\"xvda\",\"w\"))", "", "disk += [ \"/a,raw,xvda,w\" ]"),
        ("vif = { \"bridge=x\" }", "", "vif = [ \"bridge=x\" ]"),
        ("vif = list(\"bridge=x\")", "", "vif = [ \"bridge=x\" ]"),
        ("vif = dict(bridge=\"x\")", "", "vif = [ \"bridge=x\" ]"),
        (
            "vif = [dict(bridge=\"x\")]\ncap = 3",
            "write vif = [ \"bridge=x\" ]",
            "vif = [ \"bridge=x\" ]\ncap = 3",
        ),
    ]);
}

#[test]
fn a_list_that_is_closed_is_not_said_to_be_open() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (text, expected) in [
        ("vif = [mac=00:16:3e:00:00:01,bridge=br0]", &[4][..]),
        ("device_model_args = [-a, -b]\ncap = 3", &[4, 4]),
        ("disk = [/dev/a, /dev/b]\ncap = 3", &[4, 4]),
        ("disk = [/dev/a,\n /dev/b]\ncap = 3", &[4, 5]),
        ("vif = [-a]", &[4]),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{text}\n"));
        let said = lab.mock(["check", "guest.cfg"]).out;
        let lines = |line: &str| line.split(':').nth(1).and_then(|line| line.parse().ok());
        let found: Vec<u32> =
            said.lines().filter(|line| line.contains(" invalid: ")).filter_map(lines).collect();
        assert_eq!(found, expected, "{text}: {said}");
        assert!(!said.contains("close") && !said.contains("write a comma"), "{text}: {said}");
    }
}

#[test]
fn several_settings_on_a_line_all_stay() {
    follow(&[
        ("kernel=/boot/a vcpus=2", "", "kernel = \"/boot/a\"; vcpus = 2"),
        ("export kernel=/boot/a vcpus=2", "", "kernel = \"/boot/a\"; vcpus = 2"),
        ("kernel=/boot/a vcpus=$N", "put vcpus on a line of its own", "kernel = \"/boot/a\"\nvcpus = 2"),
        (
            "kernel = '/k'\nextra = root=/dev/xvda ro",
            "write it in quotes: extra = \"root=/dev/xvda ro\"",
            "kernel = '/k'\nextra = \"root=/dev/xvda ro\"",
        ),
        ("kernel='/boot/a'\"", "", "kernel = \"/boot/a\""),
        ("disk = \"\"\"/a,raw,xvda,w\"\"\"", "", "disk = [ \"/a,raw,xvda,w\" ]"),
    ]);
}

#[test]
fn a_value_that_a_limit_cuts_is_named() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for value in ["1_000", "1 000", "\"1,000\""] {
        lab.write("guest.cfg", format!("{HEAD}vcpus = {value}\n"));
        let said = lab.mock(["check", "guest.cfg"]).out;
        assert!(
            said.contains("at most 128 vCPUs") && said.contains("instead: write vcpus = 128\n"),
            "{said}"
        );
    }
}

#[test]
fn a_wrong_word_without_quotes_gets_the_right_one() {
    follow(&[
        ("irqs = [-1]", "write its number in decimal, as in 5", "irqs = [ 5 ]"),
        (
            "vcpus = 2\nvnuma = [[\"pnode=0\",\"size=64\",\"vcpus=1-0\"]]",
            "write 0-1",
            "vcpus = 2\nvnuma = [[\"pnode=0\",\"size=64\",\"vcpus=0-1\"]]",
        ),
        (
            "vcpus = 2\nvnuma = [[\"pnode=0\",\"size=64\",\"vcpus=0 1\"]]",
            "write 0,1",
            "vcpus = 2\nvnuma = [[\"pnode=0\",\"size=64\",\"vcpus=0,1\"]]",
        ),
        (
            "vnuma = [\"pnode=0,size=64,vcpus=0\"]",
            "write [ \"pnode=0\", \"size=64\", \"vcpus=0\" ]",
            "vnuma = [[ \"pnode=0\", \"size=64\", \"vcpus=0\" ]]",
        ),
        (
            "vnuma = [\"pnode=0,mem=64,vcpus=0\"]",
            "write [ \"pnode=0\", \"size=64\", \"vcpus=0\" ]",
            "vnuma = [[ \"pnode=0\", \"size=64\", \"vcpus=0\" ]]",
        ),
        (
            "tsc_mode = NATIVE_PARAVIRT",
            "write tsc_mode = \"default\", or tsc_mode = \"native\" for a guest that never migrates",
            "tsc_mode = \"default\"",
        ),
    ]);
    if timers::zone::default_zones().zone("Europe/Berlin").is_ok() {
        follow(&[
            ("clock_timezone = Europe/Berln", "", "clock_timezone = \"Europe/Berlin\""),
            ("clock_timezone = \"Europe/Berln\"", "", "clock_timezone = \"Europe/Berlin\""),
            ("clock_timezone = W. Europe Standard Time", "", "clock_timezone = \"Europe/Berlin\""),
        ]);
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    lab.write("guest.cfg", format!("{HEAD}vnuma = [\"pnode=0,size=64,vcpus=0\"]\n"));
    let said = lab.mock(["check", "guest.cfg"]).out;
    assert!(!said.contains("memory = "), "{said}");
}

#[test]
fn lists_of_other_languages_over_lines_go_as_a_whole() {
    for (wrong, lines, right) in [
        ("vif:\n  - bridge=x\nvcpus = 2", "4 to 5", "vif = [ \"bridge=x\" ]"),
        (
            "vif:\n- bridge: x\n  mac: 00:16:3e:00:00:01",
            "4 to 6",
            "vif = [ \"bridge=x,mac=00:16:3e:00:00:01\" ]",
        ),
        ("vif=(\n\"bridge=x\"\n)", "4 to 6", "vif = [ \"bridge=x\" ]"),
        ("\"disk\": [\n\"/a,raw,xvda,w\"\n],", "4 to 6", "disk = [ \"/a,raw,xvda,w\" ]"),
    ] {
        follow(&[(wrong, &format!("write {right} in place of lines {lines}"), right)]);
    }
}

#[test]
fn a_line_of_a_program_is_not_put_in_quotes() {
    for wrong in [
        "vif.append('bridge=x'); vcpus=2",
        "disk.append(f\"/a,raw,xvda,w\")",
        "vif.append(mac=\"x\")",
        "vif.insert(0, \"b\")",
        "vif.clear()",
        "vif.remove(\"x\")",
        "foo.append(\"x\")",
        "kernel = os.getcwd()",
        "REM x",
    ] {
        follow(&[(wrong, NO_PROGRAM, "")]);
    }
    follow(&[
        ("declare -a vif=(\"bridge=x\")", "", "vif = [ \"bridge=x\" ]"),
        ("typeset -i vcpus=2", "", "vcpus = 2"),
        ("readonly vcpus=2", "", "vcpus = 2"),
        ("kernel = '/k'\nexport EXTRA=\"ro\"", "write extra = \"ro\"", "kernel = '/k'\nextra = \"ro\""),
    ]);
}

#[test]
fn one_line_has_one_remedy() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (text, remedies) in [
        ("nohpet=True", &["write hpet = 0"][..]),
        ("no_acpi=yes", &["write acpi = 0"]),
        ("foo=${X}", &["remove it, or make it a comment with #"]),
        ("include \"/f\"", &["remove it, or make it a comment with #"]),
        ("p9=[\"tag=a,source=/srv/a,security_model=none\"]", &["write path=/srv/a"]),
        (
            "p9=[\"tag=a\",\"path=/srv/a\",\"security_model=none\"]",
            &["write p9 = [ \"tag=a,path=/srv/a,security_model=none\" ]"],
        ),
        ("p9=[\"tag=a;path=/srv/a;security_model=none\"]", &["write a comma in place of each ;"]),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{text}\n"));
        let said = lab.mock(["check", "guest.cfg"]).out;
        let mut found: Vec<_> =
            said.lines().filter_map(|line| line.trim().strip_prefix("instead: ")).collect();
        found.dedup();
        assert_eq!(found, remedies, "{text}: {said}");
    }
}

#[test]
fn an_error_whose_meaning_is_known_hides_no_blocker() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for line in ["on-crash = \"destroy\"", "cpu-weight=256", "hap = 1 1", "vcpus=8 cores"] {
        lab.write("guest.cfg", format!("{HEAD}{line}\nboot=\"cdrom\"\nspice=1\n"));
        let said = lab.mock(["check", "guest.cfg"]).out;
        assert!(said.contains("guest.cfg:5:") && said.contains("guest.cfg:6:"), "{line}: {said}");
    }
    follow(&[
        ("on-crash = \"destroy\"", "", "on_crash = \"destroy\""),
        ("on-crash = destroy", "", "on_crash = \"destroy\""),
        ("cpu-weight=256", "", "cpu_weight = 256"),
    ]);
}

#[test]
fn a_change_after_which_no_guest_starts_says_so() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    lab.write("guest.cfg", HEAD);
    let said = lab.mock(["edit", "guest.cfg", "boot=cdrom"]);
    assert!(said.err.contains("guest.cfg does not start as requested"), "{said:?}");
    // It was so before.
    let said = lab.mock(["edit", "guest.cfg", "vcpus=1"]);
    assert!(!said.err.contains("does not start"), "{said:?}");
    let xml = crate::common::domain(
        "hvm",
        "<clock offset='utc'><timer name='tsc' frequency='1000000000'/></clock>",
    );
    lab.write("guest.xml", xml);
    let said = lab.mock(["edit", "guest.xml", "tsc_mode=native"]);
    assert!(said.err.contains("guest.xml does not start as requested"), "{said:?}");
}

#[test]
fn a_line_of_another_language_gets_the_setting() {
    follow(&[
        ("vif.append('bridge=xenbr0')", "", "vif += [ \"bridge=xenbr0\" ]"),
        (
            "disk = disk + [ 'phy:/a,xvda,w' ]",
            "write disk += [ \"phy:/a,xvda,w\" ]",
            "disk += [ \"/a,raw,xvda,w\" ]",
        ),
        (
            "kernel = '/k'\nextra = 'a'\nextra += [ 'b' ]",
            "write extra += \" b\"",
            "kernel = '/k'\nextra = 'a'\nextra += ' b'",
        ),
        ("vif = [ 'bridge=a' ]\nvif += 'bridge=b'", "write vif += [ \"bridge=b\" ]", "vif += [ 'bridge=b' ]"),
        ("vcpus: 2 # two", "", "vcpus = 2"),
        ("\"vcpus\": 2,", "", "vcpus = 2"),
        (
            "vif:\n  - bridge=xenbr0\n  - bridge=xenbr1",
            "write vif = [ \"bridge=xenbr0\", \"bridge=xenbr1\" ] in place of lines 4 to 6",
            "vif = [ \"bridge=xenbr0\", \"bridge=xenbr1\" ]",
        ),
        ("export vcpus=2", "", "vcpus = 2"),
        ("vif=(bridge=xenbr0 bridge=xenbr1)", "", "vif = [ \"bridge=xenbr0\", \"bridge=xenbr1\" ]"),
    ]);
}

/// xl ends a setting at a semicolon, wherever the quotes are missing.
#[test]
fn a_setting_behind_a_semicolon_stays_one() {
    let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c9";
    for (wrong, right) in [
        ("boot=cd;vnc=1", "boot = \"cd\"; vnc = 1".to_owned()),
        ("kernel=/boot/a;extra=ro", "kernel = \"/boot/a\"; extra = \"ro\"".to_owned()),
        ("device_model_user=a=b;vcpus=2", "device_model_user = \"a=b\"; vcpus = 2".to_owned()),
        ("clock_timezone=Europe/Berlin;pae=0", "clock_timezone = \"Europe/Berlin\"; pae = 0".to_owned()),
        ("tsc_mode=native;hpet=0", "tsc_mode = \"native\"; hpet = 0".to_owned()),
        ("on_reboot=restart;on_crash=destroy", "on_reboot = \"restart\"; on_crash = \"destroy\"".to_owned()),
        (
            "on_reboot=restart ; on_crash=destroy",
            "on_reboot = \"restart\"; on_crash = \"destroy\"".to_owned(),
        ),
        ("boot=cd;vnc=1;acpi=0", "boot = \"cd\"; vnc = 1; acpi = 0".to_owned()),
        (&format!("uuid={uuid};vcpus=2"), format!("uuid = \"{uuid}\"; vcpus = 2")),
    ] {
        follow(&[(wrong, &format!("write {right}"), &right)]);
    }
    // A command line of a kernel has words of its own.
    let extra = "extra = \"a=b vcpus=3\"; vcpus = 2";
    let [wrong, right] = ["extra=a=b vcpus=3;vcpus=2", extra].map(|line| format!("kernel = '/k'\n{line}"));
    follow(&[(&wrong, &format!("write {extra}"), &right)]);
}
