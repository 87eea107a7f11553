//! Wrong input: one clear message with its place and its remedy, exit 1, nothing written, no domain, and never a
//! panic or a hang.

use std::fmt::Write as _;

use crate::common::{FIXED, Lab, domain};
use serde_json::json;

/// What stands in every domain: a name, memory and a kind.
pub(crate) const NAME: &str = "<name>guest</name>";
pub(crate) const MEMORY: &str = "<memory unit='MiB'>64</memory>";
pub(crate) const OS: &str = "<os><type>hvm</type></os>";

/// A whole domain with this inside.
pub fn with(inside: &str) -> String {
    format!("<domain>\n{NAME}{MEMORY}{OS}\n{inside}</domain>")
}

fn clock(inside: &str) -> String {
    with(&format!("<clock offset='utc'>{inside}</clock>"))
}

/// Puts an input to `convert` and to `create`, which must refuse it alike, and gives what they say.
#[track_caller]
fn refused(input: impl AsRef<[u8]>) -> String {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write("guest.xml", input);
    let converted = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).fails(1);
    let created = lab.mock(["create", "guest.xml"]).fails(1);
    // `create` may add that the guest was not started.
    assert!(created.starts_with(&converted), "convert says\n{converted}create says\n{created}");
    assert_eq!(converted.matches("guest.xml:").count(), 1, "one message: {converted}");
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]), "a domain is left");
    assert_eq!(lab.files(), ["guest.xml", "mock.json"], "a file is left");
    converted
}

/// That the message stands at this place, has this code, and names all of these words.
#[track_caller]
fn says(input: impl AsRef<[u8]>, place: &str, code: &str, words: &[&str]) {
    let said = refused(input);
    let first = said.lines().next().unwrap();
    assert!(first.starts_with(&format!("guest.xml:{place}: invalid: ")), "not at {place}: {said}");
    assert!(first.ends_with(&format!(" [{code}]")), "not {code}: {said}");
    for word in words {
        assert!(said.contains(word), "'{word}' is not in: {said}");
    }
}

#[test]
fn what_is_no_xml() {
    let virsh = "instead: give a libvirt domain XML, such as the output of virsh dumpxml --inactive DOMAIN";
    says("<network><name>n</name></network>", "1:1", "not-a-domain", &["<network>", "virsh dumpxml"]);
    says("<!-- only a comment -->", "1:1", "xml-malformed", &[virsh]);
}

#[test]
fn what_is_not_well_formed() {
    says("<domain>\n<name>a</domain>", "2:8", "xml-malformed", &["</name>", "</domain>"]);
    says(with("<clock>"), "3:8", "xml-malformed", &["</clock>"]);
    says("<domain><name>", "1:9", "xml-malformed", &["<name> is not closed"]);
    says("<domain type='kvm", "1:1", "xml-malformed", &["not closed"]);
    says(with("") + "<domain/>", "3:10", "xml-malformed", &["second root element"]);
    says(with("") + "text", "3:10", "xml-malformed", &["text outside"]);
    says(with("") + "\u{a0}", "3:10", "xml-malformed", &["text outside"]);
    says(with("<a b='1' c='2' b='3'/>"), "3:16", "xml-malformed", &["'b' twice in <a>"]);
    says(with("<a b=1/>"), "3:6", "xml-malformed", &["quotes"]);
    for nameless in ["<??>", "<? a?>", "<?1?>", "<?-a b?>"] {
        says(with(nameless), "3:1", "xml-malformed", &["processing instruction"]);
    }
    says(with("<a b/>"), "3:5", "xml-malformed", &["'='"]);
    says(with("<a b='1' c= />"), "3:13", "xml-malformed", &["value"]);
    says(with("<a b='1'c='2'/>"), "3:9", "xml-malformed", &["white space", "'c'"]);
    says(with("<a b='1'\nc='2'\td='3'e=\"4\"/>"), "4:12", "xml-malformed", &["white space", "'e'"]);
    says(with("<a b='<'/>"), "3:4", "xml-malformed", &["&lt;"]);
    says(with("<a b='&'/>"), "3:4", "xml-malformed", &["&amp;"]);
    says(with("<1/>"), "3:1", "xml-malformed", &["'1'"]);
    says(with("]]>"), "3:1", "xml-malformed", &["]]>"]);
    says(with("<!-- a -- b -->"), "3:8", "xml-malformed", &[]);
    says(with("<?xml version='1.0'?>"), "3:1", "xml-malformed", &["declaration"]);
    says(" <?xml version='1.0'?>".to_owned() + &with(""), "1:2", "xml-malformed", &["declaration"]);
    says("<?xml version='2.0'?>".to_owned() + &with(""), "1:1", "xml-malformed", &["2.0"]);
}

