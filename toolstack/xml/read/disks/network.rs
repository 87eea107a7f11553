//! Network disks: the syntax that QEMU, libxl's qdisk, accepts as a path.

use super::super::super::cursor::{Element, Result, Value};
use super::super::character::bracketed;
use super::super::common::held_by_xl;
use crate::diag::Finding;

/// Protocols whose words are a URL: QEMU's scheme, and whether the disk can be written.
const URLS: &[(&str, &str)] = &[
    ("iscsi", "iscsi"),
    ("http", "http"),
    ("https", "https"),
    ("ftp", "ftp"),
    ("ftps", "ftps"),
    ("tftp", "tftp"),
    ("ssh", "ssh"),
    ("gluster", "gluster"),
    ("nfs", "nfs"),
];

/// A host of a source.
struct Host<'t> {
    name: Option<Value<'t>>,
    port: Option<Value<'t>>,
    socket: Option<Value<'t>>,
}

/// QEMU's words for the source, or why there are none.
pub(super) fn address(
    disk: &Element<'_>,
    source: &Element<'_>,
) -> Result<std::result::Result<String, String>> {
    let protocol = source.needs("protocol", "", || {
        let finding = Finding::invalid("no-protocol", "a disk on the network has no protocol");
        finding.instead("write <source protocol='nbd' name='NAME'>")
    });
    let hosts: Vec<_> = source.children("host").map(host).collect();
    let name = source.attr("name").map(|name| held_by_xl(&name)).transpose()?.unwrap_or_default();
    Ok(match protocol.text {
        "nbd" => nbd(source, &name, &hosts)?,
        "rbd" => rbd(disk, source, &name, &hosts),
        other => match URLS.iter().find(|(known, _)| *known == other) {
            Some((_, scheme)) => url(disk, source, scheme, &name, &hosts),
            None => Err(format!("Xen's QEMU has no disks of the kind {other}")),
        },
    })
}

fn host<'t>(element: Element<'t>) -> Host<'t> {
    let element = element.take();
    Host { name: element.attr("name"), port: element.attr("port"), socket: element.attr("socket") }
}

impl Host<'_> {
    /// `name:port`, an IPv6 address in brackets.
    fn address(&self) -> String {
        let name = bracketed(self.name.map_or("localhost", |name| name.text));
        self.port.map_or_else(|| name.clone(), |port| format!("{name}:{}", port.text))
    }
}

/// Says that there is a secret, which the XML does not hold; libvirt takes it from the source or, as of old, the disk.
fn secret(disk: &Element<'_>, source: &Element<'_>, instead: &'static str) -> Option<String> {
    let auth = source.children("auth").chain(disk.children("auth")).next()?;
    let user = auth.attr("username").map(|user| user.text.to_owned());
    let finding = Finding::approximated("disk-secret", "the secret is stored in libvirt, not in the XML");
    auth.leave_out(finding.instead(instead));
    user
}

fn nbd(source: &Element<'_>, name: &str, hosts: &[Host<'_>]) -> Result<std::result::Result<String, String>> {
    if let Some(tls) = source.attr("tls")
        && tls.yes_no()?
    {
        return Ok(Err("QEMU's name for a disk cannot contain TLS settings".to_owned()));
    }
    let export = if name.is_empty() { String::new() } else { format!(":exportname={name}") };
    Ok(Ok(match hosts.first() {
        Some(Host { socket: Some(socket), .. }) => format!("nbd:unix:{}{export}", socket.text),
        Some(host) => {
            let port = host.port.map_or("10809", |port| port.text);
            format!("nbd:{}:{port}{export}", bracketed(host.name.map_or("localhost", |name| name.text)))
        }
        None => format!("nbd:localhost:10809{export}"),
    }))
}

/// Ceph's words part settings at colons, and values at escaped ones.
fn rbd(
    disk: &Element<'_>,
    source: &Element<'_>,
    name: &str,
    hosts: &[Host<'_>],
) -> std::result::Result<String, String> {
    if name.contains([':', ';']) {
        return Err(format!("'{name}' is not a name of a Ceph image for QEMU: it contains a colon"));
    }
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:").replace(';', "\\;");
    let snapshot = source.child("snapshot").and_then(|snapshot| snapshot.attr("name"));
    let snapshot = snapshot.map(|name| format!("@{}", name.text)).unwrap_or_default();
    let instead = "put the user's key where Ceph looks for it in dom0: /etc/ceph/ceph.client.USER.keyring";
    let mut words = format!("rbd:{name}{snapshot}");
    match secret(disk, source, instead) {
        Some(user) => words.push_str(&format!(":id={}:auth_supported=cephx\\;none", escaped(&user))),
        None => words.push_str(":auth_supported=none"),
    }
    if !hosts.is_empty() {
        let hosts: Vec<_> = hosts.iter().map(|host| escaped(&host.address())).collect();
        words.push_str(&format!(":mon_host={}", hosts.join("\\;")));
    }
    if let Some(file) = source.child("config").and_then(|config| config.attr("file")) {
        words.push_str(&format!(":conf={}", escaped(file.text)));
    }
    Ok(words)
}

/// `scheme://user@host:port/name`
fn url(
    disk: &Element<'_>,
    source: &Element<'_>,
    scheme: &str,
    name: &str,
    hosts: &[Host<'_>],
) -> std::result::Result<String, String> {
    let Some(host) = hosts.first() else { return Err(format!("a {scheme} disk needs a host")) };
    if let Some(transport) = host.socket {
        let _ = transport;
        return Err(format!("QEMU connects a {scheme} disk to an address, not to a socket"));
    }
    let user = secret(disk, source, "configure the server without a secret, or attach the disk in dom0");
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let query = source.attr("query").map(|query| format!("?{}", query.text)).unwrap_or_default();
    Ok(format!("{scheme}://{user}{}/{}{query}", host.address(), name.trim_start_matches('/')))
}
