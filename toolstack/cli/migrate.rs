//! `xenclock migrate` and `migrate-receive`: they speak xl's protocol, so the other end may be xl.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::args::{Global, Migrate, MigrateReceive};
use super::backend::{self, find};
use super::domains::pass_over;
use super::input;
use super::memory;
use super::monitor::{self, After};
use super::output::{self, Failure};
use super::preflight;
use super::save_restore::{NextHost, domain_of, goes_on, header};
use xenclock::host::{DomId, HostError, SaveKind};
use xenclock::preflight::MoveKind;
use xenclock::tracking::transfer::{Departure, Incoming, Outgoing, Transfer, config_in};
use xenclock::tracking::warning::Warning;
use xenclock::xl::migration::{
    Arriving, Failed, Leaving, Line, Receiver, Rune, Transport, name_away, name_incoming,
    receive as receive_guest, send as send_guest,
};
use xenclock::xl::savefile::Header;

/// How long the command that reaches the other host may take to end by itself.
const LINGER: Duration = Duration::from_secs(2);

/// The guest on this side.
struct Here<'a> {
    transfer: Transfer<'a>,
    outgoing: Outgoing,
    departure: Departure,
    name: String,
}

impl Leaving for Here<'_> {
    fn save(&mut self, to: &mut File) -> Result<(), Failed> {
        let changed = self.transfer.save(&mut self.outgoing, to, SaveKind::Live)?;
        if changed {
            self.outgoing.warnings.push(Warning::RtcSetWhileMoving);
        }
        Ok(())
    }

    fn rename_away(&mut self) -> Result<(), Failed> {
        self.transfer.host.rename(self.outgoing.domain.domid, &name_away(&self.name))?;
        // The other side is told next that the guest is its.
        self.departure.is_handed_over();
        Ok(())
    }

    fn rename_back(&mut self) -> Result<(), Failed> {
        self.transfer.host.rename(self.outgoing.domain.domid, &self.name)?;
        self.departure.is_given_back();
        Ok(())
    }

    fn resume(&mut self) -> Result<(), Failed> {
        let domain = &self.outgoing.domain;
        match goes_on(&self.transfer, domain)? {
            true => Ok(()),
            false => Err(format!("domain {} is paused or has ended", domain.domid).into()),
        }
    }

    fn destroy(&mut self) -> Result<(), Failed> {
        Ok(self.transfer.left(&self.outgoing.domain)?)
    }

    fn progress(&mut self, words: &str) {
        output::message(&format!("migration sender: {words}"));
    }
}

pub(super) fn send(global: &Global, migrate: &Migrate) -> Result<(), Failure> {
    pass_over(&migrate.ignored);
    let host = backend::open(global)?;
    let records = backend::records(global);
    let zones = backend::zones();
    let transfer = Transfer::new(&*host, &records, &*zones);
    if !global.dry_run {
        backend::make_ready(&*host, &records)?;
    }
    let domain = find(&*host, &migrate.domain)?;
    let given = |file| domain_of(global, &*host, file, NextHost::Another);
    let config = migrate.config.as_deref().map(given).transpose()?;
    let name = domain.name.clone();
    let mut outgoing = transfer.outgoing(domain, config, migrate.with_domid)?;
    let sender = preflight::before_sending(
        global,
        &*host,
        &outgoing,
        migrate.config.is_some(),
        (&migrate.ssh, &migrate.host),
    )?;
    if global.dry_run {
        return Ok(());
    }
    let receiver = if sender.told { Receiver::Xenclock } else { Receiver::Xl };
    outgoing.sender = Some(sender);
    let header = header(&outgoing)?;
    let departure = transfer.departs(&outgoing.domain, "send the guest away")?;
    let rune = Rune {
        ssh: &migrate.ssh,
        host: &migrate.host,
        receiver,
        terminal: global.terminal || std::io::stderr().is_terminal(),
        timestamps: global.timestamps,
        verbose: global.verbose,
        monitor: !migrate.no_monitor && !migrate.foreground,
        debug: migrate.debug,
        paused: migrate.paused,
    };
    let (line, mut transport) = Transport::open(&rune.command())
        .map_err(|error| Failure::Error(format!("'{name}' was not migrated: {error}")))?;
    let mut here = Here { transfer, outgoing, departure, name };
    let sent = send_guest(&mut here, &header, line);
    let status = transport.ended(LINGER);
    output::warn(&here.outgoing.warnings);
    match sent {
        Ok(moved) => {
            if let Some(error) = moved.remains {
                let away = name_away(&here.name);
                output::message(&format!(
                    "xenclock: warning: '{away}' is still here and can be destroyed: {error}"
                ));
            }
            output::message("Migration successful.");
            Ok(())
        }
        Err(error) => {
            if let Ok(Some(status)) = status
                && !status.success()
            {
                output::message(&format!(
                    "migration sender: the command '{}' ended with {status}",
                    rune.command()
                ));
            }
            Err(Failure::Lines(error.to_string()))
        }
    }
}

