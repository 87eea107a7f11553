//! `libxl_domain_build_info`: how a domain is built, for any kind of guest.

use timers::GuestKind;

use super::Section::{Boot, Clock, Cpus, General, Model, Passthrough, Screen, Xen};
use super::Writer;
use crate::domain::Defbool;
use crate::domain::config::{
    Altp2m, ArchArm, ArchX86, ArmSci, ArmSciType, BuildInfo, DomainConfig, GicVersion, Hvm, Pv, Pvh, Sve,
    Tee, XenstoreQuota, XenstoreQuotas,
};
use crate::write::ranges;
use crate::write::value::Value;

impl Writer {
    pub(super) fn build_info(&mut self, b_info: &BuildInfo, config: &DomainConfig, has_pci: bool) {
        let BuildInfo {
            max_vcpus,
            avail_vcpus,
            cpumap,
            nodemap,
            vcpu_hard_affinity,
            vcpu_soft_affinity,
            numa_placement,
            tsc_mode,
            max_memkb,
            target_memkb,
            video_memkb,
            shadow_memkb,
            iommu_memkb,
            rtc_timeoffset,
            exec_ssidref,
            exec_ssid_label,
            localtime,
            disable_migrate,
            cpuid,
            blkdev_start,
            vnuma_nodes,
            max_grant_frames,
            max_maptrack_frames,
            max_grant_version,
            device_model_version,
            device_model_stubdomain,
            stubdomain_memkb,
            stubdomain_kernel,
            stubdomain_cmdline,
            stubdomain_ramdisk,
            device_model,
            device_model_ssidref,
            device_model_ssid_label,
            device_model_user,
            extra,
            extra_pv,
            extra_hvm,
            sched_params,
            ioports,
            irqs,
            iomem,
            llc_colors,
            claim_mode,
            event_channels,
            kernel,
            cmdline,
            ramdisk,
            device_tree,
            acpi,
            bootloader,
            bootloader_args,
            bootloader_restrict,
            bootloader_user,
            timer_mode,
            nested_hvm,
            apic,
            dm_restrict,
            tee,
            hvm,
            pv,
            pvh,
            arch_arm,
            arch_x86,
            altp2m,
            altp2m_count,
            vmtrace_buf_kb,
            vpmu,
            trap_unmapped_accesses,
            xenstore_feature_mask,
            xenstore_quota,
            rest,
        } = b_info;
        let kind = config.kind();
        let old_hvm = hvm.as_ref().filter(|_| kind == GuestKind::Hvm);
        let old_pv = pv.as_ref().filter(|_| kind == GuestKind::Pv);

        self.memory(General, "memory", "b_info.target_memkb", *target_memkb);
        match (max_memkb, target_memkb) {
            (None, Some(_)) => {
                self.nearest("b_info.max_memkb", "without maxmem, xl uses memory as the maximum")
            }
            (max, target) if max == target => {}
            (max, _) => self.memory(General, "maxmem", "b_info.max_memkb", *max),
        }
        self.memory(General, "shadow_memory", "b_info.shadow_memkb", *shadow_memkb);
        self.no_key("b_info.iommu_memkb", iommu_memkb.is_some());
        self.vcpus(*max_vcpus, avail_vcpus);
        self.limit("max_grant_frames", *max_grant_frames);
        self.limit("max_maptrack_frames", *max_maptrack_frames);
        self.limit("max_grant_version", *max_grant_version);
        self.number(General, "max_event_channels", *event_channels);
        if *claim_mode != Some(Defbool::True) {
            self.same(
                "b_info.claim_mode",
                "claim_mode is a setting of xl.conf, and does not affect the guest",
            );
        }

        self.placement(
            [vcpu_hard_affinity, vcpu_soft_affinity],
            cpumap,
            vnuma_nodes,
            *max_vcpus,
            *numa_placement,
        );
        self.no_key("b_info.nodemap", !nodemap.is_empty());
        self.vnuma(vnuma_nodes, *numa_placement);
        self.sched_params(sched_params);
        self.cpuid(cpuid);
        let nested = self.moved("hvm.nested_hvm", *nested_hvm, old_hvm.and_then(|hvm| hvm.nested_hvm));
        self.flag(Cpus, "nestedhvm", nested);
        self.flag(Cpus, "vpmu", *vpmu);
        if *altp2m != Altp2m::Disabled {
            self.set(Cpus, "altp2m", altp2m.as_str());
        }
        match altp2m_count.map(u16::try_from) {
            Some(Err(_)) => self.lost("b_info.altp2m_count", "xl reads 16 bits"),
            count => self.maybe(Cpus, "altp2m_count", count.and_then(Result::ok).map(u32::from)),
        }
        if !llc_colors.is_empty() {
            self.set(
                Cpus,
                "llc_colors",
                Value::Line(ranges(llc_colors).into_iter().map(Value::Text).collect()),
            );
        }

        let kernel = self.moved("pv.kernel", kernel.as_ref(), old_pv.and_then(|pv| pv.kernel.as_ref()));
        self.kernel(kernel, kind);
        let ramdisk = self.moved("pv.ramdisk", ramdisk.as_ref(), old_pv.and_then(|pv| pv.ramdisk.as_ref()));
        self.text(Boot, "ramdisk", "b_info.ramdisk", ramdisk);
        let cmdline = self.moved("pv.cmdline", cmdline.as_ref(), old_pv.and_then(|pv| pv.cmdline.as_ref()));
        self.text(Boot, "cmdline", "b_info.cmdline", cmdline);
        self.text(Boot, "device_tree", "b_info.device_tree", device_tree.as_ref());
        let old = old_pv.and_then(|pv| pv.bootloader.as_ref());
        let bootloader = self.moved("pv.bootloader", bootloader.as_ref(), old);
        self.text(Boot, "bootloader", "b_info.bootloader", bootloader);
        let given = |args: &&Vec<String>| !args.is_empty();
        let old = old_pv.map(|pv| &pv.bootloader_args).filter(given);
        let args = self.moved("pv.bootloader_args", Some(bootloader_args).filter(given), old);
        self.texts(Boot, "bootloader_args", "b_info.bootloader_args", args.map_or(&[], |args| args));
        self.flag(Boot, "bootloader_restrict", *bootloader_restrict);
        self.text(Boot, "bootloader_user", "b_info.bootloader_user", bootloader_user.as_ref());
        let acpi = self.moved("hvm.acpi", *acpi, old_hvm.and_then(|hvm| hvm.acpi));
        self.flag(Boot, "acpi", acpi);
        let apic = self.moved("hvm.apic", *apic, old_hvm.and_then(|hvm| hvm.apic));
        match kind {
            GuestKind::Hvm => self.flag(Boot, "apic", apic),
            _ => self.lost_unless_hvm("b_info.apic", apic.is_some()),
        }
        self.flag(Boot, "nomigrate", *disable_migrate);
        self.no_key("b_info.blkdev_start", blkdev_start.is_some());

        if let Some(version) = device_model_version {
            self.word(Model, "device_model_version", &version.as_str().replace('_', "-"));
        }
        self.text(Model, "device_model_override", "b_info.device_model", device_model.as_ref());
        self.text(Model, "device_model_user", "b_info.device_model_user", device_model_user.as_ref());
        self.flag(Model, "dm_restrict", *dm_restrict);
        self.flag(Model, "device_model_stubdomain_override", *device_model_stubdomain);
        self.memory(Model, "stubdomain_memory", "b_info.stubdomain_memkb", *stubdomain_memkb);
        self.text(Model, "stubdomain_kernel", "b_info.stubdomain_kernel", stubdomain_kernel.as_ref());
        self.text(Model, "stubdomain_cmdline", "b_info.stubdomain_cmdline", stubdomain_cmdline.as_ref());
        self.text(Model, "stubdomain_ramdisk", "b_info.stubdomain_ramdisk", stubdomain_ramdisk.as_ref());
        self.texts(Model, "device_model_args", "b_info.extra", extra);
        self.texts(Model, "device_model_args_pv", "b_info.extra_pv", extra_pv);
        self.texts(Model, "device_model_args_hvm", "b_info.extra_hvm", extra_hvm);

        self.flag(Clock, "localtime", *localtime);
        self.number(Clock, "rtc_timeoffset", rtc_timeoffset.cast_signed());
        self.maybe(Clock, "tsc_mode", tsc_mode.map(timers::tsc::TscMode::as_str));
        let timer_mode = self.moved("hvm.timer_mode", *timer_mode, old_hvm.and_then(|hvm| hvm.timer_mode));
        match kind {
            GuestKind::Pv if timer_mode.is_some() => {
                self.lost("b_info.timer_mode", "xl refuses it for a PV guest")
            }
            _ => self.maybe(Clock, "timer_mode", timer_mode.map(timers::ticks::MissedTicks::as_str)),
        }

        self.memory(Screen, "videoram", "b_info.video_memkb", *video_memkb);
        self.ioports(ioports);
        if !irqs.is_empty() {
            self.set(Passthrough, "irqs", Value::Line(irqs.iter().map(|irq| Value::from(*irq)).collect()));
        }
        self.iomem(iomem);

        self.labels(config.c_info.ssid_label.as_ref(), exec_ssid_label.as_ref());
        self.label_number("b_info.exec_ssidref", *exec_ssidref, exec_ssid_label.is_some());
        self.text(
            Xen,
            "device_model_stubdomain_seclabel",
            "b_info.device_model_ssid_label",
            device_model_ssid_label.as_ref(),
        );
        self.label_number(
            "b_info.device_model_ssidref",
            *device_model_ssidref,
            device_model_ssid_label.is_some(),
        );
        self.number(Xen, "vmtrace_buf_kb", *vmtrace_buf_kb);
        self.flag(Xen, "trap_unmapped_accesses", *trap_unmapped_accesses);
        self.maybe(Xen, "xenstore_feature_mask", *xenstore_feature_mask);
        self.xenstore_quota(xenstore_quota.as_ref());

        if *tee != Tee::None {
            self.word(Cpus, "tee", tee.as_str());
        }
        self.arm(arch_arm);
        let ArchX86 { msr_relaxed, rest: x86_rest } = arch_x86;
        self.flag(Cpus, "msr_relaxed", *msr_relaxed);
        self.rest("b_info.arch_x86", x86_rest);
        self.kinds(kind, [hvm.is_some(), pv.is_some(), pvh.is_some()]);
        match kind {
            GuestKind::Hvm => self.hvm(hvm.as_ref().unwrap_or(&Hvm::default())),
            GuestKind::Pv => self.pv(pv.as_ref().unwrap_or(&Pv::default()), has_pci),
            GuestKind::Pvh => self.pvh(pvh.as_ref().unwrap_or(&Pvh::default())),
        }
        self.rest("b_info", rest);
    }

