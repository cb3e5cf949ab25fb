/** Virtqueues, device state and the PCI transports of VIRTIO. @module */
export * from "./net-spec.ts";
export * from "./spec.ts";
