//! The report on a domain is true: the real libxl starts the domain, unless the report refuses the start.
//!
//! Each input is read, planned and created as by `create`, by the real libxl on simulated hypercalls; dom0 has
//! everything that the input names (see `dom0`). The tests check the device model's command line and xenstore.

mod back;
mod dom0;
mod lines;
mod look;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use timers::zone::default_zones;
use uuid::Uuid;
use xenclock::assess::Target;
use xenclock::convert::lower;
use xenclock::domain::{Domain, DomainConfig};
use xenclock::host::DomId;
use xenclock::plan::plan;
use xenclock::xml;

use crate::contract::{Scenario, Stage};
use crate::generated;
use crate::stage::FakeStage;

pub use back::xml_of_cfg;
pub use lines::lines;

/// The outcome of a start.
pub enum Start {
    /// The input is invalid, or its report refuses the start.
    Refused,
    /// libxl refuses it, or the guest did not get what was reported.
    Failed(String),
    /// The domain is there, paused.
    Started(Box<Started>),
}

/// A domain that libxl has made, and what it gave the guest.
#[derive(Debug)]
pub struct Started {
    /// The config that was created, with the input's own names.
    pub config: DomainConfig,
    /// The device model's words; none for a guest without a device model.
    pub model: Vec<String>,
    /// Nodes of its devices in xenstore: `backend/vbd/51712/params` and their kin, without the domains' numbers.
    pub nodes: BTreeMap<String, String>,
}

/// Reads, plans and creates an XML, and looks at what the guest gets: all that its config says, and what the report calls
/// exact.
pub fn start_xml(stage: &FakeStage, name: &str, xml: &[u8]) -> Start {
    let facts = stage.host().facts().unwrap();
    let mut input = match xml::read_for(facts.xen_version, name, xml) {
        Ok(input) => input,
        Err(_) => return Start::Refused,
    };
    if lower(&mut input, Target::Start).is_err() {
        return Start::Refused;
    }
    let start = start(stage, &input.domain);
    if let Start::Started(started) = &start {
        let mut wrong = look::missing(started);
        wrong.extend(look::not_exact(&String::from_utf8_lossy(xml), &input.report, started));
        if !wrong.is_empty() {
            return Start::Failed(format!("{}\n{}", wrong.join("\n"), started.model.join(" ")));
        }
    }
    start
}

/// Plans and creates a domain.
pub fn start(stage: &FakeStage, domain: &Domain) -> Start {
    let facts = stage.host().facts().unwrap();
    let Ok(plan) = plan(domain, &facts, &*default_zones(), Uuid::new_v4()) else { return Start::Refused };
    let mut config = plan.config.clone();
    let names = dom0::furnish(stage, &mut config);
    let domid = match stage.host().create_paused(&config) {
        Ok(domid) => domid,
        Err(error) => return Start::Failed(names.back(&error.to_string())),
    };
    let model = device_model(stage, domid).iter().map(|word| names.back(word)).collect();
    let nodes = nodes(stage, domid, &names);
    Start::Started(Box::new(Started { config: plan.config, model, nodes }))
}

/// The words that libxl has started the domain's device model with.
fn device_model(stage: &FakeStage, domid: DomId) -> Vec<String> {
    let node = format!("/local/domain/{domid}/image/device-model-pid");
    let Some(pid) = stage.with(|world| world.store.text(&node)) else { return Vec::new() };
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut words: Vec<_> = words.skip_while(|word| !word.starts_with("-xen-domid")).collect();
    words.pop();
    words
}

fn nodes(stage: &FakeStage, domid: DomId, names: &dom0::Names) -> BTreeMap<String, String> {
    let number = domid.to_string();
    stage.with(|world| {
        let mut found = BTreeMap::new();
        for path in world.store.paths_below("/local/domain") {
            let words: Vec<_> = path.split('/').skip(1).collect();
            let key = match words[..] {
                ["local", "domain", _, "backend", kind, frontend, ref rest @ ..] if frontend == number => {
                    [&["backend", kind], rest].concat().join("/")
                }
                ["local", "domain", frontend, ref rest @ ..] if frontend == number => rest.join("/"),
                _ => continue,
            };
            if let Some(value) = world.store.text(&path) {
                found.insert(key, names.back(&value));
            }
        }
        found
    })
}

/// Machines, one after the other: each for some dozens of domains.
struct Machines {
    now: Option<FakeStage>,
    starts: u32,
}

/// How many domains one machine gets: its memory is not given out twice.
const STARTS: u32 = 40;

impl Machines {
    fn new() -> Self {
        Machines { now: None, starts: 0 }
    }

