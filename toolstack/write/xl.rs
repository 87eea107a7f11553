//! xl.cfg: what stock xl reads, pleasant for people too.
//!
//! What it may hold is libxlu_cfg_y.y; how values are written is in [`super::value`].

use timers::hyperv::Viridian;

use super::clock_keys;
use super::value::Value;
use crate::diag::Report;
use crate::diag::shown;
use crate::domain::config::{Bios, BuildInfo, Disk, Hvm, Nic, NicType, Sdl, Vfb, VgaKind, Vnc};
use crate::domain::{Defbool, Domain, DomainConfig, Notes};

/// Writes a domain whose config already holds the clock's plain part (see `domain::project`).
///
/// `report` gives the comments: what is not carried over, and why.
#[must_use]
pub fn write(domain: &Domain, config: &DomainConfig, report: &Report) -> String {
    let mut out = Writer { out: String::new() };
    out.notes(&domain.notes);
    out.general(config);
    out.boot(config);
    out.clock(domain, config);
    out.ends(config);
    out.devices(config);
    out.losses(report);
    out.out.truncate(out.out.trim_end().len());
    out.out.push('\n');
    out.out
}

struct Writer {
    out: String,
}

impl Writer {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.out.push_str(key);
        self.out.push_str(" = ");
        self.out.push_str(&value.into().written());
        self.out.push('\n');
    }

    fn maybe<V: Into<Value>>(&mut self, key: &str, value: Option<V>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn text(&mut self, key: &str, value: Option<&String>) {
        self.maybe(key, value.map(String::as_str));
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.trim_end().replace('\t', " ");
            let line = shown(&line);
            self.out.push_str(if line.is_empty() { "#" } else { "# " });
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    /// Ends a group, unless it is empty.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn notes(&mut self, notes: &Notes) {
        for (name, text) in [("title", &notes.title), ("description", &notes.description)] {
            if let Some(text) = text {
                self.comment(&format!("{name}: {text}"));
            }
        }
        if let Some(metadata) = &notes.metadata {
            self.comment(metadata);
        }
        self.gap();
    }

    fn general(&mut self, config: &DomainConfig) {
        let DomainConfig { c_info, b_info, .. } = config;
        self.set("type", config.kind().as_str());
        self.text("name", c_info.name.as_ref());
        self.maybe("uuid", c_info.uuid.map(|uuid| uuid.hyphenated().to_string()));
        let mib = |kib: u64| kib / 1024;
        self.maybe("memory", b_info.target_memkb.map(mib));
        if b_info.max_memkb != b_info.target_memkb {
            self.maybe("maxmem", b_info.max_memkb.map(mib));
        }
        let online = b_info.avail_vcpus.len();
        self.set("vcpus", online as u64);
        if i64::from(b_info.max_vcpus) != online as i64 {
            self.set("maxvcpus", i64::from(b_info.max_vcpus));
        }
        self.maybe("hap", c_info.hap);
        self.maybe("max_grant_frames", b_info.max_grant_frames);
        if b_info.event_channels > 0 {
            self.set("max_event_channels", b_info.event_channels);
        }
        self.gap();
    }

    fn boot(&mut self, config: &DomainConfig) {
        let b_info: &BuildInfo = &config.b_info;
        self.text("kernel", b_info.kernel.as_ref());
        self.text("ramdisk", b_info.ramdisk.as_ref());
        self.text("cmdline", b_info.cmdline.as_ref());
        self.text("bootloader", b_info.bootloader.as_ref());
        if !b_info.bootloader_args.is_empty() {
            self.set("bootloader_args", &b_info.bootloader_args[..]);
        }
        self.maybe("acpi", b_info.acpi);
        self.maybe("apic", b_info.apic);
        if let Some(hvm) = &b_info.hvm {
            self.maybe("pae", hvm.pae);
            self.maybe("acpi_s3", hvm.acpi_s3);
            self.maybe("acpi_s4", hvm.acpi_s4);
            self.text("firmware_override", hvm.firmware.as_ref());
            self.maybe("bios", hvm.bios.map(Bios::as_str));
            self.text("bios_path_override", hvm.system_firmware.as_ref());
            self.text("boot", hvm.boot.as_ref());
            viridian(self, hvm);
        }
        if let Some(version) = b_info.device_model_version {
            self.set("device_model_version", version.as_str().replace('_', "-"));
        }
        self.text("device_model_override", b_info.device_model.as_ref());
        if !b_info.extra_hvm.is_empty() {
            self.set("device_model_args_hvm", &b_info.extra_hvm[..]);
        }
        self.gap();
    }

    fn clock(&mut self, domain: &Domain, config: &DomainConfig) {
        let b_info = &config.b_info;
        let keys = clock_keys::keys(&domain.clock, config.kind());
        let start = self.out.len();
        self.maybe("localtime", b_info.localtime);
        if b_info.rtc_timeoffset != 0 {
            self.set("rtc_timeoffset", i64::from(b_info.rtc_timeoffset.cast_signed()));
        }
        self.maybe("tsc_mode", b_info.tsc_mode.map(timers::tsc::TscMode::as_str));
        self.maybe("timer_mode", b_info.timer_mode.map(timers::ticks::MissedTicks::as_str));
        if let Some(hvm) = &b_info.hvm {
            self.maybe("hpet", hvm.hpet);
        }
        if !keys.is_empty() {
            self.comment("For xenclock, which sets the whole clock; plain xl passes over these:");
        }
        for (key, value) in keys {
            self.set(key, value);
        }
        if self.out.len() > start {
            self.out.insert_str(start, "# The clock\n");
        }
        self.gap();
    }

    fn ends(&mut self, config: &DomainConfig) {
        for (key, action) in [
            ("on_poweroff", config.on_poweroff),
            ("on_reboot", config.on_reboot),
            ("on_crash", config.on_crash),
        ] {
            self.set(key, action.xl_word());
        }
        self.gap();
    }

    fn devices(&mut self, config: &DomainConfig) {
        if let Some(hvm) = &config.b_info.hvm {
            self.screen(config, hvm);
        }
        self.list("disk", config.disks.iter().map(disk));
        self.list("vif", config.nics.iter().map(nic));
        self.list("vfb", config.vfbs.iter().map(vfb));
        self.gap();
    }

    fn list(&mut self, key: &str, items: impl Iterator<Item = String>) {
        let items: Vec<_> = items.map(Value::Text).collect();
        if !items.is_empty() {
            self.set(key, Value::List(items));
        }
    }

    fn screen(&mut self, config: &DomainConfig, hvm: &Hvm) {
        self.maybe(
            "vga",
            hvm.vga.kind.map(|kind| if kind == VgaKind::Std { "stdvga" } else { kind.as_str() }),
        );
        self.maybe("videoram", config.b_info.video_memkb.map(|kib| kib / 1024));
        self.maybe("vnc", hvm.vnc.enable);
        self.text("vnclisten", hvm.vnc.listen.as_ref());
        self.text("vncpasswd", hvm.vnc.passwd.as_ref());
        if hvm.vnc.display != 0 {
            self.set("vncdisplay", i64::from(hvm.vnc.display));
        }
        self.maybe("vncunused", hvm.vnc.findunused);
        self.text("keymap", hvm.keymap.as_ref());
        self.maybe("sdl", hvm.sdl.enable);
        self.text("display", hvm.sdl.display.as_ref());
        self.text("xauthority", hvm.sdl.xauthority.as_ref());
        let spice = &hvm.spice;
        self.maybe("spice", spice.enable);
        for (key, port) in [("spiceport", spice.port), ("spicetls_port", spice.tls_port)] {
            if port != 0 {
                self.set(key, i64::from(port));
            }
        }
        self.text("spicehost", spice.host.as_ref());
        self.maybe("spicedisable_ticketing", spice.disable_ticketing);
        self.text("spicepasswd", spice.passwd.as_ref());
        self.maybe("spiceagent_mouse", spice.agent_mouse);
        self.maybe("spicevdagent", spice.vdagent);
        self.maybe("spice_clipboard_sharing", spice.clipboard_sharing);
        self.text("serial", hvm.serial.as_ref());
        if !hvm.serial_list.is_empty() {
            self.set("serial", &hvm.serial_list[..]);
        }
        self.maybe("usb", hvm.usb);
        self.text("usbdevice", hvm.usbdevice.as_ref());
        if !hvm.usbdevice_list.is_empty() {
            self.set("usbdevice", &hvm.usbdevice_list[..]);
        }
    }

    /// What is not carried over, for those who read the file and not the messages.
    fn losses(&mut self, report: &Report) {
        let losses: Vec<_> = report.losses().collect();
        if losses.is_empty() {
            return;
        }
        self.gap();
        self.comment("Not carried over word for word:");
        for loss in losses {
            let said = format!("{}: {}", loss.finding.verdict, shown(&loss.finding.reason));
            self.comment(&format!("  line {}, {said}", loss.place.line));
        }
    }
}

