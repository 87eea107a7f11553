//! The facts of the host and of xl.conf that xl uses when it reads a file.

use super::read::{known_instead, no_number, no_text, not_utf8};
use super::{Cfg, Setting, parse};
use crate::diag::{Diagnostic, Errors, Finding};
use crate::domain::config::GenId;
use crate::domain::release::{self, Known, XenVersion};

/// The CPUs that are assumed where nobody says how many the host has: as many as Xen can be built for.
const MOST_CPUS: u32 = 4095;

/// The lock that every xl takes while it makes room in memory for a guest and starts it.
const LOCK_FILE: &str = "/var/lock/xl";

/// The host that a file is read for. What is not known is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XlHost {
    /// Its Xen; where it is not known, keys of all releases are taken, and what changed is as in Xen 4.17.
    pub release: Option<XenVersion>,
    /// How many CPUs it has.
    pub cpus: Option<u32>,
    /// The CPUs of each of its NUMA nodes.
    pub nodes: Option<Vec<Vec<u32>>>,
    /// A VM generation ID that no guest has had, for `ms_vm_genid = "generate"`.
    pub genid: GenId,
    /// The directory of its firmware, such as PV guests' GRUB.
    pub firmware_dir: String,
    /// Its `xl.conf`.
    pub conf: XlConf,
}

/// The settings of xl's own `xl.conf` that change what a guest gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XlConf {
    /// `vif.default.script`
    pub vif_script: Option<String>,
    /// `vif.default.bridge`
    pub vif_bridge: Option<String>,
    /// `vif.default.gatewaydev`
    pub vif_gatewaydev: Option<String>,
    /// `vif.default.backend`
    pub vif_backend: Option<String>,
    /// `blkdev_start`
    pub blkdev_start: Option<String>,
    /// `run_hotplug_scripts`
    pub run_hotplug_scripts: bool,
    /// `claim_mode`
    pub claim_mode: bool,
    /// `max_grant_frames`
    pub max_grant_frames: Option<u32>,
    /// `max_maptrack_frames`
    pub max_maptrack_frames: Option<u32>,
    /// `max_grant_version`
    pub max_grant_version: Option<i32>,
    /// `bootloader_restrict`
    pub bootloader_restrict: Option<bool>,
    /// `autoballoon`
    pub autoballoon: Autoballoon,
    /// `lockfile`
    pub lockfile: String,
    /// `vm.cpumask`, `vm.hvm.cpumask` and `vm.pv.cpumask`
    pub cpu_masks: CpuMasks,
}

/// The rule by which dom0 gives up memory for a new guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autoballoon {
    /// It does.
    On,
    /// It does not.
    Off,
    /// It does where Xen was booted without `dom0_mem`.
    #[default]
    Auto,
}

/// CPUs that guests are kept to, as `xl.conf` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuMasks {
    /// All guests.
    pub all: Option<String>,
    /// HVM and PVH guests.
    pub hvm: Option<String>,
    /// PV guests.
    pub pv: Option<String>,
}

impl Default for XlHost {
    fn default() -> Self {
        XlHost {
            release: None,
            cpus: None,
            nodes: None,
            genid: GenId::default(),
            firmware_dir: "/usr/lib/xen/boot".to_owned(),
            conf: XlConf::default(),
        }
    }
}

impl XlHost {
    /// True if its Xen is of this release of Xen 4 or newer.
    pub(super) fn is_since(&self, minor: u32) -> bool {
        self.release.is_some_and(|release| release >= XenVersion { major: 4, minor })
    }

    /// True if its Xen is older than this release of Xen 4.
    pub(super) fn is_before(&self, minor: u32) -> bool {
        self.release.is_some_and(|release| release < XenVersion { major: 4, minor })
    }

    /// True if its Xen knows something, as far as is known.
    pub(super) fn knows(&self, known: impl FnOnce() -> Option<Known>) -> bool {
        self.release.is_none_or(|release| known().is_none_or(|known| known.by(release)))
    }

    /// True if its xl knows a setting in an entry of this list.
    pub(super) fn knows_setting(&self, list: &str, name: &str) -> bool {
        self.knows(|| release::setting(list, name))
    }

