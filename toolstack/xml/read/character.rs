//! The dom0 end of a character device, in the syntax of QEMU's `-serial`.

use super::super::cursor::{Element, Result, Value};
use super::guest::Guest;
use crate::diag::Finding;

/// libvirt's directories for the sockets that it names itself, for each run of a guest anew.
const GENERATED: &[&str] = &["/var/lib/libvirt/", "/run/libvirt/", "/var/run/libvirt/"];

/// QEMU's word for the dom0 end of a device of this kind; `None` when it is left out.
///
/// # Errors
/// When the device has no type, or lacks what its type needs.
pub(super) fn word(device: &Element<'_>, what: &str, guest: &Guest<'_>) -> Result<Option<String>> {
    let kind = device.needs("type", "pty", || no_type(device));
    let word = match kind.text {
        "pty" => {
            let path = device.child("source").and_then(|source| source.attr("path"));
            path.into_iter().chain(device.attr("tty")).for_each(|terminal| of_running_guest(&terminal));
            "pty".to_owned()
        }
        "null" | "stdio" | "vc" => {
            if let Some(path) = device.child("source").and_then(|source| source.attr("path")) {
                let reason = format!("a {what} port of type {} has no path", kind.text);
                path.mark(Finding::no_effect("no-path", reason));
            }
            kind.text.to_owned()
        }
        "file" => {
            let Some(source) = source(device) else { return Ok(None) };
            if let Some(append) = source.attr("append") {
                if append.on_off()? {
                    append
                        .mark(Finding::approximated("file-append", "QEMU truncates the file at each start"));
                } else {
                    append.mark(Finding::no_effect("file-append", "QEMU truncates the file at each start"));
                }
            }
            format!("file:{}", path(&source).text)
        }
        "pipe" | "dev" => {
            let Some(source) = source(device) else { return Ok(None) };
            format!("{}{}", if kind.text == "pipe" { "pipe:" } else { "" }, path(&source).text)
        }
        "unix" => {
            let Some(source) = source(device) else { return Ok(None) };
            let server = is_server(&source)?;
            let path = socket(&source, what, guest);
            format!("unix:{}{}", path.replace(',', ",,"), options(&source, server)?)
        }
        "tcp" => {
            let Some(source) = source(device) else { return Ok(None) };
            let server = is_server(&source)?;
            let protocol = match device.child("protocol").and_then(|protocol| protocol.attr("type")) {
                None => "tcp",
                Some(protocol) => match protocol.text {
                    "raw" => "tcp",
                    "telnet" => "telnet",
                    _ => {
                        let reason =
                            format!("QEMU's serial ports do not support {}; raw TCP is used", protocol.text);
                        protocol.mark(Finding::approximated("serial-protocol", reason));
                        "tcp"
                    }
                },
            };
            format!("{protocol}:{}{}", address(&source), options(&source, server)?)
        }
        "udp" => return udp(device),
        _ => {
            let reason = format!("libxl has no {what} port of type {}", kind.text);
            device.leave_out(Finding::unsupported("serial", reason).instead("use type='pty'"));
            return Ok(None);
        }
    };
    Ok(Some(word))
}

/// Says that a terminal is that of a guest which ran when the XML was written.
pub(super) fn of_running_guest(terminal: &Value<'_>) {
    let reason = "the terminal of a running guest; each start assigns a new one";
    terminal.mark(Finding::no_effect("live-state", reason));
}

/// The error about a device without a type.
pub(super) fn no_type(device: &Element<'_>) -> Finding {
    Finding::invalid("no-device-type", format!("<{}> has no type", device.name()))
        .instead(format!("write <{} type='pty'>", device.name()))
}

fn source<'t>(device: &Element<'t>) -> Option<Element<'t>> {
    let source = device.child("source");
    if source.is_none() {
        let finding = Finding::invalid("no-source", format!("<{}> has no source", device.name()));
        let example = match device.attr("type").map(|kind| kind.text) {
            Some("tcp") => "<source mode='connect' host='HOST' service='PORT'/>",
            _ => "<source path='/PATH'/>",
        };
        device.report(finding.instead(format!("add {example}, or write type='pty'")));
    }
    source
}

fn path<'t>(source: &Element<'t>) -> Value<'t> {
    source.attr("path").filter(|path| !path.text.is_empty()).unwrap_or_else(|| {
        let finding = Finding::invalid("no-path", "the source has no path");
        source.report(finding.instead("write path='/PATH'"));
        source.example("/PATH")
    })
}

/// The path of a Unix socket. One that libvirt chose itself is not there in dom0: another is chosen.
pub(super) fn socket(source: &Element<'_>, name: &str, guest: &Guest<'_>) -> String {
    match source.attr("path").filter(|path| !path.text.is_empty()) {
        Some(path) if !GENERATED.iter().any(|prefix| path.text.starts_with(prefix)) => path.text.to_owned(),
        given => {
            let own = guest.socket(name);
            let finding = Finding::approximated("socket-path", format!("the socket is {own}"));
            match given {
                Some(path) => path.mark(finding),
                None => source.mark(finding),
            }
            own
        }
    }
}

/// True if the device waits for others to connect.
pub(super) fn is_server(source: &Element<'_>) -> Result<bool> {
    let modes = [("bind", true), ("connect", false)];
    source.attr("mode").map_or(Ok(false), |mode| mode.one_of(&modes))
}

/// The options behind the address of a socket.
fn options(source: &Element<'_>, server: bool) -> Result<String> {
    if server {
        return Ok(",server,nowait".to_owned());
    }
    let Some(reconnect) = source.child("reconnect") else {
        return Ok(String::new());
    };
    let enabled = reconnect.attr("enabled").map_or(Ok(false), |enabled| enabled.yes_no())?;
    match reconnect.attr("timeout") {
        Some(timeout) if enabled => {
            Ok(format!(",reconnect={}", timeout.number::<u32>("a number of seconds")?))
        }
        _ => Ok(String::new()),
    }
}

/// `host:service`, an IPv6 address in brackets.
fn address(source: &Element<'_>) -> String {
    let host = source.attr("host").map_or("", |host| host.text);
    let service = source.needs("service", "0", || {
        Finding::invalid("no-service", "the source has no port").instead("add service='PORT'")
    });
    format!("{}:{}", bracketed(host), service.text)
}

/// A host as it stands before a colon and a port.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// UDP has an address to send to and one to receive at, each a source of its own.
fn udp(device: &Element<'_>) -> Result<Option<String>> {
    let (mut to, mut from) = (None, None);
    for source in device.children("source").map(Element::take) {
        let slot = if is_server(&source)? { &mut from } else { &mut to };
        *slot = Some(address(&source));
    }
    let Some(to) = to else {
        let finding = Finding::invalid("no-source", "a udp device has no address to send to");
        device.report(finding.instead("add <source mode='connect' host='HOST' service='PORT'/>"));
        return Ok(None);
    };
    Ok(Some(format!("udp:{to}@{}", from.unwrap_or_else(|| ":0".to_owned()))))
}
