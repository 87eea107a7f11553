//! The domain as a whole: kind, boot, features, and actions at its end.

use timers::GuestKind;
use timers::hyperv::Viridian;
use uuid::Uuid;

use super::element::{Element, on_off, yes_no};
use super::{clock, cpu, devices};
use crate::domain::config::{
    ArchArm, ArchX86, Bios, BuildInfo, CreateInfo, DomainConfig, Hvm, Passthrough, Pv, Pvh, SchedParams,
    Smbios,
};
use crate::domain::libvirt::{self, BOOT_DEVICES, PASSTHROUGH_MODES, word_of};
use crate::domain::{Defbool, Domain, Notes};

/// The whole document. What is in a structure and has no place in a domain XML is named with `_`.
pub(super) fn root(domain: &Domain) -> Element {
    let Domain { config, clock, notes, refusals: _ } = domain;
    let DomainConfig {
        c_info,
        b_info,
        disks: _,
        nics: _,
        pcidevs: _,
        rdms: _,
        dtdevs: _,
        vfbs: _,
        vkbs: _,
        virtios: _,
        vtpms: _,
        p9s: _,
        pvcallsifs: _,
        vdispls: _,
        vsnds: _,
        channels: _,
        usbctrls: _,
        usbdevs: _,
        on_poweroff,
        on_reboot,
        on_watchdog: _,
        on_crash,
        on_soft_reset: _,
        rest: _,
    } = config;
    let CreateInfo {
        kind: _,
        hap,
        oos: _,
        ssidref: _,
        ssid_label,
        name,
        domid: _,
        uuid,
        xsdata: _,
        platformdata: _,
        poolid: _,
        pool_name: _,
        run_hotplug_scripts: _,
        driver_domain: _,
        passthrough,
        xend_suspend_evtchn_compat: _,
        rest: _,
    } = c_info;
    let Notes { title, description, metadata: _, system: _, comments: _ } = notes;
    let kind = config.kind();
    let hvm = b_info.hvm.as_ref().filter(|_| kind == GuestKind::Hvm);
    let name = name.as_deref().unwrap_or_default().replace(['/', '\n'], "_");
    let name = if name.trim().is_empty() { "unnamed".to_owned() } else { name };
    let mut root = Element::new("domain").with("type", "xen").around([Element::of("name", name)]);
    root.children.extend(uuid.map(|uuid| Element::of("uuid", uuid.to_string())));
    let genid = hvm.map(|hvm| hvm.ms_vm_genid).filter(|id| id.iter().any(|byte| *byte != 0));
    root.children.extend(genid.map(|id| Element::of("genid", Uuid::from_bytes_le(id).to_string())));
    let texts = [("title", title), ("description", description)];
    root.children
        .extend(texts.into_iter().filter_map(|(name, text)| Some(Element::of(name, text.as_ref()?))));
    root.children.extend(build(b_info, kind, ssid_label.is_some()));
    if hvm.is_some_and(|hvm| !hvm.smbios.is_empty()) {
        root.children.extend(hvm.map(sysinfo));
    }
    root.children.extend(bootloader(b_info, kind));
    root.children.push(os(b_info, kind));
    root.children.push(features(b_info, kind, *hap, *passthrough));
    let [tune, cpu] = cpu::cpu(b_info, kind);
    let place = root.children.iter().position(|child| child.name == "os").unwrap_or_default();
    if let Some(tune) = tune {
        root.children.insert(place, tune);
    }
    root.children.extend(cpu);
    root.children.push(clock::clock(clock));
    for (name, action) in [("on_poweroff", on_poweroff), ("on_reboot", on_reboot), ("on_crash", on_crash)] {
        root.children.push(Element::of(name, action.xl_word()));
    }
    if let Some(hvm) = hvm {
        let states = [("suspend-to-mem", hvm.acpi_s3), ("suspend-to-disk", hvm.acpi_s4)];
        let states = states
            .into_iter()
            .filter_map(|(name, state)| Some(Element::new(name).with("enabled", yes_no(state?.is_true()))));
        root.children.push(Element::new("pm").around(states));
    }
    root.children.push(devices::devices(config));
    root.children.extend(ssid_label.as_ref().map(|label| {
        let element =
            Element::new("seclabel").with("type", "static").with("model", "flask").with("relabel", "no");
        element.around([Element::of("label", label)])
    }));
    if !b_info.extra.is_empty() {
        let arguments = b_info.extra.iter().map(|argument| Element::new("xen:arg").with("value", argument));
        root.children.push(Element::new("xen:commandline").around(arguments));
    }
    root
}

