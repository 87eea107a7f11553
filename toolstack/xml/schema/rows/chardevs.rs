//! `<serial>`, `<console>`, `<parallel>`, `<channel>` and related elements.

use super::super::row::{OTHER_KIND, Section, mapped, no_effect, unsupported};

pub(super) static SECTION: Section = Section {
    title: "Serial ports, consoles, channels",
    path: "devices",
    rows: &[
        mapped("serial", "`serial`"),
        mapped("console", "nothing: every guest has one"),
        no_effect(
            "serial|console|parallel/@tty",
            "live-state",
            "the terminal of a running guest; each start assigns a new one",
        ),
        mapped("parallel", "`device_model_args_hvm`"),
        mapped("channel", "`channel`, a console of Xen; SPICE's agent: `spicevdagent`"),
        no_effect("channel/target/@address|port", "other-kind", OTHER_KIND),
        no_effect("channel/target/@state", "live-state", "the state of a running guest"),
        unsupported("smartcard", "smartcard", "libxl has no smartcard readers")
            .instead("pass the host's reader through as a USB device"),
        mapped("redirdev", "`spiceusbredirection`"),
        unsupported(
            "redirfilter",
            "usb-redirection-filter",
            "libxl redirects any USB device that the SPICE client offers",
        ),
        unsupported(
            "redirdev/log",
            "chardev-log",
            "libxl does not log what a USB device and its client send",
        ),
        unsupported("console/log", "chardev-log", "libxl does not log consoles")
            .instead("start xenconsoled in dom0 with --log=guest, which logs the console of each guest"),
        unsupported("serial|parallel|channel/log", "chardev-log", "libxl does not log the output of a port")
            .instead("write type='file' and <source path='/PATH'/> if the port is only logged"),
        mapped(
            "serial|console|parallel|channel/source/@append",
            "nothing: QEMU truncates the file at each start",
        )
        .or_else("chardev-append", "Xen's QEMU truncates the file at each start")
        .unless("", &["off"]),
        unsupported(
            "serial|console|parallel|channel/source/@tls",
            "chardev-tls",
            "libxl does not support TLS for ports",
        )
        .instead("tunnel the connection, for example with stunnel")
        .unless("", &["no"]),
        mapped("serial|console|parallel|channel/source/reconnect", "`serial`")
            .or_else("chardev-reconnect", "libxl does not pass a reconnect time to QEMU")
            .unless("enabled", &["no"]),
        unsupported(
            "serial|console|parallel|channel/source/reconnect/@delay",
            "chardev-reconnect",
            "libxl does not pass a reconnect time to QEMU",
        ),
        unsupported(
            "serial|console|parallel|channel/source/@channel|master|slave",
            "chardev-kind",
            "libxl does not support ports of this kind",
        )
        .instead("write type='pty'"),
        mapped("serial|console|parallel|channel/source/@host|service|mode|path", "`serial`, in QEMU's form")
            .or_else("chardev-kind", "libxl's config has no setting for this end of the port")
            .instead("write type='pty'"),
        unsupported(
            "serial|console|parallel|channel/source/*",
            "chardev-kind",
            "libxl's config has no setting for this end of the port",
        )
        .instead("write type='pty'"),
        mapped("serial|console|parallel|channel/protocol", "`serial`")
            .or_else("chardev-kind", "libxl's config has no setting for this end of the port")
            .instead("write type='pty'"),
        no_effect(
            "serial|console|parallel|channel/source/seclabel",
            "host-label",
            "confines the QEMU process on the host; Xen itself isolates guests",
        ),
        mapped("serial|console|parallel/target", "`serial`, in the order of the ports")
            .or_no_effect("serial-port", "ports are numbered in the order written"),
    ],
};
