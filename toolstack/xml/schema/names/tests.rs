//! The list of names.

use super::*;

fn at(path: &str) -> ElementId {
    let names = Names::get();
    let below = |around, name| names.child(around, name).unwrap_or_else(|| panic!("no {path}"));
    path.split('/').fold(names.root(), below)
}

#[test]
fn every_line_of_the_list_is_understood() {
    let names = Names::get();
    let elements = &names.elements.entries[..names.elements.used];
    assert!(elements.len() > 850, "{}", elements.len());
    assert!(names.count() > 2800, "{}", names.count());
    for (index, element) in elements.iter().enumerate() {
        let words = names.attributes(ElementId(small(index))).chain([element.name.text()]);
        for word in words {
            assert!(
                word.chars().all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c)) && !word.is_empty(),
                "{word}"
            );
        }
    }
}

#[test]
fn what_is_the_same_is_there_in_each_place() {
    let names = Names::get();
    let zpci = at("devices/watchdog/address/zpci");
    assert_eq!(names.steps(zpci), ["devices", "watchdog", "address", "zpci"]);
    assert!(names.attributes(zpci).eq(["fid", "uid"]));
    assert!(names.holds_text(at("memory")) && !names.holds_text(at("devices")));
}

#[test]
fn an_attribute_has_the_values_that_the_schema_lists() {
    let names = Names::get();
    let attribute = |path, name| names.attribute(at(path), name).expect("an attribute");
    let listen = attribute("devices/graphics/listen", "type");
    assert!(listen.values(None).eq(["address", "network", "none", "socket"]));
    assert!(
        listen.may_be("address", || None) && !listen.may_be("adress", || None) && !listen.may_be("", || None)
    );
    let open = attribute("devices/graphics/listen", "address");
    assert!(open.may_be("x", || None) && open.values(None).next().is_none());
    assert!(names.attribute(at("devices/graphics/listen"), "typ").is_none());
    // Those of one type.
    let model = attribute("devices/controller", "model");
    assert!(model.may_be("piix3-uhci", || Some("usb")) && !model.may_be("piix3-uhci", || Some("scsi")));
    assert!(model.may_be("piix3-uhci", || None) && model.values(Some("sata")).next().is_none());
    assert!(model.values(Some("ide")).eq(["ich6", "piix3", "piix4"]));
    assert_eq!(model.values(None).filter(|value| *value == "virtio-transitional").count(), 1);
    assert_eq!(names.values_at("devices/controller", "model", Some("ide")), ["ich6", "piix3", "piix4"]);
    assert!(names.values_at("devices/disk/target", "bus", None).contains(&"sata"));
    // The same in a copy.
    assert!(!attribute("devices/disk/mirror/source", "startupPolicy").may_be("maybe", || None));
}

#[test]
fn what_lies_within_itself_has_no_end() {
    let names = Names::get();
    let deep = at("devices/disk/backingStore/backingStore/backingStore/source/dataStore/source/dataStore");
    assert_eq!(names.name(deep), "dataStore");
    assert!(names.child(deep, "source").is_some());
}

#[test]
fn numbers_are_each_ones_own() {
    let names = Names::get();
    let mut seen = vec![false; names.count()];
    for id in (0..names.elements.used).filter_map(|index| u16::try_from(index).ok()).map(ElementId) {
        let attributes = names.attributes(id).filter_map(|name| Some(names.attribute(id, name)?.number));
        for number in std::iter::once(names.number(id)).chain(attributes) {
            assert!(!std::mem::replace(&mut seen[number], true));
        }
    }
    assert!(seen.into_iter().all(|seen| seen));
}
