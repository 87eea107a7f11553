//! `xenclock preflight`, and the same check for migrate and restore: the effect of a move on a guest's clock.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use timers::tsc::{Behaviour, GuestTsc, TscMode};
use timers::{GuestClock, Severity};

use super::args::{Backend, Global, Preflight};
use super::backend::{self, find};
use super::host_reports::{self, read_all, stem};
use super::output::{self, Failure};
use super::remote;
use xenclock::diag::shown;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, DomainSummary, Host, HostFacts, TscInfo};
use xenclock::lifecycle::ClockRecord;
use xenclock::preflight::{
    Foresight, GuestReport, HostReport, MoveKind, REQUEST_THERE, Recommendation, Sender, Taken, foresee,
    recommend,
};
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::tolerance::{MadeNative, Outcome};
use xenclock::tracking::transfer::{Incoming, Outgoing, Transfer, sender_in};
use xenclock::view::next_tsc;
use xenclock::xl::savefile::Header;

/// The kernel's file with the machine's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The exit status for what was found.
fn status(severity: Severity) -> Result<(), Failure> {
    match severity {
        Severity::Fine => Ok(()),
        Severity::Change => Err(Failure::Found(3)),
        Severity::Harm => Err(Failure::Found(4)),
    }
}

/// This host, without its guests.
pub(super) fn this_host(global: &Global, facts: &HostFacts) -> Result<HostReport, Failure> {
    let tolerance = backend::tsc_tolerance(global)?;
    Ok(HostReport::of(&host_name(global), facts, &*backend::zones(), tolerance))
}

/// This host with all its guests. One that goes away meanwhile is left out; else what cannot be read is said.
pub(super) fn whole_host(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
) -> Result<HostReport, Failure> {
    let facts = host.facts()?;
    let mut report = HostReport {
        clock_steps: records.watched().steps,
        records: known_records(records),
        ..this_host(global, &facts)?
    };
    for domain in backend::guests(host)? {
        let record = record_of(records, &domain);
        match GuestReport::of(host, &domain, &facts, record.as_ref()) {
            Ok(guest) => report.guests.push(guest),
            Err(error) => output::message(&format!("xenclock: warning: '{}': {error}", domain.name)),
        }
    }
    Ok(report)
}

/// The records kept here. One that cannot be read counts for none, as when the guest arrives; that is said.
fn known_records(records: &RecordStore) -> Option<Vec<ClockRecord>> {
    let known = records.all();
    let errors = known.as_ref().map_or_else(std::slice::from_ref, |(_, errors)| errors);
    errors.iter().for_each(|error| output::message(&format!("xenclock: warning: {error}")));
    known.ok().map(|(known, _)| known)
}

/// This host with one of its guests, whose record is this.
pub(super) fn with_guest(
    global: &Global,
    host: &dyn Host,
    domain: &DomainSummary,
    record: Option<&ClockRecord>,
) -> Result<(HostReport, GuestReport), Failure> {
    let facts = host.facts()?;
    let guest = GuestReport::of(host, domain, &facts, record)?;
    Ok((HostReport { guests: vec![guest.clone()], ..this_host(global, &facts)? }, guest))
}

fn record_of(records: &RecordStore, domain: &DomainSummary) -> Option<ClockRecord> {
    backend::record_of(records, domain.uuid)
}

/// The name of the machine; of a mock host its file's.
fn host_name(global: &Global) -> String {
    match &global.backend {
        Some(Backend::Mock(Some(file))) => stem(file),
        _ if backend::is_mock(global) => "mock".to_owned(),
        _ => std::fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_owned(),
    }
}

/// The command that reaches the other host.
const SSH: &str = "ssh";

/// Says that no host is asked.
fn say_no_host(preflight: &Preflight) {
    if preflight.ssh.is_some() {
        let why = "the files tell all that is known of the hosts, and no host is asked";
        output::message(&format!("xenclock: warning: -s has no effect here: {why}"));
    }
}

