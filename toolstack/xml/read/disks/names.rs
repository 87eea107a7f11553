//! Names for the disks of domain XML.
//!
//! A CD-ROM must be one of the first four drives, and a read-only hard disk must not be among the emulated ones.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::cursor::{Element, Result, Value};
use super::super::guest::Guest;
use crate::diag::Finding;
use crate::domain::config::HdType;
use crate::domain::disk_names::{
    IDE_DRIVES, Place, SCSI_DISKS, drive, emulated_by, is_virtual_disk, parts, place,
};

/// Disks that a guest can have, more than enough.
const MOST_DISKS: u32 = 702;

/// The name of a disk that lacks one, which is an error: it is given any.
pub(super) const NONE: &str = "";

/// The bus of a disk in the XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bus {
    Xen,
    Ide,
    Scsi,
    Sata,
    /// virtio, USB, or what else Xen has nothing like.
    Other,
}

impl Bus {
    pub(super) fn of(word: Option<&str>, devices: &Element<'_>, guest: &Guest<'_>) -> Self {
        match word {
            None | Some("xen") => Bus::Xen,
            Some("ide") => Bus::Ide,
            // QEMU emulates an LSI controller. A guest of KVM's mostly has virtio-scsi, and no driver for that.
            Some("scsi") if guest.for_xen || has_lsi(devices) => Bus::Scsi,
            Some("sata") => Bus::Sata,
            Some(_) => Bus::Other,
        }
    }
}

fn has_lsi(devices: &Element<'_>) -> bool {
    let scsi = |controller: &Element<'_>| controller.attr("type").is_some_and(|kind| kind.text == "scsi");
    let models: Vec<_> =
        devices.children("controller").filter(scsi).map(|found| found.attr("model")).collect();
    !models.is_empty() && models.iter().all(|model| model.is_some_and(|model| model.text == "lsilogic"))
}

/// A disk as the XML has it.
pub(super) struct Wish<'t> {
    pub(super) element: Element<'t>,
    pub(super) dev: Value<'t>,
    pub(super) bus: Bus,
    pub(super) cdrom: bool,
    pub(super) readonly: bool,
    pub(super) order: Option<u32>,
}

/// The letters of a drive's number: a to z, aa to zz.
fn letters(number: u32) -> String {
    let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap_or_default());
    match number.checked_sub(26) {
        None => letter(number).to_string(),
        Some(rest) => [letter(rest / 26), letter(rest)].iter().collect(),
    }
}

/// The names given out so far.
pub(super) struct Names {
    numbers: BTreeSet<u32>,
    /// Places on the emulated controllers: on SCSI or not, and the number there.
    places: BTreeSet<Place>,
    /// True if no hard disk has been renamed yet.
    first: bool,
    hvm: bool,
    controller: HdType,
    emulated: u32,
}

impl Names {
    /// Gives each disk a name; `None` where none is left that it could have.
    ///
    /// # Errors
    /// When two disks have the same name.
    pub(super) fn assign<'w, 't>(
        wishes: &'w [Wish<'t>],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<(&'w Wish<'t>, Option<String>)>> {
        let controller = guest.hvm().map(|hvm| hvm.hdtype).unwrap_or_default();
        let mut names = Names {
            numbers: BTreeSet::new(),
            places: BTreeSet::new(),
            first: true,
            hvm: guest.is_hvm(),
            controller,
            emulated: emulated_by(controller),
        };
        let mut given: BTreeMap<usize, Option<String>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (index, wish) in wishes.iter().enumerate() {
            if wish.dev.text != NONE && !seen.insert(wish.dev.text) {
                let finding = Finding::invalid("disk-twice", format!("a second disk '{}'", wish.dev.text));
                return Err(wish.dev.error(finding.instead("give each disk a target dev of its own")));
            }
            // First all names that are Xen's already: the renamed disks take what is left.
            if names.keeps(wish) {
                names.numbers.extend(drive(wish.dev.text));
                names.places.extend(names.place(wish.dev.text));
                given.insert(index, Some(wish.dev.text.to_owned()));
            }
        }
        for index in names.sequence(wishes) {
            given.entry(index).or_insert_with(|| names.rename(&wishes[index]));
        }
        Ok(wishes.iter().zip(given.into_values()).collect())
    }

