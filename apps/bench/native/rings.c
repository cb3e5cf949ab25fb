/*
 * The native baseline: what a virtio-net device's inner loop costs in C, with the checks that such a loop needs and
 * nothing else. One split virtqueue of 256 entries, two descriptors a frame (header and payload), BATCH frames (1 to
 * 128, all of them if it is left out) at a time.
 *
 *   rings collect BYTES [BATCH [QUEUES]]    walk the chains, check each descriptor, put (address, length) of each into
 *                                           arrays
 *   rings transmit BYTES [BATCH [QUEUES]]   the same, and copy the payload out of guest memory
 *   rings receive BYTES [BATCH [QUEUES]]    the same, write a header and copy a payload into guest memory
 *
 * With several queues, each in a guest memory of its own, batches take turns among them.
 *
 * Reads lines "round MILLISECONDS", or "warm" for "round", from standard input and answers each with nanoseconds per
 * frame: the median of the batches of that time. Only the device's side is timed; the driver fills the ring in between.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RING = 256, MOST_FRAMES = 128, HEADER_BYTES = 12, MAX_BATCHES = 1 << 16, MAX_QUEUES = 64 };
/* What a frame has of guest memory. A power of two would put all headers into a few sets of the caches. */
enum { SLOT_BYTES = 2112 };
enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };

struct desc {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

static struct queue {
  uint8_t *ram;
  uint64_t ram_bytes;
  struct desc *table;
  uint16_t *avail; /* flags, idx, ring */
  uint16_t *used16;
  uint32_t *used32;
  uint16_t last_avail, used_idx;
} queues[MAX_QUEUES];
/* The one whose turn it is, by value: its fields are at fixed places, as a single one's would be. */
static struct queue queue;

static const uint8_t *range_at[2 * MOST_FRAMES];
static uint32_t range_bytes[2 * MOST_FRAMES];
static uint8_t host[MOST_FRAMES][SLOT_BYTES];
static double batch_ns[MAX_BATCHES];
static int frames_a_batch;

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Puts the ranges of a chain behind `count`. Negative where the guest wrote nonsense. */
static inline int walk(unsigned head, unsigned writable, int count) {
  unsigned index = head, steps = RING, skip = HEADER_BYTES;
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
      range_at[count] = queue.ram + d.address + skip;
      range_bytes[count++] = d.length - skip;
      skip = 0;
    } else {
      skip -= d.length;
    }
    if (!(d.flags & F_NEXT)) return count;
    index = d.next;
    if (index >= RING) return -6;
  }
}

/* One batch. The three kinds are constants at each call, so the compiler makes three loops of it. */
static inline __attribute__((always_inline)) int batch(int copies, unsigned writable, uint32_t bytes) {
  uint16_t idx = __atomic_load_n(&queue.avail[1], __ATOMIC_SEQ_CST);
  int frames = 0, ranges = 0;
  for (; queue.last_avail != idx; queue.last_avail++, frames++) {
    const unsigned head = queue.avail[2 + queue.last_avail % RING];
    if (head >= RING) return -1;
    const int first = copies ? 0 : ranges;
    const int end = walk(head, writable, first);
    if (end < 0) return end;
    ranges = end;
    uint32_t done = 0;
    if (copies && writable) {
      memset((uint8_t *)range_at[0] - HEADER_BYTES, 0, HEADER_BYTES);
      for (int i = 0; i < end && done < bytes; i++) {
        const uint32_t n = range_bytes[i] < bytes - done ? range_bytes[i] : bytes - done;
        memcpy((uint8_t *)range_at[i], host[frames] + done, n);
        done += n;
      }
      done += HEADER_BYTES;
    } else if (copies) {
      for (int i = 0; i < end; i++) {
        if (done + range_bytes[i] > SLOT_BYTES) return -7;
        memcpy(host[frames] + done, range_at[i], range_bytes[i]);
        done += range_bytes[i];
      }
      done = 0;
    }
    const unsigned at = 1 + 2 * (queue.used_idx % RING);
    queue.used32[at] = head;
    queue.used32[at + 1] = done;
    queue.used_idx++;
  }
  __atomic_store_n(&queue.used16[1], queue.used_idx, __ATOMIC_SEQ_CST);
  return frames;
}

