/*
 * The native baseline for TAP: what the path between a virtqueue and the kernel costs in C, and what a program in C
 * does that waits for frames. The interfaces have the flags that vmmkit's have: IFF_TAP | IFF_NO_PI, and with the
 * offloads IFF_VNET_HDR.
 *
 *   tap send BYTES                  frames from a split virtqueue to the kernel, one writev each
 *   tap receive BYTES               frames from the kernel to a split virtqueue, one readv each
 *       answer "round MILLISECONDS" and "warm MILLISECONDS" with nanoseconds per frame, the median of the batches of
 *       that time
 *   tap echo NAME                   a new interface whose frames come back: poll, read, write
 *   tap forward NETNS NAME NETNS NAME   two persistent interfaces joined, segments and all: poll, read, write
 *       say "ready" and go on until standard input ends
 *   tap ping                        answers "ping NAME COUNT" with the median round trip to an echo in nanoseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { RING = 256, HEADER_BYTES = 12, MAX_BATCHES = 1 << 16, LONG_FRAME = 9018, FRAMES_PER_TURN = 64 };
enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };
enum { ETHERTYPE = 0x88b5, ETH_BYTES = 14, IGNORE_OUTGOING = 23 };

struct desc {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

static struct {
  uint8_t *ram;
  uint64_t ram_bytes;
  struct desc *table;
  uint16_t *avail; /* flags, idx, ring */
  uint16_t *used16;
  uint32_t *used32;
  uint16_t last_avail, used_idx;
} queue;

static double samples[MAX_BATCHES];
static uint8_t buffer[HEADER_BYTES + 65536 + 64];

static void fail(const char *what) {
  fprintf(stderr, "tap: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double d = *(const double *)a - *(const double *)b;
  return d < 0 ? -1 : d > 0;
}

static double median(int count) {
  qsort(samples, (size_t)count, sizeof *samples, ascending);
  return samples[count / 2];
}

/* Opens a TAP interface, with the virtio-net header and all offloads where `vnet` is set. */
static int open_tap(const char *name, int vnet) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0)};
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail("TUNSETIFF");
  if (vnet) {
    const int bytes = HEADER_BYTES, little_endian = 1;
    if (ioctl(fd, TUNSETVNETHDRSZ, &bytes) < 0 || ioctl(fd, TUNSETVNETLE, &little_endian) < 0) fail("header");
    if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0) fail("offloads");
  }
  return fd;
}

static void bring_up(const char *name) {
  struct ifreq request = {0};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) fail("SIOCGIFFLAGS");
  request.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) fail("SIOCSIFFLAGS");
  close(fd);
}

/* The host's end of an interface: what it writes is read from the TAP descriptor, and the other way round. */
static int open_peer(const char *name, int vnet) {
  const int on = 1, room = 64 << 20;
  /* Segments are cut by what they are: the socket must not say that all frames are of one kind. */
  const uint16_t protocol = htons(vnet ? ETH_P_ALL : ETHERTYPE);
  const int fd = socket(AF_PACKET, SOCK_RAW, protocol);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = (int)if_nametoindex(name)};
  if (fd < 0) fail("packet socket");
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  setsockopt(fd, SOL_PACKET, IGNORE_OUTGOING, &on, sizeof on);
  if (vnet && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) fail("PACKET_VNET_HDR");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  return fd;
}

/* A frame for somebody else, or for the TAP's reader. Long ones are TCP segments to be cut. */
static void make_frame(uint8_t *header, uint8_t *frame, uint32_t bytes) {
  static const uint8_t start[] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, ETHERTYPE >> 8, ETHERTYPE & 0xff};
  memset(header, 0, HEADER_BYTES);
  memset(frame, 0x5a, bytes);
  memcpy(frame, start, sizeof start);
  if (bytes <= LONG_FRAME) return;
  const uint16_t fields[] = {54, 1448, 34, 16}; /* hdr_len, gso_size, csum_start, csum_offset */
  const uint16_t length = htons((uint16_t)(bytes - ETH_BYTES));
  header[0] = header[1] = 1; /* NEEDS_CSUM, GSO_TCPV4 */
  memcpy(header + 2, fields, sizeof fields);
  memcpy(frame + 12, "\x08\x00\x45\x00", 4);
  memcpy(frame + 16, &length, 2);
  memcpy(frame + 20, "\0\0", 2); /* no fragment */
  frame[23] = 6;
  memcpy(frame + 46, "\x50\x10", 2); /* a header of 20 bytes with ACK */
}

