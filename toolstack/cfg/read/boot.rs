//! Boot settings and the device model.

use timers::GuestKind;

use super::Reader;
use crate::cfg::{Content, suggest};
use crate::diag::Finding;
use crate::domain::config::{Bios, DeviceModelVersion};

const BIOSES: [&str; 3] = ["rombios", "seabios", "ovmf"];

/// The keys without which it is not known whether a guest has a kernel.
const BOOTS: [&str; 5] = ["bootloader", "builder", "firmware", "kernel", "type"];

impl Reader<'_> {
    pub(super) fn boot(&mut self) {
        self.cmdline();
        self.bootloader_args();
        if self.kind == GuestKind::Hvm {
            self.hvm_boot();
        } else {
            self.pv_boot();
        }
    }

    fn cmdline(&mut self) {
        let root = self.text("root").map(|root| format!("root={root}"));
        let extra = self.text("extra").map(str::to_owned);
        if let Some(cmdline) = self.text("cmdline") {
            self.config.b_info.cmdline = Some(cmdline.to_owned());
            for name in ["root", "extra"] {
                if let Some(found) = self.find(name) {
                    let finding =
                        Finding::unsupported("cmdline-given", "cmdline is given, and xl ignores this");
                    self.book.mark(found.node, finding.instead("add it to cmdline"));
                }
            }
            return;
        }
        let parts: Vec<_> = root.into_iter().chain(extra).collect();
        if !parts.is_empty() {
            self.config.b_info.cmdline = Some(parts.join(" "));
        }
    }

    fn bootloader_args(&mut self) {
        let Some(found) = self.find("bootloader_args") else {
            return;
        };
        let args = match &found.setting.value.content {
            Content::List(items) => self.texts(items, found.node),
            Content::Text(_) => {
                let Some((words, node)) = self.words("bootloader_args") else {
                    return;
                };
                let parts = self.parts(words, b" \t\n", node);
                let list: Vec<_> = parts.iter().map(|part| suggest::quoted(part.text)).collect();
                let finding = Finding::no_effect(
                    "deprecated",
                    "xl expects a list of arguments; it still accepts a string",
                );
                self.book
                    .mark(node, finding.instead(format!("write bootloader_args = [ {} ]", list.join(", "))));
                parts.into_iter().map(|part| (part, node)).collect()
            }
        };
        self.config.b_info.bootloader_args = args.iter().map(|(arg, _)| arg.text.to_owned()).collect();
    }

    fn hvm_boot(&mut self) {
        if let Some(found) = self.find("kernel")
            && let Some(kernel) = &self.config.b_info.kernel
            && kernel.rsplit('/').find(|part| !part.is_empty()) == Some("hvmloader")
        {
            self.config.b_info.kernel = None;
            let finding = Finding::no_effect(
                "deprecated",
                "an HVM guest always boots from hvmloader, and xl ignores this",
            );
            self.book.mark(found.node, finding.instead("remove it, or write firmware_override = \"...\""));
        }
        let bios = self.word("bios", bios_word, &BIOSES);
        let firmware = self.words("firmware").map(|(words, _)| words.text);
        let Some(hvm) = self.config.b_info.hvm.as_mut() else {
            return;
        };
        if let Some(bios) = bios {
            hvm.bios = bios;
        }
        // `firmware` comes after `bios`; the beginning of its words is enough for xl.
        match firmware {
            None => {}
            Some(text) => match bios_word(text) {
                Some(bios) => hvm.bios = bios,
                None if "uefi".starts_with(text) => hvm.bios = Some(Bios::Ovmf),
                None if "bios".starts_with(text) => {}
                None => hvm.firmware = Some(text.to_owned()),
            },
        }
        if hvm.system_firmware.is_some()
            && !self.has("bios")
            && let Some(found) = self.find("bios_path_override")
        {
            let reason = "xl warns of a firmware without bios, and takes it";
            let finding = Finding::advice("advice-no-bios", reason);
            self.book.mark(found.node, finding.instead("add bios = \"seabios\" or bios = \"ovmf\""));
        }
    }

    fn pv_boot(&mut self) {
        if let Some((words, node)) = self.words("firmware") {
            // The beginning of a word is enough for xl, though no such file is there.
            if !"pvgrub32".starts_with(words.text) && !"pvgrub64".starts_with(words.text) {
                self.book.error(node, super::bad_value("firmware", words.text, &["pvgrub32", "pvgrub64"]));
                return;
            }
            if self.config.b_info.kernel.is_some() {
                let finding = Finding::invalid("contradiction", "firmware and kernel are both given");
                self.book.error(node, finding.instead("remove one of the two"));
                return;
            }
            let dir = &self.host.firmware_dir;
            self.config.b_info.kernel = Some(format!("{dir}/{}.bin", words.text));
        }
        let b_info = &self.config.b_info;
        if b_info.kernel.is_none() && b_info.bootloader.is_none() && !self.book.is_unclear(&BOOTS) {
            let reason = format!("a {} guest needs a kernel or a bootloader", self.kind.as_str());
            let instead = if self.has("type") || self.has("builder") {
                "write kernel = \"/path/to/vmlinuz\", or bootloader = \"pygrub\""
            } else {
                "write kernel = \"/path/to/vmlinuz\", or type = \"hvm\" for a guest that boots from its disk"
            };
            self.book.lacking(Finding::invalid("no-kernel", reason).instead(instead));
        }
    }

    pub(super) fn device_model(&mut self) {
        if let Some((words, node)) = self.words("device_model") {
            let finding = Finding::unsupported("deprecated", "xl ignores device_model");
            let key = match words.text.contains("stubdom-dm") {
                true => "device_model_stubdomain_override = 1".to_owned(),
                false => format!("device_model_override = {}", suggest::quoted(words.text)),
            };
            self.book.mark(node, finding.instead(format!("write {key}")));
        }
        if let Some((words, node)) = self.words("device_model_version") {
            let traditional = self.host.knows_word("device_model_version", "qemu-xen-traditional");
            match words.text {
                "qemu-xen" => self.config.b_info.device_model_version = Some(DeviceModelVersion::QemuXen),
                "qemu-xen-traditional" if traditional => {
                    self.config.b_info.device_model_version = Some(DeviceModelVersion::QemuXenTraditional);
                }
                _ => {
                    let finding = super::bad_value("device_model_version", words.text, &["qemu-xen"]);
                    self.book.error(node, finding.instead("write device_model_version = \"qemu-xen\""));
                }
            }
        } else if self.config.b_info.device_model.is_some()
            && let Some(found) = self.find("device_model_override")
        {
            let reason = "xl warns of a device model without device_model_version, and takes it";
            let finding = Finding::advice("advice-no-version", reason);
            self.book.mark(found.node, finding.instead("add device_model_version = \"qemu-xen\""));
        }
        for name in ["device_model_args", "device_model_args_pv", "device_model_args_hvm"] {
            let Some(found) = self.find(name) else {
                continue;
            };
            let Content::List(items) = &found.setting.value.content else {
                let text = String::from_utf8_lossy(found.setting.text().unwrap_or_default()).into_owned();
                let list: Vec<_> = text.split_whitespace().map(suggest::quoted).collect();
                let finding = Finding::invalid("no-list", format!("{name} is a list of arguments"));
                self.book
                    .error(found.node, finding.instead(format!("write {name} = [ {} ]", list.join(", "))));
                continue;
            };
            let args = self.texts(items, found.node).iter().map(|(arg, _)| arg.text.to_owned()).collect();
            let b_info = &mut self.config.b_info;
            match name {
                "device_model_args" => b_info.extra = args,
                "device_model_args_pv" => b_info.extra_pv = args,
                _ => b_info.extra_hvm = args,
            }
        }
    }
}

/// A word of libxl's own, which takes `unknown` too.
#[expect(clippy::option_option, reason = "no such word, and the word for none")]
fn bios_word(text: &str) -> Option<Option<Bios>> {
    if text.eq_ignore_ascii_case("unknown") { Some(None) } else { Bios::from_word(text).map(Some) }
}
