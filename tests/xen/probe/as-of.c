/* A save file of xl as a host of another TSC frequency would have written it.
 *
 *   as-of KHZ FILE OUT
 *
 * The frequency stands in two places of the stream: in the record of the domain's TSC, and in the header of the
 * HVM context. Formats: docs/specs/libxl-migration-stream and libxc-migration-stream of Xen.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    XL_HEADER = 48,        /* xl's magic and four words, the last of which is the length of what follows */
    LIBXL_HEADER = 16,
    LIBXL_LIBXC = 1,
    LIBXC_HEADERS = 40,    /* the image's and the domain's */
    LIBXC_TSC_INFO = 8,
    LIBXC_HVM_CONTEXT = 9,
    TSC_INFO_KHZ = 4,      /* behind the mode */
    CONTEXT_KHZ = 8 + 20,  /* behind the descriptor, and the header's magic, version, changeset and CPUID */
};

static uint8_t *file;
static size_t length;
static unsigned changed;

static void die(const char *what)
{
    fprintf(stderr, "as-of: %s\n", what);
    exit(1);
}

static uint8_t *bytes(size_t at, size_t count)
{
    if (at > length || count > length - at)
        die("the file ends early");
    return file + at;
}

static uint32_t word(size_t at)
{
    uint32_t value;
    memcpy(&value, bytes(at, sizeof value), sizeof value);
    return le32toh(value);
}

static void set_khz(size_t at, uint32_t khz)
{
    fprintf(stderr, "as-of: %u kHz is now %u kHz\n", word(at), khz);
    khz = htole32(khz);
    memcpy(bytes(at, sizeof khz), &khz, sizeof khz);
    changed++;
}

/* The records of either stream: type, length, and a body that is padded to eight bytes. Answers where they end. */
static size_t records(size_t at, int of_libxl, uint32_t khz)
{
    for (;;) {
        uint32_t type = word(at), size = word(at + 4);
        at += 8;
        if (of_libxl && type == LIBXL_LIBXC) {
            at = records(at + LIBXC_HEADERS, 0, khz);
            continue;
        }
        if (!of_libxl && type == LIBXC_TSC_INFO)
            set_khz(at + TSC_INFO_KHZ, khz);
        if (!of_libxl && type == LIBXC_HVM_CONTEXT)
            set_khz(at + CONTEXT_KHZ, khz);
        at += ((size_t)size + 7) / 8 * 8;
        if (type == 0)
            return at;
    }
}

int main(int argc, char **argv)
{
    FILE *stream = argc == 4 ? fopen(argv[2], "rb") : NULL;

    if (!stream)
        die("usage: as-of KHZ FILE OUT");
    fseek(stream, 0, SEEK_END);
    length = (size_t)ftell(stream);
    rewind(stream);
    file = malloc(length);
    if (!file || fread(file, 1, length, stream) != length)
        die("the file cannot be read");
    fclose(stream);
    size_t libxl = XL_HEADER + word(XL_HEADER - 4);
    if (memcmp(file, "Xen saved domain", 16) || memcmp(bytes(libxl, 8), "LibxlFmt", 8))
        die("this is no file of xl save");
    records(libxl + LIBXL_HEADER, 1, (uint32_t)strtoul(argv[1], NULL, 10));
    if (changed != 2)
        die("the frequency does not stand in the file twice");
    stream = fopen(argv[3], "wb");
    if (!stream || fwrite(file, 1, length, stream) != length || fclose(stream))
        die("the other file cannot be written");
    return 0;
}