/// Memory and vCPUs.
fn build(b_info: &BuildInfo, kind: GuestKind, _labelled: bool) -> Vec<Element> {
    // In the order of libxl's IDL; what other functions write is named here once.
    let BuildInfo {
        max_vcpus: _,
        avail_vcpus: _,
        cpumap: _,
        nodemap: _,
        vcpu_hard_affinity: _,
        vcpu_soft_affinity: _,
        numa_placement: _,
        tsc_mode: _,
        max_memkb,
        target_memkb,
        video_memkb: _,
        shadow_memkb: _,
        iommu_memkb: _,
        rtc_timeoffset: _,
        exec_ssidref: _,
        exec_ssid_label: _,
        localtime: _,
        disable_migrate: _,
        cpuid: _,
        blkdev_start: _,
        vnuma_nodes: _,
        max_grant_frames: _,
        max_maptrack_frames: _,
        max_grant_version: _,
        device_model_version: _,
        device_model_stubdomain: _,
        stubdomain_memkb: _,
        stubdomain_kernel: _,
        stubdomain_cmdline: _,
        stubdomain_ramdisk: _,
        device_model: _,
        device_model_ssidref: _,
        device_model_ssid_label: _,
        device_model_user: _,
        extra: _,
        extra_pv: _,
        extra_hvm: _,
        sched_params,
        ioports: _,
        irqs: _,
        iomem: _,
        llc_colors: _,
        claim_mode: _,
        event_channels: _,
        kernel: _,
        cmdline: _,
        ramdisk: _,
        device_tree: _,
        acpi: _,
        bootloader: _,
        bootloader_args: _,
        bootloader_restrict: _,
        bootloader_user: _,
        timer_mode: _,
        nested_hvm: _,
        apic: _,
        dm_restrict: _,
        tee: _,
        hvm: _,
        pv: _,
        pvh,
        arch_arm,
        arch_x86,
        altp2m: _,
        altp2m_count: _,
        vmtrace_buf_kb: _,
        vpmu: _,
        trap_unmapped_accesses: _,
        xenstore_feature_mask: _,
        xenstore_quota: _,
        rest: _,
    } = b_info;
    let SchedParams {
        sched: _,
        weight: _,
        cap: _,
        period: _,
        budget: _,
        extratime: _,
        slice: _,
        latency: _,
        rest: _,
    } = sched_params;
    let ArchArm { gic_version: _, vuart: _, sve_vl: _, nr_spis: _, arm_sci: _, rest: _ } = arch_arm;
    let ArchX86 { msr_relaxed: _, rest: _ } = arch_x86;
    if let Some(Pvh { pvshim: _, pvshim_path: _, pvshim_cmdline: _, pvshim_extra: _, rest: _ }) = pvh {}
    let whole = |kib: u64| kib.div_ceil(1024).clamp(1, (1 << 40) - 1) * 1024;
    let max = whole(max_memkb.or(*target_memkb).unwrap_or_default());
    let now = target_memkb.map_or(max, whole).min(max);
    let memory = |name, kib: u64| Element::of(name, kib.to_string()).with("unit", "KiB");
    let mut found = vec![memory("memory", max), memory("currentMemory", now)];
    let _ = kind;
    found.extend(cpu::vcpus(b_info));
    found
}

fn bootloader(b_info: &BuildInfo, kind: GuestKind) -> Vec<Element> {
    let mut found = Vec::new();
    if kind == GuestKind::Hvm {
        return found;
    }
    found.extend(b_info.bootloader.as_ref().map(|path| Element::of("bootloader", path)));
    let args = &b_info.bootloader_args;
    if !args.is_empty() && b_info.bootloader.is_some() {
        found.push(Element::of("bootloader_args", args.join(" ")));
    }
    found
}