/// XML advises against DEL and the controls after it, and allows them.
#[test]
fn characters_that_xml_advises_against_are_read() {
    let lab = Lab::with_host(json!({}));
    for text in ["\u{7f}", "\u{85}", "&#x9b;", "&#127;", "\u{fdd0}", "&#x1ffff;"] {
        lab.write("guest.xml", with(&format!("<description>a{text}z</description>")));
        lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
    }
}

#[test]
fn characters_that_xml_does_not_allow() {
    says(with("<a>\u{1}</a>"), "3:4", "xml-malformed", &["U+0001"]);
    says(with("<a b='\u{1b}[2J'/>"), "3:7", "xml-malformed", &["U+001B"]);
    says(with("<a>\u{0}</a>"), "3:4", "xml-malformed", &["U+0000"]);
    says(with("<a>\u{ffff}</a>"), "3:4", "xml-malformed", &["U+FFFF"]);
    for reference in
        ["&#1;", "&#x1;", "&#0;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#99999999999;", "&#;", "&#-9;"]
    {
        says(with(&format!("<a>{reference}</a>")), "3:4", "xml-malformed", &[reference]);
        says(with(&format!("<a b='{reference}'/>")), "3:4", "xml-malformed", &[reference]);
    }
    says(with("<a>&unknown;</a>"), "3:4", "xml-malformed", &["&unknown;"]);
}

#[test]
fn document_types_and_their_entities() {
    says(
        format!("<!DOCTYPE domain>\n{}", with("")),
        "1:1",
        "xml-doctype",
        &["instead: remove the <!DOCTYPE"],
    );
    says(
        format!("<?xml version='1.0'?>\n<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>\n{}", with("")),
        "2:1",
        "xml-doctype",
        &[],
    );
    // Ten levels of ten references each would be 10 GB of text.
    let mut bomb = "<!DOCTYPE domain [<!ENTITY e0 'x'>".to_owned();
    for level in 1..=10 {
        let inner = format!("&e{};", level - 1).repeat(10);
        let _ = write!(bomb, "<!ENTITY e{level} '{inner}'>");
    }
    says(format!("{bomb}]>\n{}", with("&e10;")), "1:1", "xml-doctype", &[]);
}

#[test]
fn other_encodings() {
    let latin = with("<title>Gl\u{fc}hwein</title>").chars().map(|c| c as u8).collect::<Vec<_>>();
    says(latin, "3:10", "xml-not-utf8", &["instead: convert the file, as in: iconv -f ISO-8859-1 -t UTF-8"]);
    for (mark, bytes) in [
        (0xfeff_u16.to_le_bytes(), u16::to_le_bytes as fn(u16) -> [u8; 2]),
        (0xfeff_u16.to_be_bytes(), u16::to_be_bytes),
    ] {
        let text = with("").encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        says([&mark[..], &text].concat(), "1:1", "xml-not-utf8", &["iconv -f UTF-16 -t UTF-8"]);
        // Without a mark it is full of zeros.
        refused(text);
    }
    says(
        format!("<?xml version='1.0' encoding='ISO-8859-1'?>{}", with("")),
        "1:1",
        "xml-not-utf8",
        &["write encoding='UTF-8': the file is already in UTF-8"],
    );
    // Cut within a character.
    says(&with("<title>ü").as_bytes()[..with("<title>ü").find('ü').unwrap() + 1], "3:8", "xml-not-utf8", &[]);
}

