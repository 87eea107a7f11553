//! `xenclock save` and `restore`, with xl's arguments and file format.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use timers::tsc::GuestTsc;
use uuid::Uuid;

use super::args::{Global, Restore, Save};
use super::backend::{self, find};
use super::input;
use super::memory;
use super::monitor::{self, After};
use super::output::{self, Failure};
use super::plan::say_refusal;
use super::preflight;
use super::relay::{Interrupt, interrupted, relay};
use super::viewer::Viewer;
use xenclock::domain::Domain;
use xenclock::domain::project::{self, OffsetIn};
use xenclock::files::{Access, Replacement, is_same_file};
use xenclock::host::{DomainSummary, Host, HostError, RunState, SaveKind, ShutdownReason};
use xenclock::plan::plan;
use xenclock::preflight::{MoveKind, Sender};
use xenclock::tracking::transfer::{Incoming, Outgoing, Transfer, config_in};
use xenclock::xl::savefile::Header;

pub(super) fn save(global: &Global, save: &Save) -> Result<(), Failure> {
    if save.config.as_deref().is_some_and(|config| is_same_file(config, &save.file)) {
        let why = format!("{} is the config, and would be lost: save to another file", save.file.display());
        return Err(Failure::Error(why));
    }
    let host = backend::open(global)?;
    let records = backend::records(global);
    let zones = backend::zones();
    let transfer = Transfer::new(&*host, &records, &*zones);
    if !global.dry_run {
        backend::make_ready(&*host, &records)?;
    }
    let domain = find(&*host, &save.domain)?;
    let config =
        save.config.as_deref().map(|file| domain_of(global, &*host, file, NextHost::This)).transpose()?;
    let mut outgoing = transfer.outgoing(domain.clone(), config, save.with_domid)?;
    let (from, guest) = preflight::with_guest(global, &*host, &domain, Some(&outgoing.record))?;
    if save.config.is_some() {
        let tsc = guest_tsc(&*host, &domain)?;
        tsc.iter().for_each(|tsc| preflight::say_next_tsc(&guest, tsc, &outgoing.record, &from));
    }
    if global.dry_run {
        return preflight::before_saving(global, &from, &guest);
    }
    outgoing.sender = Some(Sender { host: from, forced: false, told: false });
    let mut departure = transfer.departs(&domain, "save the guest")?;
    let interrupt = Interrupt::heed().map_err(|error| Failure::Error(format!("signals: {error}")))?;
    let failed = |error: std::io::Error| Failure::Error(format!("{}: {error}", save.file.display()));
    // A guest's memory is for root alone.
    let mut file = Replacement::begin(&save.file, Access::Private).map_err(failed)?;
    let header = header(&outgoing)?;
    let (saved, copied) = relay(&file.file().try_clone().map_err(failed)?, &interrupt, |stream| {
        header.write(stream).map_err(|error| error.to_string())?;
        let saved = transfer.save(&mut outgoing, stream, SaveKind::Suspend);
        saved.map_err(|error| error.to_string())
    })
    .map_err(failed)?;
    let stays = save.checkpoint || save.paused;
    if !file.can_seek() && !stays {
        // Whoever reads it has it now.
        departure.is_handed_over();
    }
    let done = match (saved, copied) {
        (_, Err(error)) => Err(format!("{}: {error}", save.file.display())),
        (Err(error), Ok(())) => Err(error),
        (Ok(changed), Ok(())) => finish(&outgoing, file, changed, &interrupt, &mut |file| match stays {
            true => Ok(()),
            false => departure.is_saved_in(file, &save.file),
        })
        .map_err(|error| format!("{}: {error}", save.file.display())),
    };
    output::warn(&outgoing.warnings);
    if let Err(why) = done {
        // The guest is in no file, so it goes on.
        return Err(Failure::Error(match goes_on(&transfer, &domain) {
            Ok(true) => format!("'{}' was not saved and continues to run: {why}", domain.name),
            Ok(false) => format!("'{}' was not saved: {why}", domain.name),
            Err(error) => format!("'{}' was not saved: {why}; {error}", domain.name),
        }));
    }
    if !stays {
        return Ok(transfer.left(&domain)?);
    }
    if save.paused {
        host.pause(domain.domid)?;
    }
    Ok(transfer.stays(&domain)?)
}

/// The TSC that a guest has now; `None` in a mode that nobody knows.
fn guest_tsc(host: &dyn Host, domain: &DomainSummary) -> Result<Option<GuestTsc>, HostError> {
    Ok(host.tsc_info(domain.domid)?.guest_tsc(domain.kind, &host.facts()?))
}

