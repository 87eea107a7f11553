//! `xenclock create`

use super::args::{Create, Global};
use super::monitor::{self, After};
use super::output::{self, Failure};
use super::plan::{self, How, Prepared};
use super::viewer::Viewer;
use super::{backend, memory, report};
use xenclock::apply::Outcome;
use xenclock::diag::shown;
use xenclock::host::{ErrorKind, Host, HostError};
use xenclock::plan::Plan;
use xenclock::report::Detail;
use xenclock::tracking::start::{StartOptions, start};
use xenclock::tracking::store::RecordStore;

pub(super) fn run(global: &Global, create: &Create) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let records = backend::records(global);
    let how = How {
        described: &create.described,
        wrapper: &create.wrapper,
        quiet: create.quiet,
        detail: if create.debug { Detail::Full } else { report::detail(global) },
        ignore_masks: create.ignore_global_affinity_masks,
    };
    let prepared = plan::prepare(global, &*host, &records, how)?;
    if !create.quiet {
        output::message(&format!("Parsing config from {}", prepared.file));
    }
    if global.dry_run || create.dry_run {
        output::warn(prepared.unread.as_slice());
        // xl's own dry run prints what it has read, and its readers want JSON.
        return if create.json { plan::print_json(&prepared) } else { output::data(&prepared.json) };
    }
    if create.debug {
        output::json_message(prepared.json.trim_end());
    }
    if global.verbose > 0 {
        output::lines(plan::text(&prepared).trim_end());
    }
    let Prepared { plan, asked, made_up, facts, conf, unread, .. } = prepared;
    let viewer = Viewer::asked(global, create.new.console, create.new.screen)?;
    let not_started = |why: &dyn std::fmt::Display| {
        Failure::Error(format!("'{}' was not started: {why}", plan.config.name()))
    };
    records.wait_until_free().map_err(|error| not_started(&error))?;
    output::warn(unread.as_slice());
    backend::mend(&*host, &records)?;
    let terms = StartOptions::new(&records)
        .asked(&asked)
        .made_up(made_up)
        .paused(create.new.paused)
        .zone_data(backend::zones().release());
    let with_remedy = |error: &HostError| memory::with_remedy(error, &conf, &*host);
    let room = memory::make_room(&conf, &*host, &plan.config);
    let room = room.map_err(|error| not_started(&with_remedy(&error)))?;
    let started = start(&plan, &*host, &facts, &terms, &mut |step| {
        if create.debug || global.verbose > 1 {
            output::message(&format!("xenclock: {} ({})", step.kind, step.why));
        }
    })
    .map_err(|error| match error.error.kind {
        ErrorKind::NoMemory => not_started(&with_remedy(&error.error)),
        _ => not_started(&error),
    })?;
    drop(room);
    if let Some(why) = &started.unkept {
        unkept(plan.config.name(), &why.to_string());
    }
    said(create, &plan, made_up, &started.outcome, &*host, &records)?;
    let domid = started.outcome.domid;
    let console = viewer.and_then(|viewer| viewer.show(domid));
    let left = monitor::leave(global, host, &records, domid, After::of(global, create.new.monitoring));
    if let Some(console) = console {
        console.wait();
    }
    left
}

/// Says that the guest runs without a record, and the reason unless that has been said.
fn unkept(name: &str, why: &str) {
    let why = if output::has_warned(why) { String::new() } else { format!(": {why}") };
    output::warn(&[format!("'{name}' runs, but its clock record was not written{why}")]);
}

/// Says how the guest was started, where nobody who reads xl's standard output sees it.
fn said(
    create: &Create,
    plan: &Plan,
    made_up: bool,
    outcome: &Outcome,
    host: &dyn Host,
    records: &RecordStore,
) -> Result<(), Failure> {
    if create.json {
        return super::show::clock_show_on(host, records, &outcome.domid.to_string(), true);
    }
    if create.quiet {
        return Ok(());
    }
    let how = if create.new.paused { "created, paused" } else { "started" };
    let lines = plan::clock_lines(plan, &host.facts()?, made_up);
    let name = shown(plan.config.name());
    output::lines(format!("domain {} '{name}' {how}\n{lines}", outcome.domid).trim_end());
    Ok(())
}
