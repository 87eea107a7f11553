//! A toolstack on the mock host: a start that fails, a start, a reboot, a save, a restore and a second start.
//!
//! ```sh
//! cargo run --example toolstack
//! ```

use std::error::Error;

use xenclock::host::mock::Mock;
use xenclock::host::{DomId, DomainSummary, ErrorKind, Host, SaveKind, ShutdownReason};
use xenclock::timers::zone::default_zones;
use xenclock::tracking::monitor::{Disposition, Monitor, Reread};
use xenclock::tracking::start::{StartOptions, clock_for, start};
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::transfer::Transfer;
use xenclock::view::view;
use xenclock::{plan, xml};

const GUEST: &str = "<domain type='xen'>
  <name>guest</name>
  <uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
  <memory unit='MiB'>512</memory>
  <os><type>hvm</type></os>
  <clock offset='variable' adjustment='0'><timer name='tsc' frequency='2000000000'/></clock>
</domain>";

fn main() -> Result<(), Box<dyn Error>> {
    let now = "2026-07-01T12:00:00Z".parse()?;
    let host = Mock::in_memory(Box::new(move || now));
    let (records, zones) = (RecordStore::in_memory(), default_zones());
    let facts = host.facts()?;

    let input = xml::read("guest.xml", GUEST.as_bytes())?;
    let uuid = input.domain.config.c_info.uuid.ok_or("the domain has no UUID")?;
    // Every cold start, the first one as well as those of a guest that ran before and keeps what it made of its RTC.
    let cold_start = || -> Result<DomId, Box<dyn Error>> {
        let asked = &input.domain.clock;
        let mut domain = input.domain.clone();
        let (clock, warnings) =
            clock_for(records.get(uuid)?, asked, domain.config.kind(), &host.facts()?, &*zones);
        warnings.iter().for_each(|warning| println!("warning: {warning}"));
        domain.clock = clock;
        let plan = plan::plan(&domain, &facts, &*zones, uuid)?;
        let options = StartOptions::new(&records).asked(asked);
        Ok(start(&plan, &host, &facts, &options, &mut |_| {})?.outcome.domid)
    };

    // A failure at any step leaves no domain behind.
    host.inject("set_initial_tsc", ErrorKind::Permission, 1)?;
    match cold_start() {
        Ok(_) => return Err("the fault did not strike".into()),
        Err(refused) => println!("not started: {refused}"),
    }
    assert!(find(&host, "guest")?.is_none());

    let first = cold_start()?;
    show(&host, &records, "started")?;

    // The guest sets its RTC and reboots: on Xen, that is a new domain.
    host.guest_shift_rtc(first, 90)?;
    host.guest_reboot(first)?;
    let reread: &Reread<'_> = &|_| Err("this toolstack leaves no xl.cfg for the next start".into());
    let monitor = Monitor::new(&host, &records, &*zones, reread);
    let Disposition::Restarted(again) = monitor.ended(first, ShutdownReason::Reboot)?.became else {
        return Err("it was not started again".into());
    };
    assert_ne!(again.outcome.domid, first);
    show(&host, &records, "rebooted")?;

    // A save, and a restore from its file.
    let transfer = Transfer::new(&host, &records, &*zones);
    let mut outgoing = transfer.outgoing(find(&host, "guest")?.ok_or("it has gone")?, None, false)?;
    let mut stream = tempfile::tempfile()?;
    transfer.save(&mut outgoing, &mut stream, SaveKind::Suspend)?;
    let header = outgoing.header()?;
    transfer.left(&outgoing.domain)?;
    std::io::Seek::rewind(&mut stream)?;
    let incoming = transfer.receive(&header, None, str::to_owned, &mut stream)?;
    host.unpause(incoming.domid)?;
    show(&host, &records, "restored")?;

    // It powers off, and is started again later.
    host.guest_end(incoming.domid, ShutdownReason::Poweroff)?;
    let Disposition::Gone = monitor.ended(incoming.domid, ShutdownReason::Poweroff)?.became else {
        return Err("it is still there".into());
    };
    let domid = cold_start()?;
    assert_eq!(host.rtc_record(domid)?.offset, 90);
    show(&host, &records, "started again")
}

fn find(host: &dyn Host, name: &str) -> Result<Option<DomainSummary>, Box<dyn Error>> {
    Ok(host.domains()?.into_iter().find(|domain| domain.name == name && domain.domid != DomId(0)))
}

fn show(host: &dyn Host, records: &RecordStore, what: &str) -> Result<(), Box<dyn Error>> {
    let domain = find(host, "guest")?.ok_or("it has gone")?;
    let record = records.get(domain.uuid)?;
    let clock = view(host, &domain, &host.facts()?, record.as_ref(), &*default_zones())?;
    println!(
        "{what}: domain {}, RTC {} s from UTC, TSC {} kHz, {}",
        domain.domid, clock.rtc.offset, clock.tsc.khz, clock.tsc.why
    );
    Ok(())
}