/// Puts the file into its place, on disk: the domain is destroyed next. Before that what travels is written once more
/// where the guest has set its RTC while it was being saved.
fn finish(
    outgoing: &Outgoing,
    mut file: Replacement,
    changed: bool,
    interrupt: &Interrupt,
    complete: &mut dyn FnMut(&File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    if changed && file.can_seek() {
        file.file().seek(SeekFrom::Start(0))?;
        outgoing.header()?.write(file.file())?;
    }
    if interrupt.has_come() {
        return Err(interrupted());
    }
    if file.can_seek() {
        complete(file.file())?;
    }
    file.commit().map(drop)
}

/// Lets a guest go on that is suspended and does not leave. Answers true if it runs: one that was paused, has ended or is
/// gone stays so.
pub(super) fn goes_on(transfer: &Transfer<'_>, domain: &DomainSummary) -> Result<bool, HostError> {
    let domains = transfer.host.domains()?;
    match domains.iter().find(|other| other.domid == domain.domid).map(|domain| domain.state) {
        Some(RunState::Shutdown(ShutdownReason::Suspend)) => transfer.stays(domain).map(|()| true),
        Some(RunState::Running) => Ok(true),
        _ => Ok(false),
    }
}

pub(super) fn header(outgoing: &Outgoing) -> Result<Header, Failure> {
    outgoing
        .header()
        .map_err(|error| Failure::Error(format!("the config cannot be written as JSON: {error}")))
}

pub(super) fn restore(global: &Global, restore: &Restore) -> Result<(), Failure> {
    let viewer = Viewer::asked(global, restore.new.console, restore.new.screen)?;
    let (config, path) = match &restore.files[..] {
        [config, file] => (Some(config), file),
        [file] => (None, file),
        _ => return Err(Failure::Usage("expected [CONFIG] FILE".to_owned())),
    };
    let name = path.display();
    let mut file = File::open(path).map_err(|error| Failure::Error(format!("{name}: {error}")))?;
    let header = Header::read(&mut file).map_err(|error| Failure::Error(format!("{name}: {error}")))?;
    let host = backend::open(global)?;
    let config = config.map(|file| domain_of(global, &*host, file, NextHost::This)).transpose()?;
    let records = backend::records(global);
    let saved = || config_in(&header).map_err(|error| Failure::Error(format!("{name}: {error}")));
    let given = config.as_ref().map_or_else(saved, |domain| Ok(domain.config.clone()))?;
    let how = MoveKind::Restore;
    let requested = config.as_ref().map(|config| &config.clock);
    let given_clock = requested.is_some();
    let zones = backend::zones();
    let transfer = Transfer::new(&*host, &records, &*zones);
    preflight::before_taking(global, &transfer, &header, &given, requested, how)?;
    if global.dry_run {
        let record = transfer.expected(&header, &given, requested)?;
        let refused = transfer.next_start_refused(&record, &given, &host.facts()?);
        output::warn(refused.as_slice());
        return Ok(());
    }
    backend::make_ready(&*host, &records)?;
    let conf = input::conf(global)?;
    let with_remedy =
        |error: HostError| Failure::Error(memory::with_remedy_of_arrival(&error, &conf, &*host));
    let room = memory::make_room(&conf, &*host, &given).map_err(with_remedy)?;
    let incoming = transfer.receive(&header, config, str::to_owned, &mut file).map_err(with_remedy)?;
    drop(room);
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        // It was read from where it cannot be read again.
        incoming.is_handed_over();
    }
    let checked = preflight::after_taking(
        global,
        &*host,
        &records,
        &header,
        (incoming.domid, given.name()),
        (how, given_clock),
    )
    .and_then(|()| preflight::make_native(global, &transfer, &incoming, given.name()));
    if let Err(error) = checked {
        transfer.undo_incoming(&incoming)?;
        return Err(error);
    }
    output::warn(&incoming.warnings);
    if !restore.new.paused {
        unpause(&transfer, &incoming)?;
    }
    let domid = incoming.domid;
    if restore.debug || global.verbose > 0 {
        output::message(&format!("xenclock: domain {domid} continues, {} s from UTC", incoming.offset));
    }
    drop(incoming);
    let console = viewer.and_then(|viewer| viewer.show(domid));
    let after = After::of(global, restore.new.monitoring);
    let left = monitor::leave(global, host, &records, domid, after);
    if let Some(console) = console {
        console.wait();
    }
    left
}

/// Lets it run, or takes it away again: half a restore is none.
fn unpause(transfer: &Transfer<'_>, incoming: &Incoming) -> Result<(), Failure> {
    transfer.host.unpause(incoming.domid).map_err(|error| match transfer.undo_incoming(incoming) {
        Ok(()) => Failure::Error(error.to_string()),
        Err(left) => Failure::Error(format!("{error}; the new domain could not be destroyed: {left}")),
    })
}

/// The host of the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextHost {
    This,
    /// Its TSC may have any frequency.
    Another,
}

/// A domain that is given in place of a saved config: a domain XML, or an xl.cfg. Its clock is for the next start, and what
/// cannot be started is refused before anything is done.
pub(super) fn domain_of(
    global: &Global,
    host: &dyn Host,
    file: &Path,
    next: NextHost,
) -> Result<Domain, Failure> {
    let mut facts = host.facts()?;
    let mut input = input::domain(global, &facts, file)?;
    let frequency = input.domain.clock.tsc_frequency().and_then(|frequency| frequency.to_khz().ok());
    if let (NextHost::Another, Some(khz)) = (next, frequency) {
        (facts.cpu_khz, facts.tsc_reliable) = (khz, true);
    }
    if let Err(refusal) = plan(&input.domain, &facts, &*backend::zones(), Uuid::new_v4()) {
        say_refusal(&mut input, refusal);
        let name = input.domain.config.name();
        let why = format!("'{name}' could not be started again, for the reasons above");
        // Another host may be able to.
        match global.force {
            true => output::warn(&[why]),
            false => return Err(Failure::Error(format!("{why}; nothing was done; -f goes on"))),
        }
    }
    let mut domain = input.domain;
    // The clock's offset is put in by whoever knows it; its timers are the config's own.
    project::clock(&mut domain.config, &domain.clock, OffsetIn::Outside);
    Ok(domain)
}