fn os(b_info: &BuildInfo, kind: GuestKind) -> Element {
    let (word, machine) = match kind {
        GuestKind::Hvm => ("hvm", "xenfv"),
        GuestKind::Pv => ("linux", "xenpv"),
        GuestKind::Pvh => ("xenpvh", "xenpvh"),
    };
    let hvm = b_info.hvm.as_ref().filter(|_| kind == GuestKind::Hvm);
    let mut os = Element::new("os");
    if hvm.is_some_and(|hvm| hvm.bios == Some(Bios::Ovmf) && hvm.system_firmware.is_none()) {
        os = os.with("firmware", "efi");
    }
    os = os.around([Element::of("type", word).with("arch", "x86_64").with("machine", machine)]);
    if let Some(hvm) = hvm {
        let flash = hvm
            .system_firmware
            .as_ref()
            .map(|path| Element::of("loader", path).with("readonly", "yes").with("type", "pflash"));
        let rom = || hvm.firmware.as_ref().map(|path| Element::of("loader", path).with("type", "rom"));
        os = os.around(flash.or_else(rom));
    }
    if hvm.is_none() || b_info.kernel.is_some() {
        let files = [("kernel", &b_info.kernel), ("initrd", &b_info.ramdisk), ("cmdline", &b_info.cmdline)];
        os =
            os.around(files.into_iter().filter_map(|(name, value)| Some(Element::of(name, value.as_ref()?))));
    }
    let Some(hvm) = hvm else { return os };
    let letters = hvm.boot.iter().flat_map(|letters| letters.chars());
    os = os.around(
        letters.filter_map(|letter| Some(Element::new("boot").with("dev", word_of(BOOT_DEVICES, &letter)?))),
    );
    if !hvm.smbios.is_empty() {
        os = os.around([Element::new("smbios").with("mode", "sysinfo")]);
    }
    os.around(
        hvm.acpi_firmware
            .as_ref()
            .map(|path| Element::new("acpi").around([Element::of("table", path).with("type", "slic")])),
    )
}

/// `<sysinfo>`: the strings that it has a place for.
fn sysinfo(hvm: &Hvm) -> Element {
    let mut sysinfo = Element::new("sysinfo").with("type", "smbios");
    for group in ["bios", "system", "baseBoard", "chassis", "oemStrings"] {
        let entries = hvm.smbios.iter().filter_map(|Smbios { key, value, rest: _ }| {
            let (of, name) = libvirt::smbios_place((*key)?)?;
            let entry = Element::of("entry", value.as_ref()?);
            (of == group).then(|| if name.is_empty() { entry } else { entry.with("name", name) })
        });
        let group = Element::new(group).around(entries);
        sysinfo.children.extend(Some(group).filter(|group| !group.is_empty()));
    }
    sysinfo
}

fn features(b_info: &BuildInfo, kind: GuestKind, hap: Option<Defbool>, passthrough: Passthrough) -> Element {
    let mut features = Element::new("features");
    let switch = |name, on: Defbool| Element::new(name).with("state", on_off(on.is_true()));
    let hvm = b_info.hvm.as_ref().filter(|_| kind == GuestKind::Hvm);
    if let Some(hvm) = hvm {
        // libxl gives a guest all three unless told otherwise.
        let all = [("acpi", b_info.acpi), ("apic", b_info.apic), ("pae", hvm.pae)];
        let on = all.into_iter().filter(|(_, on)| *on != Some(Defbool::False));
        features = features.around(on.map(|(name, _)| Element::new(name)));
    }
    features = features.around(hap.map(|hap| switch("hap", hap)));
    if let Some(hvm) = hvm {
        if hvm.viridian == Some(Defbool::True) {
            features = features.around([Element::new("viridian")]);
        }
        features = features.around(hyperv(&hvm.viridian_enable));
    }
    let mut xen = Element::new("xen");
    if let Some(Pv { e820_host, .. }) = b_info.pv.as_ref().filter(|_| kind == GuestKind::Pv) {
        xen = xen.around(e820_host.map(|on| switch("e820_host", on)));
    }
    let state = Element::new("passthrough");
    let state = match passthrough {
        Passthrough::Default => None,
        Passthrough::Disabled => Some(state.with("state", "off")),
        Passthrough::Enabled => Some(state.with("state", "on")),
        Passthrough::SyncPt | Passthrough::SharePt => {
            Some(state.with("state", "on").maybe("mode", word_of(PASSTHROUGH_MODES, &passthrough)))
        }
    };
    let xen = xen.around(state);
    features.around(Some(xen).filter(|xen| !xen.is_empty()))
}

/// `<hyperv>`, where its features make up the groups.
fn hyperv(groups: &[u32]) -> Option<Element> {
    let has = |group: &Viridian| groups.contains(&group.number());
    let all = libvirt::HYPERV.iter().filter(|(_, needed)| needed.iter().all(has));
    // relaxed and vpindex are the base group alone.
    let all: Vec<_> = all.filter(|(name, _)| *name != "vpindex").collect();
    let covered = |group: &u32| all.iter().any(|(_, groups)| groups.iter().any(|one| one.number() == *group));
    let features = all.iter().map(|(name, _)| Element::new(name).with("state", "on"));
    (!groups.is_empty() && groups.iter().all(covered)).then(|| Element::new("hyperv").around(features))
}
