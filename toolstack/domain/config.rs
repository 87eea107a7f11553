//! `DomainConfig`: libxl's own description of a domain, typed so that its JSON *is* libxl's JSON.
//!
//! Mirrors `libxl_domain_config` in Xen's `libxl_types.idl`: the same names in the same order, and a field is left
//! out where libxl leaves it out (when it has its default). What is not typed here is kept in `rest`, so that a
//! config read from libxl goes back whole.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use timers::GuestKind;
use timers::ticks::MissedTicks;
use timers::tsc::TscMode;

pub use super::devices::{Disk, Nic, Sdl, Spice, Vfb, Vga, Vkb, Vnc};

/// Keys of libxl's JSON that have no field of their own here.
pub type Rest = Map<String, Value>;

/// libxl's three-valued boolean; its default is an `Option`'s `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Defbool {
    /// Set to no.
    False,
    /// Set to yes.
    True,
}

impl From<bool> for Defbool {
    fn from(value: bool) -> Self {
        if value { Defbool::True } else { Defbool::False }
    }
}

impl Defbool {
    /// As a plain boolean.
    #[must_use]
    pub fn is_true(self) -> bool {
        self == Defbool::True
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A whole domain: `libxl_domain_config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DomainConfig {
    /// What the domain is.
    pub c_info: CreateInfo,
    /// How it is built.
    pub b_info: BuildInfo,
    /// Block devices.
    #[serde(skip_serializing_if = "is_default")]
    pub disks: Vec<Disk>,
    /// Network interfaces.
    #[serde(skip_serializing_if = "is_default")]
    pub nics: Vec<Nic>,
    /// Paravirtual framebuffers.
    #[serde(skip_serializing_if = "is_default")]
    pub vfbs: Vec<Vfb>,
    /// Paravirtual keyboards and pointers.
    #[serde(skip_serializing_if = "is_default")]
    pub vkbs: Vec<Vkb>,
    /// What to do when the guest powers off; libxl leaves destroy out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_poweroff: Option<Action>,
    /// What to do when the guest reboots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_reboot: Option<Action>,
    /// What to do when the guest's watchdog fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_watchdog: Option<Action>,
    /// What to do when the guest crashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_crash: Option<Action>,
    /// What to do when the guest asks for a soft reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_soft_reset: Option<Action>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_domain_create_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateInfo {
    /// hvm, pv or pvh.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<GuestKind>,
    /// Hardware assisted paging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hap: Option<Defbool>,
    /// The domain's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its UUID, in the usual 36 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Whether libxl runs hotplug scripts itself; xl always says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_hotplug_scripts: Option<Defbool>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_domain_build_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildInfo {
    /// vCPUs at most.
    #[serde(skip_serializing_if = "is_default")]
    pub max_vcpus: u32,
    /// vCPUs online at the start.
    #[serde(skip_serializing_if = "is_default")]
    pub avail_vcpus: Vec<u32>,
    /// How RDTSC works; libxl leaves default out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsc_mode: Option<TscMode>,
    /// Memory at most, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memkb: Option<u64>,
    /// Memory at the start, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_memkb: Option<u64>,
    /// Video memory, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_memkb: Option<u64>,
    /// Seconds from UTC, modulo 2^32; see `UtcOffset::from_libxl`.
    #[serde(skip_serializing_if = "is_default")]
    pub rtc_timeoffset: u32,
    /// Add the host's offset from UTC at each build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub localtime: Option<Defbool>,
    /// Grant frames at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grant_frames: Option<u32>,
    /// Which device model; xl.cfg's `device_model_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model_version: Option<String>,
    /// The device model's path; xl.cfg's `device_model_override`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// Arguments for an HVM guest's QEMU; xl.cfg's `device_model_args_hvm`.
    #[serde(skip_serializing_if = "is_default")]
    pub extra_hvm: Vec<String>,
    /// Scheduler parameters.
    pub sched_params: Rest,
    /// Claim memory before building; xl always says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_mode: Option<Defbool>,
    /// Event channels at most.
    #[serde(skip_serializing_if = "is_default")]
    pub event_channels: u32,
    /// Direct boot: the kernel's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Direct boot: its command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmdline: Option<String>,
    /// Direct boot: its initial ramdisk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramdisk: Option<String>,
    /// ACPI tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acpi: Option<Defbool>,
    /// A program in dom0 that finds a PV guest's kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootloader: Option<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub bootloader_args: Vec<String>,
    /// What happens to missed ticks of periodic timers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_mode: Option<MissedTicks>,
    /// Whether the guest may run HVM guests itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested_hvm: Option<Defbool>,
    /// A local APIC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apic: Option<Defbool>,
    /// What only an HVM guest has.
    #[serde(rename = "type.hvm", skip_serializing_if = "Option::is_none")]
    pub hvm: Option<Hvm>,
    /// What only a PV guest has.
    #[serde(rename = "type.pv", skip_serializing_if = "Option::is_none")]
    pub pv: Option<Rest>,
    /// What only a PVH guest has.
    #[serde(rename = "type.pvh", skip_serializing_if = "Option::is_none")]
    pub pvh: Option<Rest>,
    /// What only ARM has.
    pub arch_arm: Rest,
    /// What only x86 has.
    pub arch_x86: Rest,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_domain_build_info.u.hvm`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hvm {
    /// The loader's path; xl.cfg's `firmware_override`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// rombios, seabios or ovmf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bios: Option<String>,
    /// Physical address extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pae: Option<Defbool>,
    /// ACPI sleep state S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acpi_s3: Option<Defbool>,
    /// ACPI sleep state S4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acpi_s4: Option<Defbool>,
    /// The default group of Hyper-V enlightenments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viridian: Option<Defbool>,
    /// Hyper-V enlightenments by number.
    #[serde(skip_serializing_if = "is_default")]
    pub viridian_enable: Vec<u32>,
    /// Hyper-V enlightenments taken away again.
    #[serde(skip_serializing_if = "is_default")]
    pub viridian_disable: Vec<u32>,
    /// A high precision event timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hpet: Option<Defbool>,
    /// Align periodic timers with each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpt_align: Option<Defbool>,
    /// The firmware blob's path; xl.cfg's `bios_path_override`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_firmware: Option<String>,
    /// No graphics at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nographic: Option<Defbool>,
    /// The emulated graphics card.
    pub vga: Vga,
    /// A VNC server.
    pub vnc: Vnc,
    /// Keyboard layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keymap: Option<String>,
    /// An SDL window.
    pub sdl: Sdl,
    /// A SPICE server.
    pub spice: Spice,
    /// The one serial port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Boot order: letters of a, c, d, n.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// An emulated USB controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb: Option<Defbool>,
    /// The one USB device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usbdevice: Option<String>,
    /// Several USB devices.
    #[serde(skip_serializing_if = "is_default")]
    pub usbdevice_list: Vec<String>,
    /// Several serial ports.
    #[serde(skip_serializing_if = "is_default")]
    pub serial_list: Vec<String>,
    /// Reserved device memory.
    pub rdm: Rest,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_action_on_shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Take the domain away.
    Destroy,
    /// Start it again.
    Restart,
    /// Start it again and keep the old one under another name.
    RestartRename,
    /// Keep what is left of it.
    Preserve,
    /// Write a core dump, then destroy.
    CoredumpDestroy,
    /// Write a core dump, then restart.
    CoredumpRestart,
    /// Start it again in the same memory.
    SoftReset,
}

impl Action {
    /// The word of xl.cfg's `on_poweroff` and its kin.
    #[must_use]
    pub fn xl_word(self) -> &'static str {
        match self {
            Action::Destroy => "destroy",
            Action::Restart => "restart",
            Action::RestartRename => "rename-restart",
            Action::Preserve => "preserve",
            Action::CoredumpDestroy => "coredump-destroy",
            Action::CoredumpRestart => "coredump-restart",
            Action::SoftReset => "soft-reset",
        }
    }

    /// From a word of xl.cfg (libvirt's words are the same).
    #[must_use]
    pub fn from_xl_word(word: &str) -> Option<Self> {
        use Action::{
            CoredumpDestroy, CoredumpRestart, Destroy, Preserve, Restart, RestartRename, SoftReset,
        };
        [Destroy, Restart, RestartRename, Preserve, CoredumpDestroy, CoredumpRestart, SoftReset]
            .into_iter()
            .find(|action| action.xl_word() == word)
    }
}

impl DomainConfig {
    /// What every config that xl makes says of itself, for a guest of this kind.
    #[must_use]
    pub fn new(kind: GuestKind) -> Self {
        let mut config = DomainConfig::default();
        config.c_info.kind = Some(kind);
        config.c_info.run_hotplug_scripts = Some(Defbool::True);
        config.b_info.claim_mode = Some(Defbool::True);
        config.on_reboot = Some(Action::Restart);
        config.on_soft_reset = Some(Action::SoftReset);
        match kind {
            GuestKind::Hvm => config.b_info.hvm = Some(Hvm::default()),
            GuestKind::Pv => config.b_info.pv = Some(Rest::default()),
            GuestKind::Pvh => config.b_info.pvh = Some(Rest::default()),
        }
        config
    }

    /// hvm, pv or pvh; pv where nothing is said, as in xl.
    #[must_use]
    pub fn kind(&self) -> GuestKind {
        self.c_info.kind.unwrap_or(GuestKind::Pv)
    }

    /// The domain's name, empty where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.c_info.name.as_deref().unwrap_or_default()
    }
}
