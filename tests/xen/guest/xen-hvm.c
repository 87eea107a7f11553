/* An HVM or PVH guest in 32-bit protected mode without paging. */
#include "xen.h"
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/vcpu.h>
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

static long vcpu_op(unsigned command, unsigned vcpu, void *argument)
{
    long result;
    __asm__ volatile("call *%4"
                     : "=a"(result), "+b"(command), "+c"(vcpu), "+d"(argument)
                     : "r"(hypercall_page + __HYPERVISOR_vcpu_op * 32)
                     : "memory", "esi", "edi");
    return result;
}

/* It begins as this one did: flat segments, no paging. */
void xen_start_second(void (*entry)(void))
{
    static uint8_t stack[4096] __attribute__((aligned(16)));
    static struct vcpu_hvm_context context = { .mode = VCPU_HVM_MODE_32B };
    struct vcpu_hvm_x86_32 *cpu = &context.cpu_regs.x86_32;

    cpu->eip = (uint32_t)entry;
    cpu->esp = (uint32_t)(stack + sizeof stack - 16);
    cpu->eflags = 2;
    cpu->cr0 = 0x11;
    cpu->cs_limit = cpu->ds_limit = cpu->ss_limit = cpu->es_limit = ~0u;
    cpu->tr_limit = 0x67;
    cpu->cs_ar = 0xc9b;
    cpu->ds_ar = cpu->ss_ar = cpu->es_ar = 0xc93;
    cpu->tr_ar = 0x8b;
    if (!vcpu_op(VCPUOP_initialise, 1, &context))
        vcpu_op(VCPUOP_up, 1, 0);
}
