/** Virtqueues, device state and the PCI transports of VIRTIO. @module */
export {};
