//! What a refusal is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hash;

use super::super::DomainConfig;
use super::super::config::{Altp2m, Passthrough};
use super::super::idl::Defbool;
use crate::diag::Finding;

/// The keys that a setting may have in an xl.cfg, and its path in libxl's JSON.
pub(super) type Place = (&'static [&'static str], &'static str);

/// The root of every domain XML, by which a finding is told its format.
const DOMAIN_XML: &str = "/domain";

pub(super) const VIF: Place = (&["vif"], "nics");

/// A setting with which the guest does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The keys that it may have in an xl.cfg.
    pub keys: &'static [&'static str],
    /// Its path in libxl's JSON, or that of its list.
    pub path: &'static str,
    /// Which entry it is, if it is in a list.
    pub item: Option<usize>,
    /// The finding on it, with what to write in an xl.cfg.
    pub finding: Finding,
}

impl Refused {
    /// Its path, with the number of its entry, and the finding as it is said of another format than xl.cfg.
    #[must_use]
    pub fn outside_xl_cfg(self) -> (String, Finding) {
        let path = self.whole_path();
        let finding = Finding { by_format: None, ..self.finding };
        let instead = finding.alternative.clone().unwrap_or_default();
        (path, finding.instead(format!("as in an xl.cfg: {instead}")))
    }

    /// The same as it is said of a domain XML, in the words of one where it is known what they are.
    #[must_use]
    pub fn in_domain_xml(self) -> (String, Finding) {
        match self.finding.by_format {
            Some(_) => (self.whole_path(), self.finding.at(DOMAIN_XML)),
            None => self.outside_xl_cfg(),
        }
    }

    fn whole_path(&self) -> String {
        self.item.map_or_else(|| self.path.to_owned(), |item| format!("{}[{item}]", self.path))
    }

    pub(super) fn in_entry(self, item: usize) -> Self {
        Refused { item: Some(item), ..self }
    }

    /// With what to write in a domain XML in place of the settings that an xl.cfg would have.
    pub(super) fn or_in_xml(self, xml: impl Into<Cow<'static, str>>) -> Self {
        let key = self.finding.alternative.clone().unwrap_or_default();
        Refused { finding: self.finding.instead_by_format(xml, key), ..self }
    }
}

/// A refusal of what stands at a place.
pub(super) fn at((keys, path): Place, finding: Finding) -> Refused {
    Refused { keys, path, item: None, finding: finding.refusing_start() }
}

/// A refusal by libxl.
pub(super) fn by_libxl(
    place: Place,
    reason: impl Into<Cow<'static, str>>,
    instead: impl Into<Cow<'static, str>>,
) -> Refused {
    at(place, Finding::unsupported("libxl-refuses", reason).instead(instead))
}

/// A refusal by Xen.
pub(super) fn by_xen(
    place: Place,
    reason: impl Into<Cow<'static, str>>,
    instead: impl Into<Cow<'static, str>>,
) -> Refused {
    at(place, Finding::unsupported("xen-refuses", reason).instead(instead))
}

/// True if it is set, and to yes.
pub(super) fn is(value: Option<Defbool>) -> bool {
    value.is_some_and(Defbool::is_true)
}

/// The values that come a second time, with their places.
pub(super) fn twice<T: Clone + Eq + Hash>(
    values: impl Iterator<Item = Option<T>>,
) -> impl Iterator<Item = (usize, T)> {
    let mut seen = HashSet::new();
    values.enumerate().filter_map(move |(at, value)| {
        let value = value?;
        (!seen.insert(value.clone())).then_some((at, value))
    })
}

/// True if the guest is given devices of the host.
pub(super) fn is_lent_devices(config: &DomainConfig) -> bool {
    !config.pcidevs.is_empty() || !config.dtdevs.is_empty()
}

/// True if passthrough is asked for, whether or not a device is given yet.
pub(super) fn has_iommu(config: &DomainConfig) -> bool {
    !matches!(config.c_info.passthrough, Passthrough::Default | Passthrough::Disabled)
}

/// True if the guest has several views of its memory, by either of the two fields.
pub(super) fn has_altp2m(config: &DomainConfig) -> bool {
    let b_info = &config.b_info;
    b_info.altp2m != Altp2m::Disabled || b_info.hvm.as_ref().is_some_and(|hvm| is(hvm.altp2m))
}
