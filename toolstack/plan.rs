//! Plans the start of a domain: ordered steps, each with its reason. Pure; nothing is applied here.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use timers::resolve::{self, Moment, NextStart, OffsetSource, Resolved};
use timers::tsc::{TscDecision, TscHost, TscMode};
use timers::zone::ZoneSource;
use timers::{GuestClock, GuestKind, KiloHertz, UtcOffset};
use uuid::Uuid;

use crate::assess::{self, Target};
use crate::diag::{Finding, Verdict};
use crate::domain::project::{self, OffsetIn};
use crate::domain::{Domain, DomainConfig, Part, part_of, unknown_zone, unresolvable};
use crate::host::HostFacts;

/// A start, worked out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The config for libxl.
    pub config: DomainConfig,
    /// The resolved clock.
    pub clock: Resolved,
    /// The TSC.
    pub tsc: TscDecision,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The clock that was planned for, word for word.
    pub asked: GuestClock,
}

/// One step with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The kind of the step.
    pub kind: StepKind,
    /// Why.
    pub why: String,
}

/// The kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// The domain is made, paused.
    Create,
    /// The TSC is set through libxenctrl, and starts at 0 in its new frequency.
    SetTsc {
        /// The mode, as libxl has set it already.
        mode: TscMode,
        /// The frequency.
        khz: KiloHertz,
    },
    /// The RTC is set from outside.
    SetTimeOffset(RtcTarget),
    /// The TSC, and the RTC where there is one, are read back and compared.
    Verify,
    /// Write the clock record, by the domain's UUID.
    KeepRecord,
    /// The guest runs.
    Unpause,
}

/// The target of an RTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcTarget {
    /// A number of seconds from UTC.
    Offset(UtcOffset),
    /// A moment: the offset follows from the time at which it is set.
    Moment(DateTime<Utc>),
}

/// Why a start is refused: the parts of the domain that cannot be had as asked, and what is wrong with each. There is at
/// least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The parts, with the reason and the remedy of each.
    pub findings: Vec<(Part, Finding)>,
}

impl Refusal {
    fn one(part: Part, finding: Finding) -> Self {
        Refusal { findings: vec![(part, finding)] }
    }

    /// What is said of a next start that would be refused: that, the reasons and the remedies.
    #[must_use]
    pub fn of_next_start(&self) -> String {
        format!("{REFUSED}{}", self.with_remedies())
    }

    /// All reasons on one line, each with its remedy, for a clock that no file names.
    #[must_use]
    pub fn with_remedies(&self) -> String {
        let one = |(_, finding): &(Part, Finding)| match &finding.alternative {
            Some(instead) => format!("{}; instead: {instead}", finding.reason),
            None => finding.reason.to_string(),
        };
        self.findings.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// The beginning of the next start's words where it would be refused.
pub const REFUSED: &str = "refused: ";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (_, finding)) in self.findings.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { "; " } else { "" }, finding.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Works out the start of a domain on a host, with the clock that the domain names. For a guest that ran before,
/// [`crate::tracking::start::clock_for`] gives the clock that goes on from its own changes.
///
/// # Errors
/// When the domain cannot be had as asked: its clock is invalid, this host's Xen would give it another TSC or RTC, or its
/// reader found that it would get another device than asked for.
///
/// ```
/// use xenclock::host::{Host, mock::Mock};
/// use xenclock::plan::{StepKind, plan};
/// use xenclock::timers::zone::default_zones;
///
/// # let text = "<domain type='xen'><name>guest</name><uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
/// #   <memory unit='MiB'>64</memory><os><type>hvm</type></os><clock offset='variable' adjustment='3600'/></domain>";
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let domain = xenclock::xml::read("guest.xml", text.as_bytes())?.domain;
/// let plan = plan(&domain, &host.facts()?, &*default_zones(), uuid::Uuid::new_v4())?;
/// assert_eq!(plan.clock.offset.seconds(), 3600);
/// assert_eq!(plan.steps[0].kind, StepKind::Create);
/// // Nothing has been done yet.
/// assert!(host.domains()?.iter().all(|domain| domain.name != "guest"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan(domain: &Domain, facts: &HostFacts, zones: &dyn ZoneSource, uuid: Uuid) -> Result<Plan, Refusal> {
    let kind = domain.config.kind();
    let other_device = domain.refusals.iter().map(|finding| (Part::Domain, finding.clone()));
    let worked_out = work_out(&domain.clock, kind, facts, zones);
    let of_clock = worked_out.as_ref().err().into_iter().flat_map(|refusal| refusal.findings.clone());
    let findings: Vec<_> = other_device.chain(of_clock).collect();
    let (Ok((clock, tsc)), true) = (worked_out, findings.is_empty()) else {
        return Err(Refusal { findings });
    };
    let mut config = domain.config.clone();
    config.c_info.uuid.get_or_insert(uuid);
    let offset = if kind.has_rtc() { OffsetIn::Outside } else { OffsetIn::Resolved(clock.offset) };
    project::clock(&mut config, &domain.clock, offset);
    project::number_channels(&mut config);
    let steps = steps(kind, &clock, &tsc);
    Ok(Plan { config, clock, tsc, steps, asked: domain.clock.clone() })
}

