/* A guest that says which clocks it sees, and obeys dom0's orders. */
#include "cpu.h"
#include "rtc.h"
#include "xen.h"
#include <xen/sched.h>

#define barrier() __asm__ volatile("" ::: "memory")

/* Every RDTSC of every vCPU, compared with the one before it, whichever vCPU that was of. */
static volatile uint32_t tsc_lock;
static uint64_t tsc_last, tsc_gap;
static uint32_t tsc_back;
static volatile uint32_t second;

static uint64_t next_tsc(void)
{
    while (__sync_lock_test_and_set(&tsc_lock, 1))
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    uint64_t tsc = rdtsc();
    if (tsc < tsc_last)
        tsc_back++;
    else if (tsc_last && tsc - tsc_last > tsc_gap)
        tsc_gap = tsc - tsc_last;
    tsc_last = tsc;
    __sync_lock_release(&tsc_lock);
    return tsc;
}

/* The TSC's advance while channel 2 of the PIT counts down, and in *doubt how much of
 * it may have passed before and after. */
static uint64_t pit_once(uint64_t *doubt)
{
    const uint32_t count = 1193182 * PIT_MS / 1000;
    uint64_t before, started, running = 0, over;

    outb(0x61, (inb(0x61) & 0xfc) | 1);
    outb(0x43, 0xb0);
    outb(0x42, count & 255);
    before = rdtsc();
    outb(0x42, count >> 8);
    started = over = rdtsc();
    for (uint8_t port = 0; !(port & 0x20);) {
        running = over;
        if (running - started > 1ull << 33)
            return 0;
        port = inb(0x61);
        over = rdtsc();
    }
    *doubt = (over - before) - (running - started);
    return running - started + *doubt / 2;
}

/* Of several the one that is least in doubt: a vCPU may have to wait any time. */
static uint64_t pit_ticks(void)
{
    uint64_t best = 0, least = ~0ull;

    for (int n = 0; n < 8; n++) {
        uint64_t doubt = 0, ticks = pit_once(&doubt);
        if (ticks && doubt < least) {
            least = doubt;
            best = ticks;
        }
    }
    return best;
}

/* Xen's system time in ns, as xen/xen.h has it. */
static uint64_t system_ns(void)
{
    volatile struct vcpu_time_info *time = &shared_info->vcpu_info[0].time;
    uint32_t version;
    uint64_t ns;

    do {
        version = time->version;
        /* A restore has taken the shared page away: nothing is there until it is found again. */
        if (version == ~0u)
            return 0;
        barrier();
        uint64_t ticks = rdtsc() - time->tsc_timestamp;
        uint32_t mul = time->tsc_to_system_mul;
        int shift = time->tsc_shift;
        ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
        ns = time->system_time + (((ticks & 0xffffffff) * mul) >> 32) + (ticks >> 32) * mul;
        mailbox->pv_mul = mul;
        mailbox->pv_shift = shift;
        barrier();
    } while (version & 1 || version != time->version);
    return ns;
}

/* The RTC's jumps, as the guest has seen them; and how far it is ahead of system time, once that is known. */
static uint32_t jumps;
static int32_t jumped, ahead;
static int ahead_known;

static void watch_rtc(uint32_t cmos, uint64_t ns)
{
    uint32_t seconds = (uint32_t)ns, high = (uint32_t)(ns >> 32);

    if (!cmos)
        return;
    __asm__("divl %2" : "+a"(seconds), "+d"(high) : "r"(1000000000u));
    int32_t now = (int32_t)(cmos - seconds), jump = now - ahead;
    /* the two need not reach a new second together */
    if (ahead_known && jump >= -2 && jump <= 2)
        return;
    if (ahead_known) {
        jumps++;
        jumped += jump;
    }
    ahead = now;
    ahead_known = 1;
}

/* What was told at birth: a restore clears the console page, where the mailbox is. */
static struct mailbox birth;

/* Tells it once more, and finds the shared page again, which a restore takes away. */
static void tell_again(void)
{
    xen_setup(0);
    mailbox->cpuid_base = xen_cpuid_base;
    mailbox->birth_tsc = birth.birth_tsc;
    mailbox->birth_cmos = birth.birth_cmos;
    mailbox->birth_system_ns = birth.birth_system_ns;
    mailbox->pit_ticks = birth.pit_ticks;
    barrier();
    mailbox->magic = MAILBOX_MAGIC;
}

static void look(void)
{
    if (birth.magic && mailbox->magic != MAILBOX_MAGIC)
        tell_again();
    mailbox->beat++;
    barrier();
    for (uint32_t sub = 0; sub < 3; sub++) {
        uint32_t regs[4];
        cpuid(xen_cpuid_base + 3, sub, regs);
        for (int reg = 0; reg < 4; reg++)
            mailbox->leaf[sub][reg] = regs[reg];
    }
    uint32_t power[4];
    cpuid(0x80000007, 0, power);
    mailbox->invtsc = power[3] >> 8 & 1;
    if (xen_has_ports)
        mailbox->cmos = rtc_read();
    mailbox->wc_sec = shared_info->wc_sec;
    mailbox->system_ns = system_ns();
    mailbox->tsc = next_tsc();
    mailbox->tsc_back = tsc_back;
    mailbox->tsc_gap = tsc_gap;
    mailbox->second = second;
    watch_rtc(mailbox->cmos, mailbox->system_ns);
    mailbox->jumps = jumps;
    mailbox->jumped = jumped;
    barrier();
    mailbox->beat++;
}

static void leave(unsigned reason)
{
    struct sched_shutdown shutdown = { .reason = reason };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
}

static void obey(void)
{
    uint32_t given = mailbox->given;

    if (given == mailbox->obeyed)
        return;
    if (mailbox->order == ORDER_RTC_ADD) {
        rtc_write(rtc_read() + (uint32_t)mailbox->argument);
        ahead_known = 0;
        look();
    }
    mailbox->obeyed = given;
    switch (mailbox->order) {
    case ORDER_REBOOT:
        leave(SHUTDOWN_reboot);
        break;
    case ORDER_HALT:
        leave(SHUTDOWN_poweroff);
        break;
    case ORDER_CRASH:
        leave(SHUTDOWN_crash);
        break;
    case ORDER_SOFT_RESET:
        leave(SHUTDOWN_soft_reset);
        /* it goes on here, and an empty page is in the shared one's place */
        tell_again();
        break;
    }
}

static void nap(uint32_t ms)
{
    struct sched_poll poll = { .nr_ports = 0, .timeout = system_ns() + ms * 1000000ull };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

/* What the second vCPU does. */
static void watch_tsc(void)
{
    for (;;) {
        for (int n = 0; n < 16; n++)
            next_tsc();
        second++;
        nap(20);
    }
}

void probe(const void *start_info, uint64_t birth_tsc)
{
    xen_setup(start_info);
    mailbox->cpuid_base = xen_cpuid_base;
    mailbox->birth_tsc = birth_tsc;
    look();
    mailbox->birth_cmos = mailbox->cmos;
    mailbox->birth_system_ns = mailbox->system_ns;
    if (mailbox->cmos)
        mailbox->pit_ticks = pit_ticks();
    barrier();
    birth = *(struct mailbox *)mailbox;
    birth.magic = MAILBOX_MAGIC;
    mailbox->magic = MAILBOX_MAGIC;
    xen_start_second(watch_tsc);
    for (;;) {
        look();
        obey();
        nap(100);
    }
}
