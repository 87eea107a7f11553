//! Displays, keyboards and pointers: `vnc*`, `sdl`, `vfb`, `vga`, `vdispl`, `vkb`.

use timers::GuestKind;

use super::book::Words;
use super::{Reader, entry};
use crate::cfg::number;
use crate::diag::Finding;
use crate::domain::config::{Connector, Sdl, Vdispl, Vfb, VgaKind, Vkb, VkbBackend, Vnc};

/// The top-level keys of a display.
const KEYS: [&str; 10] = [
    "vnc",
    "vnclisten",
    "vncpasswd",
    "vncdisplay",
    "vncunused",
    "sdl",
    "opengl",
    "display",
    "xauthority",
    "keymap",
];

impl<'a> Reader<'a> {
    pub(super) fn screens(&mut self) {
        self.vfbs();
        match self.kind {
            GuestKind::Hvm => self.hvm_screen(),
            GuestKind::Pv if self.config.vfbs.is_empty() || (self.overlay && !self.has("vfb")) => {
                self.pv_screen()
            }
            GuestKind::Pv | GuestKind::Pvh => {
                self.no_screen("for this guest, xl reads this setting from vfb, and ignores it here");
            }
        }
        self.vkbs();
        if let Some(items) = self.items("vdispl") {
            self.config.vdispls =
                (0..).zip(items).map(|(index, (words, node))| self.vdispl(index, words, node)).collect();
        }
    }

    fn no_screen(&mut self, why: &'static str) {
        for name in KEYS {
            if let Some(found) = self.find(name) {
                self.book.mark(found.node, Finding::unsupported("no-screen", why));
            }
        }
    }

    fn vnc(&mut self, vnc: &mut Vnc) {
        vnc.enable = self.flag("vnc").or(vnc.enable);
        if let Some(listen) = self.text("vnclisten") {
            vnc.listen = Some(listen.to_owned());
        }
        if let Some(password) = self.text("vncpasswd") {
            vnc.passwd = Some(password.to_owned());
        }
        if let Some(display) = self.number("vncdisplay") {
            vnc.display = display as i32;
        }
        vnc.findunused = self.flag("vncunused").or(vnc.findunused);
    }

    fn sdl(&mut self, sdl: &mut Sdl) {
        sdl.enable = self.flag("sdl").or(sdl.enable);
        sdl.opengl = self.flag("opengl").or(sdl.opengl);
        if let Some(display) = self.text("display") {
            sdl.display = Some(display.to_owned());
        }
        if let Some(file) = self.text("xauthority") {
            sdl.xauthority = Some(file.to_owned());
        }
    }

    fn hvm_screen(&mut self) {
        let Some(mut hvm) = self.config.b_info.hvm.take() else {
            return;
        };
        self.vnc(&mut hvm.vnc);
        self.sdl(&mut hvm.sdl);
        if let Some(keymap) = self.text("keymap") {
            hvm.keymap = Some(keymap.to_owned());
        }
        if let Some((words, node)) = self.words("vga") {
            let kinds = [
                ("stdvga", VgaKind::Std),
                ("cirrus", VgaKind::Cirrus),
                ("none", VgaKind::None),
                ("qxl", VgaKind::Qxl),
            ];
            match kinds.iter().find(|(word, _)| *word == words.text) {
                Some((_, kind)) => hvm.vga.kind = Some(*kind),
                None => {
                    let finding = super::bad_value("vga", words.text, &kinds.map(|(word, _)| word));
                    // What is said of its memory is about the card that is meant.
                    if ["std", "vga"].contains(&words.text) {
                        hvm.vga.kind = Some(VgaKind::Std);
                    }
                    self.book.error(node, finding);
                }
            }
            if let Some(found) = self.find("stdvga") {
                self.book
                    .mark(found.node, Finding::no_effect("vga-given", "vga is given, and xl ignores this"));
            }
        } else if let Some(std) = self.number("stdvga") {
            hvm.vga.kind = Some(if std != 0 { VgaKind::Std } else { VgaKind::Cirrus });
        }
        let twice =
            hvm.vnc.display != 0 && hvm.vnc.listen.as_ref().is_some_and(|listen| listen.contains(':'));
        if twice && let Some(found) = self.find("vncdisplay").or_else(|| self.find("vnclisten")) {
            let reason = "the display is given twice: any colon in vnclisten counts as one for xl";
            let finding = Finding::invalid("display-twice", reason);
            let listen = hvm.vnc.listen.clone().unwrap_or_default();
            let instead = match listen.matches(':').count() {
                1 => "remove vncdisplay, or the :N of vnclisten".to_owned(),
                _ => format!("write vnclisten = \"[{listen}]:{}\" and no vncdisplay", hvm.vnc.display),
            };
            self.book.error(found.node, finding.instead(instead));
        }
        self.config.b_info.hvm = Some(hvm);
    }

