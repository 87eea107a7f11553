/* The RTC in the CMOS, in seconds since 1970, whatever zone it is set to. */
#ifndef RTC_H
#define RTC_H

#include <stdint.h>

/* 0 without RTC. Good from 2000 to 2099, which is all that Xen's RTC knows. */
uint32_t rtc_read(void);
void rtc_write(uint32_t seconds);

#endif