/// Resolves a clock on a host, now.
///
/// # Errors
/// When the clock cannot be had as asked, as in [`plan`].
pub fn work_out(
    clock: &GuestClock,
    kind: GuestKind,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Result<(Resolved, TscDecision), Refusal> {
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones };
    work_out_at(clock, kind, &at, &facts.tsc())
}

/// Resolves a clock at a moment, on a host with this TSC.
///
/// # Errors
/// When the clock cannot be had as asked, as in [`plan`].
pub(crate) fn work_out_at(
    clock: &GuestClock,
    kind: GuestKind,
    at: &Moment<'_>,
    host: &TscHost,
) -> Result<(Resolved, TscDecision), Refusal> {
    let refuses = |finding: &Finding| finding.refuses_start || finding.verdict == Verdict::Invalid;
    let findings = assess::clock(clock, kind, Target::Start);
    let refused: Vec<_> = findings.into_iter().filter(|(_, finding)| refuses(finding)).collect();
    if !refused.is_empty() {
        let zone = unknown_zone(&clock.offset, at.zones);
        return Err(Refusal { findings: refused.into_iter().chain(zone).collect() });
    }
    let resolved = resolve::resolve(&clock.offset, kind, at)
        .map_err(|error| Refusal::one(part_of(&error, &clock.offset), unresolvable(&error, at.zones)))?;
    let tsc = assess::decide_tsc(clock, kind, host);
    Ok((resolved, tsc.map_err(|refused| Refusal { findings: vec![*refused] })?))
}

fn steps(kind: GuestKind, clock: &Resolved, tsc: &TscDecision) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |kind, why: String| steps.push(Step { kind, why });
    let why = if kind.has_rtc() {
        "libxl's config gets neither offset nor localtime, so that a restore or migration keeps the guest's own RTC"
    } else {
        "libxl's config gets the offset: a guest without an RTC has no other place for it"
    };
    step(StepKind::Create, why.to_owned());
    if let Some(khz) = tsc.set_khz {
        step(StepKind::SetTsc { mode: tsc.mode, khz }, "libxl cannot set a frequency".to_owned());
    }
    if kind.has_rtc() {
        match &clock.source {
            OffsetSource::Absolute { start } if !clock.host_clock_unset => {
                // Resolving checked the range.
                if let Some(moment) = Utc.timestamp_opt(*start, 0).single() {
                    step(StepKind::SetTimeOffset(RtcTarget::Moment(moment)), clock.source.to_string());
                }
            }
            _ if clock.offset != UtcOffset::ZERO => {
                step(StepKind::SetTimeOffset(RtcTarget::Offset(clock.offset)), clock.source.to_string());
            }
            _ => {}
        }
    }
    step(StepKind::Verify, "Xen must report what was requested".to_owned());
    step(StepKind::KeepRecord, "for clock-show and the next start".to_owned());
    step(StepKind::Unpause, "its clock is set before its first instruction".to_owned());
    steps
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepKind::Create => f.write_str("create the domain, paused"),
            StepKind::SetTsc { mode, khz } => {
                write!(f, "set the TSC to {khz}, mode {}, counting from 0", mode.as_str())
            }
            StepKind::SetTimeOffset(RtcTarget::Offset(offset)) => {
                write!(f, "set the RTC to {offset}, {} s", offset.seconds())
            }
            StepKind::SetTimeOffset(RtcTarget::Moment(moment)) => {
                write!(f, "set the RTC to {}", moment.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            StepKind::Verify => f.write_str("read the clock back"),
            StepKind::KeepRecord => f.write_str("write the clock record"),
            StepKind::Unpause => f.write_str("unpause the guest"),
        }
    }
}

/// The words for what the next start does. The record of a guest without a UUID in its config ends with its domain.
#[must_use]
pub fn next_start_words(next: NextStart, tracked: bool, has_uuid: bool) -> &'static str {
    match (next, tracked) {
        (NextStart::ResolvedAgain, true) => "resolved again at the next start, unless the guest sets its RTC",
        (_, true) if has_uuid => "the guest's changes are tracked for the next start",
        (_, true) => "the guest's changes survive reboots, but not another create: its config has no uuid",
        (NextStart::Fixed, false) => "the same at the next start",
        (NextStart::ResolvedAgain, false) => "resolved again at the next start",
    }
}
