//! The virtual hardware of an HVM guest, and settings for Arm only.

use timers::ticks::MissedTicks;
use timers::tsc::{TscMode, TscModeError};
use timers::{GuestKind, TimerMode};

use super::book::Words;
use super::{Reader, entry, viridian};
use crate::cfg::keys::bits_but;
use crate::cfg::{Content, Setting, suggest};
use crate::diag::Finding;
use crate::domain::config::{
    Altp2m, ArmSci, ArmSciType, Bitmap, GfxPassthruKind, GicVersion, HdType, Smbios, SmbiosType, Sve, Tee,
    VendorDevice, VuartType,
};
use crate::domain::hvm::VIRIDIAN_GROUPS;
use crate::domain::{Defbool, Part};

/// Xen's bit for local machine checks.
const MCA_LMCE: u64 = 1;

/// The hole for devices' memory below 4 GiB: in MiB, the least and the most.
const MMIO_HOLE: std::ops::RangeInclusive<u64> = 256..=3840;

const PARAVIRT: &str = "native_paravirt";

const OEM_STRINGS: usize = 99;

/// The mode that `tsc_mode` sets: a word, or one of the old numbers.
pub(in crate::cfg) fn tsc_mode(setting: &Setting) -> Option<TimerMode> {
    let mode = match setting.number() {
        Some(number) => TscMode::from_number(number),
        None => TscMode::from_name(std::str::from_utf8(setting.text()?).ok()?),
    };
    match mode {
        Ok(mode) => Some(mode.into()),
        Err(TscModeError::Removed) => Some(TimerMode::Paravirt),
        Err(TscModeError::Unknown(_)) => None,
    }
}

/// The mode that `timer_mode` sets, as [`tsc_mode`].
pub(in crate::cfg) fn missed_ticks(setting: &Setting) -> Option<MissedTicks> {
    match setting.number() {
        Some(number) => MissedTicks::from_number(u32::try_from(number).ok()?),
        None => MissedTicks::from_word(std::str::from_utf8(setting.text()?).ok()?),
    }
}

impl<'a> Reader<'a> {
    pub(super) fn features(&mut self) {
        self.plain_clock();
        self.altp2m();
        if let Some(found) = self.find("vmtrace_buf_kb")
            && let Some(kib) = found.setting.number()
        {
            self.config.b_info.vmtrace_buf_kb = kib as i32;
        }
        if let Some(found) = self.find("vncviewer")
            && self.number_of(found).is_some()
        {
            let finding = Finding::unsupported("deprecated", "xl ignores vncviewer");
            self.book.mark(found.node, finding.instead("start the guest with -V"));
        }
        if let Some(found) = self.find("msr_relaxed") {
            let finding = Finding::no_effect("deprecated", "msr_relaxed will be removed from Xen");
            self.book.mark(found.node, finding);
        }
        if self.kind == GuestKind::Hvm {
            self.hvm_features();
        }
    }

    /// The clock's plain keys as fields of the config; what they mean is read in `cfg::clock`.
    fn plain_clock(&mut self) {
        let read = |found: Option<super::Found<'_>>| found.and_then(|found| found.setting.number());
        if let Some(seconds) = read(self.find("rtc_timeoffset")) {
            self.config.b_info.rtc_timeoffset = seconds as u32;
        }
        if let Some(localtime) = read(self.find("localtime")) {
            self.config.b_info.localtime = Some((localtime != 0).into());
        }
        if let Some(found) = self.find("tsc_mode") {
            self.config.b_info.rest.shift_remove("tsc_mode");
            if let Some(mode) = tsc_mode(found.setting) {
                self.config.b_info.tsc_mode = mode.tsc_mode().filter(|mode| *mode != TscMode::Default);
                if mode == TimerMode::Paravirt {
                    // A word that libxl still has, for a mode that Xen has no more.
                    self.config.b_info.rest.insert("tsc_mode".to_owned(), PARAVIRT.into());
                }
            }
        }
        let Some(found) = self.find("timer_mode") else {
            return;
        };
        if self.kind == GuestKind::Pv && found.setting.text().is_some() {
            let finding = Finding::invalid("hvm-only", "a PV guest has no timer_mode, and xl refuses it");
            return self.book.error(found.node, finding.instead("remove it"));
        }
        let mode = missed_ticks(found.setting);
        let default = found.setting.text().is_some_and(|text| text.eq_ignore_ascii_case(b"unknown"));
        if mode.is_some() || default {
            self.config.b_info.timer_mode = mode;
        }
    }