#[test]
fn a_byte_order_mark_of_utf_8_is_fine() {
    let lab = Lab::new();
    let plain = with("<clock offset='utc' adjustment='x'/>");
    let place = |text: &str| {
        lab.write("guest.xml", text);
        lab.run(["convert", "guest.xml"]).fails(1)
    };
    assert_eq!(place(&plain), place(&format!("\u{feff}{plain}")), "it counts as nothing");
    lab.write("guest.xml", format!("\u{feff}<?xml version='1.0' encoding='UTF-8'?>{}", with("")));
    lab.run(["convert", "guest.xml"]).ok();
}

#[test]
fn what_is_missing() {
    says(format!("\n<domain>{MEMORY}{OS}</domain>"), "2:1", "no-name", &["instead: add <name>"]);
    says(format!("<domain><name/>{MEMORY}{OS}</domain>"), "1:9", "no-name", &["instead: write <name>"]);
    says(format!("<domain>{NAME}{OS}</domain>"), "1:1", "no-memory", &["instead: add <memory"]);
    says(
        format!("<domain>{NAME}<memory> </memory>{OS}</domain>"),
        "1:27",
        "no-memory",
        &["instead: write <memory"],
    );
    says(format!("<domain>{NAME}{MEMORY}</domain>"), "1:1", "no-os-type", &["instead: add <os><type>"]);
    says(format!("<domain>{NAME}{MEMORY}<os/></domain>"), "1:57", "no-os-type", &["instead: add <type>"]);
    says(with("<clock offset='timezone'/>"), "3:1", "no-timezone", &["instead: add timezone="]);
    says(with("<clock offset='absolute'/>"), "3:1", "no-start", &["instead: add start="]);
    says(clock("<timer/>"), "3:21", "no-timer-name", &["instead: add name=", "rtc, pit, hpet, tsc"]);
}

#[test]
fn a_uuid_among_the_strings_of_the_firmware_is_the_domains() {
    const OWN: &str = "2147d599-9cc6-40dc-92ab-4064b5446e9b";
    const OTHER: &str = "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11";
    let strings = |uuid: &str| {
        format!("<sysinfo type='smbios'><system><entry name='uuid'>{uuid}</entry></system></sysinfo>")
    };
    let own = format!("<uuid>{OWN}</uuid>");
    says(with(&format!("{own}{}", strings(OTHER))), "3:100", "uuid-mismatch", &["instead: write", OWN]);
    says(with(&strings("x")), "3:51", "bad-value", &["UUID"]);
    // In the forms that libvirt reads, and no others.
    let braces = format!("<uuid>{{{OWN}}}</uuid>");
    says(with(&braces), "3:7", "bad-value", &["instead: write 2147d599-"]);
    for wrong in [
        "2147d59-99cc6-40dc-92ab-4064b5446e9b",
        "2147d5999cc640dc92ab4064b5446e9b-",
        "2147",
        "2147d5999cc640dc92ab4064b5446e9b00",
        "214é",
    ] {
        says(with(&format!("<uuid>{wrong}</uuid>")), "3:7", "bad-value", &["UUID"]);
    }
    let cfg = |inside: &str| {
        let lab = Lab::new();
        lab.write("guest.xml", with(inside));
        lab.run(["convert", "-v", "guest.xml"].into_iter().chain(FIXED))
    };
    for form in [
        "2147d5999cc640dc92ab4064b5446e9b",
        "2147D5999cc6-40dc-92ab-4064b5446e9b",
        "\n -2147 d599-9cc640dc92ab4064b5446e9b \n",
    ] {
        let run = cfg(&format!("<uuid>{form}</uuid>"));
        assert!(run.out.contains(OWN), "{form}: {}{}", run.out, run.err);
    }
    // The first of two counts; the strings are the firmware's only where they are asked for.
    let entry = |uuid: &str| format!("<entry name='uuid'>{uuid}</entry>");
    let two = format!("<sysinfo type='smbios'><system>{}{}</system></sysinfo>", entry(OWN), entry(OTHER));
    let run = cfg(&two);
    assert!(
        run.out.contains(OWN) && run.err.contains("libvirt uses only its UUID"),
        "{}{}",
        run.out,
        run.err
    );
    let asked = with(&two).replace("</type>", "</type><smbios mode='sysinfo'/>");
    let lab = Lab::new();
    lab.write("guest.xml", asked);
    let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
    assert!(run.out.contains(OWN) && run.err.contains("only the first one counts"), "{}{}", run.out, run.err);
    for inside in [format!("{own}{}", strings(OWN)), strings(OWN)] {
        let lab = Lab::new();
        lab.write("guest.xml", with(&inside));
        let cfg = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
        assert!(cfg.contains(OWN), "{inside}: {cfg}");
    }
}

