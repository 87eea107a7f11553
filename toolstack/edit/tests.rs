#![allow(clippy::unwrap_used)]

use super::*;

const HEAD: &str = "<!-- mine --><domain type='xen'>\n  <name>g</name>\n  <memory   unit='MiB'>64</memory>\n  <os><type>hvm</type></os>\n";

fn edited(clock: &str, words: &[&str]) -> Result<String, EditError> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    let xml = format!("\u{feff}{HEAD}{clock}</domain>\n");
    edit("g.xml", xml.as_bytes(), &words, &[], &XlHost::default())
        .map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn every_other_byte_stays() {
    let timers = "\n    <timer name='rtc'  tickpolicy='catchup'/> <!-- why -->\n  ";
    let table = [
        (
            "  <clock   offset='utc'/>\n".to_owned(),
            "clock_offset=localtime",
            "  <clock   offset='localtime'/>\n".to_owned(),
        ),
        (
            format!("  <clock offset='utc'>{timers}</clock>\n"),
            "clock_timezone=Europe/Berlin",
            format!("  <clock offset='timezone' timezone='Europe/Berlin'>{timers}</clock>\n"),
        ),
        (
            "  <clock basis = \"utc\"\n   offset=\"variable\"/> <!-- c -->\n".to_owned(),
            "clock_adjustment=60",
            "  <clock basis = \"utc\"\n   offset=\"variable\" adjustment='60'/> <!-- c -->\n".to_owned(),
        ),
        (
            "  <clock offset=\"variable\" adjustment=\"0\" basis=\"utc\"/>\n".to_owned(),
            "rtc_timeoffset=60",
            "  <clock offset=\"variable\" adjustment=\"60\" basis=\"utc\"/>\n".to_owned(),
        ),
        (
            "  <clock offset='utc'/>\n".to_owned(),
            "clock_tsc_frequency=2400000000",
            "  <clock offset='utc'>\n    <timer name='tsc' frequency='2400000000'/>\n  </clock>\n".to_owned(),
        ),
        (
            format!("  <clock offset=\"utc\">{timers}</clock>\n"),
            "tsc_mode=native",
            format!(
                "  <clock offset=\"utc\">{}\n    <timer name='tsc' mode='native'/>\n  </clock>\n",
                timers.trim_end()
            ),
        ),
        (
            "  <clock offset=\"utc\"><!-- t --><timer name=\"tsc\" mode='emulate'/></clock>\n".to_owned(),
            "clock_tsc_frequency=2400000000",
            "  <clock offset=\"utc\"><!-- t --><timer name=\"tsc\" mode='emulate' frequency='2400000000'/></clock>\n"
                .to_owned(),
        ),
    ];
    for (before, word, after) in table {
        let expected = format!("\u{feff}{HEAD}{after}</domain>\n");
        assert_eq!(edited(&before, &[word]).unwrap(), expected, "{word}");
    }
    let new = edited("", &["rtc_timeoffset=3600"]).unwrap();
    assert!(
        new.contains("</os>\n  <clock offset='variable' adjustment='3600' basis='utc'/>\n</domain>"),
        "{new}"
    );
}

#[test]
fn what_is_no_clocks_or_wrong_is_refused() {
    for word in ["memory=much", "memory=64M", "memroy=64", "vcpus=0x", "clock_offset=lunar", "localtime"] {
        assert!(matches!(edited("<clock offset='utc'/>", &[word]), Err(EditError::Words(_))), "{word}");
    }
    let Err(EditError::Words(errors)) = edited("", &["clock_tsc_tolerance=50"]) else { panic!() };
    assert!(errors.to_string().contains("a <clock> has no place for clock_tsc_tolerance"), "{errors}");
    assert!(matches!(edit("g.xml", b"<domain", &[], &[], &XlHost::default()), Err(EditError::Xml(_))));
}

