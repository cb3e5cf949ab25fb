/** Debian's kernel and busybox as a guest in v86, driven over its serial line. @module */
export {};
