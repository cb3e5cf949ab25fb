/** What the server takes at most, whatever the client wants. */
export const Limits = {
  /** Longest data of one region access. */
  dataBytes: 65_536,
  /** Longest message behind its header: the data and what is said of it. */
  bodyBytes: 65_600,
  /** Descriptors with one message. QEMU sends interrupts of several messages so. */
  descriptors: 8,
  /** DMA mappings at a time. */
  dmaMaps: 1024,
} as const;
