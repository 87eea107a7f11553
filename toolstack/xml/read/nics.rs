//! `<interface>`: network cards.

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use super::boot_order::Bootable;
use super::guest::Guest;
use super::{hostdevs, hvm_only, placed_by_xen, switch};
use crate::diag::{Finding, nearest};
use crate::domain::Part;
use crate::domain::config::{Nic, NicType};
use crate::domain::libvirt::OTHER_CARDS;
use crate::domain::qemu::{NETWORK_CARDS, longest_interface_name};
use crate::domain::release;
use crate::mapping::{Kind, is_multicast};

/// The prefixes of the interfaces that libvirt and libxl name themselves, before a number.
const GENERATED: &[&str] = &["vnet", "vif", "macvtap", "macvlan", "tap", "veth"];

/// The types of interfaces that a guest on Xen can have.
const KINDS: &[&str] = &["bridge", "ethernet", "network", "hostdev"];

/// The interval at which xl lets a card send again, in microseconds.
const RATE_INTERVAL: u32 = 50_000;

/// The beginning of the names of Xen's own scripts.
const XEN_SCRIPTS: &str = "vif-";

pub(super) fn read<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    for element in devices.children("interface") {
        if element.attr("type").is_some_and(|kind| kind.text == "hostdev") {
            hostdevs::interface(&element, guest)?;
            continue;
        }
        let Some(mut nic) = connection(&element, guest)? else { continue };
        let element = element.take();
        nic.devid = u32::try_from(guest.config.nics.len()).ok();
        if let Some(mac) = element.child("mac") {
            nic.mac = mac.attr("address").map(|address| hardware_address(&address)).transpose()?;
        }
        if let Some(script) = element.child("script") {
            nic.script = script.attr("path").map(|path| script_of(&path, guest)).transpose()?.flatten();
        }
        if let Some(backend) = element.child("backenddomain") {
            nic.backend_domname = Some(super::backend_domain(&backend)?);
        }
        let mtu = element.children("mtu").next();
        let no_mtu = guest.lacks(release::setting("vif", "mtu"), "setting for a card's MTU");
        if let (Some(mtu), Some(finding)) = (mtu, no_mtu) {
            mtu.leave_out(finding);
        } else if let Some(size) = element.child("mtu").and_then(|mtu| mtu.attr("size")) {
            let expected = "a packet size from 68 to 65535";
            nic.mtu = match size.number(expected)? {
                size @ 68..=65535 => size,
                _ => return Err(size.not(expected)),
            };
        }
        addresses(&element, &mut nic)?;
        bandwidth(&element, &mut nic)?;
        model(&element, guest.kind(), &mut nic);
        name(&element, guest.kind(), &mut nic)?;
        switch::read(&element, guest, &mut nic)?;
        placed_by_xen(&element);
        guest.boot.read(&element, Bootable::Network)?;
        element.children("source").next().unwrap_or(element).is(Part::Nic(guest.config.nics.len()));
        guest.config.nics.push(nic);
    }
    Ok(())
}

/// A script that connects the card; `None` for one of another hypervisor. libvirt gives a script the name of a tap device;
/// libxl gives it a word, and starts no guest whose script fails.
fn script_of(path: &Value<'_>, guest: &Guest<'_>) -> Result<Option<String>> {
    let script = one_word(path)?;
    let name = script.rsplit('/').next().unwrap_or_default();
    if !guest.for_xen && !name.starts_with(XEN_SCRIPTS) {
        let reason = "a script of another hypervisor is left out: libxl connects the card with xl's default script, vif-bridge";
        let instead = "write one of Xen's scripts, such as <script path='vif-bridge'/> or 'vif-route'";
        path.mark(Finding::approximated("interface-script", reason).instead(instead));
        return Ok(None);
    }
    Ok(Some(script))
}