#[test]
fn numbers_that_are_none() {
    for memory in ["many", "-1", "0x100", "1.5", "1e3", "0", "99999999999999999999999"] {
        says(
            format!("<domain>{NAME}<memory>{memory}</memory>{OS}</domain>"),
            "1:35",
            "bad-value",
            &[&format!("'{memory}'")],
        );
    }
    says(
        format!("<domain>{NAME}<memory unit='furlong'>1</memory>{OS}</domain>"),
        "1:35",
        "bad-value",
        &["'furlong'", "MiB"],
    );
    says(
        format!("<domain>{NAME}<memory unit='EiB'>18446744073709551615</memory>{OS}</domain>"),
        "1:46",
        "bad-value",
        &["1 EiB"],
    );
    says(with("<vcpu>0</vcpu>"), "3:7", "bad-value", &["1 to "]);
    says(with("<vcpu>4294967297</vcpu>"), "3:7", "bad-value", &["1 to "]);
    says(with("<vcpu current='3'>2</vcpu>"), "3:7", "bad-value", &["up to the 2"]);
    says(with("<clock offset='variable' adjustment='ten'/>"), "3:26", "bad-value", &["'ten'"]);
    says(with("<clock offset='variable' adjustment='2147483648'/>"), "3:26", "offset-range", &["2147483648"]);
    says(with("<clock offset='absolute' start='noon'/>"), "3:26", "bad-value", &["'noon'"]);
    says(with("<clock offset='absolute' start='946684799'/>"), "3:26", "rtc-year", &["2000", "2099"]);
    says(
        clock("<timer name='tsc' frequency='0'/>"),
        "3:39",
        "tsc-frequency",
        &["instead: write the frequency in Hz"],
    );
    says(clock("<timer name='tsc' frequency='2GHz'/>"), "3:39", "bad-value", &["in Hz"]);
    says(clock("<timer name='rtc'><catchup slew='-1'/></timer>"), "3:48", "bad-value", &["'-1'"]);
}

#[test]
fn words_that_are_unknown() {
    says(
        with("<clock offset='lunar'/>"),
        "3:8",
        "bad-value",
        &["'lunar'", "utc, localtime, timezone, variable or absolute"],
    );
    says(
        with("<clock offset='timezone' timezone='Mars/Olympus'/>"),
        "3:26",
        "bad-zone",
        &["'Mars/Olympus'", "'Europe/Paris'"],
    );
    says(clock("<timer name='sundial'/>"), "3:28", "bad-value", &["'sundial'", "rtc, pit, hpet, tsc"]);
    says(
        clock("<timer name='rtc' tickpolicy='later'/>"),
        "3:39",
        "bad-value",
        &["delay, catchup, merge or discard"],
    );
    says(clock("<timer name='rtc' track='sun'/>"), "3:39", "bad-value", &["'sun'", "guest"]);
    says(
        clock("<timer name='tsc' mode='warp'/>"),
        "3:39",
        "bad-value",
        &["auto, native, emulate, paravirt or smpsafe"],
    );
    says(clock("<timer name='pit' present='maybe'/>"), "3:39", "bad-value", &["yes or no"]);
    says(with("<clock offset='variable' basis='UTC'/>"), "3:26", "bad-value", &["utc or localtime"]);
    says(
        format!("<domain>{NAME}{MEMORY}<os><type>exe</type></os></domain>"),
        "1:67",
        "bad-value",
        &["hvm, xen or xenpvh"],
    );
    says(format!("<domain type='abacus'>{NAME}{MEMORY}{OS}</domain>"), "1:9", "bad-value", &["'abacus'"]);
    let xenbus = |limit: &str| with(&format!("<devices><controller type='xenbus' {limit}/></devices>"));
    for limit in ["maxGrantFrames='2147483648'", "maxEventChannels='-1'", "maxGrantFrames='4294967297'"] {
        says(xenbus(limit), "3:36", "bad-value", &["at most 2147483647"]);
    }
    says(with("<uuid>1234</uuid>"), "3:7", "bad-value", &["a UUID such as"]);
    says(with("<on_reboot>dance</on_reboot>"), "3:12", "bad-value", &["destroy, restart"]);
}