    /// A field that libxl once had elsewhere, and still reads there.
    fn moved<T>(&mut self, old_path: &str, new: Option<T>, old: Option<T>) -> Option<T> {
        let field = old_path.rsplit('.').next().unwrap_or_default();
        match (&new, &old) {
            (_, None) => {}
            (None, Some(_)) => {
                self.same(format!("b_info.type.{old_path}"), format!("a deprecated field for b_info.{field}"))
            }
            (Some(_), Some(_)) => {
                self.lost(format!("b_info.type.{old_path}"), format!("b_info.{field} is given as well"));
            }
        }
        new.or(old)
    }

    /// Hands back the settings of another kind of guest.
    fn kinds(&mut self, kind: GuestKind, there: [bool; 3]) {
        for (other, there) in [GuestKind::Hvm, GuestKind::Pv, GuestKind::Pvh].into_iter().zip(there) {
            if there && other != kind {
                let reason = format!("the guest is a {} guest", kind.as_str().to_uppercase());
                self.same(format!("b_info.type.{}", other.as_str()), reason);
            }
        }
    }

    pub(super) fn lost_unless_hvm(&mut self, path: &str, is_set: bool) {
        if is_set {
            self.lost(path, "xl accepts it only for an HVM guest");
        }
    }

    fn vcpus(&mut self, max: i32, online: &[u32]) {
        let count = online.len() as i64;
        if online.iter().zip(0..).any(|(vcpu, place)| *vcpu != place) {
            self.nearest(
                "b_info.avail_vcpus",
                format!("xl brings the first {count} vCPUs online, and no others"),
            );
        }
        if count > 0 {
            self.set(General, "vcpus", count);
        }
        if i64::from(max) != count {
            self.set(General, "maxvcpus", i64::from(max));
        }
    }

