//! What a report says of a domain is true: the real libxl starts it, unless the report refuses the start.
//!
//! Each input is read, planned and created as `create` does it, by the real libxl on hypercalls of our own; dom0 has
//! what the input names (see `dom0`). What libxl makes of it for the device model and in xenstore is looked at.

mod dom0;
mod look;

use std::collections::BTreeMap;

use timers::zone::default_zones;
use uuid::Uuid;
use xenclock::assess::Target;
use xenclock::convert::lower;
use xenclock::domain::{Domain, DomainConfig};
use xenclock::host::DomId;
use xenclock::plan::plan;
use xenclock::xml;

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

/// What became of a start.
#[derive(Debug)]
pub enum Start {
    /// The input is invalid, or its report refuses the start.
    Refused(String),
    /// libxl refuses it.
    Failed(String),
    /// It is there, paused.
    Started(Box<Started>),
}

/// A domain that libxl has made, and what it gave the guest.
#[derive(Debug)]
pub struct Started {
    /// The config that was created, with the input's own names.
    pub config: DomainConfig,
    /// The device model's words; none where there is no device model.
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
        Err(invalid) => return Start::Refused(invalid.to_string()),
    };
    if let Err(invalid) = lower(&mut input, Target::Start) {
        return Start::Refused(invalid.to_string());
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
    let plan = match plan(domain, &facts, &*default_zones(), Uuid::new_v4()) {
        Ok(plan) => plan,
        Err(refusal) => return Start::Refused(format!("{refusal:?}")),
    };
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

/// Every fixture starts, or its report says that it does not.
pub fn fixtures() {
    let mut failed = Vec::new();
    let mut stage: Option<FakeStage> = None;
    let shared = std::env::var("XENCLOCK_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let own = dom0::fixtures("tests/fixtures");
    let libvirts = dom0::fixtures(format!("{shared}/fixtures/libvirt"));
    let all = own.into_iter().chain(libvirts).filter(|path| path.extension().is_some_and(|end| end == "xml"));
    let (mut started, mut refused) = (0, 0);
    for (count, path) in all.enumerate() {
        // Xenstore grows with each guest.
        if count % 60 == 0
            && let Some(stage) = stage.take()
        {
            stage.abandon();
        }
        let stage =
            stage.get_or_insert_with(|| FakeStage::new(&Scenario::default()).map_err(|c| c.0).unwrap());
        match start_xml(stage, &path.display().to_string(), &std::fs::read(&path).unwrap()) {
            Start::Refused(why) => {
                refused += 1;
                println!("{}: refused: {why}", path.display());
            }
            Start::Failed(why) => failed.push(format!("{}: {why}", path.display())),
            Start::Started(_) => started += 1,
        }
    }
    if let Some(stage) = stage {
        stage.abandon();
    }
    println!("{started} started, {refused} refused");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
