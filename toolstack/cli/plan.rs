//! Prepares a file for a start: reads it, resolves its clock and plans the steps; and `xenclock plan`, which prints
//! them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use timers::GuestClock;
use timers::resolve::{Moment, rtc_time};
use uuid::Uuid;

use super::args::{Described, Global, Plan as Words};
use super::options::Wrapper;
use super::output::{self, Failure};
use super::reading::{mapping, unused_rules};
use super::{backend, input, report};
use xenclock::assess::Target;
use xenclock::cfg::{XlConf, XlHost, Zones, apply_cpu_masks};
use xenclock::convert::{Format, convert, lower};
use xenclock::diag::shown;
use xenclock::domain::Part;
use xenclock::host::{Host, HostFacts};
use xenclock::input::Input;
use xenclock::plan::{Plan, Refusal, next_start_words, plan};
use xenclock::report::Detail;
use xenclock::tracking::start::clock_for;
use xenclock::tracking::store::{RecordError, RecordStore};

/// How a file is read for a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct How<'a> {
    pub described: &'a Described,
    pub wrapper: &'a Wrapper,
    /// Print no findings.
    pub quiet: bool,
    /// How much of each finding is printed.
    pub detail: Detail,
    /// Leave the guest the CPUs that `xl.conf` does not grant.
    pub ignore_masks: bool,
}

/// A file that can be started.
pub(super) struct Prepared {
    pub plan: Plan,
    /// The clock that the file asks for.
    pub asked: GuestClock,
    /// True if its UUID was made here.
    pub made_up: bool,
    pub facts: HostFacts,
    /// xl's own settings.
    pub conf: XlConf,
    /// Why the guest's record could not be read, for the caller to say: the start is planned without it.
    pub unread: Option<RecordError>,
    /// The configuration as xl prints it.
    pub json: String,
    /// The file's name.
    pub file: String,
}

pub(super) fn run(global: &Global, words: &Words) -> Result<(), Failure> {
    let how = How {
        described: &words.described,
        wrapper: &words.wrapper,
        quiet: words.quiet,
        detail: report::detail(global),
        ignore_masks: false,
    };
    let host = backend::open(global)?;
    let prepared = prepare(global, &*host, &backend::records(global), how)?;
    output::warn(prepared.unread.as_slice());
    if words.json { print_json(&prepared) } else { output::text(&text(&prepared)) }
}

/// Reads a file and plans its start, or says every reason against it.
pub(super) fn prepare(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    how: How<'_>,
) -> Result<Prepared, Failure> {
    let (file, settings) = file_and_settings(how.described)?;
    let bytes = output::input(&file)?;
    let facts = host.facts()?;
    let zones = Zones::new(backend::zones().into());
    let xl_host = XlHost { zones, ..input::xl_host(Some(facts.xen_version), input::conf(global)?) };
    let name = input::name_of(&file);
    let mapping = mapping(&how.described.maps)?;
    let mut input = input::read(global, &name, &bytes, &settings, &xl_host, &mapping)?;
    unused_rules(&mapping, &input.mapped);
    how.wrapper.put(&mut input.domain.config)?;
    if !how.ignore_masks {
        apply_cpu_masks(&mut input.domain.config, &xl_host).map_err(|errors| input::wrong(&errors))?;
    }
    let json = as_xl(&input, &facts)?;
    // A clock that was requested before goes on from what its guest has made of it.
    let asked = input.domain.clock.clone();
    let uuid = input.domain.config.c_info.uuid;
    let found = uuid.map_or(Ok(None), |uuid| records.get(uuid));
    let (record, unread) = found.map_or_else(|error| (None, Some(error)), |record| (record, None));
    let kind = input.domain.config.kind();
    let (clock, warnings) = clock_for(record, &asked, kind, &facts, &*backend::zones());
    input.domain.clock = clock;
    output::warn(&warnings);
    let plan = planned(&mut input, &facts, how)?;
    Ok(Prepared { plan, asked, made_up: uuid.is_none(), facts, conf: xl_host.conf, unread, json, file: name })
}