    /// A limit that xl takes up to 31 bits.
    fn limit(&mut self, key: &str, limit: Option<impl Into<i64>>) {
        match limit.map(Into::into) {
            Some(limit) if i32::try_from(limit).is_ok_and(|limit| limit >= 0) => {
                self.set(General, key, limit)
            }
            Some(_) => self.lost(format!("b_info.{key}"), "xl accepts 0 to 2147483647"),
            None => {}
        }
    }

    fn kernel(&mut self, kernel: Option<&String>, kind: GuestKind) {
        let is_loader = kernel.is_some_and(|path| path.rsplit('/').next() == Some("hvmloader"));
        if is_loader && kind == GuestKind::Hvm {
            return self.lost(
                "b_info.kernel",
                "xl assumes that a kernel named hvmloader is Xen's own, and ignores it",
            );
        }
        self.text(Boot, "kernel", "b_info.kernel", kernel);
    }

    /// XSM's labels: `init_seclabel` until the guest is built, `seclabel` from then on, or all the time.
    fn labels(&mut self, first: Option<&String>, then: Option<&String>) {
        match (first, then) {
            (Some(_), Some(_)) => {
                self.text(Xen, "init_seclabel", "c_info.ssid_label", first);
                self.text(Xen, "seclabel", "b_info.exec_ssid_label", then);
            }
            (Some(_), None) => self.text(Xen, "seclabel", "c_info.ssid_label", first),
            (None, Some(_)) => {
                self.lost(
                    "b_info.exec_ssid_label",
                    "xl accepts a label for after the build only with a label for the build",
                );
            }
            (None, None) => {}
        }
    }

