//! The facts of the host and of xl.conf that xl uses when it reads a file.

use super::{Setting, parse};
use crate::diag::{Errors, Finding};
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
    /// Reads an `xl.conf`, whose grammar is that of an xl.cfg.
    ///
    /// # Errors
    /// If xl refuses it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Errors> {
        let cfg = parse(name, bytes)?;
        let text = |key: &str| {
            let text = std::str::from_utf8(cfg.get(key)?.text()?).ok()?;
            Some(text.to_owned())
        };
        let number = |key: &str| cfg.get(key).and_then(Setting::number);
        let flag = |key: &str| number(key).map(|number| number != 0);
        let mut errors = Vec::new();
        let mut grants = |key: &str| {
            let setting = cfg.get(key)?;
            let number =
                setting.number().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0);
            if number.is_none() {
                let finding =
                    Finding::invalid("bad-value", format!("{key} is not a number from 0 to {}", i32::MAX));
                errors.push(cfg.at(&setting.value.span, &format!("/{key}"), finding));
            }
            number
        };
        let conf = XlConf {
            max_grant_frames: grants("max_grant_frames").map(i32::unsigned_abs),
            max_maptrack_frames: grants("max_maptrack_frames").map(i32::unsigned_abs),
            max_grant_version: grants("max_grant_version"),
            // The first of each two is the newer name.
            vif_script: text("vif.default.script").or_else(|| text("vifscript")),
            vif_bridge: text("vif.default.bridge").or_else(|| text("defaultbridge")),
            vif_gatewaydev: text("vif.default.gatewaydev"),
            vif_backend: text("vif.default.backend"),
            blkdev_start: text("blkdev_start"),
            run_hotplug_scripts: flag("run_hotplug_scripts").unwrap_or(true),
            claim_mode: flag("claim_mode").unwrap_or(true),
            bootloader_restrict: flag("bootloader_restrict"),
            // A word that xl does not know it complains of, and takes none.
            autoballoon: match text("autoballoon").as_deref() {
                Some("on" | "1") => Autoballoon::On,
                Some("off" | "0") => Autoballoon::Off,
                _ => Autoballoon::Auto,
            },
            lockfile: text("lockfile").unwrap_or_else(|| LOCK_FILE.to_owned()),
            cpu_masks: CpuMasks {
                all: text("vm.cpumask"),
                hvm: text("vm.hvm.cpumask"),
                pv: text("vm.pv.cpumask"),
            },
        };
        Errors::of(errors, cfg.source()).map_or(Ok(conf), Err)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_xl_conf_changes_what_a_guest_gets() {
        let text = b"claim_mode = 0\ndefaultbridge=\"old\"\nvif.default.bridge=\"xenbr1\"\nmax_grant_frames=64\n# x\n";
        let conf = XlConf::read("xl.conf", text).unwrap();
        assert_eq!((conf.vif_bridge.as_deref(), conf.max_grant_frames), (Some("xenbr1"), Some(64)));
        assert!(!conf.claim_mode && conf.run_hotplug_scripts);
        assert_eq!((conf.autoballoon, conf.lockfile.as_str()), (Autoballoon::Auto, "/var/lock/xl"));
        let text = b"autoballoon=0\nlockfile=\"/run/xl\"\nvm.pv.cpumask=\"2-3\"\n";
        let conf = XlConf::read("xl.conf", text).unwrap();
        assert_eq!((conf.autoballoon, conf.lockfile.as_str()), (Autoballoon::Off, "/run/xl"));
        assert_eq!(conf.cpu_masks.pv.as_deref(), Some("2-3"));
        assert_eq!(XlConf::read("xl.conf", b"").unwrap(), XlConf::default());
        for wrong in ["max_grant_frames=\"-1\"\n", "max_grant_version=[]\n", "claim_mode=yes\n"] {
            assert!(XlConf::read("xl.conf", wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
