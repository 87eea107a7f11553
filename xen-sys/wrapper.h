/* What the bindings are made from.  The names that are taken out of it stand in
 * build/allow.rs. */

/* The newest interface that libxl has in common from Xen 4.14 on. */
#define LIBXL_API_VERSION 0x041400

#include <stdio.h>
#include <stdlib.h>

#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <libxlutil.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <xentoollog.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>

/* HVM_SAVE_CODE gives the code of a save record out of an array's length: here
 * the compiler has worked it out. */
enum xen_sys_hvm_save_code {
    XEN_SYS_HVM_SAVE_END = HVM_SAVE_CODE(END),
    XEN_SYS_HVM_SAVE_HEADER = HVM_SAVE_CODE(HEADER),
    XEN_SYS_HVM_SAVE_CPU = HVM_SAVE_CODE(CPU),
    XEN_SYS_HVM_SAVE_RTC = HVM_SAVE_CODE(RTC),
};

/* A macro with a cast in it. */
enum xen_sys_domid {
    XEN_SYS_DOMID_FIRST_RESERVED = DOMID_FIRST_RESERVED,
};

#ifdef XEN_SYS_FAKE
#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xencall.h>
#include <xendevicemodel.h>
#include <xenforeignmemory.h>
#endif
