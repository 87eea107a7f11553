//! The guest of an xl.cfg is the guest of the domain XML that `convert --to xml` makes of that xl.cfg.

use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::cfg::{self, XlHost};
use xenclock::convert::{Format, convert};
use xenclock::xml;

use super::{Start, Started, Tally, dom0, shared, start, start_xml};
use crate::contract::Scenario;
use crate::stage::FakeStage;

/// Every xl.cfg of the fixtures, and the xl.cfg of every domain XML there.
pub fn xml_of_cfg() {
    let mut tally = Tally::default();
    for (name, cfg) in files() {
        if let Some(start) = both(&name, &cfg) {
            tally.count(&name, start);
        }
    }
    tally.end();
}

/// All xl.cfg files, with their names.
fn files() -> Vec<(String, Vec<u8>)> {
    let all =
        ["tests/fixtures".to_owned(), format!("{}/fixtures", shared())].into_iter().flat_map(dom0::fixtures);
    let mut files = Vec::new();
    for path in all {
        let (name, bytes) = (path.display().to_string(), std::fs::read(&path).unwrap());
        match path.extension().and_then(|end| end.to_str()) {
            Some("xml") => files.extend(cfg_of(&bytes).map(|text| (name, text.into_bytes()))),
            Some("cfg") => files.push((name, bytes)),
            _ => {}
        }
    }
    files
}

/// The xl.cfg of a domain XML that is not refused.
fn cfg_of(xml: &[u8]) -> Option<String> {
    let mut input = xml::read("guest.xml", xml).ok()?;
    with_moment(|at| convert(&mut input, Format::Xl, at)).ok()
}

fn with_moment<T>(act: impl FnOnce(&Moment<'_>) -> T) -> T {
    let (host_zone, zones) = (&Zone::utc(), &*default_zones());
    act(&Moment { now: "2026-07-01T12:00:00Z".parse().unwrap(), host_zone, zones })
}

/// Starts an xl.cfg and its domain XML, each on a machine of its own so that the domains have the same number. None for a
/// file that is invalid.
fn both(name: &str, bytes: &[u8]) -> Option<Start> {
    let mut input = cfg::read(name, bytes, &[], &XlHost::default()).ok()?.input;
    for (index, nic) in input.domain.config.nics.iter_mut().enumerate() {
        // libxl would generate one.
        nic.mac.get_or_insert_with(|| format!("00:16:3e:00:00:{index:02x}"));
    }
    if input.report.refusals().next().is_some() {
        return Some(Start::Refused);
    }
    let domain = input.domain.clone();
    let Ok(xml) = with_moment(|at| convert(&mut input, Format::Xml, at)) else { return Some(Start::Refused) };
    let of_cfg = on_a_machine(|stage| start(stage, &domain));
    let of_xml = on_a_machine(|stage| start_xml(stage, name, xml.as_bytes()));
    Some(match (of_cfg, of_xml) {
        (Start::Refused, Start::Refused) => Start::Refused,
        (Start::Started(of_cfg), Start::Started(of_xml)) => {
            let found = differences(&of_cfg, &of_xml);
            if found.is_empty() {
                Start::Started(of_xml)
            } else {
                Start::Failed(format!("{}\n{xml}", found.join("\n")))
            }
        }
        (of_cfg, of_xml) => Start::Failed(format!("{}\nits XML: {}\n{xml}", word(&of_cfg), word(&of_xml))),
    })
}

fn on_a_machine(start: impl FnOnce(&FakeStage) -> Start) -> Start {
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let start = start(&stage);
    stage.abandon();
    start
}

fn word(start: &Start) -> &str {
    match start {
        Start::Refused => "refused",
        Start::Failed(why) => why,
        Start::Started(_) => "started",
    }
}

/// Where two guests were given something else: on the device model's command line, and in xenstore.
fn differences(of_cfg: &Started, of_xml: &Started) -> Vec<String> {
    let mut found = Vec::new();
    if of_cfg.model != of_xml.model {
        let words = |started: &Started| started.model.join(" ");
        found.push(format!("the device model: {}\nof its XML: {}", words(of_cfg), words(of_xml)));
    }
    let (ours, theirs) = (&of_cfg.nodes, &of_xml.nodes);
    let paths = ours.keys().chain(theirs.keys().filter(|path| !ours.contains_key(*path)));
    for path in paths.filter(|path| !is_own(path)) {
        if ours.get(path) != theirs.get(path) {
            found.push(format!("{path}: {:?}, of its XML {:?}", ours.get(path), theirs.get(path)));
        }
    }
    found
}

/// A node that each start has for itself: numbers of processes, and times.
fn is_own(path: &str) -> bool {
    path.ends_with("-pid") || path.ends_with("start_time")
}
