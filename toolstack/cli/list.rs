//! `xenclock list`: the same columns and JSON as xl, byte for byte.

use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use super::args::{Global, List};
use super::backend;
use super::output::{self, Failure};
use xenclock::convert::libxl_json;
use xenclock::diag::shown;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, DomainInfo, ErrorKind, Host, ShutdownReason};

/// An element of the JSON that `-l` prints.
#[derive(Serialize)]
struct Detail {
    domid: DomId,
    config: DomainConfig,
}

pub(super) fn run(global: &Global, list: &List) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let infos = chosen(host.domain_infos()?, &list.domains)?;
    if list.json {
        let guests = |info: &&DomainInfo| !list.domains.is_empty() || info.summary.domid != DomId(0);
        return output::json(&json!(infos.iter().filter(guests).collect::<Vec<_>>()));
    }
    if list.long { details(&*host, &infos) } else { output::data(&table(&*host, list, &infos)?) }
}

/// The domains that are asked for, in the order in which they are named.
fn chosen(infos: Vec<DomainInfo>, wanted: &[String]) -> Result<Vec<DomainInfo>, Failure> {
    if wanted.is_empty() {
        return Ok(infos);
    }
    let find = |word: &String| {
        let is_it = |info: &&DomainInfo| match backend::is_domid(word) {
            true => word.parse() == Ok(info.summary.domid.0),
            false => info.summary.name == *word,
        };
        let found = infos.iter().find(is_it).cloned();
        found.ok_or_else(|| Failure::Error(format!("no domain '{word}'; xenclock list shows all domains")))
    };
    wanted.iter().map(find).collect()
}

/// `xenclock domid`: the number of a name, which may be made of digits.
pub(super) fn domid(global: &Global, name: &str) -> Result<(), Failure> {
    let domains = backend::open(global)?.domains()?;
    let found = domains.iter().find(|domain| domain.name == name);
    let none = || Failure::Error(format!("no domain is named '{name}'; xenclock list shows all domains"));
    output::data(&format!("{}\n", found.ok_or_else(none)?.domid))
}

/// `xenclock domname`
pub(super) fn domname(global: &Global, domid: &str) -> Result<(), Failure> {
    let number = domid.parse().map(DomId);
    let number = number.map_err(|_| Failure::Error(format!("'{domid}' is not a domain ID")))?;
    let domains = backend::open(global)?.domains()?;
    let found = domains.iter().find(|domain| domain.domid == number);
    let none = || Failure::Error(format!("no domain has the ID {number}; xenclock list shows all domains"));
    output::text(&format!("{}\n", found.ok_or_else(none)?.name))
}

/// As `xl list -l`: domains of which no configuration is known are passed over.
fn details(host: &dyn Host, infos: &[DomainInfo]) -> Result<(), Failure> {
    let mut details = Vec::new();
    for DomainInfo { summary, .. } in infos {
        match host.stored_config(summary.domid) {
            Ok(config) => details.push(Detail { domid: summary.domid, config }),
            Err(error) if error.kind == ErrorKind::Permission => return Err(error.into()),
            Err(_) => {}
        }
    }
    let text = libxl_json(&details).map_err(|error| Failure::Error(error.to_string()))?;
    // xl ends what libxl has written with a line end of its own.
    output::data(&format!("{text}\n"))
}

/// Names and labels, which come from outside, are escaped one by one: the head has tabs.
fn table(host: &dyn Host, list: &List, infos: &[DomainInfo]) -> Result<String, Failure> {
    let mut text = "Name                                        ID   Mem VCPUs\tState\tTime(s)".to_owned();
    let columns = [
        (list.verbose, "   UUID                            Reason-Code\tSecurity Label"),
        (list.context && !list.verbose, "   Security Label"),
        (list.cpupool, "         Cpupool"),
        (list.numa, " NODE Affinity"),
    ];
    columns.iter().filter(|(wanted, _)| *wanted).for_each(|(_, title)| text.push_str(title));
    text.push('\n');
    for info in infos {
        text.push_str(&line(host, list, info)?);
        text.push('\n');
    }
    Ok(text)
}

