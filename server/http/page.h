/* server/http/page.h: the files of the page, as they are in the program.
 *
 *   server/http/page/X ── gzip, by the Makefile ──► bytes in the program ──► GET, as they are
 *
 * They are sent compressed; who does not take that gets them inflated. A browser asks each time
 * whether its copy is still right (ETag). The page may load nothing from elsewhere, run no
 * script that stands in it, and be in no frame: its policy says so. */
#ifndef SERVER_HTTP_PAGE_H
#define SERVER_HTTP_PAGE_H

#include "server/http/http_handler.h"

/* For the rows of page_table.h: the file of the request's path. */
desk_work page_work;

/* The address of a dashboard as the API says it, /dash/17/my-title, leads to it on the page,
 * with what stands behind a question mark; that of an event, /event/event?id=17, to all. */
http_handler page_on_dashboard;
http_handler page_on_event;

#endif