/// The network of the card; `None` when the interface is left out.
fn connection<'t>(element: &Element<'t>, guest: &mut Guest<'t>) -> Result<Option<Nic>> {
    let mut nic = Nic::default();
    let kind = element.needs("type", "ethernet", || {
        let finding = Finding::invalid("no-interface-type", "the interface has no type");
        finding.instead("write <interface type='bridge'>")
    });
    let source = || element.children("source").next().map(Element::take);
    match kind.text {
        "bridge" => nic.bridge = bridge(source())?,
        "ethernet" => {
            if element.children("script").next().is_none() {
                let reason = "libxl connects a card without a script to xl's default bridge, xenbr0";
                let finding = Finding::approximated("ethernet", reason);
                kind.mark(finding.instead("write <script path='vif-route'/>, or a script of your own"));
            }
        }
        "network" => {
            let source = source();
            nic.bridge = bridge(source)?;
            if let Some(network) = source.and_then(|source| source.attr("network")) {
                let finding = match (guest.mapped(Kind::Network, network.text), &nic.bridge) {
                    (Some((bridge, mapped)), _) => {
                        nic.bridge = Some(bridge);
                        mapped
                    }
                    (None, Some(bridge)) => {
                        let reason =
                            "libxl does not know libvirt networks; the bridge of this network is used";
                        Finding::approximated("network", reason)
                            .instead(format!("write type='bridge' and <source bridge='{bridge}'/>"))
                    }
                    (None, None) => {
                        let name = network.text;
                        let reason = format!(
                            "libxl does not know libvirt networks: '{name}' becomes xl's default bridge, xenbr0"
                        );
                        Finding::approximated("network", reason)
                            .instead("write type='bridge' and <source bridge='NAME'/>, a bridge of dom0")
                            .instead_in_file(format!(
                                "convert it with --map network:{name}=NAME, a bridge of dom0"
                            ))
                    }
                };
                network.mark(finding);
            }
            for name in ["portid", "portgroup"] {
                if let Some(value) = source.and_then(|source| source.attr(name)) {
                    value.mark(Finding::no_effect(
                        "of-the-network",
                        "a setting of a libvirt network, which libxl does not know",
                    ));
                }
            }
        }
        other => {
            let device = element.children("source").next().and_then(|source| source.attr("dev"));
            let name = device.map_or(other, |device| device.text);
            if let Some((bridge, mapped)) = guest.mapped(Kind::Interface, name) {
                nic.bridge = Some(bridge);
                kind.mark(mapped.clone());
                if let Some(source) = source() {
                    source.mark_whole(&mapped);
                }
                return Ok(Some(nic));
            }
            let reason = format!("libxl has no interface of type {other}");
            if let Some(meant) = nearest(other, KINDS.iter().copied()) {
                let finding = Finding::unsupported("interface-type", reason);
                element.leave_out(finding.instead(format!("write type='{meant}'")));
                return Ok(None);
            }
            let instead = "use a bridge of dom0: type='bridge' and <source bridge='NAME'/>";
            let finding = Finding::unsupported("interface-type", reason).instead(instead);
            let in_file = format!("convert it with --map interface:{name}=NAME, a bridge of dom0");
            element.leave_out(finding.instead_in_file(in_file));
            return Ok(None);
        }
    }
    Ok(Some(nic))
}

