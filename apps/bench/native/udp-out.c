/*
 * A process in a 32-bit Linux guest that sends datagrams of 22 bytes, frames of 64, as fast as it can.
 *
 * Usage: udp-out ADDRESS PORT, both as plain decimal numbers in network byte order. There is no C library: the guest has
 * none, and the compiler of a 64-bit machine comes without that of a 32-bit one.
 */
enum { EXIT = 1, SOCKET = 359, CONNECT = 362, SENDTO = 369 };
enum { AF_INET = 2, SOCK_DGRAM = 2, DATAGRAM_BYTES = 22 };

struct address {
  unsigned short family, port;
  unsigned int ip;
  char zero[8];
};

static int call(int number, int a, const void *b, int c, int d, int e) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
  return result;
}

static unsigned int number(const char *text) {
  unsigned int value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (unsigned int)(*text - '0');
  return value;
}

__attribute__((used)) static void run(const int *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  static const char datagram[DATAGRAM_BYTES];
  if (stack[0] == 3) {
    struct address to = {AF_INET, (unsigned short)number(argv[2]), number(argv[1]), {0}};
    int fd = call(SOCKET, AF_INET, (const void *)SOCK_DGRAM, 0, 0, 0);
    if (call(CONNECT, fd, &to, sizeof to, 0, 0) == 0)
      for (;;) call(SENDTO, fd, datagram, DATAGRAM_BYTES, 0, 0);
  }
  call(EXIT, 1, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall run\n");