fn line(host: &dyn Host, list: &List, info: &DomainInfo) -> Result<String, Failure> {
    let DomainInfo { summary, flags, .. } = info;
    // A domain of which xenstore knows nothing has no name, and that is C's word for it.
    let name = if summary.name.is_empty() { "(null)".into() } else { shown(&summary.name) };
    let letter = |set: bool, letter: char| if set { letter } else { '-' };
    let state: String = [
        letter(flags.running, 'r'),
        letter(flags.blocked, 'b'),
        letter(flags.paused, 'p'),
        letter(flags.shutdown.is_some(), 's'),
        flags.shutdown.map_or('-', reason_letter),
        letter(flags.dying, 'd'),
    ]
    .into_iter()
    .collect();
    let memory_mb = (summary.memory_kb + info.outstanding_kb) / 1024;
    let mut line = format!(
        "{name:<40} {:>5} {memory_mb:>5} {:>5}     {state}  {:>8}",
        summary.domid.0,
        summary.vcpus,
        seconds(info.cpu_time_ns),
    );
    let label = info.security_label.as_deref().map_or("-".into(), shown);
    // Writing to a string does not fail.
    if list.verbose {
        let reason = flags.shutdown.map_or("-".to_owned(), |reason| format!("{:x}", reason_code(reason)));
        let _ = write!(line, " {} {reason:>8}", summary.uuid);
    }
    if list.verbose || list.context {
        let _ = write!(line, " {label:>16}");
    }
    if list.cpupool || list.numa {
        // A domain may end while it is listed.
        let placement = match host.placement(summary.domid) {
            Ok(placement) => Some(placement),
            Err(error) if error.kind == ErrorKind::Permission => return Err(error.into()),
            Err(_) => None,
        };
        if list.cpupool {
            let pool = placement.as_ref().map_or("(null)".into(), |placement| shown(&placement.cpupool));
            let _ = write!(line, "{pool:>16}");
        }
        if list.numa {
            let nodes = placement.map(|placement| placement.nodes).unwrap_or_default();
            let _ = write!(line, " {}", ranges(&nodes));
        }
    }
    Ok(line)
}

/// Tenths of a second, rounded as C rounds a `float`.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn seconds(nanoseconds: u64) -> String {
    format!("{:.1}", f64::from(nanoseconds as f32) / 1e9)
}

/// Xen's number of a reason, and xl's letter for it.
fn reason_code(reason: ShutdownReason) -> u32 {
    match reason {
        ShutdownReason::Poweroff => 0,
        ShutdownReason::Reboot => 1,
        ShutdownReason::Suspend => 2,
        ShutdownReason::Crash => 3,
        ShutdownReason::Watchdog => 4,
        ShutdownReason::SoftReset => 5,
    }
}

fn reason_letter(reason: ShutdownReason) -> char {
    match reason {
        ShutdownReason::Poweroff => '-',
        ShutdownReason::Reboot => 'r',
        ShutdownReason::Suspend => 's',
        ShutdownReason::Crash => 'c',
        ShutdownReason::Watchdog => 'w',
        ShutdownReason::SoftReset => 'S',
    }
}

/// Bits as xl prints them: `all`, `none`, or the ranges of those that are set.
fn ranges(bits: &[bool]) -> String {
    if !bits.contains(&true) {
        return "none".to_owned();
    }
    if !bits.contains(&false) {
        return "all".to_owned();
    }
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (index, _) in bits.iter().enumerate().filter(|(_, set)| **set) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => ranges.push((index, index)),
        }
    }
    let words = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_ranges() {
        for (bits, text) in [
            ("", "none"),
            ("00", "none"),
            ("1", "all"),
            ("111", "all"),
            ("100", "0"),
            ("0110", "1-2"),
            ("1011", "0,2-3"),
            ("01011001", "1,3-4,7"),
        ] {
            let bits: Vec<bool> = bits.bytes().map(|byte| byte == b'1').collect();
            assert_eq!(ranges(&bits), text);
        }
    }

    #[test]
    fn seconds_have_one_digit() {
        for (nanoseconds, text) in
            [(0, "0.0"), (49_000_000, "0.0"), (1_260_000_000, "1.3"), (4_294_967_300_000_000, "4294967.3")]
        {
            assert_eq!(seconds(nanoseconds), text);
        }
    }
}
