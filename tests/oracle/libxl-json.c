/*
 * What the real libxl makes of configs in JSON: one a line on standard input, each answered by libxl's own print of
 * it, or by "refused", and a NUL. Runs without Xen, with noxen.so preloaded.
 */
#define _GNU_SOURCE
#include <libxl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xentoollog.h>

int main(void)
{
    xentoollog_logger *log = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    libxl_ctx *ctx = NULL;
    char *line = NULL;
    size_t size = 0;

    if (libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, log)) {
        fprintf(stderr, "libxl-json: no libxl\n");
        return 1;
    }
    while (getline(&line, &size, stdin) > 0) {
        libxl_domain_config config;
        char *json = NULL;

        libxl_domain_config_init(&config);
        if (!libxl_domain_config_from_json(ctx, &config, line))
            json = libxl_domain_config_to_json(ctx, &config);
        fputs(json ? json : "refused", stdout);
        putchar('\0');
        free(json);
        libxl_domain_config_dispose(&config);
    }
    free(line);
    libxl_ctx_free(ctx);
    xtl_logger_destroy(log);
    return 0;
}
