/* dom0's hands for the tests: what Xen says of a domain's clocks, what the probe
 * guest in it sees, and the orders it is given. Facts come out as KEY=VALUE lines.
 *
 *   xprobe host                          the machine
 *   xprobe look DOMID [RATE_MS]          Xen's view and the guest's
 *   xprobe xen DOMID                     Xen's view alone
 *   xprobe state DOMID                   where its vCPU and its mailbox stand, whatever they are doing
 *   xprobe order DOMID rtc-add SECONDS | reboot | halt | crash | soft-reset
 *   xprobe set-tsc DOMID MODE KHZ        xc_domain_set_tsc_info and nothing else
 *   xprobe hold PID KHZ                  stops a process once a domain with this TSC frequency is there
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h> /* before Xen's public headers: it asks for the tools' half of them */
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xenforeignmemory.h>
#include <xenstore.h>
#include "../guest/mailbox.h"

enum { PATIENCE_S = 60 };

/* Exit status where the guest has said nothing at all. */
enum { SILENT = 3 };

static xc_interface *xen;
static uint32_t domid;

static void die(const char *what)
{
    fprintf(stderr, "xprobe: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show(const char *key, int64_t value)
{
    printf("%s=%" PRId64 "\n", key, value);
}

/* The host. */

static void host(void)
{
    xc_physinfo_t info = { 0 };
    uint32_t a, b, c, d;

    if (xc_physinfo(xen, &info))
        die("xc_physinfo");
    show("host_khz", info.cpu_khz);
    show("free_mib", (int64_t)(info.free_pages / 256));
    /* a PV dom0 is given Xen's leaves when it asks with Xen's prefix */
    __asm__ volatile(".byte 0x0f,0x0b,0x78,0x65,0x6e; cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0x40000003), "2"(0));
    show("host_reliable", a >> 1 & 1);
}

/* Xen's view of the domain. */

static void show_param(const char *key, uint32_t param)
{
    uint64_t value;

    if (xc_hvm_param_get(xen, domid, param, &value))
        printf("%s=none\n", key);
    else
        printf(param == HVM_PARAM_VIRIDIAN ? "%s=%#" PRIx64 "\n" : "%s=%" PRIu64 "\n", key, value);
}

static void xen_view(void)
{
    uint32_t mode, khz, incarnation;
    uint64_t elapsed;
    HVM_SAVE_TYPE(RTC) rtc = { 0 };

    if (xc_domain_get_tsc_info(xen, domid, &mode, &elapsed, &khz, &incarnation))
        die("xc_domain_get_tsc_info");
    show("tsc_mode", mode);
    show("tsc_khz", khz);
    show("tsc_elapsed_ms", (int64_t)(elapsed / 1000000));
    show("incarnation", incarnation);
    if (xc_domain_hvm_getcontext_partial(xen, domid, HVM_SAVE_CODE(RTC), 0, &rtc, sizeof rtc))
        printf("rtc_offset=none\n");
    else
        show("rtc_offset", rtc.rtc_offset);
    show_param("timer_mode", HVM_PARAM_TIMER_MODE);
    show_param("hpet", HVM_PARAM_HPET_ENABLED);
    show_param("vpt_align", HVM_PARAM_VPT_ALIGN);
    show_param("viridian", HVM_PARAM_VIRIDIAN);
}

/* The guest's view. */

static xen_pfn_t console_page(void)
{
    char path[64];
    unsigned length;
    struct xs_handle *store = xs_open(0);

    snprintf(path, sizeof path, "/local/domain/%u/console/ring-ref", domid);
    char *text = store ? xs_read(store, XBT_NULL, path, &length) : NULL;
    if (!text)
        die(path);
    xen_pfn_t page = strtoull(text, NULL, 10);
    free(text);
    xs_close(store);
    return page;
}

static volatile struct mailbox *map_mailbox(void)
{
    xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
    xen_pfn_t frame = console_page();
    int error = 0;

    char *page = memory ? xenforeignmemory_map(memory, domid, PROT_READ | PROT_WRITE, 1, &frame, &error) : NULL;
    if (!page || error)
        die("cannot map the guest's console page");
    return (void *)(page + MAILBOX_OFFSET);
}

/* Waits a moment for the guest; ends the program once the guest has had its time, or is gone. */
static void wait_for_guest(double since, unsigned us, const char *complaint, int status)
{
    xc_domaininfo_t info;

    if (seconds(CLOCK_MONOTONIC) > since + PATIENCE_S ||
        xc_domain_getinfolist(xen, domid, 1, &info) != 1 || info.domain != domid) {
        fprintf(stderr, "xprobe: %s\n", complaint);
        exit(status);
    }
    usleep(us);
}

/* Waits until the guest has filled its mailbox. */
static volatile struct mailbox *mailbox(void)
{
    volatile struct mailbox *box = map_mailbox();
    double since = seconds(CLOCK_MONOTONIC);

    while (box->magic != MAILBOX_MAGIC)
        wait_for_guest(since, 5000, "the guest says nothing", SILENT);
    return box;
}

/* Where the domain stands, for one that says nothing. */
static void state(void)
{
    xc_domaininfo_t info;
    HVM_SAVE_TYPE(CPU) cpu = { 0 };
    vcpu_guest_context_any_t context;

    if (xc_domain_getinfolist(xen, domid, 1, &info) != 1 || info.domain != domid)
        die("no such domain");
    show("stopped", !!(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused)));
    printf("flags=%#x\n", info.flags);
    show("cpu_time_ms", (int64_t)(info.cpu_time / 1000000));
    if (!xc_domain_hvm_getcontext_partial(xen, domid, HVM_SAVE_CODE(CPU), 0, &cpu, sizeof cpu))
        printf("rip=%#" PRIx64 "\nrsp=%#" PRIx64 "\nrflags=%#" PRIx64 "\ncr0=%#" PRIx64 "\ntsc=%" PRIu64 "\n", cpu.rip, cpu.rsp,
               cpu.rflags, cpu.cr0, cpu.tsc);
    else if (!xc_vcpu_getcontext(xen, domid, 0, &context))
        printf("rip=%#" PRIx64 "\nrsp=%#" PRIx64 "\n", context.x64.user_regs.rip, context.x64.user_regs.rsp);
    volatile struct mailbox *box = map_mailbox();
    printf("magic=%#x\n", box->magic);
    show("beat", box->beat);
    show("given", box->given);
    show("obeyed", box->obeyed);
    printf("look_tsc=%" PRIu64 "\nsystem_ns=%" PRIu64 "\n", box->tsc, box->system_ns);
}

/* The guest's next look that begins after now. */
static struct mailbox next_look(volatile struct mailbox *box)
{
    struct mailbox copy;
    uint32_t beat = box->beat;
    double since = seconds(CLOCK_MONOTONIC);

    beat += 2 + (beat & 1);
    do {
        while ((int32_t)(box->beat - beat) < 0)
            wait_for_guest(since, 200, "the guest has stopped", 1);
        __sync_synchronize();
        beat = box->beat;
        memcpy(&copy, (const void *)box, sizeof copy);
        __sync_synchronize();
    } while (beat & 1 || box->beat != beat);
    return copy;
}

static double pvclock_khz(const struct mailbox *look)
{
    double khz = 1e6 * 4294967296.0 / look->pv_mul;
    return look->pv_shift < 0 ? khz * (double)(1u << -look->pv_shift) : khz / (double)(1u << look->pv_shift);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The TSC's rate by dom0's clock: the median of the slopes between looks. A look that
 * is seen late, because a vCPU had to wait, then does no harm. */
static double rate_khz(volatile struct mailbox *box, unsigned ms)
{
    enum { LOOKS = 16 };
    double at[LOOKS], slopes[LOOKS * LOOKS];
    uint64_t tsc[LOOKS];
    unsigned count = 0;

    for (unsigned n = 0; n < LOOKS; n++) {
        tsc[n] = next_look(box).tsc;
        at[n] = seconds(CLOCK_MONOTONIC);
        for (unsigned before = 0; before < n; before++)
            if (at[n] - at[before] > ms / 3000.0)
                slopes[count++] = (double)(tsc[n] - tsc[before]) / (at[n] - at[before]) / 1000;
        usleep(ms * 1000 / LOOKS);
    }
    qsort(slopes, count, sizeof *slopes, by_value);
    return count ? slopes[count / 2] : 0;
}

static void guest_view(unsigned rate_ms)
{
    volatile struct mailbox *box = mailbox();
    struct mailbox look = next_look(box);
    double now = seconds(CLOCK_REALTIME);
    uint32_t khz = look.leaf[0][2];

    show("emulated", look.leaf[0][0] & 1);
    show("host_reliable", look.leaf[0][0] >> 1 & 1);
    show("leaf_mode", look.leaf[0][1]);
    show("leaf_khz", khz);
    show("leaf_incarnation", look.leaf[0][3]);
    show("leaf_host_khz", look.leaf[2][0]);
    printf("birth_tsc=%" PRIu64 "\n", look.birth_tsc);
    show("birth_ms", khz ? (int64_t)(look.birth_tsc / khz) : -1);
    show("tsc_ms", khz ? (int64_t)(look.tsc / khz) : -1);
    show("invtsc", look.invtsc);
    show("tsc_back", look.tsc_back);
    show("tsc_gap_ms", khz ? (int64_t)(look.tsc_gap / khz) : -1);
    printf("second=%s\n", !look.second ? "none" : next_look(box).second != look.second ? "runs" : "stands");
    show("pv_khz", (int64_t)(pvclock_khz(&look) + 0.5));
    if (look.pit_ticks)
        show("pit_khz", (int64_t)(look.pit_ticks / PIT_MS));
    if (look.cmos) {
        show("cmos", look.cmos);
        show("birth_cmos", look.birth_cmos);
        show("cmos_offset", (int64_t)look.cmos - (int64_t)now);
        show("jumps", look.jumps);
        show("jumped", look.jumped);
    } else {
        printf("cmos=none\nbirth_cmos=none\ncmos_offset=none\n");
    }
    /* the wallclock counts from Xen's boot */
    show("birth_wallclock", (int64_t)look.wc_sec + (int64_t)(look.birth_system_ns / 1000000000));
    show("wc_offset", (int64_t)look.wc_sec + (int64_t)(look.system_ns / 1000000000) - (int64_t)now);
    if (rate_ms)
        show("rate_khz", (int64_t)rate_khz(box, rate_ms));
}

static int order(const char *word, int32_t argument)
{
    static const char *const words[ORDERS] = {
        [ORDER_RTC_ADD] = "rtc-add", [ORDER_REBOOT] = "reboot",         [ORDER_HALT] = "halt",
        [ORDER_CRASH] = "crash",     [ORDER_SOFT_RESET] = "soft-reset",
    };
    volatile struct mailbox *box = mailbox();
    uint32_t which = ORDERS - 1;

    while (which && strcmp(words[which], word))
        which--;
    if (!which)
        return 2;
    box->order = which;
    box->argument = argument;
    __sync_synchronize();
    uint32_t number = box->obeyed + 1;
    box->given = number;
    double since = seconds(CLOCK_MONOTONIC);
    while (box->obeyed != number)
        wait_for_guest(since, 10000, "the guest does not obey", 1);
    return 0;
}

/* Catches a toolstack between its setting of a new domain's TSC and its unpause. */
static void hold(pid_t toolstack, uint32_t wanted)
{
    double until = seconds(CLOCK_MONOTONIC) + PATIENCE_S;
    xc_domaininfo_t domains[16];

    while (seconds(CLOCK_MONOTONIC) < until) {
        int count = xc_domain_getinfolist(xen, 1, sizeof domains / sizeof *domains, domains);
        for (int i = 0; i < count; i++) {
            uint32_t mode, khz, incarnation;
            uint64_t elapsed;
            if (xc_domain_get_tsc_info(xen, domains[i].domain, &mode, &elapsed, &khz, &incarnation) || khz != wanted)
                continue;
            kill(toolstack, SIGSTOP);
            xc_domain_getinfolist(xen, domains[i].domain, 1, domains);
            show("paused", !!(domains[0].flags & XEN_DOMINF_paused));
            show("ran", domains[0].cpu_time != 0);
            return;
        }
        usleep(100);
    }
    fprintf(stderr, "xprobe: no such domain came\n");
    exit(1);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    const char *arg3 = argc > 3 ? argv[3] : "0", *arg4 = argc > 4 ? argv[4] : "0";

    domid = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (!(xen = xc_interface_open(NULL, NULL, 0)))
        die("xc_interface_open");
    if (!strcmp(command, "host")) {
        host();
    } else if (!strcmp(command, "xen") && argc > 2) {
        xen_view();
    } else if (!strcmp(command, "state") && argc > 2) {
        state();
    } else if (!strcmp(command, "look") && argc > 2) {
        guest_view((unsigned)strtoul(arg3, NULL, 10));
        xen_view();
    } else if (!strcmp(command, "order") && argc > 3) {
        return order(arg3, (int32_t)strtol(arg4, NULL, 10));
    } else if (!strcmp(command, "set-tsc") && argc > 4) {
        if (xc_domain_set_tsc_info(xen, domid, (uint32_t)strtoul(arg3, NULL, 10), 0, (uint32_t)strtoul(arg4, NULL, 10), 0))
            die("xc_domain_set_tsc_info");
    } else if (!strcmp(command, "hold") && argc > 3) {
        hold((pid_t)domid, (uint32_t)strtoul(arg3, NULL, 10));
    } else {
        fprintf(stderr, "usage: see xprobe.c\n");
        return 2;
    }
    return 0;
}