fn bridge(source: Option<Element<'_>>) -> Result<Option<String>> {
    source.and_then(|source| source.attr("bridge")).map(|bridge| one_word(&bridge)).transpose()
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

/// Reads the limit of what the guest sends; libxl has none for what it receives.
fn bandwidth(element: &Element<'_>, nic: &mut Nic) -> Result<()> {
    let Some(bandwidth) = element.child("bandwidth") else { return Ok(()) };
    let limit = |name: &str| {
        let direction = bandwidth.children(name).next()?;
        if direction.attr("average").is_none_or(|average| average.text != "0") {
            return Some(direction);
        }
        direction.mark_whole(&Finding::no_effect("no-limit", "an average of 0 is no limit"));
        None
    };
    if let Some(inbound) = limit("inbound") {
        let finding = Finding::unsupported(
            "rate",
            "libxl limits a guest's outgoing traffic, but not its incoming traffic",
        );
        inbound.leave_out(finding.instead("limit the interface in dom0 with tc"));
    }
    let Some(outbound) = limit("outbound").map(Element::take) else { return Ok(()) };
    if let Some(average) = outbound.attr("average") {
        let rate: u32 = average.number("a rate in kilobytes a second")?;
        nic.rate_bytes_per_interval = u64::from(rate) * 1000 * u64::from(RATE_INTERVAL) / 1_000_000;
        nic.rate_interval_usecs = RATE_INTERVAL;
    }
    for name in ["peak", "burst", "floor"] {
        if let Some(value) = outbound.attr(name) {
            let reason = "Xen limits the average rate; credit that is unused after 50 ms is lost";
            value.mark(Finding::approximated("rate-burst", reason));
        }
    }
    Ok(())
}

/// The interface's name in dom0, unless libvirt or libxl made it up for a run of the guest.
fn name(element: &Element<'_>, kind: GuestKind, nic: &mut Nic) -> Result<()> {
    let Some(target) = element.child("target") else { return Ok(()) };
    if let Some(managed) = target.attr("managed") {
        managed.mark(Finding::no_effect("unmanaged", "libxl makes the interface itself"));
    }
    let Some(name) = target.attr("dev").filter(|name| !name.text.is_empty()) else { return Ok(()) };
    if is_generated(name.text) {
        let reason = "a name of a running guest; each start assigns a new one";
        target.mark(Finding::no_effect("live-state", reason));
        name.mark(Finding::no_effect("live-state", reason));
        return Ok(());
    }
    let word = one_word(&name)?;
    let longest = longest_interface_name(kind, nic);
    if word.len() > longest {
        let reason = format!("longer than the maximum of {longest} bytes, so libxl names the interface");
        name.mark(Finding::approximated("interface-name", reason));
        return Ok(());
    }
    nic.ifname = Some(word);
    Ok(())
}

/// True if a name is one of libvirt's or libxl's own, such as `vnet3` or `vif7.0-emu`.
fn is_generated(name: &str) -> bool {
    let rest = GENERATED.iter().find_map(|prefix| name.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        let rest = rest.strip_suffix("-emu").unwrap_or(rest);
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

fn model(element: &Element<'_>, kind: GuestKind, nic: &mut Nic) {
    if kind != GuestKind::Hvm {
        hvm_only(element, &["rom"]);
    }
    let Some(model) = element.child("model").and_then(|model| model.attr("type")) else { return };
    if model.text == "netfront" {
        if kind == GuestKind::Hvm {
            nic.nictype = Some(NicType::Vif);
        } else {
            let reason = "a PV or PVH guest has Xen's network card only";
            model.mark(Finding::no_effect("own-card", reason));
        }
    } else if kind != GuestKind::Hvm {
        model.mark(Finding::no_effect("emulated-card", "a PV or PVH guest has Xen's network card only"));
    } else if NETWORK_CARDS.contains(&model.text) {
        nic.model = Some(model.text.to_owned());
    } else {
        let reason = format!(
            "libxl does not emulate a {} card: the guest sees an rtl8139 until it loads Xen's PV driver",
            model.text
        );
        let words = NETWORK_CARDS.iter().chain(OTHER_CARDS).copied();
        let meant = if OTHER_CARDS.contains(&model.text) { None } else { model.meant(words) };
        let instead = meant.unwrap_or_else(|| {
            "for a guest without Xen's PV drivers, write a card that it knows: <model type='e1000'/>"
                .to_owned()
        });
        model.mark(Finding::approximated("network-card", reason).instead(instead));
    }
}

fn hardware_address(value: &Value<'_>) -> Result<String> {
    let octets: Vec<_> = value.text.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && octet.chars().all(|c| c.is_ascii_hexdigit());
    if octets.len() != 6 || !octets.iter().all(is_octet) {
        return Err(value.not("a hardware address such as 00:16:3e:66:92:9c"));
    }
    if is_multicast(value.text) {
        return Err(value.not("the address of one card: its second digit must be even"));
    }
    Ok(value.text.to_ascii_lowercase())
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
