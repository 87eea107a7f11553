//! Compares the bindings with what the C compiler makes of the same headers:
//! sizes, offsets and values. Says so and passes where there is no C compiler.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use xen_sys::*;

/// The comparisons: each C expression with Rust's value of it.
struct Probes(Vec<(String, i64)>);

macro_rules! sizes {
    ($probes:ident, $($c:literal = $rust:ty),+ $(,)?) => {
        $($probes.0.push((concat!("sizeof(", $c, ")").to_owned(), size_of::<$rust>() as i64));)+
    };
}

macro_rules! offsets {
    ($probes:ident, $c:literal = $rust:ty: $($($field:ident).+),+ $(,)?) => {
        $($probes.0.push((
            // `type` is a keyword: bindgen calls it `type_`.
            format!("offsetof({}, {})", $c, stringify!($($field).+).replace(' ', "").replace("type_", "type")),
            offset_of!($rust, $($field).+) as i64,
        ));)+
    };
}

macro_rules! constants {
    ($probes:ident, $($name:ident),+ $(,)?) => {
        $($probes.0.push((stringify!($name).to_owned(), $name as i64));)+
    };
}

macro_rules! enumerators {
    ($probes:ident, $rust:ident: $($name:ident),+ $(,)?) => {
        $($probes.0.push((stringify!($name).to_owned(), i64::from($rust::$name.0)));)+
    };
}

fn structures(p: &mut Probes) {
    sizes!(
        p,
        "libxl_domain_config" = libxl_domain_config,
        "libxl_domain_create_info" = libxl_domain_create_info,
        "libxl_domain_build_info" = libxl_domain_build_info,
        "libxl_domain_restore_params" = libxl_domain_restore_params,
        "libxl_childproc_hooks" = libxl_childproc_hooks,
        "libxl_asyncop_how" = libxl_asyncop_how,
        "libxl_defbool" = libxl_defbool,
        "libxl_dominfo" = libxl_dominfo,
        "libxl_physinfo" = libxl_physinfo,
        "libxl_version_info" = libxl_version_info,
        "libxl_event" = libxl_event,
        "libxl_uuid" = libxl_uuid,
        "libxl_device_disk" = libxl_device_disk,
        "libxl_vnc_info" = libxl_vnc_info,
        "xentoollog_logger" = xentoollog_logger,
        "xc_domaininfo_t" = xc_domaininfo_t,
        "struct hvm_save_descriptor" = hvm_save_descriptor,
        "struct hvm_save_header" = hvm_save_header,
        "struct hvm_hw_cpu" = hvm_hw_cpu,
        "struct hvm_hw_rtc" = hvm_hw_rtc,
    );
    offsets!(p, "libxl_domain_config" = libxl_domain_config: c_info, b_info, num_disks, on_reboot, on_crash);
    offsets!(p, "libxl_domain_create_info" = libxl_domain_create_info: type_, name, uuid);
    offsets!(p, "libxl_domain_build_info" = libxl_domain_build_info:
        tsc_mode, rtc_timeoffset, localtime, timer_mode, disable_migrate, type_, u, u.hvm.timeoffset,
        u.hvm.hpet, u.hvm.vpt_align, u.hvm.viridian, u.hvm.timer_mode);
    offsets!(p, "libxl_dominfo" = libxl_dominfo: uuid, domid, running, paused, shutdown, dying, shutdown_reason, domain_type);
    offsets!(p, "libxl_physinfo" = libxl_physinfo: cpu_khz, nr_cpus, cap_hvm);
    offsets!(p, "libxl_version_info" = libxl_version_info: xen_version_major, xen_version_minor, capabilities, commandline);
    offsets!(p, "libxl_event" = libxl_event: domid, domuuid, for_user, type_, u, u.domain_shutdown.shutdown_reason, u.operation_complete.rc);
    offsets!(p, "libxl_childproc_hooks" = libxl_childproc_hooks: chldowner, fork_replacement, reaped_callback);
    offsets!(p, "xc_domaininfo_t" = xc_domaininfo_t: domain, flags, cpu_time, shared_info_frame, handle);
    offsets!(p, "xentoollog_logger" = xentoollog_logger: vmessage, progress, destroy);
    offsets!(p, "struct hvm_save_descriptor" = hvm_save_descriptor: typecode, instance, length);
    offsets!(p, "struct hvm_save_header" = hvm_save_header: magic, version, changeset, cpuid, gtsc_khz);
    offsets!(p, "struct hvm_hw_cpu" = hvm_hw_cpu: tsc, msr_tsc_aux);
    offsets!(p, "struct hvm_hw_rtc" = hvm_hw_rtc: cmos_data, cmos_index, rtc_offset);
}

