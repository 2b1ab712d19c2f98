/* server/receive/cgroup.h: the memory limit of the control groups that this process is in.
 *
 *   /proc/self/cgroup       our group, seen from the root of our name space
 *   /proc/self/mountinfo    where groups are mounted, and which group is there
 *
 * A group's limit holds for all below it, so the smallest on the way up counts. In a
 * container the mount may begin at our own group, whatever path the first file tells;
 * what is above it cannot be seen, but version 1 sums it up in memory.stat. Version 1,
 * version 2, and both beside each other. */
#ifndef SERVER_RECEIVE_CGROUP_H
#define SERVER_RECEIVE_CGROUP_H

#include <stdint.h>

enum { CGROUP_PATH_MAX = 1024 };

struct cgroup_limit {
    int64_t bytes;              /* 0: none */
    char from[CGROUP_PATH_MAX]; /* the file that says so */
};

/* Both files are named here for tests: "/proc/self/cgroup", "/proc/self/mountinfo". */
void cgroup_limit_find(struct cgroup_limit *out, const char *groups, const char *mounts);

#endif
