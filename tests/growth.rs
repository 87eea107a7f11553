//! The cost of reading grows linearly with the length of the input, not quadratically, for every kind of input.
//!
//! The test computes the ratio of this thread's processor time for an input and for one four times as long: about 4 for
//! linear cost, 16 for quadratic cost. The time of other threads does not count, and a disturbed measurement is
//! repeated.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::io::{self, Read};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use xenclock::cfg::{self, XlHost};
use xenclock::convert::{Format, convert};
use xenclock::diag::render;
use xenclock::domain::DomainConfig;
use xenclock::edit;
use xenclock::input::Input;
use xenclock::lifecycle::ClockRecord;
use xenclock::mapping::Mapping;
use xenclock::timers::Moment;
use xenclock::timers::zone::{Zone, default_zones};
use xenclock::tracking::transfer::{config_in, sender_in};
use xenclock::xl::savefile::Header;
use xenclock::xml;

/// More than n log n and a smaller cache make of 4, and half of what a square does.
const MOST: f64 = 8.0;

/// The shorter input takes this long at least, so that what all inputs have in common counts for little.
const LONG_ENOUGH: Duration = Duration::from_millis(10);

/// No input is longer.
const LONGEST: usize = 4 << 20;

/// Measurements that may be disturbed before one counts.
const TRIES: usize = 6;

fn cost(body: &dyn Fn(&[u8]), input: &[u8]) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    };
    let begun = now();
    body(input);
    now().saturating_sub(begun)
}

/// That a body is linear in inputs that `make` makes of so many parts, up to `most` of them.
#[track_caller]
fn is_linear(name: &str, body: &dyn Fn(&[u8]), most: usize, make: &dyn Fn(usize) -> Vec<u8>) {
    let mut parts = (most / 4).min(500);
    let mut short = make(parts);
    while cost(body, &short) < LONG_ENOUGH && parts * 8 <= most && short.len() * 8 < LONGEST {
        parts *= 2;
        short = make(parts);
    }
    let long = make(parts * 4);
    let mut least = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        least = (least.0.min(cost(body, &short)), least.1.min(cost(body, &long)));
        let ratio = least.1.as_secs_f64() / least.0.as_secs_f64().max(1e-9);
        if ratio < MOST || least.1 < LONG_ENOUGH / 4 {
            return;
        }
    }
    panic!("{name}: {parts} parts take {:?}, and {} take {:?}", least.0, parts * 4, least.1);
}

/// Writes a domain in both formats and says all that is to be said of it.
fn written(input: &mut Input) {
    let zones = default_zones();
    let zone = Zone::utc();
    let now = "2026-07-01T12:00:00Z".parse().unwrap();
    let at = Moment { now, host_zone: &zone, zones: &*zones };
    let json = convert(&mut input.clone(), Format::Json, &at);
    let xml = convert(&mut input.clone(), Format::Xml, &at);
    let xl = convert(input, Format::Xl, &at);
    drop((json, xml, xl));
    let said: usize = input
        .report
        .all()
        .map(|said| render::human(&said, input.report.source()).len() + render::json(&said).to_string().len())
        .sum();
    assert!(said < usize::MAX);
}

fn read_xml(bytes: &[u8]) {
    if let Ok(mut input) = xml::read("guest.xml", bytes) {
        written(&mut input);
    }
}

fn read_cfg(bytes: &[u8]) {
    match cfg::read("guest.cfg", bytes, &[], &XlHost::default()) {
        Ok(mut described) => written(&mut described.input),
        Err(errors) => errors.iter().for_each(|error| drop(render::human(error, errors.input()))),
    }
    let _: Vec<u8> = cfg::for_xl("guest.cfg", bytes, &[]);
}

fn repeated(part: &'static str) -> impl Fn(usize) -> String {
    move |parts| part.repeat(parts)
}

fn numbered(part: &'static str) -> impl Fn(usize) -> String {
    move |parts| {
        let mut text = String::new();
        (0..parts).for_each(|number| text.push_str(&part.replace('#', &number.to_string())));
        text
    }
}

const DOMAIN: &str =
    "<domain type='xen'><name>g</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>";

/// Makes an input of so many parts.
type Maker<T> = Box<dyn Fn(usize) -> T>;

