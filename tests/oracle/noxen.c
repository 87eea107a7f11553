/*
 * Preloaded into xl, this stands in for the hypervisor and for xenstore, so that `xl create -n` runs on a machine
 * without Xen: it only parses. It answers the few questions that xl asks on its way there; whatever else xl asked
 * would go to the real library, which fails for want of a hypervisor, and the test with it.
 */
#define _GNU_SOURCE
#define XC_WANT_COMPAT_EVTCHN_API
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenstore.h>

/* Handles are only passed around. */
static long xen, store;

xc_interface *xc_interface_open(xentoollog_logger *log, xentoollog_logger *debug, unsigned flags)
{
    (void)log, (void)debug, (void)flags;
    return (xc_interface *)&xen;
}

int xc_interface_close(xc_interface *handle)
{
    (void)handle;
    return 0;
}

/* The hypervisor's release and its command line; with a dom0_mem there xl leaves dom0's memory alone. */
int xc_version(xc_interface *handle, int question, void *answer)
{
    (void)handle;
    switch (question) {
    case XENVER_version:
        return 4 << 16 | 17;
    case XENVER_pagesize:
        return 4096;
    case XENVER_commandline:
        strcpy(answer, "dom0_mem=512M");
        return 0;
    case XENVER_extraversion:
    case XENVER_changeset:
    case XENVER_capabilities:
        *(char *)answer = '\0';
        return 0;
    case XENVER_compile_info:
        memset(answer, 0, sizeof(xen_compile_info_t));
        return 0;
    case XENVER_platform_parameters:
        memset(answer, 0, sizeof(xen_platform_parameters_t));
        return 0;
    default:
        errno = ENOSYS;
        return -1;
    }
}

/* Since Xen 4.20 the texts have functions of their own. */
char *xc_xenver_commandline(xc_interface *handle)
{
    (void)handle;
    return strdup("dom0_mem=512M");
}

#define EMPTY(question)                                  \
    char *xc_xenver_##question(xc_interface *handle)     \
    {                                                    \
        (void)handle;                                    \
        return strdup("");                               \
    }
EMPTY(extraversion)
EMPTY(capabilities)
EMPTY(changeset)
EMPTY(buildid)

/* A machine of many processors that can do what any can. */
enum { CPUS = 64 };

int xc_physinfo(xc_interface *handle, xc_physinfo_t *info)
{
    (void)handle;
    memset(info, 0, sizeof *info);
    info->threads_per_core = 1;
    info->cores_per_socket = info->nr_cpus = CPUS;
    info->max_cpu_id = CPUS - 1;
    info->nr_nodes = 8;
    info->total_pages = info->free_pages = 1 << 24;
    info->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_hap;
    return 0;
}

/* All of them in one NUMA node. */
int xc_cputopoinfo(xc_interface *handle, unsigned *max_cpus, xc_cputopo_t *topology)
{
    (void)handle;
    if (topology)
        for (unsigned cpu = 0; cpu < *max_cpus && cpu < CPUS; cpu++)
            topology[cpu] = (xc_cputopo_t){ .core = cpu, .socket = 0, .node = 0 };
    *max_cpus = CPUS;
    return 0;
}

long xc_sharing_freed_pages(xc_interface *handle)
{
    (void)handle;
    return 0;
}

long xc_sharing_used_frames(xc_interface *handle)
{
    (void)handle;
    return 0;
}

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    return (struct xs_handle *)&store;
}

void xs_close(struct xs_handle *handle)
{
    (void)handle;
}

/* libxl's names for the two before Xen 4.15. */
struct xs_handle *xs_daemon_open(void)
{
    return xs_open(0);
}

void xs_daemon_close(struct xs_handle *handle)
{
    xs_close(handle);
}

/* This machine's /etc/xen/xl.conf would colour the result: xl sees an empty one. */
int libxl_read_file_contents(void *ctx, const char *name, void **data, int *length)
{
    int (*real)(void *, const char *, void **, int *) = dlsym(RTLD_NEXT, "libxl_read_file_contents");

    if (strcmp(name, "/etc/xen/xl.conf") != 0)
        return real(ctx, name, data, length);
    *data = calloc(1, 1);
    *length = 0;
    return *data ? 0 : ENOMEM;
}
