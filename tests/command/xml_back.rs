//! xl.cfg to XML and back, XML to xl.cfg and back: the same domain, with the same clock, in valid XML.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use timers::zone::{Zone, default_zones};
use timers::{Moment, Timer, TimerMode, TimerName};
use xenclock::cfg::{self, XlHost};
use xenclock::convert::{Format, convert};
use xenclock::domain::Domain;
use xenclock::domain::changes::{self, Change};
use xenclock::input::Input;
use xenclock::xml;

use crate::common::{FIXED, Lab, NOW, all_xml, domain};
use crate::generated;

const SCHEMA: &str = "/usr/share/libvirt/schemas/domain.rng";

fn written(input: &mut Input, to: Format) -> String {
    let zone = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let zones = default_zones();
    let at = Moment { now: NOW.parse().unwrap(), host_zone: &zone, zones: &*zones };
    convert(input, to, &at).unwrap_or_else(|error| panic!("{error}"))
}

fn read_xl(text: &[u8]) -> Result<Input, String> {
    let host = XlHost { genid: [7; 16], ..XlHost::default() };
    cfg::read("guest.cfg", text, &[], &host).map(|read| read.input).map_err(|errors| errors.to_string())
}

/// What differs in meaning.
fn differences(one: &Domain, other: &Domain) -> Vec<Change> {
    let [one, other] = [one, other].map(|domain| {
        let config = changes::settled(&domain.config, &domain.clock);
        let mut clock = domain.clock.clone();
        // What is in the config, or is the default; and the order of timers means nothing.
        let in_config = |timer: &Timer| {
            let alone = Timer { present: timer.present, ..Timer::named(timer.name) };
            matches!(timer.name, TimerName::Hypervclock | TimerName::Hpet | TimerName::Tsc) && *timer == alone
        };
        for timer in &mut clock.timers {
            timer.mode = timer.mode.filter(|mode| *mode != TimerMode::Auto);
            if timer.name != TimerName::Hpet {
                timer.present = timer.present.filter(|present| !present);
            }
        }
        clock.timers.retain(|timer| !in_config(timer));
        clock.timers.sort_by_key(|timer| timer.name);
        clock.offset = clock.offset.effective();
        (config, clock)
    });
    changes::between((&one.0, &one.1), (&other.0, &other.1))
}

#[track_caller]
fn same(one: &Domain, other: &Domain, what: &str) {
    let differ = differences(one, other);
    assert!(differ.is_empty(), "{differ:#?}\n{what}");
}