    /// The disk that boots comes first, then CD-ROMs, which have the least choice, then the others.
    fn sequence(&self, wishes: &[Wish<'_>]) -> Vec<usize> {
        let order = |index: &usize| wishes[*index].order.unwrap_or(u32::MAX);
        let mut disks: Vec<usize> = (0..wishes.len()).filter(|&index| !wishes[index].cdrom).collect();
        disks.sort_by_key(order);
        let cdroms = (0..wishes.len()).filter(|&index| wishes[index].cdrom);
        let (first, rest) = disks.split_at(disks.len().min(1));
        first.iter().copied().chain(cdroms).chain(rest.iter().copied()).collect()
    }

    /// True if libxl gives a disk of this name what the XML asks for.
    fn keeps(&self, wish: &Wish<'_>) -> bool {
        let name = wish.dev.text;
        let prefix = ["xvd", "hd", "sd"].into_iter().find(|prefix| name.starts_with(prefix));
        let (Some(prefix), Bus::Xen | Bus::Ide | Bus::Scsi) = (prefix, wish.bus) else { return false };
        if !is_virtual_disk(name) {
            return false;
        }
        if !self.hvm {
            return true;
        }
        // hdc and xvdc are one emulated drive, and QEMU takes no second one in its place.
        if self.place(name).is_some_and(|place| self.places.contains(&place)) {
            return false;
        }
        let number = drive(name).unwrap_or(u32::MAX);
        let writable = wish.cdrom || !wish.readonly;
        match prefix {
            "sd" => number < SCSI_DISKS && !wish.cdrom,
            _ if wish.cdrom => number < IDE_DRIVES,
            _ => writable || number >= self.emulated,
        }
    }

    /// The place that an emulated disk of this name has.
    fn place(&self, name: &str) -> Option<Place> {
        place(name, self.controller).filter(|_| self.hvm)
    }

    fn rename(&mut self, wish: &Wish<'_>) -> Option<String> {
        let cdrom = wish.cdrom && self.hvm;
        let hidden = wish.readonly && !wish.cdrom && self.hvm;
        let first = if hidden { self.emulated } else { 0 };
        let most = if cdrom { IDE_DRIVES } else { MOST_DISKS };
        // A letter that QEMU would not emulate is as good as none, and the disk that boots is the first.
        let last = if self.hvm && !hidden { self.emulated.min(most) } else { most };
        let boots = self.hvm && !hidden && !wish.cdrom && wish.order.is_some() && self.first;
        let wanted = parts(wish.dev.text).map(|(_, number)| number);
        let wanted = wanted.filter(|number| (first..last).contains(number) && !boots);
        // CD-ROMs that cannot have their own letter leave the first ones to disks.
        let others: Vec<u32> = if cdrom { (first..most).rev().collect() } else { (first..most).collect() };
        let number = wanted.into_iter().chain(others).find(|number| !self.numbers.contains(number))?;
        self.numbers.insert(number);
        self.first &= wish.cdrom;
        let name = format!("{}{}", if cdrom { "hd" } else { "xvd" }, letters(number));
        let how = if cdrom {
            "an emulated IDE drive"
        } else if hidden {
            "QEMU does not emulate a read-only hard disk: only Xen's PV drivers see it"
        } else if !self.hvm {
            "Xen's own disk"
        } else if number < self.emulated {
            "an emulated disk until the guest loads Xen's PV drivers"
        } else {
            "QEMU does not emulate more disks: only Xen's PV drivers see it"
        };
        if name != wish.dev.text {
            let finding = Finding::approximated("disk-name", format!("becomes {name}: {how}"));
            wish.dev.mark(finding.instead("check that the guest finds its disks by UUID or label"));
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_count_on_behind_z() {
        for (name, number) in
            [("xvda", 0), ("vdd", 3), ("hdz", 25), ("sdaa", 26), ("xvdab", 27), ("xvdzz", 701)]
        {
            let found = parts(name).map(|(prefix, found)| (found, format!("{prefix}{}", letters(found))));
            assert_eq!(found, Some((number, name.to_owned())));
        }
    }
}
