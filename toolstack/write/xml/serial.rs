//! Serial ports, from the arguments of QEMU's `-serial`.

use super::element::Element;

/// The port of a number; `None` where a domain XML has no such port.
pub(super) fn port(number: usize, word: &str) -> Option<Element> {
    let serial = |kind: &str| Element::new("serial").with("type", kind);
    let path = |path: &str| Element::new("source").with("path", path);
    let element = match word {
        "pty" | "null" | "stdio" | "vc" => serial(word),
        _ => match word.split_once(':') {
            Some(("file", file)) => serial("file").around([path(file)]),
            Some(("pipe", pipe)) => serial("pipe").around([path(pipe)]),
            Some(("unix", rest)) => {
                let (name, server) = server(rest);
                serial("unix").around([mode(server).with("path", plain(name)?)])
            }
            Some((protocol @ ("tcp" | "telnet"), rest)) => {
                let (address, server) = server(rest);
                let source = at(mode(server), address)?;
                let raw = if protocol == "tcp" { "raw" } else { "telnet" };
                serial("tcp").around([source, Element::new("protocol").with("type", raw)])
            }
            Some(("udp", rest)) => {
                let (to, from) = rest.split_once('@')?;
                let to = at(mode(false), to)?;
                let from = Some(from).filter(|from| *from != ":0").map(|from| at(mode(true), from));
                let from = match from {
                    Some(from) => Some(from?),
                    None => None,
                };
                serial("udp").around(from.into_iter().chain([to]))
            }
            None if word.starts_with('/') => serial("dev").around([path(word)]),
            _ => return None,
        },
    };
    Some(element.around([Element::new("target").with("port", number)]))
}

/// The part before the options, and true if others connect.
fn server(rest: &str) -> (&str, bool) {
    match rest.strip_suffix(",server,nowait") {
        Some(rest) => (rest, true),
        None => (rest, false),
    }
}

fn mode(server: bool) -> Element {
    Element::new("source").with("mode", if server { "bind" } else { "connect" })
}

/// A path without options behind it; QEMU doubles a comma.
fn plain(path: &str) -> Option<String> {
    let single = path.replace(",,", "\0");
    (!single.contains(',')).then(|| single.replace('\0', ","))
}

fn at(source: Element, address: &str) -> Option<Element> {
    let (host, service) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = |text: &str| !text.contains([',', '@']);
    (plain(host) && plain(service)).then(|| source.with("host", host).with("service", service))
}