    fn altp2m(&mut self) {
        if let Some(found) = self.find("altp2mhvm")
            && found.setting.number().is_some()
        {
            let finding = Finding::no_effect("deprecated", "altp2mhvm is an old name of altp2m");
            self.book.mark(found.node, finding.instead("write altp2m = \"mixed\""));
        }
        let words: Vec<_> = Altp2m::ALL.iter().map(|mode| mode.as_str()).collect();
        if let Some(found) = self.find("altp2m") {
            let number = found.setting.number();
            let mode = match number {
                Some(number) => {
                    let mode =
                        usize::try_from(number).ok().and_then(|number| Altp2m::ALL.get(number)).copied();
                    if mode.is_none() {
                        self.book.error(found.node, super::bad_value("altp2m", &number.to_string(), &words));
                    }
                    mode
                }
                None => self.word("altp2m", Altp2m::from_word, &words),
            };
            if let Some(mode) = mode {
                self.config.b_info.altp2m = mode;
            }
        }
        if let Some(found) = self.find("altp2m_count")
            && let Some(number) = found.setting.number()
        {
            match u16::try_from(number) {
                Ok(count) => self.config.b_info.altp2m_count = Some(count.into()),
                Err(_) => {
                    let reason = format!("altp2m_count is {number}, expected a number up to 65535");
                    let finding = Finding::invalid("bad-value", reason);
                    self.book.error(found.node, finding.instead("write altp2m_count = 10"));
                }
            }
        }
    }

    fn hvm_features(&mut self) {
        let Some(mut hvm) = self.config.b_info.hvm.take() else {
            return;
        };
        if let Some(found) = self.find("viridian") {
            match &found.setting.value.content {
                Content::List(items) => {
                    let texts = self.texts(items, found.node);
                    if texts.len() < items.len() && !self.book.is_wrong(&["viridian"]) {
                        self.crash_in_list(found.node);
                    }
                    (hvm.viridian_enable, hvm.viridian_disable) = (Bitmap::new(), Bitmap::new());
                    for (words, node) in texts {
                        match words.text {
                            "all" => hvm.viridian_enable = (0..VIRIDIAN_GROUPS).collect(),
                            "defaults" => hvm.viridian = Some(Defbool::True),
                            _ => self.viridian(
                                &mut hvm.viridian_enable,
                                &mut hvm.viridian_disable,
                                words,
                                node,
                            ),
                        }
                    }
                }
                Content::Text(_) => {
                    if let Some(number) = self.number_of(found) {
                        hvm.viridian = Some((number != 0).into());
                    } else if let Some(groups) = found
                        .setting
                        .text()
                        .and_then(|text| viridian::groups_of(&String::from_utf8_lossy(text)))
                    {
                        let finding = super::no_number(found.setting);
                        self.book.mark(found.node, finding.instead(format!("write viridian = [ {groups} ]")));
                    }
                }
            }
        }
        if let Some(mib) = self.number("mmio_hole") {
            let kib = super::keys::kibibytes(mib).unwrap_or(u64::MAX);
            let bytes = kib.wrapping_mul(1024);
            if bytes < (MMIO_HOLE.start() << 20) || bytes > (MMIO_HOLE.end() << 20) {
                let reason =
                    format!("mmio_hole is {mib}, expected {} to {} MiB", MMIO_HOLE.start(), MMIO_HOLE.end());
                if let Some(found) = self.find("mmio_hole") {
                    let finding = Finding::invalid("bad-value", reason);
                    self.book.error(
                        found.node,
                        finding.instead(format!("write mmio_hole = {}", MMIO_HOLE.start())),
                    );
                }
            }
            hvm.mmio_hole_memkb = Some(kib);
        }
        if let Some(caps) = self.mca_caps() {
            hvm.mca_caps |= caps;
        }
        if let Some(strings) = self.smbios() {
            hvm.smbios = strings;
        }
        if let Some((words, node)) = self.words("ms_vm_genid") {
            match words.text {
                "generate" => {
                    hvm.ms_vm_genid = self.host.genid;
                    self.book.is(Part::GenerationId, node);
                }
                "none" => {}
                _ => {
                    self.book.error(node, super::bad_value("ms_vm_genid", words.text, &["generate", "none"]))
                }
            }
        }
        if let Some(hdtype) = self.word("hdtype", HdType::from_word, &["ide", "ahci"]) {
            hvm.hdtype = hdtype;
        }
        if let Some(device) = self.word("vendor_device", VendorDevice::from_word, &["none", "xenserver"]) {
            hvm.vendor_device = device;
        }
        if let Some(found) = self.find("gfx_passthru") {
            if let Some(number) = found.setting.number() {
                hvm.gfx_passthru = Some((number != 0).into());
            } else if let Some(kind) =
                self.word("gfx_passthru", GfxPassthruKind::from_word, &["1", "0", "default", "igd"])
            {
                hvm.gfx_passthru = Some(Defbool::True);
                hvm.gfx_passthru_kind = kind;
            }
        }
        if let Some((one, several)) = self.one_or_several("serial") {
            (hvm.serial, hvm.serial_list) = (one, several);
        }
        if let Some((one, several)) = self.one_or_several("usbdevice") {
            (hvm.usbdevice, hvm.usbdevice_list) = (one, several);
        }
        self.config.b_info.hvm = Some(hvm);
    }

    /// A key that is a text or a list of texts.
    fn one_or_several(&mut self, name: &str) -> Option<(Option<String>, Vec<String>)> {
        let found = self.find(name)?;
        match &found.setting.value.content {
            Content::Text(_) => self.text_of(found).map(|text| (Some(text.to_owned()), Vec::new())),
            Content::List(items) => {
                let texts = self.texts(items, found.node);
                Some((None, texts.iter().map(|(text, _)| text.text.to_owned()).collect()))
            }
        }
    }