#[test]
fn domain_xml() {
    type Make = Box<dyn Fn(usize) -> String>;
    let inside = |before: &'static str, part: Make, after: &'static str| -> Make {
        Box::new(move |parts| format!("{DOMAIN}{before}{}{after}</domain>", part(parts)))
    };
    let classes: Vec<(&str, usize, Make)> = vec![
        ("elements that nobody knows", 150_000, inside("", Box::new(repeated("<a/>")), "")),
        ("elements with a near name", 150_000, inside("", Box::new(repeated("<clok/>")), "")),
        ("elements of many names", 150_000, inside("", Box::new(numbered("<a#/>")), "")),
        ("attributes", 150_000, inside("<a", Box::new(numbered(" a#=''")), "/>")),
        ("namespaces", 100_000, inside("<metadata", Box::new(numbered(" xmlns:a#='u#'")), "/>")),
        (
            "elements of a namespace",
            60_000,
            inside("<metadata>", Box::new(repeated("<x:a xmlns:x='u'/>")), "</metadata>"),
        ),
        (
            "timers",
            60_000,
            inside("<clock offset='utc'>", Box::new(repeated("<timer name='pit'/>")), "</clock>"),
        ),
        (
            "interfaces",
            30_000,
            inside(
                "<devices>",
                Box::new(repeated("<interface type='bridge'><source bridge='b'/></interface>")),
                "</devices>",
            ),
        ),
        (
            "disks",
            25_000,
            inside(
                "<devices>",
                Box::new(numbered(
                    "<disk type='file'><source file='/#'/><target dev='xvda' bus='xen'/></disk>",
                )),
                "</devices>",
            ),
        ),
        (
            "CPU features",
            60_000,
            inside(
                "<cpu mode='custom'>",
                Box::new(repeated("<feature policy='require' name='vmx'/>")),
                "</cpu>",
            ),
        ),
        (
            "pinned CPUs",
            60_000,
            inside("<cputune>", Box::new(numbered("<vcpupin vcpu='#' cpuset='0-3,^1'/>")), "</cputune>"),
        ),
        (
            "entities",
            usize::MAX / 8,
            inside("<description>", Box::new(repeated("&amp;&#65;")), "</description>"),
        ),
        ("comments", usize::MAX / 8, inside("", Box::new(repeated("<!-- - -->")), "")),
        ("instructions", 150_000, inside("", Box::new(repeated("<?p i?>")), "")),
        (
            "sections of text",
            usize::MAX / 8,
            inside("<description>", Box::new(repeated("<![CDATA[]]]>")), "</description>"),
        ),
        ("lines before an error", usize::MAX / 8, inside("", Box::new(repeated("\n")), "<bad")),
        ("one line before an error", usize::MAX / 8, inside("", Box::new(repeated("  ")), "<bad")),
        ("a long value", usize::MAX / 8, inside("<title>", Box::new(repeated("xy\u{e9}")), "</title>")),
        ("a long attribute", usize::MAX / 8, inside("<clock offset='", Box::new(repeated("x&lt;")), "'/>")),
    ];
    for (name, most, make) in classes {
        is_linear(name, &read_xml, most, &|parts| make(parts).into_bytes());
    }
}