/* The driver's side: chain i is descriptor 2i, the header, and 2i + 1, the payload. */
static void set_up(void) {
  queue.ram_bytes = 4 << 20;
  queue.ram = aligned_alloc(4096, queue.ram_bytes);
  if (queue.ram == NULL) exit(1);
  memset(queue.ram, 0, queue.ram_bytes);
  queue.table = (struct desc *)queue.ram;
  queue.avail = (uint16_t *)(queue.ram + 16 * RING);
  queue.used16 = (uint16_t *)(queue.ram + 8192);
  queue.used32 = (uint32_t *)queue.used16;
}

static void fill(int writable, uint32_t bytes) {
  const uint16_t idx = queue.avail[1], direction = writable ? F_WRITE : 0;
  for (unsigned i = 0; i < (unsigned)frames_a_batch; i++) {
    const unsigned number = (idx + i) % MOST_FRAMES;
    const uint64_t slot = (1 << 20) + (uint64_t)number * SLOT_BYTES;
    struct desc *header = &queue.table[2 * number];
    if (!writable) memset(queue.ram + slot, 0, HEADER_BYTES);
    header[0] = (struct desc){slot, HEADER_BYTES, (uint16_t)(direction | F_NEXT), (uint16_t)(2 * number + 1)};
    header[1] = (struct desc){slot + 64, bytes, direction, 0};
    queue.avail[2 + (uint16_t)(idx + i) % RING] = (uint16_t)(2 * number);
  }
  __atomic_store_n(&queue.avail[1], (uint16_t)(idx + frames_a_batch), __ATOMIC_SEQ_CST);
}

static int ascending(const void *a, const void *b) {
  const double d = *(const double *)a - *(const double *)b;
  return d < 0 ? -1 : d > 0;
}

static double round_of(const char *mode, uint32_t bytes, int queue_count, double milliseconds) {
  int count = 0;
  for (const double end = now_ns() + milliseconds * 1e6; now_ns() < end && count < MAX_BATCHES;) {
    struct queue *turn = &queues[count % queue_count];
    queue = *turn;
    fill(mode[0] == 'r', bytes);
    const double start = now_ns();
    const int frames = mode[0] == 'c'   ? batch(0, 0, bytes)
                       : mode[0] == 't' ? batch(1, 0, bytes)
                                        : batch(1, 1, bytes);
    const double took = now_ns() - start;
    if (frames != frames_a_batch) {
      fprintf(stderr, "rings: a batch of %d frames answered %d\n", frames_a_batch, frames);
      exit(1);
    }
    batch_ns[count++] = took;
    *turn = queue;
  }
  qsort(batch_ns, (size_t)count, sizeof *batch_ns, ascending);
  return batch_ns[count / 2] / frames_a_batch;
}

/* What a pair of looks at the clock costs: it is in every batch. */
static double clock_ns(void) {
  for (int i = 0; i < 10001; i++) {
    const double start = now_ns();
    batch_ns[i] = now_ns() - start;
  }
  qsort(batch_ns, 10001, sizeof *batch_ns, ascending);
  return batch_ns[5000];
}

int main(int argc, char **argv) {
  const char *mode = argc >= 3 && argc <= 5 ? argv[1] : "";
  const long bytes = *mode ? atol(argv[2]) : 0, queue_count = argc == 5 ? atol(argv[4]) : 1;
  frames_a_batch = argc >= 4 ? atoi(argv[3]) : MOST_FRAMES;
  if ((strcmp(mode, "collect") && strcmp(mode, "transmit") && strcmp(mode, "receive")) || bytes < 1 ||
      bytes > SLOT_BYTES - 64 || frames_a_batch < 1 || frames_a_batch > MOST_FRAMES || queue_count < 1 ||
      queue_count > MAX_QUEUES) {
    fprintf(stderr, "usage: rings collect|transmit|receive BYTES [BATCH [QUEUES]]\n");
    return 2;
  }
  for (int i = 0; i < queue_count; i++) {
    set_up();
    queues[i] = queue;
  }
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *argument = strchr(line, ' ');
    const double milliseconds = argument == NULL ? 0 : atof(argument);
    const double ns = round_of(mode, (uint32_t)bytes, (int)queue_count, milliseconds) - clock_ns() / frames_a_batch;
    printf("%.4f\n", ns);
    fflush(stdout);
  }
  return 0;
}