/* Puts the ranges of a chain behind `count`, without the header where it is not wanted. Negative for nonsense. */
static inline int walk(unsigned head, unsigned writable, unsigned skip, struct iovec *ranges) {
  unsigned index = head, steps = RING, count = 0;
  uint64_t total = 0;
  for (;;) {
    if (steps-- == 0) return -1;
    const struct desc d = queue.table[index];
    if (d.flags & F_INDIRECT) return -2;
    if (((d.flags & F_WRITE) != 0) != writable) return -3;
    total += d.length;
    if (total >> 32) return -4;
    if (d.address >= queue.ram_bytes || d.length > queue.ram_bytes - d.address) return -5;
    if (d.length > skip) {
      ranges[count++] = (struct iovec){queue.ram + d.address + skip, d.length - skip};
      skip = 0;
    } else {
      skip -= d.length;
    }
    if (!(d.flags & F_NEXT)) return (int)count;
    index = d.next;
    if (index >= RING) return -6;
  }
}

/* One batch. Answers how many frames passed. */
static int pass(int tap, unsigned writable, int vnet) {
  const uint16_t idx = __atomic_load_n(&queue.avail[1], __ATOMIC_SEQ_CST);
  struct iovec ranges[RING];
  int frames = 0;
  for (; queue.last_avail != idx; queue.last_avail++, frames++) {
    const unsigned head = queue.avail[2 + queue.last_avail % RING];
    if (head >= RING) return -1;
    const int count = walk(head, writable, vnet ? 0 : HEADER_BYTES, ranges);
    if (count < 0) return count;
    const ssize_t done = writable ? readv(tap, ranges, count) : writev(tap, ranges, count);
    if (done < 0 && errno == EAGAIN) break;
    if (done < 0) fail(writable ? "readv" : "writev");
    if (writable && !vnet) memset(queue.ram + queue.table[head].address, 0, HEADER_BYTES);
    const unsigned at = 1 + 2 * (queue.used_idx % RING);
    queue.used32[at] = head;
    queue.used32[at + 1] = writable ? (uint32_t)done + (vnet ? 0 : HEADER_BYTES) : 0;
    queue.used_idx++;
  }
  __atomic_store_n(&queue.used16[1], queue.used_idx, __ATOMIC_SEQ_CST);
  return frames;
}

/* The driver's side: chain i is descriptor 2i, the header, and 2i + 1, the payload. */
static void set_up(unsigned writable, uint32_t bytes, int batch) {
  const uint64_t slot_bytes = 64 + ((uint64_t)bytes + 63) / 64 * 64;
  const uint16_t direction = writable ? F_WRITE : 0;
  queue.ram_bytes = (1 << 20) + (uint64_t)batch * slot_bytes;
  queue.ram_bytes = (queue.ram_bytes + 4095) / 4096 * 4096;
  queue.ram = aligned_alloc(4096, queue.ram_bytes);
  if (queue.ram == NULL) fail("memory");
  memset(queue.ram, 0, queue.ram_bytes);
  queue.table = (struct desc *)queue.ram;
  queue.avail = (uint16_t *)(queue.ram + 16 * RING);
  queue.used16 = (uint16_t *)(queue.ram + 8192);
  queue.used32 = (uint32_t *)queue.used16;
  for (int i = 0; i < batch; i++) {
    const uint64_t slot = (1 << 20) + (uint64_t)i * slot_bytes;
    queue.table[2 * i] = (struct desc){slot, HEADER_BYTES, (uint16_t)(direction | F_NEXT), (uint16_t)(2 * i + 1)};
    queue.table[2 * i + 1] = (struct desc){slot + 64, bytes, direction, 0};
    make_frame(queue.ram + slot, queue.ram + slot + 64, bytes);
  }
}

/* One chain more than there are frames to receive, so that the last look finds none. */
static void fill(int batch) {
  const uint16_t idx = queue.last_avail;
  for (int i = 0; i < batch; i++) queue.avail[2 + (uint16_t)(idx + i) % RING] = (uint16_t)(2 * i);
  __atomic_store_n(&queue.avail[1], (uint16_t)(idx + batch), __ATOMIC_SEQ_CST);
}

static double round_of(int tap, int peer, unsigned writable, uint32_t bytes, double milliseconds) {
  const int vnet = bytes > LONG_FRAME, frames = vnet ? 16 : 127;
  /* The header of a packet socket has ten bytes. */
  uint8_t header[HEADER_BYTES], *const feed = vnet ? buffer : buffer + 10;
  int count = 0;
  make_frame(header, buffer + 10, bytes);
  memcpy(buffer, header, 10);
  for (const double end = now_ns() + milliseconds * 1e6; now_ns() < end && count < MAX_BATCHES;) {
    for (int i = 0; writable && i < frames; i++) {
      if (write(peer, feed, (vnet ? 10 : 0) + bytes) < 0) fail("feed");
    }
    fill(frames + (writable ? 1 : 0));
    const double start = now_ns();
    const int passed = pass(tap, writable, vnet);
    const double took = now_ns() - start;
    if (passed != frames) {
      fprintf(stderr, "tap: a batch of %d frames answered %d\n", frames, passed);
      exit(1);
    }
    samples[count++] = took / frames;
  }
  return median(count);
}