#[test]
fn words_of_another_libvirt_leave_out_what_they_are_about() {
    for (device, code) in [
        ("<disk type='file' device='tape'><target dev='sda'/></disk>", "disk-device"),
        ("<disk type='warp'><target dev='sda'/></disk>", "disk-source"),
        ("<graphics type='qubes'/>", "graphics"),
        ("<interface type='wormhole'/>", "interface-type"),
        ("<serial type='wormhole'/>", "serial"),
        ("<channel type='wormhole'/>", "channel"),
        ("<input type='gesture'/>", "input"),
        ("<sound model='orchestra'/>", "sound"),
        ("<hostdev mode='subsystem' type='wormhole'/>", "hostdev"),
        ("<watchdog model='cerberus'/>", "watchdog"),
        ("<filesystem type='wormhole'><source dir='/a'/><target dir='a'/></filesystem>", "filesystem"),
    ] {
        let lab = Lab::new();
        lab.write("guest.xml", domain("hvm", &format!("<devices>{device}</devices>")));
        let run = lab.run(["convert", "guest.xml"]);
        assert_eq!(run.code, 0, "{device}: {}", run.err);
        assert!(run.err.contains(": unsupported: ") && run.err.contains(code), "{device}: {}", run.err);
    }
}

#[test]
fn contradictions() {
    let twice = "<timer name='pit' tickpolicy='delay'/><timer name='pit' tickpolicy='catchup'/>";
    says(clock(twice), "3:59", "timer-twice", &["pit", "instead: keep one <timer>"]);
    says(
        with("<clock offset='utc'/>\n<clock offset='localtime'/>"),
        "4:1",
        "two-clocks",
        &["instead: put everything into one"],
    );
}

#[test]
fn what_xen_cannot_do_is_refused_by_create_alone() {
    for (timer, place, code) in [
        ("<timer name='tsc' mode='paravirt'/>", "3:39", "tsc-paravirt"),
        ("<timer name='tsc' present='no'/>", "3:39", "tsc-hidden"),
        ("<timer name='tsc' mode='native' frequency='1000000'/>", "3:53", "tsc-native-frequency"),
        ("<timer name='rtc' present='no'/>", "3:39", "timer-fixed"),
    ] {
        let lab = Lab::with_host(json!({"timezone": "UTC"}));
        lab.write("guest.xml", clock(timer));
        lab.run(["convert", "guest.xml"]).ok();
        let said = lab.mock(["create", "guest.xml"]).fails(1);
        assert!(said.starts_with(&format!("guest.xml:{place}: unsupported: ")), "{said}");
        assert!(said.lines().next().unwrap().ends_with(&format!("[{code}]")), "{said}");
        assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    }
}

#[test]
fn too_deep() {
    let nested = |depth: usize| "<a>".repeat(depth - 1) + &"</a>".repeat(depth - 1);
    let lab = Lab::new();
    lab.write("guest.xml", with(&nested(1000)));
    lab.run(["convert", "--diagnostics", "json", "guest.xml"]).ok();
    says(with(&nested(1001)), &format!("3:{}", 3 * 999 + 1), "xml-too-deep", &["1000"]);
    // Far too deep, and not even closed: nothing runs over the stack.
    says(with(&"<a>".repeat(1_000_000)), &format!("3:{}", 3 * 999 + 1), "xml-too-deep", &[]);
}

#[test]
fn too_large() {
    let mut huge = with("<description>");
    huge.push_str(&"x".repeat(32 << 20));
    says(&huge, "1:1", "xml-too-large", &["33554432"]);
}

/// Two tests, side by side: reading these takes long without optimisation.
#[track_caller]
fn too_many(inside: &str) {
    let lab = Lab::new();
    lab.write("guest.xml", with(inside));
    let said = lab.run(["convert", "guest.xml"]).fails(1);
    assert!(said.starts_with("guest.xml:1:1: invalid: ") && said.contains("2000000"), "{said}");
}

#[test]
fn too_many_elements() {
    too_many(&"<a/>".repeat(2_100_000));
}

