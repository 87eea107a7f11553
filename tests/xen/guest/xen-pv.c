/* A PV guest in 64-bit mode, on the page tables that the domain builder made:
 * virtual addresses are those of the pseudo-physical memory. */
#include "xen.h"
#include "cpu.h"

extern uint8_t hypercall_page[], shared_page[];

/* Frame numbers in a page. */
#define PAGE_ENTRIES 512UL

const int xen_has_ports = 0;
volatile struct mailbox *mailbox;
volatile struct shared_info *shared_info = (void *)shared_page;
uint32_t xen_cpuid_base = 0x40000000;

static long hypercall3(unsigned number, long first, long second, long third)
{
    long result;
    __asm__ volatile("call *%4"
                     : "=a"(result), "+D"(first), "+S"(second), "+d"(third)
                     : "r"(hypercall_page + number * 32)
                     : "memory", "rcx", "r8", "r9", "r10", "r11");
    return result;
}

long hypercall(unsigned number, long first, void *second)
{
    return hypercall3(number, first, (long)second, 0);
}

/* Of a guest that does not say where its memory is, libxl dumps no core. */
static unsigned long memory_frames[PAGE_ENTRIES] __attribute__((aligned(4096)));
static unsigned long memory_frame_lists[PAGE_ENTRIES] __attribute__((aligned(4096)));

static void say_where_memory_is(const struct start_info *start)
{
    const unsigned long *frames = (void *)start->mfn_list;
    unsigned long first = start->mfn_list >> 12;
    unsigned long pages = (start->nr_pages + PAGE_ENTRIES - 1) / PAGE_ENTRIES;

    for (unsigned long page = 0; page < pages && page < PAGE_ENTRIES; page++)
        memory_frames[page] = frames[first + page];
    memory_frame_lists[0] = frames[(unsigned long)memory_frames >> 12];
    shared_info->arch.pfn_to_mfn_frame_list_list = frames[(unsigned long)memory_frame_lists >> 12];
    shared_info->arch.max_pfn = start->nr_pages;
}

void xen_setup(const void *start_info)
{
    const struct start_info *start = start_info;
    const unsigned long *machine_to_physical = (void *)MACH2PHYS_VIRT_START;
    unsigned long console = machine_to_physical[start->console.domU.mfn];

    /* present, writable, of the guest's kernel */
    hypercall3(__HYPERVISOR_update_va_mapping, (long)shared_page, (long)(start->shared_info | 7),
               UVMF_INVLPG);
    say_where_memory_is(start);
    mailbox = (void *)((console << 12) + MAILBOX_OFFSET);
}

/* Only guests of one vCPU are of this kind. */
void xen_start_second(void (*entry)(void))
{
    (void)entry;
}
