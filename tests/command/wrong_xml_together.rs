//! The errors of one domain XML beside each other: none is missing, and none is there because of another one.

use serde_json::json;

use crate::common::{FIXED, Lab};
use crate::wrong_xml::{MEMORY, NAME, OS};

/// What an XML has inside it, and the codes of its errors in their order.
const TOGETHER: &[(&str, &[&str])] = &[
    // The correct device, timer or cell is not compared with one that lost a part.
    (
        "<devices><hostdev type='pci'><source><address slot='0x1g'/></source></hostdev>
         <hostdev type='pci'><source><address bus='0' slot='0' function='0'/></source></hostdev></devices>",
        &["bad-value"],
    ),
    (
        "<devices><hostdev type='pci'><source><address bus='6' function='9'/></source></hostdev>
         <interface type='hostdev'><source><address bus='6' function='0'/></source></interface></devices>",
        &["bad-value"],
    ),
    (
        "<devices><hostdev type='pci'><source><address domain='x'/></source></hostdev>
         <hostdev type='pci'><source><address bus='6'/></source></hostdev>
         <hostdev type='pci'><source><address bus='6'/></source></hostdev></devices>",
        &["bad-value", "hostdev-twice"],
    ),
    (
        "<clock><timer name='rtc' tickpolicy='catch-up'/><timer name='rtc' tickpolicy='catchup'/></clock>",
        &["bad-value"],
    ),
    (
        "<clock><timer name='rtc' tickpolicy='catchup'/><timer name='rtc' tickpolicy='catch-up'/></clock>",
        &["bad-value"],
    ),
    ("<clock><timer name='tsc' mode='emulat'/><timer name='tsc' mode='emulate'/></clock>", &["bad-value"]),
    (
        "<clock><timer name='tsc' frequency='x'/><timer name='tsc' frequency='2000000000'/></clock>",
        &["bad-value"],
    ),
    // The one that lost nothing counts.
    (
        "<clock><timer name='tsc' mode='emulat'/><timer name='tsc' mode='emulate' frequency='0'/></clock>",
        &["bad-value", "tsc-frequency"],
    ),
    (
        "<clock><timer name='pit' tickpolicy='x'/><timer name='pit'/><timer name='pit' tickpolicy='delay'/></clock>",
        &["bad-value", "timer-twice"],
    ),
    (
        "<cpu><numa><cell id='x' memory='64' unit='MiB'/><cell id='0' memory='64' unit='MiB'/></numa></cpu>",
        &["bad-value"],
    ),
    (
        "<vcpu>4</vcpu><cpu><numa><cell id='0' cpus='0-1' memory='64' unit='MiB'/>
         <cell id='0' cpus='2-z' memory='64' unit='MiB'/></numa></cpu>",
        &["cell-twice", "bad-value"],
    ),
    (
        "<cpu><numa><cell id='0' memory='x'/><cell id='0' memory='64' unit='MiB'/>
         <cell id='2' memory='64' unit='MiB'/></numa></cpu>",
        &["bad-value", "cell-twice"],
    ),
    // No other error hides a zone that there is not.
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'/><on_crash>x</on_crash>",
        &["bad-zone", "bad-value"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'/><devices><interface/></devices>",
        &["bad-zone", "no-interface-type"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'><timer name='tsc' mode='native' frequency='0'/></clock>",
        &["bad-zone", "tsc-frequency"],
    ),
    (
        "<clock offset='timezone' timezone='Europe/Nowhere'><timer name='tsc' mode='x'/></clock>",
        &["bad-zone", "bad-value"],
    ),
    ("<clock offset='timezone' timezone='Europe/Nowhere'/>", &["bad-zone"]),
];

#[test]
fn errors_are_all_said_and_lead_to_no_others() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    for (inside, codes) in TOGETHER {
        lab.write("guest.xml", format!("<domain>{NAME}{MEMORY}{OS}\n{inside}</domain>"));
        let convert = ["convert", "--diagnostics", "json", "guest.xml"];
        let said = lab.run(convert.into_iter().chain(FIXED)).fails(1);
        let errors: serde_json::Value = serde_json::from_str(&said).unwrap();
        let found: Vec<_> =
            errors.as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(found, *codes, "{inside}: {said}");
        let checked = lab.run(["check", "guest.xml"]).out;
        let created = lab.mock(["create", "guest.xml"]).fails(1);
        let planned = lab.mock(["plan", "guest.xml"]).fails(1);
        for said in [checked, created, planned] {
            assert_eq!(said.matches(": invalid: ").count(), codes.len(), "{inside}: {said}");
            for code in *codes {
                assert!(said.contains(&format!("[{code}]")), "{inside}: {said}");
            }
        }
    }
}

#[test]
fn an_xl_cfg_names_the_zone_beside_its_other_errors_too() {
    let lab = Lab::with_host(json!({"timezone": "UTC"}));
    lab.write(
        "guest.cfg",
        "name = \"g\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"Europe/Nowhere\"\n\
         clock_timers = [ \"name=tsc,mode=native,frequency=0\" ]\n",
    );
    for said in [
        lab.run(["convert", "guest.cfg"].into_iter().chain(FIXED)).err,
        lab.run(["check", "guest.cfg"]).out,
        lab.mock(["create", "guest.cfg"]).fails(1),
    ] {
        assert!(said.contains("[bad-zone]") && said.contains("[tsc-frequency]"), "{said}");
    }
}