    /// A PV guest's screen of the top-level keys is a framebuffer.
    fn pv_screen(&mut self) {
        if self.number("vnc").is_none_or(|number| number == 0) {
            for name in KEYS.into_iter().filter(|name| *name != "vnc") {
                if let Some(found) = self.find(name) {
                    let finding = Finding::unsupported("no-screen", "without vnc = 1 xl ignores this");
                    self.book.mark(found.node, finding.instead("write vnc = 1 as well, or a vfb list"));
                }
            }
            return;
        }
        let mut vfb = Vfb { devid: Some(0), ..Vfb::default() };
        self.vnc(&mut vfb.vnc);
        self.sdl(&mut vfb.sdl);
        vfb.keymap = self.text("keymap").map(str::to_owned);
        self.config.vfbs = vec![vfb];
        self.config.vkbs = vec![Vkb { devid: Some(0), ..Vkb::default() }];
    }

    fn vfbs(&mut self) {
        let Some(items) = self.items("vfb") else {
            return;
        };
        self.config.vfbs.clear();
        self.config.vkbs.clear();
        for (index, (words, node)) in (0..).zip(items) {
            let mut vfb = Vfb { devid: Some(index), ..Vfb::default() };
            for word in words.tokens(b",").map(Words::unindented) {
                let Some((key, value)) = word.split('=') else {
                    let finding = Finding::unsupported(
                        "no-equals",
                        "this has no =, and xl ignores it and everything after it",
                    );
                    self.book.note(node, &word, finding.instead("write it as in vnc=1"));
                    break;
                };
                self.vfb_word(&mut vfb, &word, key, value, node);
            }
            self.config.vfbs.push(vfb);
            self.config.vkbs.push(Vkb { devid: Some(index), ..Vkb::default() });
        }
    }

    fn vfb_word(&mut self, vfb: &mut Vfb, word: &Words<'a>, key: Words<'a>, value: Words<'a>, node: usize) {
        let text = Some(value.text.to_owned());
        match key.text {
            "vnc" => vfb.vnc.enable = Some((self.int_at(value, node) != 0).into()),
            "vnclisten" => vfb.vnc.listen = text,
            "vncpasswd" => vfb.vnc.passwd = text,
            "vncdisplay" => vfb.vnc.display = self.int_at(value, node),
            "vncunused" => vfb.vnc.findunused = Some((self.int_at(value, node) != 0).into()),
            "keymap" => vfb.keymap = text,
            "sdl" => vfb.sdl.enable = Some((self.int_at(value, node) != 0).into()),
            "opengl" => vfb.sdl.opengl = Some((self.int_at(value, node) != 0).into()),
            "display" => vfb.sdl.display = text,
            "xauthority" => vfb.sdl.xauthority = text,
            "type" => {
                let reason = "xl reads vnc=1 and sdl=1, and ignores type";
                self.book.note(node, word, Finding::no_effect("unknown-word", reason));
            }
            _ => self.passed_over(node, word, entry::FRAMEBUFFER, &KEYS),
        }
    }

    fn vkbs(&mut self) {
        let Some(items) = self.items("vkb") else {
            return;
        };
        for (words, node) in items {
            let index = u32::try_from(self.config.vkbs.len()).unwrap_or(u32::MAX);
            let mut vkb = Vkb { devid: Some(index), ..Vkb::default() };
            for word in words.tokens(b",") {
                self.vkb_word(&mut vkb, word.unindented(), node);
            }
            if vkb.backend_type.is_none() {
                let finding = Finding::invalid("bad-vkb", "a keyboard needs a backend-type");
                self.book.error(node, finding.instead("add backend-type=qemu or backend-type=linux"));
            }
            let sizes = [vkb.multi_touch_width, vkb.multi_touch_height, vkb.multi_touch_num_contacts];
            let any = sizes.iter().any(|size| *size != 0);
            if vkb.feature_multi_touch && !any {
                let finding = Finding::invalid("bad-vkb", "a touch screen needs its size");
                let instead = "add multi-touch-width=, multi-touch-height= and multi-touch-num-contacts=";
                self.book.error(node, finding.instead(instead));
            }
            vkb.feature_multi_touch |= any;
            self.config.vkbs.push(vkb);
        }
    }

