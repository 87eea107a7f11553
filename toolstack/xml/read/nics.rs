//! `<interface>`: network cards.

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use super::placed_by_xen;
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Nic, NicType};

/// Cards that QEMU emulates for Xen.
const MODELS: &[&str] =
    &["rtl8139", "e1000", "e1000e", "ne2k_pci", "pcnet", "i82551", "i82557b", "i82559er", "vmxnet3"];

pub(super) fn read(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    for element in devices.children("interface") {
        let Some(mut nic) = connection(&element)? else {
            continue;
        };
        let element = element.take();
        nic.devid = Some(u32::try_from(config.nics.len()).unwrap_or(u32::MAX));
        if let Some(mac) = element.child("mac") {
            nic.mac = mac.attr("address").map(|address| hardware_address(&address)).transpose()?;
        }
        if let Some(script) = element.child("script") {
            nic.script = script.attr("path").map(|path| one_word(&path)).transpose()?;
        }
        if let Some(target) = element.child("target") {
            nic.ifname = target.attr("dev").map(|name| one_word(&name)).transpose()?;
        }
        if let Some(size) = element.child("mtu").and_then(|mtu| mtu.attr("size")) {
            nic.mtu = size.number("a packet size")?;
        }
        addresses(&element, &mut nic)?;
        model(&element, config.kind(), &mut nic);
        placed_by_xen(&element);
        config.nics.push(nic);
    }
    Ok(())
}

/// What the card is plugged into; `None` when the interface is left out.
fn connection(element: &Element<'_>) -> Result<Option<Nic>> {
    let mut nic = Nic::default();
    let Some(kind) = element.attr("type") else {
        let finding = Finding::invalid("no-interface-type", "the interface has no type");
        return Err(element.error(finding.instead("write <interface type='bridge'>")));
    };
    let source = || element.children("source").next().map(Element::take);
    match kind.text {
        "bridge" => {
            nic.bridge = source()
                .and_then(|source| source.attr("bridge"))
                .map(|bridge| one_word(&bridge))
                .transpose()?
        }
        "ethernet" => {}
        "network" => {
            if let Some(network) = source().and_then(|source| source.attr("network")) {
                let reason = format!(
                    "libxl knows no libvirt networks: '{}' becomes xl's default bridge",
                    network.text
                );
                network.mark(
                    Finding::approximated("network", reason)
                        .instead("write type='bridge' and <source bridge='NAME'/>"),
                );
            }
        }
        other => {
            let reason = format!("libxl has no interface of type {other}");
            element.mark_whole(&Finding::unsupported("interface-type", reason.clone()));
            element.mark(
                Finding::unsupported("interface-type", reason)
                    .instead("use a bridge: type='bridge' and <source bridge='NAME'/>"),
            );
            return Ok(None);
        }
    }
    Ok(Some(nic))
}

fn addresses(element: &Element<'_>, nic: &mut Nic) -> Result<()> {
    let mut all = Vec::new();
    for ip in element.children("ip") {
        let ip = ip.take();
        if let Some(address) = ip.attr("address") {
            all.push(one_word(&address)?);
        }
        // The family shows in the address itself.
        let _ = ip.attr("family");
    }
    nic.ip = (!all.is_empty()).then(|| all.join(" "));
    Ok(())
}

fn model(element: &Element<'_>, kind: GuestKind, nic: &mut Nic) {
    let Some(model) = element.child("model").and_then(|model| model.attr("type")) else {
        return;
    };
    if model.text == "netfront" {
        if kind == GuestKind::Hvm {
            nic.nictype = Some(NicType::Vif);
        }
    } else if kind != GuestKind::Hvm {
        model.mark(Finding::no_effect("emulated-card", "a PV or PVH guest has Xen's network card only"));
    } else if MODELS.contains(&model.text) {
        nic.model = Some(model.text.to_owned());
    } else {
        let reason =
            format!("Xen's QEMU is not given a {} card: an emulated rtl8139 beside Xen's own", model.text);
        model.mark(
            Finding::approximated("network-card", reason)
                .instead("write <model type='e1000'/>, or netfront for Xen's own alone"),
        );
    }
}

fn hardware_address(value: &Value<'_>) -> Result<String> {
    let octets: Vec<_> = value.text.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && octet.chars().all(|c| c.is_ascii_hexdigit());
    if octets.len() == 6 && octets.iter().all(is_octet) {
        Ok(value.text.to_ascii_lowercase())
    } else {
        Err(value.not("a hardware address such as 00:16:3e:66:92:9c"))
    }
}

/// A value that xl's `key=value,key=value` can hold.
fn one_word(value: &Value<'_>) -> Result<String> {
    if value.text.is_empty()
        || value.text.contains([',', '\n'])
        || value.text.starts_with(' ')
        || value.text.ends_with(' ')
    {
        return Err(value.not("a value that xl.cfg can hold here: no commas, no spaces around it"));
    }
    Ok(value.text.to_owned())
}
