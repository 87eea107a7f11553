//! Paravirtual and USB devices.

use super::Section::{self, Devices, Screen};
use super::Writer;
use super::entry::Entry;
use crate::diag::Finding;
use crate::domain::config::{
    Channel, Connection, Connector, HostUsb, P9, Pvcalls, Sdl, UsbCtrl, UsbCtrlType, UsbDev, Vdispl, Vfb,
    Virtio, Vkb, Vnc, Vtpm,
};
use crate::domain::release::XenVersion;
use crate::write::value::Value;

/// The first release whose xl numbers channels as libxl wants them.
const CHANNELS_WORK: XenVersion = XenVersion { major: 4, minor: 21 };

impl Writer {
    /// A list with an entry a device; a device without an entry is left out, and that is said. Whether there is one.
    pub(super) fn list<T>(
        &mut self,
        section: Section,
        key: &'static str,
        devices: &[T],
        mut entry: impl FnMut(&mut Self, &T, usize) -> Option<String>,
    ) -> bool {
        let entries: Vec<_> =
            devices.iter().enumerate().filter_map(|(index, device)| entry(self, device, index)).collect();
        let some = !entries.is_empty();
        if some {
            self.set(section, key, Value::List(entries.into_iter().map(Value::Text).collect()));
        }
        some
    }

    /// `vfb` and `vkb`. xl makes a plain keyboard for each framebuffer, before those of `vkb`.
    pub(super) fn framebuffers(&mut self, vfbs: &[Vfb], vkbs: &[Vkb]) {
        self.list(Screen, "vfb", vfbs, Writer::vfb);
        let plain = vkbs.iter().take_while(|vkb| vkb.backend_type.is_none()).count().min(vfbs.len());
        let (plain_ones, more) = vkbs.split_at(plain);
        for (index, vkb) in plain_ones.iter().enumerate() {
            self.vkb(vkb, index);
        }
        if plain < vfbs.len() {
            self.nearest("vkbs", "xl adds a keyboard to each framebuffer");
        }
        self.list(Devices, "vkb", more, |writer, vkb, index| {
            let entry = writer.vkb(vkb, plain + index);
            if vkb.backend_type.is_none() {
                let reason = "xl accepts a keyboard without a backend-type only as part of a framebuffer";
                writer.lost(format!("vkbs[{}]", plain + index), reason);
                return None;
            }
            entry
        });
    }

    fn vfb(&mut self, vfb: &Vfb, index: usize) -> Option<String> {
        let Vfb { backend_domid, backend_domname, devid, vnc, sdl, keymap, rest } = vfb;
        let path = format!("vfbs[{index}]");
        self.rest(&path, rest);
        self.no_key(format!("{path}.backend_domid"), *backend_domid != 0);
        self.no_key(format!("{path}.backend_domname"), backend_domname.is_some());
        let mut entry = Entry::new(self, "vfb", path.clone());
        entry.numbered(*devid, index);
        let Vnc { enable, listen, passwd, display, findunused, rest: vnc_rest } = vnc;
        entry.flag("vnc", *enable);
        entry.text_as("vnclisten", "vnc.listen", listen.as_deref());
        entry.text_as("vncpasswd", "vnc.passwd", passwd.as_deref());
        entry.number("vncdisplay", *display);
        entry.flag("vncunused", *findunused);
        let Sdl { enable, opengl, display, xauthority, rest: sdl_rest } = sdl;
        entry.flag("sdl", *enable);
        entry.flag("opengl", *opengl);
        entry.text_as("display", "sdl.display", display.as_deref());
        entry.text_as("xauthority", "sdl.xauthority", xauthority.as_deref());
        entry.text("keymap", keymap.as_ref());
        let written = entry.written();
        self.rest(&format!("{path}.vnc"), vnc_rest);
        self.rest(&format!("{path}.sdl"), sdl_rest);
        written
    }

