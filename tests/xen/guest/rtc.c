#include "rtc.h"
#include "cpu.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10, STATUS_B = 11 };
enum { UPDATING = 0x80, HALTED = 0x80, BINARY = 0x04 };

static uint8_t get(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static void put(uint8_t reg, uint8_t value)
{
    outb(0x70, reg);
    outb(0x71, value);
}

static int is_leap(uint32_t year)
{
    return year % 4 == 0;
}

static uint32_t days_in(uint32_t month, uint32_t year)
{
    if (month == 2)
        return is_leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static uint32_t number(uint8_t raw, int binary)
{
    return binary ? raw : (raw >> 4) * 10u + (raw & 15);
}

uint32_t rtc_read(void)
{
    uint32_t days = 10957; /* from 1970 to 2000 */
    uint32_t year, month;
    int binary;

    if (get(MONTH) == 0xff)
        return 0;
    for (int i = 0; i < 100000 && get(STATUS_A) & UPDATING; i++)
        ;
    binary = get(STATUS_B) & BINARY;
    year = 2000 + number(get(YEAR), binary);
    month = number(get(MONTH), binary);
    for (uint32_t y = 2000; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (uint32_t m = 1; m < month; m++)
        days += days_in(m, year);
    days += number(get(DAY), binary) - 1;
    return ((days * 24 + number(get(HOURS), binary)) * 60 + number(get(MINUTES), binary)) * 60 +
           number(get(SECONDS), binary);
}

void rtc_write(uint32_t seconds)
{
    uint32_t days = seconds / 86400 - 10957, rest = seconds % 86400, year = 2000, month = 1;
    uint8_t status = get(STATUS_B);

    for (; days >= (is_leap(year) ? 366u : 365u); year++)
        days -= is_leap(year) ? 366 : 365;
    for (; days >= days_in(month, year); month++)
        days -= days_in(month, year);
    const struct { uint8_t reg; uint32_t value; } fields[] = {
        { SECONDS, rest % 60 }, { MINUTES, rest / 60 % 60 }, { HOURS, rest / 3600 },
        { DAY, days + 1 },      { MONTH, month },            { YEAR, year - 2000 },
    };
    put(STATUS_B, status | HALTED);
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint32_t value = fields[i].value;
        put(fields[i].reg, (uint8_t)(status & BINARY ? value : value / 10 << 4 | value % 10));
    }
    put(STATUS_B, status & ~HALTED);
}