#[test]
fn too_many_attributes() {
    let mut attributes = String::new();
    for number in 0..2_100_000 {
        let _ = write!(attributes, " a{number}=''");
    }
    too_many(&format!("<a{attributes}/>"));
}

#[test]
fn many_siblings_and_attributes_are_no_hang() {
    let lab = Lab::new();
    lab.write("siblings.xml", with(&"<a/>".repeat(190_000)));
    let mut attributes = String::new();
    for number in 0..100_000 {
        let _ = write!(attributes, " a{number}=''");
    }
    lab.write("attributes.xml", with(&format!("<a{attributes}/>")));
    lab.write("timers.xml", clock(&"<timer name='pit'/>".repeat(60_000)));
    lab.write("text.xml", with(&format!("<description>{}</description>", "&amp;".repeat(1_000_000))));
    lab.write("fewer.xml", with(&"<a/>".repeat(20_000)));
    for file in ["siblings.xml", "attributes.xml", "timers.xml", "text.xml"] {
        lab.run(["convert", "-o", "out.cfg", file]).ok();
    }
    lab.run(["convert", "--diagnostics", "json", "-o", "out.cfg", "fewer.xml"]).ok();
}

#[test]
fn what_libvirt_refuses_of_a_timer() {
    let slew = "<catchup slew='120'/>";
    for (timer, code, word) in [
        ("<timer name='kvmclock' tickpolicy='delay'/>".to_owned(), "other-timer", "takes no tickpolicy"),
        ("<timer name='hypervclock' tickpolicy='catchup'/>".to_owned(), "other-timer", "remove tickpolicy"),
        ("<timer name='rtc' frequency='1000'/>".to_owned(), "other-timer", "timer rtc takes no frequency"),
        ("<timer name='pit' mode='native'/>".to_owned(), "other-timer", "timer pit takes no mode"),
        ("<timer name='tsc' track='wall'/>".to_owned(), "other-timer", "only rtc has one"),
        (
            format!("<timer name='rtc' tickpolicy='delay'>{slew}</timer>"),
            "no-catchup",
            "add tickpolicy='catchup'",
        ),
        (format!("<timer name='rtc'>{slew}</timer>"), "no-catchup", "remove <catchup>"),
    ] {
        let said = refused(clock(&timer));
        assert!(said.contains(&format!("[{code}]")) && said.contains(word), "{timer}: {said}");
    }
    // libvirt takes numbers of 0 for none.
    for timer in ["<timer name='rtc' frequency='0'/>", "<timer name='rtc'><catchup slew='0'/></timer>"] {
        let lab = Lab::new();
        lab.write("guest.xml", clock(timer));
        lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
    }
}

#[test]
fn elements_of_another_default_namespace_are_not_libvirts() {
    let lab = Lab::new();
    lab.write("guest.xml", with("<clock xmlns='urn:x' offset='localtime'/>"));
    let run = lab.run(["-v", "convert", "guest.xml"].into_iter().chain(FIXED));
    assert!(run.err.contains("foreign-namespace"), "{}", run.err);
    assert!(!run.ok().contains("localtime"));
    lab.write("guest.xml", with("<clock xmlns='' offset='localtime'/>"));
    assert!(lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok().contains("localtime = 1"));
    lab.write("guest.xml", with("").replace("<domain>", "<domain xmlns='urn:x'>"));
    let said = lab.run(["convert", "guest.xml"]).fails(1);
    assert!(said.contains("remove xmlns= from <domain>"), "{said}");
}

#[test]
fn hyper_vs_clock_is_there_where_it_is_asked_for() {
    let lab = Lab::new();
    for (present, there) in [("", false), (" present='no'", false), (" present='yes'", true)] {
        lab.write("guest.xml", clock(&format!("<timer name='hypervclock'{present}/>")));
        let cfg = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
        assert_eq!(cfg.contains("time_ref_count"), there, "{present}: {cfg}");
    }
}

#[test]
fn the_nearest_word_is_proposed() {
    for (inside, os, remedy) in [
        ("", "<os><type>HVM</type></os>", "write hvm"),
        ("", "<os><type>hvm</type><boot dev='cdrum'/></os>", "write dev='cdrom'"),
        ("<vcpu placement='statik'>1</vcpu>", OS, "write placement='static'"),
    ] {
        let said = refused(format!("<domain>{NAME}{MEMORY}{os}{inside}</domain>"));
        assert!(said.contains(&format!("instead: {remedy}")), "{said}");
    }
}