    /// One that nothing was started on.
    fn fresh(&mut self) -> &FakeStage {
        self.end();
        self.now.insert(FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap())
    }

    /// Starts an XML on one of them.
    fn start_xml(&mut self, name: &str, xml: &[u8]) -> Start {
        if self.starts.is_multiple_of(STARTS) {
            self.end();
        }
        self.starts += 1;
        let new = || FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
        let start = start_xml(self.now.get_or_insert_with(new), name, xml);
        // A device of the host is lent once.
        if ["<hostdev", "type='hostdev'"].iter().any(|lends| String::from_utf8_lossy(xml).contains(lends)) {
            self.end();
        }
        start
    }

    fn end(&mut self) {
        if let Some(stage) = self.now.take() {
            stage.abandon();
        }
    }
}

/// What became of many starts.
#[derive(Default)]
struct Tally {
    started: u32,
    refused: u32,
    failed: Vec<String>,
}

impl Tally {
    fn count(&mut self, what: &str, start: Start) {
        match start {
            Start::Refused => self.refused += 1,
            Start::Started(_) => self.started += 1,
            Start::Failed(why) => self.failed.push(format!("{what}: {why}")),
        }
    }

    fn end(self) {
        println!("{} started, {} refused as reported", self.started, self.refused);
        assert!(self.failed.is_empty(), "{} failed:\n{}", self.failed.len(), self.failed.join("\n\n"));
    }
}

/// Where data is that several projects share.
fn shared() -> String {
    std::env::var("XENCLOCK_SHARED").unwrap_or_else(|_| "../shared".to_owned())
}

/// Every fixture starts, or its report says that it does not.
pub fn fixtures() {
    let (mut machines, mut tally) = (Machines::new(), Tally::default());
    let all =
        ["tests/fixtures".to_owned(), format!("{}/fixtures", shared())].into_iter().flat_map(dom0::fixtures);
    for path in all.filter(|path| path.extension().is_some_and(|end| end == "xml")) {
        let name = path.display().to_string();
        let start = machines.start_xml(&name, &std::fs::read(&path).unwrap());
        tally.count(&name, start);
    }
    machines.end();
    tally.end();
}

/// Every row of the map from domain XML to xl.cfg starts.
pub fn rows() {
    let (mut machines, mut tally) = (Machines::new(), Tally::default());
    for file in ["tests/cases/mapping.tsv".to_owned(), format!("{}/cases/mapping.tsv", shared())] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.lines().skip(1) {
            let [id, domain_type, guest, inside, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
                continue;
            };
            let os = match guest {
                _ if inside.contains("<os>") || inside.contains("<os ") => "",
                "hvm" => "<os><type>hvm</type></os>",
                "pv" => "<os><type>xen</type><kernel>/k</kernel></os>",
                _ => "<os><type>xenpvh</type><kernel>/k</kernel></os>",
            };
            let memory = if inside.contains("<memory") { "" } else { "<memory unit='MiB'>512</memory>" };
            let xml = format!("<domain type='{domain_type}'><name>g</name>{memory}{os}{inside}</domain>");
            let start = machines.start_xml(id, xml.as_bytes());
            tally.count(&format!("{id} ({xml})"), start);
        }
    }
    machines.end();
    tally.end();
}

/// Domains made at random start as reported: some dozens, or as many as `PROPTEST_CASES` says.
pub fn generated() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let (mut machines, mut tally) = (Machines::new(), Tally::default());
    let config = ProptestConfig { failure_persistence: None, ..Default::default() };
    let mut runner = TestRunner::new(config);
    for case in 0..cases {
        let tree = generated::any_domain().new_tree(&mut runner).unwrap();
        let start = machines.start_xml(&format!("generated {case}"), tree.current().as_bytes());
        if let Start::Failed(_) = start
            && tally.failed.len() < 4
        {
            let (xml, why) = smaller(&mut machines, tree);
            tally.count(&xml, Start::Failed(why));
        } else {
            tally.count("one more", start);
        }
    }
    machines.end();
    tally.end();
}

/// A smaller domain that fails as well, and how.
fn smaller(machines: &mut Machines, mut tree: impl ValueTree<Value = String>) -> (String, String) {
    let mut best = (tree.current(), String::new());
    let mut steps = 0;
    loop {
        let xml = tree.current();
        let start = machines.start_xml("smaller", xml.as_bytes());
        steps += 1;
        let goes_on = match start {
            Start::Failed(why) => {
                best = (xml, why);
                tree.simplify()
            }
            _ => tree.complicate(),
        };
        if !goes_on || steps > 30 {
            return best;
        }
    }
}
