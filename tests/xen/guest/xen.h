/* The guest's ties to Xen: xen-hvm.c for HVM and PVH, xen-pv.c for PV. */
#ifndef PROBE_XEN_H
#define PROBE_XEN_H

#include <stdint.h>
#include <xen/xen.h>
#include "mailbox.h"

/* Whether there may be an RTC and a PIT to ask by their ports. */
extern const int xen_has_ports;

/* Valid after xen_setup. */
extern volatile struct mailbox *mailbox;
extern volatile struct shared_info *shared_info;
extern uint32_t xen_cpuid_base;

void xen_setup(const void *start_info);

/* Has a second vCPU run this, where the domain has one. */
void xen_start_second(void (*entry)(void));

long hypercall(unsigned number, long first, void *second);

#endif