    fn vkb(&mut self, vkb: &Vkb, index: usize) -> Option<String> {
        let Vkb {
            backend_domid,
            backend_domname,
            devid,
            backend_type,
            unique_id,
            feature_disable_keyboard,
            feature_disable_pointer,
            feature_abs_pointer,
            feature_raw_pointer,
            feature_multi_touch,
            width,
            height,
            multi_touch_width,
            multi_touch_height,
            multi_touch_num_contacts,
            rest,
        } = vkb;
        let path = format!("vkbs[{index}]");
        self.rest(&path, rest);
        let plain = Vkb { devid: *devid, rest: rest.clone(), ..Vkb::default() };
        if backend_type.is_none() && *vkb != plain {
            self.lost(&path, "xl has no settings for the keyboard of a framebuffer");
        }
        let mut entry = Entry::new(self, "vkb", path);
        entry.numbered(*devid, index);
        if let Some(backend) = backend_type {
            entry.put("backend-type", &format!("backend-type={}", backend.as_str()));
        }
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.text_as("unique-id", "unique_id", unique_id.as_deref());
        let touch = *feature_multi_touch;
        let has_size = (*multi_touch_width, *multi_touch_height, *multi_touch_num_contacts) != (0, 0, 0);
        if touch != has_size {
            let path = entry.at("feature_multi_touch");
            entry.writer().nearest(path, "xl creates a touch screen only if it has a size");
        }
        for (key, number) in [
            ("feature-disable-keyboard", u32::from(*feature_disable_keyboard)),
            ("feature-disable-pointer", u32::from(*feature_disable_pointer)),
            ("feature-abs-pointer", u32::from(*feature_abs_pointer)),
            ("feature-raw-pointer", u32::from(*feature_raw_pointer)),
            ("feature-multi-touch", u32::from(touch && has_size)),
            ("width", *width),
            ("height", *height),
            ("multi-touch-width", *multi_touch_width),
            ("multi-touch-height", *multi_touch_height),
            ("multi-touch-num-contacts", *multi_touch_num_contacts),
        ] {
            entry.number(key, number);
        }
        entry.written()
    }

    pub(super) fn vdispl(&mut self, display: &Vdispl, index: usize) -> Option<String> {
        let Vdispl { backend_domid, backend_domname, devid, be_alloc, connectors, rest } = display;
        let path = format!("vdispls[{index}]");
        self.rest(&path, rest);
        let mut screens = Vec::new();
        for (place, Connector { unique_id, width, height, rest }) in connectors.iter().enumerate() {
            let path = format!("{path}.connectors[{place}]");
            self.rest(&path, rest);
            // xl's own splitting leaves nothing of an empty name, and takes no mark of its own inside one.
            match unique_id.as_deref().filter(|id| !id.is_empty() && !id.contains([',', ';', ':', '\0'])) {
                Some(id) => screens.push(format!("{id}:{width}x{height}")),
                None => {
                    self.lost(path, "xl accepts only a screen whose name has no comma, colon or semicolon")
                }
            }
        }
        if screens.is_empty() {
            self.lost(path, "xl accepts no display without a screen");
            return None;
        }
        let mut entry = Entry::new(self, "vdispl", path);
        entry.numbered(*devid, index);
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.number("be-alloc", u8::from(*be_alloc));
        entry.put("connectors", &format!("connectors={}", screens.join(";")));
        entry.written()
    }

    pub(super) fn channel(&mut self, channel: &Channel, index: usize) -> Option<String> {
        // libxl numbers channels from 1, as the guest's own console is 0.
        let Channel { backend_domid, backend_domname, devid: _, name, connection, rest } = channel;
        let path = format!("channels[{index}]");
        self.rest(&path, rest);
        if index == 0 && self.release < CHANNELS_WORK {
            let reason = "xl before Xen 4.21 gives the first channel the number of the guest's console, and libxl then starts the guest without the channel";
            let finding = Finding::unsupported("first-channel", reason);
            let instead = "write \"connection=pty,name=unused\" before it, or start the guest from its XML";
            self.unsaid(&path, finding.instead(instead));
        }
        let mut entry = Entry::new(self, "channel", path).of_values(is_plain);
        match connection {
            Connection::Unknown => {
                let path = entry.at("connection");
                entry.writer().lost(path, "xl accepts only a channel to a pty or a socket");
                return None;
            }
            Connection::Pty => entry.put("connection", "connection=pty"),
            Connection::Socket(path) => {
                if !path.as_deref().is_some_and(is_plain) {
                    let at = entry.at("connection");
                    entry
                        .writer()
                        .lost(at, "xl accepts only a socket whose path has no comma or equals sign");
                    return None;
                }
                entry.put("connection", "connection=socket");
                entry.text("path", path.as_ref());
            }
        }
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.text("name", name.as_ref());
        entry.written()
    }