pub(super) fn run(global: &Global, preflight: &Preflight) -> Result<(), Failure> {
    let words: Vec<&OsStr> = preflight.what.iter().map(OsString::as_os_str).collect();
    let are_files = |words: &[&OsStr]| words.iter().all(|word| Path::new(word).is_file());
    match words[..] {
        _ if preflight.pool => pool(preflight, &words),
        [one, other] if are_files(&[one, other]) => {
            say_no_host(preflight);
            let hosts = read_all(&[one, other])?;
            let [from, to] = &hosts[..] else { return Ok(()) };
            let moves = from.guests.iter().map(|guest| separately(guest, from, to)).collect();
            tell(preflight, moves, None)
        }
        [domain, there] => {
            let not_text = || Failure::Usage("the names of the domain and the host must be UTF-8".to_owned());
            let words = (domain.to_str(), there.to_str());
            let (Some(domain), Some(there)) = words else { return Err(not_text()) };
            one(global, preflight, domain, there).map_err(|failure| match failure {
                Failure::Error(why) if why.starts_with("no domain ") => {
                    let why = host_reports::not_files([domain, there])
                        .map_or(why.clone(), |files| format!("{why}; {files}"));
                    Failure::Error(why)
                }
                other => other,
            })
        }
        _ => Err(Failure::Usage("expected DOMAIN HOST, FILE FILE or --pool FILE FILE ...".to_owned())),
    }
}

fn separately(guest: &GuestReport, from: &HostReport, to: &HostReport) -> Foresight {
    foresee(guest, from, to, MoveKind::Migration, Taken::Separately, &*backend::zones())
}

fn pool(preflight: &Preflight, files: &[&OsStr]) -> Result<(), Failure> {
    if files.len() < 2 {
        return Err(Failure::Usage("--pool: expected the files of two hosts or more".to_owned()));
    }
    say_no_host(preflight);
    let hosts = read_all(files)?;
    let mut moves = Vec::new();
    for (index, from) in hosts.iter().enumerate() {
        let others = || hosts.iter().enumerate().filter(move |(other, _)| *other != index);
        for guest in &from.guests {
            moves.extend(others().map(|(_, to)| separately(guest, from, to)));
        }
    }
    tell(preflight, moves, recommend(&hosts))
}

fn one(global: &Global, preflight: &Preflight, domain: &str, there: &str) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let records = backend::records(global);
    let domain = find(&*host, domain)?;
    let record = record_of(&records, &domain);
    let (from, guest) = with_guest(global, &*host, &domain, record.as_ref())?;
    let from = HostReport { records: Some(record.into_iter().collect()), ..from };
    let (foresight, _) = asked(&*host, &from, &guest, preflight.ssh.as_deref().unwrap_or(SSH), there)
        .map_err(|why| Failure::Error(format!("'{there}' is not known: {why}")))?;
    tell(preflight, vec![foresight], None)
}

/// The effect of a migration, as the other host tells it, with its report.
fn asked(
    host: &dyn Host,
    from: &HostReport,
    guest: &GuestReport,
    ssh: &str,
    there: &str,
) -> Result<(Foresight, HostReport), String> {
    let answer = remote::ask(host, ssh, there)?;
    let from = HostReport { now: answer.now, ..from.clone() };
    let taken = Taken::Together(answer.precision);
    let foresight = foresee(guest, &from, &answer.report, MoveKind::Migration, taken, &*backend::zones());
    Ok((foresight, answer.report))
}

/// How to send a guest all the same.
const FORCE: &str = "-f migrates it anyway";

