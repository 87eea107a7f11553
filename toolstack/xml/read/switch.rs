//! `<virtualport>` and `<vlan>`: Open vSwitch, with its VLANs behind the bridge's name.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use crate::diag::Finding;
use crate::domain::bridges::{DEFAULT_BRIDGE, OPEN_VSWITCH, is_open_vswitch, of_open_vswitch};
use crate::domain::config::Nic;
use crate::mapping::Kind;

/// Reads the switch of a card whose bridge and script are known.
pub(super) fn read(element: &Element<'_>, guest: &mut Guest<'_>, nic: &mut Nic) -> Result<()> {
    port(element, guest, nic);
    let Some(vlan) = element.children("vlan").next() else { return Ok(()) };
    let vlans = Vlans::read(&vlan)?;
    if !is_open_vswitch(nic) {
        let finding = Finding::unsupported("vlan", "Xen's script tags traffic only on Open vSwitch");
        let instead = "add <virtualport type='openvswitch'/>, or use a bridge of dom0 that has the VLAN";
        vlan.leave_out(finding.instead(instead));
        return Ok(());
    }
    let _ = vlan.take();
    let suffix = vlans.suffix();
    if !suffix.is_empty() {
        nic.bridge.get_or_insert_with(|| DEFAULT_BRIDGE.to_owned()).push_str(&suffix);
    }
    Ok(())
}

/// Reads the port: its script, unless the card has one of its own.
fn port(element: &Element<'_>, guest: &mut Guest<'_>, nic: &mut Nic) {
    let Some(port) = element.child("virtualport") else { return };
    let Some(kind) = port.attr("type") else { return };
    if kind.text != "openvswitch" {
        let reason = format!("libxl knows Open vSwitch, not {}", kind.text);
        port.mark_whole(&Finding::unsupported("virtualport", reason));
        return;
    }
    if let Some(parameters) = port.child("parameters") {
        parameters.mark_whole(&if parameters.attr("profileid").is_some() {
            Finding::unsupported("virtualport", "Xen's script sets no profile for the port")
        } else {
            Finding::no_effect("virtualport", "each start assigns a new ID to the port")
        });
    }
    if nic.script.is_some() {
        kind.mark(Finding::no_effect("own-script", "the interface has a script of its own"));
        return;
    }
    nic.script = Some(OPEN_VSWITCH.to_owned());
    let source = element.children("source").next().and_then(|source| source.attr("bridge"));
    let (Some(source), Some(bridge)) = (source, nic.bridge.as_mut()) else { return };
    // A name that a rule gave is in the script's words.
    if source.text != bridge || of_open_vswitch(bridge) == Some(bridge) {
        return;
    }
    // A rule finds only the name as it stands, without VLANs behind it.
    if let Some((to, _)) = guest.rule(Kind::Bridge, bridge) {
        *bridge = to;
        return;
    }
    let reason = format!("Xen's script takes what follows . or : in '{bridge}' for VLANs, not for the name");
    let finding = Finding::unsupported("bridge-name", reason)
        .instead("in dom0, give the bridge a name without . and :, and write that name")
        .instead_in_file(format!("convert it with --map bridge:{bridge}=NAME, a bridge of dom0"));
    source.mark(finding.refusing_start());
}

/// The VLANs of a port.
struct Vlans {
    trunk: bool,
    /// The one without a tag, or whose tag alone the guest need not send.
    native: Option<u16>,
    tags: Vec<u16>,
}

impl Vlans {
    fn read(vlan: &Element<'_>) -> Result<Self> {
        let trunk = vlan.attr("trunk").map_or(Ok(false), |trunk| trunk.yes_no())?;
        let mut vlans = Vlans { trunk, native: None, tags: Vec::new() };
        let (mut mode, mut ids) = (None, Vec::new());
        for tag in vlan.children("tag").map(Element::take) {
            let expected = "a VLAN, 0 to 4095";
            let id = tag.needs("id", "1", || {
                Finding::invalid("no-vlan", "the tag has no id").instead("write <tag id='VLAN'/>, 1 to 4094")
            });
            let number = match id.number(expected)? {
                number @ 0..=4095_u16 => number,
                _ => return Err(id.not(expected)),
            };
            if let Some(native) = tag.attr("nativeMode") {
                native.one_of(&[("tagged", ()), ("untagged", ())])?;
                vlans.native = Some(number);
                mode = Some(native);
            } else {
                vlans.tags.push(number);
                ids.push(id);
            }
        }
        if vlan.children("tag").next().is_none() && !vlan.is_in_doubt() {
            let finding = Finding::invalid("no-vlan", "<vlan> has no tag, and libvirt refuses it");
            vlan.report(finding.instead("add <tag id='VLAN'/>, 1 to 4094, or remove <vlan>"));
        }
        let several = vlans.tags.len() > 1 || vlans.native.is_some();
        if let Some(trunk) = vlan.attr("trunk").filter(|_| several && !vlans.trunk) {
            let reason = "several VLANs need a trunk, and libvirt refuses trunk='no' with them";
            return Err(trunk.error(Finding::invalid("bad-value", reason).instead("write trunk='yes'")));
        }
        vlans.trunk |= several;
        if let (Some(mode), Some(native)) = (mode, vlans.native) {
            let trunks: Vec<_> = [&native].into_iter().chain(&vlans.tags).map(ToString::to_string).collect();
            let finding = Finding::unsupported(
                "vlan-native",
                format!(
                    "Xen's script sets no native mode: Open vSwitch gives the guest VLAN {native} alone, without tags"
                ),
            );
            ids.iter().for_each(|id| id.mark(finding.clone()));
            mode.mark(finding.instead(format!(
                "in dom0, once the guest runs: ovs-vsctl set port vifDOMID.NUMBER vlan_mode=native-{} trunks={}",
                mode.text,
                trunks.join(",")
            )));
        }
        Ok(vlans)
    }

    /// What stands behind the bridge's name.
    fn suffix(mut self) -> String {
        let access = if self.trunk { self.native } else { self.tags.pop() };
        let access = access.map(|access| format!(".{access}")).unwrap_or_default();
        self.tags.iter().fold(access, |suffix, tag| suffix + &format!(":{tag}"))
    }
}