/// The file, and the lines for its end. As in xl, a word with an equals sign is never the file.
fn file_and_settings(described: &Described) -> Result<(PathBuf, Vec<String>), Failure> {
    let mut file = described.defconfig.clone();
    let mut settings = Vec::new();
    for word in &described.words {
        if word.as_bytes().contains(&b'=') {
            let setting = word.to_str().ok_or_else(|| not_utf8(word))?;
            settings.push(setting.to_owned());
        } else if file.is_none() {
            file = Some(word.into());
        } else {
            return Err(input::not_a_setting(word.display()));
        }
    }
    let none = "no file is given; to use settings only, give /dev/null";
    Ok((file.ok_or_else(|| Failure::Usage(none.to_owned()))?, settings))
}

fn not_utf8(word: &OsString) -> Failure {
    Failure::Error(format!("'{}' is not UTF-8", word.display()))
}

/// The configuration as `xl create -n` prints it: where it has no UUID, xl makes one.
fn as_xl(input: &Input, facts: &HostFacts) -> Result<String, Failure> {
    let zones = backend::zones();
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones: &*zones };
    let mut input = input.clone();
    input.domain.config.c_info.uuid.get_or_insert_with(Uuid::new_v4);
    convert(&mut input, Format::Json, &at).map_err(|errors| input::wrong(&errors))
}

/// Says every reason against a start, each at its place.
pub(super) fn say_refusal(input: &mut Input, refusal: Refusal) {
    // The findings of the reader's own refusals are in the report already.
    for (part, finding) in refusal.findings.into_iter().filter(|(part, _)| *part != Part::Domain) {
        input.report.lower(part, finding.refusing_start());
    }
    input.report.refusals().for_each(|refused| output::diagnostic(&refused, input.report.source()));
}

/// The plan, or every reason against it; warnings are said on the way.
fn planned(input: &mut Input, facts: &HostFacts, how: How<'_>) -> Result<Plan, Failure> {
    lower(input, Target::Start).map_err(|errors| input::wrong(&errors))?;
    let plan = match plan(&input.domain, facts, &*backend::zones(), Uuid::new_v4()) {
        Ok(plan) => plan,
        Err(refusal) => {
            say_refusal(input, refusal);
            output::error(&format!(
                "'{}' was not started, for the reasons above",
                input.domain.config.name()
            ));
            return Err(Failure::Reported);
        }
    };
    if !how.quiet {
        report::losses(&input.report, how.detail);
    }
    Ok(plan)
}

/// The clock that the guest will show, in two to four lines.
pub(super) fn clock_lines(plan: &Plan, facts: &HostFacts, made_up: bool) -> String {
    let kind = plan.config.kind();
    let what = if kind.has_rtc() { "RTC" } else { "wallclock" };
    let clock = &plan.clock;
    let shows = rtc_time(facts.now, clock.offset.seconds().into())
        .map_or_else(String::new, |time| format!("shows {time}, "));
    let next = next_start_words(clock.next_start, clock.tracked, !made_up);
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

/// The plan for people.
pub(super) fn text(prepared: &Prepared) -> String {
    let Prepared { plan, facts, .. } = prepared;
    let mut text =
        format!("plan for '{}':\n{}", shown(plan.config.name()), clock_lines(plan, facts, prepared.made_up));
    for (index, step) in plan.steps.iter().enumerate() {
        text.push_str(&format!("  {}. {}: {}\n", index + 1, step.kind, step.why));
    }
    text
}

/// The plan for programs.
pub(super) fn print_json(prepared: &Prepared) -> Result<(), Failure> {
    let plan = &prepared.plan;
    let steps: Vec<Value> =
        plan.steps.iter().map(|step| json!({"step": step.kind.to_string(), "why": step.why})).collect();
    let clock = &plan.clock;
    let mut rtc = json!(clock);
    rtc["time"] = json!(rtc_time(prepared.facts.now, clock.offset.seconds().into()));
    rtc["source_text"] = json!(clock.source.to_string());
    rtc["next_start_text"] = json!(next_start_words(clock.next_start, clock.tracked, !prepared.made_up));
    output::json(&json!({
        "name": plan.config.name(),
        "config": plan.config,
        "rtc": rtc,
        "tsc": plan.tsc,
        "steps": steps,
    }))
}