/// Checks that a guest may be sent: the migration's effect is printed, and one that breaks its clock is refused
/// without -f.
pub(super) fn before_sending(
    global: &Global,
    host: &dyn Host,
    outgoing: &Outgoing,
    config_given: bool,
    (ssh, there): (&str, &str),
) -> Result<Sender, Failure> {
    let domain = &outgoing.domain;
    let (from, guest) = with_guest(global, host, domain, Some(&outgoing.record))?;
    let known = HostReport { records: Some(vec![outgoing.record.clone()]), ..from.clone() };
    let told = match asked(host, &known, &guest, ssh, there) {
        Ok((foresight, to)) => {
            say(global, &foresight)?;
            // A later request there counts instead.
            let counts = foresight.effects.iter().all(|effect| effect.effect != REQUEST_THERE);
            if config_given && counts {
                say_next_tsc(&guest, &foresight.tsc.after, &outgoing.record, &to);
            }
            refuse_harm(global, &foresight, "migrated", FORCE)?;
            true
        }
        Err(why) => {
            output::message(&format!(
                "xenclock: warning: the effect of the move on the clock of '{}' is not known: {why}",
                domain.name
            ));
            // What harms it on any other host, even on one like this.
            let like_this = HostReport { host: String::new(), guests: Vec::new(), ..from.clone() };
            let foresight =
                foresee(&guest, &from, &like_this, MoveKind::Migration, Taken::AtAnyTime, &*backend::zones());
            if config_given {
                output::message(&format!(
                    "xenclock: the TSC of '{}' stays as the move makes it until its next start: the config has no effect on \
                     it before",
                    domain.name
                ));
            }
            if global.dry_run {
                output::text(&lines_of_unknown(&foresight))?;
            } else if foresight.severity == Severity::Harm {
                output::lines(lines_of_unknown(&foresight).trim_end());
            }
            refuse_harm(global, &foresight, "migrated", FORCE)?;
            false
        }
    };
    Ok(Sender { host: from, forced: global.force, told })
}

/// Says of a guest that goes on with another config what its TSC is until its next start on this host, and what from then on.
pub(super) fn say_next_tsc(guest: &GuestReport, tsc: &GuestTsc, record: &ClockRecord, host: &HostReport) {
    let GuestTsc { mode, khz, behaviour, .. } = tsc;
    if let Some(next) = next_tsc(&record.request.clock, guest.kind, (mode.as_str(), *khz), &host.tsc()) {
        output::message(&format!(
            "xenclock: the TSC of '{}' stays as it is, mode {} at {khz}, {}, until its next start: that has {next}, as \
             requested",
            guest.name,
            mode.as_str(),
            behaviour.as_str()
        ));
    }
}

/// A guest that would be saved: says what a restore on this host does to its clock.
pub(super) fn before_saving(global: &Global, from: &HostReport, guest: &GuestReport) -> Result<(), Failure> {
    say(global, &foresee(guest, from, from, MoveKind::Restore, Taken::AtAnyTime, &*backend::zones()))
}

/// A guest that is to come in, by what came with it before its stream: what that does to its clock is said, and what
/// breaks it is refused without -f. Of a guest that stock xl has sent only the config is known so far.
pub(super) fn before_taking(
    global: &Global,
    transfer: &Transfer<'_>,
    header: &Header,
    config: &DomainConfig,
    requested: Option<&GuestClock>,
    how: MoveKind,
) -> Result<(), Failure> {
    let facts = transfer.host.facts()?;
    let here = this_host(global, &facts)?;
    let record = transfer.expected(header, config, requested)?;
    if let Some((sender, guest)) = known_sender(header) {
        let guest = guest.with_record(&record);
        let from = HostReport { records: Some(vec![record.clone()]), ..sender.host };
        let foresight = foresee(&guest, &from, &here, how, Taken::AtAnyTime, transfer.zones);
        if how == MoveKind::Restore || !sender.told {
            say(global, &foresight)?;
        }
        if requested.is_some() {
            say_next_tsc(&guest, &foresight.tsc.after, &record, &here);
        }
        let forced = how == MoveKind::Migration && sender.forced;
        return if forced { Ok(()) } else { refuse_taking(global, &foresight, how) };
    }
    let domain = DomainSummary::new(DomId(0), config.name(), record.uuid, config.kind());
    let mode = config.b_info.tsc_mode.unwrap_or(TscMode::Default).number();
    let info = TscInfo { mode, elapsed_ns: 0, khz: 0, incarnation: 0 };
    let guest = GuestReport::from_parts(&domain, config, &info, &facts, Some(&record));
    let foresight = foresee(&guest, &here, &here, how, Taken::AtAnyTime, transfer.zones);
    if global.dry_run {
        output::message(&format!(
            "xenclock: '{}' was not saved by xenclock: the frequency of its TSC is in the stream, and is known only after the restore",
            domain.name
        ));
    }
    refuse_taking(global, &foresight, how)
}

