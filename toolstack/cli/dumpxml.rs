//! `xenclock dumpxml`

use super::args::{Dumpxml, Global};
use super::backend::{self, find};
use super::output::{self, Failure};
use xenclock::convert::xml_of;
use xenclock::domain::project;
use xenclock::domain::{Domain, DomainConfig};
use xenclock::tracking::unmanaged::requested;
use xenclock::view::{clock_now, view};

pub(super) fn run(global: &Global, dump: &Dumpxml) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let domain = find(&*host, &dump.domain)?;
    let facts = host.facts()?;
    let record = backend::record_of(&backend::records(global), domain.uuid);
    let mut config = host.stored_config(domain.domid)?;
    config.c_info.name = Some(domain.name.clone());
    config.c_info.uuid = Some(domain.uuid);
    let clock = match (&record, dump.inactive) {
        (Some(record), true) => requested(record, &config),
        (None, true) => project::clock_with_timers_of(&config),
        (_, false) => clock_now(&view(&*host, &domain, &facts, record.as_ref(), &*backend::zones())?),
    };
    if !dump.security_info {
        hide_passwords(&mut config);
    }
    let running = (!dump.inactive).then_some(domain.domid.0);
    let text = xml_of(&Domain::new(config, clock), running)
        .map_err(|finding| Failure::Error(format!("{}: {}", domain.name, finding.reason)))?;
    output::data(&text)
}

/// Takes out the passwords of displays, as virsh dumpxml does.
fn hide_passwords(config: &mut DomainConfig) {
    for vfb in &mut config.vfbs {
        vfb.vnc.passwd = None;
    }
    if let Some(hvm) = config.b_info.hvm.as_mut() {
        (hvm.vnc.passwd, hvm.spice.passwd) = (None, None);
    }
}