fn values(p: &mut Probes) {
    constants!(
        p,
        HVM_PARAM_VIRIDIAN,
        HVM_PARAM_TIMER_MODE,
        HVM_PARAM_HPET_ENABLED,
        HVM_PARAM_VPT_ALIGN,
        HVMPTM_one_missed_tick_pending,
        HVM_FILE_MAGIC,
        DOMID_FIRST_RESERVED,
        XEN_DOMINF_paused,
        XEN_DOMINF_shutdownshift,
        XENVER_capabilities,
        XS_OPEN_READONLY,
        SHUTDOWN_reboot,
        LIBXL_VERSION,
        LIBXL_SUSPEND_LIVE,
        LIBXL_EVENTMASK_ALL,
    );
    for (c, rust) in [
        ("HVM_SAVE_CODE(END)", HVM_SAVE_CODE_END),
        ("HVM_SAVE_CODE(HEADER)", HVM_SAVE_CODE_HEADER),
        ("HVM_SAVE_CODE(CPU)", HVM_SAVE_CODE_CPU),
        ("HVM_SAVE_CODE(RTC)", HVM_SAVE_CODE_RTC),
    ] {
        p.0.push((c.to_owned(), i64::from(rust)));
    }
    enumerators!(p, libxl_tsc_mode:
        LIBXL_TSC_MODE_DEFAULT, LIBXL_TSC_MODE_ALWAYS_EMULATE, LIBXL_TSC_MODE_NATIVE, LIBXL_TSC_MODE_NATIVE_PARAVIRT);
    enumerators!(p, libxl_timer_mode:
        LIBXL_TIMER_MODE_UNKNOWN, LIBXL_TIMER_MODE_DELAY_FOR_MISSED_TICKS, LIBXL_TIMER_MODE_ONE_MISSED_TICK_PENDING);
    enumerators!(p, libxl_domain_type: LIBXL_DOMAIN_TYPE_INVALID, LIBXL_DOMAIN_TYPE_HVM, LIBXL_DOMAIN_TYPE_PV, LIBXL_DOMAIN_TYPE_PVH);
    enumerators!(p, libxl_error: ERROR_NONSPECIFIC, ERROR_FAIL, ERROR_INVAL, ERROR_DOMAIN_NOTFOUND, ERROR_FEATURE_REMOVED);
    enumerators!(p, libxl_shutdown_reason:
        LIBXL_SHUTDOWN_REASON_UNKNOWN, LIBXL_SHUTDOWN_REASON_REBOOT, LIBXL_SHUTDOWN_REASON_SUSPEND, LIBXL_SHUTDOWN_REASON_SOFT_RESET);
    enumerators!(p, libxl_event_type: LIBXL_EVENT_TYPE_DOMAIN_SHUTDOWN, LIBXL_EVENT_TYPE_DOMAIN_DEATH, LIBXL_EVENT_TYPE_OPERATION_COMPLETE);
    enumerators!(p, libxl_sigchld_owner: libxl_sigchld_owner_libxl, libxl_sigchld_owner_libxl_always_selective_reap);
    enumerators!(p, xentoollog_level: XTL_DEBUG, XTL_WARN, XTL_ERROR);
    enumerators!(p, XLU_ConfigValueType: XLU_STRING, XLU_LIST);
    enumerators!(p, xs_watch_type: XS_WATCH_PATH, XS_WATCH_TOKEN);
    enumerators!(p, xc_open_flags: XC_OPENFLAG_DUMMY);
}

