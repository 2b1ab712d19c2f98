#include "server/receive/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "server/receive/gro.h"
#include "server/receive/listener_udp.h"
#include "server/receive/listener_unix.h"

bool listeners_open(struct listeners *listeners, const struct settings *settings,
                    uint32_t workers, struct inherited_sockets *inherited, char *problem,
                    size_t problem_size)
{
    snprintf(problem, problem_size, "not enough memory for the listeners");
    *listeners = (struct listeners){
        calloc(UDP_LISTENERS_MAX + UNIX_LISTENERS_MAX, sizeof *listeners->at), 0, inherited
    };
    bool opened = listeners->at != NULL &&
                  udp_listeners_open(listeners, settings, workers, problem, problem_size) &&
                  unix_listeners_open(listeners, settings, workers, problem, problem_size);

    if (opened && (listeners->n > 0 || !settings->dogstatsd_require_listener))
        return true;
    if (opened)
        snprintf(problem, problem_size,
                 "dogstatsd_require_listener: there is no socket to receive on");
    listeners_close(listeners);
    return false;
}

void listeners_remove_files(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (!listeners->at[i].kept)
            socket_file_remove(&listeners->at[i].file);
}

void listeners_close(struct listeners *given)
{
    for (size_t i = 0; i < given->n; i++)
        listener_close(&given->at[i]);
    free(given->at);
    *given = (struct listeners){ 0 };
}

void listeners_keep(struct listeners *listeners, void (*keep)(int fd))
{
    for (size_t i = 0; i < listeners->n; i++) {
        struct listener *listener = &listeners->at[i];

        listener->kept = true;
        for (uint32_t w = 0; w < listener_n_own(listener); w++)
            keep(listener->sockets[w].fd);
    }
}

void listeners_gate(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (!listener_gate(&listeners->at[i]))
            log_warn("server: %s cannot be gated: %s", listeners->at[i].name, strerror(errno));
}

void listeners_leave(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        listener_leave(&listeners->at[i]);
}

bool listeners_coalesce(const struct listeners *listeners)
{
    bool coalesce = false;

    for (size_t i = 0; i < listeners->n; i++)
        for (uint32_t w = 0; w < listeners->at[i].n_sockets; w++)
            coalesce = coalesce || gro_is_asked(listeners->at[i].sockets[w].fd);
    return coalesce;
}

uint64_t listener_sum(const struct listener *listener,
                      uint64_t (*read)(const struct listener_socket *))
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < listener->n_sockets; i++)
        sum += read(&listener->sockets[i]);
    return sum;
}

uint64_t listeners_sum(const struct listeners *listeners,
                       uint64_t (*read)(const struct listener_socket *))
{
    uint64_t sum = 0;

    for (size_t i = 0; i < listeners->n; i++)
        sum += listener_sum(&listeners->at[i], read);
    return sum;
}
