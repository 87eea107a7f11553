//! Writes an xl.cfg that stock xl reads and that people can read.
//!
//! The grammar is libxlu_cfg_y.y; [`super::value`] writes values. Each structure of the config is destructured
//! completely, so that a field that nobody writes does not compile. Fields that xl.cfg cannot express are returned.

mod build;
mod cpus;
mod devices;
mod disks;
mod entry;
mod guest;
mod hvm;
mod nics;
mod own;
mod passthrough;
mod sound;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use own::of_others;

use super::clock_keys;
use super::value::Value;
use crate::diag::{Finding, Report, grouped, shown};
use crate::domain::config::{DomainConfig, Rest};
use crate::domain::release::{self, Known, XenVersion};
use crate::domain::{Defbool, Domain, Notes};

/// An xl.cfg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// The settings that it lacks or changes.
    pub unsaid: Vec<Unsaid>,
}

/// A field of the config that is not in the file as it stands in the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaid {
    /// Its path in libxl's JSON: `b_info.sched_params.budget`, `disks[0].removable`.
    pub path: String,
    /// The finding.
    pub finding: Finding,
}

/// Writes a domain whose config already holds the clock's plain part (see `domain::project`), for the xl of a release.
///
/// `report` gives the comments: what is not carried over, and why.
#[must_use]
pub fn write(domain: &Domain, config: &DomainConfig, report: &Report, release: XenVersion) -> Written {
    let mut out = Writer { sections: Default::default(), unsaid: Vec::new(), release };
    out.config(config);
    out.clock_keys(domain, config);
    let mut text = notes(&domain.notes);
    for (place, section) in out.sections.iter().enumerate() {
        if ![Section::Model, Section::Devices].iter().any(|section| *section as usize == place) {
            gap(&mut text);
        }
        text.push_str(section);
    }
    losses(&mut text, report, &out.unsaid);
    text.truncate(text.trim_end().len());
    text.push('\n');
    Written { text, unsaid: out.unsaid }
}

/// The groups of the file, in its order.
#[derive(Clone, Copy, Debug)]
enum Section {
    /// The kind of the guest, its memory and vCPUs.
    General,
    /// The place and the abilities of its vCPUs.
    Cpus,
    /// The boot order and the firmware.
    Boot,
    /// The device model, in one paragraph with the firmware.
    Model,
    Clock,
    /// The actions at its end.
    Ends,
    /// Displays, sound, input, serial ports.
    Screen,
    /// Paravirtual and emulated devices, in one paragraph with the displays.
    Devices,
    /// Devices of the host.
    Passthrough,
    /// Labels, xenstore, tracing.
    Xen,
}

const SECTIONS: usize = Section::Xen as usize + 1;

struct Writer {
    sections: [String; SECTIONS],
    unsaid: Vec<Unsaid>,
    release: XenVersion,
}

impl Writer {
    /// Writes a setting, where the release's xl knows its key.
    fn set(&mut self, section: Section, key: &str, value: impl Into<Value>) {
        if let Some(known) = release::key(key).filter(|known| !known.by(self.release)) {
            let reason = self.other_release(&format!("the key {key}"), known);
            return self.unsaid(key, Finding::unsupported("other-xen", reason));
        }
        let section = &mut self.sections[section as usize];
        section.push_str(key);
        section.push_str(" = ");
        value.into().write_to(section);
        section.push('\n');
    }

    /// Writes a word, where the release's xl knows it.
    fn word(&mut self, section: Section, key: &str, word: &str) {
        match release::word(key, word).filter(|known| !known.by(self.release)) {
            Some(known) if release::key(key) != Some(known) => {
                let reason = self.other_release(&format!("{word} as {key}"), known);
                self.unsaid(key, Finding::unsupported("other-xen", reason));
            }
            _ => self.set(section, key, word),
        }
    }

    fn other_release(&self, what: &str, known: Known) -> String {
        format!("xl of Xen {} does not know {what}, which exists {known}", self.release)
    }

    fn maybe<V: Into<Value>>(&mut self, section: Section, key: &str, value: Option<V>) {
        if let Some(value) = value {
            self.set(section, key, value);
        }
    }

    fn flag(&mut self, section: Section, key: &str, value: Option<Defbool>) {
        self.maybe(section, key, value);
    }