/// A guest that stock xl has sent, and that is here and has not run: as [`before_taking`], by what Xen has of it.
pub(super) fn after_taking(
    global: &Global,
    host: &dyn Host,
    records: &RecordStore,
    header: &Header,
    (domid, name): (DomId, &str),
    (how, config_given): (MoveKind, bool),
) -> Result<(), Failure> {
    if known_sender(header).is_some() {
        return Ok(());
    }
    let found = host.domains()?.into_iter().find(|domain| domain.domid == domid);
    let Some(domain) = found else { return Ok(()) };
    let record = record_of(records, &domain);
    let (here, guest) = with_guest(global, host, &domain, record.as_ref())?;
    // Of the domains here it is the one that comes, and it has not got its name yet.
    let here = HostReport { guests: Vec::new(), ..here };
    let guest = GuestReport { name: name.to_owned(), ..guest };
    // As on a host of the guest's own frequency, for most guests were born on one. In mode native it counts at this host's.
    let cpu_khz = match guest.tsc.mode {
        TscMode::Native => guest.tsc.birth_khz.unwrap_or(guest.tsc.khz),
        TscMode::Default | TscMode::AlwaysEmulate => guest.tsc.khz,
    };
    let from = HostReport { host: String::new(), cpu_khz, tsc_scaling: Some(false), ..here.clone() };
    let foresight = foresee(&guest, &from, &here, how, Taken::AtAnyTime, &*backend::zones());
    say(global, &foresight)?;
    if let Some(record) = record.filter(|_| config_given) {
        say_next_tsc(&guest, &foresight.tsc.after, &record, &here);
    }
    refuse_taking(global, &foresight, how)
}

fn refuse_taking(global: &Global, foresight: &Foresight, how: MoveKind) -> Result<(), Failure> {
    match how {
        MoveKind::Restore => refuse_harm(global, foresight, "restored", "-f restores it anyway"),
        MoveKind::Migration => refuse_harm(
            global,
            foresight,
            "received",
            "the sender can move it anyway with xenclock -f migrate, or with xl migrate -s '' DOMAIN 'ssh HOST xl -f \
             migrate-receive'",
        ),
    }
}

fn known_sender(header: &Header) -> Option<(Sender, GuestReport)> {
    let sender = sender_in(header)?;
    let guest = sender.host.guests.first()?.clone();
    Some((sender, guest))
}

/// Makes the TSC of a guest native that is here and has not run, where that is tolerated, and says so.
pub(super) fn make_native(
    global: &Global,
    transfer: &Transfer<'_>,
    incoming: &Incoming,
    name: &str,
) -> Result<(), Failure> {
    match transfer.tolerate(incoming, backend::tsc_tolerance(global)?) {
        Ok(Outcome::AsItIs) => {}
        Ok(Outcome::Native(MadeNative { from, khz, birth, off, .. })) => output::message(&format!(
            "xenclock: the TSC of '{name}' is native at {khz} instead of emulated at {from}, {off} from its initial {birth}"
        )),
        Ok(Outcome::Left(why)) => {
            output::message(&format!("xenclock: warning: the TSC of '{name}' is left as Xen set it: {why}"));
        }
        Err(error) => output::message(&format!("xenclock: warning: {error}")),
    }
    Ok(())
}

/// Says what a move does, where it does something or more is asked for; with -N that is data.
fn say(global: &Global, foresight: &Foresight) -> Result<(), Failure> {
    if global.dry_run {
        return output::text(&lines(foresight));
    }
    if foresight.severity > Severity::Fine || global.verbose > 0 {
        output::lines(lines(foresight).trim_end());
    }
    Ok(())
}

/// Refuses what breaks the guest's clock, but with -f.
fn refuse_harm(global: &Global, foresight: &Foresight, done: &str, way: &str) -> Result<(), Failure> {
    if foresight.severity < Severity::Harm || global.force {
        return Ok(());
    }
    let harms = foresight.effects.iter().filter(|effect| effect.severity == Severity::Harm);
    let words: Vec<_> = harms.map(|effect| effect.effect).collect();
    Err(Failure::Error(format!(
        "'{}' was not {done}, because of {}; {way}",
        foresight.name,
        words.join(", ")
    )))
}