    fn arm(&mut self, arch_arm: &ArchArm) {
        let ArchArm { gic_version, vuart, sve_vl, nr_spis, arm_sci, rest } = arch_arm;
        if *gic_version != GicVersion::Default {
            self.set(Cpus, "gic_version", gic_version.as_str());
        }
        self.maybe(Cpus, "vuart", vuart.map(|vuart| vuart.as_str()));
        if *sve_vl != Sve::Disabled {
            self.set(Cpus, "sve", sve_vl.as_str());
        }
        self.maybe(Cpus, "nr_spis", *nr_spis);
        if let Some(ArmSci { kind, rest }) = arm_sci {
            if *kind != ArmSciType::None {
                self.set(Cpus, "arm_sci", format!("type={}", kind.as_str()));
            }
            self.rest("b_info.arch_arm.arm_sci", rest);
        }
        self.rest("b_info.arch_arm", rest);
    }

    fn xenstore_quota(&mut self, quotas: Option<&XenstoreQuotas>) {
        let Some(XenstoreQuotas { quota, rest }) = quotas else { return };
        let mut entries = Vec::new();
        for (index, XenstoreQuota { name, val, rest }) in quota.iter().enumerate() {
            let path = format!("b_info.xenstore_quota.quota[{index}]");
            match name.as_deref().filter(|name| !name.contains(['=', '\0'])) {
                Some(name) => entries.push(format!("{name}={val}")),
                None => self.lost(format!("{path}.name"), "xl accepts only a name without an equals sign"),
            }
            self.rest(&path, rest);
        }
        self.texts(Xen, "xenstore_quota", "b_info.xenstore_quota", &entries);
        self.rest("b_info.xenstore_quota", rest);
    }

    fn pv(&mut self, pv: &Pv, has_pci: bool) {
        // An old place of what is written above.
        let Pv {
            kernel: _,
            slack_memkb,
            bootloader: _,
            bootloader_args: _,
            cmdline: _,
            ramdisk: _,
            e820_host,
            rest,
        } = pv;
        self.no_key("b_info.type.pv.slack_memkb", slack_memkb.is_some());
        match e820_host {
            // xl sets it by itself.
            Some(Defbool::True) if has_pci => {}
            Some(Defbool::False) if has_pci => {
                let reason = "xl gives a PV guest with PCI devices the host's memory map in any case";
                self.nearest("b_info.type.pv.e820_host", reason);
            }
            None if has_pci => {
                let reason = "xl gives a PV guest with PCI devices the host's memory map";
                self.nearest("b_info.type.pv.e820_host", reason);
            }
            e820_host => self.flag(Boot, "e820_host", *e820_host),
        }
        self.rest("b_info.type.pv", rest);
    }

    fn pvh(&mut self, pvh: &Pvh) {
        let Pvh { pvshim, pvshim_path, pvshim_cmdline, pvshim_extra, rest } = pvh;
        self.flag(Boot, "pvshim", *pvshim);
        self.text(Boot, "pvshim_path", "b_info.type.pvh.pvshim_path", pvshim_path.as_ref());
        self.text(Boot, "pvshim_cmdline", "b_info.type.pvh.pvshim_cmdline", pvshim_cmdline.as_ref());
        self.text(Boot, "pvshim_extra", "b_info.type.pvh.pvshim_extra", pvshim_extra.as_ref());
        self.rest("b_info.type.pvh", rest);
    }
}