#[cfg(feature = "fake")]
fn hypercalls(p: &mut Probes) {
    sizes!(
        p,
        "struct xen_domctl" = xen_domctl,
        "struct xen_sysctl" = xen_sysctl,
        "struct xen_domctl_tsc_info" = xen_domctl_tsc_info,
        "struct xen_domctl_settimeoffset" = xen_domctl_settimeoffset,
        "struct xen_domctl_hvmcontext" = xen_domctl_hvmcontext,
        "struct xen_domctl_hvmcontext_partial" = xen_domctl_hvmcontext_partial,
        "struct xen_sysctl_physinfo" = xen_sysctl_physinfo,
        "struct xen_sysctl_getdomaininfolist" = xen_sysctl_getdomaininfolist,
        "struct xen_hvm_param" = xen_hvm_param,
        "struct xen_compile_info" = xen_compile_info,
        "struct sched_remote_shutdown" = sched_remote_shutdown,
    );
    offsets!(p, "struct xen_domctl" = xen_domctl:
        cmd, interface_version, domain, u, u.tsc_info.gtsc_khz, u.tsc_info.elapsed_nsec, u.tsc_info.incarnation,
        u.settimeoffset.time_offset_seconds, u.hvmcontext.buffer, u.hvmcontext_partial.instance);
    offsets!(p, "struct xen_sysctl" = xen_sysctl: cmd, u, u.physinfo.cpu_khz, u.getdomaininfolist.buffer);
    constants!(
        p,
        __HYPERVISOR_domctl,
        __HYPERVISOR_sysctl,
        __HYPERVISOR_hvm_op,
        XEN_DOMCTL_settscinfo,
        XEN_DOMCTL_gettscinfo,
        XEN_DOMCTL_settimeoffset,
        XEN_DOMCTL_gethvmcontext_partial,
        XEN_SYSCTL_getdomaininfolist,
        XEN_SYSCTL_INTERFACE_VERSION,
        HVMOP_set_param,
        SCHEDOP_remote_shutdown,
    );
}

#[cfg(not(feature = "fake"))]
fn hypercalls(_: &mut Probes) {}

fn program(probes: &Probes) -> String {
    let mut c = String::from(
        "#define LIBXL_API_VERSION 0x041400\n#include <stddef.h>\n#include <stdio.h>\n#include <libxl.h>\n\
         #include <libxl_utils.h>\n#include <libxlutil.h>\n#include <xenctrl.h>\n#include <xenstore.h>\n\
         #include <xen/hvm/hvm_op.h>\n#include <xen/hvm/params.h>\n#include <xen/hvm/save.h>\n\
         #include <xen/sched.h>\n#include <xen/version.h>\nint main(void)\n{\n",
    );
    for (expression, _) in &probes.0 {
        writeln!(c, "    printf(\"{expression}\\t%lld\\n\", (long long)({expression}));")
            .expect("a string takes all");
    }
    c.push_str("    return 0;\n}\n");
    c
}

/// Compiles and runs the C program, or tells why that cannot be.
fn run(c: &str, folder: &Path) -> Result<String, String> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if let Err(e) = Command::new(&compiler).arg("--version").output() {
        return Err(format!("no C compiler: {}: {e}", compiler.display()));
    }
    let (source, binary) = (folder.join("probe.c"), folder.join("probe"));
    std::fs::write(&source, c).expect("the test's folder can be written");
    let built = Command::new(&compiler)
        .arg(format!("-I{}", env!("XEN_SYS_INCLUDE")))
        .args([source.as_os_str(), "-o".as_ref(), binary.as_os_str()])
        .output()
        .expect("the compiler runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let ran = Command::new(&binary).output().expect("the probe runs");
    assert!(ran.status.success());
    Ok(String::from_utf8(ran.stdout).expect("the probe prints text"))
}

#[test]
fn as_the_c_compiler_has_it() {
    let mut probes = Probes(Vec::new());
    structures(&mut probes);
    values(&mut probes);
    hypercalls(&mut probes);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("abi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the test's folder can be made");
    let text = match run(&program(&probes), &folder) {
        Ok(text) => text,
        Err(reason) => return xentest::skip(&reason, "apt-get install gcc libxen-dev"),
    };
    std::fs::remove_dir_all(&folder).expect("the test's folder can be removed");
    let c: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, value)| (name, value.parse::<i64>().expect("the probe prints numbers")))
        .collect();
    let wrong: Vec<_> = probes.0.iter().filter(|(name, rust)| c.get(name.as_str()) != Some(rust)).collect();
    assert!(
        wrong.is_empty(),
        "C has {:?}, Rust {wrong:?}",
        wrong.iter().map(|(n, _)| c.get(n.as_str())).collect::<Vec<_>>()
    );
    assert!(probes.0.len() > 100, "{} probes", probes.0.len());
}
