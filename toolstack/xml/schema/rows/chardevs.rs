//! `<serial>`, `<console>`, `<parallel>`, `<channel>` and their kin.

use super::{Section, mapped, no_effect, unsupported};

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
        mapped("parallel", "`device_model_args_hvm`")
            .or_else("parallel-port", "libxl gives a guest no parallel port"),
        mapped("channel", "`channel`; SPICE's agent: `spicevdagent`")
            .or_else("channel", "libxl is not told of this channel")
            .in_file(
                "write channel = [ \"name=NAME,connection=socket,path=/PATH\" ] (the guest \
                sees it as a Xen console)",
            ),
        unsupported(
            "channel/target/@address|port",
            "channel-forward",
            "Xen forwards no address of a guest's network to a channel",
        )
        .instead("use the guest's network itself"),
        no_effect("channel/target/@state", "live-state", "the state of a running guest"),
        unsupported("smartcard", "smartcard", "libxl gives a guest no smartcard reader")
            .instead("pass the host's reader through as a USB device"),
        mapped("redirdev", "`spiceusbredirection`")
            .or_else("usb-redirection", "the SPICE client's USB devices stay with the client")
            .in_file("write spiceusbredirection = NUMBER, the number of devices at most"),
        unsupported(
            "redirfilter",
            "usb-redirection-filter",
            "libxl redirects any USB device that the SPICE client offers",
        ),
        unsupported("console/log", "chardev-log", "libxl writes no log of a console")
            .instead("start xenconsoled in dom0 with --log=guest, which logs the console of each guest"),
        unsupported("serial|parallel/log", "chardev-log", "libxl writes no log beside a port")
            .instead("write type='file' and <source path='/PATH'/>, for a port that is only logged"),
        unsupported(
            "serial|console|parallel/source/@append",
            "chardev-append",
            "Xen's QEMU writes such a file anew at each start",
        )
        .unless("", &["off"]),
        unsupported("serial|console|parallel/source/@tls", "chardev-tls", "libxl knows no TLS for ports")
            .instead("tunnel the connection, as with stunnel")
            .unless("", &["no"]),
        unsupported(
            "serial|console|parallel/source/reconnect",
            "chardev-reconnect",
            "libxl tells QEMU of no such time",
        )
        .unless("enabled", &["no"]),
        unsupported(
            "serial|console|parallel/source/@channel|master|slave",
            "chardev-kind",
            "libxl knows no port of this kind",
        )
        .instead("write type='pty'"),
        mapped("serial|console|parallel/source/@host|service|mode|path", "`serial`, in QEMU's form")
            .or_else("chardev-kind", "libxl is not told of this end of the port")
            .instead("write type='pty'"),
        unsupported(
            "serial|console|parallel/source/*",
            "chardev-kind",
            "libxl is not told of this end of the port",
        )
        .instead("write type='pty'"),
        unsupported(
            "serial|console|parallel/protocol",
            "chardev-kind",
            "libxl is not told of this end of the port",
        )
        .instead("write type='pty'"),
        no_effect(
            "serial|console|parallel/source/seclabel",
            "svirt-label",
            "confines the QEMU process on the host; Xen itself keeps guests apart",
        ),
        mapped("serial|console|parallel/target", "`serial`, in the order of the ports")
            .or_no_effect("serial-port", "ports are numbered in the order written"),
    ],
};