    pub(super) fn virtio(&mut self, device: &Virtio, index: usize) -> Option<String> {
        let Virtio { backend_domid, backend_domname, kind, transport, grant_usage, devid, irq, base, rest } =
            device;
        let path = format!("virtios[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "virtio", path);
        entry.numbered(*devid, index);
        entry.backend(*backend_domid, backend_domname.as_ref());
        // The one comma in such a type belongs to it.
        match kind.as_deref().map(|kind| (kind, kind.split(',').count())) {
            Some((kind, 2)) if kind.starts_with("virtio") && !kind.ends_with(',') && !kind.contains('\0') => {
                entry.put("type", &format!("type={kind}"));
            }
            Some((kind, 1)) if !kind.starts_with("virtio") => entry.text_as("type", "type", Some(kind)),
            Some(_) => {
                let path = entry.at("type");
                entry.writer().lost(path, "xl accepts only a type such as virtio,device22");
            }
            None => {}
        }
        if let Some(transport) = transport {
            entry.put("transport", &format!("transport={}", transport.as_str()));
        }
        entry.flag("grant_usage", *grant_usage);
        for (field, is_set) in [("irq", *irq != 0), ("base", *base != 0)] {
            let path = entry.at(field);
            entry.writer().no_key(path, is_set);
        }
        entry.written()
    }

    pub(super) fn vtpm(&mut self, vtpm: &Vtpm, index: usize) -> Option<String> {
        let Vtpm { backend_domid, backend_domname, devid, uuid, rest } = vtpm;
        let path = format!("vtpms[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "vtpm", path);
        entry.numbered(*devid, index);
        match backend_domname {
            Some(_) => entry.backend(*backend_domid, backend_domname.as_ref()),
            None => entry.backend_number(*backend_domid),
        }
        entry.text("uuid", uuid.map(|uuid| uuid.hyphenated().to_string()).as_ref());
        entry.written()
    }

    pub(super) fn p9s(&mut self, shares: &[P9]) {
        // xl's parser takes what an entry does not say from the entry before it.
        let mut inherits = false;
        self.list(Devices, "p9", shares, |writer, share, index| {
            let P9 {
                backend_domid,
                backend_domname,
                tag,
                path: directory,
                security_model,
                devid: _,
                kind,
                max_space,
                max_files,
                max_open_files,
                auto_delete,
                rest,
            } = share;
            let path = format!("p9s[{index}]");
            writer.rest(&path, rest);
            if tag.is_none() || directory.is_none() || security_model.is_none() {
                writer.lost(path, "xl accepts only a share with a tag, a path and a security model");
                return None;
            }
            let mut entry = Entry::new(writer, "p9", path);
            entry.text("tag", tag.as_ref());
            entry.text("path", directory.as_ref());
            entry.text("security_model", security_model.as_ref());
            let is_dom0s = *backend_domid == 0 && backend_domname.is_none();
            if inherits && is_dom0s {
                entry.backend_number(0);
            } else {
                entry.backend(*backend_domid, backend_domname.as_ref());
            }
            inherits |= !is_dom0s;
            if let Some(kind) = kind {
                entry.put("type", &format!("type={}", kind.as_str()));
            }
            for (key, number) in
                [("max-space", max_space), ("max-files", max_files), ("max-open-files", max_open_files)]
            {
                entry.number(key, *number);
            }
            entry.number("auto-delete", u8::from(*auto_delete));
            entry.written()
        });
    }

    pub(super) fn pvcalls(&mut self, device: &Pvcalls, index: usize) -> Option<String> {
        let Pvcalls { backend_domid, backend_domname, devid, rest } = device;
        let path = format!("pvcallsifs[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "pvcalls", path);
        entry.numbered(*devid, index);
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.written()
    }

    pub(super) fn usbctrl(&mut self, controller: &UsbCtrl, index: usize) -> Option<String> {
        let UsbCtrl { kind, devid, version, ports, backend_domid, backend_domname, rest } = controller;
        let path = format!("usbctrls[{index}]");
        self.rest(&path, rest);
        self.no_key(format!("{path}.backend_domid"), *backend_domid != 0);
        self.no_key(format!("{path}.backend_domname"), backend_domname.is_some());
        let mut entry = Entry::new(self, "usbctrl", path);
        entry.numbered(*devid, index);
        if *kind != UsbCtrlType::Auto {
            entry.put("type", &format!("type={}", kind.as_str()));
        }
        entry.number("version", *version);
        entry.number("ports", *ports);
        entry.written()
    }

    pub(super) fn usbdev(&mut self, device: &UsbDev, index: usize) -> Option<String> {
        let UsbDev { ctrl, port, hostdev, rest } = device;
        let path = format!("usbdevs[{index}]");
        self.rest(&path, rest);
        let Some(HostUsb { hostbus, hostaddr, rest }) = hostdev else {
            self.lost(path, "the entry does not name a device of the host");
            return None;
        };
        self.rest(&format!("{path}.type.hostdev"), rest);
        let mut entry = Entry::new(self, "usbdev", path);
        entry.put("type", "type=hostdev");
        entry.number("hostbus", *hostbus);
        entry.number("hostaddr", *hostaddr);
        if let Some(controller) = ctrl {
            entry.put("controller", &format!("controller={controller}"));
        }
        entry.number("port", *port);
        entry.written()
    }
}

/// A text that xl's splitting and trimming leave as it is.
fn is_plain(text: &str) -> bool {
    let space = |c: char| matches!(c, ' ' | '\t'..='\r');
    !text.is_empty() && !text.contains([',', '=', '\0']) && !text.starts_with(space) && !text.ends_with(space)
}

impl Entry<'_> {
    /// `key=1` or `key=0`.
    fn flag(&mut self, key: &str, value: Option<crate::domain::Defbool>) {
        if let Some(value) = value {
            self.put(key, &format!("{key}={}", u8::from(value.is_true())));
        }
    }
}