    /// True if its xl knows a word of this key, whatever its case.
    pub(super) fn knows_word(&self, key: &str, word: &str) -> bool {
        self.knows(|| release::word(key, &word.to_ascii_lowercase()))
    }

    /// How many CPUs a set of them has room for: libxl takes whole bytes.
    pub(super) fn cpu_bits(&self) -> u32 {
        self.cpus.unwrap_or(MOST_CPUS).div_ceil(8) * 8
    }
}

impl Default for XlConf {
    /// As without a file.
    fn default() -> Self {
        XlConf {
            vif_script: None,
            vif_bridge: None,
            vif_gatewaydev: None,
            vif_backend: None,
            blkdev_start: None,
            run_hotplug_scripts: true,
            claim_mode: true,
            max_grant_frames: None,
            max_maptrack_frames: None,
            max_grant_version: None,
            bootloader_restrict: None,
            autoballoon: Autoballoon::Auto,
            lockfile: LOCK_FILE.to_owned(),
            cpu_masks: CpuMasks::default(),
        }
    }
}

impl XlConf {
    /// Reads an `xl.conf`, whose grammar is that of an xl.cfg. Beside it are the values that xl ignores with a warning;
    /// their settings are as without a file.
    ///
    /// # Errors
    /// If xl refuses it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<(Self, Option<Errors>), Errors> {
        let cfg = parse(name, bytes)?;
        let mut conf = Conf { cfg: &cfg, errors: Vec::new(), ignored: Vec::new() };
        let settings = conf.settings();
        let Conf { errors, ignored, .. } = conf;
        match Errors::of(errors, cfg.source()) {
            Some(errors) => Err(errors),
            None => Ok((settings, Errors::of(ignored, cfg.source()))),
        }
    }
}

/// An `xl.conf` that is being read.
struct Conf<'a> {
    cfg: &'a Cfg,
    errors: Vec<Diagnostic>,
    ignored: Vec<Diagnostic>,
}

