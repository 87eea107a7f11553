//! Settings of an xl.cfg that xl accepts, and with which libxl does not start the guest: they have their place and a remedy.

use serde_json::json;

use crate::common::Lab;

/// Lines with such a setting, the place, and the lines with the remedy.
const TABLE: &[(&str, &str, &str)] = &[
    ("videoram = 4", "4:1", "videoram = 8"),
    ("vga = \"stdvga\"\nvideoram = 8", "5:1", "vga = \"stdvga\"\nvideoram = 16"),
    ("spice = 1", "4:1", "spice = 1\nspiceport = 5900\nspicedisable_ticketing = 1"),
    ("usbversion = 4", "4:1", "usbversion = 3"),
    ("usb = 1\nusbversion = 2", "5:1", "usb = 1"),
    ("nestedhvm = 1\naltp2m = \"mixed\"", "4:1", "altp2m = \"mixed\""),
    ("firmware = \"rombios\"", "4:1", ""),
    ("bios = \"rombios\"", "4:1", ""),
    ("disk = [ \"vdev=xvdb,access=ro,target=/a\" ]", "4:10", "disk = [ \"vdev=sda,access=ro,target=/a\" ]"),
    ("viridian = [ \"stimer\" ]", "4:1", "viridian = [ \"stimer\", \"base\" ]"),
    ("cpu_weight = 0", "4:1", "cpu_weight = 256"),
    ("cap = 101", "4:1", "cap = 100"),
    (
        "disk = [ \"vdev=hda,target=/a\",\n \"vdev=hda,target=/b\" ]",
        "5:2",
        "disk = [ \"vdev=hda,target=/a\",\n \"vdev=hdb,target=/b\" ]",
    ),
    ("disk = [ \"vdev=hde,target=/a\" ]", "4:10", "disk = [ \"vdev=xvda,target=/a\" ]"),
    ("disk = [ \"vdev=hda,access=ro,target=/a\" ]", "4:10", "disk = [ \"vdev=xvde,access=ro,target=/a\" ]"),
    (
        "disk = [ \"vdev=xvda,format=qcow2,backendtype=phy,target=/a\" ]",
        "4:10",
        "disk = [ \"vdev=xvda,format=qcow2,target=/a\" ]",
    ),
    ("vif = [ \"devid=1\", \"devid=1\" ]", "4:20", "vif = [ \"bridge=a\", \"bridge=a\" ]"),
    (
        "passthrough = \"disabled\"\npci = [ \"3:0.0\" ]",
        "4:1",
        "passthrough = \"enabled\"\npci = [ \"3:0.0\" ]",
    ),
];

#[test]
fn each_has_its_place_and_a_remedy_that_is_accepted() {
    let lab = Lab::with_host(json!({}));
    for (wrong, place, right) in TABLE {
        let text = |lines: &str| format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 512\n{lines}\n");
        lab.write("guest.cfg", text(wrong));
        let refused = lab.mock(["create", "guest.cfg"]).fails(1);
        assert!(refused.contains(&format!("guest.cfg:{place}: unsupported: ")), "{wrong}: {refused}");
        assert!(refused.contains("[libxl-refuses]") && refused.contains("instead: "), "{wrong}: {refused}");
        lab.write("guest.cfg", text(right));
        let check = lab.mock(["check", "guest.cfg"]);
        assert!(!check.out.contains("libxl-refuses"), "{right}: {check:?}");
    }
}
