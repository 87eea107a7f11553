//! `<graphics>`, `<video>`, `<input>`, `<sound>` and `<audio>`.

use super::super::row::{OTHER_KIND, Section, mapped, no_effect, unsupported};

const SPICE: &str = "libxl does not pass it to QEMU, so QEMU's default applies";

pub(super) static SECTION: Section = Section {
    title: "Screen, keyboard and sound",
    path: "devices",
    rows: &[
        mapped("graphics", "`vnc`, `spice`, `sdl` and related keys; `vfb` for PV and PVH"),
        mapped("video", "`vga`, `videoram`"),
        mapped("input", "`usb`, `usbdevice`"),
        no_effect("audio", "audio-backend", "the host's audio backend of another hypervisor"),
        mapped("sound", "`soundhw`"),
        mapped("sound/audio|codec", "nothing: QEMU's own choice"),
        no_effect("sound/driver", "virtio-option", "an option of virtio devices; on Xen there are none"),
        unsupported("sound/@multichannel|streams", "sound-details", "libxl's sound card has two channels")
            .unless("", &["no"]),
        no_effect("graphics/audio", "audio-backend", "the host's audio backend of another hypervisor"),
        no_effect(
            "graphics/@connected",
            "display-connected",
            "what QEMU does with viewers when a password is set later",
        ),
        unsupported("graphics/@passwdValidTo", "display-password", "libxl's display passwords do not expire"),
        unsupported("graphics/@websocket", "display-websocket", "libxl does not open a websocket").instead(
            "run websockify in dom0: websockify PORT 127.0.0.1:5900, with the display's own port in place of 5900",
        ),
        unsupported("graphics/@wait", "display-wait", "libxl starts a guest without waiting for a viewer")
            .instead("start the guest paused, and unpause it when the viewer is connected: xl unpause DOMAIN")
            .unless("", &["no"]),
        mapped("graphics/@socket", "`vnclisten`").or_no_effect("other-kind", OTHER_KIND),
        unsupported(
            "graphics/@sharePolicy",
            "display-sharing",
            "QEMU lets viewers choose whether to share a screen",
        )
        .unless("", &["allow-exclusive"]),
        unsupported(
            "graphics/@powerControl",
            "display-power",
            "with libxl, a viewer cannot power a guest on or off",
        )
        .unless("", &["no"]),
        unsupported(
            "graphics/@defaultMode",
            "spice-tls",
            "libxl has one SPICE port without TLS and one with TLS",
        )
        .unless("", &["any"]),
        unsupported(
            "graphics/channel",
            "spice-tls",
            "libxl cannot set the encryption of single SPICE channels",
        ),
        unsupported("graphics/@fullscreen", "display-window", "libxl opens its window in the default size")
            .unless("", &["no"]),
        mapped("graphics/@display|xauth", "`display=`, `xauthority=` of a window on the host's screen")
            .or_else("display-kind", "applies only to a window on the host's own screen"),
        mapped("graphics/@tlsPort", "`spicetls_port`")
            .or_else("spice-tls", "libxl's config has no TLS port for this display")
            .unless("", &["-1"]),
        unsupported(
            "graphics/@address|p2p|multiUser|replaceUser|username",
            "display-kind",
            "belongs to a kind of display that libxl does not have",
        )
        .instead("write type='vnc'"),
        mapped("graphics/@type|port|autoport|listen|passwd|keymap", "the keys of that kind of display")
            .or_no_effect("other-kind", OTHER_KIND),
        mapped("graphics/gl", "nothing")
            .or_else("display-gl", "libxl does not enable OpenGL in QEMU")
            .unless("enable", &["no"]),
        unsupported("graphics/jpeg|zlib|playback", "spice-option", SPICE),
        mapped("graphics/image", "`spice_image_compression`")
            .or_else("spice-option", SPICE)
            .in_file("write spice_image_compression = \"auto_glz\" or another of QEMU's values"),
        mapped("graphics/streaming", "`spice_streaming_video`")
            .or_else("spice-option", SPICE)
            .in_file("write spice_streaming_video = \"filter\", \"all\" or \"off\""),
        mapped("graphics/clipboard", "`spice_clipboard_sharing`, `spicevdagent`")
            .or_else("spice-option", SPICE),
        mapped("graphics/mouse", "`spiceagent_mouse`").or_else("spice-option", SPICE),
        unsupported(
            "graphics/filetransfer",
            "spice-option",
            "libxl has no setting for file transfer, so SPICE's default applies",
        )
        .unless("enable", &["yes"]),
        no_effect("graphics/gl/@rendernode", "display-gl", "a device for OpenGL, which libxl does not enable"),
        mapped("graphics/listen", "`vnclisten`, `spicehost`").or_no_effect("other-kind", OTHER_KIND),
        mapped("graphics/listen/@address|network|socket|type", "`vnclisten`, `spicehost`")
            .or_no_effect("other-kind", OTHER_KIND),
        no_effect(
            "video/driver",
            "video-driver",
            "an option of virtio graphics cards; on Xen there are none",
        ),
        unsupported("video/driver/@vgaconf", "video-details", "only bhyve has it"),
        no_effect("video/model/@heads|primary", "one-screen", "a guest on Xen has one card with one screen"),
        mapped("video/model/@vram|ram|vgamem|vram64", "`videoram`"),
        mapped("video/model/@type", "`vga`"),
        unsupported("video/model/@blob|edid|device", "video-details", "libxl does not pass it to QEMU"),
        unsupported(
            "video/model/acceleration",
            "video-acceleration",
            "libxl's graphics cards are not accelerated",
        )
        .unless("accel3d", &["no"]),
        unsupported("video/model/resolution", "video-resolution", "libxl does not pass a resolution to QEMU")
            .instead("set the resolution in the guest"),
        no_effect("input/driver", "virtio-option", "an option of virtio devices; on Xen there are none"),
        mapped("input/source", "`device_model_args_hvm`: QEMU's `input-linux`")
            .or_else("input-host", "Xen's QEMU gives a guest no virtio input")
            .instead("write type='evdev' and <source dev=>, or pass the whole USB device through"),
        mapped("input/source/@dev|grab|repeat|grabToggle", "`device_model_args_hvm`: QEMU's `input-linux`"),
        no_effect("input/source/@evdev", "other-kind", OTHER_KIND),
        no_effect("input/@model", "virtio-option", "the kind of a virtio device; on Xen there are none"),
        mapped("input/@bus|type", "`usbdevice`"),
    ],
};
