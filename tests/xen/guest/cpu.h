/* The instructions that the probe is about. */
#ifndef CPU_H
#define CPU_H

#include <stdint.h>

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* A PV guest's CPUID is the host's, unless it is asked for in this way. */
#ifdef __x86_64__
#define GUEST_CPUID ".byte 0x0f,0x0b,0x78,0x65,0x6e; cpuid"
#else
#define GUEST_CPUID "cpuid"
#endif

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    __asm__ volatile(GUEST_CPUID
                     : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
                     : "0"(leaf), "2"(subleaf));
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

#endif
