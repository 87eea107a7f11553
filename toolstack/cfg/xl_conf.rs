//! Reads `/etc/xen/xl.conf`.

use super::host::{Autoballoon, CpuMasks, LOCK_FILE, XlConf};
use super::read::{known_instead, no_number, no_text, not_utf8};
use super::{Cfg, Setting, parse};
use crate::diag::{Diagnostic, Errors, Finding};

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
                let known = known_instead(word, &["on", "off", "auto"]);
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
            let said: String = ignored.iter().map(|one| render::human(one, ignored.input())).collect();
            assert!(said.contains(reason), "{text}: {said}");
            if !text.contains("\"x\"") {
                assert_eq!(conf, XlConf::default(), "{text}");
            }
        }
        let wrong = XlConf::read("xl.conf", b"lockfile=\"/run/\xff\"\n").unwrap_err();
        assert_eq!(wrong.first().finding.code, "not-utf8");
    }
}
