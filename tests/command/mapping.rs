//! The mapping from domain XML to Xen, row by row: children of `<domain>`, and lines of an xl.cfg with the same
//! meaning.
//!
//! The rows are in `tests/cases/mapping.tsv` and, if it is present, in the table that several projects share. Debian's
//! own xl determines the meaning of the lines; each path of libxl's JSON that they change must have the same value in
//! xenclock's. Without that xl, only the rows without lines are tested.

use std::collections::BTreeMap;

use crate::common::{FIXED, Lab};
use crate::conformance::rows;
use crate::oracle::Oracle;
use serde_json::Value;

type Row = BTreeMap<String, String>;

/// Every value within a JSON document, by its path.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, path: String, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().for_each(|(key, value)| walk(value, format!("{path}/{key}"), found));
            }
            Value::Array(list) if !list.is_empty() => {
                list.iter().enumerate().for_each(|(at, value)| walk(value, format!("{path}/{at}"), found));
            }
            // An empty group says as little as none.
            Value::Object(_) | Value::Array(_) => {}
            _ => {
                found.insert(path, value.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(value, String::new(), &mut found);
    found
}

/// A domain of a row's kind with this inside; what the row brings itself is left out.
fn domain(row: &Row, inside: &str) -> String {
    let os = match row["guest"].as_str() {
        "hvm" => "<os><type>hvm</type></os>",
        "pv" => "<os><type>xen</type><kernel>/k</kernel></os>",
        "pvh" => "<os><type>xenpvh</type><kernel>/k</kernel></os>",
        kind => panic!("no kind of guest: {kind}"),
    };
    let old = row["domain_type"] == "xen" && inside.starts_with("<bootloader>");
    let os = if old || inside.contains("<os>") || inside.contains("<os ") { "" } else { os };
    let memory = if inside.contains("<memory>") || inside.contains("<memory ") {
        ""
    } else {
        "<memory unit='MiB'>512</memory>"
    };
    let name = "<name>g</name>";
    format!("<domain type='{}'>{name}{memory}{os}{inside}</domain>", row["domain_type"])
}

/// The xl.cfg that stands for the domain around a row, with these lines behind it.
fn config(row: &Row, lines: &str) -> String {
    let kernel = if row["guest"] == "hvm" { "" } else { "kernel = \"/k\"\n" };
    let lines = lines.replace("; ", "\n");
    format!("name = \"g\"\nmemory = 512\ntype = \"{}\"\n{kernel}{lines}\n", row["guest"])
}

fn converted(lab: &Lab, xml: &str) -> Result<(BTreeMap<String, Value>, String), String> {
    lab.write("guest.xml", xml);
    let run =
        lab.run(["convert", "--xen", "4.17", "--to", "json"].into_iter().chain(FIXED).chain(["guest.xml"]));
    if run.code != 0 {
        return Err(run.err);
    }
    Ok((leaves(&serde_json::from_str(&run.out).unwrap()), run.err))
}

/// The paths at which two documents differ, with the value of each.
fn differences(
    one: &BTreeMap<String, Value>,
    other: &BTreeMap<String, Value>,
) -> Vec<(String, Value, Value)> {
    let paths: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let of = |all: &BTreeMap<String, Value>, path| all.get(path).cloned().unwrap_or_default();
    paths
        .into_iter()
        .map(|path| (path.clone(), of(one, path), of(other, path)))
        .filter(|(path, one, other)| one != other && path != "/c_info/uuid")
        .collect()
}

/// Rows whose lines would not start the guest that they mean, with what is written instead, and why.
const STARTS_OTHERWISE: &[(&str, &str, &str)] = &[(
    "hostdev-usb-id",
    "usbversion = 2; device_model_args_hvm = [\"-device\", \"usb-host,vendorid=0x046d,productid=0xc52b\"]",
    "QEMU has taken no host device by -usbdevice since 2.12: it ends, and libxl takes the domain away",
)];

/// What is wrong with the conversion of a row; nothing when all is well.
fn judge(oracle: Option<&Oracle>, lab: &Lab, row: &Row) -> Result<(), String> {
    let (ours, said) = converted(lab, &domain(row, &row["xml"]))?;
    if row["xl"].is_empty() {
        let (without, _) = converted(lab, &domain(row, ""))?;
        let differences = differences(&without, &ours);
        return match differences.as_slice() {
            [] if said.is_empty() => Ok(()),
            [] => Err(format!("it says {said}")),
            _ => Err(format!("it changes {differences:?}")),
        };
    }
    let Some(oracle) = oracle else { return Ok(()) };
    let asked =
        |lines: &str| oracle.xl(&lab.write("guest.cfg", config(row, lines))).map(|json| leaves(&json));
    let otherwise = STARTS_OTHERWISE.iter().find(|(id, ..)| *id == row["id"]);
    let lines = otherwise.map_or(row["xl"].as_str(), |(_, lines, _)| lines);
    let (plain, meant) = (asked("")?, asked(lines)?);
    // Of a number that xl makes up only its being there can be compared.
    let same = |path: &str, meant: &Value| {
        let ours = ours.get(path).unwrap_or(&Value::Null);
        if path.contains("/ms_vm_genid/") { !ours.is_null() } else { ours == meant }
    };
    let wrong: Vec<_> = differences(&plain, &meant)
        .into_iter()
        .filter(|(path, _, meant)| !same(path, meant))
        .map(|(path, _, meant)| format!("{path}: {}, not {meant}", ours.get(&path).unwrap_or(&Value::Null)))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n    it says {said}", wrong.join("\n    "))) }
}

#[test]
fn xml_means_what_the_lines_beside_it_mean() {
    let (oracle, lab) = (Oracle::find(), Lab::new());
    let all = rows("mapping.tsv");
    let wrong: Vec<_> = all
        .iter()
        .filter_map(|row| judge(oracle.as_ref(), &lab, row).err().map(|why| format!("{}: {why}", row["id"])))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// Of each: what is in the domain, a node, its verdict and the code of that.
const VERDICTS: &[(&str, &str, &str, &str)] = &[
    (
        "<devices><graphics type='spice' port='5900'/><redirdev bus='usb' type='spicevmc'/></devices>",
        "/domain/devices/redirdev/@bus",
        "no-effect",
        "redirdev",
    ),
    (
        "<devices><input type='evdev'><source dev='/dev/input/event3' grab='all'/></input></devices>",
        "/domain/devices/input/source/@grab",
        "exact",
        "exact",
    ),
    (
        "<devices><input type='evdev'><source dev='/dev/input/event3' grabToggle='new-keys'/></input></devices>",
        "/domain/devices/input/source/@grabToggle",
        "unsupported",
        "unknown-value",
    ),
    // QEMU on Xen hands OVMF no boot order.
    (
        "<os firmware='efi'><type>hvm</type><boot dev='hd'/></os><devices>DISK CDROM</devices>",
        "/domain/os/boot/@dev",
        "approximated",
        "boot-order",
    ),
    (
        "<os firmware='efi'><type>hvm</type><boot dev='hd'/></os><devices>DISK EMPTY</devices>",
        "/domain/os/boot/@dev",
        "exact",
        "exact",
    ),
    (
        "<os firmware='efi'><type>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os><devices>DISK CDROM</devices>",
        "/domain/os/boot[1]/@dev",
        "exact",
        "exact",
    ),
    (
        "<os firmware='efi'><type>hvm</type><boot dev='network'/></os><devices>DISK</devices>",
        "/domain/os/boot/@dev",
        "approximated",
        "boot-order",
    ),
    (
        "<os><type>hvm</type><boot dev='hd'/></os><devices>DISK CDROM</devices>",
        "/domain/os/boot/@dev",
        "exact",
        "exact",
    ),
];

#[test]
fn what_real_files_ask_for_has_its_verdict() {
    let disk = "<disk type='file'><source file='/d'/><target dev='vda'/></disk>";
    let cdrom = "<disk type='file' device='cdrom'><source file='/c.iso'/><target dev='hdc'/></disk>";
    let lab = Lab::new();
    for (inside, node, verdict, code) in VERDICTS {
        let empty = cdrom.replace("<source file='/c.iso'/>", "");
        let inside = inside.replace("DISK", disk).replace("CDROM", cdrom).replace("EMPTY", &empty);
        let row =
            Row::from([("domain_type".to_owned(), "kvm".to_owned()), ("guest".to_owned(), "hvm".to_owned())]);
        lab.write("guest.xml", domain(&row, &inside));
        let words = ["convert", "--diagnostics", "json", "guest.xml"];
        let run = lab.run(words.into_iter().chain(FIXED));
        let all: Value = serde_json::from_str(&run.err).unwrap();
        let found = all.as_array().unwrap().iter().find(|found| found["node"] == *node);
        let found = found.unwrap_or_else(|| panic!("no {node}: {inside}"));
        assert_eq!(
            (&found["verdict"], &found["code"]),
            (&Value::from(*verdict), &Value::from(*code)),
            "{inside}"
        );
    }
}