fn tell(preflight: &Preflight, moves: Vec<Foresight>, pool: Option<Recommendation>) -> Result<(), Failure> {
    let severity = moves.iter().map(|foresight| foresight.severity).max().unwrap_or_default();
    if preflight.json {
        output::json(&json!({ "severity": severity, "moves": moves, "pool": pool }))?;
        return status(severity);
    }
    let mut text = String::new();
    if moves.is_empty() {
        text.push_str("no guests\n");
    }
    for foresight in &moves {
        text.push_str(&lines(foresight));
    }
    if let Some(pool) = pool {
        text.push_str(&pool_lines(&pool));
    }
    output::text(&text)?;
    status(severity)
}

fn lines(foresight: &Foresight) -> String {
    let Foresight { domid, name, kind, from, to, severity, tsc, effects, .. } = foresight;
    let says = match severity {
        Severity::Fine => "harmless for the guest",
        Severity::Change => "the guest notices the move",
        Severity::Harm => "refused without -f",
    };
    let named =
        |host: &str| if host.is_empty() { "another host".to_owned() } else { shown(host).into_owned() };
    let name = shown(name);
    let mut text =
        format!("{name} (domain {domid}, {}) from {} to {}: {says}\n", kind.as_str(), named(from), named(to));
    let state = |khz: timers::KiloHertz, behaviour: Behaviour| format!("{khz}, {}", behaviour.as_str());
    let before = state(tsc.before.khz, tsc.before.behaviour);
    let after = state(tsc.after.khz, tsc.after.behaviour);
    let off = if tsc.off.is_zero() { String::new() } else { format!(" ({})", tsc.off) };
    let _ = writeln!(text, "  {:<9} {before} -> {after}{off}", "TSC");
    let _ = writeln!(text, "  {:<9} {}", "why", shown(&tsc.after.why));
    for effect in effects {
        let label = match effect.severity {
            Severity::Fine => "also",
            Severity::Change => "changes",
            Severity::Harm => "wrong",
        };
        let _ = writeln!(text, "  {label:<9} {}: {}", effect.effect, shown(&effect.text));
    }
    text
}

/// A move to a host of which nothing is known, as far as it does not depend on that.
fn lines_of_unknown(foresight: &Foresight) -> String {
    let Foresight { domid, name, kind, from, severity, tsc, effects, .. } = foresight;
    let harms = *severity == Severity::Harm;
    let says = if harms { "refused without -f" } else { "the effect on its clock is not known" };
    let (name, from) = (shown(name), shown(from));
    let mut text =
        format!("{name} (domain {domid}, {}) from {from} to another host: {says}\n", kind.as_str());
    let _ =
        writeln!(text, "  {:<9} {}, {} -> not known", "TSC", tsc.before.khz, tsc.before.behaviour.as_str());
    for effect in effects.iter().filter(|effect| effect.severity == Severity::Harm) {
        let _ = writeln!(text, "  {:<9} {}: {}", "wrong", effect.effect, shown(&effect.text));
    }
    text
}

fn pool_lines(pool: &Recommendation) -> String {
    let mut text =
        format!("one TSC frequency for all hosts: clock_tsc_frequency={}\n", pool.clock_tsc_frequency.0);
    for host in &pool.hosts {
        let name = if host.host.is_empty() { "?".into() } else { shown(&host.host) };
        let _ = writeln!(
            text,
            "  {name:<16} {:<11} {:<9} {}",
            host.cpu_khz.to_string(),
            host.behaviour.as_str(),
            shown(&host.why)
        );
    }
    if !pool.spread.is_zero() {
        let _ = writeln!(text, "the hosts' own frequencies are {} ppm apart", pool.spread.ppm());
    }
    if let Some(tolerance) = pool.clock_tsc_tolerance {
        let _ = writeln!(
            text,
            "or leave out the frequency (xenclock clock-set DOMAIN --unset clock_tsc_frequency), and set clock_tsc_tolerance={}: no guest's TSC is then emulated on these hosts",
            tolerance.ppm()
        );
    }
    text
}
