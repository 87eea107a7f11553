/* An HVM or PVH guest in 32-bit protected mode without paging. */
#include "xen.h"
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include "cpu.h"

extern uint8_t hypercall_page[], shared_page[];

const int xen_has_ports = 1;
volatile struct mailbox *mailbox;
volatile struct shared_info *shared_info = (void *)shared_page;
uint32_t xen_cpuid_base;

long hypercall(unsigned number, long first, void *second)
{
    long result;
    __asm__ volatile("call *%3"
                     : "=a"(result), "+b"(first), "+c"(second)
                     : "r"(hypercall_page + number * 32)
                     : "memory", "edx", "esi", "edi");
    return result;
}

/* Under viridian Xen's leaves begin at 0x40000100. */
static void find_xen(void)
{
    uint32_t regs[4];
    for (xen_cpuid_base = 0x40000000; xen_cpuid_base < 0x40010000; xen_cpuid_base += 0x100) {
        cpuid(xen_cpuid_base, 0, regs);
        if (regs[1] == 0x566e6558 && regs[2] == 0x65584d4d && regs[3] == 0x4d4d566e)
            break;
    }
    cpuid(xen_cpuid_base + 2, 0, regs);
    __asm__ volatile("wrmsr" : : "c"(regs[1]), "a"((uint32_t)hypercall_page), "d"(0));
}

void xen_setup(const void *start_info)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = (uint32_t)shared_page >> 12,
    };
    struct xen_hvm_param console = { .domid = DOMID_SELF, .index = HVM_PARAM_CONSOLE_PFN };

    (void)start_info;
    find_xen();
    hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map);
    hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &console);
    mailbox = (void *)(((uint32_t)console.value << 12) + MAILBOX_OFFSET);
}