#[test]
fn xl_cfg() {
    let any = usize::MAX / 8;
    let classes: Vec<(&str, Maker<Vec<u8>>)> = vec![
        ("one key", Box::new(|parts| "memory = 64\n".repeat(parts).into_bytes())),
        ("many keys", Box::new(|parts| numbered("k# = 1\n")(parts).into_bytes())),
        ("near keys", Box::new(|parts| numbered("memry# = 1\n")(parts).into_bytes())),
        ("lists that grow", Box::new(|parts| numbered("vif += [ 'bridge=b#' ]\n")(parts).into_bytes())),
        (
            "a long list",
            Box::new(|parts| format!("vif = [ {} ]", repeated("'bridge=b', ")(parts)).into_bytes()),
        ),
        ("a list of lists", Box::new(|parts| format!("x = [ {} ]", repeated("[ 1 ], ")(parts)).into_bytes())),
        ("a long string", Box::new(|parts| format!("extra = '{}'", "x\\n".repeat(parts)).into_bytes())),
        (
            "a string of lines",
            Box::new(|parts| format!("extra = \"\"\"{}\"\"\"", "x\n".repeat(parts)).into_bytes()),
        ),
        ("comments", Box::new(|parts| "# comment\n".repeat(parts).into_bytes())),
        ("one line", Box::new(|parts| "memory=64;".repeat(parts).into_bytes())),
        ("errors", Box::new(|parts| "= =\n".repeat(parts).into_bytes())),
        ("wrong values", Box::new(|parts| "memory = 'many'\n".repeat(parts).into_bytes())),
        ("lines before an error", Box::new(|parts| ("\n".repeat(parts) + "= =").into_bytes())),
        ("an open list", Box::new(|parts| format!("a = [ {}", "'x', ".repeat(parts)).into_bytes())),
        ("comments not in UTF-8", Box::new(|parts| b"# \xe9\n".repeat(parts))),
        ("values not in UTF-8", Box::new(|parts| b"extra = '\xe9\xff'\n".repeat(parts))),
        (
            "a value not in UTF-8",
            Box::new(|parts| [b"extra = '".as_slice(), &b"\xe9".repeat(parts), b"'\n"].concat()),
        ),
        ("errors not in UTF-8", Box::new(|parts| b"\xe9 = \xff\n".repeat(parts))),
        ("CPUID", Box::new(|parts| format!("cpuid = [ {} ]", "'0x1:ecx=0x1', ".repeat(parts)).into_bytes())),
        (
            "CPUID names",
            Box::new(|parts| format!("cpuid = [ {} ]", "'vmxx,svmm', ".repeat(parts)).into_bytes()),
        ),
        (
            "serial ports",
            Box::new(|parts| {
                let ports = "'pty', ".repeat(parts);
                format!("name = 'g'\ntype = 'hvm'\nmemory = 64\nserial = [ {ports} ]").into_bytes()
            }),
        ),
        (
            "disks",
            Box::new(|parts| format!("disk = [ {} ]", numbered("'/x#,raw,xvda,w', ")(parts)).into_bytes()),
        ),
    ];
    for (name, make) in classes {
        is_linear(name, &read_cfg, any, &*make);
    }
}

/// Changes a file: what comes of it is read again and compared.
fn edit_cfg(bytes: &[u8]) {
    let words = ["memory=777".to_owned()];
    assert!(cfg::edit("guest.cfg", bytes, &words, &[], &XlHost::default()).is_ok());
}

fn edit_xml(bytes: &[u8]) {
    let words = ["localtime=1".to_owned()];
    assert!(edit::edit("guest.xml", bytes, &words, &[], &XlHost::default()).is_ok());
}

#[test]
fn a_change_of_a_file() {
    for (key, item) in [
        ("disk", "'phy:/dev/vg/a#,xvda,w',"),
        ("disk", "'phy:/dev/vg/a,sd#,w',"),
        ("vif", "'bridge=b,vifname=v#',"),
        ("channel", "'name=a#,connection=pty',"),
    ] {
        let make = |parts| format!("name='g'\ntype='hvm'\nmemory=64\n{key}=[{}]\n", numbered(item)(parts));
        is_linear(item, &edit_cfg, 40_000, &|parts| make(parts).into_bytes());
    }
    let card = numbered("<interface type='bridge'><source bridge='b#'/></interface>");
    let make = |parts| format!("{DOMAIN}<devices>{}</devices></domain>", card(parts));
    is_linear("interfaces of domain XML", &edit_xml, 40_000, &|parts| make(parts).into_bytes());
}

#[test]
fn mapping_rules() {
    let read = |bytes: &[u8]| assert!(Mapping::default().read("rules", bytes).is_ok());
    is_linear("mapping rules", &read, usize::MAX / 8, &|parts| {
        numbered("network:n#=b#\n")(parts).into_bytes()
    });
}

#[test]
fn libxl_json() {
    let read = |bytes: &[u8]| {
        if let Ok(config) = serde_json::from_slice::<DomainConfig>(bytes) {
            drop(serde_json::to_string_pretty(&config).unwrap());
        }
    };
    let classes: Vec<(&str, Maker<String>)> = vec![
        ("disks", Box::new(|parts| format!("{{\"disks\":[{}{{}}]}}", "{\"vdev\":\"xvda\"},".repeat(parts)))),
        (
            "fields that nobody knows",
            Box::new(|parts| format!("{{{}\"z\":0}}", numbered("\"z#\":0,")(parts))),
        ),
        (
            "a long name",
            Box::new(|parts| format!("{{\"c_info\":{{\"name\":\"{}\"}}}}", "x\\n".repeat(parts))),
        ),
        ("white space", Box::new(|parts| format!("{{{}}}", "\n".repeat(parts)))),
        (
            "extra words",
            Box::new(|parts| format!("{{\"b_info\":{{\"extra\":[{}\"\"]}}}}", "\"x\",".repeat(parts))),
        ),
    ];
    for (name, make) in classes {
        is_linear(name, &read, usize::MAX / 8, &|parts| make(parts).into_bytes());
    }
}

