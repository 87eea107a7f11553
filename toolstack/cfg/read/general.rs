//! Name and UUID, the actions at the end of a guest, and xl's own defaults.

use uuid::Uuid;

use super::Reader;
use crate::diag::Finding;
use crate::domain::ShutdownAction;
use crate::domain::config::Passthrough;

impl Reader<'_> {
    pub(super) fn general(&mut self) {
        self.names();
        self.labels();
        self.ends();
        self.grants();
        if let Some(passthrough) = self.word(
            "passthrough",
            Passthrough::from_word,
            &["default", "disabled", "enabled", "sync_pt", "share_pt"],
        ) {
            self.config.c_info.passthrough = passthrough;
        }
        let conf = &self.host.conf;
        if !self.overlay {
            self.config.c_info.run_hotplug_scripts = Some(conf.run_hotplug_scripts.into());
            self.config.b_info.claim_mode = Some(conf.claim_mode.into());
            self.config.b_info.blkdev_start.clone_from(&conf.blkdev_start);
        }
        if let (None, Some(restrict)) =
            (self.config.b_info.bootloader_restrict, self.host.conf.bootloader_restrict)
        {
            self.config.b_info.bootloader_restrict = Some(restrict.into());
        }
    }

    fn names(&mut self) {
        match self.text("name") {
            Some(name) => self.config.c_info.name = Some(name.to_owned()),
            None if self.config.c_info.name.is_some() => {}
            // Perhaps the line with the name is the one that is broken.
            None if self.book.is_unclear(&["name"]) => {}
            None => self.book.lacking(
                Finding::invalid("no-name", "the domain has no name").instead("write name = \"...\""),
            ),
        }
        if let Some((words, node)) = self.words("uuid") {
            // As libuuid reads it.
            let uuid = (words.text.len() == 36).then(|| Uuid::try_parse(words.text).ok()).flatten();
            match uuid {
                Some(uuid) => self.config.c_info.uuid = (!uuid.is_nil()).then_some(uuid),
                None => {
                    let reason = format!("uuid is '{}', expected a UUID of 36 characters", words.text);
                    let finding = Finding::invalid("bad-value", reason);
                    let hint = match Uuid::try_parse(words.text.trim()) {
                        Ok(uuid) => format!("write uuid = \"{uuid}\""),
                        Err(_) => "write it in the form of uuidgen, or leave it out: then xl generates one"
                            .to_owned(),
                    };
                    self.book.error(node, finding.instead(hint));
                }
            }
        }
    }

    /// `seclabel` is the label after the build where there is one for the build.
    fn labels(&mut self) {
        let init = self.text("init_seclabel").map(str::to_owned);
        let label = self.text("seclabel").map(str::to_owned);
        let info = &mut self.config.c_info;
        if init.is_some() {
            info.ssid_label = init;
            if label.is_some() {
                self.config.b_info.exec_ssid_label = label;
            }
        } else if label.is_some() {
            info.ssid_label = label;
        }
    }

    fn ends(&mut self) {
        let words: Vec<_> = ShutdownAction::ALL.iter().map(|action| action.xl_word()).collect();
        let mut read = |name: &str| self.word(name, ShutdownAction::from_xl_word, &words);
        let ends = ["on_poweroff", "on_reboot", "on_watchdog", "on_crash", "on_soft_reset"].map(&mut read);
        let config = &mut self.config;
        let fields = [
            &mut config.on_poweroff,
            &mut config.on_reboot,
            &mut config.on_watchdog,
            &mut config.on_crash,
            &mut config.on_soft_reset,
        ];
        for (field, action) in fields.into_iter().zip(ends) {
            if let Some(action) = action {
                *field = action;
            }
        }
    }

    fn grants(&mut self) {
        let conf = &self.host.conf;
        let defaults = [
            conf.max_grant_frames,
            conf.max_maptrack_frames,
            conf.max_grant_version.and_then(|version| version.try_into().ok()),
        ];
        let names = ["max_grant_frames", "max_maptrack_frames", "max_grant_version"];
        let mut values = [None; 3];
        for ((value, name), default) in values.iter_mut().zip(names).zip(defaults) {
            *value = if self.has(name) { self.bounded(name) } else { default };
        }
        let b_info = &mut self.config.b_info;
        let [frames, maptrack, version] = values;
        b_info.max_grant_frames = frames.or(b_info.max_grant_frames);
        b_info.max_maptrack_frames = maptrack.or(b_info.max_maptrack_frames);
        let version = version.and_then(|version| version.try_into().ok());
        b_info.max_grant_version = version.or(b_info.max_grant_version);
    }

    /// A number from 0 to the largest of 32 bits with a sign; xl ends over any other without a word.
    fn bounded(&mut self, name: &str) -> Option<u32> {
        let found = self.find(name)?;
        let number = found.setting.number().and_then(|number| i32::try_from(number).ok());
        let number = number.and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            let reason = format!("{name} is not a number from 0 to {}, and xl exits with an error", i32::MAX);
            let example = if name == "max_grant_version" { 2 } else { 64 };
            self.book.error(
                found.node,
                Finding::invalid("bad-value", reason).instead(format!("write {name} = {example}")),
            );
        }
        number
    }
}
