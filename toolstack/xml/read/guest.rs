//! The domain that the readers build, and their shared state.

use std::collections::BTreeMap;

use timers::GuestKind;

use super::super::cursor::Value;
use crate::diag::Finding;
use crate::domain::config::Hvm;
use crate::domain::release::Known;
use crate::domain::{DomainConfig, XenVersion};
use crate::mapping::{Kind, Mapping, Outcome};

/// A domain that is being read.
pub(super) struct Guest<'t> {
    /// The hypervisor that the XML was written for.
    pub(super) hypervisor: &'t str,
    /// The config for libxl.
    pub(super) config: DomainConfig,
    /// True if the XML was written for Xen: what it leaves out then means what libvirt's Xen driver makes of it.
    pub(super) for_xen: bool,
    /// The release of Xen that the domain is for.
    pub(super) xen: XenVersion,
    /// The devices that are to boot, in their order.
    pub(super) boot: BootOrder<'t>,
    /// The devices on emulated USB controllers.
    pub(super) usb: Usb,
    /// The memory that modules add to the NUMA cells, in MiB.
    pub(super) modules: BTreeMap<usize, u64>,
    /// The host's replacements for names of another host.
    mapping: &'t Mapping,
    /// The effects of the mapping.
    pub(super) mapped: Outcome,
}

impl<'t> Guest<'t> {
    pub(super) fn new(kind: GuestKind, hypervisor: &'t str, xen: XenVersion, mapping: &'t Mapping) -> Self {
        let (config, mapped) = (DomainConfig::new(kind), Outcome::default());
        let (boot, usb, modules) = (BootOrder::default(), Usb::default(), BTreeMap::new());
        let for_xen = hypervisor == "xen";
        Guest { hypervisor, config, for_xen, xen, boot, usb, modules, mapping, mapped }
    }

    /// The replacement of a name, where there is a rule for it.
    pub(super) fn rule(&mut self, kind: Kind, name: &str) -> Option<(String, Finding)> {
        self.mapping.find(kind, name, &mut self.mapped)
    }

    /// The replacement of a name; that there is none is noted.
    pub(super) fn mapped(&mut self, kind: Kind, name: &str) -> Option<(String, Finding)> {
        let found = self.rule(kind, name);
        if found.is_none() {
            self.mapped.needs.insert((kind, name.to_owned()));
        }
        found
    }

    /// The path that the mapping has for a volume; that there is none is noted.
    pub(super) fn volume(&mut self, pool: &str, volume: &str) -> Option<(String, Finding)> {
        let found = self.mapping.volume(pool, volume, &mut self.mapped);
        if found.is_none() {
            self.mapped.needs.insert((Kind::Pool, pool.to_owned()));
        }
        found
    }

    pub(super) fn kind(&self) -> GuestKind {
        self.config.kind()
    }

    pub(super) fn is_hvm(&self) -> bool {
        self.kind() == GuestKind::Hvm
    }

    /// The settings of an HVM guest, if it is one.
    pub(super) fn hvm(&mut self) -> Option<&mut Hvm> {
        self.config.b_info.hvm.as_mut()
    }

    /// Gives an HVM guest's QEMU arguments that libxl has no key for.
    pub(super) fn qemu<const N: usize>(&mut self, arguments: [&str; N]) {
        self.config.b_info.extra_hvm.extend(arguments.map(str::to_owned));
    }

    /// The finding on a setting that the release does not know; `None` where it does.
    pub(super) fn lacks(&self, known: Option<Known>, what: &str) -> Option<Finding> {
        let known = known.filter(|known| !known.by(self.xen))?;
        Some(Finding::unsupported(
            "xen-release",
            format!("Xen {} has no {what}: there is one {known}", self.xen),
        ))
    }

    /// A path for a socket that libvirt would have chosen itself: one that every dom0 can make.
    pub(super) fn socket(&self, name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = format!("{}-{name}", self.config.name()).chars().map(plain).collect();
        // A socket's path has at most 107 bytes.
        let name: String = name.chars().take(80).collect();
        format!("/var/run/xen/{name}.sock")
    }
}

/// The kinds of devices that a guest can boot from, as letters of xl.cfg's `boot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bootable {
    Floppy,
    HardDisk,
    Cdrom,
    Network,
}

impl Bootable {
    /// Its letter.
    pub(super) fn letter(self) -> char {
        match self {
            Bootable::Floppy => 'a',
            Bootable::HardDisk => 'c',
            Bootable::Cdrom => 'd',
            Bootable::Network => 'n',
        }
    }
}

/// The devices that have a place in the boot order.
#[derive(Default)]
pub(super) struct BootOrder<'t>(pub(super) Vec<(u32, Bootable, Value<'t>)>);

/// The devices on emulated USB controllers.
#[derive(Default)]
pub(super) struct Usb {
    /// Mice, keyboards and tablets.
    pub(super) input: Vec<&'static str>,
    /// Devices of the host, by vendor and product.
    pub(super) host: Vec<(u16, u16)>,
    /// Devices that a SPICE client can redirect.
    pub(super) redirections: i32,
    /// The USB version of the controllers that the XML has.
    pub(super) version: Option<i32>,
}
