//! Bridges of dom0: the default one, and what Xen's script for Open vSwitch reads in a bridge's name.

use super::config::Nic;

/// The bridge of a card that names none.
pub const DEFAULT_BRIDGE: &str = "xenbr0";

/// Xen's script for Open vSwitch.
pub const OPEN_VSWITCH: &str = "vif-openvswitch";

/// True if a card's script connects it to Open vSwitch.
#[must_use]
pub fn is_open_vswitch(nic: &Nic) -> bool {
    nic.script.as_deref().is_some_and(|script| script.contains("openvswitch"))
}

/// The bridge in the name that Xen's script for Open vSwitch takes, without the VLANs behind it: `NAME`, `NAME.VLAN`,
/// `NAME:VLAN:VLAN` or `NAME.VLAN:VLAN`. `None` if the script does not take the name.
#[must_use]
pub fn of_open_vswitch(name: &str) -> Option<&str> {
    let is_vlan = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = name.split(':');
    let access = parts.next()?;
    let (bridge, vlan) = match access.split_once('.') {
        Some((bridge, vlan)) => (bridge, Some(vlan)),
        None => (access, None),
    };
    (!bridge.is_empty() && vlan.into_iter().chain(parts).all(is_vlan)).then_some(bridge)
}

#[cfg(test)]
mod tests {
    use super::of_open_vswitch;

    #[test]
    fn names_that_the_script_takes() {
        for name in ["ovs", "ovs.5", "ovs:1", "ovs:1:20", "ovs.5:1:20"] {
            assert_eq!(of_open_vswitch(name), Some("ovs"), "{name}");
        }
        for name in ["", ".5", "ovs.", "ovs:", "ovs.x", "ovs.1.2", "ovs:1.2", "ovs:1:", ":1"] {
            assert_eq!(of_open_vswitch(name), None, "{name}");
        }
    }
}
