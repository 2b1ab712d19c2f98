/* server/http/process.h: what the system says of this process. 0: it does not say. */
#ifndef SERVER_HTTP_PROCESS_H
#define SERVER_HTTP_PROCESS_H

#include <stdint.h>

uint64_t process_resident_bytes(void);
double process_cpu_seconds(void); /* user and system time */

#endif