#[test]
fn errors_are_at_the_word_that_has_them() {
    let Err(EditError::Words(errors)) = edited("", &["memory=96", "localtime=maybe", "vcpus=many"]) else {
        panic!()
    };
    assert_eq!(errors.iter().map(|error| error.place.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn nothing_is_added_to_a_value() {
    for word in ["vif+=['bridge=b']", "extra += 'a'"] {
        assert!(matches!(edited("", &[word]), Err(EditError::Added(_))), "{word}");
    }
}

#[test]
fn what_an_xml_has_no_place_for_is_refused() {
    for word in ["mmio_hole=512", "vpmu=1"] {
        let error = edited("", &["memory=128", word]).unwrap_err().to_string();
        assert!(error.starts_with(word.split('=').next().unwrap()), "{word}: {error}");
    }
}

const DOCUMENT: &str = "<!-- mine --><domain type='xen'>
  <name>g</name> <!-- hers -->
  <memory   unit='MiB'>64</memory><!-- all -->
  <vcpu placement = \"static\">2</vcpu>
  <os><type>hvm</type></os>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/a</emulator>
  </devices>
</domain>
";

#[test]
fn settings_of_the_domain_are_changed_where_they_stand() {
    let table = [
        ("name=other", "<name>g<", "<name>other<"),
        ("name='a<b'", "<name>g<", "<name>a&lt;b<"),
        ("memory=96", "'MiB'>64<", "'MiB'>96<"),
        ("vcpus=4", "\"static\">2<", "\"static\">4<"),
        ("on_crash=preserve", "<on_crash>destroy<", "<on_crash>preserve<"),
        // What is not there comes where libvirt has it.
        ("on_reboot=destroy", "\n  <on_crash>", "\n  <on_reboot>destroy</on_reboot>\n  <on_crash>"),
        (
            "max_event_channels=64",
            "</emulator>\n",
            "</emulator>\n    <controller type='xenbus' index='0' maxEventChannels='64'/>\n",
        ),
        (
            "uuid='6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11'",
            "<!-- hers -->\n",
            "<!-- hers -->\n  <uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>\n",
        ),
        ("clock_offset=localtime", "</os>\n", "</os>\n  <clock offset='localtime'/>\n"),
    ];
    let styles: [fn(&str) -> String; 3] =
        [str::to_owned, |text| text.replace('\n', "\r\n"), |text| text.replace("  ", "\t")];
    for (word, before, after) in table {
        for style in styles {
            let old = style(DOCUMENT);
            let new = edit("g.xml", old.as_bytes(), &[word.to_owned()], &[], &XlHost::default())
                .unwrap_or_else(|error| panic!("{word}: {error}"));
            let expected = old.replacen(&style(before), &style(after), 1);
            assert_eq!(String::from_utf8(new).unwrap(), expected, "{word}");
        }
    }
}

#[test]
fn an_element_among_others_on_a_line_has_no_line_of_its_own() {
    let xml = "<domain type='xen'>\n  <name>g</name><memory unit='MiB'>64</memory>\n  <os><type>hvm</type></os>\n  <features>\n    \
               <acpi/><apic/><pae/>\n  </features>\n</domain>\n";
    let words = ["hap=0".to_owned()];
    let edited = edit("g.xml", xml.as_bytes(), &words, &[], &XlHost::default()).unwrap();
    let expected = xml.replace("<pae/>", "<pae/><hap state='off'/>");
    assert_eq!(String::from_utf8(edited).unwrap(), expected);
}

#[test]
fn elements_that_hold_nothing_are_filled() {
    for features in ["  <features/>\n", "  <features></features>\n", "  <features>\n  </features>\n", ""] {
        let old = DOCUMENT.replace("</os>\n", &format!("</os>\n{features}"));
        let words = ["acpi=1".to_owned(), "apic=1".to_owned()];
        let new = edit("g.xml", old.as_bytes(), &words, &[], &XlHost::default()).unwrap();
        let expected = "</os>\n  <features>\n    <acpi/>\n    <apic/>\n  </features>\n";
        assert_eq!(String::from_utf8(new).unwrap(), DOCUMENT.replace("</os>\n", expected), "{features}");
    }
}

#[test]
fn a_device_keeps_its_own_element() {
    let disk = |name: &str, more: &str| {
        format!(
            "    <disk type='block' device='disk'>\n      <driver type='raw'/>\n      <source dev='/dev/{name}'/>\n      \
             <target dev='{name}' bus='xen'/>{more}\n    </disk>\n"
        )
    };
    let (a, b, c) = (disk("xvda", "<!-- root -->"), disk("xvdb", "<!-- data -->"), disk("xvdc", ""));
    let document = |disks: &[&String]| {
        DOCUMENT.replace(
            "</emulator>\n",
            &format!("</emulator>\n{}", disks.iter().map(|disk| disk.as_str()).collect::<String>()),
        )
    };
    let list = |names: &[&str]| {
        let disks: Vec<_> = names.iter().map(|name| format!("'/dev/{name},raw,{name},rw'")).collect();
        [format!("disk=[{}]", disks.join(","))]
    };
    for (before, names, after) in [
        (vec![&a, &b], &["xvdb"][..], vec![&b]),
        (vec![&a, &b], &["xvda"], vec![&a]),
        (vec![&a, &b], &["xvda", "xvdc", "xvdb"], vec![&a, &c, &b]),
        (vec![&b], &["xvdc", "xvdb"], vec![&c, &b]),
        (vec![], &["xvdc"], vec![&c]),
        (vec![&a], &[], vec![]),
    ] {
        let new = edit("g.xml", document(&before).as_bytes(), &list(names), &[], &XlHost::default()).unwrap();
        assert_eq!(String::from_utf8(new).unwrap(), document(&after), "{names:?}");
    }
}

#[test]
fn what_was_set_is_taken_out_again() {
    let timers = "\n    <timer name='rtc' tickpolicy='catchup'/>\n  ";
    let table = [
        ("<clock offset='utc'/>", "clock_offset=absolute clock_start=1704067200", "clock_offset"),
        ("<clock offset='utc'/>", "clock_timezone=Europe/Berlin", "clock_timezone"),
        ("<clock offset='variable' adjustment='0' basis='utc'/>", "clock_adjustment=5", "clock_adjustment"),
        (&*format!("<clock offset='utc'>{timers}</clock>"), "rtc_timeoffset=60", "rtc_timeoffset"),
    ];
    for (clock, words, unset) in table {
        let words: Vec<_> = words.split(' ').collect();
        let xml = edited(&format!("  {clock}\n"), &words).unwrap();
        let back = edit("g.xml", xml.as_bytes(), &[], &[unset.to_owned()], &XlHost::default()).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), format!("\u{feff}{HEAD}  {clock}\n</domain>\n"));
    }
    let unknown =
        edit("g.xml", format!("{HEAD}</domain>").as_bytes(), &[], &["nope".to_owned()], &XlHost::default());
    assert!(matches!(unknown, Err(EditError::NoSuchKey { .. })));
}
