//! Values of domain XML that its reader and its writer share.

pub(crate) use super::read::{HYPERV, KEPT_NAMESPACE, KEPT_PREFIX, XEN_NAMESPACE, feature_at, smbios_place};
