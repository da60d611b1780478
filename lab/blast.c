// blast: replays a capture from memory through a packet socket, as a mirror port that carries as much as it can.
//
// usage: blast INTERFACE CAPTURE [--rate FRAMES_PER_SECOND] [--passes N] [--most FRAMES] [--processor N]
//                                 [--seconds N] [--and-then CAPTURE --every-ms N]
//
// Rate 0 (the default) is as fast as it goes. The first pass sends the octets as the capture has them, a further one with
// other sequence numbers. It ends after N passes (default 1; 0: never), after so many frames or seconds, whichever is
// first, and prints one line of JSON.
// `--and-then` sends the first frames of a second capture, one every N milliseconds, between those of the first: events to
// be noticed under load. With `--rate none` nothing else is sent.
//
// In C, as no safe interface in Rust reaches the packet socket's own address and sends many frames with one system
// call: the one that is at hand (pnet) makes two calls a frame, and then the sender is what is measured.
// It reads classic captures of this machine's octet order, up to 4 GiB, and sends where it is told to: to a virtual cable.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_HEADER = 24, RECORD_HEADER = 16, AT_ONCE = 64 };

struct capture {
    uint8_t *octets;
    uint64_t length, at;
};

static void stop(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void wait_until(double due) {
    for (double left; (left = due - now()) > 0;)
        if (left > 0.0002) usleep((useconds_t)((left - 0.0001) * 1e6));
}

static struct capture load(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status)) stop(path);
    uint8_t *octets = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (octets == MAP_FAILED) stop(path);
    uint32_t magic = 0;
    if (status.st_size >= FILE_HEADER) memcpy(&magic, octets, 4);
    if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) {
        fprintf(stderr, "blast: %s is no classic capture of this machine's octet order\n", path);
        exit(2);
    }
    close(file);
    return (struct capture){octets, (uint64_t)status.st_size, FILE_HEADER};
}

// The next frame; false at the end.
static int next(struct capture *from, struct iovec *frame) {
    uint32_t length;
    if (from->at + RECORD_HEADER > from->length) return 0;
    memcpy(&length, from->octets + from->at + 8, 4);
    if (from->at + RECORD_HEADER + length > from->length) return 0;
    frame->iov_base = (from->octets + from->at + RECORD_HEADER);
    frame->iov_len = length;
    from->at += RECORD_HEADER + length;
    return 1;
}

// Adds to a 32-bit number of a segment and mends the checksum for it (RFC 1624, equation 3).
static void add(uint8_t *number, uint32_t more, uint8_t *checksum) {
    uint32_t old, sum;
    uint16_t check;
    memcpy(&old, number, 4);
    memcpy(&check, checksum, 2);
    uint32_t renewed = htonl(ntohl(old) + more);
    sum = (uint16_t)~check + (uint16_t)~(old & 0xffff) + (uint16_t)~(old >> 16) + (renewed & 0xffff) + (renewed >> 16);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    check = (uint16_t)~sum;
    memcpy(number, &renewed, 4);
    memcpy(checksum, &check, 2);
}

// Before a further pass, TCP over IPv4 gets sequence numbers beyond those of the last: the same connections opened anew.
// Sent again as they were, they would be repetitions, which nobody has to parse.
static void renew(struct capture *all) {
    enum { ETHERNET = 14, MORE = 1 << 28, ACKNOWLEDGES = 16 };
    struct iovec frame;
    for (all->at = FILE_HEADER; next(all, &frame);) {
        uint8_t *ip = (uint8_t *)frame.iov_base + ETHERNET, *tcp = ip + (ip[0] & 15) * 4;
        if (frame.iov_len < ETHERNET + 40 || ip[-2] != 8 || ip[-1] || ip[0] >> 4 != 4 || ip[9] != 6) continue;
        if (tcp + 20 > (uint8_t *)frame.iov_base + frame.iov_len) continue;
        add(tcp + 4, MORE, tcp + 16);
        if (tcp[13] & ACKNOWLEDGES) add(tcp + 8, MORE, tcp + 16);
    }
    all->at = FILE_HEADER;
}