    /// Over a list within a list xl crashes where it does not look for one.
    fn crash_in_list(&mut self, node: usize) {
        let finding = Finding::invalid("list-in-list", "a list within the list, which crashes xl");
        self.book.error(node, finding.instead("remove the inner [ and ]"));
    }

    /// The texts of a key that takes nothing but a list of texts.
    fn texts_of(&mut self, name: &str, example: &str) -> Option<Vec<(Words<'a>, usize)>> {
        let found = self.find(name)?;
        let Content::List(items) = &found.setting.value.content else {
            let finding = Finding::invalid("no-list", format!("{name} is a list"));
            let text = found.setting.text().map(String::from_utf8_lossy).filter(|text| !text.is_empty());
            let item = text.map_or_else(|| example.to_owned(), |text| text.into_owned());
            let instead = format!("write {name} = [ {} ]", suggest::quoted(&item));
            self.book.error(found.node, finding.instead(instead));
            return None;
        };
        let texts = self.texts(items, found.node);
        if texts.len() < items.len() && !self.book.is_wrong(&[name]) {
            self.crash_in_list(found.node);
        }
        Some(texts)
    }

    fn mca_caps(&mut self) -> Option<u64> {
        let mut caps = 0;
        for (words, node) in self.texts_of("mca_caps", "lmce")? {
            match words.text {
                "lmce" => caps |= MCA_LMCE,
                _ => self.book.error(node, super::bad_word("a machine check feature", words.text, &["lmce"])),
            }
        }
        Some(caps)
    }

    fn smbios(&mut self) -> Option<Vec<Smbios>> {
        let mut strings = Vec::new();
        for (words, node) in self.texts_of("smbios", "system_manufacturer=...")? {
            let words_of_libxl: Vec<_> = SmbiosType::ALL.iter().map(|key| key.as_str()).collect();
            let Some((key, value)) = words.split('=').filter(|(_, value)| !value.text.is_empty()) else {
                let finding = Finding::invalid("bad-smbios", format!("'{}' is not key=value", words.text));
                self.book.wrong(node, &words, finding.instead("write it as in \"system_manufacturer=...\""));
                continue;
            };
            let Some(kind) = SmbiosType::from_word(key.text) else {
                self.book.wrong(node, &key, super::bad_word("an SMBIOS string", key.text, &words_of_libxl));
                continue;
            };
            strings.push(Smbios { key: Some(kind), value: Some(value.text.to_owned()), ..Smbios::default() });
            let oem = strings.iter().filter(|string| string.key == Some(SmbiosType::Oem)).count();
            if kind == SmbiosType::Oem && oem > OEM_STRINGS {
                let finding = Finding::invalid("bad-smbios", format!("more than {OEM_STRINGS} oem strings"));
                self.book.wrong(node, &words, finding.instead("remove some of them"));
            }
        }
        Some(strings)
    }

    /// Reads the settings of Arm alone; xl reads them on x86 too.
    pub(super) fn arm(&mut self) {
        let vuart = |text: &str| match VuartType::from_word(text) {
            None if text.eq_ignore_ascii_case("unknown") => Some(None),
            vuart => vuart.map(Some),
        };
        if let Some(vuart) = self.word("vuart", vuart, &["sbsa_uart"]) {
            self.config.b_info.arch_arm.vuart = vuart;
        }
        if let Some(version) = self.word("gic_version", GicVersion::from_word, &["default", "v2", "v3"]) {
            self.config.b_info.arch_arm.gic_version = version;
        }
        if let Some(tee) = self.word("tee", Tee::from_word, &["none", "optee", "ffa"]) {
            self.config.b_info.tee = tee;
        }
        let lengths: Vec<_> = Sve::ALL.iter().map(|sve| sve.as_str()).collect();
        if let Some(sve) = self.word("sve", Sve::from_word, &lengths) {
            self.config.b_info.arch_arm.sve_vl = sve;
        }
        if let Some(number) = self.number("nr_spis") {
            // The default since Xen 4.21 is all bits: that many as the devices need.
            let default = if self.host.is_before(21) { 0 } else { u32::MAX };
            self.config.b_info.arch_arm.nr_spis = bits_but(default, number);
        }
        if let Some((words, node)) = self.words("arm_sci") {
            let mut kind = ArmSciType::default();
            for word in words.tokens(b",") {
                match word.after("type=").map(|value| (value, ArmSciType::from_word(value.text))) {
                    Some((_, Some(known))) => kind = known,
                    Some((value, None)) => {
                        self.book.wrong(
                            node,
                            &value,
                            super::bad_word("type", value.text, &["none", "scmi_smc"]),
                        );
                    }
                    None => self.passed_over(node, &word, entry::ARM_SCI, &["type"]),
                }
            }
            self.config.b_info.arch_arm.arm_sci = Some(ArmSci { kind, ..ArmSci::default() });
        }
    }
}
