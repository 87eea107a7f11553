//! What of a file with a line that nobody can read does not depend on that line.
//!
//! Such a line may give a key any value. What is said of the rest of the file whatever that value is has nothing to do
//! with the line. So the file is read without the line and with some values of its key, which differ in all that other
//! findings are about, and only what each of these readings has is said.

use super::keys::{self, Key, Takes};
use super::parse::{lost::MOST_KEYS, parse};
use super::suggest::Unit;
use super::{Cfg, Setting};

/// Keys that other findings depend on and that take no number, with values of them.
const SAMPLES: [(&str, &[&str]); 26] = [
    ("altp2m", &["'mixed'", "'external'"]),
    ("bios", &["'seabios'", "'ovmf'", "'rombios'"]),
    ("boot", &["'c'", "'d'", "'n'"]),
    ("builder", &["'hvm'", "'generic'"]),
    ("clock_basis", &["'utc'", "'localtime'"]),
    ("clock_offset", &["'utc'", "'localtime'", "'variable'", "'timezone'", "'absolute'"]),
    ("clock_timers", &["[ 'name=hpet,present=no' ]", "[ 'name=tsc,mode=emulate' ]"]),
    ("clock_timezone", &["'UTC'"]),
    ("device_model_version", &["'qemu-xen'", "'qemu-xen-traditional'", "'none'"]),
    ("disk", &["[ '/a,raw,hda,w' ]", "[ '/a,raw,hdc,cdrom' ]", "[ '/a,raw,xvda,w' ]"]),
    ("firmware", &["'bios'", "'uefi'", "'pvgrub32'"]),
    ("gic_version", &["'v2'", "'v3'"]),
    ("maxvcpus", &["1", "8", "512"]),
    ("passthrough", &["'disabled'", "'enabled'", "'share_pt'"]),
    ("pci", &["[ '00:01.0' ]"]),
    ("timer_mode", &["'delay_for_missed_ticks'", "'no_missed_ticks_pending'"]),
    ("tsc_mode", &["'default'", "'always_emulate'", "'native'", "'native_paravirt'"]),
    ("type", &["'hvm'", "'pv'", "'pvh'"]),
    ("usbctrl", &["[ 'version=2' ]", "[ 'version=3,ports=8' ]"]),
    ("usbdev", &["[ 'hostbus=1,hostaddr=1' ]"]),
    ("usbdevice", &["'tablet'", "[ 'tablet', 'mouse' ]"]),
    ("vcpus", &["1", "2", "128", "512"]),
    ("vfb", &["[ 'vnc=1' ]", "[ 'sdl=1' ]"]),
    ("vga", &["'none'", "'stdvga'", "'cirrus'", "'qxl'"]),
    ("vif", &["[ '' ]", "[ 'bridge=a', 'model=e1000' ]"]),
    ("vnuma", &["[ [ 'pnode=0', 'size=64', 'vcpus=0' ] ]"]),
];

/// Values of a key, as they are written.
fn samples(key: &Key) -> &'static [&'static str] {
    if let Ok(at) = SAMPLES.binary_search_by(|(name, _)| (*name).cmp(key.name)) {
        return SAMPLES.get(at).map(|(_, values)| *values).unwrap_or_default();
    }
    match key.takes {
        Takes::Entries => &["[ 'x=1' ]"],
        Takes::Text(_) => &["'x'"],
        Takes::Flag(_) => &["0", "1"],
        _ if key.unit == Unit::Flag => &["0", "1"],
        Takes::Number(_) => &["1", "64", "65536"],
        Takes::Own if key.unit != Unit::Plain => &["1", "64", "65536"],
        Takes::Own => &["1", "'x'", "[ 'x' ]"],
    }
}

/// The settings of which each makes another reading of a file.
pub fn of(cfg: &Cfg) -> Vec<Setting> {
    let mut all = Vec::new();
    if cfg.unread.lost {
        return all;
    }
    for (name, bytes) in &cfg.unread.keys {
        // Another line counts, whatever this one has.
        let is_later =
            |later: &Setting| later.name == *name && !later.added && later.key_span.start >= bytes.end;
        if cfg.settings.iter().any(is_later) {
            continue;
        }
        for value in keys::find(name).map(samples).unwrap_or_default() {
            let read = parse("", format!("{name} = {value}\n").as_bytes());
            let setting = read.ok().and_then(|mut read| read.settings.pop());
            all.extend(setting.map(|mut setting| {
                setting.key_span = bytes.clone();
                setting.value.span = bytes.clone();
                setting
            }));
        }
    }
    all
}

impl Cfg {
    /// Takes away settings that are read as remedies have them, where something is wrong with those at these places: no
    /// value of them is known.
    pub(super) fn give_up(&mut self, wrong: &[usize]) {
        for bytes in std::mem::take(&mut self.unread.mended) {
            let shown = self.shown.span(&bytes);
            let before = self.settings.len();
            let is_open = |setting: &Setting| {
                bytes.contains(&setting.key_span.start) && wrong.iter().any(|place| shown.contains(place))
            };
            while let Some(index) = self.settings.iter().position(is_open) {
                let given_up = self.settings.remove(index);
                let key = keys::find(&given_up.name).map(|key| (key.name, bytes.clone()));
                self.unread.keys.extend(key);
                for setting in &mut self.settings {
                    setting.followed_by = match setting.followed_by {
                        Some(later) if later == index => given_up.followed_by,
                        later => later,
                    };
                    setting.followed_by = setting.followed_by.map(|later| later - usize::from(later > index));
                }
            }
            if self.settings.len() == before {
                self.unread.mended.push(bytes);
            }
        }
        self.unread.lost |= self.unread.keys.len() > MOST_KEYS;
    }

    /// The file with one more setting.
    pub(super) fn with(&self, setting: Setting) -> Cfg {
        let mut cfg = self.clone();
        let index = cfg.settings.len();
        if let Some(before) = cfg.settings.iter_mut().rfind(|before| before.name == setting.name) {
            before.followed_by = Some(index);
        }
        cfg.settings.push(setting);
        cfg
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn every_key_has_values() {
        assert!(SAMPLES.is_sorted_by(|a, b| a.0 < b.0), "the table is searched by halves");
        for (name, _) in SAMPLES {
            assert!(keys::find(name).is_some(), "{name}");
        }
        for key in KEYS {
            for value in samples(key) {
                let read = parse("", format!("{} = {value}\n", key.name).as_bytes()).unwrap();
                assert_eq!(read.settings.len(), 1, "{} = {value}", key.name);
            }
        }
    }
}