/// A record with this many saves, and this long a name.
fn record(saves: usize, name: usize) -> Vec<u8> {
    let mut text = format!(
        "{{\"version\":3,\"uuid\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"name\":\"{}\",\"generation\":1,\
         \"request\":{{\"clock\":{{\"offset\":{{\"offset\":\"utc\"}},\"timers\":[]}},\"from\":\"create\",\"made_in\":1}},\
         \"offset_changed\":false,\"guest\":{{\"seconds\":0,\"seen\":0}},\"saves\":[",
        "x\\n".repeat(name)
    );
    for save in 0..saves {
        let comma = if save == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"incarnation\":1,\"rtc\":{{\"offset\":0,\"at\":\"2026-07-01T12:00:00Z\"}}}}"
        );
    }
    (text + "]}").into_bytes()
}

fn read_record(bytes: &[u8]) {
    if let Ok(record) = ClockRecord::from_bytes(bytes) {
        drop(record.to_bytes());
    }
}

#[test]
fn clock_records() {
    let any = usize::MAX / 8;
    is_linear("a long name", &read_record, any, &|parts| record(0, parts));
    is_linear("saves", &read_record, any, &|parts| record(parts, 0));
    is_linear("fields that nobody knows", &read_record, any, &|parts| {
        let fields = numbered("\"z#\":[0],")(parts);
        format!("{{{fields}\"version\":3}}").into_bytes()
    });
}

/// Gives a byte at a time, as a slow line does.
struct Slowly<'a>(&'a [u8]);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn save_files() {
    let read = |bytes: &[u8]| {
        for header in [Header::read(&mut &bytes[..]), Header::read(&mut Slowly(bytes))] {
            let header = header.unwrap();
            drop((config_in(&header), sender_in(&header)));
            header.ours.iter().for_each(|ours| read_record(ours));
            header.write(&mut io::sink()).unwrap();
        }
    };
    let file = |config: String, ours: Option<Vec<u8>>| {
        let mut header = Header::new(config, None);
        header.ours = ours;
        let mut bytes = Vec::new();
        header.write(&mut bytes).unwrap();
        bytes
    };
    let any = usize::MAX / 8;
    is_linear("disks", &read, any, &|parts| {
        file(format!("{{\"disks\":[{}{{}}]}}", "{\"vdev\":\"xvda\"},".repeat(parts)), None)
    });
    is_linear("white space", &read, any, &|parts| file(format!("{{{}}}", " ".repeat(parts)), None));
    is_linear("our part", &read, any, &|parts| file("{}".to_owned(), Some(record(parts, 0))));
    is_linear("our part, which is none", &read, any, &|parts| file("{}".to_owned(), Some(vec![b'['; parts])));
}

#[test]
fn zones() {
    let read = |bytes: &[u8]| {
        let zone = Zone::from_tzif("A/Zone", bytes).unwrap();
        drop(zone.next_change("2026-07-01T12:00:00Z".parse().unwrap()));
    };
    is_linear("changes", &read, 4_000_000, &|parts| {
        let mut bytes = b"TZif\0".to_vec();
        bytes.extend([0; 15]);
        for count in [0, 0, 0, parts as u32, 2, 4] {
            bytes.extend(count.to_be_bytes());
        }
        (0..parts as u32).for_each(|at| bytes.extend((at * 60).to_be_bytes()));
        bytes.extend((0..parts).map(|at| (at % 2) as u8));
        for (offset, dst) in [(0_i32, 0_u8), (3600, 1)] {
            bytes.extend(offset.to_be_bytes());
            bytes.extend([dst, 0]);
        }
        bytes.extend(b"AAA\0");
        bytes
    });
    is_linear(
        "a rule",
        &|bytes| drop(Zone::from_posix(std::str::from_utf8(bytes).unwrap())),
        usize::MAX / 8,
        &|parts| format!("<{}>0", "A".repeat(parts)).into_bytes(),
    );
}