#[test]
fn what_libvirt_takes_beside_its_schema() {
    let vlan = |vlan: &str| {
        with(&format!(
            "<devices><interface type='bridge'><source bridge='ovs0'/>{vlan}<virtualport type='openvswitch'/></interface></devices>"
        ))
    };
    let takes = |text: String, holds: &str| {
        let lab = Lab::new();
        lab.write("guest.xml", text);
        let cfg = lab.run(["convert", "guest.xml"]).ok();
        assert!(cfg.contains(holds), "{cfg}");
    };
    takes(vlan("<vlan trunk='no'><tag id='42'/></vlan>"), "bridge=ovs0.42");
    let several = "<vlan trunk='no'><tag id='42'/><tag id='43'/></vlan>";
    says(vlan(several), "3:64", "bad-value", &["several VLANs need a trunk", "write trunk='yes'"]);
    takes(vlan(&several.replace("'no'", "'yes'")), "bridge=ovs0:42:43");
    takes(with("<devices><video><model type='parallels'/></video></devices>"), "name = ");
    for encoding in ["utf8", "Utf-8", "UTF_8", "us-ascii"] {
        takes(format!("<?xml version='1.0' encoding='{encoding}'?>{}", with("")), "name = ");
    }
}

#[test]
fn numbers_and_names_that_libvirt_refuses_are_errors_where_xen_does_not_need_them_too() {
    let network = |vlan: &str| {
        with(&format!("<devices><interface type='bridge'><source bridge='b'/>{vlan}</interface></devices>"))
    };
    says(network("<vlan/>"), "3:55", "no-vlan", &["add <tag id='VLAN'/>", "remove <vlan>"]);
    says(network("<vlan><tag id='x'/></vlan>"), "3:66", "bad-value", &["0 to 4095"]);
    let spinlocks = |retries: &str| {
        with(&format!("<features><hyperv><spinlocks state='on'{retries}/></hyperv></features>"))
    };
    says(spinlocks(" retries='x'"), "3:41", "bad-value", &["a number of retries"]);
    says(with("<numatune><memory mode='strict' nodeset='x'/></numatune>"), "3:33", "bad-value", &["nodeset"]);
    let usb = |address: &str| {
        with(&format!(
            "<devices><hostdev mode='subsystem' type='usb'><source><address {address}/></source></hostdev></devices>"
        ))
    };
    says(usb("bus='1'"), "3:55", "no-source", &["has a bus and no device", "add device="]);
    says(usb("device='1'"), "3:55", "no-source", &["has a device and no bus", "add bus="]);
    let floppy = |name: &str| {
        with(&format!(
            "<devices><disk type='file' device='floppy'><source file='/a'/><target dev='{name}'/></disk></devices>"
        ))
    };
    says(floppy("?!"), "3:71", "bad-value", &["a floppy drive's name: fda or fdb"]);
    says(floppy("hda"), "3:71", "bad-value", &["a floppy drive's name: fda or fdb"]);
}

#[test]
fn a_model_of_a_controller_is_one_of_its_type() {
    let lab = Lab::new();
    for (controller, instead) in [
        ("type='ide' model='x'", "write one of ich6, piix3 or piix4"),
        ("type='scsi' model='virtio-scsj'", "write model='virtio-scsi'"),
        ("type='scsi' model='piix3-uhci'", "am53c974, auto, buslogic"),
        ("type='usb' model='xhc'", "qusb1, qusb2 or vt82c686b-uhci"),
        ("type='sata' model='x'", "remove model="),
    ] {
        lab.write("guest.xml", with(&format!("<devices><controller {controller}/></devices>")));
        let said = lab.run(["check", "guest.xml"]).out;
        let remedy = said.lines().find(|line| line.starts_with("  instead: ")).unwrap_or_default();
        assert!(remedy.contains(instead), "{controller}: {said}");
        assert!(!remedy.contains("default") && !remedy.contains("pcie"), "{controller}: {said}");
    }
}
