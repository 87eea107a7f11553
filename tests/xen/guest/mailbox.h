/* What the probe guest tells dom0, and the orders that dom0 gives it.
 *
 * It lies behind the rings in the page of the domain's PV console: guests of
 * every kind have that page, and dom0 finds it in xenstore (console/ring-ref).
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdint.h>

#define MAILBOX_OFFSET 3584u
#define MAILBOX_MAGIC 0x6b636f6cu

/* pit_ticks is the TSC's advance over this time by the PIT. */
#define PIT_MS 50u

enum order { ORDER_NONE, ORDER_RTC_ADD, ORDER_REBOOT, ORDER_HALT, ORDER_CRASH, ORDER_SOFT_RESET, ORDERS };

struct mailbox {
    uint32_t magic;         /* there once everything below has been filled */
    uint32_t beat;          /* odd while the guest writes */
    uint32_t order;         /* enum order, with its argument; */
    int32_t argument;
    uint32_t given;         /* dom0 counts this up afterwards */
    uint32_t obeyed;        /* the last one that was carried out */
    uint32_t cpuid_base;
    uint32_t pv_mul;        /* pvclock: scale of the TSC */
    int32_t pv_shift;
    uint32_t wc_sec;        /* pvclock: UTC (and the domain's offset) at system time 0 */
    uint32_t cmos;          /* the RTC's date and time, in seconds since 1970; 0 for none */
    uint32_t birth_cmos;
    uint32_t jumps;         /* how often the RTC has gone another way than system time, not by an order, */
    int32_t jumped;         /* and by how many seconds in all */
    uint32_t leaf[3][4];    /* CPUID base + 3, subleaves 0 to 2, EAX to EDX */
    uint32_t invtsc;        /* CPUID 80000007: an invariant TSC */
    uint32_t second;        /* the second vCPU counts this up, where there is one */
    uint32_t tsc_back;      /* how often an RDTSC was below the one before it, of either vCPU, */
    uint32_t unused;        /* what has 64 bits stands where it does in a 64-bit program */
    uint64_t tsc_gap;       /* and by how much it was above it at most */
    uint64_t birth_tsc;     /* RDTSC as the very first instruction */
    uint64_t tsc;           /* RDTSC and system time at the last beat */
    uint64_t system_ns;
    uint64_t birth_system_ns;
    uint64_t pit_ticks;     /* 0 without PIT */
};

#endif