/// The guest that comes.
struct There<'a> {
    global: &'a Global,
    transfer: Transfer<'a>,
    name: String,
    incoming: Option<Incoming>,
}

impl There<'_> {
    fn domid(&self) -> Result<DomId, Failed> {
        self.incoming.as_ref().map(|incoming| incoming.domid).ok_or_else(|| "nothing has arrived".into())
    }
}

impl Arriving for There<'_> {
    fn restore(&mut self, from: &mut File) -> Result<(), Failed> {
        let header = Header::read(from)?;
        let mut own = String::new();
        let incoming = |name: &str| {
            name.clone_into(&mut own);
            name_incoming(name)
        };
        let Transfer { host, records, .. } = self.transfer;
        let (global, how) = (self.global, MoveKind::Migration);
        let config = config_in(&header)?;
        preflight::before_taking(global, &self.transfer, &header, &config, None, how)?;
        let conf = input::conf(global)?;
        let with_remedy =
            |error: HostError| Failed::from(memory::with_remedy_of_arrival(&error, &conf, host));
        let room = memory::make_room(&conf, host, &config).map_err(with_remedy)?;
        let incoming = self.transfer.receive(&header, None, incoming, from).map_err(with_remedy)?;
        drop(room);
        let checked =
            preflight::after_taking(global, host, records, &header, (incoming.domid, &own), (how, false))
                .and_then(|()| preflight::make_native(global, &self.transfer, &incoming, &own));
        if let Err(error) = checked {
            self.transfer.undo_incoming(&incoming)?;
            return Err(error.into());
        }
        self.incoming = Some(incoming);
        self.name = own;
        Ok(())
    }

    fn rename_home(&mut self) -> Result<(), Failed> {
        // The sender has just given it away.
        if let Some(incoming) = &self.incoming {
            incoming.is_handed_over();
        }
        Ok(self.transfer.host.rename(self.domid()?, &self.name)?)
    }

    fn unpause(&mut self) -> Result<(), Failed> {
        Ok(self.transfer.host.unpause(self.domid()?)?)
    }

    fn destroy(&mut self) -> Result<(), Failed> {
        let incoming = self.incoming.as_ref().ok_or("nothing has arrived")?;
        Ok(self.transfer.undo_incoming(incoming)?)
    }

    fn progress(&mut self, words: &str) {
        output::message(&format!("migration target: {words}"));
    }
}

pub(super) fn receive(global: &Global, receive: &MigrateReceive) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let records = backend::records(global);
    let zones = backend::zones();
    backend::make_ready(&*host, &records)?;
    let line = standard_line().map_err(|error| Failure::Error(error.to_string()))?;
    let transfer = Transfer::new(&*host, &records, &*zones);
    let mut there = There { global, transfer, name: String::new(), incoming: None };
    let arrived =
        receive_guest(&mut there, line, receive.paused).map_err(|error| Failure::Error(error.to_string()))?;
    let There { incoming, .. } = there;
    let Some(incoming) = incoming else { return Err(Failure::Error("nothing has arrived".to_owned())) };
    output::warn(&incoming.warnings);
    if let Some(why) = arrived.untold {
        output::message(&format!(
            "xenclock: warning: the guest runs here, but the sender was not informed: {why}"
        ));
    }
    let domid = incoming.domid;
    drop(incoming);
    let after = After::of(global, receive.monitoring);
    monitor::leave(global, host, &records, domid, after)
}

/// The line that ssh has connected: the sender is behind standard input and output.
fn standard_line() -> std::io::Result<Line> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| -> std::io::Result<File> {
        let fd: OwnedFd = fd.try_clone_to_owned()?;
        Ok(File::from(fd))
    };
    Ok(Line { to: own(std::io::stdout().as_fd())?, from: own(std::io::stdin().as_fd())? })
}
