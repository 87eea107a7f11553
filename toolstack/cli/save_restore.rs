//! `xenclock save` and `restore`: xl's forms and xl's files.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::args::{Global, Restore, Save};
use super::backend::{self, find};
use super::monitor::{self, After};
use super::output::{self, Failure};
use super::preflight;
use super::viewer::Viewer;
use xenclock::domain::DomainConfig;
use xenclock::domain::project::{self, OffsetIn};
use xenclock::host::{Host, SaveKind};
use xenclock::preflight::{MoveKind, Sender};
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::transfer::{Incoming, Outgoing, Transfer, config_in};
use xenclock::xl::savefile::Header;

pub(super) fn save(global: &Global, save: &Save) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let records = backend::records(global);
    let zones = backend::zones();
    let transfer = Transfer { host: &*host, records: &records, zones: &*zones };
    let domain = find(&*host, &save.domain)?;
    let config = save.config.as_deref().map(config_of).transpose()?;
    let (mut outgoing, mut warnings) = transfer.outgoing(domain.clone(), config, save.with_domid)?;
    let (from, _) = preflight::with_guest(global, &*host, &records, &domain)?;
    outgoing.sender = Some(Sender { host: from, forced: false });
    let failed = |error: std::io::Error| Failure::Error(format!("{}: {error}", save.file.display()));
    let mut file = Writing::open(&save.file).map_err(failed)?;
    header(&outgoing)?.write(&mut file.file).map_err(failed)?;
    let changed = transfer.save(&mut outgoing, &mut file.file, SaveKind::Suspend, &mut warnings)?;
    let written = rewrite(&outgoing, &mut file, changed).and_then(|()| file.keep());
    if let Err(error) = written {
        // The guest is in no file, so it goes on.
        transfer.stays(&domain)?;
        return Err(Failure::Error(format!("{}: {error}; '{}' goes on", save.file.display(), domain.name)));
    }
    warn(&warnings);
    if !save.checkpoint && !save.paused {
        return Ok(transfer.left(&domain)?);
    }
    if save.paused {
        host.pause(domain.domid)?;
    }
    Ok(transfer.stays(&domain)?)
}

/// What travels, once more, where the guest has set its RTC while it was being saved.
fn rewrite(outgoing: &Outgoing, file: &mut Writing, changed: bool) -> std::io::Result<()> {
    if changed && file.temporary.is_some() {
        file.file.seek(SeekFrom::Start(0))?;
        outgoing.header()?.write(&mut file.file)?;
    }
    Ok(())
}

pub(super) fn header(outgoing: &Outgoing) -> Result<Header, Failure> {
    outgoing
        .header()
        .map_err(|error| Failure::Error(format!("the config cannot be written as JSON: {error}")))
}

pub(super) fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| output::message(&format!("xenclock: warning: {warning}")));
}

/// A file that is there whole or not at all; what is no file, such as a pipe, is written as it is.
struct Writing {
    file: File,
    temporary: Option<tempfile::TempPath>,
    to: std::path::PathBuf,
}

impl Writing {
    fn open(path: &Path) -> std::io::Result<Self> {
        let to = path.to_owned();
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Ok(Writing { file: File::options().write(true).open(path)?, temporary: None, to });
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A guest's memory is for root alone, as the temporary file is.
        let temporary = tempfile::Builder::new().prefix(".xenclock-save-").tempfile_in(dir)?;
        let (file, temporary) = temporary.into_parts();
        Ok(Writing { file, temporary: Some(temporary), to })
    }

    /// The domain is destroyed next, so the file must be on disk.
    fn keep(mut self) -> std::io::Result<()> {
        self.file.flush()?;
        let Some(temporary) = self.temporary.take() else { return Ok(()) };
        self.file.sync_all()?;
        temporary.persist(&self.to).map_err(|error| error.error)
    }
}

pub(super) fn restore(global: &Global, restore: &Restore) -> Result<(), Failure> {
    let viewer = Viewer::asked(global, false, restore.screen)?;
    let (config, path) = match &restore.files[..] {
        [config, file] => (Some(config_of(config)?), file),
        [file] => (None, file),
        _ => return Err(Failure::Usage("expected [CONFIG] FILE".to_owned())),
    };
    let mut file = File::open(path).map_err(|error| Failure::Error(format!("{path}: {error}")))?;
    let header = Header::read(&mut file).map_err(|error| Failure::Error(format!("{path}: {error}")))?;
    let host = backend::open(global)?;
    let records = backend::records(global);
    let saved = || config_in(&header).map_err(|error| Failure::Error(format!("{path}: {error}")));
    let given = config.clone().map_or_else(saved, Ok)?;
    let how = MoveKind::Restore;
    preflight::before_taking(global, &host.facts()?, &records, &header, &given, how)?;
    if global.dry_run {
        return Ok(());
    }
    let incoming = arrive(&*host, &records, &header, config, &mut file)?;
    if let Err(error) = preflight::after_taking(global, &*host, &records, &header, incoming.domid, how) {
        let zones = backend::zones();
        Transfer { host: &*host, records: &records, zones: &*zones }.undo_incoming(&incoming)?;
        return Err(error);
    }
    warn(&incoming.warnings);
    if !restore.paused {
        unpause(&*host, &records, &incoming)?;
    }
    let domid = incoming.domid;
    if restore.debug || global.verbose > 0 {
        output::message(&format!("xenclock: domain {domid} goes on, {} s from UTC", incoming.offset));
    }
    drop(incoming);
    if let Some(viewer) = viewer {
        viewer.show(domid);
    }
    let after = After::of(global, restore.monitoring);
    monitor::leave(global, host, &records, domid, after)
}

fn arrive(
    host: &dyn Host,
    records: &RecordStore,
    header: &Header,
    config: Option<DomainConfig>,
    file: &mut File,
) -> Result<Incoming, Failure> {
    let zones = backend::zones();
    let transfer = Transfer { host, records, zones: &*zones };
    Ok(transfer.arrive(header, config, str::to_owned, file)?)
}

/// Lets it run, or takes it away again: half a restore is none.
fn unpause(host: &dyn Host, records: &RecordStore, incoming: &Incoming) -> Result<(), Failure> {
    let zones = backend::zones();
    let transfer = Transfer { host, records, zones: &*zones };
    host.unpause(incoming.domid).map_err(|error| match transfer.undo_incoming(incoming) {
        Ok(()) => Failure::Error(error.to_string()),
        Err(left) => Failure::Error(format!("{error}; the domain could not be taken away again: {left}")),
    })
}

/// A config that is given in place of another: a domain XML, or an xl.cfg as the installed xl understands it.
pub(super) fn config_of(file: &str) -> Result<DomainConfig, Failure> {
    let domain = super::create::read_domain(file)?;
    let mut config = domain.config;
    // The clock's offset is put in by whoever knows it; its timers are the config's own.
    project::clock(&mut config, &domain.clock, OffsetIn::Outside);
    Ok(config)
}
