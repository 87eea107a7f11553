//! COLO replication settings of a network interface.

use std::collections::BTreeMap;

use serde::de::MapAccess;
use serde::ser::SerializeMap;
use serde_json::Value;

use crate::domain::idl::{Field, Rest};

/// The settings of COLO in `libxl_device_nic`, all of them texts. xl.cfg knows them by the same names.
///
/// libxl has them among the fields of the interface, and so does its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NicColo(BTreeMap<usize, String>);

impl NicColo {
    /// The names, in libxl's order.
    pub const NAMES: &'static [&'static str] = &[
        "coloft_forwarddev",
        "colo_sock_mirror_id",
        "colo_sock_mirror_ip",
        "colo_sock_mirror_port",
        "colo_sock_compare_pri_in_id",
        "colo_sock_compare_pri_in_ip",
        "colo_sock_compare_pri_in_port",
        "colo_sock_compare_sec_in_id",
        "colo_sock_compare_sec_in_ip",
        "colo_sock_compare_sec_in_port",
        "colo_sock_compare_notify_id",
        "colo_sock_compare_notify_ip",
        "colo_sock_compare_notify_port",
        "colo_sock_redirector0_id",
        "colo_sock_redirector0_ip",
        "colo_sock_redirector0_port",
        "colo_sock_redirector1_id",
        "colo_sock_redirector1_ip",
        "colo_sock_redirector1_port",
        "colo_sock_redirector2_id",
        "colo_sock_redirector2_ip",
        "colo_sock_redirector2_port",
        "colo_filter_mirror_queue",
        "colo_filter_mirror_outdev",
        "colo_filter_redirector0_queue",
        "colo_filter_redirector0_indev",
        "colo_filter_redirector0_outdev",
        "colo_filter_redirector1_queue",
        "colo_filter_redirector1_indev",
        "colo_filter_redirector1_outdev",
        "colo_compare_pri_in",
        "colo_compare_sec_in",
        "colo_compare_out",
        "colo_compare_notify_dev",
        "colo_sock_sec_redirector0_id",
        "colo_sock_sec_redirector0_ip",
        "colo_sock_sec_redirector0_port",
        "colo_sock_sec_redirector1_id",
        "colo_sock_sec_redirector1_ip",
        "colo_sock_sec_redirector1_port",
        "colo_filter_sec_redirector0_queue",
        "colo_filter_sec_redirector0_indev",
        "colo_filter_sec_redirector0_outdev",
        "colo_filter_sec_redirector1_queue",
        "colo_filter_sec_redirector1_indev",
        "colo_filter_sec_redirector1_outdev",
        "colo_filter_sec_rewriter0_queue",
        "colo_checkpoint_host",
        "colo_checkpoint_port",
    ];

    fn index(name: &str) -> Option<usize> {
        Self::NAMES.iter().position(|known| *known == name)
    }

    /// The setting of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&Self::index(name)?).map(String::as_str)
    }

    /// Sets the setting of this name; false where COLO has none.
    pub fn set(&mut self, name: &str, value: String) -> bool {
        Self::index(name).map(|index| self.0.insert(index, value)).is_some()
    }

    /// The settings given, in libxl's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(index, value)| (Self::NAMES[*index], value.as_str()))
    }

    /// Takes its settings out of the fields that were read.
    pub(super) fn take_from(&mut self, rest: &mut Rest) {
        for (index, name) in Self::NAMES.iter().enumerate() {
            if let Some(value) = rest.get_mut(*name) {
                match value {
                    Value::String(text) => drop(self.0.insert(index, std::mem::take(text))),
                    Value::Null => {}
                    // No libxl prints such a thing, and none reads it.
                    _ => continue,
                }
                rest.shift_remove(*name);
            }
        }
    }
}

impl Field for NicColo {
    fn write<M: SerializeMap>(&self, _: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
    }

    /// No key has the name of the group.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        map.next_value().map(Err)
    }
}
