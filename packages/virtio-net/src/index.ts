/** A virtio-net PCI card for virtual machine monitors. @module */
export {};
