//! Constants that the headers have only as macros, and names for those that have none in C.

use std::ffi::c_ulong;

use crate::bindings::*;

/// The release of Xen that the bindings were made for, as `(4, 17)`.
pub const XEN_VERSION: (u32, u32) = (number(env!("XEN_SYS_MAJOR")), number(env!("XEN_SYS_MINOR")));

/// The type code of the record that ends an HVM context.
pub const HVM_SAVE_CODE_END: u16 = 0;
/// The type code of the first record of an HVM context, [`hvm_save_header`].
pub const HVM_SAVE_CODE_HEADER: u16 = 1;
/// The type code of a virtual CPU's record, [`hvm_hw_cpu`].
pub const HVM_SAVE_CODE_CPU: u16 = 2;
/// The type code of the real-time clock's record, [`hvm_hw_rtc`].
pub const HVM_SAVE_CODE_RTC: u16 = 11;

/// Domains have numbers below this one.
pub const DOMID_FIRST_RESERVED: u32 = 0x7ff0;

/// All events, for [`libxl_event_wait`] and [`libxl_event_check`].
pub const LIBXL_EVENTMASK_ALL: c_ulong = c_ulong::MAX;

/// `libxl_event.u`: what depends on the event's type.
pub type LibxlEventDetail = libxl_event__bindgen_ty_1;
/// `libxl_domain_build_info.u`: what depends on the domain's type.
pub type LibxlBuildInfoDetail = libxl_domain_build_info__bindgen_ty_1;
/// `libxl_domain_build_info.u.hvm`.
pub type LibxlBuildInfoHvm = libxl_domain_build_info__bindgen_ty_1__bindgen_ty_1;

// C's own values.
const _: () = {
    assert!(HVM_SAVE_CODE_END as u32 == xen_sys_hvm_save_code::XEN_SYS_HVM_SAVE_END.0);
    assert!(HVM_SAVE_CODE_HEADER as u32 == xen_sys_hvm_save_code::XEN_SYS_HVM_SAVE_HEADER.0);
    assert!(HVM_SAVE_CODE_CPU as u32 == xen_sys_hvm_save_code::XEN_SYS_HVM_SAVE_CPU.0);
    assert!(HVM_SAVE_CODE_RTC as u32 == xen_sys_hvm_save_code::XEN_SYS_HVM_SAVE_RTC.0);
    assert!(DOMID_FIRST_RESERVED == xen_sys_domid::XEN_SYS_DOMID_FIRST_RESERVED.0);
};

// The positional names stand for what the aliases say: these fields are in no other.
const _: () = {
    assert!(std::mem::offset_of!(LibxlEventDetail, domain_shutdown) == 0);
    assert!(std::mem::offset_of!(LibxlBuildInfoDetail, hvm) == 0);
    assert!(std::mem::offset_of!(LibxlBuildInfoHvm, timeoffset) > 0);
};

const fn number(text: &str) -> u32 {
    let digits = text.as_bytes();
    let mut value = 0;
    let mut at = 0;
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    value
}
