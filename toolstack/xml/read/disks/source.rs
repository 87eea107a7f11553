//! The location of a disk's content.

use super::super::super::cursor::{Element, Result, Value};
use super::super::common::held_by_xl;
use super::super::guest::Guest;
use super::format::image_of_directory;
use super::left_out::left_out;
use super::{content, network};
use crate::diag::{Finding, nearest};
use crate::domain::images::{format_of_name, name_of};
use crate::domain::network_disks::ATTACH;
use crate::mapping::Kind;

/// The place of a disk's content.
pub(super) enum Source {
    /// Nowhere: a drive without a medium.
    Empty,
    /// In a file.
    File(String),
    /// On a block device, or in whatever a script makes one of.
    Block(String),
    /// On the network, in QEMU's words.
    Network(String),
}

/// The types of disks that libxl can have.
const KINDS: &[&str] = &["file", "block", "network"];

/// Reads a disk's source; `None` when the disk is left out.
pub(super) fn read(
    element: &Element<'_>,
    may_be_empty: bool,
    guest: &mut Guest<'_>,
) -> Result<Option<Source>> {
    let kind = element.attr("type");
    let source = element.children("source").next();
    let word = kind.map_or("file", |kind| kind.text);
    if let Some((reason, instead)) = content::lost(element, source.as_ref(), guest) {
        left_out(element, Finding::unsupported("disk-content", reason).instead(instead));
        return Ok(None);
    }
    let attribute = match word {
        "file" => "file",
        "block" => "dev",
        "network" => {
            let Some(source) = source else {
                no_source(element, "protocol");
                return Ok(None);
            };
            return match network::address(element, &source)? {
                Ok(address) => {
                    source.mark(Finding::exact());
                    Ok(Some(Source::Network(address)))
                }
                Err(reason) => {
                    left_out(element, Finding::unsupported("disk-source", reason).instead(ATTACH));
                    Ok(None)
                }
            };
        }
        _ => {
            if word == "volume"
                && let Some(path) = source.as_ref().and_then(|source| volume(source, guest))
            {
                return Ok(Some(path));
            }
            let (reason, instead) = elsewhere(element, word, source.as_ref());
            let finding = Finding::unsupported("disk-source", reason).instead(instead);
            let pool = source.filter(|_| word == "volume").and_then(|source| source.attr("pool"));
            let finding = match pool {
                Some(pool) => finding.instead_in_file(format!(
                    "convert it with --map pool:{}=DIRECTORY, where dom0 has the pool's volumes",
                    pool.text
                )),
                None => finding,
            };
            left_out(element, finding);
            return Ok(None);
        }
    };
    let path = source.map(Element::take).and_then(|source| {
        let path = source.attr(attribute).filter(|path| !path.text.is_empty());
        details(&source, path.is_some());
        path
    });
    match path {
        Some(path) => {
            let text = held_by_xl(&path)?;
            let Some(path) = of_dom0(element, &path, text, guest) else { return Ok(None) };
            Ok(Some(if word == "file" { Source::File(path) } else { Source::Block(path) }))
        }
        None if may_be_empty => Ok(Some(Source::Empty)),
        None => {
            // The error of a source that is only hidden is known.
            if !source.is_some_and(|source| source.has_lost(attribute)) {
                no_source(element, attribute);
            }
            Ok(Some(Source::Empty))
        }
    }
}

/// A path of dom0, or what a rule has in its place; `None` when the disk is left out, since another hypervisor names its
/// content in another way: on a datastore, or by a drive's letter.
fn of_dom0(element: &Element<'_>, value: &Value<'_>, text: String, guest: &mut Guest<'_>) -> Option<String> {
    if guest.for_xen || text.starts_with('/') || element.children("script").next().is_some() {
        return Some(text);
    }
    if let Some((path, mapped)) = guest.rule(Kind::Path, &text) {
        value.mark(mapped);
        return Some(path);
    }
    // The name tells its format.
    let name = Some(name_of(&text)).filter(|name| content::is_plain(name) && format_of_name(name).is_some());
    let here = name.map_or("/PATH".to_owned(), |name| format!("/PATH/{name}"));
    let finding = Finding::unsupported("disk-path", format!("'{text}' is not a path of dom0"))
        .instead(format!(
            "copy the content to dom0, and write its path there, as in <source file='{here}'/>; \
             a drive for CDs or floppy disks is empty without <source>"
        ))
        .instead_in_file(format!(
            "copy the content to dom0, and convert the XML with --map 'path:{text}={here}'"
        ));
    left_out(element, finding);
    None
}

/// A volume's path, where the mapping has one.
fn volume(source: &Element<'_>, guest: &mut Guest<'_>) -> Option<Source> {
    let (pool, name) = (source.attr("pool")?, source.attr("volume")?);
    let (path, mapped) = guest.volume(pool.text, name.text)?;
    let _ = source.take();
    pool.mark(mapped.clone());
    name.mark(mapped);
    details(source, true);
    Some(if path.starts_with("/dev/") { Source::Block(path) } else { Source::File(path) })
}

fn no_source(element: &Element<'_>, attribute: &str) {
    let finding = Finding::invalid("no-source", "the disk has no source");
    let example = match attribute {
        "protocol" => "<source protocol='nbd' name='NAME'/>".to_owned(),
        _ => format!("<source {attribute}='/PATH'/>"),
    };
    element.report(finding.instead(format!("write {example} in <disk>")));
}

/// The remedy for a source that is none of a file, a block device or the network.
fn elsewhere(disk: &Element<'_>, kind: &str, source: Option<&Element<'_>>) -> (String, String) {
    let of = |name: &str, otherwise: &str| {
        let value = source.and_then(|source| source.attr(name));
        value.map_or_else(|| otherwise.to_owned(), |value| value.text.to_owned())
    };
    let reason = format!("libxl accepts only files and block devices of dom0, not a source of type {kind}");
    let instead = match kind {
        "volume" => format!(
            "find the volume's path with: virsh vol-path --pool {} {}, and write type='file' or 'block' with it",
            of("pool", "POOL"),
            of("volume", "VOLUME")
        ),
        "dir" => image_of_directory(disk),
        "nvme" => {
            "pass the drive through as a PCI device: <hostdev mode='subsystem' type='pci' managed='yes'>"
                .to_owned()
        }
        other => match nearest(other, KINDS.iter().copied()) {
            Some(meant) => format!("write type='{meant}'"),
            None => "attach it to dom0 as a block device, and write type='block' with that device".to_owned(),
        },
    };
    (reason, instead)
}

/// Marks the details that libvirt keeps in a source beside its path.
fn details(source: &Element<'_>, has_medium: bool) {
    if let Some(index) = source.attr("index") {
        index.mark(Finding::no_effect("live-state", "a number that is assigned while the guest runs"));
    }
    if let Some(policy) = source.attr("startupPolicy") {
        let reason = "libxl needs the medium at each start";
        policy.mark(match policy.text {
            _ if !has_medium => Finding::no_effect("startup-policy", "the drive is empty"),
            "mandatory" => Finding::no_effect("startup-policy", reason),
            _ => Finding::approximated("startup-policy", reason),
        });
    }
    for name in ["seclabel", "reservations", "address"] {
        for child in source.children(name) {
            let reason = "a label of the host's processes and files; libxl opens the image as root";
            child.mark_whole(&Finding::no_effect("host-file", reason));
        }
    }
}