static void answer_rounds(unsigned writable, uint32_t bytes) {
  const int vnet = bytes > LONG_FRAME;
  const int tap = open_tap("native0", vnet);
  char line[64];
  double milliseconds;
  bring_up("native0");
  const int peer = open_peer("native0", vnet);
  set_up(writable, bytes, vnet ? 17 : 128);
  while (fgets(line, sizeof line, stdin) && sscanf(line, "%*s %lf", &milliseconds) == 1) {
    printf("%.2f\n", round_of(tap, peer, writable, bytes, milliseconds));
    fflush(stdout);
  }
}

/* Waits for one of some descriptors, the last of which is standard input. Answers 0 when that has ended. */
static int wait_for(struct pollfd *fds, int count) {
  uint8_t byte;
  while (poll(fds, (nfds_t)count, -1) < 0) {
    if (errno != EINTR) fail("poll");
  }
  return fds[count - 1].revents == 0 || read(0, &byte, 1) > 0;
}

static void echo(const char *name) {
  struct pollfd fds[] = {{open_tap(name, 0), POLLIN, 0}, {0, POLLIN, 0}};
  bring_up(name);
  puts("ready");
  fflush(stdout);
  while (wait_for(fds, 2)) {
    const ssize_t bytes = read(fds[0].fd, buffer, sizeof buffer);
    uint8_t address[6];
    if (bytes < ETH_BYTES) continue;
    memcpy(address, buffer, 6);
    memcpy(buffer, buffer + 6, 6);
    memcpy(buffer + 6, address, 6);
    if (write(fds[0].fd, buffer, (size_t)bytes) < 0 && errno != EAGAIN) fail("write");
  }
}

static int open_in(const char *network, const char *name) {
  const int fd = open(network, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) fail(network);
  close(fd);
  return open_tap(name, 1);
}

static void forward(char **place) {
  const int one = open_in(place[0], place[1]), two = open_in(place[2], place[3]);
  struct pollfd fds[] = {{one, POLLIN, 0}, {two, POLLIN, 0}, {0, POLLIN, 0}};
  puts("ready");
  fflush(stdout);
  while (wait_for(fds, 3)) {
    for (int side = 0; side < 2; side++) {
      if (fds[side].revents == 0) continue;
      for (int left = FRAMES_PER_TURN; left > 0; left--) {
        const ssize_t bytes = read(fds[side].fd, buffer, sizeof buffer);
        if (bytes < 0) break;
        if (write(fds[1 - side].fd, buffer, (size_t)bytes) < 0 && errno != EAGAIN && errno != EINVAL) fail("write");
      }
    }
  }
}

static double ping(const char *name, int count) {
  const int peer = open_peer(name, 0);
  struct pollfd fds = {peer, POLLIN, 0};
  uint8_t header[HEADER_BYTES], frame[64], answer[128];
  make_frame(header, frame, sizeof frame);
  for (int i = 0; i < count; i++) {
    const double start = now_ns();
    if (write(peer, frame, sizeof frame) < 0) fail("ping");
    if (poll(&fds, 1, 5000) != 1 || read(peer, answer, sizeof answer) < 0) fail("no echo");
    samples[i] = now_ns() - start;
  }
  close(peer);
  return median(count);
}

static void answer_pings(void) {
  char line[64], name[IFNAMSIZ];
  int count;
  while (fgets(line, sizeof line, stdin) && sscanf(line, "ping %15s %d", name, &count) == 2) {
    printf("%.0f\n", ping(name, count < MAX_BATCHES ? count : MAX_BATCHES));
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "send") == 0 && argc == 3) answer_rounds(0, (uint32_t)atoi(argv[2]));
  else if (strcmp(mode, "receive") == 0 && argc == 3) answer_rounds(1, (uint32_t)atoi(argv[2]));
  else if (strcmp(mode, "echo") == 0 && argc == 3) echo(argv[2]);
  else if (strcmp(mode, "forward") == 0 && argc == 6) forward(argv + 2);
  else if (strcmp(mode, "ping") == 0 && argc == 2) answer_pings();
  else return fprintf(stderr, "usage: tap send|receive BYTES, echo NAME, forward NETNS NAME NETNS NAME, ping\n"), 2;
  return 0;
}
