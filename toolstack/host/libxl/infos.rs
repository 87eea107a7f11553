//! The data for listing domains: libxl's list, CPU pools and NUMA nodes.

use std::mem::MaybeUninit;

use timers::GuestKind;
use uuid::Uuid;
use xen_sys::{libxl_bitmap, libxl_domain_type, libxl_dominfo, libxl_error as Code};

use super::domains::reason;
use super::{Libxl, error, strings};
use crate::host::{DomId, DomainFlags, DomainInfo, DomainSummary, Placement, Result, RunState};

/// `libxl_list_domain`'s answer, which is libxl's.
struct List {
    infos: *mut libxl_dominfo,
    count: usize,
}

impl List {
    fn infos(&self) -> &[libxl_dominfo] {
        // SAFETY: libxl has filled so many of them.
        unsafe { std::slice::from_raw_parts(self.infos, self.count) }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is libxl's own, and of that length.
        unsafe { xen_sys::libxl_dominfo_list_free(self.infos, self.count as _) };
    }
}

/// Bits of libxl's, which may be none yet.
struct Bitmap(libxl_bitmap);

impl Bitmap {
    fn new() -> Self {
        let mut bitmap = MaybeUninit::<libxl_bitmap>::uninit();
        // SAFETY: libxl_bitmap_init fills the whole structure.
        Bitmap(unsafe {
            xen_sys::libxl_bitmap_init(bitmap.as_mut_ptr());
            bitmap.assume_init()
        })
    }
}

impl Drop for Bitmap {
    fn drop(&mut self) {
        // SAFETY: the structure is filled, and what it holds is libxl's.
        unsafe { xen_sys::libxl_bitmap_dispose(&mut self.0) };
    }
}

impl Libxl {
    pub(super) fn list_infos(&self, doing: &str) -> Result<Vec<DomainInfo>> {
        self.log.take();
        let mut count = 0;
        // SAFETY: the context is open, and libxl writes the length.
        let infos = unsafe { xen_sys::libxl_list_domain(self.ctx.ptr(), &mut count) };
        if infos.is_null() {
            // That is all it says by its answer.
            return Err(error::of_libxl(doing, Code::ERROR_FAIL.0, &self.log.take()));
        }
        let list = List { infos, count: usize::try_from(count).unwrap_or(0) };
        Ok(list.infos().iter().map(|info| self.info(info)).collect())
    }

    fn info(&self, info: &libxl_dominfo) -> DomainInfo {
        let shutdown = info.shutdown.then(|| reason(info.shutdown_reason.0 as _));
        let state = match shutdown {
            _ if info.dying => RunState::Dying,
            Some(reason) => RunState::Shutdown(reason),
            None if info.paused => RunState::Paused,
            None => RunState::Running,
        };
        let kind = match info.domain_type {
            libxl_domain_type::LIBXL_DOMAIN_TYPE_HVM => GuestKind::Hvm,
            libxl_domain_type::LIBXL_DOMAIN_TYPE_PVH => GuestKind::Pvh,
            _ => GuestKind::Pv,
        };
        let summary = DomainSummary {
            domid: DomId(info.domid),
            name: self.name(info.domid),
            uuid: Uuid::from_bytes(info.uuid.uuid),
            kind,
            state,
            has_run: info.cpu_time > 0,
            memory_kb: info.current_memkb,
            vcpus: info.vcpu_online,
        };
        let flags = DomainFlags {
            running: info.running,
            blocked: info.blocked,
            paused: info.paused,
            shutdown,
            dying: info.dying,
        };
        // SAFETY: the label is null or a string of libxl's.
        let security_label = unsafe { strings::copied(info.ssid_label) };
        DomainInfo {
            summary,
            flags,
            cpu_time_ns: info.cpu_time,
            outstanding_kb: info.outstanding_memkb,
            security_label,
        }
    }

    pub(super) fn read_placement(&self, domid: DomId, doing: &str) -> Result<Placement> {
        let pool = self.cpupool_of(domid, doing)?;
        // SAFETY: the context is open; the answer is null or a string that libxl has allocated for us.
        let name = unsafe { strings::taken(xen_sys::libxl_cpupoolid_to_name(self.ctx.ptr(), pool)) };
        let count = self.physinfo(doing, |info| info.nr_nodes)?;
        let mut nodes = Bitmap::new();
        // SAFETY: the context is open, and the bitmap is libxl's.
        self.libxl(doing, |ctx| unsafe { xen_sys::libxl_node_bitmap_alloc(ctx, &mut nodes.0, 0) })?;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the bitmap is libxl's.
            unsafe { xen_sys::libxl_domain_get_nodeaffinity(ctx, domid.0, &mut nodes.0) }
        })?;
        // SAFETY: the bitmap is libxl's, which answers 0 for a bit beyond its end.
        let is_set = |node| unsafe { xen_sys::libxl_bitmap_test(&nodes.0, node) != 0 };
        let nodes = (0..count).map(|node| is_set(node as _)).collect();
        Ok(Placement { cpupool: name.unwrap_or_default(), nodes })
    }

    fn cpupool_of(&self, domid: DomId, doing: &str) -> Result<u32> {
        let mut info = MaybeUninit::<libxl_dominfo>::uninit();
        // SAFETY: libxl_dominfo_init fills the whole structure.
        let mut info = unsafe {
            xen_sys::libxl_dominfo_init(info.as_mut_ptr());
            info.assume_init()
        };
        // SAFETY: the context is open, and the structure is filled.
        let read = self.libxl(doing, |ctx| unsafe { xen_sys::libxl_domain_info(ctx, &mut info, domid.0) });
        let pool = info.cpupool;
        // SAFETY: the structure is filled, and what it holds is libxl's.
        unsafe { xen_sys::libxl_dominfo_dispose(&mut info) };
        read.map(|()| pool)
    }
}