    fn vkb_word(&mut self, vkb: &mut Vkb, word: Words<'a>, node: usize) {
        let Some((key, value)) = word.split('=') else {
            return self.no_such_word(node, &word, entry::KEYBOARD, VKB_WORDS);
        };
        match key.text {
            "backend" => vkb.backend_domname = Some(value.text.to_owned()),
            "backend-type" => match VkbBackend::from_word(value.text) {
                Some(backend) => vkb.backend_type = Some(backend),
                None if value.text.eq_ignore_ascii_case("unknown") => vkb.backend_type = None,
                None => {
                    self.book.wrong(
                        node,
                        &value,
                        super::bad_word("backend-type", value.text, &["qemu", "linux"]),
                    );
                    vkb.backend_type = Some(VkbBackend::Qemu);
                }
            },
            "unique-id" => vkb.unique_id = Some(value.text.to_owned()),
            "feature-disable-keyboard" => vkb.feature_disable_keyboard = self.number_at(value, node) != 0,
            "feature-disable-pointer" => vkb.feature_disable_pointer = self.number_at(value, node) != 0,
            "feature-abs-pointer" => vkb.feature_abs_pointer = self.number_at(value, node) != 0,
            "feature-raw-pointer" => vkb.feature_raw_pointer = self.number_at(value, node) != 0,
            "feature-multi-touch" => vkb.feature_multi_touch = self.number_at(value, node) != 0,
            "multi-touch-width" => vkb.multi_touch_width = self.word_at(value, node),
            "multi-touch-height" => vkb.multi_touch_height = self.word_at(value, node),
            "multi-touch-num-contacts" => vkb.multi_touch_num_contacts = self.word_at(value, node),
            "width" => vkb.width = self.word_at(value, node),
            "height" => vkb.height = self.word_at(value, node),
            _ => self.no_such_word(node, &word, entry::KEYBOARD, VKB_WORDS),
        }
    }

    fn vdispl(&mut self, index: u32, words: Words<'a>, node: usize) -> Vdispl {
        let mut display = Vdispl { devid: Some(index), ..Vdispl::default() };
        let mut wrong = false;
        for word in words.tokens(b",") {
            let word = word.unindented();
            if let Some(value) = word.after("backend=") {
                display.backend_domname = Some(value.text.to_owned());
            } else if let Some(value) = word.after("be-alloc=") {
                display.be_alloc = self.number_at(value, node) != 0;
            } else if let Some(value) = word.after("connectors=") {
                let parts = self.parts(value, b";", node);
                let connectors: Vec<_> =
                    parts.iter().filter_map(|part| self.connector(*part, node)).collect();
                wrong |= connectors.len() != parts.len() || parts.is_empty();
                display.connectors = connectors;
            } else {
                self.no_such_word(node, &word, entry::DISPLAY, &["backend", "be-alloc", "connectors"]);
            }
        }
        if display.connectors.is_empty() && !wrong {
            let finding = Finding::invalid("bad-vdispl", "a display needs a connector");
            self.book.error(node, finding.instead("add connectors=id0:1920x1080"));
        }
        display
    }

    fn connector(&mut self, words: Words<'a>, node: usize) -> Option<Connector> {
        let pair = self.pair(words, ':');
        let size = pair.and_then(|(_, size)| {
            let (width, length) = number::scanned(size.text, 10)?;
            let rest = size.text.get(length..)?.strip_prefix('x')?;
            let (height, _) = number::scanned(rest, 10)?;
            Some((width as u32, height as u32))
        });
        let Some((id, (width, height))) = pair.map(|(id, _)| id).zip(size) else {
            let reason = format!("'{}' is not a connector", words.text);
            let finding = Finding::invalid("bad-vdispl", reason);
            self.book.wrong(node, &words, finding.instead("write it as in id0:1920x1080"));
            return None;
        };
        Some(Connector { unique_id: Some(id.text.to_owned()), width, height, ..Connector::default() })
    }
}

const VKB_WORDS: &[&str] = &[
    "backend",
    "backend-type",
    "unique-id",
    "feature-disable-keyboard",
    "feature-disable-pointer",
    "feature-abs-pointer",
    "feature-raw-pointer",
    "feature-multi-touch",
    "multi-touch-width",
    "multi-touch-height",
    "multi-touch-num-contacts",
    "width",
    "height",
];