    /// A number whose default is zero.
    fn number(&mut self, section: Section, key: &str, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.set(section, key, number);
        }
    }

    fn text(&mut self, section: Section, key: &str, path: &str, text: Option<&String>) {
        if let Some(text) = text {
            match text.contains('\0') {
                true => self.lost(path, "a string in xl.cfg cannot contain a NUL byte"),
                false => self.set(section, key, text.as_str()),
            }
        }
    }

    fn texts(&mut self, section: Section, key: &str, path: &str, texts: &[String]) {
        if texts.iter().any(|text| text.contains('\0')) {
            self.lost(path, "a string in xl.cfg cannot contain a NUL byte");
        } else if !texts.is_empty() {
            self.set(section, key, texts);
        }
    }

    /// An amount of memory, which xl.cfg has in MiB.
    fn memory(&mut self, section: Section, key: &str, path: &str, kib: Option<u64>) {
        let Some(kib) = kib else { return };
        // xl multiplies a number of 64 bits with a sign.
        if kib > i64::MAX as u64 {
            return self.lost(path, "xl does not accept this amount of memory");
        }
        if kib % 1024 != 0 {
            let reason = format!("xl counts in MiB: {kib} KiB become {} MiB", kib / 1024);
            self.nearest(path, reason);
        }
        self.set(section, key, kib / 1024);
    }

    fn unsaid(&mut self, path: impl Into<String>, finding: Finding) {
        self.unsaid.push(Unsaid { path: path.into(), finding });
    }

    /// xl.cfg has no word for a field.
    fn lost(&mut self, path: impl Into<String>, reason: impl Into<Cow<'static, str>>) {
        self.unsaid(path, Finding::unsupported("not-in-xl-cfg", reason));
    }

    /// xl.cfg has no key for a field that is set.
    fn no_key(&mut self, path: impl Into<String>, is_set: bool) {
        if is_set {
            self.lost(path, "xl.cfg has no key for it");
        }
    }

    /// The file says something near.
    fn nearest(&mut self, path: impl Into<String>, reason: impl Into<Cow<'static, str>>) {
        self.unsaid(path, Finding::approximated("near-in-xl-cfg", reason));
    }

    /// The file says something else that means the same.
    fn same(&mut self, path: impl Into<String>, reason: impl Into<Cow<'static, str>>) {
        self.unsaid(path, Finding::no_effect("same-in-xl-cfg", reason));
    }

    /// Hands back the fields that only a newer libxl has.
    fn rest(&mut self, path: &str, rest: &Rest) {
        for key in rest.keys() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let reason = "a field or a value of a newer libxl, for which xenclock knows no key";
            self.unsaid(path, Finding::unsupported("unknown-to-us", reason));
        }
    }

    fn clock_keys(&mut self, domain: &Domain, config: &DomainConfig) {
        let keys = clock_keys::keys(&domain.clock, config.kind());
        let clock = &mut self.sections[Section::Clock as usize];
        if !keys.is_empty() {
            comment(clock, own::CLOCK_KEYS);
        }
        for (key, value) in keys {
            self.set(Section::Clock, key, value);
        }
        let clock = &mut self.sections[Section::Clock as usize];
        if !clock.is_empty() {
            clock.insert_str(0, &format!("# {}\n", own::CLOCK));
        }
    }
}

fn comment(out: &mut String, text: &str) {
    for line in text.lines() {
        let line = line.trim_end();
        let line = if line.contains('\t') { line.replace('\t', " ").into() } else { Cow::Borrowed(line) };
        let line = shown(&line);
        out.push_str(if line.is_empty() { "#" } else { "# " });
        out.push_str(&line);
        out.push('\n');
    }
}

/// Ends a group, unless it is empty.
fn gap(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

fn notes(notes: &Notes) -> String {
    let mut out = String::new();
    for (name, text) in [("title", &notes.title), ("description", &notes.description)] {
        if let Some(text) = text {
            comment(&mut out, &format!("{name}: {text}"));
        }
    }
    if let Some(metadata) = &notes.metadata {
        comment(&mut out, metadata);
    }
    notes.comments.iter().for_each(|text| comment(&mut out, text));
    gap(&mut out);
    out
}

/// Writes the losses and their remedies, for those who read the file and not the messages.
fn losses(out: &mut String, report: &Report, unsaid: &[Unsaid]) {
    let groups = grouped(report.losses());
    let of_input = groups.iter().map(|group| (group.lines(), &group.first.finding));
    let of_config = unsaid.iter().map(|Unsaid { path, finding }| (path.clone(), finding));
    let lines: Vec<_> = of_input.chain(of_config.filter(|(_, finding)| finding.verdict.is_loss())).collect();
    if lines.is_empty() {
        return;
    }
    gap(out);
    comment(out, own::LOSSES);
    for (place, finding) in lines {
        comment(out, &format!("  {}{}", own::loss(&place, finding.verdict), shown(&finding.reason)));
        if let Some(alternative) = &finding.alternative {
            comment(out, &format!("    {}{}", own::INSTEAD, shown(alternative)));
        }
    }
}
