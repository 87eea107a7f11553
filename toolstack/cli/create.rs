//! `xenclock create`

use serde_json::{Value, json};
use timers::resolve::rtc_time;
use uuid::Uuid;

use super::args::{Create, Global};
use super::monitor::{self, After};
use super::output::{self, Failure};
use super::viewer::Viewer;
use super::{backend, input, report};
use xenclock::apply::Outcome;
use xenclock::assess::Target;
use xenclock::convert::lower;
use xenclock::diag::shown;
use xenclock::domain::Part;
use xenclock::host::{Host, HostFacts};
use xenclock::input::Input;
use xenclock::plan::{Plan, next_start_words, plan};
use xenclock::report::Detail;
use xenclock::tracking::start::{StartOptions, clock_for, start};
use xenclock::tracking::store::RecordStore;

pub(super) fn run(global: &Global, create: &Create) -> Result<(), Failure> {
    let bytes = output::input(&create.file)?;
    let host = backend::open(global)?;
    let records = backend::records(global);
    let facts = host.facts()?;
    let xl_host = input::xl_host(global, Some(facts.xen_version))?;
    let name = input::name_of(&create.file);
    let mut input = input::read(global, &name, &bytes, &create.settings, &xl_host)?;
    create.wrapper.put(&mut input.domain.config)?;
    // A clock that was requested before goes on from what its guest has made of it.
    let asked = input.domain.clock.clone();
    let uuid = input.domain.config.c_info.uuid;
    let made_up = uuid.is_none();
    let record = uuid.and_then(|uuid| backend::record_of(&records, uuid));
    let kind = input.domain.config.kind();
    let (clock, warnings) = clock_for(record, &asked, kind, &facts, &*backend::zones());
    input.domain.clock = clock;
    output::warn(&warnings);
    let plan = planned(global, create, &mut input, &facts)?;
    if global.dry_run || create.dry_run {
        return show_plan(create, &plan, &facts);
    }
    let viewer = Viewer::asked(global, create.console, create.screen)?;
    let not_started = |why: &dyn std::fmt::Display| {
        Failure::Error(format!("'{}' was not started: {why}", plan.config.name()))
    };
    records.wait_until_free().map_err(|error| not_started(&error))?;
    backend::mend(&*host, &records)?;
    let terms = StartOptions::new(&records)
        .asked(&asked)
        .made_up(made_up)
        .paused(create.paused)
        .zone_data(backend::zones().release());
    let started = start(&plan, &*host, &facts, &terms, &mut |step| {
        if create.debug || global.verbose > 0 {
            output::message(&format!("xenclock: {} ({})", step.kind, step.why));
        }
    })
    .map_err(|error| not_started(&error))?;
    if let Some(why) = &started.unkept {
        output::error(&format!("'{}' runs, but its clock record was not written: {why}", plan.config.name()));
    }
    said(create, &plan, &started.outcome, &*host, &records)?;
    let domid = started.outcome.domid;
    let console = viewer.and_then(|viewer| viewer.show(domid));
    let left = monitor::leave(global, host, &records, domid, After::of(global, create.monitoring));
    if let Some(console) = console {
        console.wait();
    }
    left
}

/// The plan, or every reason against it; warnings are said on the way.
fn planned(global: &Global, create: &Create, input: &mut Input, facts: &HostFacts) -> Result<Plan, Failure> {
    let report = input.report.clone();
    lower(input, Target::Start).map_err(|invalid| {
        output::diagnostic(&invalid, report.source());
        Failure::Reported
    })?;
    let plan = match plan(&input.domain, facts, &*backend::zones(), Uuid::new_v4()) {
        Ok(plan) => plan,
        Err(refusal) => {
            // What the reader refuses stands in the report already.
            for (part, finding) in refusal.findings.into_iter().filter(|(part, _)| *part != Part::Domain) {
                input.report.lower(part, finding.refusing_start());
            }
            input.report.refusals().for_each(|refused| output::diagnostic(&refused, input.report.source()));
            output::error(&format!(
                "'{}' was not started: it would not be as its file asks",
                input.domain.config.name()
            ));
            return Err(Failure::Reported);
        }
    };
    if !create.quiet {
        let detail = if create.debug || global.verbose > 0 { Detail::Full } else { Detail::Short };
        report::losses(&input.report, detail);
    }
    Ok(plan)
}

/// What the guest's clock will show, in two to four lines.
fn clock_lines(plan: &Plan, facts: &HostFacts) -> String {
    let kind = plan.config.kind();
    let what = if kind.has_rtc() { "RTC" } else { "wallclock" };
    let clock = &plan.clock;
    let shows = rtc_time(facts.now, clock.offset.seconds().into())
        .map_or_else(String::new, |time| format!("shows {time}, "));
    let next = next_start_words(clock.next_start, clock.tracked);
    let mut lines = format!(
        "  {what}: {shows}{} ({} s): {}; {next}\n",
        clock.offset,
        clock.offset.seconds(),
        clock.source
    );
    if let Some(change) = &clock.foresight {
        lines.push_str(&format!("    {change}; this guest's {what} does not follow\n"));
    }
    lines.push_str(&format!("  TSC: {}, {}: {}\n", plan.tsc.khz, plan.tsc.behaviour, plan.tsc.why));
    if let Some((asked, khz)) = plan.tsc.rounded {
        lines.push_str(&format!("    requested {asked}; Xen counts in kHz: {khz}\n"));
    }
    lines
}

fn show_plan(create: &Create, plan: &Plan, facts: &HostFacts) -> Result<(), Failure> {
    if create.json {
        let steps: Vec<Value> =
            plan.steps.iter().map(|step| json!({"step": step.kind.to_string(), "why": step.why})).collect();
        return output::json(&json!({
            "name": plan.config.name(),
            "config": plan.config,
            "rtc": plan.clock,
            "tsc": plan.tsc,
            "steps": steps,
        }));
    }
    let mut text = format!(
        "plan for '{}'; nothing is applied:\n{}",
        shown(plan.config.name()),
        clock_lines(plan, facts)
    );
    for (index, step) in plan.steps.iter().enumerate() {
        text.push_str(&format!("  {}. {}: {}\n", index + 1, step.kind, step.why));
    }
    output::text(&text)
}

fn said(
    create: &Create,
    plan: &Plan,
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
    let how = if create.paused { "created, paused" } else { "started" };
    let lines = clock_lines(plan, &host.facts()?);
    output::text(&format!("domain {} '{}' {how}\n{lines}", outcome.domid, shown(plan.config.name())))
}
