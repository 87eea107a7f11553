//! The devices in libxl's config, as `libxl_types.idl` has them.

use serde::{Deserialize, Serialize};

use super::config::{Defbool, Rest, is_default};

/// `libxl_vga_interface_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vga {
    /// cirrus, std, none or qxl.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_vnc_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vnc {
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<Defbool>,
    /// The address to listen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwd: Option<String>,
    /// The display; its port is 5900 more.
    #[serde(skip_serializing_if = "is_default")]
    pub display: u32,
    /// Take the next free display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findunused: Option<Defbool>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_sdl_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sdl {
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<Defbool>,
    /// Draw with OpenGL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opengl: Option<Defbool>,
    /// X11 display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// X11 authority file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xauthority: Option<String>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_spice_info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spice {
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<Defbool>,
    /// Port without TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub port: u32,
    /// Port with TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_port: u32,
    /// The address to listen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Clients need no password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_ticketing: Option<Defbool>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwd: Option<String>,
    /// Mouse by the guest's agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_mouse: Option<Defbool>,
    /// The guest's agent channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vdagent: Option<Defbool>,
    /// Share the clipboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipboard_sharing: Option<Defbool>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_device_disk`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// The file or block device in dom0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdev_path: Option<String>,
    /// The name in the guest: hda, xvda, sda.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vdev: Option<String>,
    /// phy, qdisk or tap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// raw, qcow, qcow2, vhd, empty or qed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Hotplug script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// 1 for a removable medium.
    #[serde(skip_serializing_if = "is_default")]
    pub removable: u32,
    /// 1 when the guest may write.
    #[serde(skip_serializing_if = "is_default")]
    pub readwrite: u32,
    /// 1 for a CD-ROM.
    #[serde(skip_serializing_if = "is_default")]
    pub is_cdrom: u32,
    /// Pass discards on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discard_enable: Option<Defbool>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_device_nic`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nic {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devid: Option<u32>,
    /// Maximum packet size.
    #[serde(skip_serializing_if = "is_default")]
    pub mtu: u32,
    /// The emulated card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The guest's addresses, for the script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The bridge in dom0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
    /// The interface's name in dom0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ifname: Option<String>,
    /// Hotplug script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// vif_ioemu (with an emulated card) or vif (paravirtual alone).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nictype: Option<String>,
    /// Bandwidth: bytes in an interval.
    #[serde(skip_serializing_if = "is_default")]
    pub rate_bytes_per_interval: u64,
    /// Bandwidth: the interval, in microseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub rate_interval_usecs: u32,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_device_vfb`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vfb {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devid: Option<u32>,
    /// A VNC server.
    pub vnc: Vnc,
    /// An SDL window.
    pub sdl: Sdl,
    /// Keyboard layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keymap: Option<String>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `libxl_device_vkb`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vkb {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devid: Option<u32>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}
