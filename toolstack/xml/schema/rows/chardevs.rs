//! `<serial>`, `<console>`, `<parallel>`, `<channel>` and their kin.

use super::super::row::{Section, mapped, no_effect, unsupported};

pub(super) static SECTION: Section = Section {
    title: "Serial ports, consoles, channels",
    path: "devices",
    rows: &[
        mapped("serial", "`serial`"),
        mapped("console", "nothing: every guest has one"),
        no_effect(
            "serial|console|parallel/@tty",
            "live-state",
            "the terminal of a running guest; each start gives a new one",
        ),
        mapped("parallel", "`device_model_args_hvm`"),
        mapped("channel", "`channel`, a console of Xen; SPICE's agent: `spicevdagent`"),
        no_effect("channel/target/@state", "live-state", "the state of a running guest"),
        unsupported("smartcard", "smartcard", "libxl gives a guest no smartcard reader")
            .instead("pass the host's reader through as a USB device"),
        mapped("redirdev", "`spiceusbredirection`"),
        unsupported(
            "redirfilter",
            "usb-redirection-filter",
            "libxl redirects any USB device that the SPICE client offers",
        ),
        unsupported("console/log", "chardev-log", "libxl writes no log of a console")
            .instead("start xenconsoled in dom0 with --log=guest, which logs the console of each guest"),
        unsupported("serial|parallel|channel/log", "chardev-log", "libxl writes no log beside a port")
            .instead("write type='file' and <source path='/PATH'/>, for a port that is only logged"),
        mapped(
            "serial|console|parallel|channel/source/@append",
            "nothing: QEMU begins the file anew at each start",
        )
        .or_else("chardev-append", "Xen's QEMU writes such a file anew at each start")
        .unless("", &["off"]),
        unsupported(
            "serial|console|parallel|channel/source/@tls",
            "chardev-tls",
            "libxl knows no TLS for ports",
        )
        .instead("tunnel the connection, as with stunnel")
        .unless("", &["no"]),
        mapped("serial|console|parallel|channel/source/reconnect", "`serial`")
            .or_else("chardev-reconnect", "libxl tells QEMU of no such time")
            .unless("enabled", &["no"]),
        unsupported(
            "serial|console|parallel|channel/source/reconnect/@delay",
            "chardev-reconnect",
            "libxl tells QEMU of no such time",
        ),
        unsupported(
            "serial|console|parallel|channel/source/@channel|master|slave",
            "chardev-kind",
            "libxl knows no port of this kind",
        )
        .instead("write type='pty'"),
        mapped("serial|console|parallel|channel/source/@host|service|mode|path", "`serial`, in QEMU's form")
            .or_else("chardev-kind", "libxl is not told of this end of the port")
            .instead("write type='pty'"),
        unsupported(
            "serial|console|parallel|channel/source/*",
            "chardev-kind",
            "libxl is not told of this end of the port",
        )
        .instead("write type='pty'"),
        mapped("serial|console|parallel|channel/protocol", "`serial`")
            .or_else("chardev-kind", "libxl is not told of this end of the port")
            .instead("write type='pty'"),
        no_effect(
            "serial|console|parallel|channel/source/seclabel",
            "host-label",
            "confines the QEMU process on the host; Xen itself keeps guests apart",
        ),
        mapped("serial|console|parallel/target", "`serial`, in the order of the ports")
            .or_no_effect("serial-port", "ports are numbered in the order written"),
    ],
};