impl Conf<'_> {
    fn settings(&mut self) -> XlConf {
        XlConf {
            max_grant_frames: self.grants("max_grant_frames").map(i32::unsigned_abs),
            max_maptrack_frames: self.grants("max_maptrack_frames").map(i32::unsigned_abs),
            max_grant_version: self.grants("max_grant_version"),
            vif_script: self.newer_or_older("vif.default.script", "vifscript"),
            vif_bridge: self.newer_or_older("vif.default.bridge", "defaultbridge"),
            vif_gatewaydev: self.text("vif.default.gatewaydev"),
            vif_backend: self.text("vif.default.backend"),
            blkdev_start: self.text("blkdev_start"),
            run_hotplug_scripts: self.flag("run_hotplug_scripts").unwrap_or(true),
            claim_mode: self.flag("claim_mode").unwrap_or(true),
            bootloader_restrict: self.flag("bootloader_restrict"),
            autoballoon: self.autoballoon(),
            lockfile: self.text("lockfile").unwrap_or_else(|| LOCK_FILE.to_owned()),
            cpu_masks: CpuMasks {
                all: self.text("vm.cpumask"),
                hvm: self.text("vm.hvm.cpumask"),
                pv: self.text("vm.pv.cpumask"),
            },
        }
    }

    fn at(&self, setting: &Setting, finding: Finding) -> Diagnostic {
        self.cfg.at(&setting.value.span, &format!("/{}", setting.name), finding)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let setting = self.cfg.get(key)?;
        match setting.text().map(std::str::from_utf8) {
            Some(Ok(text)) => return Some(text.to_owned()),
            Some(Err(_)) => self.errors.push(self.at(setting, not_utf8())),
            None => self.ignored.push(self.at(setting, no_text(setting))),
        }
        None
    }

    fn newer_or_older(&mut self, newer: &str, older: &str) -> Option<String> {
        let (newer, older) = (self.text(newer), self.text(older));
        newer.or(older)
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        let setting = self.cfg.get(key)?;
        let number = setting.number();
        if number.is_none() {
            self.ignored.push(self.at(setting, no_number(setting)));
        }
        number.map(|number| number != 0)
    }

    /// Unlike other numbers, xl insists on these.
    fn grants(&mut self, key: &str) -> Option<i32> {
        let setting = self.cfg.get(key)?;
        let number =
            setting.number().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0);
        if number.is_none() {
            let finding =
                Finding::invalid("bad-value", format!("{key} is not a number from 0 to {}", i32::MAX));
            self.errors.push(self.at(setting, finding));
        }
        number
    }

    fn autoballoon(&mut self) -> Autoballoon {
        const KEY: &str = "autoballoon";
        match self.text(KEY).as_deref() {
            Some("on" | "1") => Autoballoon::On,
            Some("off" | "0") => Autoballoon::Off,
            None | Some("auto") => Autoballoon::Auto,
            Some(word) => {
                let reason =
                    format!("{KEY} is '{word}', expected on, off or auto; xl ignores it, which means auto");
                let finding = Finding::unsupported("bad-value", reason);
                let known = known_instead(word, &["on", "off", "auto"], "");
                let setting = self.cfg.get(KEY).map(|setting| self.at(setting, finding.instead(known)));
                self.ignored.extend(setting);
                Autoballoon::Auto
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::diag::render;

    #[test]
    fn an_xl_conf_changes_what_a_guest_gets() {
        let text = b"claim_mode = 0\ndefaultbridge=\"old\"\nvif.default.bridge=\"xenbr1\"\nmax_grant_frames=64\n# x\n";
        let (conf, ignored) = XlConf::read("xl.conf", text).unwrap();
        assert!(ignored.is_none(), "{ignored:?}");
        assert_eq!((conf.vif_bridge.as_deref(), conf.max_grant_frames), (Some("xenbr1"), Some(64)));
        assert!(!conf.claim_mode && conf.run_hotplug_scripts);
        assert_eq!((conf.autoballoon, conf.lockfile.as_str()), (Autoballoon::Auto, "/var/lock/xl"));
        let text = b"autoballoon=0\nlockfile=\"/run/xl\"\nvm.pv.cpumask=\"2-3\"\n";
        let (conf, ignored) = XlConf::read("xl.conf", text).unwrap();
        assert!(ignored.is_none(), "{ignored:?}");
        assert_eq!((conf.autoballoon, conf.lockfile.as_str()), (Autoballoon::Off, "/run/xl"));
        assert_eq!(conf.cpu_masks.pv.as_deref(), Some("2-3"));
        assert_eq!(XlConf::read("xl.conf", b"").unwrap().0, XlConf::default());
        for wrong in ["max_grant_frames=\"-1\"\n", "max_grant_version=[]\n", "claim_mode=yes\n"] {
            assert!(XlConf::read("xl.conf", wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_that_xl_ignores_is_reported() {
        for (text, reason) in [
            (
                "autoballoon=\"maybe\"\n",
                "xl.conf:1:13: unsupported: autoballoon is 'maybe', expected on, off or auto",
            ),
            ("autoballoon=\"ON\"\n", "instead: use one of on, off, auto"),
            ("autoballoon=2\n", "autoballoon is '2'"),
            ("autoballoon=[\"off\"]\n", "this is a list, and xl, which expects one value, ignores it"),
            ("\nlockfile=[]\n", "xl.conf:2:10: unsupported: this is a list"),
            ("claim_mode=\"yes\"\n", "xl does not read this as a number, and ignores it"),
            ("run_hotplug_scripts=\"off\"\n", "instead: give run_hotplug_scripts a number"),
            ("vifscript=[]\nvif.default.script=\"x\"\n", "this is a list"),
        ] {
            let (conf, ignored) = XlConf::read("xl.conf", text.as_bytes()).unwrap();
            let ignored = ignored.expect(text);
            let said: String = ignored.iter().map(|one| render::human(one, ignored.source())).collect();
            assert!(said.contains(reason), "{text}: {said}");
            if !text.contains("\"x\"") {
                assert_eq!(conf, XlConf::default(), "{text}");
            }
        }
        let wrong = XlConf::read("xl.conf", b"lockfile=\"/run/\xff\"\n").unwrap_err();
        assert_eq!(wrong.first().finding.code, "not-utf8");
    }
}