fn viridian(writer: &mut Writer, hvm: &Hvm) {
    if hvm.viridian_enable.is_empty() && hvm.viridian_disable.is_empty() {
        writer.maybe("viridian", hvm.viridian);
        return;
    }
    let word = |number: &u32| Viridian::from_number(*number).map(Viridian::as_str);
    let mut words = Vec::new();
    if hvm.viridian == Some(Defbool::True) {
        words.push(Value::from("defaults"));
    }
    words.extend(hvm.viridian_enable.iter().filter_map(word).map(Value::from));
    words.extend(hvm.viridian_disable.iter().filter_map(word).map(|word| Value::from(format!("!{word}"))));
    writer.set("viridian", Value::Line(words));
}

/// `key=value,key=value`, of what there is.
fn spec<const N: usize>(settings: [(&str, Option<String>); N]) -> String {
    let given: Vec<_> =
        settings.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
    given.join(",")
}

/// xl-disk-configuration(5); `target` comes last, since it takes the rest of the line.
fn disk(disk: &Disk) -> String {
    let access = if disk.readwrite == 1 { "rw" } else { "ro" };
    let mut out = spec([
        ("format", disk.format.map(|format| format.as_str().to_owned())),
        ("vdev", disk.vdev.clone()),
        ("access", Some(access.to_owned())),
        ("backendtype", disk.backend.map(|backend| backend.as_str().to_owned())),
        ("devtype", (disk.is_cdrom == 1).then(|| "cdrom".to_owned())),
    ]);
    match disk.discard_enable {
        Some(Defbool::True) => out.push_str(",discard"),
        Some(Defbool::False) => out.push_str(",no-discard"),
        None => {}
    }
    if let Some(path) = &disk.pdev_path {
        out.push_str(",target=");
        out.push_str(path);
    }
    out
}

