/*
 * cfg-bench FILE ROUNDS: the time that libxlutil takes to parse an xl.cfg in memory, without any of xl's own work on its
 * keys: the median, in nanoseconds.
 */
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int by_size(const void *left, const void *right)
{
    long long a = *(const long long *)left, b = *(const long long *)right;

    return (a > b) - (a < b);
}

int main(int count, char **words)
{
    static char text[1 << 20];
    int rounds = count == 3 ? atoi(words[2]) : 0;
    FILE *file = rounds > 0 ? fopen(words[1], "r") : NULL;
    long long *took = calloc(rounds > 0 ? rounds : 1, sizeof *took);

    if (!file || !took) {
        fprintf(stderr, "usage: cfg-bench FILE ROUNDS\n");
        return 2;
    }
    int length = (int)fread(text, 1, sizeof text, file);

    fclose(file);
    for (int round = 0; round < rounds; round++) {
        long long start = now();
        XLU_Config *config = xlu_cfg_init(stderr, words[1]);

        if (!config || xlu_cfg_readdata(config, text, length))
            return 1;
        xlu_cfg_destroy(config);
        took[round] = now() - start;
    }
    qsort(took, rounds, sizeof *took, by_size);
    printf("%lld\n", took[rounds / 2]);
    return 0;
}