/// Through XML, and what comes of that through xl.cfg; gives the XML.
fn through_xml(mut input: Input, what: &str) -> String {
    let text = written(&mut input, Format::Xml);
    let read = xml::read("guest.xml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    // What libxl or QEMU does not start is written all the same.
    assert_eq!(read.report.losses().filter(|loss| loss.node.starts_with('/')).count(), 0, "{text}");
    same(&input.domain, &read.domain, &format!("{what}\n{text}"));
    text
}

/// The fields that the xl.cfg does not hold, as the conversion says.
fn unsaid(input: &Input) -> Vec<String> {
    input.report.losses().map(|loss| loss.node).filter(|node| !node.starts_with('/')).collect()
}

/// XML, then xl.cfg, then XML again.
fn from_xml(text: &str, all: &mut Vec<String>) {
    let Ok(mut input) = xml::read("guest.xml", text.as_bytes()) else { return };
    all.push(through_xml(input.clone(), text));
    let xl = written(&mut input, Format::Xl);
    let back = read_xl(xl.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{xl}\n{text}"));
    let mut differ = differences(&input.domain, &back.domain);
    // xl makes a generation ID up.
    differ.retain(|change| !change.field.ends_with("/ms_vm_genid"));
    if unsaid(&input).is_empty() {
        let clocks = [&input.domain.clock, &back.domain.clock];
        assert!(differ.is_empty(), "{differ:#?}\n{clocks:?}\n{xl}\n{text}");
    }
    all.push(through_xml(back, &xl));
}

/// xl.cfg, then XML, then xl.cfg again.
fn from_xl(text: &[u8], all: &mut Vec<String>) -> bool {
    let Ok(input) = read_xl(text) else { return false };
    let shown = String::from_utf8_lossy(text).into_owned();
    let xml = through_xml(input.clone(), &shown);
    let mut read = xml::read("guest.xml", xml.as_bytes()).unwrap();
    let again = written(&mut read, Format::Xl);
    let back = read_xl(again.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{again}"));
    if unsaid(&read).is_empty() {
        let mut differ = differences(&input.domain, &back.domain);
        differ.retain(|change| !change.field.ends_with("/ms_vm_genid"));
        assert!(differ.is_empty(), "{differ:#?}\n{shown}\n{again}");
    }
    all.push(xml);
    true
}

/// Puts all documents to libvirt's schema, many at a time.
fn valid(all: &[String]) {
    let has_lint = Command::new("xmllint").arg("--version").output().is_ok();
    if !has_lint || !Path::new(SCHEMA).is_file() {
        return xentest::skip(
            "no xmllint, or no schema of libvirt's",
            "apt-get install libxml2-utils libvirt0",
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, text) in all.iter().enumerate() {
        let file = dir.path().join(format!("{number}.xml"));
        fs::write(&file, text).unwrap();
        files.push(file);
    }
    for files in files.chunks(500) {
        let run =
            Command::new("xmllint").args(["--noout", "--relaxng", SCHEMA]).args(files).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        if let Some(wrong) = said.lines().find_map(|line| line.strip_suffix(" fails to validate")) {
            let why = said.lines().filter(|line| line.starts_with(wrong) && line.contains(": element"));
            let why: Vec<_> = why.collect();
            panic!("{}\n{}", why.join("\n"), fs::read_to_string(wrong).unwrap());
        }
        assert!(run.status.success(), "{said}");
    }
}

#[test]
fn every_xml_there_is() {
    let mut all = Vec::new();
    for path in all_xml() {
        from_xml(&String::from_utf8_lossy(&fs::read(&path).unwrap()), &mut all);
    }
    assert!(all.len() > 40);
    valid(&all);
}

#[test]
fn every_xl_cfg_there_is() {
    let Some(shared) = xentest::shared("fixtures") else { return };
    let (mut all, mut read) = (Vec::new(), 0);
    let mut folders = vec![shared];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end == "cfg" || end != "xml" && end != "json") {
                read += usize::from(from_xl(&fs::read(&path).unwrap(), &mut all));
            }
        }
    }
    assert!(read > 20, "{read}");
    valid(&all);
}

#[test]
fn every_row_of_the_mapping() {
    let Some(cases) = xentest::shared("cases/mapping.tsv") else { return };
    let mut all = Vec::new();
    for row in fs::read_to_string(cases).unwrap().lines().skip(1) {
        let fields: Vec<_> = row.split('\t').collect();
        let [_, hypervisor, guest, inside, lines] = fields[..] else { panic!("{row}") };
        let os = match guest {
            "hvm" => "<os><type>hvm</type></os>",
            "pv" => "<os><type>xen</type><kernel>/k</kernel></os>",
            _ => "<os><type>xenpvh</type><kernel>/k</kernel></os>",
        };
        let os = if inside.contains("<os>") || inside.contains("<os ") { "" } else { os };
        let memory = if inside.contains("<memory") { "" } else { "<memory unit='MiB'>512</memory>" };
        from_xml(
            &format!("<domain type='{hypervisor}'><name>g</name>{memory}{os}{inside}</domain>"),
            &mut all,
        );
        let kernel = if guest == "hvm" { "" } else { "kernel = \"/k\"\n" };
        let lines = lines.replace("; ", "\n");
        let xl = format!("name = \"g\"\nmemory = 512\ntype = \"{guest}\"\n{kernel}{lines}\n");
        assert!(from_xl(xl.as_bytes(), &mut all), "{xl}");
    }
    valid(&all);
}

#[test]
fn domains_made_at_random() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut all = Vec::new();
    for strategy in [generated::any_domain().boxed(), generated::domain().boxed()] {
        for _ in 0..120 {
            from_xml(&strategy.new_tree(&mut runner).unwrap().current(), &mut all);
        }
    }
    valid(&all);
}

#[test]
fn comments_are_kept_where_there_is_a_place() {
    let lab = Lab::new();
    lab.write("guest.cfg", "# by hand\n# -- twice --\nname = 'guest'  # mine\nmemory = 64\ntype = 'hvm'\n");
    lab.write("guest.xml", domain("hvm", "<!-- Windows\n keeps local time --><clock offset='localtime'/>"));
    let convert =
        |words: &[&str]| lab.run(["convert"].into_iter().chain(words.iter().copied()).chain(FIXED)).ok();
    let xml = convert(&["--comments", "--to", "xml", "guest.cfg"]);
    assert!(xml.contains("<!-- by hand\n- - twice - - -->\n  <!-- mine -->\n"), "{xml}");
    xml::read("guest.xml", xml.as_bytes()).unwrap();
    let xl = convert(&["--comments", "guest.xml"]);
    assert!(xl.starts_with("# Windows\n# keeps local time\n\n"), "{xl}");
    assert!(!convert(&["guest.xml"]).contains("local time"));
    assert!(!convert(&["--comments", "--to", "json", "guest.cfg"]).contains("mine"));
}

#[test]
fn the_comments_that_convert_wrote_itself_do_not_pile_up() {
    let lab = Lab::new();
    let convert = |words: &[&str]| lab.run(std::iter::once("convert").chain(words.iter().copied())).ok();
    let clock = "<clock offset='timezone' timezone='Europe/Berlin'/>";
    let devices = "<!-- mine --><devices><tpm model='tpm-tis'/><redirdev bus='usb'/></devices>";
    lab.write("guest.xml", domain("hvm", &format!("{clock}{devices}")));
    let mut first = None;
    for _ in 0..3 {
        let xl = convert(&["--comments", "guest.xml"]);
        assert!(xl.contains("# mine\n") && xl.contains("# The clock\n"), "{xl}");
        lab.write("guest.cfg", &xl);
        let xml = convert(&["--comments", "--to", "xml", "guest.cfg"]);
        assert!(
            xml.contains("mine") && !xml.contains("Not converted") && !xml.contains("For xenclock"),
            "{xml}"
        );
        lab.write("guest.xml", &xml);
        assert_eq!(*first.get_or_insert_with(|| xml.clone()), xml);
    }
}