static int cable(const char *interface) {
    int cable = socket(AF_PACKET, SOCK_RAW, 0);
    if (cable < 0) stop("packet socket");
    int yes = 1, room = 8 << 20;
    // Past the queueing discipline: what the cable does not take is told at once instead of being dropped.
    if (setsockopt(cable, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes)) stop("PACKET_QDISC_BYPASS");
    setsockopt(cable, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface)};
    if (!address.sll_ifindex || bind(cable, (void *)&address, sizeof address)) stop(interface);
    return cable;
}

static uint64_t retries;

static void send_all(int cable, struct mmsghdr *messages, unsigned count) {
    for (unsigned sent = 0; sent < count;) {
        int some = sendmmsg(cable, messages + sent, count - sent, 0);
        if (some > 0) sent += (unsigned)some;
        else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) retries++;
        else stop("sendmmsg");
    }
}

int main(int count, char **words) {
    double rate = 0, seconds = 1e18, every = 0;
    uint64_t most = UINT64_MAX, passes = 1;
    struct capture events = {0};
    int alone = 0;
    if (count < 3) {
        fprintf(stderr, "usage: blast INTERFACE CAPTURE [--rate R] [--passes N] [--most N] [--processor N] [--seconds N] "
                        "[--and-then CAPTURE --every-ms N]\n");
        return 2;
    }
    for (int i = 3; i + 1 < count; i += 2) {
        const char *word = words[i], *value = words[i + 1];
        if (!strcmp(word, "--rate")) alone = !strcmp(value, "none"), rate = atof(value);
        else if (!strcmp(word, "--passes")) passes = strtoull(value, NULL, 10);
        else if (!strcmp(word, "--most")) most = strtoull(value, NULL, 10);
        else if (!strcmp(word, "--seconds")) seconds = atof(value);
        else if (!strcmp(word, "--and-then")) events = load(value);
        else if (!strcmp(word, "--every-ms")) every = atof(value) / 1e3;
        else if (!strcmp(word, "--processor")) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(atoi(value), &one);
            if (sched_setaffinity(0, sizeof one, &one)) stop("--processor");
        } else {
            fprintf(stderr, "blast: what is %s?\n", word);
            return 2;
        }
    }
    struct capture load_from = load(words[2]);
    int to = cable(words[1]);
    struct mmsghdr messages[AT_ONCE] = {0};
    struct iovec frames[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++)
        messages[i].msg_hdr.msg_iov = frames + i, messages[i].msg_hdr.msg_iovlen = 1;

    uint64_t sent = 0, octets = 0, told = 0;
    double begin = now(), next_event = begin + every;
    while (sent < most && now() - begin < seconds) {
        unsigned some = 0;
        if (events.octets && now() >= next_event && next(&events, frames)) {
            next_event += every;
            told++;
            some = 1;
        } else if (alone) {
            if (!events.octets || events.at + RECORD_HEADER > events.length) break;
            wait_until(next_event);
            continue;
        }
        // Under a given rate as many at once as a millisecond holds, so that the load is even.
        unsigned limit = rate > 0 && rate < AT_ONCE * 1e3 ? (unsigned)(rate / 1e3) + 1 : AT_ONCE;
        while (!alone && some < limit && sent + some < most && next(&load_from, frames + some)) some++;
        if (!some) {
            if (!--passes) break;
            renew(&load_from);
            continue;
        }
        if (rate > 0) wait_until(begin + (double)(sent + some) / rate);
        send_all(to, messages, some);
        for (unsigned i = 0; i < some; i++) octets += frames[i].iov_len;
        sent += some;
    }
    double took = now() - begin;
    printf("{\"sent\":%lu,\"events\":%lu,\"octets\":%lu,\"seconds\":%.4f,\"rate\":%.0f,\"retries\":%lu}\n", sent, told,
           octets, took, (double)sent / took, retries);
    return 0;
}
