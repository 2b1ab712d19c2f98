/* server/program_pages.h: the pages of the program's file, and of those of its libraries.
 *
 * A start runs much that never runs again: libraries set themselves up, symbols are looked up,
 * settings are read. The kernel maps the pages of the files around each that is touched,
 * sixteen at once, and leaves them mapped as long as it is not short of memory: of an idle
 * server that is most of what it is seen to take. So what was only read is given back once when
 * the start is over. It stays in the system's page cache, from where a page that is used again
 * comes back within a microsecond and without the disk. */
#ifndef SERVER_PROGRAM_PAGES_H
#define SERVER_PROGRAM_PAGES_H

/* Gives back the segments, code and constants, that nobody may write. One of which a page was
 * written all the same, by a debugger or a probe, stays whole; so does what the system does not
 * tell of. Any thread, while all others run. */
void program_pages_give_back(void);

#endif
