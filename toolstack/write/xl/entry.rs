//! An entry of a list such as `disk` or `vif`: comma-separated settings.

use super::Writer;
use crate::diag::Finding;
use crate::domain::release;

/// An entry in the making.
pub(super) struct Entry<'w> {
    writer: &'w mut Writer,
    list: &'static str,
    /// The device's path in libxl's JSON.
    path: String,
    parts: Vec<String>,
    /// True if a value can stand in it.
    holds: fn(&str) -> bool,
    /// A value cannot: without it the device would be another.
    broken: bool,
}

impl<'w> Entry<'w> {
    pub(super) fn new(writer: &'w mut Writer, list: &'static str, path: String) -> Self {
        Entry {
            writer,
            list,
            path,
            parts: Vec::new(),
            holds: |value| !value.contains([',', '\0']),
            broken: false,
        }
    }

    /// An entry whose values must be such.
    pub(super) fn of_values(mut self, holds: fn(&str) -> bool) -> Self {
        self.holds = holds;
        self
    }

    /// The path of one of the device's fields.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    pub(super) fn writer(&mut self) -> &mut Writer {
        self.writer
    }

    /// `key=value`, of a field with a name of its own.
    pub(super) fn text_as(&mut self, key: &str, field: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        if !(self.holds)(value) {
            let reason =
                format!("'{}' is not a value that xl's {} can hold", value.escape_debug(), self.list);
            let path = self.at(field);
            self.broken = true;
            return self.writer.lost(path, reason);
        }
        self.put(key, &format!("{key}={value}"));
    }

    /// `key=value`.
    pub(super) fn text(&mut self, key: &str, value: Option<&String>) {
        self.text_as(key, key, value.map(String::as_str));
    }

    /// `key=number`, of a number whose default is zero.
    pub(super) fn number(&mut self, key: &str, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.put(key, &format!("{key}={number}"));
        }
    }

    /// A part as it is, for a setting of this name, where the release's xl knows it.
    pub(super) fn put(&mut self, key: &str, part: &str) {
        let known = release::setting(self.list, key).filter(|known| !known.by(self.writer.release));
        match known {
            Some(known) => {
                let reason = self.writer.other_release(&format!("{key} in {}", self.list), known);
                let path = self.at(&key.replace('-', "_"));
                self.writer.unsaid(path, Finding::unsupported("other-xen", reason));
            }
            None => self.parts.push(part.to_owned()),
        }
    }

    /// The domain that serves the device, where that is not dom0.
    pub(super) fn backend(&mut self, domid: u32, name: Option<&String>) {
        match name {
            Some(name) => {
                self.text_as("backend", "backend_domname", Some(name));
                if domid != 0 {
                    let path = self.at("backend_domid");
                    self.writer.same(path, "libxl uses the name");
                }
            }
            None if domid != 0 => self.backend_number(domid),
            None => {}
        }
    }

    /// The domain that serves the device, by its number.
    pub(super) fn backend_number(&mut self, domid: u32) {
        self.put("backend", &format!("backend={domid}"));
        let path = self.at("backend_dom");
        self.writer.same(path, "libxl finds a domain by its ID as well as by its name");
    }

    /// A device's number, which xl gives by its place in the list.
    pub(super) fn numbered(&mut self, devid: Option<u32>, place: usize) {
        if devid.is_some_and(|devid| u64::from(devid) != place as u64) {
            let path = self.at("devid");
            self.writer.nearest(path, format!("xl numbers devices in their order: it becomes {place}"));
        }
    }

    /// The entry; `None` where a text cannot be written and the device is left out.
    pub(super) fn written(self) -> Option<String> {
        if self.broken {
            self.writer.lost(self.path, "left out: without that setting it would be a different device");
            return None;
        }
        Some(self.parts.join(","))
    }

    /// The entry without the texts that cannot be written.
    pub(super) fn written_in_part(self) -> String {
        self.parts.join(",")
    }
}