/// xl-network-configuration(5).
fn nic(nic: &Nic) -> String {
    spec([
        ("mac", nic.mac.clone()),
        ("bridge", nic.bridge.clone()),
        ("script", nic.script.clone()),
        ("vifname", nic.ifname.clone()),
        ("ip", nic.ip.clone()),
        ("model", nic.model.clone()),
        (
            "type",
            nic.nictype.map(|kind| match kind {
                NicType::VifIoemu => "ioemu".to_owned(),
                NicType::Vif => "vif".to_owned(),
            }),
        ),
        ("mtu", (nic.mtu != 0).then(|| nic.mtu.to_string())),
    ])
}

fn vfb(vfb: &Vfb) -> String {
    let flag = |value: Option<Defbool>| value.map(|value| u8::from(value.is_true()).to_string());
    let Vfb { vnc, sdl, keymap, .. } = vfb;
    let Vnc { enable, listen, passwd, display, findunused, .. } = vnc;
    let Sdl { enable: sdl_enable, display: sdl_display, xauthority, .. } = sdl;
    spec([
        ("vnc", flag(*enable)),
        ("vnclisten", listen.clone()),
        ("vncpasswd", passwd.clone()),
        ("vncdisplay", (*display != 0).then(|| display.to_string())),
        ("vncunused", flag(*findunused)),
        ("sdl", flag(*sdl_enable)),
        ("display", sdl_display.clone()),
        ("xauthority", xauthority.clone()),
        ("keymap", keymap.clone()),
    ])
}
